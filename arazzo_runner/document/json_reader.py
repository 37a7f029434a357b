"""JSON text → value, by the standard library."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.json_positions import JsonPositions
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
    """The text is not JSON; it may be YAML in flow style."""


def read_json(reading: Reading) -> JsonValue:
    """Return the value of a JSON text (RFC 8259); raises NotJsonText if it is invalid, Unreadable if refused."""
    value = _loaded(reading)
    keys = count_keys(value, reading.limits.max_depth)
    if keys is None:
        raise _too_deep(reading)
    if "\\ud" in reading.text or "\\uD" in reading.text:
        _refuse_half_pairs(value)
    # Each key has a quote before its colon: if there are no more of these than keys, none is repeated.
    if _key_ends(reading.text) != keys:
        _report_repeats(reading)
    return value


def _key_ends(text: str) -> int:
    # Blanks before a colon are rare; counting `":"` is much faster than a regular expression that allows them.
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
    """A number that is not JSON or does not fit into a double."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self.number = number


def _refused(text: str, message: str, is_wanted: Callable[[str, int], bool]) -> Unreadable:
    return Unreadable("not-json", message, _place(text, is_wanted), "write it as text, in quotes")


def _too_deep(reading: Reading) -> Unreadable:
    limit = reading.limits.max_depth
    return too_deep(reading.limits, _place(reading.text, lambda _, depth: depth > limit))


def _place(text: str, is_wanted: Callable[[str, int], bool]) -> tuple[int, int] | None:
    # The standard library gives positions of syntax errors only, hence a second pass over the tokens.
    from arazzo_runner.document.json_positions import token_position

    return token_position(text, is_wanted)


def _report_repeats(reading: Reading) -> None:
    # Repeated keys are rare; a second pass finds their positions.
    from arazzo_runner.document.json_positions import json_index

    for key, pointer, first, second in json_index(reading.text, most_repeats=MOST_REPEATS).repeats:
        reading.repeated_key(key, pointer, (first.line, first.column), (second.line, second.column))
        if isinstance(reading.positions, JsonPositions):
            reading.positions.has_repeated_keys = True


def _refuse_half_pairs(value: JsonValue) -> None:
    """Refuse texts with half of a surrogate pair (RFC 8259 §8.2), which no output can encode."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        message = "a text has an unpaired surrogate"
        raise Unreadable("not-json", message, None, "write both halves, as \\ud83d\\ude00") from None


def _constant(name: str) -> JsonValue:
    raise _NotJsonNumber(name)


def _float(text: str) -> float:
    value = float(text)
    if value - value != 0:  # infinite
        raise _NotJsonNumber(text)
    return value


def count_keys(value: JsonValue, limit: int) -> int | None:
    """Return the number of members of all objects in a value; None when it is nested deeper than `limit`."""
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
