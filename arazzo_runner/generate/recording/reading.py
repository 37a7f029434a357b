"""A file of recorded traffic as a Recording: HAR, or a cassette."""

from __future__ import annotations

import re
from typing import Final

from arazzo_runner.document.source_map import Document
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.generate.recording.exchange import Exchange, Recording, answer_value, request_body
from arazzo_runner.generate.recording.har import NO_ANSWER, har_recording
from arazzo_runner.runtime.cassette.file import cassette_in
from arazzo_runner.runtime.cassette.world import Cassette, Interaction

MESSAGE: Final = "message of a channel"
_BEGINNINGS: Final = 10_000
_BEGINNING: Final = re.compile(rb"(?:\xef\xbb\xbf)?(?:#[^\n]*\n|\s)*(?:\{\s*[\"']log[\"']\s*:|[\"']?arazzo-cassette\b)")


def recording_in(document: Document) -> Recording:
    """Return the exchanges of a document that is a HAR file or a cassette; raises InvalidUsage."""
    if isinstance(document.value, dict) and "arazzo-cassette" in document.value:
        return _of_cassette(cassette_in(document), document.uri)
    return har_recording(document.value, document.uri)


def looks_recorded(content: bytes) -> bool:
    """Return whether a text begins as a HAR file or a cassette does.

    >>> looks_recorded(b'{"log": {'), looks_recorded(b"# ours\narazzo-cassette: 1"), looks_recorded(b"openapi: 3.1.0")
    (True, True, False)
    """
    return _BEGINNING.match(content[:_BEGINNINGS]) is not None


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
