"""Redirects of one request: which are followed, and what goes along (security: nothing crosses an origin).

On the same origin a redirect is followed as RFC 9110 §15.4 says. To another origin go only GET
and HEAD, without cookies, body or any header of the step; never from https to http, never from
a public server into a private network, and only to the very address that was checked.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote, urlsplit, urlunsplit

from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.settings import MAX_REDIRECTS
from arazzo_runner.base.version import __version__
from arazzo_runner.engine.cookies import default_path, read_set_cookie
from arazzo_runner.engine.effects import Headers, HttpRequest, HttpResponse, NoResponse, SendRequest
from arazzo_runner.runtime.exchange_cookies import ExchangeCookies
from arazzo_runner.sources.policy import address_kind
from arazzo_runner.sources.uris import join, origin, without_userinfo

STATUSES = frozenset({301, 302, 303, 307, 308})
BARE: Headers = (("Accept", "*/*"), ("User-Agent", f"arazzo/{__version__}"))
_OF_A_BODY = "content-"
_URL_CHARACTERS = "%/:=&?~#+!$,;'@()*[]"


class PinnedRequest(SendRequest, kw_only=True):
    """A request that is sent to this address, whatever its host name resolves to by now."""

    address: str


class LookedUp(Record):
    """The addresses of the host of the last request and of the redirect's target."""

    last: Sequence[str]
    target: Sequence[str]


def is_redirect(answer: HttpResponse | NoResponse) -> bool:
    """Return whether an answer is a redirect."""
    return isinstance(answer, HttpResponse) and answer.status in STATUSES and bool(answer.header("Location"))


class Trail:
    """The redirects that one request has followed."""

    def __init__(self, effect: SendRequest, limit: int) -> None:
        self._given = effect
        self._current = effect
        self._limit = limit
        self._followed: list[str] = []
        self._refused: str | None = None
        self._spent = 0.0
        self._cookies = ExchangeCookies(effect)
        self._set_cookies: list[tuple[str, str]] = []
        self._has_crossed = False

    @property
    def url(self) -> str:
        """The URL of the last request."""
        return self._current.request.url

    def leads_to(self, answer: HttpResponse | NoResponse) -> str | None:
        """Return the URL that an answer redirects to; None when it does not, or must not be followed."""
        self._spent += answer.elapsed_ms / 1000
        if not isinstance(answer, HttpResponse) or not is_redirect(answer):
            return None
        target = _target(self.url, answer.header("Location") or "")
        self._refused = self._refusal(answer.status, target)
        if self._refused is not None:
            return None
        self._take_cookies(answer)
        return target

    def crosses(self, target: str) -> bool:
        """Return whether a URL has another origin than the last request."""
        return origin(target) != origin(self.url)

    def hops(self, answer: HttpResponse | NoResponse, target: str, looked_up: LookedUp | None) -> list[SendRequest]:
        """Return the request to the target, once for each of its addresses; empty when it must not be sent.

        `looked_up` is None where addresses are not checked: on the same origin, through a proxy.
        """
        assert isinstance(answer, HttpResponse)
        self._refused = None if looked_up is None else _address_refusal(target, looked_up)
        if self._refused is not None:
            return []
        request = self._request(answer.status, target)
        timeout = max(0.001, self._given.timeout - self._spent)
        safe = request.method in ("GET", "HEAD") or self._given.safe
        self._current = replace(self._given, request=request, timeout=timeout, safe=safe)
        self._followed.append(_shown(target))
        if looked_up is None:
            return [self._current]
        return [
            PinnedRequest(key=self._given.key, safe=safe, request=request, timeout=timeout, address=address)
            for address in looked_up.target
        ]

    def ended(self, answer: HttpResponse | NoResponse) -> HttpResponse | NoResponse:
        """Return the last answer as that of the whole exchange, with the redirects."""
        spent = self._spent * 1000
        if isinstance(answer, NoResponse):
            message = f"after a redirect to {self._followed[-1]}: {answer.message}"
            return replace(answer, message=message, sent=True, elapsed_ms=spent)
        headers = tuple(pair for pair in answer.headers if pair[0].lower() != "set-cookie")
        return replace(
            answer,
            headers=(*self._set_cookies, *self._cookies_of(answer), *headers),
            elapsed_ms=spent,
            redirects=tuple(self._followed),
            refused=self._refused,
        )

    def _refusal(self, status: int, target: str) -> str | None:
        where = _shown(target)
        if origin(target) is None:
            return f"the redirect to {where[:80]} is not followed: it is not an http(s) URL"
        if len(self._followed) >= self._limit:
            return f"the redirect to {where} is not followed: there were {self._limit} before it ({MAX_REDIRECTS.key})"
        if self.url[:6].lower() == "https:" and target[:5].lower() == "http:":
            return f"the redirect to {where} is not followed: it leads from https to http"
        method = _method(status, self._current.request.method)
        if self.crosses(target) and method not in ("GET", "HEAD"):
            return f"the redirect to {where} is not followed: a {method} request stays on its origin"
        return None

    def _take_cookies(self, answer: HttpResponse) -> None:
        if self._given.cookies == "off" or self.crosses(self._given.request.url):
            return
        self._set_cookies += self._cookies_of(answer)
        self._cookies.take(self.url, answer)

    def _cookies_of(self, answer: HttpResponse) -> list[tuple[str, str]]:
        """Return the Set-Cookie lines of a response from the step's origin; those of other origins are dropped."""
        if self.crosses(self._given.request.url):
            return []
        lines = [pair for pair in answer.headers if pair[0].lower() == "set-cookie"]
        return [(name, _at_its_path(line, self.url, self._given.request.url)) for name, line in lines]

    def _request(self, status: int, target: str) -> HttpRequest:
        old = self._current.request
        method = _method(status, old.method)
        self._has_crossed = self._has_crossed or self.crosses(target)
        if self._has_crossed:  # also when it leads back: another server chose this URL
            return HttpRequest(method, target, BARE)
        userinfo = urlsplit(old.url).netloc.rpartition("@")[0]
        if userinfo:
            parts = urlsplit(target)
            target = urlunsplit(parts._replace(netloc=f"{userinfo}@{parts.netloc}"))
        headers = old.headers
        if method != old.method:
            headers = tuple(pair for pair in headers if not pair[0].lower().startswith(_OF_A_BODY))
        headers = self._cookies.added_to(headers, target)
        return HttpRequest(method, target, headers, old.body if method == old.method else None)


def _method(status: int, method: str) -> str:
    """Return the method after a redirect (RFC 9110 §15.4): GET after 303, and after 301 and 302 in place of POST."""
    changes = status == 303 or (status in (301, 302) and method == "POST")
    return "GET" if changes and method != "HEAD" else method


def _target(url: str, location: str) -> str:
    """Return the absolute URL of a Location header: no user, no fragment, nothing unencoded."""
    target = quote(join(url, location.strip()), safe=_URL_CHARACTERS).partition("#")[0]
    return without_userinfo(target)


def _address_refusal(target: str, looked_up: LookedUp) -> str | None:
    if not looked_up.target:
        return f"the redirect to {_shown(target)} is not followed: there is no such host"
    kinds = {address_kind(address) for address in looked_up.target}
    if "link-local" in kinds:
        return f"the redirect to {_shown(target)} is not followed: it is a link-local address"
    if "private" in kinds and all(address_kind(address) == "public" for address in looked_up.last):
        return f"the redirect to {_shown(target)} is not followed: it leads into a private network"
    return None


def _at_its_path(line: str, url: str, first: str) -> str:
    """Return a Set-Cookie line that says its path when it is not that of the first request, from which it is read.

    A cookie with the prefix __Host- stays as it is: it must name its path by itself.
    """
    path = default_path(urlsplit(url).path)
    if path == default_path(urlsplit(first).path):
        return line
    given = read_set_cookie(line, 0.0)
    if given is None or given.path or given.name.lower().startswith("__host-"):
        return line
    return f"{line}; Path={path}"


def _shown(url: str) -> str:
    return without_userinfo(url).partition("?")[0]
