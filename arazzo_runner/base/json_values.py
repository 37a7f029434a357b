"""JSON values: their type, MISSING, JSON Pointers, and how values are written, compared and converted."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from arazzo_runner.base.beginnings import beginning
from arazzo_runner.base.files import size_of

JsonValue: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, list of JSON values, dict from str to JSON value.

Inputs and payloads may have bytes too (`File`): the content of a file to send.

It is not a recursive alias, which would need casts everywhere; reading guarantees the shape.
"""


class Missing:
    """The type of MISSING: "no such value", which is not JSON null."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


def is_number(value: object) -> bool:
    """Return whether `value` is a JSON number, which a bool is not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


LONGEST_NUMBER: Final = 400
"""Texts of more characters are not converted to numbers: one of a million digits would take a second."""


def to_number(value: object) -> int | float | None:
    """Return a number, or a numeric string converted to one; None for any other value.

    A numeric string beyond the range of floats (`1e999`) gives None.
    """
    if is_number(value):
        return value  # type: ignore[return-value]
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        return None
    text = value.strip()
    if not text or not text.isascii() or text[-1] not in "0123456789." or "_" in text:
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def to_text(value: JsonValue) -> str:
    """Return a value as text for embedding (Arazzo 1.1 §Runtime Expressions): scalars plain, structures as JSON.

    >>> to_text(True), to_text(None), to_text(1.0), to_text({"a": 1})
    ('true', 'null', '1', '{"a":1}')
    """
    if isinstance(value, str):
        return value
    if value is None or value is MISSING:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    if isinstance(value, bytes):
        return _text_of(value)
    return to_json(value)


def to_json(value: JsonValue) -> str:
    """Return a value as compact JSON (RFC 8259); MISSING becomes null."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_json_default)
    except (RecursionError, ValueError):  # nested beyond Python's stack, or a number of more digits than it writes
        return "".join(_json_parts(value))


def _json_parts(value: JsonValue) -> Iterator[str]:
    """Yield the JSON of a value of any depth, without recursion, with numbers of any length."""
    waiting: list[Any] = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, _Raw):
            yield each.text
        elif isinstance(each, dict):
            members = [
                part
                for name, item in each.items()
                for part in (_Raw(f"{json.dumps(str(name), ensure_ascii=False)}:"), item, _Raw(","))
            ]
            waiting += [_Raw("}"), *reversed(members[:-1]), _Raw("{")]
        elif isinstance(each, (list, tuple)):
            items = [part for item in each for part in (item, _Raw(","))]
            waiting += [_Raw("]"), *reversed(items[:-1]), _Raw("[")]
        elif isinstance(each, int) and not isinstance(each, bool):
            from decimal import Decimal  # lazily: rarely needed

            yield str(Decimal(each))
        else:
            yield json.dumps(each, ensure_ascii=False, default=_json_default)


class _Raw:
    """A text to be written as it is."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


def _json_default(value: object) -> object:
    if value is MISSING:
        return None
    if isinstance(value, bytes):
        return size_of(value)
    if isinstance(value, dict):
        return dict(value)
    return str(value)


def _text_of(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return size_of(content)


def type_name(value: object) -> str:
    """Return the JSON Schema name of a value's type, for messages."""
    if value is MISSING:
        return "missing"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, (str, bytes)):
        return "string"
    return "object" if isinstance(value, dict) else "array"


def preview(value: JsonValue, limit: int = 80) -> str:
    """Return a value as one short line of JSON, for messages."""
    if value is MISSING:
        return "missing"
    text = to_json(beginning(value, limit)[0])
    return text if len(text) <= limit else text[: limit - 1] + "…"


def is_deeper(value: JsonValue, limit: int) -> bool:
    """Return whether a value has more than so many levels.

    >>> is_deeper([[1]], 2), is_deeper([[1]], 1), is_deeper(1, 0)
    (False, True, False)
    """
    level = [value]
    for _ in range(limit):
        level = [item for each in level for item in _items(each)]
        if not level:
            return False
    return any(isinstance(each, (dict, list)) for each in level)


def _items(value: JsonValue) -> Iterable[JsonValue]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def uncounted(_units: int) -> None:
    """Ignore the work done."""


def equal(left: JsonValue, right: JsonValue, spend: Callable[[int], None] = uncounted) -> bool:
    """Return whether two values are equal in a simple condition (semantics of `==`).

    Strings ignore case; a number equals a numeric string; null and MISSING equal only each other;
    booleans never equal numbers; structures are equal if all their parts are. `spend` is called with
    the units of work: one for each part, and for each hundred characters.

    It is a loop, since values may be nested deeper than Python's stack.
    """
    pairs = [(left, right)]
    while pairs:
        spend(1)
        one, two = pairs.pop()
        if isinstance(one, dict) and isinstance(two, dict):
            if one.keys() != two.keys():
                return False
            pairs += [(item, two[key]) for key, item in one.items()]
        elif isinstance(one, list) and isinstance(two, list):
            if len(one) != len(two):
                return False
            pairs += zip(one, two, strict=True)
        elif not _scalars_equal(one, two, spend):
            return False
    return True


def _scalars_equal(left: JsonValue, right: JsonValue, spend: Callable[[int], None]) -> bool:
    if left is None or left is MISSING or right is None or right is MISSING:
        return (left is None or left is MISSING) and (right is None or right is MISSING)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        spend((len(left) + len(right)) // 100)
        return left.casefold() == right.casefold()
    first, second = to_number(left), to_number(right)
    return first is not None and second is not None and first == second


def compare(left: JsonValue, right: JsonValue, spend: Callable[[int], None] = uncounted) -> int | None:
    """Return -1, 0 or 1 for the order of two values; None when they cannot be ordered.

    Numbers and numeric strings compare as numbers (`'9' < '10'`), other strings by their
    case-folded text; null, MISSING, booleans and structures have no order. `spend` as in `equal`.
    """
    first, second = to_number(left), to_number(right)
    if first is not None and second is not None:
        return (first > second) - (first < second)
    if isinstance(left, str) and isinstance(right, str):
        spend((len(left) + len(right)) // 100)
        one, two = left.casefold(), right.casefold()
        return (one > two) - (one < two)
    return None


def is_truthy(value: JsonValue) -> bool:
    """Return whether a value alone satisfies a condition: all do but false, null, MISSING, 0 and ""."""
    if value is None or value is MISSING or value is False or value == "":
        return False
    return not (is_number(value) and value == 0)


def pointer_tokens(pointer: str) -> tuple[str, ...]:
    """Split a JSON Pointer (RFC 6901) into its decoded reference tokens."""
    if not pointer:
        return ()
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def escaped(name: str) -> str:
    """Return a name as a token of a JSON Pointer (RFC 6901 §3)."""
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name


def resolve_pointer(value: JsonValue, pointer: str) -> JsonValue | Missing:
    """Return the value at a JSON Pointer (RFC 6901 §4), MISSING when there is none."""
    for token in pointer_tokens(pointer):
        value = member(value, token)
        if value is MISSING:
            return MISSING
    return value


def member(value: JsonValue, token: str) -> JsonValue | Missing:
    """Return one member or item of a structure by its reference token, MISSING when there is none."""
    if isinstance(value, dict):
        return value.get(token, MISSING)
    if isinstance(value, (list, tuple)) and _is_index(token) and int(token) < len(value):
        return value[int(token)]
    return MISSING


def _is_index(token: str) -> bool:
    # RFC 6901 §4: no leading zeros; isascii excludes "²", the length keeps int() cheap.
    return token.isascii() and token.isdigit() and len(token) < 16 and (token == "0" or token[0] != "0")


def ends_inside_string(text: str, inside: bool) -> bool:
    """Return whether JSON text that begins inside (or outside) a string ends inside one."""
    is_escaped = False
    for character in text:
        if is_escaped:
            is_escaped = False
        elif character == "\\":
            is_escaped = inside
        elif character == '"':
            inside = not inside
    return inside
