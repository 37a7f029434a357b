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
    duplicate_enum_value,
    duplicate_reference,
    duplicate_replacement,
    duplicate_source_url,
    endless_loop,
    endless_recursion,
    enum_type_mismatch,
    impossible_range,
    impossible_status,
    inputs_not_object,
    invalid_default,
    invalid_example,
    invalid_schema,
    missing_dollar,
    mixed_range,
    no_response_here,
    response_too_early,
    retry_limits,
    schema_type_mismatch,
    similar_names,
    skipped_step_output,
    step_never_reached,
    undefined_required,
    unknown_input_property,
    unknown_keyword,
    unknown_request_part,
    unknown_response_member,
    unknown_schema,
    unknown_source_field,
    unknown_workflow_input,
    unused_component,
    unused_input,
    unused_output,
    unused_source,
)

RULES: tuple[Rule, ...] = (
    # shape
    duplicate_enum_value,
    enum_type_mismatch,
    impossible_range,
    inputs_not_object,
    invalid_default,
    invalid_example,
    invalid_schema,
    mixed_range,
    schema_type_mismatch,
    undefined_required,
    unknown_keyword,
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
    unknown_schema,
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
    action_never_taken,
    endless_loop,
    endless_recursion,
    retry_limits,
    skipped_step_output,
    step_never_reached,
    # openapi
    unknown_response_member,
)
