"""What the parts of a recorded conversation must be: a cassette is a file, which anyone may have written."""

from __future__ import annotations

import re
from typing import Final, get_args, get_type_hints
from urllib.parse import urlsplit

from arazzo_runner.engine.effects import NoResponse

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 §5.6.2
_NOT_IN_A_VALUE: Final = re.compile(r"[\r\n\0]")  # §5.5
_NOT_IN_A_URL: Final = re.compile(r"[\0-\x20\x7f]")
_REASONS: Final = frozenset(get_args(get_type_hints(NoResponse)["reason"]))


def wrong_method(method: str) -> str | None:
    """Return what is wrong with the method of a request, None when nothing is."""
    return None if _TOKEN.fullmatch(method) else "this is no method of HTTP"


def wrong_url(url: str) -> str | None:
    """Return what is wrong with a URL, None when nothing is."""
    if _NOT_IN_A_URL.search(url):
        return "a URL has no blanks and no control characters"
    try:
        _ = urlsplit(url).port
    except ValueError as problem:
        return f"this is no URL: {problem}"
    return None


def wrong_header(line: object) -> str | None:
    """Return what is wrong with a line of headers, None when nothing is."""
    if not isinstance(line, str) or ":" not in line:
        return 'a header is a text such as "Accept: text/plain"'
    name, _, value = line.partition(":")
    if not _TOKEN.fullmatch(name):
        return "this is no name of a header"
    return "a header has no line breaks" if _NOT_IN_A_VALUE.search(value) else None


def wrong_reason(reason: str) -> str | None:
    """Return what is wrong with the reason for which no answer came, None when nothing is."""
    return None if reason in _REASONS else f"the reasons are {', '.join(sorted(_REASONS))}"
