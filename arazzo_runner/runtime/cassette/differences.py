"""The differences between two requests or messages: method, URL, header, member of a JSON body, part of multipart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlsplit

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped
from arazzo_runner.base.records import Record
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.sources.http_media.media import BINARY, decode_body
from arazzo_runner.sources.http_media.media_types import essence
from arazzo_runner.sources.http_media.parts import Part, read_parts

Place: TypeAlias = Literal["address", "key", "method", "server", "path", "query", "header", "body", "part"]

Content: TypeAlias = tuple[bytes, str | None]
"""The bytes of a body and its content type."""

# They describe the program that sent the request, or follow from the body.
_OF_NO_INTEREST = frozenset({"user-agent", "content-length", "host", "connection", "accept-encoding"})


class Difference(Record):
    """One part that differs: `name` is the header's or field's name, or the JSON Pointer into the body.

    Of a part of multipart it is the part's name in quotes, perhaps with what of it differs. `was` and `now`
    are MISSING where the part is not there, and bytes where it is a file.
    """

    part: Place
    name: str
    was: JsonValue
    now: JsonValue


def differences(recorded: HttpRequest, request: HttpRequest) -> tuple[Difference, ...]:
    """Return how `request` differs from the recorded one, nothing when they are equivalent.

    JSON is compared by value, whatever its white space, multipart by its parts, whatever their boundary;
    headers and query fields without regard to the order of names.
    """
    return (*_targets(recorded, request), *_headers(recorded, request), *_bodies(recorded, request))


def message_differences(recorded: ChannelMessage, message: ChannelMessage) -> tuple[Difference, ...]:
    """Return how `message` differs from the recorded one: address, key, headers, payload."""
    return tuple(_message_differences(recorded, message))


def _message_differences(recorded: ChannelMessage, message: ChannelMessage) -> Iterator[Difference]:
    if recorded.address != message.address:
        yield Difference("address", "", recorded.address, message.address)
    if recorded.key != message.key:
        pair = (MISSING if each.key is None else each.key for each in (recorded, message))
        yield Difference("key", "", *pair)
    yield from _fields("header", _lists(recorded.headers), _lists(message.headers))
    yield from _contents((recorded.payload, recorded.content_type), (message.payload, message.content_type))


def _targets(recorded: HttpRequest, request: HttpRequest) -> Iterator[Difference]:
    if recorded.method != request.method:
        yield Difference("method", "", recorded.method, request.method)
    was, now = urlsplit(recorded.url), urlsplit(request.url)
    servers = tuple(f"{each.scheme}://{each.netloc.rpartition('@')[2]}" for each in (was, now))
    if servers[0] != servers[1]:
        yield Difference("server", "", *servers)
    if was.path != now.path:
        yield Difference("path", "", was.path, now.path)
    yield from _fields("query", *(_lists(parse_qsl(each.query, keep_blank_values=True)) for each in (was, now)))


def _headers(recorded: HttpRequest, request: HttpRequest) -> Iterator[Difference]:
    pairs = (
        _lists(
            (name.lower(), _without_boundary(name, value))
            for name, value in each.headers
            if name.lower() not in _OF_NO_INTEREST
        )
        for each in (recorded, request)
    )
    yield from _fields("header", *pairs)


def _without_boundary(name: str, value: str) -> str:
    is_multipart = name.lower() == "content-type" and essence(value).startswith("multipart/")
    return essence(value) if is_multipart else value


def _lists(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return found


def _fields(part: Place, was: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> Iterator[Difference]:
    for name in dict.fromkeys((*was, *now)):
        if was.get(name) != now.get(name):
            yield Difference(part, name, _shown(was.get(name)), _shown(now.get(name)))


def _shown(values: list[str] | None) -> JsonValue:
    if values is None:
        return MISSING
    return values[0] if len(values) == 1 else list(values)


def _bodies(recorded: HttpRequest, request: HttpRequest) -> Iterator[Difference]:
    one, other = ((each.body or b"", each.header("content-type")) for each in (recorded, request))
    yield from _contents(one, other)


def _contents(recorded: Content, sent: Content) -> Iterator[Difference]:
    if recorded[0] == sent[0]:
        return
    was, now = (_parts(*each) for each in (recorded, sent))
    if was is not None and now is not None:
        for name in dict.fromkeys((*was, *now)):
            yield from _part_differences(name, was.get(name, []), now.get(name, []))
        return
    yield from _values("", *(_decoded(*each) for each in (recorded, sent)))


def _decoded(body: bytes, kind: str | None) -> JsonValue:
    if not body:
        return MISSING
    value, note = decode_body(body, kind)
    return body if note == BINARY else value


def _parts(body: bytes, kind: str | None) -> dict[str, list[Part]] | None:
    """Return the parts of a multipart body by name: its boundary says nothing."""
    if not body or not essence(kind).startswith("multipart/"):
        return None
    parts = read_parts(body, kind)
    found: dict[str, list[Part]] = {}
    for part in parts or ():
        found.setdefault(part.name, []).append(part)
    return None if parts is None else found


def _part_differences(name: str, was: list[Part], now: list[Part]) -> Iterator[Difference]:
    for index in range(max(len(was), len(now))):
        shown = f'"{name}"' if max(len(was), len(now)) == 1 else f'"{name}"[{index}]'
        one, other = (each[index] if index < len(each) else None for each in (was, now))
        if one is None or other is None:
            yield Difference("part", shown, _content(one), _content(other))
            continue
        for about, left, right in (
            ("file name", one.filename, other.filename),
            ("content type", one.content_type, other.content_type),
        ):
            if left != right:
                pair = (MISSING if each is None else each for each in (left, right))
                yield Difference("part", f"{shown}, {about}", *pair)
        if one.content != other.content:
            yield Difference("part", shown, _content(one), _content(other))


def _content(part: Part | None) -> JsonValue:
    """Return the text of a part, or its bytes when it is a file."""
    if part is None:
        return MISSING
    if part.filename is not None:
        return part.content
    value, note = decode_body(part.content, part.content_type or "text/plain")
    return "" if value is MISSING else part.content if note == BINARY else value


def _values(pointer: str, was: JsonValue, now: JsonValue) -> Iterator[Difference]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in dict.fromkeys((*was, *now)):
            token = escaped(str(name))
            yield from _values(f"{pointer}/{token}", was.get(name, MISSING), now.get(name, MISSING))
    elif isinstance(was, list) and isinstance(now, list):
        for index in range(max(len(was), len(now))):
            yield from _values(f"{pointer}/{index}", _item(was, index), _item(now, index))
    elif was != now or isinstance(was, bool) != isinstance(now, bool):
        yield Difference("body", pointer, was, now)


def _item(items: list[JsonValue], index: int) -> JsonValue:
    return items[index] if index < len(items) else MISSING
