"""Content types such as `application/vnd.api+json; charset=utf-8` (RFC 9110 §8.3, §12.5.1)."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from arazzo_runner.base.json_values import JsonValue

FORM: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
_NO_CHARSETS: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"}
)

Anything = TypeVar("Anything")

FileReader = Callable[[str], bytes]
"""Returns the bytes of a file to send by its path; raises UnusableMedia."""


class UnusableMedia(ValueError):
    """A value that cannot be written as the content type asks; the message says why, `hint` what to write instead."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def essence(content_type: str | None) -> str:
    """Return `type/subtype` in lower case, without parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


def parameter(content_type: str | None, name: str) -> str | None:
    """Return a parameter's value, without its quotes; None when there is none.

    >>> parameter('multipart/form-data; boundary="a;b"', "boundary")
    'a;b'
    """
    for own, value in _parameters(content_type or ""):
        if own == name.lower():
            return value
    return None


def is_json(content_type: str | None) -> bool:
    """Return whether a content type is JSON: `application/json`, `text/json`, `…+json`."""
    plain = essence(content_type)
    return plain in ("application/json", "text/json") or plain.endswith("+json")


_JSON_LINES: Final = frozenset(
    f"application/{each}" for each in ("x-ndjson", "ndjson", "jsonl", "x-jsonlines", "jsonlines", "json-seq")
)


def is_json_lines(content_type: str | None) -> bool:
    """Return whether a content type is a sequence of JSON texts: JSON Lines, or RFC 7464."""
    return essence(content_type) in _JSON_LINES


def is_xml(content_type: str | None) -> bool:
    """Return whether a content type is XML."""
    plain = essence(content_type)
    return plain in ("application/xml", "text/xml") or plain.endswith("+xml")


def is_form(content_type: str | None) -> bool:
    """Return whether a content type is a form, url-encoded or multipart."""
    return essence(content_type) in (FORM, MULTIPART)


def charset(content_type: str | None) -> str:
    """Return the charset parameter of a content type, `utf-8` when there is none."""
    return (parameter(content_type, "charset") or "").strip("'") or "utf-8"


def text_codec(name: str) -> str | None:
    """Return Python's name of a charset; None for an unknown one, or a codec that is not a charset.

    (`hex` gives bytes, `punycode` takes quadratic time, `unicode_escape` is for source code.)
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,40}", name):
        return None
    try:
        found = codecs.lookup(name)
        "".encode(found.name)
    except (LookupError, ValueError):
        return None
    return None if found.name.replace("_", "-") in _NO_CHARSETS else found.name


def covers(media_range: str, content_type: str | None) -> bool:
    """Return whether a content type is in a media range such as `text/*` and has the range's parameters.

    >>> covers("text/*", "text/plain; charset=utf-8"), covers("application/json; v=1", "application/json")
    (True, False)
    """
    wide, plain = essence(media_range), essence(content_type)
    fits = wide in ("*/*", "*", plain) or (wide.endswith("/*") and plain.startswith(wide[:-1]))
    own = dict(_parameters(content_type or ""))
    return fits and all(own.get(name) == value for name, value in _parameters(media_range) if name != "charset")


def best_match(content: Mapping[str, Anything], content_type: str | None) -> Anything | None:
    """Return the entry of a `content` mapping for a content type, None when none covers it.

    The most specific key wins (OpenAPI §Request Body Object, content): `text/plain` before `text/*`.
    """
    if content_type is not None and content_type in content:
        return content[content_type]
    fitting = [key for key in content if covers(key, content_type)]
    return content[max(fitting, key=_specificity)] if fitting else None


def _specificity(media_range: str) -> tuple[bool, bool, int]:
    plain = essence(media_range)
    return not plain.startswith("*"), not plain.endswith("*"), media_range.count(";")


def _parameters(content_type: str) -> list[tuple[str, str]]:
    """Split parameters; a quoted value may hold `;` and escapes (RFC 9110 §5.6.6)."""
    found = []
    rest = content_type.partition(";")[2]
    while rest:
        name, _, rest = rest.partition("=")
        name = name.rpartition(";")[2].strip().lower()
        if rest[:1] == '"':
            value, rest = _quoted(rest[1:])
            rest = rest.partition(";")[2]
        else:
            value, _, rest = rest.partition(";")
        if name:
            found.append((name, value.strip()))
    return found


def _quoted(text: str) -> tuple[str, str]:
    """Return (the string that ends at the closing quote, the rest)."""
    written: list[str] = []
    escaped = False
    for position, character in enumerate(text):
        if escaped or character not in '\\"':
            written.append(character)
            escaped = False
        elif character == "\\":
            escaped = True
        else:
            return "".join(written), text[position + 1 :]
    return "".join(written), ""


def usual_content_type(content: Mapping[str, object], payload: JsonValue) -> str:
    """Return the content type of a payload without contentType: the operation's only one, else JSON (semantics §6).

    For a range such as `*/*`: text for a text, else JSON, else the range, so that the value decides when it is sent.
    """
    only = next(iter(content)) if len(content) == 1 else "application/json"
    if "*" not in only:
        return only
    is_text = isinstance(payload, str) and payload.lstrip()[:1] not in ("{", "[", "$")
    if is_text and covers(only, "text/plain"):
        return "text/plain"
    return "application/json" if covers(only, "application/json") else only
