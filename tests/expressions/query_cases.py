"""Reads and checks the cases of kind `query` and `replacement` (fixtures/cases)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.engine.replacements import apply_replacements
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.queries.query import Query, Selection, compile_query, passes, select
from tests.yaml_files import read_yaml

CASES = Path(__file__).parents[2] / "fixtures" / "cases"


def cases(folder: str) -> list[Any]:
    """Return the cases of a folder as pytest parameters, their sentence as id."""
    found = [case for file in sorted((CASES / folder).glob("*.yaml")) for case in read_yaml(file)]
    return [pytest.param(case, id=case["id"]) for case in found]


def check_query(case: dict[str, Any]) -> None:
    """Compile and select as in the case, and compare with its expectation."""
    expect = case["expect"]
    arguments = (case["query"], case["language"], case.get("version"))
    if "syntax_error" in expect:
        with pytest.raises(ExpressionSyntaxError) as caught:
            compile_query(*arguments)
        assert caught.value.offset == expect["syntax_error"]
        return
    query = compile_query(*arguments)
    selection = select(query, case["context"])
    assert _seen(query, selection, expect) == expect


def _seen(query: Query, selection: Selection, expect: dict[str, Any]) -> dict[str, Any]:
    """Return the result in the terms of the case; `reason` and `warning` only need to contain its words."""
    seen: dict[str, Any] = {
        "values": list(selection.values),
        "value": selection.value,
        "missing": selection.value is MISSING,
        "type": selection.type,
        "passes": passes(selection),
        "slips": [slip.code for slip in query.tolerated],
        "canonical": next((slip.canonical for slip in query.tolerated), None),
        "reason": selection.reason,
        "warning": selection.warning,
    }
    for name in ("reason", "warning"):
        if name in expect and expect[name] in (seen[name] or ""):
            seen[name] = expect[name]
    return {name: seen[name] for name in expect}


def check_replacement(case: dict[str, Any]) -> None:
    """Apply the replacements and compare; the payload given must stay as it was."""
    before = yaml.safe_dump(case["payload"])
    pairs = [
        (compile_query(change["target"], change["type"], change.get("version")), change["value"])
        for change in case["replacements"]
    ]
    outcome = apply_replacements(case["payload"], pairs, case.get("media", "json"))
    assert yaml.safe_dump(case["payload"]) == before
    if "unmatched" in case["expect"]:
        assert (outcome.unmatched, bool(outcome.reason)) == (case["expect"]["unmatched"], True)
    else:
        assert (outcome.unmatched, outcome.payload) == (None, case["expect"]["payload"])
