"""What a schema says of values before there are any: their types, their constants, their members.

A Shape is a schema with what follows its references; several of them are alternatives (the
bodies of several responses, the forms of an `anyOf`). All answers lean to "may be": a keyword
that is not looked at allows everything, and so does a reference that leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias
from typing import Literal as OneOf

from arazzo_runner.base.json_values import JsonValue, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.context import SchemaContext, identified, is_nullable

MAX_PARTS: Final = 200
ANY: Final = "\0any"
"""A token for any item of a list (a wildcard, slice or filter of a query); of an object it tells nothing."""
_GROUPS: Final = ("anyOf", "oneOf")


class Shape(Record):
    """A schema where it stands: `base` is the base URI of its references."""

    schema: JsonValue
    base: str
    context: SchemaContext


Shapes: TypeAlias = tuple[Shape, ...]

Kind: TypeAlias = OneOf["declared", "open", "silent", "undeclared", "closed", "no-members"]


class Member(Record):
    """What a schema says of one member or item.

    declared: it has it (`shapes` say what it is); open: it may have any member; silent: nothing
    is said; undeclared: members are declared and this is none of them, though more are allowed;
    closed: no other members are allowed; no-members: the value is none that has such members.
    """

    kind: Kind
    shapes: Shapes | None = None
    names: tuple[str, ...] = ()


class Found(Record):
    """Where a path of members leads; `shapes` is None when nothing is known of it."""

    shapes: Shapes | None


class Lost(Record):
    """A path breaks at `tokens[index]`: `kind` says why, `names` which members there are."""

    index: int
    kind: Kind
    names: tuple[str, ...]
    types: frozenset[str] | None


def lookup(shapes: Shapes, tokens: Sequence[str]) -> Found | Lost:
    """Follow members and items through shapes, as far as they say anything."""
    for index, token in enumerate(tokens):
        known: dict[int, Member] = {}
        found = _either([_member(shape, token, known) for shape in shapes])
        if found.kind in ("undeclared", "closed", "no-members"):
            return Lost(index, found.kind, found.names, possible_types(shapes))
        if found.shapes is None:
            return Found(None)
        shapes = found.shapes
    return Found(shapes)


def possible_types(shapes: Shapes | None) -> frozenset[str] | None:
    """Return the JSON types that values may have, None when any; a number may be an integer."""
    if shapes is None:
        return None
    known: dict[int, frozenset[str] | None] = {}
    return _union_types(_types(shape, known) for shape in shapes)


def possible_values(shapes: Shapes | None) -> tuple[JsonValue, ...] | None:
    """Return the only values there may be (`enum`, `const`), None when they are not listed."""
    if shapes is None:
        return None
    known: dict[int, tuple[JsonValue, ...] | None] = {}
    return _union_values(_values(shape, known) for shape in shapes)


def required_names(shape: Shape) -> frozenset[str]:
    """Return the members that every value must have."""
    names: set[str] = set()
    for part in _parts(shape):
        required = part.schema.get("required") if isinstance(part.schema, dict) else None
        names.update(name for name in (required if isinstance(required, list) else ()) if isinstance(name, str))
    return frozenset(names)


def expanded(shape: Shape) -> Iterator[Shape]:
    """Yield the schemas that a value must all fit: what `$ref` and `allOf` lead to."""
    return iter(_parts(shape))


# ------------------------------------------------------------------ parts


def _parts(shape: Shape) -> list[Shape]:
    """Return the conjunction that a schema is; a reference that leads nowhere is left out: it says nothing."""
    schema = shape.schema
    if not isinstance(schema, dict) or not ("$ref" in schema or "allOf" in schema or "$id" in schema):
        return [shape]  # nothing leads on: most schemas
    parts: list[Shape] = []
    waiting, seen = [shape], set[int]()
    while waiting and len(parts) < MAX_PARTS:
        each = waiting.pop()
        if not isinstance(each.schema, dict):
            parts.append(each)
            continue
        if id(each.schema) in seen:
            continue
        seen.add(id(each.schema))
        base = identified(each.schema, each.base, each.context) if "$id" in each.schema else each.base
        if isinstance(each.schema.get("$ref"), str):
            waiting += _followed(each.schema, base, each.context)
            if each.context.ignores_siblings:
                continue
        parts.append(Shape(each.schema, base, each.context))
        merged = each.schema.get("allOf")
        waiting += [Shape(one, base, each.context) for one in (merged if isinstance(merged, list) else ())]
    return parts


def _followed(schema: JsonValue, base: str, context: SchemaContext) -> list[Shape]:
    if context.resolve is None:
        return []
    try:
        target, place = context.resolve({"$ref": schema["$ref"]}, base)
    except ReferenceFailure:
        return []
    return [Shape(target, place, context)] if isinstance(target, (dict, bool)) else []


def _groups(part: Shape) -> Iterator[list[Shape]]:
    """Yield the alternatives of a schema: each list is one of which a value fits at least one."""
    for keyword in _GROUPS:
        forms = part.schema.get(keyword) if isinstance(part.schema, dict) else None
        if isinstance(forms, list) and forms:
            yield [Shape(form, part.base, part.context) for form in forms[:MAX_PARTS]]


# ------------------------------------------------------------------ members


def _member(shape: Shape, token: str, known: dict[int, Member]) -> Member:
    """Return what a schema says of a member; `known` keeps what each said: circles end, none is asked twice."""
    key = id(shape.schema)
    if key not in known:
        known[key] = Member("no-members")  # met again inside itself, it adds nothing
        said: list[Member] = []
        for part in _parts(shape):
            said.append(_own_member(part, token))
            said += [_either([_member(form, token, known) for form in forms]) for forms in _groups(part)]
        known[key] = _together(said)
    return known[key]


def _own_member(part: Shape, token: str) -> Member:
    schema = part.schema
    if not isinstance(schema, dict):
        return Member("closed" if schema is False else "silent")
    types = _stated_types(schema)
    if (token == ANY or token.isdigit()) and _may_be_array(schema, types):
        return _item(part, 0 if token == ANY else int(token))
    if token == ANY:
        return Member("open")
    if types is not None and "object" not in types:
        return Member("no-members")
    properties = schema.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    if token in properties:
        return Member("declared", (Shape(properties[token], part.base, part.context),))
    extra = schema.get("additionalProperties")
    if extra is False and "patternProperties" not in schema:
        return Member("closed", names=tuple(properties))
    if isinstance(extra, dict) and extra:
        return Member("open", (Shape(extra, part.base, part.context),))
    has_subtypes = "discriminator" in schema and not any(group in schema for group in _GROUPS)
    if extra is not None or "patternProperties" in schema or has_subtypes:
        return Member("open")
    return Member("undeclared", names=tuple(properties)) if properties else Member("silent")


def _may_be_array(schema: JsonValue, types: frozenset[str] | None) -> bool:
    return "items" in schema if types is None else "array" in types


def _item(part: Shape, index: int) -> Member:
    first = part.schema.get("prefixItems")
    if isinstance(first, list) and index < len(first):
        return Member("declared", (Shape(first[index], part.base, part.context),))
    items = part.schema.get("items")
    if isinstance(items, dict) and items:
        return Member("declared", (Shape(items, part.base, part.context),))
    return Member("open")


def _either(members: Sequence[Member]) -> Member:
    """Return what is said of a member when one of several schemas holds."""
    kinds = {member.kind for member in members}
    names = tuple(dict.fromkeys(name for member in members for name in member.names))
    if "declared" in kinds or kinds & {"open", "silent"}:
        likely = [member for member in members if member.kind in ("declared", "open", "silent")]
        kind: Kind = "declared" if "declared" in kinds else "open"
        shapes = {id(shape.schema): shape for member in likely for shape in member.shapes or ()}
        if any(member.shapes is None for member in likely) or len(shapes) > MAX_PARTS:
            return Member(kind, None, names)
        return Member(kind, tuple(shapes.values()), names)
    for kind in ("undeclared", "closed", "no-members"):
        if kind in kinds:
            return Member(kind, None, names)
    return Member("silent")


def _together(members: Sequence[Member]) -> Member:
    """Return what is said of a member when all of several schemas hold."""
    names = tuple(dict.fromkeys(name for member in members for name in member.names))
    for kind in ("declared", "open", "closed", "no-members", "undeclared"):
        for member in members:
            if member.kind == kind:
                return Member(member.kind, member.shapes, names)
    return Member("silent")


# ------------------------------------------------------------------ types and values


def _stated_types(schema: JsonValue) -> frozenset[str] | None:
    stated = schema.get("type")
    kinds = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(kind, str) for kind in kinds) or "file" in kinds:
        return None
    return frozenset(kinds) | (frozenset({"integer"}) if "number" in kinds else frozenset())


def _types(shape: Shape, known: dict[int, frozenset[str] | None]) -> frozenset[str] | None:
    key = id(shape.schema)
    if key not in known:
        known[key] = frozenset()  # met again inside itself, it adds nothing
        known[key] = _types_of_parts(_parts(shape), _says_nullable(shape), known)
    return known[key]


def _types_of_parts(
    parts: Iterable[Shape], nullable: bool, known: dict[int, frozenset[str] | None]
) -> frozenset[str] | None:
    found: frozenset[str] | None = None
    for part in parts:
        if not isinstance(part.schema, dict):
            continue
        nullable = nullable or is_nullable(part.schema, part.context)
        said = [_stated_types(part.schema), _types_of_values(_own_values(part))]
        said += [_union_types(_types(form, known) for form in forms) for forms in _groups(part)]
        for types in said:
            found = types if found is None else (found if types is None else found & types)
    return found if found is None or not nullable else found | {"null"}


def _says_nullable(shape: Shape) -> bool:
    return isinstance(shape.schema, dict) and is_nullable(shape.schema, shape.context)


def _types_of_values(values: tuple[JsonValue, ...] | None) -> frozenset[str] | None:
    if values is None:
        return None
    types = {type_name(value) for value in values}
    return frozenset(
        types | ({"number"} if "integer" in types else set()) | ({"integer"} if "number" in types else set())
    )


def _union_types(several: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    found: set[str] = set()
    for types in several:
        if types is None:
            return None
        found |= types
    return frozenset(found)


def _own_values(part: Shape) -> tuple[JsonValue, ...] | None:
    schema = part.schema
    if not isinstance(schema, dict):
        return None
    if "const" in schema:
        return (schema["const"],)
    return tuple(schema["enum"]) if isinstance(schema.get("enum"), list) and schema["enum"] else None


def _values(shape: Shape, known: dict[int, tuple[JsonValue, ...] | None]) -> tuple[JsonValue, ...] | None:
    key = id(shape.schema)
    if key in known:
        return known[key]
    known[key] = ()  # met again inside itself, it adds nothing
    nullable = _says_nullable(shape)
    found: tuple[JsonValue, ...] | None = None
    for part in _parts(shape):
        nullable = nullable or _says_nullable(part)
        said = [_own_values(part)]
        said += [_union_values(_values(form, known) for form in forms) for forms in _groups(part)]
        found = found or next((values for values in said if values is not None), None)
    known[key] = (*found, None) if found is not None and nullable else found
    return known[key]


def _union_values(several: Iterable[tuple[JsonValue, ...] | None]) -> tuple[JsonValue, ...] | None:
    found: list[JsonValue] = []
    for values in several:
        if values is None:
            return None
        found += values
        if len(found) > MAX_PARTS:
            return None
    return tuple(found)
