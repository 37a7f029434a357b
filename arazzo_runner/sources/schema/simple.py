"""The checker of nearly all schemas: the keywords that descriptions use, without imports.

It reads only the parts of a schema that apply to the value. An unknown or invalid keyword raises
NotSimple, and jsonschema does the check. Tests use jsonschema as the oracle of this checker.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue, escaped, is_number, type_name
from arazzo_runner.sources.schema.context import Direction, SchemaContext, identified, is_nullable
from arazzo_runner.sources.schema.mismatch import (
    Follower,
    FormatWatch,
    SchemaError,
    UnusableSchema,
    is_marked,
    is_multiple,
    mismatch,
)

# Assertions that are not supported here; all other unknown keywords are annotations.
_UNKNOWN: Final = frozenset(
    {"$dynamicRef", "$recursiveRef", "if", "patternProperties", "propertyNames", "prefixItems",
     "additionalItems", "contains", "dependencies", "dependentRequired", "dependentSchemas",
     "unevaluatedItems", "unevaluatedProperties", "disallow", "extends"}
)  # fmt: skip
_TYPES: Final = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
MAX_DEPTH: Final = 120
MOST_MISMATCHES: Final = 1_000
"""The number of mismatches recorded for one structure; 100 are reported."""
_LARGE: Final = 2**61 - 1  # Python hashes numbers modulo this: a server could send thousands of one hash


class NotSimple(Exception):
    """The schema has a keyword that this checker does not support."""


class SimpleChecker:
    """Checks one value; SchemaErrors are in the value's order."""

    def __init__(
        self, context: SchemaContext, direction: Direction | None = None, formats: FormatWatch | None = None
    ) -> None:
        self._context = context
        self._formats = formats
        self._other = {"request": "readOnly", "response": "writeOnly"}.get(direction or "")
        self._follower = Follower(context)
        self._depth = 0
        self._marked: dict[int, bool] = {}
        self._excused: dict[int, frozenset[str]] = {}
        self._enums: dict[int, frozenset[Any]] = {}

    def check(self, value: JsonValue, schema: JsonValue, base: str, pointer: str = "") -> list[SchemaError]:
        """Return the mismatches of a value; raises NotSimple or UnusableSchema."""
        if schema is True:
            return []
        if schema is False:
            return [mismatch("false", None, value, pointer)]
        if not isinstance(schema, dict) or not _UNKNOWN.isdisjoint(schema):
            raise NotSimple
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnusableSchema("$work", "the schema or the value is nested too deeply to be checked")
        found = self._check(value, schema, base, pointer)
        self._depth -= 1
        return found

    def _check(self, value: JsonValue, schema: dict[str, Any], base: str, pointer: str) -> list[SchemaError]:
        if "$id" in schema:
            base = identified(schema, base, self._context)
        if value is None and is_nullable(schema, self._context):
            return []
        reference = schema.get("$ref")
        if reference is not None:
            if not isinstance(reference, str):
                raise NotSimple
            target, place = self._follower.follow(reference, base)
            found = self.check(value, target, place, pointer)
            if self._context.ignores_siblings or len(schema) == 1:
                return found
            return found + self._keywords(value, schema, base, pointer)
        return self._keywords(value, schema, base, pointer)

    def _keywords(self, value: JsonValue, schema: dict[str, Any], base: str, pointer: str) -> list[SchemaError]:
        if "type" in schema and not _has_type(value, schema["type"]):
            return [mismatch("type", schema["type"], value, pointer)]
        found = self._values(value, schema, pointer)
        if isinstance(value, dict):
            if self._other is not None and "allOf" in schema and id(value) not in self._excused:
                self._excused[id(value)] = frozenset(self._others(schema, base, 0))
            found += self._object(value, schema, base, pointer)
        elif isinstance(value, list):
            found += self._array(value, schema, base, pointer)
        elif isinstance(value, str):
            found += self._string(value, schema, pointer)
        elif is_number(value):
            found += _number(value, schema, pointer)
        if self._formats is not None and "format" in schema and self._formats.rejects(schema["format"], value):
            found.append(mismatch("format", schema["format"], value, pointer))
        for keyword in ("allOf", "anyOf", "oneOf", "not"):
            if keyword in schema:
                found += self._combined(keyword, value, schema[keyword], base, pointer)
        return found

    # ------------------------------------------------------------------ structures

    def _object(self, value: dict[str, Any], schema: dict[str, Any], base: str, pointer: str) -> list[SchemaError]:
        self._follower.enter(len(value))
        found = _size(len(value), value, schema, "minProperties", "maxProperties", pointer)
        properties = _mapping(schema.get("properties", {}))
        required = _names(schema.get("required", ()))
        self._follower.step(len(required) // 100)
        for name in required:
            if name in value or self._is_others(properties.get(name), base):
                continue
            if name not in self._excused.get(id(value), ()):
                self._follower.step()
                found.append(mismatch("required", name, value, pointer))
        extra = schema.get("additionalProperties", True)
        for name, item in value.items():
            if len(found) > MOST_MISMATCHES:
                break
            if name in properties:
                place = f"{pointer}/{name if name.isalnum() else escaped(name)}"
                if self._other is not None and self._is_others(properties[name], base):
                    found.append(mismatch(self._other, None, item, place))
                else:
                    found += self.check(item, properties[name], base, place)
            elif extra is False:
                found.append(mismatch("additionalProperties", name, value, pointer))
            elif extra is not True:
                found += self.check(item, extra, base, f"{pointer}/{escaped(name)}")
        return found

    def _array(self, value: list[Any], schema: dict[str, Any], base: str, pointer: str) -> list[SchemaError]:
        self._follower.enter(len(value))
        found = _size(len(value), value, schema, "minItems", "maxItems", pointer)
        if schema.get("uniqueItems") is True and not all_differ(value):
            found.append(mismatch("uniqueItems", True, value, pointer))
        items = schema.get("items", True)
        if items is not True:
            for index, item in enumerate(value):
                if len(found) > MOST_MISMATCHES:
                    break
                found += self.check(item, items, base, f"{pointer}/{index}")
        return found

    def _others(self, schema: JsonValue, base: str, depth: int) -> Iterator[str]:
        """Yield the properties of the other direction in an allOf: one part may require those of another."""
        if not isinstance(schema, dict) or depth > 8:
            return
        properties = schema.get("properties")
        for name, part in properties.items() if isinstance(properties, dict) else ():
            if self._is_others(part, base):
                yield name
        if isinstance(schema.get("$ref"), str):
            target, place = self._follower.follow(schema["$ref"], base)
            yield from self._others(target, place, depth + 1)
        parts = schema.get("allOf")
        for part in parts if isinstance(parts, list) else ():
            yield from self._others(part, base, depth + 1)

    def _is_others(self, schema: JsonValue, base: str) -> bool:
        """Return whether a property belongs to the other direction (OpenAPI §Schema Object: readOnly, writeOnly)."""
        if self._other is None:
            return False
        known = self._marked.get(id(schema))
        if known is None:
            known = self._marked[id(schema)] = is_marked(schema, self._other, self._follower, base)
        return known

    # ------------------------------------------------------------------ combinations

    def _combined(self, keyword: str, value: JsonValue, forms: JsonValue, base: str, pointer: str) -> list[SchemaError]:
        self._follower.step()
        if keyword == "not":
            return [] if self.check(value, forms, base, pointer) else [mismatch("not", forms, value, pointer)]
        if not isinstance(forms, list) or not forms:
            raise NotSimple
        self._follower.step(len(forms))
        tried = [self.check(value, form, base, pointer) for form in forms]
        if keyword == "allOf":
            return [error for errors in tried for error in errors]
        fitting = sum(not errors for errors in tried)
        if fitting == 1 or (fitting and keyword == "anyOf"):
            return []
        return [SchemaError(pointer, lambda: _choice(keyword, value, tried, fitting, pointer), keyword)]

    # ------------------------------------------------------------------ scalars

    def _values(self, value: JsonValue, schema: dict[str, Any], pointer: str) -> list[SchemaError]:
        found = []
        if "enum" in schema:
            if not isinstance(schema["enum"], list):
                raise NotSimple
            if key_of(value) not in self._keys(schema["enum"]):
                found.append(mismatch("enum", schema["enum"], value, pointer))
        if "const" in schema and not same(value, schema["const"]):
            found.append(mismatch("const", schema["const"], value, pointer))
        return found

    def _keys(self, allowed: list[Any]) -> frozenset[Any]:
        """Return the keys of an enum's values, made once for each check."""
        known = self._enums.get(id(allowed))
        if known is None:
            known = self._enums[id(allowed)] = frozenset(map(key_of, allowed))
        return known

    def _string(self, value: str, schema: dict[str, Any], pointer: str) -> list[SchemaError]:
        found = _size(len(value), value, schema, "minLength", "maxLength", pointer)
        pattern = schema.get("pattern")
        if pattern is not None:
            if not isinstance(pattern, str):
                raise NotSimple
            if not self._follower.finds(pattern, value):
                found.append(mismatch("pattern", pattern, value, pointer))
        return found


def _choice(keyword: str, value: JsonValue, tried: list[list[SchemaError]], fitting: int, pointer: str) -> str:
    """Return the message of anyOf or oneOf, with the first mismatch of the nearest branch."""
    if fitting:
        sentence = mismatch(keyword, None, value, pointer).message
        return f"{sentence}, found {fitting} of {len(tried)} to fit"
    nearest = min(tried, key=lambda errors: (errors[0].keyword == "type" and errors[0].pointer == pointer, len(errors)))
    if len(tried) == 1:
        return nearest[0].message
    return f"{mismatch('anyOf', None, value, pointer).message}; of the nearest: {nearest[0].message}"


# ------------------------------------------------------------------ scalars


def _number(value: int | float, schema: dict[str, Any], pointer: str) -> list[SchemaError]:
    found = []
    for keyword, exclusive, sign in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        limit, beyond = schema.get(keyword), schema.get(exclusive)
        is_strict = beyond is True  # up to OpenAPI 3.0 it is a boolean beside the limit
        if limit is not None and (value * sign < _limit(limit) * sign or (is_strict and value == limit)):
            found.append(mismatch(exclusive if is_strict else keyword, limit, value, pointer))
        if beyond is not None and not isinstance(beyond, bool) and value * sign <= _limit(beyond) * sign:
            found.append(mismatch(exclusive, beyond, value, pointer))
    divisor = schema.get("multipleOf")
    if divisor is not None:
        if _limit(divisor) <= 0:
            raise NotSimple
        if not is_multiple(value, divisor):
            found.append(mismatch("multipleOf", divisor, value, pointer))
    return found


def _size(
    length: int, value: JsonValue, schema: dict[str, Any], lower: str, upper: str, pointer: str
) -> list[SchemaError]:
    found = []
    least, most = schema.get(lower), schema.get(upper)
    if least is not None and length < _limit(least):
        found.append(mismatch(lower, least, value, pointer))
    if most is not None and length > _limit(most):
        found.append(mismatch(upper, most, value, pointer))
    return found


def _has_type(value: JsonValue, types: JsonValue) -> bool:
    found = type_name(value)
    for kind in types if isinstance(types, list) else (types,):
        if not isinstance(kind, str) or kind not in _TYPES:
            raise NotSimple
        if found == kind or (kind == "number" and found == "integer"):
            return True
        if kind == "integer" and isinstance(value, float) and value.is_integer():
            return True
    return False


def same(left: JsonValue, right: JsonValue) -> bool:
    """Return whether two values are equal to JSON Schema: 1 equals 1.0, but true is not 1."""
    return bool(key_of(left) == key_of(right))


def all_differ(values: list[JsonValue]) -> bool:
    """Return whether no value is in a list twice."""
    return len(set(map(key_of, values))) == len(values)


def key_of(value: JsonValue) -> Any:
    """Return a hashable value that is equal for equal JSON values."""
    if isinstance(value, bool):
        return (bool, value)
    if isinstance(value, list):
        return tuple(map(key_of, value))
    if isinstance(value, dict):
        return frozenset((name, key_of(item)) for name, item in value.items())
    if isinstance(value, (int, float)) and abs(value) >= _LARGE and (isinstance(value, int) or value.is_integer()):
        return (int, hex(int(value)))
    return value


def _limit(value: JsonValue) -> Any:
    if not is_number(value):
        raise NotSimple
    return value


def _mapping(value: JsonValue) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise NotSimple
    return value


def _names(value: JsonValue) -> Any:
    if isinstance(value, bool):  # the form of draft 03, inside a property: ignored
        return ()
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise NotSimple
    return value
