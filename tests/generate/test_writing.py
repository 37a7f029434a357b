"""Drafts as YAML: what is written is read again as it was, with or without comments."""

from __future__ import annotations

import yaml
from hypothesis import given, strategies as st

from arazzo_runner.generate.draft import Draft, DraftParameter, DraftSource, DraftStep, DraftWorkflow, Noted, plain
from arazzo_runner.generate.writing import draft_text, tree_text

TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(
        [
            "yes",
            "1.0",
            "null",
            "~",
            "a\nb",
            "a\nb\n",
            "\n",
            " a\nb",
            "a\n\n",
            "# no",
            "{$x}",
            "- a",
            "x: y",
            "\x85",
            "a\x85b\nc",
        ]
    ),
)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)


def noted(values):
    return st.one_of(values, st.builds(Noted, values, TEXTS))


TREES = st.recursive(
    noted(SCALARS),
    lambda inner: noted(st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(TEXTS, TREES, min_size=1, max_size=4))
def test_a_tree_is_read_as_it_was_written(tree):
    assert yaml.safe_load(tree_text(tree)) == plain(tree)


@given(st.lists(TREES, min_size=1, max_size=4))
def test_a_list_is_read_as_it_was_written_at_any_indentation(items):
    assert yaml.safe_load("a:\n" + tree_text(items, 6)) == {"a": plain(items)}


def test_a_draft_is_written_as_a_person_would():
    step = DraftStep(
        step_id="get-pet",
        operation_id="getPet",
        parameters=[
            DraftParameter(name="petId", location="path", value=Noted("$steps.add.outputs.id", "id of addPet"))
        ],
        criteria=["$statusCode == 200", Noted("$response.body#/id != null", "required in the description")],
        outputs={"name": "$response.body#/name"},
    )
    workflow = DraftWorkflow(
        workflow_id="pets", inputs={"name": Noted({"type": "string"}, "sent by addPet")}, steps=[step]
    )
    draft = Draft(
        title="Pets",
        sources=[DraftSource(name="pets", url="./pets.yml")],
        workflows=[workflow],
        notes=["Made by hand."],
    )
    assert (
        draft_text(draft)
        == """\
# Made by hand.
arazzo: 1.0.1
info:
  title: Pets
  version: 1.0.0
sourceDescriptions:
  - name: pets
    url: ./pets.yml
    type: openapi
workflows:
  - workflowId: pets
    inputs:
      type: object
      properties:
        # sent by addPet
        name:
          type: string
    steps:
      - stepId: get-pet
        operationId: getPet
        parameters:
          - name: petId
            in: path
            value: $steps.add.outputs.id  # id of addPet
        successCriteria:
          - condition: $statusCode == 200
          - condition: $response.body#/id != null  # required in the description
        outputs:
          name: $response.body#/name
"""
    )
