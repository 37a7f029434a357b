"""Values in the JSON Schemas of inputs: enums, limits, defaults, examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, is_number, preview, to_json, type_name
from arazzo_runner.lint.analysis.schemas import is_of_type, own_errors, types_of
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule


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
