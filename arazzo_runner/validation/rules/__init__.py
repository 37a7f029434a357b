"""The rules, one module each, listed by hand in the order in which they run.

What the loader itself reports while it reads, links and compiles counts as rules too: see
`validation/catalogue.py` for all codes.
"""

from __future__ import annotations

from arazzo_runner.validation.rule import Rule
from arazzo_runner.validation.rules import (
    duplicate_criterion,
    duplicate_reference,
    duplicate_replacement,
    duplicate_source_url,
    similar_names,
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
)
