"""Which operation of which description a request called: by server, path template and method."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final
from urllib.parse import unquote, urlsplit

from arazzo_runner.base.records import Record
from arazzo_runner.generate.recording.exchange import Exchange
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import VARIABLE, Operation, Server
from arazzo_runner.sources.uris import is_remote, join

_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


class Match(Record, kw_only=True):
    """The operation that a request called, its API, and the values in the path."""

    api: Api
    operation: Operation
    values: Mapping[str, str]
    is_at_server: bool
    prefix: str


class Api:
    """A description under the name that it has as a source; `location` is where it is or will be."""

    def __init__(self, name: str, location: str, description: OpenApiDescription) -> None:
        self.name = name
        self.location = location
        self.description = description
        self._prefix: str | None = None

    def deployed(self, exchanges: Iterable[Exchange]) -> None:
        """Find the prefix of the paths where the API was recorded at another server than its description names.

        It is the one with which most requests have an operation.
        """
        found: Counter[str] = Counter()
        for each in exchanges:
            matches = [one for _, one in self.matches(each)]
            if not any(one.is_at_server for one in matches):
                found.update({one.prefix for one in matches})
        self._prefix = min(found, key=lambda prefix: (-found[prefix], len(prefix)), default=None)

    @cached_property
    def _places(self) -> Mapping[str, Sequence[tuple[re.Pattern[str], int, str]]]:
        """The pattern, the number of literal characters and the pointer of each operation, by method."""
        found: dict[str, list[tuple[re.Pattern[str], int, str]]] = {}
        for method, path, pointer in self.description.places():
            plain = path.partition("?")[0]
            literal = len(VARIABLE.sub("", plain))
            found.setdefault(method, []).append((_template(plain), literal, pointer))
        return found

    def matches(self, exchange: Exchange) -> Iterator[tuple[tuple[int, ...], Match]]:
        """Yield each operation that a request may have called, with how well it fits."""
        path = exchange.path
        for pattern, literal, pointer in self._places.get(exchange.method, ()):
            found = pattern.fullmatch(path)
            if found is None:
                continue
            operation = self.description.operation_at(pointer)
            if operation is None:
                continue
            prefix = path[: found.end("prefix")]
            is_at_server = any(_is_server(each, exchange.origin, prefix) for each in operation.servers)
            names = VARIABLE.findall(operation.path.partition("?")[0])
            values = dict(zip(names, (unquote(each) for each in found.groups()[1:]), strict=False))
            match = Match(api=self, operation=operation, values=values, is_at_server=is_at_server, prefix=prefix)
            own = exchange.source in ("", self.name)
            yield (own, is_at_server, prefix == self._prefix, -len(prefix), literal), match


def match(exchange: Exchange, apis: Iterable[Api]) -> Match | None:
    """Return the operation that a request called: of those that fit, the one with most of the URL written out."""
    found = [each for api in apis for each in api.matches(exchange)]
    return max(found, key=lambda each: each[0])[1] if found else None


def _template(path: str) -> re.Pattern[str]:
    """Return the pattern of a path, after whatever prefix the server has."""
    parts = VARIABLE.split(path)
    pieces = ("([^/]+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile(rf"(?P<prefix>.*?){''.join(pieces)}")


def _is_server(server: Server, origin: str, prefix: str) -> bool:
    url = server.url if is_remote(server.url) or not is_remote(server.base) else join(server.base, server.url)
    url = url.partition("?")[0].rstrip("/")
    if not is_remote(url):
        return _filled(url).fullmatch(prefix.rstrip("/")) is not None
    parts = urlsplit(VARIABLE.sub("x", url))
    url = url.replace(_DEFAULT_PORTS.get(parts.scheme, "\0"), "", 1)
    return _filled(url).fullmatch(f"{origin}{prefix.rstrip('/')}") is not None


def _filled(url: str) -> re.Pattern[str]:
    parts = VARIABLE.split(url)
    pieces = ("[^/]*?" if index % 2 else re.escape(part) for index, part in enumerate(parts))
    return re.compile("".join(pieces), re.IGNORECASE)
