"""The body of a response that has none."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import MessageReference
from arazzo_runner.lint.analysis.references import pinpoint
from arazzo_runner.lint.inspection import Inspection

CODE = "no-response-body"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look at what reads `$response.body` of a step that passes with 204, 205 or 304 only, as documented."""
    for use in program.uses:
        expression = use.expression
        if use.step is None or use.role not in ("output", "criterion") or not isinstance(expression, MessageReference):
            continue
        answers = program.forecast.answers(use.workflow, use.step)
        if answers is None or (expression.message, expression.part) != ("response", "body") or not answers.has_no_body:
            continue
        operation = answers.operation
        statuses = ", ".join(sorted(answers.passed_keys))
        message = f"{expression}: {operation.method} {operation.path} answers {statuses}, which has no body"
        hint = "read $statusCode or a header, or read the body of another operation"
        at = pinpoint(expression, use.at, program.description.raw)
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
