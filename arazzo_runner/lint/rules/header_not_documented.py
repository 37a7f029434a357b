"""A response header that no response of the operation is described to have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import MessageReference
from arazzo_runner.lint.analysis.references import pinpoint
from arazzo_runner.lint.analysis.uses import BEFORE
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.model import OperationCall

CODE = "header-not-documented"
SEVERITY = Severity.INFO
GROUP = "openapi"
DEFAULT = True

# Headers that any server may send (RFC 9110 and friends): few descriptions list them.
USUAL: Final = frozenset(
    {"accept-ranges", "age", "allow", "cache-control", "connection", "content-disposition", "content-encoding",
     "content-language", "content-length", "content-location", "content-range", "content-type", "date", "etag",
     "expires", "last-modified", "link", "location", "retry-after", "server", "set-cookie", "vary", "via",
     "www-authenticate"}
)  # fmt: skip


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Look every `$response.header.X` up in the headers of the documented responses."""
    for use in program.uses:
        expression, step = use.expression, use.step
        if not isinstance(expression, MessageReference) or expression.message != "response" or step is None:
            continue
        if expression.part != "header" or not isinstance(step.call, OperationCall) or use.role in BEFORE:
            continue
        name = expression.name or ""
        known = sorted({each for response in step.call.operation.responses.values() for each in response.headers})
        if name.lower() in USUAL or name.lower() in {each.lower() for each in known}:
            continue
        message = f'no documented response has a header "{name}"'
        hint = names_hint(name, known) or "look the headers up in the description; many leave them out"
        at = pinpoint(expression, use.at, program.description.raw)
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)
