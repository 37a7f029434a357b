"""The rules, one module each, listed by hand in the order in which they run.

What the loader itself reports while it reads, links and compiles counts as rules too: see
`validation/catalogue.py` for all codes.
"""

from __future__ import annotations

from arazzo_runner.validation.rule import Rule
from arazzo_runner.validation.rules import (
    action_never_taken,
    braces_make_text,
    constant_condition,
    contradicting_criteria,
    doubtful_braces,
    duplicate_criterion,
    duplicate_reference,
    duplicate_replacement,
    duplicate_source_url,
    endless_loop,
    endless_recursion,
    impossible_status,
    missing_dollar,
    no_response_here,
    response_too_early,
    retry_limits,
    similar_names,
    skipped_step_output,
    step_never_reached,
    unknown_input_property,
    unknown_request_part,
    unknown_response_member,
    unknown_source_field,
    unknown_workflow_input,
    unused_component,
    unused_input,
    unused_output,
    unused_source,
)

RULES: tuple[Rule, ...] = (
    # names
    duplicate_criterion,
    duplicate_reference,
    duplicate_replacement,
    duplicate_source_url,
    similar_names,
    unused_component,
    unused_input,
    unused_output,
    unused_source,
    # references
    unknown_input_property,
    unknown_request_part,
    unknown_source_field,
    unknown_workflow_input,
    # language
    braces_make_text,
    constant_condition,
    contradicting_criteria,
    doubtful_braces,
    impossible_status,
    missing_dollar,
    no_response_here,
    response_too_early,
    # flow
    step_never_reached,
    endless_loop,
    endless_recursion,
    action_never_taken,
    retry_limits,
    skipped_step_output,
    # openapi
    unknown_response_member,
)
