"""Why a step failed, and where: what its message says, of Python objects and of a text with lines."""

from __future__ import annotations

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions, RunOptions
from arazzo_runner.runtime.scripted import ScriptedWorld

API = """\
openapi: 3.1.0
info: {title: t, version: "1"}
servers: [{url: "http://api.test"}]
paths:
  /a:
    get: {operationId: look, responses: {"200": {content: {application/xml: {}, application/json: {}}}}}
    post:
      operationId: send
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties: {n: {type: integer}, name: {type: string}, list: {type: array, items: {type: integer}}}
      responses: {"200": {description: fine}}
"""
HEAD = """\
arazzo: 1.1.0
info: {title: t, version: "1"}
sourceDescriptions: [{name: api, url: api.yml, type: openapi}]
workflows:
  - workflowId: w
    inputs: {type: object, properties: {n: {type: string}}}
    steps:
"""
SENDS = """\
      - stepId: s
        operationId: send
        requestBody:
          contentType: application/json
          payload:
            n: 1
            name: a
            list: [1]
"""


@pytest.fixture
def run(tmp_path):
    (tmp_path / "api.yml").write_text(API)

    def call(steps, *script, inputs=None, **options):
        (tmp_path / "w.yml").write_text(HEAD + steps)
        world = ScriptedWorld(script)
        load = LoadOptions(root=str(tmp_path))
        return arazzo_runner.run(
            tmp_path / "w.yml", inputs=inputs, world=world, load_options=load, options=RunOptions(**options)
        )

    return call


@pytest.mark.parametrize(
    ("change", "places"),
    [
        pytest.param(("n: 1", "n: true"), [('"n" must be integer', "            n: true")], id="one member"),
        pytest.param(("n: 1\n            name: a", "n: true\n            name: {path: x}"),
                     [('"n" must be integer', "            n: true"), ('"name" must be string', "            name: {path: x}")],
                     id="two members"),
        pytest.param(("list: [1]", "list:\n              - 1\n              - a"),
                     [('"list.1" must be integer', "              - a")], id="an item"),
        pytest.param(("list: [1]\n", "list: [1]\n          replacements:\n            - {target: /n, value: true}\n"),
                     [('"n" must be integer', "            - {target: /n, value: true}")], id="a replaced member"),
        pytest.param(("n: 1\n            name: a\n            list: [1]", "n: $inputs.n"),
                     [('"n" must be integer', "            n: $inputs.n")], id="an input"),
    ],
)  # fmt: skip
def test_a_mismatch_of_the_body_is_shown_where_its_member_is_written(run, tmp_path, change, places):
    result = run(SENDS.replace(*change), {"request": "POST /a", "body": {}}, inputs={"n": "x"})
    lines = (tmp_path / "w.yml").read_text().splitlines()
    found = [each for each in result.steps[0].attempts[0].diagnostics if each.code == "request-schema"]
    assert len(found) == len(places)
    for each, (message, line) in zip(found, places, strict=True):
        assert message in each.message
        assert lines[each.at.line - 1] == line
    hinted = [each.message for each in found if each.hint]
    assert all('"name"' in each for each in hinted)  # only that one is like a file


def test_a_step_that_was_skipped_has_not_run(run):
    steps = """\
      - {stepId: one, operationId: look, onSuccess: [{name: jump, type: goto, stepId: three}]}
      - {stepId: two, operationId: look, outputs: {rate: $response.body#/rate}}
      - {stepId: three, operationId: look, successCriteria: [{condition: $steps.two.outputs.rate > 1}]}
"""
    result = run(steps, {"request": "GET /a", "times": 0, "body": {"rate": 2}})
    assert result.reason is not None
    assert '$steps.two.outputs.rate is missing (step "two" has not run)' in result.reason
    assert "cannot compare" not in result.reason


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("count(//a) = 2", "xpath count(//a) = 2 is false for $response.body"),
        ("not(//a)", "xpath not(//a) is false for $response.body"),
        ("count(//b)", "xpath count(//b) is 0 for $response.body"),
        ("//b", "xpath //b selects nothing in $response.body"),
    ],
)
def test_an_xpath_that_computes_a_value_is_not_said_to_select_nothing(run, query, reason):
    criterion = f'{{context: $response.body, type: xpath, condition: "{query}"}}'
    answer = {"request": "GET /a", "headers": {"Content-Type": "application/xml"}, "body": "<r><a/></r>"}
    result = run(f"      - {{stepId: s, operationId: look, successCriteria: [{criterion}]}}\n", answer)
    assert result.steps[0].attempts[0].verdicts[0].reason == reason


def test_a_query_that_replaces_nothing_says_so_once_and_what_adds_a_member(run):
    replacement = "{target: $.note, targetSelectorType: jsonpath, value: hello}"
    result = run(f"{SENDS}          replacements: [{replacement}]\n")
    (found,) = result.steps[0].attempts[0].diagnostics
    assert found.message == 'target "$.note" matches nothing in the payload'
    assert found.hint == "a query only changes what is there; a JSON Pointer such as /name adds a member"
