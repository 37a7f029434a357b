"""How large a pattern becomes once its counted repetitions are written out: `(a{1000}){1000}` is a million."""

from __future__ import annotations

from typing import Final

from arazzo_runner.base.patterns import pattern

_COUNT: Final = pattern(r"\{(\d*)(?:,(\d*))?\}")
_ENDLESS: Final = 10**12


def unrolled_size(pattern: str) -> int:
    """Return about how many atoms a pattern has when counted repetitions are written out, never more than 10^12."""
    sizes = [0]
    last = at = 0
    while at < len(pattern):
        character = pattern[at]
        count = _COUNT.match(pattern, at) if character == "{" else None
        if count is not None:
            times = max(int(text[:12]) for text in (count[1] or "0", count[2] or "0"))
            sizes[-1] = min(_ENDLESS, sizes[-1] + last * max(0, times - 1))
            last = min(_ENDLESS, last * max(1, times))
            at = count.end()
            continue
        if character == "(":
            sizes.append(0)
        elif character == ")" and len(sizes) > 1:
            last = max(1, sizes.pop())
            sizes[-1] = min(_ENDLESS, sizes[-1] + last)
        elif character not in "*+?|^$":
            last = 1
            sizes[-1] += 1
            at = _end_of_class(pattern, at) if character == "[" else at + (character == "\\")
        at += 1
    return min(_ENDLESS, sum(sizes))


def _end_of_class(pattern: str, at: int) -> int:
    """Return the index of the `]` that closes a class, of the pattern's end when none does."""
    at += 1
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at
