"""A step that sends credentials over plain http."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledStep, OperationCall

CODE = "insecure-server"
SEVERITY = Severity.WARNING
GROUP = "safety"
DEFAULT = True

_HERE: Final = ("127.0.0.1", "::1", "0.0.0.0")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Told once for each source and server, with the first step; servers on this machine are fine."""
    told: set[tuple[str, str]] = set()
    sources = {source.name: source.at.child("url") for source in program.description.source_descriptions}
    for _, step in program.compiled_steps:
        call = step.call
        if not isinstance(call, OperationCall) or call.source not in sources or (call.source, call.server) in told:
            continue
        what = _credential(step, call) if _is_plain(call.server) else None
        if what:
            told.add((call.source, call.server))
            message = f'{what} is sent to {call.server}, which is not encrypted, by step "{step.step_id}"'
            at, related = sources[call.source], (step.at.child("stepId"),)
            hint = "use the https server of the API, and name it in the description"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint, related=related)


def _is_plain(server: str) -> bool:
    """Tell whether a URL is http and leads to another machine (names of RFC 6761 lead nowhere else)."""
    if not server.lower().startswith("http://"):
        return False
    host = server[7:].partition("/")[0].rpartition("@")[2]
    name = host.partition("]")[0].lstrip("[") if host.startswith("[") else host.partition(":")[0]
    is_far = "." in name or ":" in name  # a bare word is a machine of the same network, or stands for a name
    return is_far and name not in _HERE and not name.endswith((".localhost", ".local", ".test", ".invalid"))


def _credential(step: CompiledStep, call: OperationCall) -> str | None:
    for parameter in step.parameters:
        if parameter.name.lower() in SECRET_HEADERS or is_secret_name(parameter.name):
            return f'"{parameter.name}"'
    return "a credential of its security scheme" if any(call.operation.security) else None
