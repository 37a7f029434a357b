"""Parameter serialisation: style, explode, allowReserved → what stands in URL, headers and cookies.

OpenAPI 3.0.4 / 3.1.1 / 3.2.0 §Parameter Object, Style Values and Style Examples; RFC 6570 §3.2.
A value never changes the structure of a request: it adds no path segment, header or cookie.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from arazzo_runner.sources.operation import OperationParameter
from arazzo_runner.values import JsonValue, to_json, to_text

RESERVED: Final = ":/?#[]@!$&'()*+,;="
# allowReserved keeps RFC 3986 reserved characters, except those that would end the query or a pair.
QUERY_RESERVED: Final = ":/?@!$'()*,;[]"
_DELIMITERS: Final = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}
_COOKIE_SAFE: Final = "!#$%&'()*+-./:<=>?@[]^_`{|}~"


class UnusableValue(ValueError):
    """A value that must not be sent where it was meant to go; the message says why."""


Pairs = list[tuple[str, str]]


def percent_encode(text: str, *, safe: str = "") -> str:
    """Percent-encode all but unreserved characters (RFC 3986 §2.3) and those in `safe`."""
    return quote(text, safe=safe, errors="surrogatepass")


# ------------------------------------------------------------------ path


def path_segment(name: str, value: JsonValue, declared: OperationParameter | None) -> str:
    """Return a path parameter's text, encoded so that it stays inside its segment.

    Raises UnusableValue for what would be empty, `.` or `..`.
    """
    style = declared.style if declared is not None else "simple"
    explode = declared.explode if declared is not None else False
    if declared is not None and declared.content is not None:
        return percent_encode(to_json(value))
    text = _path_text(name, value, style, explode)
    if text in ("", ".", "..", "%2E", "%2E%2E"):
        raise UnusableValue(f'the value "{to_text(value)}" would change the path')
    return text


def _path_text(name: str, value: JsonValue, style: str, explode: bool) -> str:
    if style == "label":
        return "." + _joined(value, "." if explode else ",", explode)
    if style == "matrix":
        return _matrix(percent_encode(name), value, explode)
    return _joined(value, ",", explode)


def _joined(value: JsonValue, separator: str, explode: bool) -> str:
    """Write a value with a separator: lists by item, mappings as `k,v` or (explode) `k=v`."""
    if isinstance(value, list):
        return separator.join(percent_encode(to_text(item)) for item in value)
    if isinstance(value, dict):
        between = "=" if explode else ","
        outer = separator if explode else ","
        return outer.join(
            f"{percent_encode(key)}{between}{percent_encode(to_text(item))}" for key, item in value.items()
        )
    return percent_encode(to_text(value))


def _matrix(name: str, value: JsonValue, explode: bool) -> str:
    if isinstance(value, list) and explode:
        return "".join(f";{name}={percent_encode(to_text(item))}" for item in value)
    if isinstance(value, dict) and explode:
        return "".join(f";{percent_encode(key)}={percent_encode(to_text(item))}" for key, item in value.items())
    text = _joined(value, ",", False)
    return f";{name}={text}" if text else f";{name}"


# ------------------------------------------------------------------ query


def query_pairs(name: str, value: JsonValue, declared: OperationParameter | None) -> Pairs:
    """Return the encoded (name, value) pairs of a query parameter; an empty list or mapping gives none."""
    safe = QUERY_RESERVED if declared is not None and declared.allow_reserved else ""
    key = percent_encode(name, safe="[]" if "[" in name else "")
    if declared is not None and declared.content is not None:
        return [(key, percent_encode(value if isinstance(value, str) else to_json(value)))]
    style = declared.style if declared is not None else "form"
    explode = declared.explode if declared is not None else True
    if isinstance(value, list):
        return _query_list(key, value, style, explode, safe)
    if isinstance(value, dict):
        return _query_mapping(key, value, style, explode, safe)
    return [(key, percent_encode(to_text(value) if value is not None else "", safe=safe))]


def _query_list(key: str, items: list[JsonValue], style: str, explode: bool, safe: str) -> Pairs:
    if not items:
        return []
    texts = [percent_encode(to_text(item), safe=safe) for item in items]
    if style == "deepObject":
        return [(f"{key}[{index}]", text) for index, text in enumerate(texts)]
    if explode:
        return [(key, text) for text in texts]
    return [(key, _DELIMITERS.get(style, ",").join(texts))]


def _query_mapping(key: str, value: dict[str, JsonValue], style: str, explode: bool, safe: str) -> Pairs:
    if not value:
        return []
    if style == "deepObject":
        return list(_deep_pairs(key, value, safe))
    texts = [
        (percent_encode(name, safe=safe), percent_encode(to_text(item), safe=safe)) for name, item in value.items()
    ]
    if explode:
        return texts
    return [(key, _DELIMITERS.get(style, ",").join(part for pair in texts for part in pair))]


def _deep_pairs(key: str, value: JsonValue, safe: str) -> Pairs:
    """`filter[a]=1&filter[b][c]=2`; lists repeat their key, the commonest reading of an undefined case."""
    if isinstance(value, dict):
        return [
            pair for name, item in value.items() for pair in _deep_pairs(f"{key}[{percent_encode(name)}]", item, safe)
        ]
    if isinstance(value, list):
        return [pair for item in value for pair in _deep_pairs(key, item, safe)]
    return [(key, percent_encode(to_text(value), safe=safe))]


def querystring_text(value: JsonValue, declared: OperationParameter | None) -> str:
    """Return a whole query string (OpenAPI 3.2 / Arazzo 1.1 `in: querystring`), encoded only where it must be."""
    content_type = declared.content.content_type if declared is not None and declared.content is not None else ""
    if not isinstance(value, str):
        if isinstance(value, dict) and content_type in ("", "application/x-www-form-urlencoded"):
            pairs = [pair for name, item in value.items() for pair in query_pairs(name, item, None)]
            return "&".join(f"{key}={text}" for key, text in pairs)
        return percent_encode(to_json(value))
    if content_type.endswith("json"):
        return percent_encode(value)
    if any(ord(character) < 32 for character in value):
        raise UnusableValue("the query string has control characters")
    return percent_encode(value.removeprefix("?"), safe=RESERVED.replace("#", "") + "%")


# ------------------------------------------------------------------ headers and cookies


def header_value(name: str, value: JsonValue, declared: OperationParameter | None) -> str:
    """Return a header's text (style simple, nothing percent-encoded); raises UnusableValue for controls."""
    if any(character not in _TCHAR for character in name) or not name:
        raise UnusableValue("its name has characters that header names must not have")
    if declared is not None and declared.content is not None and not isinstance(value, str):
        text = to_json(value)
    elif isinstance(value, list):
        text = ",".join(map(to_text, value))
    elif isinstance(value, dict):
        between = "=" if declared is not None and declared.explode else ","
        text = ",".join(f"{key}{between}{to_text(item)}" for key, item in value.items())
    else:
        text = to_text(value)
    if any((ord(character) < 32 and character != "\t") or ord(character) == 127 for character in text):
        raise UnusableValue("its value has control characters, which must not stand in a header")
    return text.strip(" \t")


_TCHAR: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~")


def cookie_pairs(name: str, value: JsonValue, declared: OperationParameter | None) -> Pairs:
    """Return the (name, value) pairs of a cookie parameter; `;`, blanks and quotes are percent-encoded."""
    if not name or any(character not in _TCHAR for character in name):
        raise UnusableValue("its name has characters that cookie names must not have")
    explode = declared.explode if declared is not None else True
    if isinstance(value, list):
        texts = [_cookie_text(item) for item in value]
        return [(name, text) for text in texts] if explode else [(name, ",".join(texts))]
    if isinstance(value, dict):
        parts = [(_cookie_text(key), _cookie_text(item)) for key, item in value.items()]
        return parts if explode else [(name, ",".join(part for pair in parts for part in pair))]
    return [(name, _cookie_text(value))]


def _cookie_text(value: JsonValue) -> str:
    text = to_text(value)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UnusableValue("its value has control characters, which must not stand in a cookie")
    return percent_encode(text, safe=_COOKIE_SAFE)


# ------------------------------------------------------------------ URL


def build_url(server: str, template: str, path: dict[str, str], query: Pairs, querystring: str | None = None) -> str:
    """Put a URL together: the origin is always the server's, path values are encoded already.

    Raises UnusableValue when a variable of the template has no value.
    """
    plain, _, fixed = template.partition("?")
    parts = plain.split("{")
    written = [parts[0]]
    for part in parts[1:]:
        name, closed, rest = part.partition("}")
        if not closed or name not in path:
            raise UnusableValue(f'path parameter "{name}" has no value')
        written.append(path[name] + rest)
    url = server + percent_encode_path("".join(written))
    text = querystring if querystring is not None else "&".join(f"{key}={value}" for key, value in query)
    kept = [pair for pair in fixed.split("&") if pair and "{" not in pair]
    text = "&".join([*kept, text]) if text else "&".join(kept)
    if not text:
        return url
    return f"{url}{'&' if '?' in url else '?'}{text}"


def percent_encode_path(path: str) -> str:
    """Encode what a path template must not hold literally (blanks, non-ASCII, `#`), once."""
    if path.isascii() and " " not in path and "#" not in path and '"' not in path:
        return path
    return quote(path, safe="/%:@!$&'()*+,;=~?")
