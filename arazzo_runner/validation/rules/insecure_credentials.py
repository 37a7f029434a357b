"""Credentials that go to a server over plain http."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from arazzo_runner.diagnostics import Diagnostic, Severity
from arazzo_runner.program.model import CompiledStep, OperationCall
from arazzo_runner.validation.inspection import Inspection

CODE = "insecure-credentials"
SEVERITY = Severity.WARNING
GROUP = "openapi"
DEFAULT = True

LOCAL: Final = ("localhost", "127.0.0.1", "::1", "[::1]")


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Name once every http:// server elsewhere that is the first of an operation which is sent credentials."""
    told: set[tuple[str, str]] = set()
    for _, step in program.compiled_steps:
        if not isinstance(step.call, OperationCall) or not _sends_credentials(step):
            continue
        operation = step.call.operation
        url = next((server.url for server in operation.servers), "")
        host = urlsplit(url).hostname if _is_plain(url) else None
        if host is None or host in LOCAL or host.endswith((".localhost", ".local", ".test")):
            continue
        if (step.call.source, url) not in told:
            told.add((step.call.source, url))
            message = f"{operation.method} {operation.path} sends credentials to {url} in clear text"
            hint = "use a server with https; --server NAME=URL sets another one"
            at = step.at.child("stepId")
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _is_plain(url: str) -> bool:
    return url.lower().startswith("http://") and "{" not in url


def _sends_credentials(step: CompiledStep) -> bool:
    names = {(each.name.lower(), each.location) for each in step.parameters}
    needs = step.call.operation.security if isinstance(step.call, OperationCall) else ()
    return ("authorization", "header") in names or any(needs)
