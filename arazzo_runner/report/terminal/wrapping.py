"""Text in a terminal: how many columns it takes, wrapped between words, cut and padded to columns."""

from __future__ import annotations

import unicodedata

from arazzo_runner.base.patterns import pattern

_STYLE = pattern("\x1b\\[[0-9;]*m")
_LEAST = 10


def columns(text: str) -> int:
    """Return how many columns a text takes: wide characters and emoji two, combining ones and styles none."""
    if text.isascii():
        return len(text) if "\x1b" not in text else len(_STYLE.sub("", text))
    return sum(map(_columns, _STYLE.sub("", text)))


def wrapped(text: str, width: int | None, *, first: str = "", rest: str = "") -> list[str]:
    """Return a text as lines no wider than `width`, the first after `first`, the others after `rest`.

    Words stay whole, even ones that are too long; a line may also begin with a wide character. What must be masked has
    been masked: parts of a secret are not recognised.
    """
    if width is None or columns(first) + columns(text) <= width:
        return [first + text]
    lines, line, is_empty = [], first, True
    for space, word in _words(text):
        room = max(width, columns(rest) + _LEAST)
        if is_empty or columns(line) + len(space) + columns(word) <= room:
            line += ("" if is_empty else space) + word
        else:
            lines.append(line)
            line = rest + word
        is_empty = False
    return [*lines, line]


def below_itself(line: str, width: int) -> str:
    """Return a line wrapped so that what does not fit is below it, indented further."""
    indent = line[: len(line) - len(line.lstrip(" "))]
    return "\n".join(wrapped(line.lstrip(" "), width, first=indent, rest=f"{indent}    "))


def beginning(text: str, width: int) -> str:
    """Return as much of a text without styles as takes at most `width` columns."""
    if text.isascii():
        return text[:width]
    number = 0
    for character in text:
        width -= _columns(character)
        if width < 0:
            break
        number += 1
    return text[:number]


def padded(text: str, width: int) -> str:
    """Return a text with spaces up to a number of columns."""
    return text + " " * (width - columns(text))


def _words(text: str) -> list[tuple[str, str]]:
    """Return the pieces that stay whole, each with the spaces before it: words, and single wide characters."""
    found: list[tuple[str, str]] = []
    space = word = ""
    for character in text:
        if word and (character == " " or _columns(character) == 2 or (_columns(word[-1]) == 2 and _columns(character))):
            found.append((space, word))
            space = word = ""
        if character == " ":
            space += character
        else:
            word += character
    return [*found, (space, word)] if word else found


def _columns(character: str) -> int:
    if character.isascii():
        return 1
    if unicodedata.combining(character) or "\ufe00" <= character <= "\ufe0f":
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
