"""Additions keep the text of a document, and have the value that they should have or are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import given, settings, strategies as st

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.generate.insertion import Addition, CannotAdd, value_with, with_additions

STEP = {"stepId": "b", "operationId": "getPet"}


def _document(text: str) -> Document:
    problems = Problems()
    found = read(text.encode(), "flow.yml", problems)
    assert found is not None, problems.diagnostics
    return found


CASES = {
    "a comment behind the last value stays there": (
        "steps:\n  - stepId: a  # first\nout: 1\n",
        [Addition("/steps", STEP)],
        "steps:\n  - stepId: a  # first\n  - stepId: b\n    operationId: getPet\nout: 1\n",
    ),
    "dashes in the column of their key": (
        "steps:\n- stepId: a\n\nout: 1\n",
        [Addition("/steps", STEP)],
        "steps:\n- stepId: a\n- stepId: b\n  operationId: getPet\n\nout: 1\n",
    ),
    "a comment below the list stays below": (
        "steps:\n  - stepId: a\n  # the end\n",
        [Addition("/steps", STEP)],
        "steps:\n  - stepId: a\n  - stepId: b\n    operationId: getPet\n  # the end\n",
    ),
    "a block text at the end": (
        "steps:\n  - stepId: a\n    description: |\n      one\n\n      two\n\n\n# foot\n",
        [Addition("/steps", STEP)],
        "steps:\n  - stepId: a\n    description: |\n      one\n\n      two\n  - stepId: b\n    operationId: getPet\n\n\n# foot\n",
    ),
    "a flow list at the end": (
        "steps:\n  - {stepId: a, parameters: [1, 2]}  # x\n",
        [Addition("/steps", STEP)],
        "steps:\n  - {stepId: a, parameters: [1, 2]}  # x\n  - stepId: b\n    operationId: getPet\n",
    ),
    "no line break at the end": (
        "steps:\n  - stepId: a",
        [Addition("/steps", STEP)],
        "steps:\n  - stepId: a\n  - stepId: b\n    operationId: getPet\n",
    ),
    "line breaks of Windows": (
        "steps:\r\n  - stepId: a\r\n",
        [Addition("/steps", STEP)],
        "steps:\r\n  - stepId: a\r\n  - stepId: b\r\n    operationId: getPet\r\n",
    ),
    "an alias at the end": (
        "a: &a {stepId: a}\nsteps:\n  - *a\n",
        [Addition("/steps", STEP)],
        "a: &a {stepId: a}\nsteps:\n  - *a\n  - stepId: b\n    operationId: getPet\n",
    ),
    "an empty list becomes a block": (
        "steps: []  # none\nout: 1\n",
        [Addition("/steps", STEP)],
        "steps:\n  - stepId: b\n    operationId: getPet  # none\nout: 1\n",
    ),
    "a member before another": (
        "workflows:\n  - workflowId: w\n    steps: []\n",
        [Addition("/workflows/0", {"type": "object"}, "inputs", "steps")],
        "workflows:\n  - workflowId: w\n    inputs:\n      type: object\n    steps: []\n",
    ),
    "a member before the first": (
        "workflows:\n  - steps: []\n    workflowId: w\n",
        [Addition("/workflows/0", {"type": "object"}, "inputs", "steps")],
        "workflows:\n  - inputs:\n      type: object\n    steps: []\n    workflowId: w\n",
    ),
    "flow style on one line": (
        "{steps: [{stepId: a}], out: 1}\n",
        [Addition("/steps", STEP)],
        '{steps: [{stepId: a}, {"stepId": "b", "operationId": "getPet"}], out: 1}\n',
    ),
    "flow style with a comma at the end": (
        "steps: [{stepId: a}, ]\n",
        [Addition("/steps", STEP)],
        'steps: [{stepId: a}, {"stepId": "b", "operationId": "getPet"}, ]\n',
    ),
    "JSON with four blanks": (
        '{\n    "steps": [\n        {\n            "stepId": "a"\n        }\n    ]\n}\n',
        [Addition("/steps", {"stepId": "b"})],
        '{\n    "steps": [\n        {\n            "stepId": "a"\n        },\n        {\n            "stepId": "b"\n        }\n    ]\n}\n',
    ),
    "JSON with tabs": (
        '{\n\t"steps": [\n\t\t1\n\t]\n}',
        [Addition("/steps", {"a": 1})],
        '{\n\t"steps": [\n\t\t1,\n\t\t{\n\t\t\t"a": 1\n\t\t}\n\t]\n}',
    ),
    "JSON on one line": (
        '{"steps":[{"stepId":"a"}],"b":{}}',
        [Addition("/steps", 1), Addition("/b", 2, "c")],
        '{"steps":[{"stepId":"a"}, 1],"b":{"c": 2}}',
    ),
}


@pytest.mark.parametrize(("text", "additions", "expected"), CASES.values(), ids=CASES)
def test_what_is_added_where(text: str, additions: list[Addition], expected: str) -> None:
    assert with_additions(_document(text), additions) == expected


REFUSED = {
    "a list that is an alias elsewhere": ("a: &a\n  - 1\nsteps: *a\n", Addition("/steps", STEP)),
    "the target of an alias": ("steps: &a\n  - 1\nb: *a\n", Addition("/steps", STEP)),
    "nothing where a list should be": ("steps:\nb: 1\n", Addition("/steps/x", STEP, "a")),
}


@pytest.mark.parametrize(("text", "addition"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(text: str, addition: Addition) -> None:
    with pytest.raises(CannotAdd):
        with_additions(_document(text), [addition])


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | st.text("ab $:#-'\"\n\\é0", max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab-: #", max_size=4), inner, max_size=3),
    max_leaves=8,
)
STYLES: dict[str, Callable[[Any], str]] = {
    "block": lambda value: yaml.safe_dump(value, sort_keys=False, allow_unicode=True),
    "flow": lambda value: yaml.safe_dump(value, default_flow_style=True, sort_keys=False),
    "mixed": lambda value: yaml.safe_dump(value, default_flow_style=None, sort_keys=False),
    "JSON": lambda value: json.dumps(value, indent=2),
    "JSON on a line": json.dumps,
}


@settings(max_examples=150, deadline=None)
@given(st.lists(VALUES, max_size=3), VALUES, VALUES, st.sampled_from(sorted(STYLES)))
def test_an_addition_has_its_value_or_is_refused(items: list[Any], other: Any, added: Any, style: str) -> None:
    before = {"first": other, "workflows": [{"steps": items, "workflowId": "w"}]}
    document = read(STYLES[style](before).encode(), "flow.yml", Problems())
    if document is None or document.value != before:
        return  # PyYAML writes YAML 1.1, which is read otherwise
    additions = [Addition("/workflows/0/steps", added), Addition("/workflows/0", added, "inputs", "steps")]
    try:
        text = with_additions(document, additions)
    except CannotAdd:
        assert not isinstance(added, (dict, list)) or style not in ("block", "JSON"), document.text
        return
    expected = value_with(value_with(before, additions[0]), additions[1])
    assert _document(text).value == expected
