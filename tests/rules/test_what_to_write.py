"""Mistakes of people who write a document from memory: one finding each, where it is, with what to write."""

from __future__ import annotations

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions

API = """\
openapi: 3.1.0
info: {title: Cars, version: "1"}
servers: [{url: "http://api.test"}]
paths:
  /cars/{carId}:
    post:
      operationId: book
      parameters: [{name: carId, in: path, required: true, schema: {type: string}}]
      requestBody:
        required: true
        content:
          application/json:
            schema: {type: object, properties: {days: {type: integer}, note: {type: string}}}
      responses: {"200": {description: fine}}
"""
DOCUMENT = """\
arazzo: 1.0.1
info: {title: Cars, version: "1"}
sourceDescriptions: [{name: cars, url: api.yml, type: openapi}]
workflows:
  - workflowId: w
    inputs: {type: object, properties: {days: {type: integer}}}
    steps:
      - stepId: book
        operationId: book
        parameters:
          - {name: carId, in: path, value: a}
        requestBody:
          contentType: application/json
          payload:
            days: $inputs.days
            note: fine
        successCriteria:
          - condition: $statusCode == 200
        onSuccess:
          - {name: out, type: end}
"""
DAYS, NOTE, CRITERIA = "days: $inputs.days", "note: fine", "\n          - condition: $statusCode == 200"
PARAMETER, ACTION = "\n          - {name: carId, in: path, value: a}", "{name: out, type: end}"


@pytest.mark.parametrize(
    ("old", "new", "code", "marked", "hint"),
    [
        pytest.param(DAYS, "days: '{{ $inputs.days }}'", "doubtful-braces", "{{ $inputs.days }}", "write $inputs.days",
                     id="double braces around a value"),
        pytest.param(NOTE, 'note: "for {{ $inputs.days }} days"', "doubtful-braces", "{{ $inputs.days }}",
                     "write {$inputs.days}", id="double braces with blanks within a text"),
        pytest.param(NOTE, 'note: "for {{$inputs.days}} days"', "doubtful-braces", "{{$inputs.days}}",
                     "write {$inputs.days}", id="double braces within a text"),
        pytest.param(NOTE, "note: ${inputs.days}", "doubtful-braces", "${inputs.days}", "write $inputs.days",
                     id="the braces of a shell around a value"),
        pytest.param(NOTE, "note: { $inputs.days }", "unquoted-braces", "{ $inputs.days }",
                     'put quotes around it: "{$inputs.days}"; or write $inputs.days, which keeps the type of the value', id="braces without quotes"),
        pytest.param(DAYS, "days: {$inputs.days}", "unquoted-braces", "{$inputs.days}",
                     'put quotes around it: "{$inputs.days}"; or write $inputs.days, which keeps the type of the value',
                     id="braces without quotes around a number"),
        pytest.param(DAYS, "days: '{$inputs.days}'", "braces-make-text", "'{$inputs.days}'",
                     "write $inputs.days without braces", id="braces that make a text of a number"),
        pytest.param("application/json", "json", "invalid-content-type", "json", "write application/json",
                     id="half a content type"),
        pytest.param("payload:", "body:", "unknown-field", "body", "write payload:", id="a body in the requestBody"),
        pytest.param("contentType", "content-type", "unknown-field", "content-type", 'did you mean "contentType"?',
                     id="a field of a request body with a dash"),
        pytest.param(CRITERIA, " $statusCode == 200", "wrong-type", "$statusCode == 200",
                     "write it as an item of a list: - condition: $statusCode == 200", id="criteria as a text"),
        pytest.param("- condition: $statusCode == 200", "- $statusCode == 200", "wrong-type", "$statusCode == 200",
                     "write condition: $statusCode == 200", id="a criterion as a text"),
        pytest.param("$statusCode == 200", "count(//car) = 2", "condition-syntax", "count", "add type: xpath",
                     id="an XPath without its type"),
        pytest.param("$statusCode == 200", "count($.cars) == 2", "condition-syntax", "count", "use type: jsonpath",
                     id="a function without a type"),
        pytest.param(PARAMETER, "\n          carId: a", "wrong-type", "carId: a",
                     "write each as an item of a list, with its name: - name: carId", id="parameters as a mapping"),
        pytest.param("in: path, ", "", "missing-field", "{name: carId, value: a}", "add in: path",
                     id="a parameter without a place"),
        pytest.param("name: carId", "name: carID", "unknown-path-parameter", "{name: carID, in: path, value: a}",
                     'did you mean "carId"?', id="a path parameter in another case"),
        pytest.param("type: end", "type: retry, retryAfter: 1, retryLimit: 5", "invalid-value", "retry",
                     "repeat a step that succeeds with type: goto and its own stepId; retry is for onFailure",
                     id="a retry after success"),
        pytest.param("type: end", "type: goto, step: book", "unknown-field", "step", 'did you mean "stepId"?',
                     id="a goto with step"),
        pytest.param(ACTION, "{name: out, type: end, criteria: $statusCode == 200}", "wrong-type", "$statusCode == 200",
                     "write it as an item of a list: - condition: $statusCode == 200", id="criteria of an action as a text"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_finding_with_what_to_write(old, new, code, marked, hint, tmp_path):
    found, text = _findings(tmp_path, DOCUMENT.replace(old, new, 1))
    others = [each for each in found if each.code not in ("unused-input", "missing-payload-member")]
    assert [(each.code, each.hint) for each in others] == [(code, hint)]
    line = text.splitlines()[others[0].at.line - 1]
    assert line[others[0].at.column - 1 :].startswith(marked)


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("timeout: 5s", "write the milliseconds without a unit: timeout: 5000"),
        ("timeout: 1.5 min", "write the milliseconds without a unit: timeout: 90000"),
        ("timeout: '500'", "leave out the quotes: timeout: 500"),
        ("timeout: long", "write the milliseconds, such as timeout: 3000"),
        ("onFailure: [{name: r, type: retry, retryAfter: 500ms}]", "write the seconds without a unit: retryAfter: 0.5"),
        ("onFailure: [{name: r, type: retry, retryAfter: 2s}]", "write the seconds without a unit: retryAfter: 2"),
        ("onFailure: [{name: r, type: retry, retryLimit: 2s}]", "write a number without quotes, such as 3"),
    ],
)
def test_a_number_with_a_unit_is_shown_without_it(field, hint, tmp_path):
    text = DOCUMENT.replace("arazzo: 1.0.1", "arazzo: 1.1.0").replace(
        "operationId: book", f"operationId: book\n        {field}"
    )
    assert [(each.code, each.hint) for each in _findings(tmp_path, text)[0]] == [("wrong-type", hint)]


def test_a_selector_in_a_document_of_1_0_is_one_finding(tmp_path):
    selector = "{context: $response.body, selector: $.a, type: jsonpath}"
    text = DOCUMENT.replace("        onSuccess:", f"        outputs: {{a: {selector}}}\n        onSuccess:")
    assert [each.code for each in _findings(tmp_path, text)[0]] == ["newer-field"]


@pytest.mark.parametrize("text", ["query { pet(id: $inputs.days) }", "{ a: $inputs.days }"])
def test_braces_that_are_not_those_of_an_expression_stay_what_they_are(text, tmp_path):
    found, _ = _findings(tmp_path, DOCUMENT.replace(NOTE, f"note: '{text}'"))
    assert [(each.code, each.hint) for each in found] == [("bare-expression", "write {$inputs.days}")]


def _findings(folder, text):
    (folder / "api.yml").write_text(API)
    (folder / "w.yml").write_text(text)
    return arazzo_runner.validate(folder / "w.yml", load_options=LoadOptions(root=str(folder))), text
