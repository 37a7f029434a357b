"""A file of recorded traffic as a Recording: HAR, or a cassette."""

from __future__ import annotations

from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.user_files import UnusableFile, json_of, read_file, text_of
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.generate.recording.exchange import Exchange, Recording, answer_value, request_body
from arazzo_runner.generate.recording.har import NO_ANSWER, har_recording, is_har
from arazzo_runner.runtime.cassette.file import LIMITS, cassette_of
from arazzo_runner.runtime.cassette.world import Cassette, Interaction

MESSAGE = "message of a channel"


def read_recording(path: str) -> Recording:
    """Return the exchanges of a file; raises InvalidUsage when it is neither HAR nor a cassette."""
    try:
        content = read_file(path, LIMITS.max_bytes)
    except UnusableFile as problem:
        raise InvalidUsage([_problem(f"the recording cannot be read: {problem}", path)]) from None
    return recording_of(content, path)


def recording_of(content: bytes, name: str) -> Recording:
    """Return the exchanges in the content of a file; raises InvalidUsage."""
    if is_cassette(content):
        return _of_cassette(cassette_of(content, name), name)
    try:
        value: JsonValue = json_of(text_of(content))
    except UnusableFile as problem:
        raise InvalidUsage([_problem(f"this is not recorded traffic: {problem}", name)]) from None
    if not is_har(value):
        raise InvalidUsage([_problem(_missing(value), name)])
    return har_recording(value, name)


def is_cassette(content: bytes) -> bool:
    """Return whether a text begins as cassettes do."""
    lines = (line for line in content[:100_000].split(b"\n") if line.strip() and not line.lstrip().startswith(b"#"))
    return next(lines, b"").lstrip(b"\xef\xbb\xbf").lstrip().lstrip(b"\"'").startswith(b"arazzo-cassette")


def _missing(value: Any) -> str:
    if not isinstance(value, dict) or not isinstance(value.get("log"), dict):
        return "this is not a HAR file: it has no log"
    return "this is not a HAR file: its log has no list of entries"


def _problem(message: str, name: str) -> Diagnostic:
    return Diagnostic(
        code="invalid-recording",
        severity=Severity.ERROR,
        message=message,
        at=Location(name),
        hint="give a HAR 1.2 file, as browsers and proxies export it, or a cassette",
    )


def _of_cassette(cassette: Cassette, name: str) -> Recording:
    found = Recording(name=name)
    for each in cassette.interactions:
        if not isinstance(each, Interaction):
            found.leave_out(MESSAGE)
        elif not isinstance(each.answer, HttpResponse):
            found.leave_out(NO_ANSWER)
        else:
            found.exchanges.append(_exchange(each, each.answer))
    if all(each.started for each in found.exchanges):
        found.exchanges.sort(key=lambda each: each.started)
    return found


def _exchange(each: Interaction, answer: HttpResponse) -> Exchange:
    request, answer_type = each.request, answer.header("content-type") or ""
    value, has_answer = answer_value(answer.body, answer_type)
    return Exchange(
        method=request.method.upper(),
        url=request.url.partition("#")[0],
        headers=request.headers,
        body=request_body(request.body or b"", request.header("content-type")),
        status=answer.status,
        answer_headers=answer.headers,
        answer=value,
        has_answer=has_answer,
        answer_type=answer_type,
        started=each.started,
        elapsed_ms=answer.elapsed_ms,
        name=each.key.rpartition("/")[2].partition("#")[0],
        source=each.source,
        server=each.server.rstrip("/"),
    )
