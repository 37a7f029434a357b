"""An expression that reads a part of the request that the step does not send."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import MessageReference
from arazzo_runner.lint.analysis.uses import BEFORE
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.model import CompiledStep, OperationCall

CODE = "unknown-request-part"
SEVERITY = Severity.WARNING
GROUP = "references"
DEFAULT = True

_AUTOMATIC: Final = frozenset(
    ("authorization", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "host", "cookie",
     "connection", "transfer-encoding")
)  # fmt: skip


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`$request.` speaks of this step's own request: what is no parameter and no body of it is never there."""
    for use in program.uses:
        step, expression = use.step, use.expression
        if step is None or use.role in BEFORE or not isinstance(step.call, OperationCall):
            continue
        if not isinstance(expression, MessageReference) or expression.message != "request":
            continue
        if not _is_sent(expression, step, step.call):
            message = f'step "{step.step_id}" sends no {_what(expression)}, so {expression} has no value'
            hint = names_hint(expression.name or "", _sent(step, expression.part)) or "read what the step sends"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=use.at, hint=hint)


def _is_sent(expression: MessageReference, step: CompiledStep, call: OperationCall) -> bool:
    name = expression.name or ""
    if expression.part in ("body", "payload"):
        return step.body is not None
    if expression.part == "header":
        own = {each.lower() for each in _sent(step, "header")}
        keys = (scheme.get("name") for scheme in call.operation.security_schemes.values() if isinstance(scheme, dict))
        return name.lower() in own | _AUTOMATIC | {str(key).lower() for key in keys}
    sent = _sent(step, expression.part)
    return name in sent or any(parameter.location == "querystring" for parameter in step.parameters)


def _sent(step: CompiledStep, part: str) -> list[str]:
    return [parameter.name for parameter in step.parameters if parameter.location == part]


def _what(expression: MessageReference) -> str:
    return "body" if expression.part in ("body", "payload") else f'{expression.part} parameter "{expression.name}"'
