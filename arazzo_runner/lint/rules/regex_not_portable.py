"""A pattern that is no regular expression of ECMA-262 everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import QueryCriterion

CODE = "regex-not-portable"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True

_FORMS: Final = (
    (re.compile(r"\(\?P<[A-Za-z_]\w*>"), "a group name as Python writes it", "write (?<name>…)"),
    (
        re.compile(r"\(\?[ims]*(?:-[ims]+)?[:)](?<!\(\?:)"),
        "a modifier that only the newest engines of ECMA-262 know",
        "write both cases, as in [Ee]rror",
    ),
    (
        re.compile(r"\[\[:\^?[a-z]+:\]"),
        "a class of POSIX, which ECMA-262 reads as single characters",
        "write [A-Za-z] or \\\\d",
    ),
)
"""How it looks, what it is, what to write instead."""


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Forms that some engines of ECMA-262 refuse, or read otherwise, though this project takes them."""
    for criteria in program.compiled_criteria:
        for criterion in criteria:
            if not isinstance(criterion, QueryCriterion) or criterion.kind != "regex":
                continue
            for pattern, what, hint in _FORMS:
                found = pattern.search(criterion.text)
                if found is not None:
                    message = f"{found.group()} is {what}"
                    at = criterion.at.within(found.start(), len(found.group()))
                    yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
                    break
