"""Writers of values into texts: forms, JSON Pointer, JSON and JSONPath; text_languages.py has those of XML.

A Writer follows the text of a template, so it knows where each value is: inside a string it is
escaped as that string's language asks; elsewhere it becomes a complete literal. Where a value of
this kind cannot stand at all, as inside a comment, it raises Unwritable.
"""

from __future__ import annotations

import json
from typing import Final, Protocol
from urllib.parse import quote

from arazzo_runner.base.json_values import JsonValue, to_text
from arazzo_runner.base.patterns import pattern


class Unwritable(Exception):
    """A value that cannot stand where the template has it; the message says why."""


class Writer(Protocol):
    """Writes one template: its texts and values in turn."""

    def text(self, text: str, /) -> str:
        """Return what to write for a text of the template."""

    def value(self, value: JsonValue, /) -> str:
        """Return what to write for a value here; raises Unwritable."""

    def end(self) -> str:
        """Return what is left to write at the template's end."""


# ------------------------------------------------------------------ values without a place


class Form:
    """`application/x-www-form-urlencoded` and query strings: a value is percent-encoded (RFC 3986 §2.3)."""

    def text(self, text: str) -> str:
        return text

    def value(self, value: JsonValue) -> str:
        return quote(to_text(value), safe="", errors="surrogatepass")

    def end(self) -> str:
        return ""


class Pointer(Form):
    """JSON Pointer: a value is (part of) one reference token (RFC 6901 §3)."""

    def value(self, value: JsonValue) -> str:
        return to_text(value).replace("~", "~0").replace("/", "~1")


# ------------------------------------------------------------------ JSON and JSONPath


class Json:
    """JSON: inside quotes a value is escaped; elsewhere it is JSON itself, a text that is none becomes a string."""

    quotes = '"'

    def __init__(self) -> None:
        self.open = ""
        self._is_escaped = False
        self._last = ""

    def text(self, text: str) -> str:
        for character in text:
            if self._is_escaped:
                self._is_escaped = False
            elif not self.open:
                self.open = character if character in self.quotes else ""
            elif character == "\\":
                self._is_escaped = True
            elif character == self.open:
                self.open = ""
        self._last = text[-1:] or self._last
        return text

    def value(self, value: JsonValue) -> str:
        if self._is_escaped:
            raise Unwritable("a backslash before it would escape its first character")
        written = self._escaped(to_text(value)) if self.open else self._literal(value)
        self._last = written[-1:] or self._last
        return written

    def end(self) -> str:
        return ""

    def _escaped(self, text: str) -> str:
        return json.dumps(text, ensure_ascii=False)[1:-1]

    def _literal(self, value: JsonValue) -> str:
        # A number, boolean, null or structure is JSON as it is; a text may already be JSON.
        if not isinstance(value, str):
            return to_text(value)
        try:
            json.loads(value, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return json.dumps(value, ensure_ascii=False)
        return value


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


_NUMBER: Final = pattern(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_MEMBER_NAME: Final = pattern(r"[^\W\d]\w*")
_WORD: Final = pattern(r"\w+")


class JsonPath(Json):
    """JSONPath (RFC 9535 §2.3.1.1): strings in quotes of either kind; elsewhere number, true, null or 'string'."""

    quotes = "'\""

    def _escaped(self, text: str) -> str:
        escaped = super()._escaped(text)
        return escaped if self.open == '"' else escaped.replace('\\"', '"').replace("'", "\\'")

    def _literal(self, value: JsonValue) -> str:
        text = to_text(value)
        if self._last == ".":
            if not _MEMBER_NAME.fullmatch(text):
                raise Unwritable("it is not a name that JSONPath allows after a full stop; write ['…'] around it")
            return text
        if continues(self._last, text) or is_number(value, text) or value is None or isinstance(value, bool):
            return text
        return f"'{self._escaped(text)}'"


def continues(before: str, text: str) -> bool:
    """Return whether a text of letters and digits follows such a character: it can only make that word longer."""
    return _WORD.fullmatch(before) is not None and _WORD.fullmatch(text) is not None


def is_number(value: JsonValue, text: str) -> bool:
    """Return whether a value is a number, or a text that is one: values of headers, XML and the shell are texts."""
    return not isinstance(value, (bool, dict, list)) and _NUMBER.fullmatch(text) is not None
