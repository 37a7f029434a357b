"""Schemas of descriptions as shapes: `$ref`s followed, `allOf` merged, one branch of `oneOf` and `anyOf` chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.runtime.mock.sampler import followed
from arazzo_runner.sources.http_media.media import is_json
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.schema.context import SchemaContext

_MOST_NESTING: Final = 12
_NULL: Final = "null"


class Part(Record):
    """A schema as the description has it, with the base URI of its references; `is_made` if it is from an example."""

    schema: JsonValue
    base: str = ""


class Shape(Record, kw_only=True):
    """What a schema says: its type ("" for any), its members and items, and its other keywords in `own`."""

    kind: str = ""
    properties: Mapping[str, Part] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    items: Part | None = None
    own: Mapping[str, Any] = field(default_factory=dict)
    is_nullable: bool = False
    is_certain: bool = True
    """Whether other values cannot have another shape: False for a branch of `oneOf` or `anyOf`."""

    @property
    def is_scalar(self) -> bool:
        """Whether values are texts, numbers or booleans."""
        return self.kind in ("string", "integer", "number", "boolean")

    @property
    def only_value(self) -> tuple[JsonValue, ...]:
        """The only value that is allowed, in a tuple; empty when there are several."""
        enum = self.own.get("enum")
        if isinstance(enum, list) and len(enum) == 1:
            return (enum[0],)
        return (self.own["const"],) if "const" in self.own and not isinstance(enum, list) else ()


def shape_of(part: Part | None, context: SchemaContext, depth: int = 0) -> Shape:
    """Return the shape of a schema; that of any value for one that is missing or nested too deeply."""
    if part is None or depth > _MOST_NESTING:
        return Shape()
    schema, base = followed(part.schema, part.base, context)
    if not isinstance(schema, dict):
        return Shape()
    shape = _own_shape(schema, base, context)
    parts = schema.get("allOf")
    for branch in parts if isinstance(parts, list) else ():
        shape = _merged(shape, shape_of(Part(branch, base), context, depth + 1))
    for keyword in ("oneOf", "anyOf"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            shape = _with_branch(shape, [Part(each, base) for each in branches[:20]], context, depth)
    return shape


def media_part(media: MediaType | None) -> Part | None:
    """Return the schema of a media type; one made from its example where it has none."""
    if media is None:
        return None
    if media.schema is not None:
        return Part(media.schema, media.base)
    example = first_example(media)
    return None if example is None else Part(described(example))


def first_example(media: MediaType) -> JsonValue:
    """Return the first example of a media type, None without one."""
    if media.example is not None:
        return media.example
    values = (each.get("value", each.get("dataValue")) for each in media.examples.values() if isinstance(each, dict))
    return next((each for each in values if each is not None), None)


def described(example: JsonValue, depth: int = 0) -> dict[str, Any]:
    """Return a schema of the shape of an example, whose scalars are its defaults.

    >>> described({"id": 7})
    {'type': 'object', 'properties': {'id': {'type': 'integer', 'default': 7}}}
    """
    if depth > _MOST_NESTING:
        return {}
    if isinstance(example, dict):
        members = {str(name): described(each, depth + 1) for name, each in example.items()}
        return {"type": "object", "properties": members}
    if isinstance(example, list):
        return {"type": "array", "items": described(example[0], depth + 1) if example else {}}
    kinds = ((bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"))
    kind = next((name for kind, name in kinds if isinstance(example, kind)), None)
    return {} if kind is None else {"type": kind, "default": example}


def json_media(content: Mapping[str, MediaType]) -> MediaType | None:
    """Return the first JSON media type, else one for any type."""
    named = (each for name, each in content.items() if is_json(name))
    return next(named, next((each for name, each in content.items() if name.startswith("*/*")), None))


def members_below(shape: Shape, context: SchemaContext) -> Iterator[tuple[str, Shape]]:
    """Yield the members of an object with their shapes."""
    for name, part in shape.properties.items():
        yield name, shape_of(part, context, 1)


# ------------------------------------------------------------------ merging


def _own_shape(schema: Mapping[str, Any], base: str, context: SchemaContext) -> Shape:
    properties, required, items = schema.get("properties"), schema.get("required"), schema.get("items")
    kind, is_nullable = _kind(schema)
    return Shape(
        kind=kind,
        properties={name: Part(each, base) for name, each in properties.items()}
        if isinstance(properties, dict)
        else {},
        required=frozenset(each for each in required if isinstance(each, str))
        if isinstance(required, list)
        else frozenset(),
        items=Part(items, base) if isinstance(items, dict) else None,
        own={name: value for name, value in schema.items() if name not in _STRUCTURE},
        is_nullable=is_nullable
        or (context.has_nullable and True in (schema.get("nullable"), schema.get("x-nullable"))),
    )


_STRUCTURE: Final = frozenset({"properties", "required", "items", "allOf", "oneOf", "anyOf", "$ref"})


def _kind(schema: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the type of a schema, and whether it allows null too."""
    kind = schema.get("type")
    kinds = [each for each in kind if isinstance(each, str)] if isinstance(kind, list) else [kind]
    named = [each for each in kinds if isinstance(each, str) and each != _NULL]
    if len(named) == 1:
        return ("string" if named[0] == "file" else named[0]), _NULL in kinds
    if len(named) > 1:
        return "", _NULL in kinds
    if isinstance(schema.get("properties"), dict):
        return "object", False
    if "items" in schema:
        return "array", False
    return _kind_of_enum(schema), kind == _NULL


def _kind_of_enum(schema: Mapping[str, Any]) -> str:
    enum = schema.get("enum")
    is_text = isinstance(enum, list) and enum and all(isinstance(each, str) for each in enum)
    return "string" if is_text or "format" in schema else ""


def _merged(shape: Shape, other: Shape) -> Shape:
    return Shape(
        kind=shape.kind or other.kind,
        properties={**other.properties, **shape.properties, **_in_both(shape.properties, other.properties)},
        required=shape.required | other.required,
        items=shape.items or other.items,
        own={**other.own, **shape.own},
        is_nullable=shape.is_nullable or other.is_nullable,
        is_certain=shape.is_certain and other.is_certain,
    )


def _in_both(properties: Mapping[str, Part], others: Mapping[str, Part]) -> dict[str, Part]:
    """Return the members that two parts of one schema describe, with both descriptions."""
    found = {}
    for name in properties.keys() & others.keys():
        one, other = properties[name], others[name]
        if one != other and one.base == other.base:
            found[name] = Part({"allOf": [one.schema, other.schema]}, one.base)
    return found


def _with_branch(shape: Shape, branches: list[Part], context: SchemaContext, depth: int) -> Shape:
    """Return a shape with the first branch that allows more than null."""
    shapes = [shape_of(each, context, depth + 1) for each in branches]
    usable = [each for each in shapes if each != Shape(is_nullable=True) and not _is_null(each)]
    if not usable:
        return replace(shape, is_nullable=True)
    first = usable[0]
    if len(usable) > 1:  # another branch may allow other values
        first = replace(first, own={name: each for name, each in first.own.items() if name not in ("const", "enum")})
    found = _merged(shape, first)
    is_nullable = found.is_nullable or len(usable) < len(shapes)
    return replace(found, is_nullable=is_nullable, is_certain=shape.is_certain and len(usable) == 1)


def _is_null(shape: Shape) -> bool:
    return shape.own.get("type") == _NULL
