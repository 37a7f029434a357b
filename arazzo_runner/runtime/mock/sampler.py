"""Sample values of schemas: what they state (examples, defaults, enums), else values made up; deterministic."""

from __future__ import annotations

from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.engine.inputs import coerce_text
from arazzo_runner.runtime.mock.scalars import number, text
from arazzo_runner.sources.http_media.media import is_json
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.check import PLAIN, Direction, SchemaContext, schema_errors

MAX_DEPTH: Final = 8
MAX_VALUES: Final = 5_000
_NOTHING: Final = ("", None, MISSING)
_OTHER_DIRECTION: Final = {"response": "writeOnly", "request": "readOnly"}


def sample_media(media_type: MediaType, context: SchemaContext = PLAIN) -> JsonValue | Missing:
    """Return the first example of a media type that fits its schema and holds something, else a sample of the schema.

    Where the schema has no sample that fits, an example that does not fit, or holds nothing, is returned all the same.
    """
    schema, base = media_type.schema, media_type.base
    examples = [_as_meant(each, media_type, context) for each in _examples(media_type)]
    # A text of another type than JSON, such as an XML document, is the body itself, which no schema is about.
    as_it_is = not is_json(media_type.content_type)
    fitting = [each for each in examples if (as_it_is and isinstance(each, str)) or fits(each, schema, context, base)]
    full = next((each for each in fitting if holds_something(each)), MISSING)
    if full is not MISSING or schema is None:
        return full if full is not MISSING else next(iter(fitting), MISSING)
    made = sample(schema, context, base)
    if examples and not (fits(made, schema, context, base) and holds_something(made)):
        return (fitting or examples)[0]
    return made


def _examples(media_type: MediaType) -> list[JsonValue]:
    found = [] if media_type.example is None else [media_type.example]
    for example in media_type.examples.values():
        for field in ("value", "dataValue"):
            if isinstance(example, dict) and field in example:
                found.append(example[field])
                break
    return found


def _as_meant(example: JsonValue, media_type: MediaType, context: SchemaContext) -> JsonValue:
    """Return the value of a JSON example that is written as text, which some generators do."""
    if not isinstance(example, str) or not is_json(media_type.content_type):
        return example
    schema, _ = followed(media_type.schema, media_type.base, context)
    known = schema if isinstance(schema, dict) and _type(schema) != "null" else {"type": ["object", "array"]}
    return coerce_text(example, known if "type" in known else {**known, "type": _type(known)})


def sample(
    schema: JsonValue, context: SchemaContext = PLAIN, base: str = "", direction: Direction = "response"
) -> JsonValue:
    """Return a value that is valid for the plain keywords of a schema, without the members of the other direction.

    A schema inside itself ends the sample there: an optional member is left out, a list is
    empty. What would still be larger than MAX_VALUES ends the same way.
    """
    return _Sampling(context, direction).value(schema, base, 0)


def fits(
    value: JsonValue, schema: JsonValue, context: SchemaContext, base: str, direction: Direction = "response"
) -> bool:
    """Return whether a value has no mismatch with a schema that can be checked."""
    errors = schema_errors(value, schema, context, base=base, direction=direction)
    return not errors or errors[0].is_about_schema


def holds_something(value: JsonValue | Missing) -> bool:
    """Return whether a value is there and more than null, an empty text, and structures of these.

    >>> holds_something({"items": []}), holds_something({"items": [], "total": 0})
    (False, True)
    """
    if isinstance(value, dict):
        return any(map(holds_something, value.values()))
    if isinstance(value, list):
        return any(map(holds_something, value))
    return value not in _NOTHING


def followed(schema: JsonValue, base: str, context: SchemaContext) -> tuple[JsonValue, str]:
    """Return a schema with its base after following its `$ref`; {} if it points to nothing."""
    if context.resolve is None or not isinstance(schema, dict):
        return schema, base
    try:
        return context.resolve(schema, base)
    except ReferenceFailure:
        return {}, base


class _Sampling:
    """Makes one sample: `_open` are the schemas around the current value, `_left` how many values are left."""

    def __init__(self, context: SchemaContext, direction: Direction) -> None:
        self._context = context
        self._direction = direction
        self._hidden = _OTHER_DIRECTION[direction]
        self._open: list[int] = []
        self._left = MAX_VALUES

    def value(self, schema: JsonValue, base: str, depth: int) -> JsonValue:
        schema, base = followed(schema, base, self._context)
        if not isinstance(schema, dict):
            return None
        stated = self._stated(schema, base)
        if stated is not MISSING:
            return stated
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0 or id(schema) in self._open:
            return {} if _type(schema) == "object" else [] if _type(schema) == "array" else None
        self._open.append(id(schema))
        try:
            return self._made(schema, base, depth)
        finally:
            self._open.pop()

    def _stated(self, schema: dict[str, Any], base: str) -> JsonValue | Missing:
        """Return the first value that a schema states, that fits it and holds something."""
        values = [schema[keyword] for keyword in ("example", "const", "default") if keyword in schema]
        for keyword in ("examples", "enum"):
            values += schema[keyword] if isinstance(schema.get(keyword), list) else []
        meant = [coerce_text(each, schema) if isinstance(each, str) else each for each in values]
        for value in meant:
            if holds_something(value) and fits(value, schema, self._context, base, self._direction):
                return value
        only = schema.get("enum", [schema["const"]] if "const" in schema else None)
        return only[0] if isinstance(only, list) and only else MISSING

    def _made(self, schema: dict[str, Any], base: str, depth: int) -> JsonValue:
        if isinstance(schema.get("allOf"), list):
            return self._all_of(schema, base, depth)
        for keyword in ("oneOf", "anyOf"):
            if isinstance(schema.get(keyword), list) and schema[keyword]:
                return self._one_of(schema, keyword, base, depth)
        return self._by_type(schema, base, depth)

    def _all_of(self, schema: dict[str, Any], base: str, depth: int) -> JsonValue:
        rest = {key: value for key, value in schema.items() if key != "allOf"}
        parts = schema["allOf"][:50]
        values = [(followed(part, base, self._context)[0], self.value(part, base, depth + 1)) for part in parts]
        if any(isinstance(value, dict) for _, value in values) or _type(rest) == "object":
            own = self._made(rest, base, depth) if _type(rest) == "object" else None
            return _united([*values, (rest, own)])
        together: dict[str, Any] = {}
        for part in (*(part for part, _ in values), rest):
            together.update(part if isinstance(part, dict) else {})
        return self._made({**together, "allOf": None}, base, depth)

    def _one_of(self, schema: dict[str, Any], keyword: str, base: str, depth: int) -> JsonValue:
        """Return the sample of the first branch with which the whole schema fits; of the first one where none does."""
        rest = {key: value for key, value in schema.items() if key != keyword}
        own = self._made(rest, base, depth) if _type(rest) == "object" else {}
        branches = sorted(schema[keyword][:20], key=lambda part: isinstance(part, dict) and part.get("type") == "null")
        first: JsonValue | Missing = MISSING
        for branch in branches:
            value = self.value(branch, base, depth + 1)
            if isinstance(value, dict) and isinstance(own, dict):
                value = {**own, **value}
            if holds_something(value) and fits(value, schema, self._context, base, self._direction):
                return value
            first = value if first is MISSING else first
        return first

    def _by_type(self, schema: dict[str, Any], base: str, depth: int) -> JsonValue:
        kind = _type(schema)
        if kind == "object":
            return self._object(schema, base, depth)
        if kind == "array":
            return self._array(schema, base, depth)
        if kind in ("integer", "number"):
            return number(schema, kind)
        if kind == "boolean":
            return True
        if kind == "null":
            return None if "type" in schema else "example" if depth else {}
        return text(schema)

    def _array(self, schema: dict[str, Any], base: str, depth: int) -> list[JsonValue]:
        if self._is_open(schema.get("items"), base):
            return []
        least, most = schema.get("minItems", 1), schema.get("maxItems", 20)
        count = max(least, 1) if isinstance(least, int) else 1
        item = self.value(schema.get("items", {}), base, depth + 1)
        return [item] * min(count, 20, most if isinstance(most, int) else 20)

    def _object(self, schema: dict[str, Any], base: str, depth: int) -> dict[str, JsonValue]:
        properties, required = schema.get("properties"), schema.get("required")
        members = properties if isinstance(properties, dict) else {}
        needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
        found = {
            name: self.value(part, base, depth + 1)
            for name, part in members.items()
            if not self._is_hidden(part, base)
            and (name in needed or not (self._left <= 0 or self._is_open(part, base)))
        }
        others = schema.get("additionalProperties")
        for name in sorted(needed - set(members)):
            found[name] = self.value(others, base, depth + 1) if isinstance(others, dict) else "example"
        if not found and isinstance(others, dict) and not self._is_open(others, base):
            found["example"] = self.value(others, base, depth + 1)
        return found

    def _is_hidden(self, part: JsonValue, base: str) -> bool:
        found = (part, followed(part, base, self._context)[0])
        return any(isinstance(each, dict) and each.get(self._hidden) is True for each in found)

    def _is_open(self, schema: JsonValue, base: str) -> bool:
        """Return whether a schema, or that of its items, is around the current value already."""
        found, base = followed(schema, base, self._context)
        if isinstance(found, dict) and _type(found) == "array" and "items" in found and id(found) not in self._open:
            found, base = followed(found["items"], base, self._context)
        return id(found) in self._open


def _united(values: list[tuple[JsonValue, JsonValue]]) -> dict[str, JsonValue]:
    """Return the members of all samples; one that only requires members leaves these to those that describe them."""
    found: dict[str, JsonValue] = {}
    for schema, value in values:
        if isinstance(value, dict):
            is_bare = isinstance(schema, dict) and "required" in schema and "properties" not in schema
            found = {**value, **found} if is_bare else {**found, **value}
    return found


_IMPLIED: Final = {
    "properties": "object",
    "items": "array",
    "additionalProperties": "object",
    "required": "object",
}


def _type(schema: dict[str, Any]) -> str:
    """Return the first type of a schema but null, else what its keywords tell; `null` for one that tells nothing."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    if isinstance(kind, str):
        return kind
    implied = next((_IMPLIED[keyword] for keyword in _IMPLIED if keyword in schema), None)
    return implied or ("string" if set(schema) & _OF_TEXTS else "null")


_OF_TEXTS: Final = frozenset({"format", "pattern", "minLength", "maxLength"})
