"""Serialisation of parameters by style, explode and allowReserved into URL, headers and cookies.

OpenAPI 3.0.4 / 3.1.1 / 3.2.0 §Parameter Object, Style Values and Style Examples; RFC 6570 §3.2.
A value never changes the structure of a request: it adds no path segment, header or cookie.

Null is undefined (RFC 6570 §2.3): alone it is written as an empty value (`color=`), inside a list
or mapping it is left out. Booleans and numbers are written as in JSON, and so are structures inside
structures, for which only deepObject has a form.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

from arazzo_runner.base.json_values import JsonValue, to_json, to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.sources.http_media.header_names import is_token
from arazzo_runner.sources.http_media.media_types import FORM, essence, is_json
from arazzo_runner.sources.operation import Expansion, MediaType, OperationParameter

# The characters of RFC 3986 §2.2 that `allowReserved` keeps: not those that would end the value, nor
# `+`, which servers read as a blank. Brackets are not allowed in a query (RFC 3986 §3.4).
QUERY_RESERVED: Final = ":/?@!$'()*,;="
PATH_RESERVED: Final = ":@!$&'()*+,;="
WHOLE_QUERY: Final = ":/?@!$&'()*+,;=[]"
_DELIMITERS: Final = {"spaceDelimited": "%20", "pipeDelimited": "%7C"}
_COOKIE_SAFE: Final = "!#$%&'()*+-./:<=>?@[]^_`{|}~"
_TRIPLE: Final = pattern("(%[0-9A-Fa-f]{2})")
_VARIABLE: Final = pattern(r"\{([^{}]*)\}")
_PLAIN_PATH: Final = pattern(r"[A-Za-z0-9\-._~/%:@!$&'()*+,;=]*")


class UnusableValue(ValueError):
    """A value that cannot be sent in its location; the message is the reason."""


Pairs = list[tuple[str, str]]


def percent_encode(text: str, *, safe: str = "") -> str:
    """Percent-encode all but unreserved characters (RFC 3986 §2.3) and those in `safe`."""
    return quote(text, safe=safe, errors="surrogatepass")


def _encoded(value: JsonValue, safe: str) -> str:
    """Encode a value's text; with `safe` characters (reserved expansion) percent-encoded triples are kept."""
    text = "" if value is None else to_text(value)
    if not safe or "%" not in text:
        return percent_encode(text, safe=safe)
    parts = _TRIPLE.split(text)
    return "".join(part if index % 2 else percent_encode(part, safe=safe) for index, part in enumerate(parts))


def _items(value: list[JsonValue]) -> list[JsonValue]:
    return [item for item in value if item is not None]


def _members(value: dict[str, JsonValue]) -> list[tuple[str, JsonValue]]:
    return [(key, item) for key, item in value.items() if item is not None]


def content_text(value: JsonValue, content: MediaType) -> str:
    """Return the text of a parameter with `content`, not yet encoded (§Fixed Fields for use with content).

    As with bodies, a text that is valid JSON is sent as it is, any other one as a JSON string.
    """
    if not is_json(content.content_type):
        return to_text(value)
    if isinstance(value, str):
        try:
            json.loads(value)
        except (ValueError, RecursionError):
            return to_json(value)
        return value
    return to_json(value)


# ------------------------------------------------------------------ path


def path_segment(name: str, value: JsonValue, declared: OperationParameter | None) -> str:
    """Return a path parameter's text, encoded so that it does not end its segment.

    Raises UnusableValue if it would be empty, `.` or `..`; build_url checks whole segments.
    """
    style = declared.style if declared is not None else "simple"
    explode = declared.explode if declared is not None else False
    safe = PATH_RESERVED if declared is not None and declared.allow_reserved else ""
    if declared is not None and declared.content is not None:
        return percent_encode(content_text(value, declared.content))
    if declared is not None and declared.expansion is not None:
        return _expanded(name, value, declared, declared.expansion)
    text = _path_text(name, value, style, explode, safe)
    if style not in ("label", "matrix") and unquote(text) in ("", ".", ".."):
        raise UnusableValue(f'the value "{to_text(value)}" would change the path')
    return text


def _expanded(name: str, value: JsonValue, declared: OperationParameter, expansion: Expansion) -> str:
    """Return the text of a variable in an expression of RFC 6570 §3.2, which may be several segments.

    `+` keeps reserved characters, except those that would end the path.
    """
    if expansion.length is not None and value is not None and not isinstance(value, (list, dict)):
        value = to_text(value)[: expansion.length]
    safe = PATH_RESERVED + "/" if expansion.operator == "+" else ""
    if expansion.operator == "/":
        text = "/" + _joined(value, "/" if declared.explode else ",", declared.explode, safe)
    else:
        text = _path_text(name, value, declared.style, declared.explode, safe)
    if declared.style == "simple":
        segments = text.removeprefix("/" if expansion.operator == "/" else "").split("/")
        if any(unquote(segment) in ("", ".", "..") for segment in segments):
            raise UnusableValue(f'the value "{to_text(value)}" would change the path')
    return text


def _path_text(name: str, value: JsonValue, style: str, explode: bool, safe: str) -> str:
    if style == "label":
        return "." + _joined(value, "." if explode else ",", explode, safe)
    if style == "matrix":
        return _matrix(percent_encode(name), value, explode, safe)
    return _joined(value, ",", explode, safe)


def _joined(value: JsonValue, separator: str, explode: bool, safe: str) -> str:
    """Return a value joined by a separator: lists by item, mappings as `k,v` or (explode) `k=v`."""
    if isinstance(value, list):
        return separator.join(_encoded(item, safe) for item in _items(value))
    if isinstance(value, dict):
        between = "=" if explode else ","
        outer = separator if explode else ","
        return outer.join(f"{percent_encode(key)}{between}{_encoded(item, safe)}" for key, item in _members(value))
    return _encoded(value, safe)


def _matrix(name: str, value: JsonValue, explode: bool, safe: str) -> str:
    if isinstance(value, list) and explode:
        return "".join(f";{name}={_encoded(item, safe)}" for item in _items(value))
    if isinstance(value, dict) and explode:
        return "".join(f";{percent_encode(key)}={_encoded(item, safe)}" for key, item in _members(value))
    text = _joined(value, ",", False, safe)
    return f";{name}={text}" if text else f";{name}"


# ------------------------------------------------------------------ query


def query_pairs(name: str, value: JsonValue, declared: OperationParameter | None) -> Pairs:
    """Return the encoded (name, value) pairs of a query parameter; an empty list or mapping gives none."""
    safe = QUERY_RESERVED if declared is not None and declared.allow_reserved else ""
    key = percent_encode(name)
    if declared is not None and declared.content is not None:
        return [(key, percent_encode(content_text(value, declared.content)))]
    style = declared.style if declared is not None else "form"
    explode = declared.explode if declared is not None else True
    if isinstance(value, list):
        return _query_list(key, value, style, explode, safe)
    if isinstance(value, dict):
        return _query_mapping(key, value, style, explode, safe)
    return [(key, _encoded(value, safe))]


def _query_list(key: str, value: list[JsonValue], style: str, explode: bool, safe: str) -> Pairs:
    items = _items(value)
    if style == "deepObject":
        return [pair for index, item in enumerate(items) for pair in _deep_pairs(_below(key, str(index)), item, safe)]
    texts = [_encoded(item, safe) for item in items]
    if explode or not texts:
        return [(key, text) for text in texts]
    return [(key, _DELIMITERS.get(style, ",").join(texts))]


def _query_mapping(key: str, value: dict[str, JsonValue], style: str, explode: bool, safe: str) -> Pairs:
    if style == "deepObject":
        return _deep_pairs(key, value, safe)
    pairs = [(percent_encode(name), _encoded(item, safe)) for name, item in _members(value)]
    if explode or not pairs:
        return pairs
    return [(key, _DELIMITERS.get(style, ",").join(part for pair in pairs for part in pair))]


def _deep_pairs(key: str, value: JsonValue, safe: str) -> Pairs:
    """Yield `filter[a]=1&filter[b][c]=2`, brackets encoded as in the Specification's tables.

    Lists in a mapping, which the Specification leaves undefined, repeat their key (`tags=1&tags=2`),
    as is most common; lists of structures are numbered, which keeps their members together.
    """
    if isinstance(value, dict):
        return [pair for name, item in _members(value) for pair in _deep_pairs(_below(key, name), item, safe)]
    if not isinstance(value, list):
        return [(key, _encoded(value, safe))]
    numbered = any(isinstance(item, (dict, list)) for item in value)
    return [
        pair
        for index, item in enumerate(_items(value))
        for pair in _deep_pairs(_below(key, str(index)) if numbered else key, item, safe)
    ]


def _below(key: str, name: str) -> str:
    return f"{key}%5B{percent_encode(name)}%5D"


def form_pairs(value: dict[str, JsonValue], media_type: MediaType | None) -> Pairs:
    """Return the encoded pairs of a form by its encoding objects (OpenAPI §Encoding Object).

    Without one: lists repeat their name, structures are JSON.
    """
    pairs: Pairs = []
    for name, item in value.items():
        encoding = media_type.encoding.get(name, {}) if media_type is not None else {}
        has_style = any(field in encoding for field in ("style", "explode", "allowReserved"))
        if has_style and isinstance(item, (dict, list)):
            style = str(encoding.get("style", "form"))
            explode = encoding.get("explode", style == "form") is True
            reserved = encoding.get("allowReserved") is True
            declared = OperationParameter(
                name=name, location="query", style=style, explode=explode, allow_reserved=reserved
            )
            pairs += query_pairs(name, item, declared)
            continue
        safe = QUERY_RESERVED if encoding.get("allowReserved") is True else ""
        one_text = not isinstance(item, list) or is_json(str(encoding.get("contentType", "")))
        each = [item] if one_text else _items(item)
        pairs += [(percent_encode(name), _encoded(one, safe)) for one in each]
    return pairs


def querystring_text(value: JsonValue, declared: OperationParameter | None) -> str:
    """Return a whole query string (OpenAPI 3.2 / Arazzo 1.1 `in: querystring`), encoded only where necessary."""
    content = declared.content if declared is not None else None
    content_type = content.content_type if content is not None else ""
    if content is not None and essence(content_type) != FORM:
        return percent_encode(content_text(value, content))
    if isinstance(value, dict):
        return "&".join(f"{key}={text}" for key, text in form_pairs(value, content))
    if not isinstance(value, str):
        return percent_encode(to_json(value))
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise UnusableValue("the query string has control characters")
    return _encoded(value.removeprefix("?"), WHOLE_QUERY)


# ------------------------------------------------------------------ headers and cookies


def header_value(name: str, value: JsonValue, declared: OperationParameter | None) -> str:
    """Return a header's text (style simple, not percent-encoded); raises UnusableValue for control characters."""
    if not is_token(name):
        raise UnusableValue("its name has characters that header names must not have")
    if declared is not None and declared.content is not None:
        text = _ascii_json(content_text(value, declared.content), declared.content)
    elif isinstance(value, list):
        text = ",".join(map(to_text, _items(value)))
    elif isinstance(value, dict):
        between = "=" if declared is not None and declared.explode else ","
        text = ",".join(f"{key}{between}{to_text(item)}" for key, item in _members(value))
    else:
        text = "" if value is None else to_text(value)
    _refuse_controls(text, "a header", allowed="\t")
    return text.strip(" \t")


def _ascii_json(text: str, content: MediaType) -> str:
    # Headers have no charset; JSON can be written in ASCII.
    if text.isascii() or not is_json(content.content_type):
        return text
    return json.dumps(json.loads(text), separators=(",", ":"))


def cookie_pairs(name: str, value: JsonValue, declared: OperationParameter | None) -> Pairs:
    """Return the (name, value) pairs of a cookie parameter.

    Style form percent-encodes `;`, `,`, blanks and quotes; style cookie (3.2) encodes nothing and
    refuses characters that would end the value. In both, exploded members are separate cookies
    (`form` would join them by `&`, which no server understands).
    """
    if not is_token(name):
        raise UnusableValue("its name has characters that cookie names must not have")
    if declared is not None and declared.content is not None:
        return [(name, _cookie_text(content_text(value, declared.content), True))]
    encode = declared is None or declared.style != "cookie"
    explode = declared.explode if declared is not None else True
    if isinstance(value, list):
        texts = [_cookie_text(item, encode) for item in _items(value)]
        return [(name, text) for text in texts] if explode else [(name, ",".join(texts))]
    if isinstance(value, dict):
        parts = [(_cookie_text(key, encode), _cookie_text(item, encode)) for key, item in _members(value)]
        return parts if explode else [(name, ",".join(part for pair in parts for part in pair))]
    return [(name, _cookie_text(value, encode))]


def _cookie_text(value: JsonValue, encode: bool) -> str:
    text = "" if value is None else to_text(value)
    _refuse_controls(text, "a cookie")
    if encode:
        return percent_encode(text, safe=_COOKIE_SAFE)
    if not text.isascii() or any(character in ' ;\\"' for character in text):
        raise UnusableValue("its value has characters that cookies must not have; give it percent-encoded")
    return text


def _refuse_controls(text: str, what: str, allowed: str = "") -> None:
    if any((ord(character) < 32 and character not in allowed) or ord(character) == 127 for character in text):
        raise UnusableValue(f"its value has control characters, which are not allowed in {what}")


# ------------------------------------------------------------------ URL


def build_url(server: str, template: str, path: dict[str, str], query: Pairs, querystring: str | None = None) -> str:
    """Return the URL of a request, always with the server's origin; path values are already encoded.

    The query of a template (`/?Action=List`) is sent too, with variables that `path` has, but for fields of `query`.
    Raises UnusableValue when a variable of the template has no value, or when a segment with
    variables would be empty, `.` or `..`.
    """
    base, _, of_server = server.partition("?")
    plain, _, of_template = template.partition("?")
    written = "/".join(_segment(segment, path) for segment in plain.split("/"))
    text = querystring if querystring is not None else "&".join(f"{key}={value}" for key, value in query)
    given = {unquote(key) for key, _ in query}
    own = [_filled(pair, path) for pair in _pairs(of_template, path) if field_name(pair) not in given]
    fixed = [*_pairs(of_server, {}), *own]
    whole = "&".join([*fixed, text] if text else fixed)
    return f"{base}{percent_encode_path(written)}{'?' if whole else ''}{whole}"


def _pairs(query: str, path: Mapping[str, str]) -> list[str]:
    """Return the pairs of a query but those with variables, which are query parameters unless `path` has them."""
    return [pair for pair in query.split("&") if pair and path.keys() >= set(_VARIABLE.findall(pair))]


def _filled(pair: str, path: Mapping[str, str]) -> str:
    # What a path may have as it is can end or join pairs of a query.
    return _VARIABLE.sub(lambda found: quote(path[found[1]], safe="%-._~"), pair)


def field_name(pair: str) -> str:
    """Return the name of a pair of a query."""
    return unquote_plus(pair.partition("=")[0])


def query_fields(template: str) -> frozenset[str]:
    """Return the names of the query fields that a path template has itself.

    >>> query_fields("/?Action=List&Version={version}")
    frozenset({'Action'})
    """
    return frozenset(map(field_name, _pairs(template.partition("?")[2], {})))


def _segment(template: str, values: dict[str, str]) -> str:
    """Fill the variables of one path segment, such as `{id}` or `{name}.json`."""
    parts = template.split("{")
    if len(parts) == 1:
        return template
    written = [parts[0]]
    for part in parts[1:]:
        name, closed, rest = part.partition("}")
        if not closed or name not in values:
            raise UnusableValue(f'path parameter "{name}" has no value')
        written.append(values[name] + rest)
    text = "".join(written)
    if unquote(text) in ("", ".", ".."):
        raise UnusableValue(f'the path would have the segment "{text}", which would change the path')
    return text


def percent_encode_path(path: str) -> str:
    """Encode the characters that a path cannot contain (blanks, quotes, non-ASCII, `#`, `?`), once."""
    if _PLAIN_PATH.fullmatch(path):
        return path
    return quote(path, safe="/%:@!$&'()*+,;=~")
