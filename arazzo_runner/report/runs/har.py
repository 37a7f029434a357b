"""HAR 1.2: every exchange, for browsers' developer tools; a run is a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

from arazzo_runner.base.files import size_of
from arazzo_runner.base.json_values import MISSING, JsonValue, to_json
from arazzo_runner.base.secrets import Secrets, is_secret_name
from arazzo_runner.base.version import __version__
from arazzo_runner.engine.effects import Headers, HttpRequest, HttpResponse, NoResponse
from arazzo_runner.engine.results import Attempt
from arazzo_runner.report.bodies import body_parts, part_value
from arazzo_runner.report.escaping import json_text
from arazzo_runner.report.exchange import body_text
from arazzo_runner.report.masking import masked_body, masked_headers, masked_url, masked_whole
from arazzo_runner.report.runs.json import utc
from arazzo_runner.report.runs.records import RunRecord, RunsReport, visits
from arazzo_runner.report.terminal.console import count
from arazzo_runner.sources.http_media.media import BINARY, decode_body
from arazzo_runner.sources.http_media.parts import Part

_UNKNOWN = -1


def render(report: RunsReport) -> str:
    """Return the log of the attempts that sent something, in chronological order."""
    pages: list[JsonValue] = []
    entries: list[dict[str, JsonValue]] = []
    for number, record in enumerate(report.runs, start=1):
        if record.result is None:
            continue
        pages.append(_page(record, number))
        entries += _entries(record, number)
    entries.sort(key=lambda entry: entry["startedDateTime"])
    log: dict[str, JsonValue] = {
        "version": "1.2",
        "creator": {"name": "arazzo", "version": __version__},
        "pages": pages,
        "entries": entries,
    }
    left_out = sum(attempt.message is not None for attempt in _attempts(report))
    if left_out:
        log["comment"] = f"{count(left_out, 'message')} of channels left out: HAR is about HTTP"
    return json_text(json.dumps({"log": log}, ensure_ascii=False, indent=2)) + "\n"


def _page(record: RunRecord, number: int) -> dict[str, JsonValue]:
    return {
        "startedDateTime": utc(record.started),
        "id": f"run_{number}",
        "title": record.shown_name,
        "pageTimings": {},
    }


def _attempts(report: RunsReport) -> Iterator[Attempt]:
    for record in report.runs:
        if record.result is not None:
            yield from (attempt for visit in visits(record.result) for attempt in visit.step.attempts)


def _entries(record: RunRecord, number: int) -> Iterator[dict[str, JsonValue]]:
    assert record.result is not None
    for visit in visits(record.result):
        for attempt in visit.step.attempts:
            if attempt.request is not None and attempt.response is not None:
                yield _entry(attempt, attempt.request, f"run_{number}", visit.name, record.result.secrets)


def _entry(attempt: Attempt, request: HttpRequest, page: str, step: str, secrets: Secrets) -> dict[str, JsonValue]:
    response = attempt.response
    elapsed = 0.0 if response is None else round(response.elapsed_ms, 3)
    entry: dict[str, JsonValue] = {
        "pageref": page,
        "startedDateTime": utc(attempt.started),
        "time": elapsed,
        "request": _request(request, secrets),
        "response": _response(response, secrets) if isinstance(response, HttpResponse) else _none(),
        "cache": {},
        "timings": {"send": 0, "wait": elapsed, "receive": 0},
        "comment": step if attempt.number == 1 else f"{step}, attempt {attempt.number}",
    }
    if isinstance(response, NoResponse):
        # The field that Chrome writes, and shows, for a request without a response.
        entry["response"]["_error"] = secrets.mask(response.message)
    return entry


def _request(request: HttpRequest, secrets: Secrets) -> dict[str, JsonValue]:
    url = masked_url(request.url, secrets)
    record: dict[str, JsonValue] = {
        "method": request.method,
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(request.headers, secrets),
        "queryString": _query(url, secrets),
        "headersSize": _UNKNOWN,
        "bodySize": len(request.body or b""),
    }
    parts = body_parts(request.body, request.header("content-type"))
    if parts is not None:
        kind = secrets.mask(request.header("content-type") or "")
        record["postData"] = {"mimeType": kind, "text": "", "params": [_param(each, secrets) for each in parts]}
    elif request.body:
        text = body_text(request, secrets)
        kind = request.header("content-type") or "application/octet-stream"
        record["postData"] = {
            "mimeType": secrets.mask(kind),
            "text": "" if text is None else text,
            **({"comment": "binary, left out"} if text is None else {}),
        }
    return record


def _param(part: Part, secrets: Secrets) -> dict[str, JsonValue]:
    """Return a part of a form; a file by its size."""
    value = masked_whole(part_value(part)) if is_secret_name(part.name) else masked_body(part_value(part), secrets)
    if part.filename is None:
        about: dict[str, JsonValue] = {"value": value if isinstance(value, str) else to_json(value)}
    else:
        about = {"fileName": secrets.mask(part.filename), "comment": size_of(part.content)}
    kind = {} if part.content_type is None else {"contentType": secrets.mask(part.content_type)}
    return {"name": secrets.mask(part.name), **about, **kind}


def _response(response: HttpResponse, secrets: Secrets) -> dict[str, JsonValue]:
    try:
        phrase = HTTPStatus(response.status).phrase
    except ValueError:
        phrase = ""
    return {
        "status": response.status,
        "statusText": phrase,
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": _headers(response.headers, secrets),
        "content": _content(response, secrets),
        "redirectURL": masked_url(response.header("location") or "", secrets),
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
    }


def _content(response: HttpResponse, secrets: Secrets) -> dict[str, JsonValue]:
    kind = response.header("content-type")
    content: dict[str, JsonValue] = {
        "size": len(response.body),
        "mimeType": secrets.mask(kind or "x-unknown"),
    }
    value, note = decode_body(response.body, kind)
    if value is not MISSING:
        shown = masked_body(value, secrets)
        content["text"] = shown if isinstance(shown, str) else to_json(shown)
        if note == BINARY:
            content["encoding"] = "base64"
    return content


def _none() -> dict[str, JsonValue]:
    return {
        "status": 0,
        "statusText": "",
        "httpVersion": "",
        "cookies": [],
        "headers": [],
        "content": {"size": 0, "mimeType": "x-unknown"},
        "redirectURL": "",
        "headersSize": _UNKNOWN,
        "bodySize": _UNKNOWN,
    }


def _query(url: str, secrets: Secrets) -> list[JsonValue]:
    # Mask again: decoding can reveal a secret that the URL had in another encoding.
    found = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    return _pairs([(secrets.mask(name), secrets.mask(value)) for name, value in found])


def _headers(headers: Headers, secrets: Secrets) -> list[JsonValue]:
    return _pairs(masked_headers(headers, secrets))


def _pairs(pairs: Headers | list[tuple[str, str]]) -> list[JsonValue]:
    return [{"name": name, "value": value} for name, value in pairs]
