"""Servers and sources that a caller names: their URLs are URLs, and there are sources of these names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.server_urls import corrected_server
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, did_you_mean
from arazzo_runner.program.model import Program


def check_urls(servers: Mapping[str, str]) -> None:
    """Raise InvalidUsage with every server that is no http(s) URL."""
    wrong = {name: correct for name, url in servers.items() if (correct := corrected_server(url)) is not None}
    if wrong:
        raise InvalidUsage(_wrong_server(name, servers[name], correct) for name, correct in wrong.items())


def _wrong_server(name: str, url: object, correct: str) -> Diagnostic:
    shown = preview(url.rpartition("@")[2] if isinstance(url, str) else url)
    message = f'the server of source "{name}" must be an http(s) URL, found {shown}'
    return Diagnostic(code="usage", severity=Severity.ERROR, message=message, at=Location(""), hint=f"write {correct}")


def check_names(program: Program, given: Iterable[str], what: str, *, only_near: bool = False) -> None:
    """Raise InvalidUsage for the name of an unknown source: requests meant for another server would go to the real one.

    `only_near`: names that are similar to none are for other documents.
    """
    known = list(dict.fromkeys(name for each in program.workflows.values() for name in each.document.sources))
    for name in given:
        near = did_you_mean(name, known) if name not in known else None
        if name not in known and (near is not None or not only_near):
            hint, message = near or f"available: {', '.join(known)}", f'{what}: there is no source "{name}"'
            found = Diagnostic(
                code="unknown-source", severity=Severity.ERROR, message=message, at=Location(""), hint=hint
            )
            raise InvalidUsage([found])
