"""Places in messages: where a correlation id, or an address for replies, is read and written."""

from __future__ import annotations

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, member
from arazzo_runner.expressions.scope import Message
from arazzo_runner.sources.channel import Place


def read_place(message: Message, place: Place) -> JsonValue | Missing:
    """Return the value at a place of a message, MISSING for none."""
    if place.part == "header":
        return message.header(place.pointer[0]) if place.pointer else MISSING
    return _at(message.body, place.pointer)


def _at(value: JsonValue | Missing, pointer: tuple[str, ...]) -> JsonValue | Missing:
    for token in pointer:
        value = member(value, token)
        if value is MISSING:
            return MISSING
    return value


def with_member(value: JsonValue, pointer: tuple[str, ...], added: JsonValue) -> JsonValue:
    """Return a payload with a value at a pointer, unless something is there or no mapping can hold it.

    >>> with_member({"a": 1}, ("ids", "reply"), "r"), with_member({"a": 1}, ("a",), "r"), with_member("x", ("a",), "r")
    ({'a': 1, 'ids': {'reply': 'r'}}, {'a': 1}, 'x')
    """
    if not pointer or not (value is MISSING or isinstance(value, dict)):
        return value
    members: dict[str, JsonValue] = value if isinstance(value, dict) else {}
    name, *rest = pointer
    if rest:
        return {**members, name: with_member(members.get(name, MISSING), tuple(rest), added)}
    return {name: added, **members} if name not in members else value
