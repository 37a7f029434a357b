"""A pattern that may take very long on some texts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import QueryCriterion

CODE = "regex-not-linear"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True

_FORMS: Final = (
    (
        re.compile(r"\((?:\?:|\?<\w+>)?(?:[^()\\|]|\\.){0,80}[*+]\)[*+](?![?])"),
        "repeats what repeats itself: on some texts a backtracking engine never ends",
        "repeat once: (a+)+ is a+",
    ),
    (
        re.compile(r"\(\?<?[=!]"),
        "looks around, which no linear-time engine can do; it is searched under a time limit",
        "test it with a second criterion",
    ),
    (
        re.compile(r"(?<!\\)(?:\\\\)*\\(?:[1-9]|k<)"),
        "refers back to a group, which no linear-time engine can do; it is searched under a time limit",
        "compare the parts with criteria of their own",
    ),
)
"""How it looks, what it does, what to write instead."""


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Repeats of repeats run away in engines that backtrack; lookaround and back references need such an engine."""
    for criteria in program.compiled_criteria:
        for criterion in criteria:
            if not isinstance(criterion, QueryCriterion) or criterion.kind != "regex":
                continue
            for pattern, what, hint in _FORMS:
                found = pattern.search(criterion.text)
                if found is not None:
                    at = criterion.at.within(found.start(), len(found.group()))
                    message = f"{found.group()} {what}"
                    yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
                    break
