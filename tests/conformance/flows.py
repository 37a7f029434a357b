"""Run one flow case: a document, a scripted conversation, and the expected result."""

from __future__ import annotations

from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.api import open_program
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.runtime.scripted import ScriptedWorld
from tests.conformance.cases import FOLDER as CASES

FOLDER = CASES / "flows"


def document_of(case: dict[str, Any]) -> dict[str, Any]:
    """Return the case's document, completed with the common parts."""
    sources = [
        {"name": "shop", "url": (FOLDER / "shop.openapi.yml").as_uri(), "type": "openapi"},
        {"name": "buying", "url": (FOLDER / "buying.arazzo.yml").as_uri(), "type": "arazzo"},
    ]
    frame = {
        "arazzo": "1.1.0",
        "info": {"title": case["id"], "version": "1.0.0"},
        "sourceDescriptions": sources,
    }
    return {**frame, **case["document"]}


def run_flow(case: dict[str, Any], **changes: Any) -> tuple[arazzo_runner.RunResult, ScriptedWorld]:
    """Run the case in a ScriptedWorld."""
    world = ScriptedWorld(case.get("conversation", []))
    options = RunOptions(**{**case.get("options", {}), **changes})
    # A rule refuses some of these documents before a run; here the engine shows what it would do.
    load = arazzo_runner.load if "invalid" in case["expect"] else open_program
    program = load(document_of(case), case.get("workflow"), load_options=LoadOptions(root=str(FOLDER)))
    result = arazzo_runner.run(program, inputs=case.get("inputs", {}), world=world, options=options)
    return result, world


def _wanted(world: ScriptedWorld, wanted: list[dict[str, str]]) -> list[dict[str, str | None]]:
    """Return the headers that a case names, request by request."""
    sent = [{name.lower(): value for name, value in request.headers} for request in world.requests]
    return [{name: had.get(name.lower()) for name in asked} for had, asked in zip(sent, wanted, strict=True)]


def check_flow(case: dict[str, Any]) -> None:
    """Compare everything the case expects with the result."""
    expected = case["expect"]
    if "invalid" in expected:
        with pytest.raises(arazzo_runner.ArazzoError) as problem:
            run_flow(case)
        found = problem.value.diagnostics
        assert expected["invalid"] in [diagnostic.code for diagnostic in found if diagnostic.severity.value == "error"]
        return
    result, world = run_flow(case)
    seen: dict[str, Any] = {
        "status": result.status,
        "steps": [f"{step.step_id} {step.status}" for step in result.steps],
        "outputs": dict(result.outputs),
        "sent": [f"{request.method} {request.url.removeprefix('http://shop.test')}" for request in world.requests],
        "bodies": [None if request.body is None else request.body.decode() for request in world.requests],
        "waits": world.waits,
        "reason": result.reason,
        "attempts": {step.step_id: len(step.attempts) for step in result.steps},
        "warnings": sorted({found.code for found in result.diagnostics if found.severity.value == "warning"}),
    }
    for name, value in expected.items():
        if name == "headers":
            assert _wanted(world, value) == value
        elif name == "reason":
            assert value in (seen["reason"] or ""), seen
        else:
            assert seen[name] == value, {name: seen[name], "reason": result.reason}
