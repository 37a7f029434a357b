"""An expression that reads the response of a step whose request is still being built."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import Keyword, MessageReference
from arazzo_runner.lint.analysis.uses import sent
from arazzo_runner.lint.inspection import Inspection

CODE = "response-too-early"
SEVERITY = Severity.ERROR
GROUP = "language"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Parameters, payloads and replacements are worked out before there is a request or a response."""
    for _, step in program.compiled_steps:
        for expression, at, role in sent(step):
            if not isinstance(expression, (Keyword, MessageReference)):
                continue
            if isinstance(expression, Keyword) and expression.name == "self":
                continue
            message = f"{expression} has no value yet: a {role} is worked out before the request is sent"
            hint = "make it an output of the step before, and read $steps.<stepId>.outputs.<name>"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
