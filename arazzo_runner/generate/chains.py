"""Which value of an earlier response a request needs: by OpenAPI links, by resource paths, by names.

A resource has a collection (`/pets`) and items (`/pets/{petId}`). The variable of an item is taken from the
response that created it, or, by requests that change nothing, from the first item of a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.records import Record
from arazzo_runner.generate.operations import ApiOperation
from arazzo_runner.generate.shapes import Shape, members_below, shape_of
from arazzo_runner.sources.schema.context import SchemaContext

_VARIABLE: Final = re.compile(r"\{[^{}]*\}")
_IDS: Final = ("id", "uuid", "guid", "gid", "sid")
_ENVELOPES: Final = frozenset(
    {"data", "result", "results", "item", "items", "resource", "response", "payload", "body", "object", "entity",
     "value", "values", "records", "entries", "elements", "content", "rows", "list", "attributes"}
)  # fmt: skip
_SPEAKING: Final = re.compile(
    r".+(id|uuid|guid|token|key|ref|reference|cursor|code|slug|number|version)|etag|version|revision"
)
_WRITABLE: Final = re.compile(r"[A-Za-z0-9_-]+")
_MOST_NESTING: Final = 3


class Wanted(Record, kw_only=True):
    """A value that a request needs; `collection` is the path of the resource that a path variable names an item of."""

    name: str
    location: str
    shape: Shape
    collection: str = ""


class Found(Record, kw_only=True):
    """Where an earlier response has a value: the expression there, a name for the output, and why it is this one."""

    producer: ApiOperation
    expression: str
    name: str
    why: str
    is_nullable: bool = False


class _Member(Record, kw_only=True):
    tokens: tuple[str, ...]
    name: str
    shape: Shape
    score: int


# ------------------------------------------------------------------ paths of resources


def normal(path: str) -> str:
    """Return a path without the names of its variables.

    >>> normal("/pets/{petId}/photos/")
    '/pets/{}/photos'
    """
    return _VARIABLE.sub("{}", path.partition("?")[0]).rstrip("/")


def collection_of(path: str, variable: str) -> str:
    """Return the path of the collection whose item a variable names.

    >>> collection_of("/users/{user}/pets/{petId}", "petId")
    '/users/{}/pets'
    """
    before, _, _ = path.partition("{" + variable + "}")
    return normal(before.rpartition("/")[0])


def singular(collection: str) -> str:
    """Return the name of one item of a collection, by the last word of its path.

    >>> singular("/pets"), singular("/users/{}/categories"), singular("/addresses"), singular("/v1/status")
    ('pet', 'category', 'address', 'status')
    """
    words = [each for each in collection.split("/") if each and "{" not in each]
    word = words[-1] if words else "item"
    lower = word.lower()
    if lower.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if lower.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if lower.endswith("s") and not lower.endswith(("ss", "us", "is")) else word


def creates(operation: ApiOperation, collection: str) -> bool:
    """Return whether an operation makes an item of a collection."""
    return operation.method == "POST" and normal(operation.path) == collection


def lists(operation: ApiOperation, collection: str) -> bool:
    """Return whether an operation lists a collection."""
    return operation.method == "GET" and normal(operation.path) == collection


# ------------------------------------------------------------------ finding


def linked(
    consumer: ApiOperation, name: str, location: str, earlier: Sequence[ApiOperation]
) -> tuple[ApiOperation, str, str] | None:
    """Return (operation, value, link) for a parameter that a link of an earlier response gives."""
    for producer in reversed(earlier):
        for link in producer.links:
            if link.target != consumer.operation.pointer:
                continue
            for key in (f"{location}.{name}", name):
                value = link.parameters.get(key)
                if value is not None:
                    return producer, value, link.name
    return None


def created(wanted: Wanted, earlier: Sequence[ApiOperation]) -> Found | None:
    """Return the id in the response of the operation that creates an item."""
    for producer in reversed(earlier):
        if wanted.collection and creates(producer, wanted.collection):
            found = _in_body(wanted, producer, producer.shape, ())
            if found is not None:
                return found
    return None


def listed(wanted: Wanted, earlier: Sequence[ApiOperation]) -> Found | None:
    """Return the id of the first item in the response of the operation that lists a collection."""
    for producer in reversed(earlier):
        if wanted.collection and lists(producer, wanted.collection):
            place = _list_place(producer.shape, producer.operation.schemas, wanted.collection, 0)
            if place is not None:
                tokens, item = place
                found = _in_body(wanted, producer, item, (*tokens, "0"))
                if found is not None:
                    return found
    return None


def named(wanted: Wanted, earlier: Sequence[ApiOperation]) -> Found | None:
    """Return a member of an earlier response that the name speaks of: the same name, or `petId` for the id of a pet."""
    plain = _plain(wanted.name)
    if not _SPEAKING.fullmatch(plain):
        return None
    for producer in reversed(earlier):
        resource = _plain(singular(normal(producer.path)))
        if producer.method == "POST" and plain in {f"{resource}{each}" for each in _IDS}:
            found = _in_body(wanted, producer, producer.shape, (), resource=resource)
            if found is not None:
                return found
        for member in _members(producer.shape, producer.operation.schemas, (), 0):
            if _plain(member.name) == plain and _fits(member.shape, wanted.shape, is_typed=wanted.location == "body"):
                return _as_found(member, producer, "has the same name")
    return None


# ------------------------------------------------------------------ members of responses


def _in_body(
    wanted: Wanted, producer: ApiOperation, shape: Shape, above: tuple[str, ...], *, resource: str = ""
) -> Found | None:
    """Return the member of a resource by which its path names it."""
    resource = resource or _plain(singular(wanted.collection))
    best: _Member | None = None
    for member in _members(shape, producer.operation.schemas, above, 0, resource):
        score = _score(member.name, wanted.name, resource) - 3 * (len(member.tokens) - len(above))
        if (
            score > 0
            and _fits(member.shape, wanted.shape, is_typed=wanted.location == "body")
            and (best is None or score > best.score)
        ):
            best = _Member(tokens=member.tokens, name=member.name, shape=member.shape, score=score)
    if best is None:
        return None
    what = "the first item" if above else "what was created"
    return _as_found(best, producer, f"names {what}", name=_output_name(best.name, resource))


def _as_found(member: _Member, producer: ApiOperation, why: str, name: str = "") -> Found:
    pointer = "".join(f"/{escaped(token)}" for token in member.tokens)
    return Found(
        producer=producer,
        expression=f"$response.body#{pointer}",
        name=name or member.name,
        why=f"{'/'.join(member.tokens)} in the response of {producer.title} {why}",
        is_nullable=member.shape.is_nullable,
    )


def _output_name(name: str, resource: str) -> str:
    return f"{resource}Id" if _plain(name) in ("id",) and _WRITABLE.fullmatch(resource) else name.strip("_")


def _members(
    shape: Shape, context: SchemaContext, above: tuple[str, ...], depth: int, resource: str = ""
) -> Iterator[_Member]:
    """Yield the scalar members of a body, and those inside of envelopes such as `data` or `pet`."""
    objects: list[tuple[str, Shape]] = []
    for name, member in members_below(shape, context):
        if not _WRITABLE.fullmatch(name) or member.own.get("writeOnly") is True:
            continue
        if member.kind == "object":
            objects.append((name, member))
        elif member.kind != "array":
            yield _Member(tokens=(*above, name), name=name, shape=member, score=0)
    for name, member in objects if depth < _MOST_NESTING else ():
        if _plain(name) in _ENVELOPES or _plain(name) == resource or len(shape.properties) == 1:
            yield from _members(member, context, (*above, name), depth + 1, resource)


def _score(member: str, variable: str, resource: str) -> int:
    """Return how likely a member is what a variable of a path names, 0 for not at all."""
    name, wanted = _plain(member), _plain(variable)
    if name == wanted and name not in ("name", "type"):
        return 100
    is_general = wanted in _IDS or wanted == resource or wanted.endswith(_IDS) or wanted in ("item", "identifier")
    if is_general and name == "id":
        return 90
    if is_general and name in {f"{resource}{each}" for each in _IDS}:
        return 85
    if wanted == f"{resource}{name}" or name == wanted:
        return 80
    return 60 if is_general and name in _IDS else 0


def _fits(member: Shape, wanted: Shape, *, is_typed: bool = False) -> bool:
    """Return whether every value of a member may be sent as what is wanted, as far as the types say.

    What is_typed, a member of a body, is not written as text: a number is no text there.
    """
    if member.kind in ("object", "array", "boolean") or wanted.kind in ("object", "array", "boolean"):
        return False
    if wanted.kind in ("integer", "number") and member.kind == "string":
        return False
    if is_typed and member.kind != wanted.kind:
        return False
    if "enum" in wanted.own and wanted.own["enum"] != member.own.get("enum"):
        return False
    formats = wanted.own.get("format"), member.own.get("format")
    return not (formats[0] in ("uuid", "date", "date-time") and formats[0] != formats[1])


def _list_place(
    shape: Shape, context: SchemaContext, collection: str, depth: int
) -> tuple[tuple[str, ...], Shape] | None:
    """Return where a body has its list of items, and the shape of an item."""
    if shape.kind == "array":
        item = shape_of(shape.items, context, 1)
        return ((), item) if item.properties else None
    if depth >= _MOST_NESTING:
        return None
    plural = _plain(collection.rpartition("/")[2])
    below = [
        (name, place)
        for name, member in members_below(shape, context)
        if _WRITABLE.fullmatch(name)
        and (place := _list_place(member, context, collection, depth + 1)) is not None
        and (member.kind == "array" or _plain(name) in _ENVELOPES)
    ]
    likely = [each for each in below if _plain(each[0]) == plural or _plain(each[0]) in _ENVELOPES]
    chosen = likely[:1] or (below if len(below) == 1 else [])
    return next((((name, *tokens), item) for name, (tokens, item) in chosen), None)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
