"""HAR 1.2 as browsers and proxies write it: any member may be missing, null or of another type."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.effects import Headers
from arazzo_runner.generate.recording.exchange import (
    FILE,
    Body,
    Exchange,
    Recording,
    answer_value,
    fields_of,
    request_body,
)
from arazzo_runner.sources.http_media.media_types import essence, is_json

MOST_BODY: Final = 5_000_000
"""Bytes of a body that are searched for values; a larger one is none."""
UNUSABLE: Final = "unusable entry"
NO_ANSWER: Final = "request without an answer"
WEBSOCKET: Final = "WebSocket connection"
NOT_HTTP: Final = "request that is not HTTP"


def har_recording(value: Any, name: str) -> Recording:
    """Return the exchanges of a HAR file, sorted by when they began, if all say so."""
    found = Recording(name=name)
    timed: list[tuple[float | None, Exchange]] = []
    for entry in value["log"]["entries"]:
        exchange = _exchange(entry)
        if isinstance(exchange, str):
            found.leave_out(exchange)
        else:
            timed.append((exchange.started or None, exchange))
    if all(started is not None for started, _ in timed):
        timed.sort(key=lambda each: each[0] or 0.0)
    found.exchanges = [exchange for _, exchange in timed]
    found.page_hosts = frozenset(_page_hosts(value["log"], found.exchanges))
    return found


def _exchange(entry: Any) -> Exchange | str:
    """Return the exchange of an entry, or why it is none."""
    if not isinstance(entry, dict) or not isinstance(entry.get("request"), dict):
        return UNUSABLE
    request, response = entry["request"], _mapping(entry.get("response"))
    kind = _text(entry.get("_resourceType")).lower()
    method, url = _text(request.get("method")).strip().upper(), _text(request.get("url")).strip()
    refusal = _refusal(method, url, kind)
    if refusal is not None:
        return refusal
    status = response.get("status")
    status = int(status) if isinstance(status, str) and status.isascii() and status.isdigit() else status
    if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
        return NO_ANSWER
    if status == 101:
        return WEBSOCKET
    headers = _headers(request.get("headers"))
    content = _mapping(response.get("content"))
    answer_headers = _headers(response.get("headers"))
    answer_type = _text(content.get("mimeType")) or _header(answer_headers, "content-type")
    answer, has_answer = _answer(content, answer_type)
    return Exchange(
        method=method,
        url=url.partition("#")[0],
        headers=(*headers, *_cookies(request, headers)),
        body=_body(_mapping(request.get("postData")), _header(headers, "content-type")),
        status=status,
        answer_headers=answer_headers,
        answer=answer,
        has_answer=has_answer,
        answer_type=answer_type,
        started=_time(entry.get("startedDateTime")),
        elapsed_ms=_number(entry.get("time")),
        kind=kind,
    )


def _refusal(method: str, url: str, kind: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return UNUSABLE
    scheme = parts.scheme.lower()
    if kind == "websocket" or scheme in ("ws", "wss"):
        return WEBSOCKET
    if scheme not in ("http", "https"):
        return NOT_HTTP if scheme and url else UNUSABLE
    if method == "CONNECT":
        return NOT_HTTP
    is_usable = parts.hostname and method.isascii() and method.replace("-", "").isalpha()
    has_controls = any(char <= " " or char == "\x7f" for char in url)
    return None if is_usable and not has_controls else UNUSABLE


def _headers(value: Any) -> Headers:
    """Return headers; HTTP/2's pseudo headers (`:authority`) repeat the method and the URL."""
    return tuple(
        (name, _text(pair.get("value")))
        for pair in _mappings(value)
        if (name := _text(pair.get("name")).strip()) and not name.startswith(":")
    )


def _cookies(request: dict[str, Any], headers: Headers) -> Iterator[tuple[str, str]]:
    """Yield the Cookie header, which some write as a list only."""
    pairs = [(_text(each.get("name")), _text(each.get("value"))) for each in _mappings(request.get("cookies"))]
    if any(name for name, _ in pairs) and not _header(headers, "cookie"):
        yield "Cookie", "; ".join(f"{name}={value}" for name, value in pairs if name)


def _body(posted: dict[str, Any], stated: str) -> Body | None:
    content_type = _text(posted.get("mimeType")) or stated
    params = _mappings(posted.get("params"))
    text = _text(posted.get("text"))
    if len(text) > MOST_BODY:
        return Body(form="binary", content_type=essence(content_type) or "application/octet-stream")
    if text:
        content = _decoded(text) if _text(posted.get("encoding")).lower() == "base64" else None
        body = request_body(text.encode("utf-8", "replace") if content is None else content, content_type)
        if body is not None:
            return body if body.form != "text" or not params else _of_params(params, content_type)
    if params:
        return _of_params(params, content_type)
    is_left_out = "binary" in _text(posted.get("comment"))
    return Body(form="binary", content_type=essence(content_type)) if is_left_out and content_type else None


def _of_params(params: list[dict[str, Any]], content_type: str) -> Body:
    files = frozenset(_text(each.get("name")) for each in params if each.get("fileName"))
    pairs: list[tuple[str, JsonValue]] = [
        (name, FILE if name in files else _param_value(each)) for each in params if (name := _text(each.get("name")))
    ]
    is_multipart = essence(content_type).startswith("multipart/") or bool(files)
    kind = "multipart/form-data" if is_multipart else "application/x-www-form-urlencoded"
    return Body(form="multipart" if is_multipart else "form", content_type=kind, value=fields_of(pairs), files=files)


def _param_value(param: dict[str, Any]) -> JsonValue:
    """Return the value of a field; a part of JSON is its value."""
    text, kind = _text(param.get("value")), _text(param.get("contentType"))
    value, is_readable = answer_value(text.encode(), kind) if is_json(kind) else (None, False)
    return value if is_readable else text


def _answer(content: dict[str, Any], content_type: str) -> tuple[JsonValue, bool]:
    text = _text(content.get("text"))
    if not text or len(text) > 2 * MOST_BODY:
        return None, False
    data = text.encode("utf-8", "replace")
    if _text(content.get("encoding")).lower() == "base64":
        decoded = _decoded(text)
        if decoded is None:
            return None, False
        data = decoded
    elif "charset" in content_type.lower():
        content_type = f"{essence(content_type)}; charset=utf-8"  # the text of a HAR file is decoded
    return answer_value(data, content_type)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _page_hosts(log: dict[str, Any], exchanges: list[Exchange]) -> Iterator[str]:
    """Yield the hosts of pages: of navigations, origins and titles."""
    for page in _mappings(log.get("pages")):
        yield from _host(_text(page.get("title")))
    for each in exchanges:
        if each.kind == "document":
            yield each.host
        yield from _host(each.header("origin") or "")


def _host(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return
    if parts.scheme in ("http", "https") and parts.hostname:
        yield parts.hostname.lower()


def _header(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name), "")


def _time(value: Any) -> float:
    try:
        return datetime.fromisoformat(_text(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0


def _number(value: Any) -> float:
    is_usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_usable and 0 <= value < 1e12 else 0.0


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()  # without halves of surrogate pairs
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
