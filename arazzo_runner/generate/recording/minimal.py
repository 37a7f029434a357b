"""A minimal OpenAPI description of the requests in a recording: paths, parameters, schemas, security schemes.

Nothing of it is a recorded value, so that it has no secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.generate.description import METHODS, ApiDescription, ApiOperation, ApiParameter, ApiResponse
from arazzo_runner.generate.inferred_schemas import Schema, inferred_from_all, inferred_from_texts
from arazzo_runner.generate.recording.credentials import cookies, credentials, is_session, own_headers
from arazzo_runner.generate.recording.exchange import Exchange
from arazzo_runner.generate.recording.names import camel, looks_secret, singular, words_of
from arazzo_runner.generate.recording.values import Answers, is_distinctive, is_of_interest, nouns_of
from arazzo_runner.runtime.cassette.placeholders import PREFIX

_AN_ID: Final = re.compile(
    r"\d+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{12,}|[a-z]+[-_]\d+|\d{4}-\d\d(-\d\d)?|[^@]+@[^@]+\.[a-z]+",
    re.IGNORECASE,
)
NOT_DESCRIBED: Final = "request with a method that OpenAPI 3.1 does not have"
_NOT_IN_A_NAME: Final = re.compile(r"[^a-z0-9]+")


class Seen(MutableRecord, kw_only=True):
    """The exchanges of one operation: `names` are those of the path's parameters, `values` their values."""

    path: str
    method: str
    names: tuple[str, ...]
    values: list[tuple[str, ...]] = field(default_factory=list)
    exchanges: list[Exchange] = field(default_factory=list)


class Described(Record, kw_only=True):
    """A description that was made, and the name of its API."""

    name: str
    description: ApiDescription


def describe(exchanges: Sequence[Exchange], answers: Answers, more: Sequence[Exchange] = ()) -> list[Described]:
    """Return a description for each API of a recording; `more` are the exchanges of others."""
    groups: dict[tuple[str, str], list[tuple[int, Exchange]]] = {}
    for number, each in [*enumerate(exchanges), *((-1, each) for each in more)]:
        if each.method in METHODS:
            groups.setdefault((each.source, each.server or each.origin), []).append((number, each))
    found: list[Described] = []
    for (source, server), group in groups.items():
        name = unused_name(_name(source, server), [each.name for each in found])
        found.append(Described(name=name, description=_description(server, group, answers)))
    return found


def _name(source: str, server: str) -> str:
    if source and re.fullmatch(r"[A-Za-z0-9_-]+", source):
        return source
    host = urlsplit(server).hostname or ""
    if host == "localhost" or not re.search("[a-z]", host):
        return "api"
    return _NOT_IN_A_NAME.sub("-", host.removeprefix("www.").lower()).strip("-")[:60] or "api"


def _description(server: str, group: list[tuple[int, Exchange]], answers: Answers) -> ApiDescription:
    description = ApiDescription(
        title=urlsplit(server).hostname or "API",
        about="Made from recorded traffic: what was not recorded is not described.",
        servers=[server],
    )
    for seen in _operations(server, group, answers).values():
        description.add(_operation(seen, description.security_schemes))
    return description


def _operations(server: str, group: list[tuple[int, Exchange]], answers: Answers) -> dict[tuple[str, str], Seen]:
    prefix = urlsplit(server).path.rstrip("/")
    found: dict[tuple[str, str], Seen] = {}
    for number, each in group:
        path = each.path.removeprefix(prefix) if each.path.startswith(f"{prefix}/") else each.path
        template, names, values = _templated(path, number, answers)
        seen = found.setdefault((template, each.method), Seen(path=template, method=each.method, names=names))
        seen.values.append(values)
        seen.exchanges.append(each)
    return found


def _templated(path: str, number: int, answers: Answers) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return the template of a path with the names and values of its parameters."""
    pieces: list[str] = []
    names: list[str] = []
    values: list[str] = []
    noun = ""
    for segment in path.split("/"):
        text = unquote(segment)
        if text and _is_parameter(text, noun, number, answers):
            name = unused_name(f"{camel(singular(noun), 'item')}Id" if noun else "id", names)
            names.append(name)
            values.append(text)
            pieces.append(f"{{{name}}}")
        else:
            pieces.append(segment.replace("{", "%7B").replace("}", "%7D"))
            noun = segment if re.search("[A-Za-z]", segment) and not re.fullmatch(r"v\d+", segment) else noun
    return "/".join(pieces) or "/", tuple(names), tuple(values)


def _is_parameter(text: str, noun: str, number: int, answers: Answers) -> bool:
    if _AN_ID.fullmatch(text) or text == "***" or PREFIX in text or looks_secret(text) or answers.is_secret(text):
        return True
    name = f"{camel(singular(noun), 'item')}Id"
    if answers.source(text, number, name, nouns_of("", noun)) is not None:
        return True
    return is_distinctive(text) and len(re.findall(r"\d", text)) >= 3


def _operation_id(seen: Seen) -> str:
    words = [word for part in re.sub(r"\{[^}]*\}", "", seen.path).split("/") for word in words_of(part)]
    by = [word for name in seen.names[-1:] if seen.path.endswith(f"{{{name}}}") for word in ("by", *words_of(name))]
    return camel("_".join([seen.method.lower(), *words, *by]))


def _operation(seen: Seen, schemes: dict[str, dict[str, Any]]) -> ApiOperation:
    security: dict[str, list[str]] = {}
    hidden: set[tuple[str, str]] = {("header", "authorization")}
    for each in seen.exchanges:
        for credential in credentials(each):
            schemes.setdefault(credential.scheme, dict(credential.definition))
            security[credential.scheme] = []
            place = credential.definition
            hidden.add((str(place.get("in", "")), str(place.get("name", "")).lower()))
    is_always = all({each.scheme for each in credentials(one)} >= set(security) for one in seen.exchanges)
    optional = [security] if is_always else [security, {}]
    return ApiOperation(
        method=seen.method,
        path=seen.path,
        operation_id=_operation_id(seen),
        summary=f"{seen.method} {seen.path}",
        parameters=[*_path_parameters(seen), *_others(seen, hidden)],
        bodies=_bodies(seen),
        responses=_responses(seen),
        security=optional if security else None,
    )


def _path_parameters(seen: Seen) -> Iterator[ApiParameter]:
    for index, name in enumerate(seen.names):
        schema = inferred_from_texts(values[index] for values in seen.values)
        yield ApiParameter(name=name, location="path", required=True, schema=schema)


def _others(seen: Seen, hidden: set[tuple[str, str]]) -> Iterator[ApiParameter]:
    fields: dict[tuple[str, str], list[list[str]]] = {}
    spelt: dict[tuple[str, str], str] = {}
    for each in seen.exchanges:
        for place, pairs in (("query", each.query), ("header", own_headers(each)), ("cookie", _unkept(each))):
            lists: dict[str, list[str]] = {}
            for name, value in pairs:
                lists.setdefault(name, []).append(value)
            for name, values in lists.items():
                key = (place, name.lower() if place == "header" else name)
                spelt.setdefault(key, name)
                fields.setdefault(key, []).append(values)
    for (place, name), seen_values in fields.items():
        if (place, name.lower()) in hidden:
            continue
        schema = inferred_from_texts(value for values in seen_values for value in values)
        if any(len(values) > 1 for values in seen_values):
            schema = {"type": "array", "items": schema}
        yield ApiParameter(name=spelt[place, name], location=place, schema=schema)


def _unkept(each: Exchange) -> Iterator[tuple[str, str]]:
    yield from ((name, value) for name, value in cookies(each) if not is_session(name))


def _bodies(seen: Seen) -> dict[str, Schema | None]:
    found: dict[str, Schema | None] = {}
    kinds = dict.fromkeys(each.body.content_type.lower() for each in seen.exchanges if each.body is not None)
    for kind in kinds:
        bodies = [each.body for each in seen.exchanges if each.body and each.body.content_type.lower() == kind]
        found[kind] = {"type": "string"} if bodies[0].form == "text" else None
        if bodies[0].form not in ("text", "binary"):
            schema = inferred_from_all((each.value for each in bodies), is_required=False)
            for name in dict.fromkeys(name for each in bodies for name in each.files):
                schema.setdefault("properties", {})[name] = {"type": "string", "format": "binary"}
            found[kind] = schema
    return found


def _responses(seen: Seen) -> dict[str, ApiResponse]:
    found: dict[str, ApiResponse] = {}
    for status in sorted({each.status for each in seen.exchanges}):
        answers = [each for each in seen.exchanges if each.status == status]
        headers = dict.fromkeys(name for each in answers for name, _ in _described_headers(each))
        content: dict[str, Schema | None] = {}
        for kind in dict.fromkeys(_media_type(each) for each in answers if each.has_answer):
            content[kind] = inferred_from_all(
                each.answer for each in answers if each.has_answer and _media_type(each) == kind
            )
        found[str(status)] = ApiResponse(
            description=f"Recorded {len(answers)} times." if len(answers) > 1 else "Recorded.",
            headers={name: {"type": "string"} for name in headers},
            content=content,
        )
    return found


def _media_type(each: Exchange) -> str:
    kind = each.answer_type.partition(";")[0].strip().lower()
    return kind if re.fullmatch(r"[\w.+-]+/[\w.+-]+", kind) else "application/json"


def _described_headers(each: Exchange) -> Iterator[tuple[str, str]]:
    for name, value in each.answer_headers:
        if is_of_interest(name) and re.fullmatch(r"[A-Za-z0-9-]+", name):
            yield name, value
