"""Texts that are nearly expressions are reported; texts of other languages are not."""

from __future__ import annotations

import pytest

from tests.rules.small import codes, description

API = description(
    {"post /a": {"operationId": "post", "requestBody": {"content": {"application/json": {"schema": {}}}}}}
)


def found(tmp_path, value, *, group):
    step = {
        "stepId": "take",
        "operationId": "post",
        "requestBody": {"payload": {"x": value}},
        "outputs": {"id": "$statusCode"},
    }
    workflow = {"workflowId": "w", "inputs": {"properties": {"token": {}}}, "steps": [step]}
    reported = codes(tmp_path, API, [workflow], group=group)
    assert all(pointer.startswith("/workflows/0/steps/0/requestBody/payload/x") for _, _, pointer in reported)
    return [(code, severity) for code, severity, _ in reported]


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        pytest.param("Bearer $steps.take", "error", id="a step that is there, without its outputs"),
        pytest.param("Bearer $steps.take.token", "error", id="an output without the word outputs"),
        pytest.param("Bearer $steps.other", "warning", id="a step that is not there"),
        pytest.param("{$unknown.type}", "warning", id="an unknown root in braces"),
        pytest.param("a {$pet.name} b", "warning", id="an unknown root in braces inside a text"),
        pytest.param("{$some words that are none}", "warning", id="words in braces"),
        pytest.param("{$something{similar to an expression}}", "warning", id="braces in braces"),
        pytest.param("{$statuscode}", "warning", id="a keyword in braces in another case"),
        pytest.param("$StatusCode", "warning", id="a keyword in another case"),
        pytest.param("$foo.bar", "warning", id="an unknown root"),
        pytest.param("$invalid.runtime.expression", "warning", id="an unknown root with several names"),
        pytest.param("Bearer $input.token", "warning", id="a misspelt root inside a text"),
        pytest.param("Bearer $dependencies.login.token", "warning", id="an unknown root inside a text"),
        pytest.param("the id is $response.body#/id", "warning", id="a response without braces"),
    ],
)
def test_a_text_that_is_nearly_an_expression_is_reported(tmp_path, text, severity):
    assert found(tmp_path, text, group="language") == [("unknown-expression", severity)]


@pytest.mark.parametrize(
    "text",
    [
        "$5.00", "US$ 5.00", "$filter", "$filter=name eq 'a.b'", "$top=5&$skip=1", "$.items[0].id", "$..id", "$", "$$ROOT.name", "a\\$b.c",
        "query($id: ID!) { pet(id: $id) { name } }", "${x}", "${pet.name}", "{{x}}", "{{pet.name}}", "$HOME/pets", "{$name}", "{$gt: 5}", "{$set: {a: 1}}", "{$gt : 5}", "{$a == 1}", "$URL", "a $status_code", "$gt",
        "jq '.[] | $pet.name'", "$(date)", "$1.name", "{ customers { id } }", "echo $a\n$b.c.d", {"$group": {"_id": "$address.city"}}, {"$match": {"$expr": ["$a.b"]}},
    ],
)  # fmt: skip
def test_a_text_of_another_language_is_data(tmp_path, text):
    assert found(tmp_path, text, group="language") == []


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        pytest.param("a $inputs.tokn", "error", id="an input with a declared name near"),
        pytest.param("a $inputs.anything", "warning", id="an input that is like none"),
        pytest.param("a $steps.take.outputs.idd", "error", id="an output with a declared name near"),
    ],
)
def test_an_undeclared_name_in_a_text_is_reported(tmp_path, text, severity):
    assert found(tmp_path, text, group="references") == [("undeclared-in-text", severity)]


def test_an_action_is_hidden_by_one_with_an_error_in_its_target(tmp_path):
    step = {
        "stepId": "a",
        "operationId": "post",
        "onFailure": [{"name": "r", "type": "goto", "stepId": "ghost"}, {"name": "e", "type": "end"}],
    }
    reported = codes(tmp_path, API, [{"workflowId": "w", "steps": [step]}], group="flow")
    assert reported == [("action-never-taken", "warning", "/workflows/0/steps/0/onFailure/1")]
