"""The full contract check of one exchange through openapi-core.

It gets a document made for the operation (sources/bundle.py), so it neither fetches documents nor
chooses operations and servers. Its own failures are reported as such, never as mismatches.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers as FoldedHeaders, ImmutableMultiDict

from arazzo_runner.base.records import MutableRecord, Record
from arazzo_runner.sources.bundle import HOST, METHODS, MOST, PATH, Contract, bundled, is_plain, plain_json
from arazzo_runner.sources.http_media.media_types import best_match
from arazzo_runner.sources.operation import Operation
from arazzo_runner.sources.schema.full import schema_error

Headers = tuple[tuple[str, str], ...]


def check_request(operation: Operation, url: str, headers: Headers, body: bytes | None) -> Contract:
    """Check a request as it is sent."""
    sent = _request(operation, url, headers, body)
    return _checked(operation, sent.stated_type, lambda contract: contract.iter_request_errors(sent))


def check_response(
    operation: Operation, url: str, headers: Headers, body: bytes | None, status: int, fields: Headers, answer: bytes
) -> Contract:
    """Check a response (status, header fields, body) to a request."""
    sent = _request(operation, url, headers, body)
    received = _Response(status, FoldedHeaders(_plain_fields(operation, status, fields)), answer or None)
    return _checked(operation, sent.stated_type, lambda contract: contract.iter_response_errors(sent, received))


def _checked(operation: Operation, content_type: str, find: Callable[[Any], Iterable[Exception]]) -> Contract:
    if operation.method not in METHODS:
        return (), f"openapi-core does not know {operation.method}"
    problems: list[str] = []
    try:
        for error in find(_openapi(_Key(operation), content_type)):
            problems += _sentences(error)
    except Exception as failure:  # an error of the library is not one of the API
        return (), f"openapi-core failed: {type(failure).__name__}"
    return tuple(dict.fromkeys(problems))[:MOST], None


class _Key:
    """An operation as a cache key, compared by identity, since its mappings have no hash."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and other.operation is self.operation

    def __hash__(self) -> int:
        return id(self.operation)


@lru_cache(maxsize=64)
def _openapi(key: _Key, content_type: str) -> Any:
    body = key.operation.request_body
    media_type = None if body is None else best_match(body.content, content_type)
    without_validation: Any = None  # else the whole document would be validated first
    return OpenAPI.from_dict(bundled(key.operation, media_type), config=Config(spec_validator_cls=without_validation))


def _sentences(error: BaseException) -> Iterator[str]:
    """Yield the message of an openapi-core error, or one for each schema error in it, in our wording."""
    causes = [error, error.__cause__, getattr(error.__cause__, "__cause__", None)]
    for cause in causes:
        found = getattr(cause, "schema_errors", None)
        if found is not None:
            yield from (f"{_what(error)}: {schema_error(each).message}" for each in found)
            return
    cause = error.__cause__ if error.__cause__ is not None and not str(error) else error
    # Texts are shown whole or not at all: part of a secret would not be masked.
    text = " ".join(str(cause).split())
    yield text if 0 < len(text) <= 300 else type(cause).__name__


def _what(error: BaseException) -> str:
    name = getattr(error, "name", None)
    if name is not None:
        return f'{getattr(error, "location", "header")} "{name}"'
    return "request body" if "Request" in type(error).__name__ else "response body"


# ------------------------------------------------------------------ what openapi-core looks at


class _Response(Record):
    status_code: int
    headers: Any
    data: bytes | None

    @property
    def content_type(self) -> str:
        return str(self.headers.get("content-type", ""))


class _Request(MutableRecord):
    method: str
    parameters: RequestParameters
    stated_type: str
    body: bytes | None
    host_url: str = HOST
    path: str = PATH

    @property
    def content_type(self) -> str:
        """The type of the body as the document made for it calls it."""
        return plain_json(self.stated_type)


def _request(operation: Operation, url: str, headers: Headers, body: bytes | None) -> _Request:
    parts = urlsplit(url)
    fields = FoldedHeaders(list(headers))
    cookies = [pair.partition("=")[::2] for pair in fields.get("Cookie", "").split("; ") if pair]
    parameters = RequestParameters(
        query=ImmutableMultiDict(parse_qsl(parts.query, keep_blank_values=True)),
        header=fields,
        cookie=ImmutableMultiDict(cookies),
        path=_path_values(operation.path, parts.path) or {"": ""},
    )
    return _Request(operation.method.lower(), parameters, str(fields.get("Content-Type", "")), body)


def _plain_fields(operation: Operation, status: int, fields: Headers) -> list[tuple[str, str]]:
    documented = operation.documented(status)
    if documented is None or not is_plain(documented.content):
        return list(fields)
    return [(name, plain_json(value) if name.lower() == "content-type" else value) for name, value in fields]


def _path_values(template: str, path: str) -> dict[str, str]:
    """Return the values of a path template's variables in a URL's path, which may begin with the server's path."""
    plain = template.partition("?")[0].partition("#")[0]
    names = re.findall(r"\{([^{}]*)\}", plain)
    pattern = "([^/]*)".join(re.escape(part) for part in re.split(r"\{[^{}]*\}", plain))
    found = re.search(f"{pattern}$", unquote(path) if "%" not in path else path)
    return {} if found is None else {name: unquote(text) for name, text in zip(names, found.groups(), strict=True)}
