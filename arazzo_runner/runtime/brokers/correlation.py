"""Correlation: whether a message is the one that is waited for, by the id that it has at a described place.

The comparison is of texts and exact: ids do not ignore case. The whole payload is never searched for the text, which
would find a price of 42 for the order 42.
"""

from __future__ import annotations

import json
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, member, to_text
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.engine.messages import ChannelMessage, Correlation
from arazzo_runner.sources.channel import Place

_NATIVE_HEADER: Final = "correlationid"


class Correlated(MutableRecord):
    """A message whose texts at places are read once, however many receives look at it."""

    message: ChannelMessage
    _texts: dict[tuple[str, tuple[str, ...]], str | None] = field(default_factory=dict)

    def fits(self, correlation: Correlation | None) -> bool:
        """Return whether the message correlates; every message does where nothing is asked for."""
        if correlation is None:
            return True
        if any(self.text_at(place) == correlation.value for place in correlation.places):
            return True
        return correlation.native and correlation.value in _native_ids(self.message)

    def text_at(self, place: Place) -> str | None:
        """Return the value at a place as text, None for none, null or a structure."""
        key = (place.part, place.pointer)
        if key not in self._texts:
            self._texts[key] = _text_at(self.message, place)
        return self._texts[key]


def _text_at(message: ChannelMessage, place: Place) -> str | None:
    if place.part == "payload":
        text = message.payload.decode("utf-8", "replace")
        if not place.pointer:
            return _scalar(_json(text), otherwise=text)
        return _scalar(_at(_json(text), place.pointer))
    if not place.pointer:
        return None
    text_of_header = header_of(message, place.pointer[0])
    if text_of_header is None or len(place.pointer) == 1:
        return text_of_header
    return _scalar(_at(_json(text_of_header), place.pointer[1:]))


def header_of(message: ChannelMessage, name: str) -> str | None:
    """Return a header, its name read without regard to case; several of one name are joined with a comma."""
    wanted = name.lower()
    values = [value for key, value in message.headers if key.lower() == wanted]
    return ", ".join(values) if values else None


def _native_ids(message: ChannelMessage) -> list[str]:
    """Return the correlation id of the protocol, and that of the header used in its place."""
    native = message.native.get("correlation_id")
    found = [] if native is None else [to_text(native)]
    return found + [value for name, value in message.headers if name.lower() == _NATIVE_HEADER]


def _json(text: str) -> JsonValue | Missing:
    try:
        value: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return MISSING
    return value


def _at(value: JsonValue | Missing, pointer: tuple[str, ...]) -> JsonValue | Missing:
    for token in pointer:
        value = member(value, token)
        if value is MISSING:
            return MISSING
    return value


def _scalar(value: JsonValue | Missing, otherwise: str | None = None) -> str | None:
    if value is MISSING:
        return otherwise
    if value is None or isinstance(value, (dict, list)):
        return None
    return to_text(value)
