"""The cookies of a run, a pure fold over its answers (a replayed run has the same session), and Set-Cookie lines.

RFC 6265bis (draft-ietf-httpbis-rfc6265bis) §5.7 and §5.8, but for one thing: a cookie without a
Domain goes back to the origin that set it, not to every port of its host, so that two services on
one host keep their own sessions. The Domain attribute counts only on request (mode "domain"). The
Public Suffix List is that of the package publicsuffixlist, which comes with it: nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.sources.hosts import Origin, origin_of

# ---- Set-Cookie lines as a client reads them: RFC 6265bis §5.6, dates by §5.1.1.

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


# ---- The cookies of a run.

# URL Standard, "ends in a number": 127.1, 0x7f.1 and 2130706433 are addresses too.
_NUMBER: Final = pattern(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?", re.DOTALL)
PER_DOMAIN: Final = 50
MAX_COOKIES: Final = 3000
"""RFC 6265bis §6.1: what a client should be able to keep; beyond it, the oldest cookies go."""


class Cookie(Record):
    """One cookie and where it goes: to `origin` or, when it is `wide`, to every host of `domain`.

    `expires` is in seconds since the epoch, None for the run's length.
    """

    name: str
    value: str
    origin: Origin
    domain: str
    path: str
    secure: bool
    wide: bool
    expires: float | None

    @property
    def key(self) -> tuple[object, ...]:
        """The identity of the cookie: one with an equal key replaces it."""
        return (self.name, self.path, self.domain if self.wide else self.origin, self.wide)

    def goes_to(self, origin: Origin, path: str, now: float) -> bool:
        """Return whether a request gets this cookie (RFC 6265bis §5.8.3)."""
        if (self.expires is not None and self.expires <= now) or (self.secure and origin.scheme != "https"):
            return False
        is_there = matches_domain(origin.host, self.domain) if self.wide else origin == self.origin
        return is_there and _is_below(path, self.path)


class Jar(Record):
    """The cookies so far, oldest first."""

    cookies: tuple[Cookie, ...] = ()

    def after_response(self, url: str, headers: Iterable[tuple[str, str]], now: float, *, mode: str = "host") -> Jar:
        """Return the jar after an answer from `url`; `mode` is "host", "domain" or "off"."""
        lines = [value for name, value in headers if name.lower() == "set-cookie"] if mode != "off" else []
        origin = _origin(url) if lines else None
        if origin is None:
            return self
        kept = {each.key: each for each in self.cookies if each.expires is None or each.expires > now}
        for line in lines:
            given = read_set_cookie(line, now)
            cookie = None if given is None else _accepted(given, origin, urlsplit(url).path, mode)
            if cookie is None or _shadows(cookie, origin, kept.values()):
                continue
            if cookie.expires is not None and cookie.expires <= now:
                kept.pop(cookie.key, None)
            else:
                kept[cookie.key] = cookie  # in its old place: RFC 6265bis §5.7 keeps the time of creation
        return Jar(_within_limits(list(kept.values())))

    def header_for(self, url: str, now: float) -> str | None:
        """Return the Cookie header for a request, None when no cookie belongs there (RFC 6265bis §5.8.3)."""
        origin = _origin(url) if self.cookies else None
        if origin is None:
            return None
        path = urlsplit(url).path or "/"
        found = [each for each in self.cookies if each.goes_to(origin, path, now)]
        found.sort(key=lambda each: -len(each.path))  # stable: older ones first among equals
        return "; ".join(f"{each.name}={each.value}" for each in found) or None


def _origin(url: str) -> Origin | None:
    """Return the origin of a URL as cookies are bound to it, None when it has none (sending it reports that)."""
    try:
        found = origin_of(url)
    except ValueError:
        return None
    return Origin(found.scheme, canonical_host(found.host), found.port)


def _accepted(given: SetCookie, origin: Origin, path: str, mode: str) -> Cookie | None:
    """Return the cookie that a Set-Cookie line of `origin` sets, None when it must be ignored (RFC 6265bis §5.7)."""
    if given.secure and origin.scheme != "https":
        return None
    if not _fits_its_prefix(given):
        return None
    domain = given.domain if mode == "domain" else ""
    if domain and domain != origin.host and (is_public_suffix(domain) or not matches_domain(origin.host, domain)):
        return None
    wide = bool(domain) and not is_public_suffix(domain)
    return Cookie(
        name=given.name,
        value=given.value,
        origin=origin,
        domain=domain if wide else origin.host,
        path=given.path or default_path(path),
        secure=given.secure,
        wide=wide,
        expires=given.expires,
    )


def _fits_its_prefix(given: SetCookie) -> bool:
    """Return whether a cookie has what the prefix of its name promises (RFC 6265bis §4.1.3, in any case)."""
    name = given.name.lower()
    if name.startswith("__host-"):
        return given.secure and not given.domain and given.path == "/"
    return given.secure or not name.startswith("__secure-")


def _shadows(cookie: Cookie, origin: Origin, others: Iterable[Cookie]) -> bool:
    """Return whether a cookie set over plain http would replace or go before a Secure one (RFC 6265bis §5.7).

    One that is not wide never meets a Secure one: it goes back to plain http only.
    """
    if not cookie.wide or origin.scheme == "https":
        return False
    return any(
        each.secure
        and each.name == cookie.name
        and (matches_domain(each.domain, cookie.domain) or matches_domain(cookie.domain, each.domain))
        and _is_below(cookie.path, each.path)
        for each in others
    )


def _within_limits(cookies: list[Cookie]) -> tuple[Cookie, ...]:
    """Drop the cookies above the limit of a domain, not Secure and old ones first, then of all (RFC 6265bis §5.7)."""
    if len(cookies) <= PER_DOMAIN:
        return tuple(cookies)
    by_domain: dict[str, list[Cookie]] = {}
    for each in cookies:
        by_domain.setdefault(each.domain, []).append(each)
    dropped: set[int] = set()
    for found in by_domain.values():
        found.sort(key=lambda each: each.secure)  # stable: the oldest first
        dropped.update(id(each) for each in found[: max(0, len(found) - PER_DOMAIN)])
    return tuple(each for each in cookies if id(each) not in dropped)[-MAX_COOKIES:]


def _is_below(path: str, cookie_path: str) -> bool:
    """Return whether a path is a cookie's or below it (RFC 6265bis §5.1.4)."""
    if not path.startswith(cookie_path):
        return False
    return path == cookie_path or cookie_path.endswith("/") or path[len(cookie_path)] == "/"


def default_path(path: str) -> str:
    """Return the path of a cookie that names none: that of its request, up to its last slash (RFC 6265bis §5.1.4)."""
    return path.rpartition("/")[0] or "/"


def canonical_host(host: str) -> str:
    """Return a host as domains are compared: lower-case, in ASCII, without the dot at its end.

    >>> canonical_host("API.Bücher.example.")
    'api.xn--bcher-kva.example'
    """
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return host
    return host.lower().rstrip(".")


def matches_domain(host: str, domain: str) -> bool:
    """Return whether a host is a domain or below it; an IP address is below nothing (RFC 6265bis §5.1.3).

    >>> matches_domain("api.example.com", "example.com"), matches_domain("10.0.0.1", "0.0.1")
    (True, False)
    """
    return host == domain or (host.endswith("." + domain) and not is_address(host))


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, however it is written."""
    return ":" in host or _NUMBER.fullmatch(host) is not None


def is_public_suffix(domain: str) -> bool:
    """Return whether anybody may register names below a domain: `co.uk`, `github.io`, every single label."""
    return not is_address(domain) and _suffixes().privatesuffix(domain) is None


@cache
def _suffixes() -> Any:
    from publicsuffixlist import PublicSuffixList  # lazily: 40 ms, for cookies with a Domain only

    return PublicSuffixList()
