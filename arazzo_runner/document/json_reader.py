"""JSON text → value, by the standard library: it keeps big integers and joins surrogate pairs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.positions import JsonPositions
from arazzo_runner.document.reading import MOST_REPEATS, Reading, Unreadable, too_deep

_KEY_ENDS: Final = pattern(r'"[ \t\r\n]*:')
_SPACED_END: Final = pattern(r'"[ \t\r\n]+:')
_STRUCTURES: Final = frozenset((dict, list))
_SYNTAX_HINTS: Final = (
    ("Expecting ',' delimiter", "put a comma between two members and between two items"),
    ("Expecting ':' delimiter", "put a colon after the name"),
    ("Expecting property name", "put the name in double quotes; no comma stands before }"),
    ("Illegal trailing comma", "remove the comma after the last one"),
    ("Expecting value", "write a value, texts in double quotes; no comma stands before ]"),
    ("Unterminated string", "close the double quotes"),
    ("Invalid control character", "write a line break in a text as \\n, a tab as \\t"),
    ("escape", "write a backslash as \\\\"),
    ("Extra data", "remove what follows the value"),
)


class NotJsonText(Unreadable):
    """The text is no JSON; it may be YAML in flow style."""


def read_json(reading: Reading) -> JsonValue:
    """Read a JSON text (RFC 8259); raises NotJsonText when it is none, Unreadable when it must not be read."""
    value = _loaded(reading)
    keys = count_keys(value, reading.limits.max_depth)
    if keys is None:
        raise _too_deep(reading)
    if "\\ud" in reading.text or "\\uD" in reading.text:
        _refuse_half_pairs(value)
    # Every key has a quote before its colon; when there are no more of these than keys, none is repeated.
    if _key_ends(reading.text) != keys:
        _report_repeats(reading)
    return value


def _key_ends(text: str) -> int:
    # Nobody writes a blank before the colon: to know that, and to count, is faster than to find them all.
    return len(_KEY_ENDS.findall(text)) if _SPACED_END.search(text) else text.count('":')


def _loaded(reading: Reading) -> JsonValue:
    text = reading.text
    try:
        return json.loads(text, parse_constant=_constant, parse_float=_float)
    except RecursionError:
        raise _too_deep(reading) from None
    except json.JSONDecodeError as problem:
        place = (problem.lineno, problem.colno)
        hint = next((hint for part, hint in _SYNTAX_HINTS if part in problem.msg), None)
        raise NotJsonText("json-syntax", f"this is no JSON: {problem.msg}", place, hint) from None
    except _NotJsonNumber as problem:
        number = problem.number
        message = f"{number if len(number) < 40 else number[:40] + '…'} is no JSON number"
        raise _refused(text, message, lambda token, _: token == number) from None
    except ValueError:  # Python's limit of 4300 digits
        raise _refused(text, "a number is too long", lambda token, _: len(token) > 4300 and token[0] != '"') from None


class _NotJsonNumber(Exception):
    """A number that JSON, or a double, does not have."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


def _refused(text: str, message: str, is_wanted: Callable[[str, int], bool]) -> Unreadable:
    return Unreadable("not-json", message, _place(text, is_wanted), "write it as text, in quotes")


def _too_deep(reading: Reading) -> Unreadable:
    limit = reading.limits.max_depth
    return too_deep(reading.limits, _place(reading.text, lambda _, depth: depth > limit))


def _place(text: str, is_wanted: Callable[[str, int], bool]) -> tuple[int, int] | None:
    # The standard library tells no places but of syntax errors: a second pass over the tokens does.
    from arazzo_runner.document.position_scan import token_place

    return token_place(text, is_wanted)


def _report_repeats(reading: Reading) -> None:
    # JSON with repeated keys is rare: only then a second pass pays to find their places.
    from arazzo_runner.document.position_scan import json_places

    for key, pointer, first, second in json_places(reading.text, most_repeats=MOST_REPEATS).repeats:
        reading.repeated_key(key, pointer, (first.line, first.column), (second.line, second.column))
        if isinstance(reading.positions, JsonPositions):
            reading.positions.has_repeated_keys = True


def _refuse_half_pairs(value: JsonValue) -> None:
    """RFC 8259 §8.2: half of a surrogate pair is no character, and no output could show it."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        message = "a text has half of a surrogate pair, which is no character"
        raise Unreadable("not-json", message, None, "write both halves, as \\ud83d\\ude00") from None


def _constant(name: str) -> JsonValue:
    raise _NotJsonNumber(name)


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:  # infinite
        raise _NotJsonNumber(text)
    return value


def count_keys(value: JsonValue, limit: int) -> int | None:
    """Return how many members all objects in a value have together; None when it is nested deeper than `limit`."""
    found = 0
    level: list[Any] = [value] if type(value) in _STRUCTURES else []
    for _ in range(limit + 1):
        inside = []
        for each in level:
            if type(each) is dict:
                found += len(each)
                each = each.values()
            for item in each:
                if type(item) in _STRUCTURES:
                    inside.append(item)
        if not inside:
            return found
        level = inside
    return None
