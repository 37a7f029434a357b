"""A mock API with the answers of a cassette: equal requests get theirs in order, then the last one again."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from urllib.parse import urlsplit

from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.runtime.cassette.differences import Difference, differences
from arazzo_runner.runtime.cassette.placeholders import PREFIX
from arazzo_runner.runtime.cassette.world import Cassette, Interaction
from arazzo_runner.runtime.mock.api import Served
from arazzo_runner.runtime.mock.request import problem
from arazzo_runner.runtime.mock.scenario import Drop

# They describe the recorded message, or are set by the server.
_NOT_REPEATED = frozenset(
    {"content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive", "date", "server"}
)


class CassetteApi(MutableRecord):
    """Answers requests from a cassette; `prefixes` is the path each recorded source is served under.

    A request is known by its method, path and query. Of several recorded ones the first that was not yet
    answered and has the same body is taken, else the first not yet answered, else the last.
    """

    cassette: Cassette
    served: tuple[Served, ...] = ()
    prefixes: dict[str, str] = field(default_factory=dict)
    _used: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        sources = list(dict.fromkeys(each.source for each in self.cassette.exchanges))
        self.prefixes = {name: f"/{name}" if len(sources) > 1 else "" for name in sources}

    def handle(self, request: HttpRequest) -> HttpResponse | Drop:
        """Answer one request."""
        with self._lock:
            chosen = self._chosen(request)
            if chosen is None:
                return problem(404, f"the cassette has no {request.method} {request.url}")
            self._used.add(chosen)
        answer = self.cassette.exchanges[chosen].answer
        if not isinstance(answer, HttpResponse):
            return Drop()
        kept = tuple(pair for pair in answer.headers if pair[0].lower() not in _NOT_REPEATED)
        return replace(answer, headers=kept)

    def _chosen(self, request: HttpRequest) -> int | None:
        known = [
            index
            for index, each in enumerate(self.cassette.exchanges)
            if each.request.method == request.method and self._target(each) == request.url
        ]
        unused = [index for index in known if index not in self._used]
        same = (index for index in unused if self._same_body(self.cassette.exchanges[index], request))
        return next(same, unused[0] if unused else known[-1] if known else None)

    def _target(self, each: Interaction) -> str:
        """Return the path and query that a recorded request has at this server."""
        base, recorded = urlsplit(each.server).path.rstrip("/"), urlsplit(each.request.url)
        path = recorded.path.removeprefix(base) or "/"
        return f"{self.prefixes[each.source]}{path}" + (f"?{recorded.query}" if recorded.query else "")

    def _same_body(self, each: Interaction, request: HttpRequest) -> bool:
        found = differences(each.request, replace(each.request, body=request.body))
        return not any(_matters(found))


def _matters(found: Iterable[Difference]) -> Iterable[bool]:
    # A placeholder matches any secret of the client.
    for each in found:
        yield not (isinstance(each.was, str) and PREFIX in each.was)
