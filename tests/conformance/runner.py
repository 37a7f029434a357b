"""Run one conformance case of the groups without a conversation; README.md of the cases describes their format."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.base.json_values import MISSING, resolve_pointer
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.criteria import judge_all
from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import MissingValue, evaluate, holds, render
from arazzo_runner.expressions.nodes import Expression, ExpressionSyntaxError, Template, ToleratedSyntax
from arazzo_runner.expressions.parser import parse_expression
from arazzo_runner.expressions.scope import Scope, declared_by, scope_of
from arazzo_runner.expressions.template import parse_template
from tests.conformance.cases import FOLDER

SHOP = FOLDER / "flows" / "shop.openapi.yml"
TARGETS = {"operationId", "operationPath", "workflowId", "channelPath"}


def check_expression(case: dict[str, Any], folder: Path) -> None:
    """A runtime expression: its value, that it is missing, or the offset of the syntax error."""
    context = case.get("context", {})
    _check_text(case, lambda: parse_expression(case["expression"], declared_by(context)), scope_of(context))


def check_template(case: dict[str, Any], folder: Path) -> None:
    """A text of a document: plain, one whole expression, or with expressions in braces."""
    context = case.get("context", {})

    def parse() -> tuple[Any, Sequence[ToleratedSyntax]]:
        parsed = parse_template(case["text"], declared_by(context))
        return parsed.node, parsed.tolerated

    _check_text(case, parse, scope_of(context))


def _check_text(case: dict[str, Any], parse: Any, scope: Scope) -> None:
    expected = dict(case["expect"])
    if "syntax_error" in expected:
        with pytest.raises(ExpressionSyntaxError) as problem:
            parse()
        assert problem.value.offset == expected["syntax_error"]
        return
    node, slips = parse()
    assert [slip.code for slip in slips] == expected.pop("slips", [])
    if "canonical" in expected:
        assert slips[0].canonical == expected.pop("canonical")
    value = _value(node, scope)
    assert ({"missing": True} if value is MISSING else {"value": value}) == expected


def _value(node: str | Expression | Template, scope: Scope) -> Any:
    if isinstance(node, str):
        return node
    if not isinstance(node, Template):
        return evaluate(node, scope)
    try:
        return render(node, scope)
    except MissingValue:
        return MISSING


def check_condition(case: dict[str, Any], folder: Path) -> None:
    """A simple condition: whether it passes, and why not."""
    expected = case["expect"]
    context = case.get("context", {})
    if "syntax_error" in expected:
        with pytest.raises(ExpressionSyntaxError) as problem:
            parse_condition(case["condition"], declared_by(context))
        assert problem.value.offset == expected["syntax_error"]
        return
    parsed = parse_condition(case["condition"], declared_by(context))
    assert [slip.code for slip in parsed.tolerated] == expected.get("slips", [])
    judgement = holds(parsed.node, scope_of(context))
    assert judgement.passed is expected["passes"], judgement
    assert expected.get("reason", "") in (judgement.reason or "")


def check_criteria(case: dict[str, Any], folder: Path) -> None:
    """Criterion objects in a step, evaluated in the case's context; all must pass."""
    path = write(folder, {"step": {"successCriteria": case["criteria"]}})
    criteria = arazzo_runner.load(path, load_options=LoadOptions(root=str(folder))).workflow.steps[0].criteria
    verdicts = judge_all(criteria, scope_of(case["context"]), 1.0)
    assert len(verdicts) == len(case["criteria"])
    expected = case["expect"]
    assert all(verdict.passed for verdict in verdicts) is expected["passes"], verdicts
    reasons = " ".join(verdict.reason or "" for verdict in verdicts)
    assert expected.get("reason", "") in reasons


def check_document(case: dict[str, Any], folder: Path) -> None:
    """A document: its findings ("severity code pointer"), and the values read from it."""
    expected = case["expect"]
    for name, content in case.get("files", {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(_text(content), encoding="utf-8")
    path = write(folder, case)
    given = [path, *(folder / name for name in case.get("together", ()))]
    found = arazzo_runner.validate(
        *given,
        load_options=LoadOptions(root=str(folder), strict=case.get("strict", False)),
        rules=case.get("rules", ()),
    )
    seen = [f"{each.severity.value} {each.code} {each.at.pointer}".rstrip() for each in found]
    assert sorted(seen) == sorted(expected["findings"]), "\n".join([*seen, *(each.message for each in found)])
    hints = " ".join(each.hint or "" for each in found)
    assert [part for part in expected.get("hints", ()) if part not in hints] == []
    document = read(path.read_bytes(), path.name, Problems()) if "reads" in expected else None
    for pointer, value in expected.get("reads", {}).items():
        assert document is not None
        read_as = resolve_pointer(document.value, pointer)
        assert (type(read_as), read_as) == (type(value), value)


def write(folder: Path, case: dict[str, Any]) -> Path:
    """Write the case's document, completed, beside the shop's description."""
    (folder / SHOP.name).write_bytes(SHOP.read_bytes())
    path = folder / str(case.get("name", "document.yml"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(case["text"] if "text" in case else _text(_document(case)), encoding="utf-8")
    return path


def _text(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content)


def _document(case: dict[str, Any]) -> dict[str, Any]:
    if "whole" in case:
        return dict(case["whole"])
    step = {"stepId": "one", **case.get("step", {})}
    if not TARGETS & step.keys():
        step["operationId"] = "listItems"
    workflow = {"workflowId": "w", "steps": [step], **case.get("workflow", {})}
    frame = {
        "arazzo": "1.1.0",
        "info": {"title": "a case", "version": "1.0.0"},
        "sourceDescriptions": [{"name": "shop", "url": "shop.openapi.yml", "type": "openapi"}],
        "workflows": [workflow],
    }
    return {**frame, **case.get("document", {})}
