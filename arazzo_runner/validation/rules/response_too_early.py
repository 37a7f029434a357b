"""An expression that reads the response of a step whose request is still being built."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.diagnostics import Diagnostic, Severity
from arazzo_runner.expressions.nodes import Keyword, MessageReference
from arazzo_runner.validation.inspection import Inspection
from arazzo_runner.validation.uses import BEFORE

CODE = "response-too-early"
SEVERITY = Severity.ERROR
GROUP = "language"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Parameters, payloads and replacements are worked out before there is a request or a response."""
    for use in program.uses:
        if use.role not in BEFORE or not isinstance(use.expression, (Keyword, MessageReference)):
            continue
        if isinstance(use.expression, Keyword) and use.expression.name == "self":
            continue
        message = f"{use.expression} has no value yet: a {use.role} is worked out before the request is sent"
        hint = "make it an output of the step before, and read $steps.<stepId>.outputs.<name>"
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=use.at, hint=hint)
