"""HTTP exchanges as text: the lines of -v and -vv, excerpts of bodies."""

from __future__ import annotations

import json
from http import HTTPStatus

from arazzo_runner.base.json_values import JsonValue, to_json
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse
from arazzo_runner.report.escaping import lines, one_line
from arazzo_runner.report.excerpt import body_beginning
from arazzo_runner.report.json import pretty, shown_body
from arazzo_runner.report.masking import masked_headers, masked_url
from arazzo_runner.report.terminal.console import count, duration
from arazzo_runner.report.terminal.wrapping import beginning, columns

EXCERPT_LINES = 12
EXCERPT_WIDTH = 160


def request_line(request: HttpRequest, secrets: Secrets) -> str:
    """Return `POST https://…`."""
    return one_line(f"{request.method} {masked_url(request.url, secrets)}")


def response_line(response: HttpResponse | NoResponse, secrets: Secrets) -> str:
    """Return `401 Unauthorized, 31 ms, application/json, 42 bytes`, or why no response came."""
    if isinstance(response, NoResponse):
        sent = "" if response.sent else " (nothing was sent)"
        return one_line(f"no response: {secrets.mask(response.message)}{sent}")
    parts = [status_text(response.status), duration(response.elapsed_ms)]
    if response.body:
        parts += [secrets.mask(response.header("content-type") or "no content type"), count(len(response.body), "byte")]
    return one_line(", ".join(parts))


def status_text(status: int) -> str:
    """Return a status with its usual phrase: `401 Unauthorized`."""
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def request_details(request: HttpRequest, secrets: Secrets) -> list[str]:
    """Return the headers and the whole body of a request, as -vv shows them."""
    body = shown_body(request.body, request.header("content-type"), secrets)
    return [*header_lines(request.headers, secrets), *body_lines(body)]


def response_details(response: HttpResponse | NoResponse, secrets: Secrets) -> list[str]:
    """Return the headers and the whole body of a response, as -vv shows them."""
    if isinstance(response, NoResponse):
        return []
    body = shown_body(response.body, response.header("content-type"), secrets)
    return [*header_lines(response.headers, secrets), *body_lines(body)]


def body_lines(body: JsonValue) -> list[str]:
    """Return a masked body as lines after an empty one: JSON indented, text unchanged."""
    if body is None:
        return []
    text = body if isinstance(body, str) else pretty(body).rstrip("\n")
    return ["", *lines(text)]


def body_excerpt(body: bytes, kind: str | None, secrets: Secrets, *, width: int | None = None) -> list[str]:
    """Return the first lines of a body of a content type, each cut to `width` columns (EXCERPT_WIDTH at most)."""
    width = EXCERPT_WIDTH if width is None else min(EXCERPT_WIDTH, width)
    text, is_whole = body_beginning(body, kind, secrets, width=width)
    if is_whole and not text.strip():
        return []
    all_lines = lines(text.strip())
    shown = [_cut(line, width) for line in all_lines[:EXCERPT_LINES]]
    if len(all_lines) > EXCERPT_LINES:
        left = len(all_lines) - EXCERPT_LINES + 1
        return [*shown[:-1], f"… {count(left, 'more line')}" if is_whole else "… more lines"]
    return shown if is_whole else [*shown, "… more"]


def _cut(line: str, width: int) -> str:
    """Return a line that takes at most `width` columns."""
    return line if columns(line) <= width else f"{beginning(line, width - 1)}…"


def header_lines(headers: tuple[tuple[str, str], ...], secrets: Secrets) -> list[str]:
    """Return headers as lines, credentials masked; `(empty)` is shown for a value, or a credential, without text."""
    return [one_line(f"{name}: {_shown_value(value)}") for name, value in masked_headers(headers, secrets)]


def _shown_value(value: str) -> str:
    # `Bearer ` and a blank value look complete without a word for what they lack.
    return value if value and not value[-1].isspace() else f"{value}(empty)"


# ------------------------------------------------------------------ texts of bodies


def body_text(request: HttpRequest, secrets: Secrets) -> str | None:
    """Return the body as text with its secrets masked; None if there is none or it is binary."""
    if not request.body:
        return None
    try:
        text = request.body.decode("utf-8")
    except UnicodeDecodeError:
        return None
    shown = shown_body(request.body, request.header("content-type"), secrets)
    if isinstance(shown, str):
        return shown
    # Exactly as sent, unless something in it was masked.
    return text if shown == json.loads(text) else to_json(shown)
