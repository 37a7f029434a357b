"""Two texts of a document do the same, or the comparison names the step and the part that differ."""

from __future__ import annotations

import copy
import json

import pytest
import yaml

from arazzo_runner.lint.pipeline import Linter, LintOptions
from arazzo_runner.program.equivalence import difference, unlinked_steps
from arazzo_runner.program.library import LoadOptions
from tests.lint.documents import PETS, project

FLOW = """\
arazzo: 1.0.1
info: {title: Pets, version: 1.0.0}
sourceDescriptions:
  - {name: pets, url: ./pets.yml, type: openapi}
  - {name: lost, url: ./lost.yml, type: openapi}
workflows:
  - workflowId: look
    inputs: {type: object, properties: {id: {type: integer}, token: {type: string}}}
    steps:
      - stepId: find
        operationId: $sourceDescriptions.pets.getPet
        parameters: [{name: petId, in: path, value: $inputs.id}]
        requestBody: {payload: {a: 1, b: [true], c: "x {$inputs.id}"}}
        successCriteria:
          - condition: $statusCode == 200
          - {context: $statusCode, condition: "200"}
          - {context: $response.body, type: jsonpath, condition: '$.items.length > 0'}
          - {context: $response.body, type: regex, condition: '^a$'}
        onFailure: [{name: again, type: retry, retryAfter: 1, retryLimit: 2}]
        outputs: {name: $response.body.pet.name, first: '$response.body[0]', size: $response.body.pets.length}
      - stepId: next
        operationId: $sourceDescriptions.lost.getPet
        parameters: [{name: where, in: query, value: $sourceDescriptions.pets.url}]
    outputs: {name: $steps.find.outputs.name}
"""


def program(folder, text):
    path = str(project(folder, w__yml=text, pets__yml=PETS) / "w.yml")
    found = Linter([path], LintOptions(reading=LoadOptions(any_server=True, unchecked=True))).program(path)
    assert found is not None
    return found


def compared(folder, before, after):
    """Return the difference that replacing one text of the flow makes."""
    assert before in FLOW
    found = difference(program(folder, FLOW), program(folder, FLOW.replace(before, after, 1)))
    return None if found is None else str(found)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("arazzo: 1.0.1", "arazzo: 1.1.0", id="the version"),
        pytest.param("info:", "# a comment\n\ninfo:", id="lines above"),
        pytest.param("title: Pets", "title: Other", id="the title"),
        pytest.param("$response.body.pet.name", "$response.body#/pet/name", id="property steps and a JSON Pointer"),
        pytest.param("'$response.body[0]'", "$response.body#/0", id="an index and a JSON Pointer"),
        pytest.param('{context: $statusCode, condition: "200"}', "{condition: $statusCode == 200}", id="a context that is compared"),
        pytest.param("'$.items.length > 0'", "'$[?length($.items) > 0]'", id="a comparison and its query"),
        pytest.param("'^a$'", "/^a$/", id="a pattern between slashes"),
        pytest.param("condition: $statusCode == 200", 'condition: "{$statusCode} == 200"', id="an expression in braces"),
        pytest.param("$sourceDescriptions.pets.getPet", "pets.getPet", id="an operation without its root"),
        pytest.param("$sourceDescriptions.lost.getPet", "lost.getPet", id="an operation of a lost description without its root"),
    ],
)  # fmt: skip
def test_spellings_with_one_meaning_are_equal(tmp_path, before, after):
    assert compared(tmp_path, before, after) is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param("value: $inputs.id", "value: $inputs.token", 'step "find": parameters', id="another input"),
        pytest.param("value: $inputs.id", "value: 7", 'step "find": parameters', id="a constant"),
        pytest.param("{a: 1,", "{a: true,", 'step "find": body', id="true in place of 1"),
        pytest.param("{a: 1,", "{a: '1',", 'step "find": body', id="a text in place of a number"),
        pytest.param("{a: 1, b: [true],", "{b: [true], a: 1,", 'step "find": body', id="the order of members"),
        pytest.param("x {$inputs.id}", "x  {$inputs.id}", 'step "find": body', id="a blank in a template"),
        pytest.param("$statusCode == 200", "$statusCode != 200", 'step "find": criteria', id="another operator"),
        pytest.param('condition: "200"', 'condition: "201"', 'step "find": criteria', id="another constant that is compared"),
        pytest.param("length > 0", "length > 1", 'step "find": criteria', id="another query"),
        pytest.param("type: regex", "type: jsonpath, x-a: 1", 'step "find": criteria', id="another language"),
        pytest.param("retryLimit: 2", "retryLimit: 3", 'step "find": on_failure', id="another limit"),
        pytest.param("body.pet.name", "body.pet.tag", 'step "find": outputs', id="another member"),
        pytest.param("$response.body.pets.length", "$response.body#/pets/length", 'step "find": outputs', id="the length of a list and a member"),
        pytest.param("lost.getPet", "lost.getDog", 'step "next": call', id="another operation of a lost description"),
        pytest.param("$sourceDescriptions.lost.getPet", "$sourceDescriptions.pets.getPet", 'step "next": call', id="another description"),
        pytest.param("in: query", "in: header", 'step "next": call', id="another place of a parameter of a lost description"),
        pytest.param("stepId: next", "stepId: last", 'step "next": is missing', id="another name of a step"),
        pytest.param("outputs: {name: $steps.find.outputs.name}", "outputs: {}", ': outputs', id="an output less"),
        pytest.param("properties: {id: {type: integer}", "properties: {id: {type: string}", ": inputs", id="another type of an input"),
        pytest.param("./pets.yml", "pets.yml", ": what its expressions read of the document", id="a url that is read"),
    ],
)  # fmt: skip
def test_what_does_something_else_is_named(tmp_path, before, after, expected):
    found = compared(tmp_path, before, after)
    assert found is not None
    assert found.startswith('workflow "look"'), found
    assert found.endswith(expected), found


def test_workflows_and_steps_are_missing_new_or_in_another_order(tmp_path):
    one = FLOW
    more = one + one.partition("workflows:\n")[2].replace("workflowId: look", "workflowId: other")
    assert str(difference(program(tmp_path, one), program(tmp_path, more))) == 'workflow "other": is new'
    assert str(difference(program(tmp_path, more), program(tmp_path, one))) == 'workflow "other": is missing'
    head, tail = one.split("      - stepId: next\n")
    step, outputs = tail.split("    outputs: {name: $steps")
    swapped = head.replace("      - stepId: find\n", f"      - stepId: next\n{step}      - stepId: find\n")
    swapped += f"    outputs: {{name: $steps{outputs}"
    found = difference(program(tmp_path, one), program(tmp_path, swapped))
    assert str(found) == 'workflow "look": the order of its steps'


def test_steps_of_lost_descriptions_are_unlinked(tmp_path):
    assert [step.step_id for _, step in unlinked_steps(program(tmp_path, FLOW))] == ["next"]


def test_a_program_is_equal_to_itself_read_again(tmp_path):
    for text in (FLOW, FLOW.replace("1.0.1", "1.1.0")):
        assert difference(program(tmp_path, text), program(tmp_path, text)) is None


def leaves(value, pointer=()):
    """Yield the place of every constant below the workflows."""
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(item, (*pointer, key))
    elif pointer[0] == "workflows":
        yield pointer, value


def test_no_constant_of_a_workflow_is_overlooked(tmp_path):
    document = yaml.safe_load(FLOW)
    before, overlooked, seen = program(tmp_path, FLOW), [], 0
    for pointer, value in leaves(document):
        changed = copy.deepcopy(document)
        above = changed
        for key in pointer[:-1]:
            above = above[key]
        above[pointer[-1]] = f"{value}Q" if isinstance(value, str) else value + 1 if type(value) is int else not value
        seen += 1
        if difference(before, program(tmp_path, json.dumps(changed))) is None:
            overlooked.append(pointer)
    assert overlooked == []
    assert seen > 30
