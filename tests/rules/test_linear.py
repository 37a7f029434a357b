"""Rules take time linear in the size of the document: calls are counted, which does not depend on the machine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.lint.rules.catalogue import RULES

DEFAULTS = [rule.code for rule in RULES if rule.is_default]
FIXTURES = Path(__file__).parents[2] / "fixtures"


def document(size):
    """Return a document of many steps, each of which reads the one before; a tenth of them in workflows of their own."""
    steps = [_step(number) for number in range(size)]
    few = [{"workflowId": f"w{number}", "steps": steps[:1]} for number in range(size // 10)]
    inputs = {f"pet{number}": {"type": "integer"} for number in range(size)}
    return {
        "arazzo": "1.0.1",
        "info": {"title": "Pets", "version": "1.0.0"},
        "sourceDescriptions": [{"name": "pets", "url": "./sources/pets.yml", "type": "openapi"}],
        "workflows": [{"workflowId": "w", "inputs": {"type": "object", "properties": inputs}, "steps": steps}, *few],
        "components": {
            "parameters": {f"p{number}": {"name": "a", "in": "query", "value": 1} for number in range(size)}
        },
    }


def _step(number):
    value = f"$steps.s{number - 1}.outputs.id" if number else "inputs.pet1"
    return {
        "stepId": f"s{number}",
        "operationId": "getPet",
        "parameters": [{"name": "petId", "in": "path", "value": value}],
        "successCriteria": [{"condition": "$statusCode == 200"}, {"condition": f"$response.body#/id != {number}"}],
        "onFailure": [{"name": "again", "type": "retry", "criteria": [{"condition": "$statusCode == 503"}]}],
        "outputs": {"id": "$response.body#/id", "name": "{{$inputs.pet0}}"},
    }


def calls(size, rules):
    """Return how many function calls validating takes."""
    count = 0

    def counted(frame, event, argument):
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        arazzo_runner.validate(document(size), load_options=LoadOptions(root=str(FIXTURES)), rules=rules)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("rules", [(), DEFAULTS], ids=["the loader", "the rules"])
def test_work_grows_linearly_with_the_document(rules):
    small, large = calls(40, rules), calls(80, rules)
    assert large < 2.2 * small
