"""Set-Cookie lines as a client reads them: RFC 6265bis §5.6, dates by §5.1.1."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record

MAX_PAIR: Final = 4096
MAX_ATTRIBUTE: Final = 1024
"""In bytes (RFC 6265bis §5.6)."""

_BLANKS: Final = " \t"
_CONTROL: Final = pattern(r"[\x00-\x08\x0a-\x1f\x7f]")
_MAX_AGE: Final = pattern(r"-?[0-9]+")
_FOREVER: Final = 1e11
_DELIMITERS: Final = pattern(r"[\t\x20-/;-@\[-`{-~]+")
_TIME: Final = pattern(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?![0-9])")
_DAY: Final = pattern(r"([0-9]{1,2})(?![0-9])")
_YEAR: Final = pattern(r"([0-9]{2,4})(?![0-9])")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class SetCookie(Record):
    """A parsed Set-Cookie line; `path` is "" when it has no usable one, `domain` "" when it has none.

    `expires` is in seconds since the epoch, None for the run's length.
    """

    name: str
    value: str
    domain: str
    path: str
    secure: bool
    expires: float | None


def read_set_cookie(line: str, now: float) -> SetCookie | None:
    """Return a parsed Set-Cookie line, None when it must be ignored.

    A cookie without a name is ignored too: no server may send one (§4.1.1), and its value would be
    read as another cookie.
    """
    if _CONTROL.search(line):
        return None
    pair, *attributes = line.split(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(_BLANKS), value.strip(_BLANKS)
    if not equals or not name or _size(name) + _size(value) > MAX_PAIR:
        return None
    given = [each for each in map(_attribute, attributes) if _size(each[1]) <= MAX_ATTRIBUTE]
    domain, path = _last(given, "domain").removeprefix(".").lower(), _last(given, "path")
    return SetCookie(
        name=name,
        value=value,
        domain=domain,
        path=path if path.startswith("/") else "",
        secure=any(key == "secure" for key, _ in given),
        expires=_expires(given, now),
    )


def _last(given: Sequence[tuple[str, str]], wanted: str) -> str:
    return next((text for key, text in reversed(given) if key == wanted), "")


def _expires(given: Sequence[tuple[str, str]], now: float) -> float | None:
    """Return the end of a cookie: by its last readable Max-Age, else by its last readable Expires (§5.7)."""
    ages = [text for key, text in given if key == "max-age" and _MAX_AGE.fullmatch(text)]
    if ages:
        return now + max(-_FOREVER, min(_FOREVER, float(ages[-1])))
    dates = [date for key, text in given if key == "expires" and (date := cookie_date(text)) is not None]
    return dates[-1] if dates else None


def _attribute(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return key.strip(_BLANKS).lower(), value.strip(_BLANKS)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


def cookie_date(text: str) -> float | None:
    """Return a date as seconds since the epoch, None for other text; the order of its parts does not matter (§5.1.1).

    >>> cookie_date("Sunday, 06-Nov-94 08:49:37 GMT"), cookie_date("soon")
    (784111777.0, None)
    """
    time: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DELIMITERS.split(text):
        if time is None and (found := _TIME.match(token)):
            time = (int(found[1]), int(found[2]), int(found[3]))
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.match(token)):
            year = int(found[1])
    if time is None or day is None or month is None or year is None:
        return None
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    if year < 1601:
        return None
    try:
        return datetime(year, month, day, *time, tzinfo=UTC).timestamp()
    except ValueError:  # 31 February, 24 o'clock
        return None
