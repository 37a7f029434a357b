"""The JSON Schemas of inputs: keywords, types, references; enums, limits, defaults, examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import unquote

from arazzo_runner.base.json_values import (
    MISSING,
    JsonValue,
    escaped,
    is_number,
    preview,
    resolve_pointer,
    to_json,
    type_name,
)
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Severity, did_you_mean
from arazzo_runner.lint.analysis.schemas import (
    KEYWORDS,
    OPENAPI,
    SchemaAt,
    is_of_type,
    keyword_problem,
    own_errors,
    types_of,
)
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import names_hint


@rule("inputs-not-object", "shape")
def inputs_not_object(inspection: Inspection) -> Iterator[Finding]:
    """Report inputs whose schema is not an object with properties."""
    for workflow in inspection.description.workflows:
        schema = workflow.inputs
        if not isinstance(schema, dict):
            continue
        if schema.get("type") == "object" and "properties" in schema:
            continue  # the usual form
        at = workflow.at.child("inputs")
        names = [name for name, part in schema.items() if _is_misplaced(name, part)]
        if types_of(schema) and "object" not in types_of(schema):
            message = f"inputs are of type {' or '.join(types_of(schema))}, but every input has a name"
            hint = "write type: object, and the inputs under properties:"
            yield Finding(message, at.child("type"), hint)
        elif names and "properties" not in schema:
            message = f'"{names[0]}" is not a keyword of JSON Schema; it declares no input'
            hint = "write it under properties:"
            yield Finding(message, at.child(names[0]).at_key(), hint)


def _is_misplaced(name: str, part: JsonValue) -> bool:
    is_schema = isinstance(part, dict) and ("type" in part or "description" in part)
    return is_schema and name not in KEYWORDS and name not in OPENAPI and not name.startswith("x-")


@rule("invalid-schema", "shape", severity=Severity.ERROR)
def invalid_schema(inspection: Inspection) -> Iterator[Finding]:
    """Report keywords of JSON Schema 2020-12 with an invalid value, unknown types and invalid patterns."""
    for each in inspection.schemas:
        for keyword, value in each.schema.items():
            problem = keyword_problem(keyword, value)
            if problem is not None:
                at = inspection.at(f"{each.pointer}/{escaped(keyword)}")
                yield Finding(problem[0], at, problem[1])


_OBJECT, _ARRAY, _TEXT, _NUMBER = ("object",), ("array",), ("string",), ("number", "integer")
_BELONGS: Final = {
    **dict.fromkeys(("properties", "required", "additionalProperties", "patternProperties", "minProperties",
                     "maxProperties", "propertyNames", "dependentRequired"), _OBJECT),
    **dict.fromkeys(("items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"), _ARRAY),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), _TEXT),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"), _NUMBER),
}  # fmt: skip


@rule("schema-type-mismatch", "shape")
def schema_type_mismatch(inspection: Inspection) -> Iterator[Finding]:
    """Report keywords that have no effect on the schema's type, such as `items` of an object."""
    for each in inspection.schemas:
        types = types_of(each.schema)
        if not types:
            continue
        for keyword, value in each.schema.items():
            wanted = _BELONGS.get(keyword)
            is_apart = wanted is not None and not any(name in wanted for name in types)
            if wanted is not None and is_apart and keyword_problem(keyword, value) is None:  # one finding is enough
                message = f"{keyword} says nothing about type {' or '.join(types)}"
                at = inspection.at(f"{each.pointer}/{keyword}").at_key()
                hint = f"write type: {wanted[0]}, or remove {keyword}"
                yield Finding(message, at, hint)


_COMBINING: Final = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "patternProperties")
_COMBINED: Final = pattern(r"/(?:allOf|anyOf|oneOf)/\d+$|/(?:not|if|then|else)$|/dependentSchemas/[^/]+$")


@rule("undefined-required", "shape", trigger=Trigger(words=("required",)))
def undefined_required(inspection: Inspection) -> Iterator[Finding]:
    """Report required properties that the schema does not define; parts of combinations are not checked."""
    for each in inspection.schemas:
        required, properties = each.schema.get("required"), each.schema.get("properties", {})
        if not isinstance(required, list) or not isinstance(properties, dict) or _is_open(each):
            continue
        for index, name in enumerate(required):
            if isinstance(name, str) and name not in properties:
                message = f'"{name}" is required, but is not a property of this schema'
                at = inspection.at(f"{each.pointer}/required/{index}")
                hint = names_hint(name, properties) or "define it under properties:"
                yield Finding(message, at, hint)


def _is_open(each: SchemaAt) -> bool:
    is_part = _COMBINED.search(each.pointer) is not None
    return is_part or any(keyword in each.schema for keyword in _COMBINING)


_MOST_COMPARED: Final = 200
"""How many unknown keywords are compared with the known ones, which limits the work for a hostile document."""


@rule("unknown-keyword", "shape")
def unknown_keyword(inspection: Inspection) -> Iterator[Finding]:
    """Report misspelt keywords of JSON Schema, which are ignored."""
    left = _MOST_COMPARED
    for each in inspection.schemas:
        for keyword in each.schema:
            if keyword in KEYWORDS or keyword in OPENAPI or keyword.startswith("x-") or left == 0:
                continue
            from difflib import get_close_matches  # lazily: most keywords are known

            left -= 1
            near = get_close_matches(keyword, KEYWORDS, n=1, cutoff=0.8)
            if near:
                at = inspection.at(f"{each.pointer}/{escaped(keyword)}").at_key()
                message = f'"{keyword}" is not a keyword of JSON Schema and is ignored'
                hint = f'did you mean "{near[0]}"?'
                yield Finding(message, at, hint)


@rule("unknown-schema", "references", severity=Severity.ERROR, trigger=Trigger(words=("$ref",)))
def unknown_schema(inspection: Inspection) -> Iterator[Finding]:
    """Report `$ref`s into the document, by JSON Pointer or `$anchor`, without a target."""
    anchors = {each.schema.get("$anchor") for each in inspection.schemas}
    own_base = tuple(each.pointer for each in inspection.schemas if "$id" in each.schema)
    for each in inspection.schemas:
        reference = each.schema.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#") or reference == "#":
            continue
        is_pointer = reference.startswith("#/")
        target = resolve_pointer(inspection.description.raw, unquote(reference[1:])) if is_pointer else MISSING
        if target is MISSING and (is_pointer or reference[1:] not in anchors) and not _is_below(each.pointer, own_base):
            message = f"{preview(reference, 60)} points to nothing in this document"
            near = did_you_mean(
                reference, (f"#/components/inputs/{name}" for name in inspection.description.components.inputs)
            )
            at = inspection.at(f"{each.pointer}/$ref")
            hint = near or "write #/components/inputs/<name>, and put the schema there"
            yield Finding(message, at, hint)


def _is_below(pointer: str, places: Iterable[str]) -> bool:
    """Return whether a schema is inside one with an `$id`, which its references are relative to."""
    return any(pointer == place or pointer.startswith(f"{place}/") for place in places)


@rule("duplicate-enum-value", "shape", trigger=Trigger(words=("enum",)))
def duplicate_enum_value(inspection: Inspection) -> Iterator[Finding]:
    """Report values that occur twice in an enum (JSON Schema: its elements SHOULD be unique)."""
    for each in inspection.schemas:
        values = each.schema.get("enum")
        seen: dict[tuple[bool, str], int] = {}
        for index, value in enumerate(values if isinstance(values, list) else ()):
            key = (isinstance(value, bool), to_json(float(value) if is_number(value) else value))
            first = seen.setdefault(key, index)
            if first != index:
                at = inspection.at(f"{each.pointer}/enum/{index}")
                related = (inspection.at(f"{each.pointer}/enum/{first}"),)
                message, hint = f"{preview(value, 40)} is in the enum already", "remove one of them"
                yield Finding(message, at, hint, related=related)


@rule("enum-type-mismatch", "shape", trigger=Trigger(words=("enum", "const")))
def enum_type_mismatch(inspection: Inspection) -> Iterator[Finding]:
    """Report values of an enum or const that the type of the schema does not allow."""
    for each in inspection.schemas:
        types = types_of(each.schema)
        listed = each.schema.get("enum")
        values = [(f"enum/{index}", value) for index, value in enumerate(listed if isinstance(listed, list) else ())]
        if "const" in each.schema:
            values.append(("const", each.schema["const"]))
        for place, value in values if types else ():
            if not any(is_of_type(value, name) for name in types):
                message = f"{preview(value, 40)} is {type_name(value)}, but the type is {' or '.join(types)}"
                at = inspection.at(f"{each.pointer}/{place}")
                hint = _hint(value, types)
                yield Finding(message, at, hint)


def _hint(value: JsonValue, types: tuple[str, ...]) -> str:
    if value is None:
        return f"write type: [{', '.join(types)}, 'null'], or remove it"
    if "string" in types:
        return "put it in quotes, or correct the type"
    return "correct the value or the type"


_PAIRS: Final = (
    ("minimum", "maximum"),
    ("exclusiveMinimum", "maximum"),
    ("minimum", "exclusiveMaximum"),
    ("exclusiveMinimum", "exclusiveMaximum"),
    ("minLength", "maxLength"),
    ("minItems", "maxItems"),
    ("minProperties", "maxProperties"),
    ("minContains", "maxContains"),
)


@rule(
    "impossible-range",
    "shape",
    trigger=Trigger(words=("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains")),
)
def impossible_range(inspection: Inspection) -> Iterator[Finding]:
    """Report limits that allow no value, such as a minimum above the maximum."""
    for each in inspection.schemas:
        for low, high in _PAIRS:
            smallest, largest = each.schema.get(low), each.schema.get(high)
            if not isinstance(smallest, (int, float)) or not isinstance(largest, (int, float)):
                continue
            is_open = "exclusive" in low or "exclusive" in high
            if smallest > largest or (is_open and smallest == largest):
                message = f"{low} {preview(smallest)} and {high} {preview(largest)} allow nothing"
                at, related = inspection.at(f"{each.pointer}/{low}"), (inspection.at(f"{each.pointer}/{high}"),)
                hint = "exchange them, or correct one"
                yield Finding(message, at, hint, related=related)


@rule("invalid-default", "shape", trigger=Trigger(words=("default",)))
def invalid_default(inspection: Inspection) -> Iterator[Finding]:
    """Report defaults that do not fit their own schema."""
    for each in inspection.schemas:
        if "default" in each.schema:
            at = inspection.at(f"{each.pointer}/default")
            for error in own_errors(each.schema["default"], each.schema, inspection.schema_context):
                message = f"the default does not fit its schema: {error}"
                hint = "correct the default or the schema"
                yield Finding(message, at, hint)


@rule("invalid-example", "shape", trigger=Trigger(words=("example", "examples")))
def invalid_example(inspection: Inspection) -> Iterator[Finding]:
    """Report examples (`examples`, and OpenAPI's `example`) that do not fit their own schema."""
    for each in inspection.schemas:
        listed = each.schema.get("examples")
        values = [
            (f"examples/{index}", value) for index, value in enumerate(listed if isinstance(listed, list) else ())
        ]
        if "example" in each.schema:
            values.append(("example", each.schema["example"]))
        for place, value in values:
            at = inspection.at(f"{each.pointer}/{place}")
            for error in own_errors(value, each.schema, inspection.schema_context):
                message = f"the example does not fit its schema: {error}"
                hint = "correct the example or the schema"
                yield Finding(message, at, hint)


@rule("mixed-range", "shape", trigger=Trigger(words=("exclusiveMaximum", "exclusiveMinimum")))
def mixed_range(inspection: Inspection) -> Iterator[Finding]:
    """Report limits that are given both with and without exclusive: only the stricter one counts."""
    for each in inspection.schemas:
        for plain, exclusive in (("maximum", "exclusiveMaximum"), ("minimum", "exclusiveMinimum")):
            if is_number(each.schema.get(plain)) and is_number(each.schema.get(exclusive)):
                message = f"{plain} and {exclusive} are both given; only the stricter one counts"
                at, related = inspection.at(f"{each.pointer}/{exclusive}"), (inspection.at(f"{each.pointer}/{plain}"),)
                hint = "keep one of them"
                yield Finding(message, at, hint, related=related)
