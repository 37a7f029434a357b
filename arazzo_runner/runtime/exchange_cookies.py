"""The cookies of one exchange that takes several requests: redirects, or a challenge and its answer."""

from __future__ import annotations

from arazzo_runner.engine.effects import Headers, HttpResponse, SendRequest


class ExchangeCookies:
    """The cookies for the next request of an exchange; what its answers set is kept unless the run keeps none."""

    def __init__(self, effect: SendRequest) -> None:
        self._effect = effect
        self._jar = effect.jar
        self._own = _own_cookies(effect)

    def take(self, url: str, answer: HttpResponse) -> None:
        """Keep the cookies that the answer to a request for `url` sets."""
        mode = self._effect.cookies
        self._jar = self._jar.after_response(url, answer.headers, self._effect.began, mode=mode)

    def added_to(self, headers: Headers, url: str) -> Headers:
        """Return headers with the cookies that a URL of the step's origin gets: its own, then the run's."""
        own = {pair.partition("=")[0] for pair in self._own}
        found = self._jar.header_for(url, self._effect.began) or ""
        pairs = [*self._own, *(each for each in found.split("; ") if each.partition("=")[0] not in own)]
        others = tuple(pair for pair in headers if pair[0].lower() != "cookie")
        text = "; ".join(filter(None, pairs))
        return (*others, ("Cookie", text)) if text else others


def _own_cookies(effect: SendRequest) -> list[str]:
    """Return the cookies that the step itself sets, as `name=value`: they override the run's (semantics §6)."""
    given = effect.request.header("Cookie")
    ours = (effect.jar.header_for(effect.request.url, effect.began) or "").split("; ")
    return [pair for pair in (given or "").split("; ") if pair and pair not in ours]
