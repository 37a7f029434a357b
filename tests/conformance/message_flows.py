"""Run one case with messages: a document, what others send, and the expected result."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.api import open_program
from arazzo_runner.engine.effects import Sleep
from arazzo_runner.engine.options import CheckOptions, RunOptions
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.world import Brokers
from arazzo_runner.runtime.scripted import ScriptedWorld
from tests.conformance.broker import CausingWorld, Log, ScriptedMemory, VirtualBroker
from tests.conformance.cases import FOLDER as CASES

FOLDER = CASES / "messages"


def document_of(case: dict[str, Any]) -> dict[str, Any]:
    """Return the case's document, completed with the common parts."""
    sources = [
        {"name": "events", "url": (FOLDER / "shop.asyncapi.yml").as_uri(), "type": "asyncapi"},
        {"name": "shop", "url": (CASES / "flows" / "shop.openapi.yml").as_uri(), "type": "openapi"},
    ]
    frame = {"arazzo": "1.1.0", "info": {"title": case["id"], "version": "1.0.0"}, "sourceDescriptions": sources}
    document = case.get("document") or {
        "workflows": [{"workflowId": "w", "steps": case["steps"], "outputs": case.get("outputs", {})}]
    }
    return {**frame, **document}


def program_of(case: dict[str, Any]) -> Any:
    """Return the case's program."""
    return open_program(document_of(case), case.get("workflow"), load_options=LoadOptions(root=str(CASES)))


def options_of(case: dict[str, Any], **changes: Any) -> RunOptions:
    """Return the options of a case."""
    given = dict(case.get("options", {}))
    checks = CheckOptions(**given.pop("checks", {}))
    return RunOptions(**{**given, "checks": checks, **changes})


def run_virtual(case: dict[str, Any], **changes: Any) -> tuple[arazzo_runner.RunResult, Log]:
    """Run the case in virtual time."""
    inner = ScriptedWorld(case.get("conversation", []))
    world = Log(VirtualBroker(inner, case.get("broker", [])))
    options = options_of(case, **changes)
    return arazzo_runner.run(program_of(case), inputs=case.get("inputs", {}), world=world, options=options), world


def run_blocking(case: dict[str, Any], **changes: Any) -> tuple[arazzo_runner.RunResult, Log]:
    """Run the case with a broker in the process."""
    memory = ScriptedMemory(case.get("broker", []))
    inner = CausingWorld(ScriptedWorld(case.get("conversation", [])), memory, waits=False)
    with Brokers(BrokerOptions(driver=memory.driver)) as brokers:
        world = Log(brokers.around(inner))
        options = options_of(case, **changes)
        return arazzo_runner.run(program_of(case), inputs=case.get("inputs", {}), world=world, options=options), world


def run_async(case: dict[str, Any], **changes: Any) -> tuple[arazzo_runner.RunResult, Log]:
    """Run the case with a broker in the process, on an event loop."""

    async def run() -> tuple[arazzo_runner.RunResult, Log]:
        memory = ScriptedMemory(case.get("broker", []))
        inner = CausingWorld(ScriptedWorld(case.get("conversation", [])), memory, waits=True)
        async with Brokers(BrokerOptions(driver=memory.driver)) as brokers:
            world = Log(brokers.around(inner))
            options = options_of(case, **changes)
            given = case.get("inputs", {})
            return await arazzo_runner.arun(program_of(case), inputs=given, world=world, options=options), world

    return asyncio.run(run())


def _payload(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return raw.decode()


def _steps(result: Any) -> Any:
    for each in result.steps:
        yield each
        if each.workflow is not None:
            yield from _steps(each.workflow)


def seen_in(result: arazzo_runner.RunResult, world: Log) -> dict[str, Any]:
    """Return everything that a case may expect of a run."""
    attempts = [(step, attempt) for step in _steps(result) for attempt in step.attempts]
    received = [(step.step_id, each.message) for step, each in attempts if each.message is not None]
    return {
        "status": result.status,
        "steps": [f"{step.step_id} {step.status}" for step in result.steps],
        "outputs": dict(result.outputs),
        "asked": world.asked,
        "waits": [each.seconds for each in world.effects if isinstance(each, Sleep)],
        "sent": [f"{each.address} {json.dumps(_payload(each.payload))}" for each in world.sent],
        "headers": [dict(each.headers) for each in world.sent],
        "native": [dict(each.native) for each in world.sent],
        "keys": [None if each.key is None else each.key.decode() for each in world.sent],
        "attempts": {step.step_id: len(step.attempts) for step in result.steps},
        "passed_over": {name: each.passed_over for name, each in received if each.action == "receive"},
        "looked_at": {name: len(each.looked_at) for name, each in received if each.action == "receive"},
        "retained": {name: each.retained for name, each in received if each.action == "receive"},
        "waited": {step.step_id: round(each.duration_ms) for step, each in attempts},
        "codes": sorted({found.code for _, each in attempts for found in each.diagnostics}),
    }


def check(case: dict[str, Any], result: arazzo_runner.RunResult, world: Log, *leave_out: str) -> None:
    """Compare everything the case expects with the result."""
    seen = seen_in(result, world)
    for name, value in case["expect"].items():
        if name == "reason":
            assert value in (result.reason or ""), (result.reason, seen)
        elif name not in leave_out:
            assert seen[name] == value, {name: seen[name], "reason": result.reason}
