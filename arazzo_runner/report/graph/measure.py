"""How wide a text is in a drawing, estimated without its font, and texts cut to a width."""

from __future__ import annotations

import unicodedata

from arazzo_runner.report.escaping import one_line

_NARROW, _THIN, _BROAD = frozenset("ijlI.,:;'|!"), frozenset("frt()[]{}-/\\ "), frozenset("mwMW@%")
_MONOSPACE = 0.61


def width_of(text: str, size: float, *, monospace: bool = False) -> float:
    """Return the width of a text in a font of a size; at least as wide as in the usual fonts (DejaVu is the widest)."""
    return size * sum(_letter(character, monospace=monospace) for character in text)


def fitted(text: str, limit: float, size: float, *, monospace: bool = False) -> str:
    """Return a text, or its beginning and its end around an ellipsis, that is no wider than the limit."""
    text = one_line(text)
    if width_of(text, size, monospace=monospace) <= limit:
        return text
    left, right = 0, len(text)
    room = limit - width_of("…", size, monospace=monospace)
    while left < right:
        # From both sides in turn, so that what differs only at its end still differs.
        at = left if left <= len(text) - right else right - 1
        room -= size * _letter(text[at], monospace=monospace)
        if room < 0:
            break
        left, right = (left + 1, right) if at == left and left <= len(text) - right else (left, right - 1)
    return f"{text[:left]}…{text[right:]}"


def _letter(character: str, *, monospace: bool) -> float:
    """Return the width of a character relative to the size of the font."""
    if not character.isascii():
        if unicodedata.combining(character):
            return 0.0
        # Emoji are wider than other wide characters.
        return (1.4 if character >= "\U0001f000" else 1.1) if unicodedata.east_asian_width(character) in "WF" else 0.9
    if monospace:
        return _MONOSPACE
    if character in _NARROW:
        return 0.34
    if character in _THIN:
        return 0.42
    return 1.0 if character in _BROAD else 0.79 if character.isupper() else 0.65
