"""The rules, one module each, listed by hand in the order in which they run.

What the loader itself reports while it reads, links and compiles counts as rules too: see
`validation/catalogue.py` for all codes.
"""

from __future__ import annotations

from arazzo_runner.validation.rule import Rule
from arazzo_runner.validation.rules import unused_input

RULES: tuple[Rule, ...] = (
    # names
    unused_input,
)
