"""Colours, durations and counts in text."""

from __future__ import annotations

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}
STEP_STYLES = {"passed": "green", "recovered": "yellow", "failed": "red", "skipped": "dim"}


def paint(text: str, style: str, *, color: bool) -> str:
    """Return text in a style (`red`, `bold red`), unchanged without `color`."""
    if not color or not text:
        return text
    codes = ";".join(_CODES[name] for name in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def duration(milliseconds: float) -> str:
    """Return a duration for people: `31 ms`, `2.4 s`, `3 min 20 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def count(number: int, noun: str) -> str:
    """Return `1 error`, `2 errors`, `2 retries`."""
    if number == 1:
        return f"{number} {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("try") else f"{number} {noun}s"
