"""The cookies of a run: a pure fold over its answers, so that a replayed run has the same session.

RFC 6265 as far as one run needs it: same host, port and path; the Domain attribute only on
request (semantics §6).
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.waiting import http_date
from arazzo_runner.records import record

MAX_COOKIES = 300
MAX_LENGTH = 4096


@record(frozen=True, slots=True)
class Cookie:
    """One cookie and where it goes; `expires` in seconds since the epoch, None for the run's length."""

    name: str
    value: str
    origin: str
    host: str
    path: str
    secure: bool
    wide: bool
    expires: float | None


@record(frozen=True, slots=True)
class Jar:
    """The cookies so far."""

    cookies: tuple[Cookie, ...] = ()

    def after_response(self, url: str, headers: Headers, now: float, *, mode: str = "host") -> Jar:
        """Return the jar after an answer from `url`; `mode` is "host", "domain" or "off"."""
        lines = [value for name, value in headers if name.lower() == "set-cookie"] if mode != "off" else []
        if not lines:
            return self
        kept = {(each.name, each.host, each.path): each for each in self.cookies}
        for line in lines:
            cookie = _parsed(line, url, now, mode)
            if cookie is None:
                continue
            key = (cookie.name, cookie.host, cookie.path)
            kept.pop(key, None)
            if cookie.expires is None or cookie.expires > now:
                kept[key] = cookie
        return Jar(tuple(kept.values())[-MAX_COOKIES:])

    def header_for(self, url: str) -> str | None:
        """Return the Cookie header for a request, None when no cookie belongs there (RFC 6265 §5.4)."""
        if not self.cookies:
            return None
        parts = urlsplit(url)
        path = parts.path or "/"
        fitting = [each for each in self.cookies if _fits(each, parts.scheme, parts.netloc, parts.hostname or "", path)]
        fitting.sort(key=lambda each: -len(each.path))
        return "; ".join(f"{each.name}={each.value}" for each in fitting) or None


def _fits(cookie: Cookie, scheme: str, origin: str, host: str, path: str) -> bool:
    if cookie.secure and scheme != "https":
        return False
    if cookie.wide:
        if host != cookie.host and not host.endswith("." + cookie.host):
            return False
    elif origin != cookie.origin:
        return False
    return path == cookie.path or path.startswith(cookie.path.rstrip("/") + "/")


def _parsed(line: str, url: str, now: float, mode: str) -> Cookie | None:
    pair, *attributes = line.split(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name or len(pair) > MAX_LENGTH or any(ord(each) < 32 for each in pair):
        return None
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    given = {key.strip().lower(): text.strip() for key, _, text in (each.partition("=") for each in attributes)}
    domain = given.get("domain", "").lstrip(".").lower()
    wide = bool(domain) and mode == "domain"
    if wide and ((host != domain and not host.endswith("." + domain)) or "." not in domain):
        return None
    path = given.get("path", "")
    return Cookie(
        name=name,
        value=value,
        origin=parts.netloc,
        host=domain if wide else host,
        path=path if path.startswith("/") else _default_path(parts.path),
        secure="secure" in given,
        wide=wide,
        expires=_expires(given, now),
    )


def _default_path(path: str) -> str:
    """RFC 6265 §5.1.4: the path up to, not including, its last slash."""
    return path.rpartition("/")[0] or "/"


def _expires(given: dict[str, str], now: float) -> float | None:
    age = given.get("max-age", "")
    if re.fullmatch(r"-?[0-9]+", age):
        return now + float(age[:12])
    if "expires" not in given:
        return None
    return http_date(given["expires"].replace("-", " "))
