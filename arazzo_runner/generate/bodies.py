"""The request body of a generated step: required members, and those with an example or a default, as a payload."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.generate.draft import Tree
from arazzo_runner.generate.inputs import input_schema, is_secret
from arazzo_runner.generate.shapes import Part, Shape, first_example, json_media, media_part, members_below, shape_of
from arazzo_runner.runtime.mock.sampler import fits
from arazzo_runner.sources.http_media.media_types import essence, is_form
from arazzo_runner.sources.operation import MediaType, Operation
from arazzo_runner.sources.schema.check import PLAIN
from arazzo_runner.sources.schema.context import SchemaContext

_MOST_NESTING: Final = 4
_MOST_OPTIONAL: Final = 5
"""How many members are sent of a body of which none is required, and none has an example."""
_IDS: Final = frozenset({"id", "_id", "uuid", "guid"})


class Leaf(Record, kw_only=True):
    """A value inside a payload, at `path`; `default` is sent of an optional member, `example` is the body's."""

    path: tuple[str, ...]
    part: Part | None
    shape: Shape
    default: JsonValue = MISSING
    example: JsonValue = MISSING


Fill: TypeAlias = Callable[[Leaf], Tree]
"""Returns the value of a leaf: an expression, or a constant."""


class Payload(Record, kw_only=True):
    """A body to be sent."""

    content_type: str
    value: Tree


def payload_of(operation: Operation, fill: Fill) -> Payload | None:
    """Return the body of a request, None where there is none to be sent."""
    body = operation.request_body
    if body is None or not body.content:
        return None
    content_type, media = _chosen(body.content)
    part, context = media_part(media), operation.schemas
    shape = shape_of(part, context)
    example = first_example(media)
    if shape.kind == "object" and shape.properties:
        plan = _Plan(context, fill, is_form=is_form(content_type) or content_type.startswith("multipart/"))
        value = plan.members(shape, (), example, is_update=operation.method in ("PUT", "PATCH"), is_root=True)
        if value or body.required or operation.method in ("PUT", "PATCH"):
            return Payload(content_type=content_type, value=value)
        return None
    if not body.required and operation.method not in ("PUT", "PATCH", "POST"):
        return None
    if not body.required and part is None:
        return None
    return Payload(
        content_type=content_type,
        value=fill(Leaf(path=(), part=part, shape=shape, example=MISSING if example is None else example)),
    )


def _chosen(content: Mapping[str, MediaType]) -> tuple[str, MediaType]:
    """Return the content type to send: JSON, else a form, else the first."""
    media = json_media(content)
    if media is None:
        media = next((each for name, each in content.items() if is_form(name)), None)
    if media is None:
        media = next((each for name, each in content.items() if name.startswith("multipart/form-data")), None)
    media = media or next(iter(content.values()))
    name = media.content_type
    if "*" in name:
        name = {"text/*": "text/plain", "image/*": "image/png"}.get(essence(name), "application/json")
    return name, media


def required_members(operation: Operation) -> Iterator[tuple[str, Shape]]:
    """Yield the members that a body must have."""
    content = operation.request_body.content if operation.request_body is not None else {}
    shape = shape_of(media_part(_chosen(content)[1]), operation.schemas) if content else Shape()
    for name, member in members_below(shape, operation.schemas):
        if name in shape.required:
            yield name, member


def undescribed_member(operation: Operation) -> str | None:
    """Return a member that a body must have and that its schema, which has others, does not describe."""
    if operation.request_body is None or not operation.request_body.content:
        return None
    _, media = _chosen(operation.request_body.content)
    shape = shape_of(media_part(media), operation.schemas)
    if not shape.properties or shape.own.get("additionalProperties"):
        return None
    return next(iter(sorted(shape.required - set(shape.properties))), None)


class _Plan:
    """Makes one payload."""

    def __init__(self, context: SchemaContext, fill: Fill, *, is_form: bool) -> None:
        self._context = context
        self._fill = fill
        self._is_form = is_form

    def members(
        self, shape: Shape, path: tuple[str, ...], example: JsonValue, *, is_update: bool = False, is_root: bool = False
    ) -> dict[str, Tree]:
        """Return the members of an object that are sent."""
        given = example if isinstance(example, dict) else {}
        writable = {
            name: each for name, each in members_below(shape, self._context) if not self._is_read(name, shape, each)
        }
        chosen: dict[str, JsonValue] = {}
        for name in writable:
            is_required = name in shape.required
            default = MISSING if is_required else self._stated(name, shape.properties[name], given.get(name, MISSING))
            if name in shape.required or default is not MISSING:
                chosen[name] = default
        if not chosen and (is_root or path):
            scalars = [
                name for name, each in writable.items() if each.is_scalar and each.is_certain and name not in _IDS
            ]
            chosen = dict.fromkeys(scalars[:_MOST_OPTIONAL] or list(writable)[:1], MISSING)
        missing = sorted(shape.required - set(shape.properties)) if not self._is_closed(shape) else []
        found = {name: self._member(name, shape, path, chosen[name], given.get(name)) for name in chosen}
        for name in missing:
            found[name] = self._fill(Leaf(path=(*path, name), part=None, shape=Shape()))
        return found

    def _member(self, name: str, shape: Shape, path: tuple[str, ...], default: JsonValue, example: JsonValue) -> Tree:
        part = shape.properties[name]
        member = shape_of(part, self._context, 1)
        own = (*path, name)
        is_structure = member.kind == "object" and member.properties and not member.only_value
        if is_structure and len(own) < _MOST_NESTING and default is MISSING:
            return self.members(member, own, example)
        shown = MISSING if example is None else example
        return self._fill(Leaf(path=own, part=part, shape=member, default=default, example=shown))

    def _stated(self, name: str, part: Part, example: JsonValue) -> JsonValue:
        """Return the default or the example of an optional member, MISSING for one that is left out."""
        member = shape_of(part, self._context, 1)
        if name in _IDS or not (member.is_scalar or member.kind == "array") or is_secret(name, part, self._context):
            return MISSING
        if member.own.get("format") in ("binary", "byte"):
            return MISSING
        examples = member.own.get("examples")
        listed = examples[0] if isinstance(examples, list) and examples else None
        for stated in (member.own.get("default"), member.own.get("example"), listed, example):
            is_value = stated is not None and stated is not MISSING
            if is_value and fits(stated, input_schema(part, self._context, name=name), PLAIN, "", "request"):
                return stated
        return MISSING

    def _is_read(self, name: str, shape: Shape, member: Shape) -> bool:
        """Return whether a member is of answers only, by its schema or beside the reference to it."""
        beside = shape.properties[name].schema
        return member.own.get("readOnly") is True or (isinstance(beside, dict) and beside.get("readOnly") is True)

    def _is_closed(self, shape: Shape) -> bool:
        return shape.own.get("additionalProperties") is False
