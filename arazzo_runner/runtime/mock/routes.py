"""Which operation a request is for: its method, its path and, where a description writes one, the query of the path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.runtime.mock.request import Refused
from arazzo_runner.sources.http_media.styles import percent_encode_path
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import Operation
from arazzo_runner.sources.path_template import has_long_variables, variable_pattern

_VARIABLE = re.compile(r"\{([^{}]+)\}")


class Route(Record):
    """One operation, and what the path and the query of its requests look like.

    `variables` are the names of the path's variables, in the order of the pattern's groups; `fields` are the
    pairs of the query that the path names, the value None where any will do.
    """

    operation: Operation
    description: OpenApiDescription
    prefix: str
    pattern: re.Pattern[str]
    variables: tuple[str, ...]
    fields: tuple[tuple[str, str | None], ...]

    @property
    def rank(self) -> tuple[bool, int, int]:
        """Where it is tried: literal segments win over variables (OpenAPI §Paths Object), more fields over fewer.

        Variables of one segment win over those of several.
        """
        return has_long_variables(self.operation), len(self.variables), -len(self.fields)

    def takes(self, query: dict[str, str]) -> bool:
        """Return whether a query has the fields that the path names."""
        return all(name in query and value in (None, query[name]) for name, value in self.fields)


class NoRoute(Refused):
    """No operation has the path, or none of it the method: `methods` are those it has."""

    def __init__(self, status: int, detail: str, methods: str = "") -> None:
        super().__init__(status, detail)
        self.methods = methods


class Routes(MutableRecord):
    """The operations of several descriptions."""

    routes: list[Route] = field(default_factory=list)

    def add(self, description: OpenApiDescription, prefix: str) -> None:
        """Add the operations of a description that is served under a prefix."""
        self.routes += [_route(operation, description, prefix) for operation in description.operations()]
        self.routes.sort(key=lambda route: route.rank)

    def find(self, method: str, path: str, query: str) -> tuple[Route, dict[str, str]]:
        """Return the operation of a request and its path values, still encoded; raises NoRoute."""
        fields = dict(parse_qsl(query, keep_blank_values=True))
        fitting = [(route, match) for route in self.routes if (match := route.pattern.fullmatch(path))]
        if not fitting:
            raise NoRoute(404, f"no operation has the path {path}")
        usable = [(route, match) for route, match in fitting if route.takes(fields)] or fitting
        allowed = [each for each in usable if each[0].operation.method == method]
        if not allowed and method == "HEAD":
            allowed = [each for each in usable if each[0].operation.method == "GET"]
        if not allowed:
            methods = ", ".join(sorted({route.operation.method for route, _ in usable}))
            raise NoRoute(405, f"{path} takes {methods}", methods)
        route, match = allowed[0]
        return route, dict(zip(route.variables, match.groups(), strict=True))


def _route(operation: Operation, description: OpenApiDescription, prefix: str) -> Route:
    plain, _, query = operation.path.partition("?")
    variables = tuple(_VARIABLE.findall(plain))
    # `{path+}`, as some descriptions write it, may have slashes in it.
    groups = ["(.+)" if name.endswith("+") else variable_pattern(name, operation) for name in variables]
    literals = [re.escape(percent_encode_path(text)) for text in _VARIABLE.split(prefix + plain)[::2]]
    pattern = "".join(part for pair in zip(literals, [*groups, ""], strict=True) for part in pair)
    return Route(operation, description, prefix, re.compile(pattern), variables, tuple(_fields(query)))


def _fields(query: str) -> Iterator[tuple[str, str | None]]:
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name.isprintable() and not name.startswith("{"):
            yield name, None if "{" in value or not value else value
