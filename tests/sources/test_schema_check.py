"""Values against schemas: mismatches, positions, dialects; jsonschema as the oracle of the simple checker."""

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.sources.openapi import load_openapi
from arazzo_runner.sources.policy import FetchError
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.check import SchemaContext, resolve_within, schema_errors
from arazzo_runner.sources.schema.full import full_errors
from arazzo_runner.sources.schema.simple import NotSimple, SimpleChecker

SWAGGER, OLD, NEW = SchemaContext("draft-04"), SchemaContext("openapi-3.0"), SchemaContext("2020-12")


def keywords(value, schema, context=NEW, **options):
    return [error.keyword for error in schema_errors(value, schema, context, **options)]


@pytest.mark.parametrize(
    ("schema", "value", "keyword"),
    [
        ({"enum": [1, "a"]}, "b", "enum"), ({"const": 1}, True, "const"), ({"minimum": 3}, 2, "minimum"), ({"maximum": 3}, 4, "maximum"),
        ({"minLength": 2}, "a", "minLength"), ({"maxItems": 1}, [1, 2], "maxItems"), ({"items": {"type": "null"}}, [1], "type"),
        ({"additionalProperties": {"type": "null"}}, {"a": 1}, "type"), (False, 1, "false"), ({"type": "integer"}, 1.5, "type"),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, [], "oneOf"), ({"not": {}}, 1, "not"), ({"multipleOf": 0.1}, 0.35, "multipleOf"),
        ({"patternProperties": {"^a": {"type": "null"}}}, {"ab": 1}, "type"), ({"$ref": "#/nowhere"}, 1, "$ref"), ({"type": 5}, 1, "$schema"),
        ({"uniqueItems": True}, [1, 1.0], "uniqueItems"), ({"exclusiveMinimum": 3}, 3, "exclusiveMinimum"), ({"minProperties": 1}, {}, "minProperties"),
        ({"prefixItems": [{"type": "null"}]}, [1], "type"), ({"if": {"minimum": 3}, "then": {"type": "string"}}, 4, "type"),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1}, "dependentRequired"), ({"contains": {"type": "null"}}, [1], "contains"),
        ({"allOf": [{"properties": {"a": True}}], "unevaluatedProperties": False}, {"b": 1}, "additionalProperties"),
        ({"patternProperties": {"^a": True}, "additionalProperties": False}, {"b": 1}, "additionalProperties"),
    ],
)  # fmt: skip
def test_a_mismatch_names_its_keyword(schema, value, keyword):
    assert keywords(value, schema, SchemaContext("2020-12", resolve_within({})))[:1] == [keyword]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1.0), ({"type": "number"}, 1), (True, 1), ({}, 1), ({"enum": [1]}, 1.0), ({"uniqueItems": True}, [1, True, [True], [1]]),
        ({"properties": {"a": {"pattern": "^x"}}}, {"a": "xy"}), ({"$ref": "#/d"}, 3), ({"multipleOf": 0.1}, 0.3), ({"format": "email"}, "no mail"),
        ({"allOf": [{"properties": {"a": True}}], "patternProperties": {"^b": True}, "unevaluatedProperties": False}, {"a": 1, "bc": 2}),
        ({"discriminator": {"propertyName": "kind"}, "xml": {"name": "x"}, "x-own": 1}, {}),
    ],
)  # fmt: skip
def test_a_matching_value_has_no_errors(schema, value):
    assert keywords(value, schema, SchemaContext("2020-12", resolve_within({"d": {"type": "integer"}}))) == []


def test_all_mismatches_are_reported_with_their_positions():
    schema = {
        "type": "object", "required": ["id", "tags"], "additionalProperties": False,
        "properties": {"id": {"type": "integer"}, "a/b": {"items": {"enum": ["x"]}}, "tags": {"type": "array"}},
    }  # fmt: skip
    found = schema_errors({"id": "7", "a/b": ["x", "y"], "more": 1}, schema)
    assert [(error.pointer, error.message) for error in found] == [
        ("", 'the value lacks "tags", which is required'),
        ("/id", '"id" must be integer, found string "7"'),
        ("/a~1b/1", '"a/b.1" must be one of "x", found string "y"'),
        ("", 'the value must not have "more"'),
    ]


@pytest.mark.parametrize(
    ("context", "schema", "fitting", "misfitting"),
    [
        pytest.param(OLD, {"type": "string", "nullable": True}, None, 5, id="3.0 nullable"),
        pytest.param(OLD, {"nullable": True, "allOf": [{"type": "object"}]}, None, 5, id="3.0 nullable beside allOf"),
        pytest.param(SWAGGER, {"type": "string", "x-nullable": True}, None, 5, id="2.0 x-nullable"),
        pytest.param(NEW, {"type": ["string", "null"]}, None, 5, id="3.1 type null"),
        pytest.param(NEW, {"type": "string", "nullable": True}, "a", None, id="3.1 has no nullable"),
        pytest.param(OLD, {"minimum": 5, "exclusiveMinimum": True}, 6, 5, id="up to 3.0 exclusiveMinimum is a boolean"),
        pytest.param(SWAGGER, {"maximum": 5, "exclusiveMaximum": True}, 4, 5, id="the same in 2.0"),
        pytest.param(OLD, {"minimum": 5, "exclusiveMinimum": False}, 5, 4, id="and false changes nothing"),
        pytest.param(NEW, {"exclusiveMaximum": 5}, 4, 5, id="3.1 exclusiveMaximum is a number"),
    ],
)
def test_dialects_of_openapi(context, schema, fitting, misfitting):
    for forced in ({}, {"propertyNames": {}} if context is NEW else {"dependencies": {}}):  # both checkers
        assert keywords(fitting, {**schema, **forced}, context) == []
        assert len(keywords(misfitting, {**schema, **forced}, context)) == 1


def test_siblings_of_a_reference_apply_since_3_1_only():
    root = {"a": {"type": "string"}}
    schema = {"$ref": "#/a", "maxLength": 1}
    assert keywords("long", schema, SchemaContext("2020-12", resolve_within(root))) == ["maxLength"]
    assert keywords("long", schema, SchemaContext("openapi-3.0", resolve_within(root))) == []


PET = {
    "required": ["id", "secret", "name"],
    "properties": {"id": {"readOnly": True}, "secret": {"writeOnly": True}, "name": {"type": "string"}},
}


@pytest.mark.parametrize("extra", [{}, {"propertyNames": {}}], ids=["small checker", "jsonschema"])
def test_read_only_and_write_only_depend_on_the_direction(extra):
    schema = {**PET, **extra}
    assert keywords({"name": "a", "secret": 1}, schema, direction="request") == []
    assert keywords({"name": "a", "id": 1}, schema, direction="response") == []
    assert keywords({"name": "a", "id": 1, "secret": 1}, schema, direction="request") == ["readOnly"]
    assert keywords({"name": "a", "id": 1, "secret": 1}, schema, direction="response") == ["writeOnly"]
    assert keywords({"name": "a"}, schema) == ["required", "required"]


def test_a_member_of_the_other_direction_may_be_required_by_another_part_of_an_all_of():
    root = {"Base": {"properties": {"id": {"readOnly": True}, "name": {"type": "string"}}}}
    schema = {"allOf": [{"$ref": "#/Base"}, {"required": ["id", "name"]}]}
    context = SchemaContext("2020-12", resolve_within(root))
    assert keywords({"name": "a"}, schema, context, direction="request") == []
    assert keywords({}, schema, context, direction="request") == ["required"]
    assert keywords({"name": "a"}, schema, context, direction="response") == ["required"]


def test_references_of_schemas_are_resolved_like_all_others(tmp_path):
    (tmp_path / "parts.json").write_text(
        json.dumps({"Name": {"type": "string"}, "Pet": {"properties": {"n": {"$ref": "#/Name"}}}})
    )
    files = {path.as_uri(): path.read_bytes() for path in tmp_path.iterdir()}

    class Files:
        def referenced(self, uri: str, base: str) -> bytes:
            if uri not in files:
                raise FetchError("not read here")
            return bytes(files[uri])

    root = {
        "openapi": "3.1.0",
        "components": {
            "schemas": {
                "Tree": {"$anchor": "tree", "properties": {"children": {"items": {"$ref": "#tree"}}, "n": {"type": "integer"}}},
                "Own": {"$id": "https://schemas.test/own/", "$defs": {"n": {"$id": "n", "type": "null"}}, "properties": {"n": {"$ref": "n"}}},
            }
        },
    }  # fmt: skip
    base = (tmp_path / "api.json").as_uri()
    description = load_openapi(from_value(root, base), Files(), Problems(), base=base)
    for extra in ({}, {"propertyNames": {}}):

        def check(value, reference, extra=extra):
            return keywords(value, {"$ref": reference, **extra}, description.schemas, base=base)

        assert check({"n": 1}, "parts.json#/Pet") == ["type"]
        assert check({"children": [{"children": [{"n": "x"}]}]}, "#tree") == ["type"]
        assert check({"n": 1}, "https://schemas.test/own/") == ["type"]
        assert check({"n": 1}, "https://elsewhere.test/never.json") == ["$ref"]


@pytest.mark.parametrize(
    "schemas",
    [
        pytest.param({"a": {"$ref": "#/b"}, "b": {"$ref": "#/a"}}, id="a circle of references"),
        pytest.param({"a": {"allOf": [{"$ref": "#/a"}]}}, id="a schema that is all of itself"),
        pytest.param({"a": {"allOf": [{"$ref": "#/a"}], "propertyNames": {}}}, id="the same for jsonschema"),
        pytest.param(
            {**{f"a{n}": {"anyOf": [{"$ref": f"#/a{n + 1}"}] * 4} for n in range(40)}, "a": {"$ref": "#/a0"}, "a40": False},
            id="four to the power of forty forms",
        ),
    ],
)  # fmt: skip
def test_endless_schemas_end(schemas):
    (error,) = schema_errors({}, {"$ref": "#/a"}, SchemaContext("2020-12", resolve_within(schemas)))
    assert error.is_about_schema


@pytest.mark.parametrize("extra", [{}, {"propertyNames": {}}], ids=["small checker", "jsonschema"])
def test_long_lists_are_checked_to_their_end(extra):
    schemas = {
        "Item": {"allOf": [{"$ref": "#/Part"}], **extra},
        "Part": {"properties": {"n": {"$ref": "#/Number"}}},
        "Number": {"type": "integer"},
    }
    value = [{"n": number} for number in range(3000)] + [{"n": "last"}]
    (error,) = schema_errors(value, {"items": {"$ref": "#/Item"}}, SchemaContext("2020-12", resolve_within(schemas)))
    assert error.pointer == "/3000/n"


def test_a_runaway_pattern_is_linear():
    schema = {
        "properties": {"a": {"pattern": "^(a+)+$"}},
        "patternProperties": {"^(b+)+$": {}},
        "additionalProperties": False,
    }
    assert keywords({"a": "a" * 5000 + "!"}, schema) == ["pattern"]
    assert keywords({"b" * 5000 + "!": 1}, schema) == ["additionalProperties"]


def test_secret_values_are_not_shown():
    (error,) = schema_errors({"password": 5}, {"properties": {"password": {"type": "string"}}})
    assert "5" not in error.message
    (error,) = schema_errors({"apiKey": "abc"}, {"properties": {"apiKey": {"type": "string", "pattern": "^x"}}})
    assert "abc" not in error.message


# ------------------------------------------------------------------ both checkers

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "", "a", "ab"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


def _schemas(inner):
    one_of_each = {
        "type": st.sampled_from(["object", "array", "string", "integer", "number", "boolean", "null", ["null", "integer"]]),
        "enum": st.lists(VALUES, min_size=1, max_size=3), "const": VALUES,
        "minimum": st.integers(-2, 2), "exclusiveMaximum": st.integers(-2, 2), "multipleOf": st.sampled_from([1, 2, 0.5]),
        "minLength": st.integers(0, 2), "maxItems": st.integers(0, 2), "uniqueItems": st.booleans(), "maxProperties": st.integers(0, 2),
        "required": st.lists(st.sampled_from("abc"), max_size=2, unique=True), "pattern": st.sampled_from(["^a", "b$"]),
        "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=2), "additionalProperties": inner, "items": inner,
        "allOf": st.lists(inner, min_size=1, max_size=2), "anyOf": st.lists(inner, min_size=1, max_size=2),
        "oneOf": st.lists(inner, min_size=1, max_size=3), "not": inner,
    }  # fmt: skip
    return st.fixed_dictionaries({}, optional=one_of_each)


SCHEMAS: st.SearchStrategy[object] = st.recursive(st.booleans() | st.just({}), _schemas, max_leaves=5)


@given(value=VALUES, schema=SCHEMAS)
@settings(max_examples=150, deadline=None)
def test_the_small_checker_and_jsonschema_agree(value, schema):
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)
    assert (not SimpleChecker(NEW).check(value, schema, "")) == expected
    assert (not full_errors(value, schema, NEW, base="", direction=None, most=100)) == expected


def test_the_simple_checker_refuses_keywords_it_does_not_know():
    with pytest.raises(NotSimple):
        SimpleChecker(NEW).check(1, {"if": True}, "")
    with pytest.raises(ReferenceFailure):
        resolve_within({})({"$ref": "#/x"}, "")


KEYWORDS = [
    *("type", "enum", "const", "multipleOf", "maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "maxLength"),
    *(
        "minLength",
        "pattern",
        "items",
        "additionalItems",
        "maxItems",
        "minItems",
        "uniqueItems",
        "contains",
        "nullable",
    ),
    *("maxContains", "minContains", "maxProperties", "minProperties", "required", "properties", "patternProperties"),
    *("additionalProperties", "dependencies", "dependentRequired", "dependentSchemas", "propertyNames", "if", "then"),
    *("allOf", "anyOf", "oneOf", "not", "prefixItems", "unevaluatedItems", "unevaluatedProperties", "$ref", "$id"),
    *("$dynamicRef", "$recursiveRef", "$anchor", "$defs", "readOnly", "writeOnly", "discriminator", "format"),
]
WRONG: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    10**400,
    "",
    "x",
    "(",
    [],
    [None],
    [0, "x"],
    {},
    {"a": 0},
    {"a": None},
    [[]],
    [{}],
]


@pytest.mark.parametrize("dialect", ["2020-12", "openapi-3.0", "draft-04"])
@pytest.mark.parametrize("keyword", KEYWORDS)
def test_a_keyword_of_any_type_ends_in_sentences(keyword, dialect):
    for wrong in WRONG:
        for beside in ({}, {"if": {"type": "string"}, "contains": {}}, {"properties": {"a": {keyword: wrong}}}):
            schema = {**beside, keyword: wrong}
            for value in (None, True, 3, 0.5, "text", [], [1, "x"], {}, {"a": 1, "b": None}):
                for direction in (None, "request", "response"):
                    found = schema_errors(value, schema, SchemaContext(dialect), direction=direction)
                    assert all(isinstance(each.message, str) for each in found)
