"""The beginnings of large values and JSON texts, for excerpts that cost the same however large the whole is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import repeat
from typing import Any, Final, TypeAlias

from arazzo_runner.base.files import size_of
from arazzo_runner.base.patterns import pattern

_Members: TypeAlias = Iterator[tuple[Any, Any]]
_END: Final = object()
_MARKS = pattern(r'"(?:[^"\\]+|\\.)*+"|[][{},"]')  # a whole text, a structural character, the quote of a text cut off
_CUT_TEXT = pattern(r'"(?:[^"\\]+|\\(?:[^u]|u[0-9a-fA-F]{4}))*+')


def beginning(value: Any, size: int) -> tuple[Any, bool]:
    """Return (the value, True), or (its beginning, False) if its JSON has more than about `size` characters.

    The JSON of a beginning has at least as many characters before the place where the value was cut, and
    behind it only what closes texts and structures. It is a copy, made in a loop: values may be nested
    deeper than Python's stack.
    """
    made: list[Any] = []
    waiting: list[tuple[_Members, Any]] = [(iter([(None, value)]), made)]
    left = size
    while waiting and left >= 0:
        members, target = waiting[-1]
        name, item = next(members, (None, _END))
        if item is _END:
            waiting.pop()
            continue
        left -= 1
        if isinstance(name, str):
            left -= len(name) + 2
            name = name[: size + 1]
        item, inside = _opened(item, size) if left >= 0 else (None, None)
        if isinstance(item, str):
            left -= len(item)
        if inside is not None:
            waiting.append((inside, item))
        if isinstance(target, list):
            target.append(item)
        else:
            target[name] = item
    return made[0], left >= 0


def _opened(value: Any, size: int) -> tuple[Any, _Members | None]:
    """Return a scalar, texts cut, or an empty structure and its members."""
    if isinstance(value, bytes):
        value = size_of(value)
    if isinstance(value, str):
        return value[: size + 1], None
    if isinstance(value, Mapping):
        return {}, iter(value.items())
    if isinstance(value, (list, tuple)):
        return [], zip(repeat(None), value)
    return value, None


def ended(text: str) -> tuple[str, bool]:
    """Return JSON text that was cut off, with its structures closed, and whether its last part is a text that was cut.

    A member whose name or number the cut goes through is left out.
    """
    place = 0
    closing: list[str] = []
    for mark in _MARKS.finditer(text):
        kind = mark[0]
        if kind == '"':
            found = _CUT_TEXT.match(text, mark.start())
            is_name = closing[-1:] == ["}"] and text[: mark.start()].rstrip()[-1:] != ":"
            if found is not None and not is_name:
                return text[: found.end()] + '"' + "".join(reversed(closing)), True
            break
        if kind in "[{":
            closing.append("]" if kind == "[" else "}")
        elif kind in "]}":
            del closing[-1:]
        if kind in "[{]},":
            place = mark.start() if kind == "," else mark.end()
    return text[:place] + "".join(reversed(closing)), False
