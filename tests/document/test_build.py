"""Mapping → model: every mistake of shape in one run, each with its code, place and hint."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.document.build import build
from arazzo_runner.document.fields import FIELDS, respelt
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.errors import Judge

SHARED = Path(__file__).parents[2].parent / "shared"

GOOD: dict[str, Any] = {
    "arazzo": "1.1.0",
    "$self": "https://example.com/a.yaml",
    "info": {"title": "t", "version": "1", "summary": "s", "description": "d", "x-i": 1},
    "sourceDescriptions": [{"name": "api", "url": "./api.yaml", "type": "openapi"}],
    "workflows": [
        {
            "workflowId": "w",
            "inputs": {"type": "object"},
            "dependsOn": ["v"],
            "steps": [
                {
                    "stepId": "s",
                    "operationId": "op",
                    "timeout": 100,
                    "dependsOn": ["r"],
                    "parameters": [
                        {"name": "a", "in": "query", "value": 1},
                        {"reference": "$components.parameters.p", "value": 2, "extra": 1},
                    ],
                    "requestBody": {
                        "contentType": "application/json",
                        "payload": {},
                        "replacements": [{"target": "/a", "value": 1, "targetSelectorType": "jsonpointer"}],
                    },
                    "successCriteria": [
                        {"condition": "$statusCode == 200"},
                        {
                            "context": "$response.body",
                            "condition": "$.a",
                            "type": {"type": "jsonpath", "version": "rfc9535"},
                        },
                    ],
                    "onSuccess": [{"name": "go", "type": "goto", "stepId": "s", "criteria": [{"condition": "true"}]}],
                    "onFailure": [{"name": "again", "type": "retry", "retryAfter": 0.5, "retryLimit": 2}],
                    "outputs": {
                        "o": "$response.body",
                        "p": {"context": "$response.body", "selector": "/a", "type": "jsonpointer"},
                    },
                },
                {"stepId": "r", "workflowId": "v", "parameters": [{"name": "a", "value": 1}]},
            ],
            "outputs": {"o": "$steps.s.outputs.o"},
        },
        {"workflowId": "v", "steps": [{"stepId": "x", "operationPath": "{$sourceDescriptions.api.url}#/paths/~1/get"}]},
    ],
    "components": {
        "inputs": {"i": {"type": "string"}},
        "parameters": {"p": {"name": "p", "in": "header", "value": "v"}},
        "successActions": {"e": {"name": "e", "type": "end"}},
        "failureActions": {"f": {"name": "f", "type": "end"}},
    },
    "x-extra": True,
}


def findings(value, judge=Judge.VALIDATE):
    problems = Problems(judge)
    build(from_value(value, "doc"), problems)
    return [(found.code, found.severity.value, found.at.pointer) for found in problems]


def changed(pointer, value):
    """Return GOOD with one place changed (or, with `...`, removed)."""
    document = copy.deepcopy(GOOD)
    node = document
    *path, last = [int(token) if token.isdigit() else token for token in pointer.split("/")[1:]]
    for token in path:
        node = node[token]
    if value is ...:
        del node[last]
    else:
        node[last] = value
    return document


STEP = "/workflows/0/steps/0"


def test_a_document_with_everything_has_no_findings():
    assert findings(GOOD) == []
    model = build(from_value(GOOD, "doc"), Problems())
    step = model.workflows[0].steps[0]
    assert (step.timeout, step.depends_on, step.on_failure[0].retry_limit) == (100, ("r",), 2)
    assert step.parameters[1].value == 2
    assert model.minor == 1
    assert model.extensions == {"x-extra": True}


@pytest.mark.parametrize(
    ("pointer", "value", "expected"),
    [
        pytest.param("/arazzo", ..., ("missing-field", "error", ""), id="no version"),
        pytest.param("/arazzo", "2.0.0", ("unknown-version", "error", "/arazzo"), id="another major version"),
        pytest.param("/arazzo", "1.7.0", ("unknown-version", "error", "/arazzo"), id="a newer minor version"),
        pytest.param("/arazzo", 1.1, ("version-number", "error", "/arazzo"), id="a number as version"),
        pytest.param("/arazzo", [], ("wrong-type", "error", "/arazzo"), id="a list as version"),
        pytest.param("/info", ..., ("missing-field", "error", ""), id="no info"),
        pytest.param("/info", 3, ("wrong-type", "error", "/info"), id="info is a number"),
        pytest.param("/info/version", 1, ("version-number", "error", "/info/version"), id="info version is a number"),
        pytest.param("/info/title", "", ("invalid-value", "error", "/info/title"), id="an empty title"),
        pytest.param("/$self", "a#b", ("invalid-value", "error", "/$self"), id="$self with a fragment"),
        pytest.param("/sourceDescriptions", [], ("empty-list", "error", "/sourceDescriptions"), id="no sources"),
        pytest.param("/sourceDescriptions/0/type", "graphql", ("invalid-value", "error", "/sourceDescriptions/0/type"), id="an unknown type"),
        pytest.param("/sourceDescriptions/0/name", "a b", ("unusual-name", "error", "/sourceDescriptions/0/name"), id="a name with a blank"),
        pytest.param("/workflows/0/workflowId", "v", ("duplicate-name", "error", "/workflows/1/workflowId"), id="a workflowId twice"),
        pytest.param("/workflows/0/inputs", [], ("wrong-type", "error", "/workflows/0/inputs"), id="inputs that are not a schema"),
        pytest.param("/workflows/0/steps", {}, ("wrong-type", "error", "/workflows/0/steps"), id="steps are a mapping"),
        pytest.param(f"{STEP}/operationId", ..., ("missing-field", "error", STEP), id="nothing to call"),
        pytest.param(f"{STEP}/workflowId", "v", ("exclusive-fields", "error", f"{STEP}/workflowId"), id="two targets"),
        pytest.param(f"{STEP}/timeout", -1, ("invalid-value", "error", f"{STEP}/timeout"), id="a negative timeout"),
        pytest.param(f"{STEP}/timeout", "1s", ("wrong-type", "error", f"{STEP}/timeout"), id="a timeout as text"),
        pytest.param(f"{STEP}/action", "shout", ("invalid-value", "error", f"{STEP}/action"), id="an unknown action of a message"),
        pytest.param(f"{STEP}/parameters/0/in", "body", ("invalid-value", "error", f"{STEP}/parameters/0/in"), id="a parameter in the body"),
        pytest.param(f"{STEP}/parameters/0/value", ..., ("missing-field", "error", f"{STEP}/parameters/0"), id="a parameter without value"),
        pytest.param(f"{STEP}/parameters/1", {"name": "a", "in": "query", "value": 2}, ("duplicate-parameter", "error", f"{STEP}/parameters/1"), id="a parameter twice"),
        pytest.param(f"{STEP}/parameters/0", "a=1", ("wrong-type", "error", f"{STEP}/parameters/0"), id="a parameter that is a text"),
        pytest.param(f"{STEP}/successCriteria", [], ("empty-list", "error", f"{STEP}/successCriteria"), id="an empty list of criteria"),
        pytest.param(f"{STEP}/successCriteria/0/condition", True, ("wrong-type", "error", f"{STEP}/successCriteria/0/condition"), id="a condition that is a boolean"),
        pytest.param(f"{STEP}/successCriteria/0/condition", " ", ("invalid-value", "error", f"{STEP}/successCriteria/0/condition"), id="a blank condition"),
        pytest.param(f"{STEP}/successCriteria/1/context", ..., ("missing-field", "error", f"{STEP}/successCriteria/1"), id="a type without context"),
        pytest.param(f"{STEP}/successCriteria/1/type", "jq", ("invalid-value", "error", f"{STEP}/successCriteria/1/type"), id="an unknown criterion type"),
        pytest.param(f"{STEP}/successCriteria/1/type/version", "v1", ("invalid-value", "error", f"{STEP}/successCriteria/1/type/version"), id="an unknown version"),
        pytest.param(f"{STEP}/onSuccess/0/type", "retry", ("invalid-value", "error", f"{STEP}/onSuccess/0/type"), id="retry after success"),
        pytest.param(f"{STEP}/onSuccess/0/stepId", ..., ("missing-field", "error", f"{STEP}/onSuccess/0"), id="goto nowhere"),
        pytest.param(f"{STEP}/onSuccess/0/condition", "true", ("unknown-field", "error", f"{STEP}/onSuccess/0/condition"), id="a field of another object"),
        pytest.param(f"{STEP}/onFailure/0/type", "end", ("ignored-field", "warning", f"{STEP}/onFailure/0/retryAfter"), id="retryAfter of an end"),
        pytest.param(f"{STEP}/onFailure/0/retryLimit", 1.5, ("wrong-type", "error", f"{STEP}/onFailure/0/retryLimit"), id="half a retry"),
        pytest.param(f"{STEP}/outputs/o", 5, ("wrong-type", "error", f"{STEP}/outputs/o"), id="an output that is a number"),
        pytest.param(f"{STEP}/outputs/p/type", ..., ("missing-field", "error", f"{STEP}/outputs/p"), id="a selector without type"),
        pytest.param(f"{STEP}/outputs/a b", "$response.body", ("unusual-name", "error", f"{STEP}/outputs/a b"), id="an output name with a blank"),
        pytest.param(f"{STEP}/colour", 1, ("unknown-field", "error", f"{STEP}/colour"), id="a field of nobody's"),
        pytest.param(f"{STEP}/onSucces", [], ("unknown-field", "error", f"{STEP}/onSucces"), id="a misspelt field"),
        pytest.param("/components/parameters/p/in", "cookies", ("invalid-value", "error", "/components/parameters/p/in"), id="inside components"),
        pytest.param("/components/parameters/a b", {"name": "p", "in": "query", "value": 1}, ("unusual-name", "error", "/components/parameters/a b"), id="a component name with a blank"),
    ],
)  # fmt: skip
def test_a_mistake_is_found_at_its_place(pointer, value, expected):
    assert expected in findings(changed(pointer, value))


def test_one_run_shows_every_mistake():
    document = changed("/info", {})
    document["workflows"][0]["steps"][0]["operationId"] = 7
    document["workflows"][1]["steps"] = []
    assert {code for code, *_ in findings(document)} >= {"missing-field", "wrong-type", "empty-list"}


@pytest.mark.parametrize(("judge", "severity"), [(Judge.VALIDATE, "error"), (Judge.RUN, "warning")])
def test_a_field_of_1_1_in_a_1_0_document_is_an_error_that_a_run_tolerates(judge, severity):
    found = findings({**GOOD, "arazzo": "1.0.1"}, judge)
    assert {code for code, *_ in found} == {"newer-field"}
    assert {severity for _, severity, _ in found} == {severity}


@pytest.mark.parametrize("value", [None, [], "text", 5, True])
def test_a_document_that_is_no_mapping_is_one_error(value):
    assert [code for code, *_ in findings(value)] == ["not-arazzo"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *GOOD,
                    *GOOD["workflows"][0],
                    *GOOD["workflows"][0]["steps"][0],
                    "name",
                    "type",
                    "criteria",
                    "reference",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)


@settings(max_examples=200, deadline=None)
@given(json_values)
def test_no_value_raises_anything(value):
    findings(value)
    findings({**GOOD, "workflows": value})


def schema_cases():
    index = SHARED / "spec" / "schema-tests" / "INDEX.json"
    return sorted((SHARED / "spec" / "schema-tests").rglob("*.yaml")) if index.exists() else []


@pytest.mark.skipif(not SHARED.exists(), reason="the official schemas are not here")
@pytest.mark.parametrize("path", schema_cases(), ids=lambda path: "/".join(path.parts[-3:]))
def test_verdict_agrees_with_the_official_schema(path):
    import jsonschema

    from arazzo_runner.document.source_map import read

    schemas = {"1.0": "arazzo-schema-1.0-dev.json", "1.1": "arazzo-schema-1.1.json"}
    schema = json.loads((SHARED / "spec" / schemas[path.parts[-3]]).read_text())
    problems = Problems()
    document = read(path.read_bytes(), path.name, problems)
    assert document is not None
    build(document, problems)
    official = jsonschema.Draft202012Validator(schema).is_valid(document.value)
    assert (not problems.has_errors) == official or path.stem in REASONED, problems.diagnostics


# Where we say something else than the official schema, and why.
REASONED = {
    "invalid-openapi-parameter-without-in.arazzo": "found when linking, where it is known what the step calls",
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind, names in FIELDS.items() for name in sorted(names) if name[:1] != "$"]
)
@pytest.mark.parametrize("change", [str.upper, str.capitalize, lambda name: re.sub("([A-Z])", r"_\1", name).lower()])
def test_a_field_in_another_case_is_read_as_the_one_that_is_meant(kind, name, change):
    written = change(name)
    expected = {} if written == name else {name: written}
    assert respelt({written: 1}, FIELDS[kind]) == expected
    assert respelt({written: 1, name: 2}, FIELDS[kind]) == {}
