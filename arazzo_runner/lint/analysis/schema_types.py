"""Static types inferred from schemas: the types, constants and members of values.

A SchemaType is a schema with the context of its references; several of them are alternatives (the
bodies of several responses, the forms of an `anyOf`). Inference is lenient: a keyword that is not
evaluated allows everything, and so does a reference without target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal as OneOf, TypeAlias

from arazzo_runner.base.json_values import JsonValue, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.context import SchemaContext, identified, is_nullable

MAX_PARTS: Final = 200
ANY: Final = "\0any"
"""A token for any item of a list (a wildcard, slice or filter of a query); of an object nothing is inferred."""
_GROUPS: Final = ("anyOf", "oneOf")


class SchemaType(Record):
    """A schema with the base URI and the context of its references."""

    schema: JsonValue
    base: str
    context: SchemaContext


SchemaTypes: TypeAlias = tuple[SchemaType, ...]

Kind: TypeAlias = OneOf["declared", "open", "silent", "undeclared", "closed", "no-members"]


class Member(Record):
    """What a schema declares about one member or item.

    declared: the member is declared (with its `alternatives`); open: any member is allowed; silent: the
    schema has no keyword about members; undeclared: other members are declared, more are allowed;
    closed: other members are declared, no more are allowed; no-members: the type has no such members.
    """

    kind: Kind
    alternatives: SchemaTypes | None = None
    names: tuple[str, ...] = ()


class Found(Record):
    """The target of a path of members; `alternatives` is None if its type is unknown."""

    alternatives: SchemaTypes | None


class Lost(Record):
    """A path breaks at `tokens[index]`: `kind` is the reason, `names` are the declared members."""

    index: int
    kind: Kind
    names: tuple[str, ...]
    types: frozenset[str] | None


def lookup(alternatives: SchemaTypes, tokens: Sequence[str]) -> Found | Lost:
    """Follow members and items through schemas, as far as they declare any."""
    for index, token in enumerate(tokens):
        known: dict[int, Member] = {}
        found = _either([_member(schema_type, token, known) for schema_type in alternatives])
        if found.kind in ("undeclared", "closed", "no-members"):
            return Lost(index, found.kind, found.names, possible_types(alternatives))
        if found.alternatives is None:
            return Found(None)
        alternatives = found.alternatives
    return Found(alternatives)


def possible_types(alternatives: SchemaTypes | None) -> frozenset[str] | None:
    """Return the JSON types that values may have, None: any; a number may be an integer."""
    if alternatives is None:
        return None
    known: dict[int, frozenset[str] | None] = {}
    return _union_types(_types(schema_type, known) for schema_type in alternatives)


def possible_values(alternatives: SchemaTypes | None) -> tuple[JsonValue, ...] | None:
    """Return the only possible values (`enum`, `const`), None if they are not listed."""
    if alternatives is None:
        return None
    known: dict[int, tuple[JsonValue, ...] | None] = {}
    return _union_values(_values(schema_type, known) for schema_type in alternatives)


def required_names(schema_type: SchemaType) -> frozenset[str]:
    """Return the members that every value must have."""
    names: set[str] = set()
    for part in _parts(schema_type):
        required = part.schema.get("required") if isinstance(part.schema, dict) else None
        names.update(name for name in (required if isinstance(required, list) else ()) if isinstance(name, str))
    return frozenset(names)


def expanded(schema_type: SchemaType) -> Iterator[SchemaType]:
    """Yield the schemas that a value must all fit, by `$ref` and `allOf`."""
    return iter(_parts(schema_type))


# ------------------------------------------------------------------ parts


def _parts(schema_type: SchemaType) -> list[SchemaType]:
    """Return the schemas whose conjunction a schema is; references without target are left out."""
    schema = schema_type.schema
    if not isinstance(schema, dict) or not ("$ref" in schema or "allOf" in schema or "$id" in schema):
        return [schema_type]  # no reference or combination: most schemas
    parts: list[SchemaType] = []
    waiting, seen = [schema_type], set[int]()
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
        parts.append(SchemaType(each.schema, base, each.context))
        merged = each.schema.get("allOf")
        waiting += [SchemaType(one, base, each.context) for one in (merged if isinstance(merged, list) else ())]
    return parts


def _followed(schema: JsonValue, base: str, context: SchemaContext) -> list[SchemaType]:
    if context.resolve is None:
        return []
    try:
        target, place = context.resolve({"$ref": schema["$ref"]}, base)
    except ReferenceFailure:
        return []
    return [SchemaType(target, place, context)] if isinstance(target, (dict, bool)) else []


def _groups(part: SchemaType) -> Iterator[list[SchemaType]]:
    """Yield the lists of alternatives of a schema; a value fits at least one of each list."""
    for keyword in _GROUPS:
        forms = part.schema.get(keyword) if isinstance(part.schema, dict) else None
        if isinstance(forms, list) and forms:
            yield [SchemaType(form, part.base, part.context) for form in forms[:MAX_PARTS]]


# ------------------------------------------------------------------ members


def _member(schema_type: SchemaType, token: str, known: dict[int, Member]) -> Member:
    """Return what a schema declares about a member; `known` are results by schema, so that cycles end."""
    key = id(schema_type.schema)
    if key not in known:
        known[key] = Member("no-members")  # a cycle adds nothing
        found: list[Member] = []
        for part in _parts(schema_type):
            found.append(_own_member(part, token))
            found += [_either([_member(form, token, known) for form in forms]) for forms in _groups(part)]
        known[key] = _together(found)
    return known[key]


def _own_member(part: SchemaType, token: str) -> Member:
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
        return Member("declared", (SchemaType(properties[token], part.base, part.context),))
    extra = schema.get("additionalProperties")
    if extra is False and "patternProperties" not in schema:
        return Member("closed", names=tuple(properties))
    if isinstance(extra, dict) and extra:
        return Member("open", (SchemaType(extra, part.base, part.context),))
    has_subtypes = "discriminator" in schema and not any(group in schema for group in _GROUPS)
    if extra is not None or "patternProperties" in schema or has_subtypes:
        return Member("open")
    return Member("undeclared", names=tuple(properties)) if properties else Member("silent")


def _may_be_array(schema: JsonValue, types: frozenset[str] | None) -> bool:
    return "items" in schema if types is None else "array" in types


def _item(part: SchemaType, index: int) -> Member:
    first = part.schema.get("prefixItems")
    if isinstance(first, list) and index < len(first):
        return Member("declared", (SchemaType(first[index], part.base, part.context),))
    items = part.schema.get("items")
    if isinstance(items, dict) and items:
        return Member("declared", (SchemaType(items, part.base, part.context),))
    return Member("open")


def _either(members: Sequence[Member]) -> Member:
    """Return what is declared about a member if one of several schemas applies."""
    kinds = {member.kind for member in members}
    names = tuple(dict.fromkeys(name for member in members for name in member.names))
    if "declared" in kinds or kinds & {"open", "silent"}:
        likely = [member for member in members if member.kind in ("declared", "open", "silent")]
        kind: Kind = "declared" if "declared" in kinds else "open"
        alternatives = {
            id(schema_type.schema): schema_type for member in likely for schema_type in member.alternatives or ()
        }
        if any(member.alternatives is None for member in likely) or len(alternatives) > MAX_PARTS:
            return Member(kind, None, names)
        return Member(kind, tuple(alternatives.values()), names)
    for kind in ("undeclared", "closed", "no-members"):
        if kind in kinds:
            return Member(kind, None, names)
    return Member("silent")


def _together(members: Sequence[Member]) -> Member:
    """Return what is declared about a member if all of several schemas apply."""
    names = tuple(dict.fromkeys(name for member in members for name in member.names))
    for kind in ("declared", "open", "closed", "no-members", "undeclared"):
        for member in members:
            if member.kind == kind:
                return Member(member.kind, member.alternatives, names)
    return Member("silent")


# ------------------------------------------------------------------ types and values


def _stated_types(schema: JsonValue) -> frozenset[str] | None:
    stated = schema.get("type")
    kinds = stated if isinstance(stated, list) else [stated]
    if not all(isinstance(kind, str) for kind in kinds) or "file" in kinds:
        return None
    return frozenset(kinds) | (frozenset({"integer"}) if "number" in kinds else frozenset())


def _types(schema_type: SchemaType, known: dict[int, frozenset[str] | None]) -> frozenset[str] | None:
    key = id(schema_type.schema)
    if key not in known:
        known[key] = frozenset()  # a cycle adds nothing
        known[key] = _types_of_parts(_parts(schema_type), _is_nullable(schema_type), known)
    return known[key]


def _types_of_parts(
    parts: Iterable[SchemaType], nullable: bool, known: dict[int, frozenset[str] | None]
) -> frozenset[str] | None:
    found: frozenset[str] | None = None
    for part in parts:
        if not isinstance(part.schema, dict):
            continue
        nullable = nullable or is_nullable(part.schema, part.context)
        stated = [_stated_types(part.schema), _types_of_values(_own_values(part))]
        stated += [_union_types(_types(form, known) for form in forms) for forms in _groups(part)]
        for types in stated:
            found = types if found is None else (found if types is None else found & types)
    return found if found is None or not nullable else found | {"null"}


def _is_nullable(schema_type: SchemaType) -> bool:
    return isinstance(schema_type.schema, dict) and is_nullable(schema_type.schema, schema_type.context)


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


def _own_values(part: SchemaType) -> tuple[JsonValue, ...] | None:
    schema = part.schema
    if not isinstance(schema, dict):
        return None
    if "const" in schema:
        return (schema["const"],)
    return tuple(schema["enum"]) if isinstance(schema.get("enum"), list) and schema["enum"] else None


def _values(schema_type: SchemaType, known: dict[int, tuple[JsonValue, ...] | None]) -> tuple[JsonValue, ...] | None:
    key = id(schema_type.schema)
    if key in known:
        return known[key]
    known[key] = ()  # a cycle adds nothing
    nullable = _is_nullable(schema_type)
    found: tuple[JsonValue, ...] | None = None
    for part in _parts(schema_type):
        nullable = nullable or _is_nullable(part)
        stated = [_own_values(part)]
        stated += [_union_values(_values(form, known) for form in forms) for forms in _groups(part)]
        found = found or next((values for values in stated if values is not None), None)
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
