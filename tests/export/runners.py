"""Runs exported workflows with their tools, against a mock of the APIs that they call."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import arazzo_runner
from arazzo_runner.base.records import Record
from arazzo_runner.export.flat_values import Variables
from arazzo_runner.export.plan import Plan
from arazzo_runner.export.planning import SERVER, make_plan, words
from arazzo_runner.export.targets import export
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.mock.api import mock_server

ROOT = Path(__file__).parents[2]
SHIM = Path(__file__).parent / "k6_shim"
NODE = shutil.which("node")
MODULES = ROOT / "node_modules"
CREDENTIALS = {
    "ARAZZO_AUTH_STOCKROOM_KEY": "stock-key-1",
    "ARAZZO_AUTH_WHOLESALE_TOKEN": "wholesale-token-1",
}


class Example(Record, kw_only=True):
    """An example of specs/ with the inputs, the scenario and its switches of one run."""

    name: str
    inputs: Mapping[str, Any]
    scenario: str | None = None
    switches: tuple[str, ...] = ()

    @classmethod
    def of(cls, name: str, arguments: str) -> Example:
        """Return one from a row of tests/e2e/test_examples.py."""
        words_ = shlex.split(arguments)
        given: dict[str, list[str]] = {}
        for option, value in pairwise(words_):
            given.setdefault(option, []).append(value)
        scenario = given.get("--scenario", [None])[0]
        return cls(
            name=name,
            inputs={name: _typed(value) for name, value in (each.split("=", 1) for each in given.get("-i", []))},
            scenario=scenario,
            switches=tuple(given.get("--switch", [])),
        )

    @property
    def program(self) -> Program:
        """Its compiled document."""
        return arazzo_runner.load(ROOT / "specs" / "arazzo" / f"{self.name}.yml")


def _typed(text: str) -> Any:
    return int(text) if text.isdigit() else text


class Ran(Record, kw_only=True):
    """What became of a workflow: whether it succeeded, its outputs, and the requests that the mock received."""

    succeeded: bool
    outputs: Mapping[str, Any]
    requests: tuple[str, ...]
    text: str = ""


@contextmanager
def served(example: Example, program: Program) -> Iterator[tuple[dict[str, str], list[Any]]]:
    """Serve the APIs of a program; yield the URLs by the name of their source, and the log of requests."""
    scenario = None if example.scenario is None else ROOT / example.scenario
    with mock_server(program, scenario=scenario, switches=example.switches) as server:
        urls = {source: server.urls[each.base] for source, _, each in program.operations()}
        yield urls, server.api.log


def received(log: list[Any]) -> tuple[str, ...]:
    """Return the requests that a mock received, in order, with their bodies."""
    return tuple(f"{each.method} {each.path} {each.status}" for each in log)


def environment(plan: Plan, inputs: Mapping[str, Any], urls: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables of an exported script."""
    values = {f"{SERVER}{words(name)}": url for name, url in urls.items()}
    for each in plan.workflow.inputs:
        if each.name in inputs:
            value = inputs[each.name]
            values[each.variable] = value if isinstance(value, str) else json.dumps(value)
    return {**os.environ, **CREDENTIALS, **values}


def run_itself(example: Example) -> Ran:
    """Run an example with arazzo itself."""
    program = example.program
    with served(example, program) as (urls, log):
        path = ROOT / "specs" / "arazzo" / f"{example.name}.yml"
        result = arazzo_runner.run(
            path, inputs=dict(example.inputs), servers=urls,
            options=arazzo_runner.RunOptions(poll_interval=0.01),
            credentials={"stockroom": {"key": "stock-key-1"}, "wholesale": {"token": "wholesale-token-1"}}
            if example.name == "order-with-credentials" else None,
        )  # fmt: skip
        return Ran(succeeded=result.status == "succeeded", outputs=dict(result.outputs), requests=received(log))


def run_k6(example: Example, folder: Path) -> Ran:
    """Export an example for k6 and run the script once, with the shim in place of k6."""
    assert NODE is not None
    program = example.program
    plan = make_plan(program, f"{example.name}.yml")
    script = folder / "script.mjs"
    script.write_text(next(iter(export(plan, "k6").files.values())), encoding="utf-8")
    shutil.copytree(SHIM, folder / "node_modules" / "k6", dirs_exist_ok=True)
    with served(example, program) as (urls, log):
        command = [NODE, str(SHIM / "run.mjs"), str(script)]
        ran = subprocess.run(
            command, env=environment(plan, example.inputs, urls), cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        requests = received(log)
    lines = ran.stdout.splitlines()
    outputs: dict[str, Any] = next((json.loads(line[9:]) for line in lines if line.startswith("outputs: ")), {})
    return Ran(succeeded=ran.returncode == 0, outputs=outputs, requests=requests, text=ran.stdout + ran.stderr)


def module(name: str) -> Path | None:
    """Return the script of a package of npm that scripts/test installs, None without it."""
    found = MODULES / name
    return found if NODE is not None and found.is_file() else None


def run_postman(example: Example, folder: Path) -> Ran:
    """Export an example for Postman and run the collection with newman."""
    newman = module("newman/bin/newman.js")
    assert NODE is not None
    assert newman is not None
    program = example.program
    plan = make_plan(program, f"{example.name}.yml")
    collection, kept = folder / "collection.json", folder / "environment.json"
    collection.write_text(next(iter(export(plan, "postman").files.values())), encoding="utf-8")
    with served(example, program) as (urls, log):
        command = [NODE, str(newman), "run", str(collection), "--export-environment", str(kept)]
        command += ["--color", "off", "--working-dir", str(ROOT), "--timeout-request", "10000"]
        for name, value in variables(plan, example.inputs, urls).items():
            command += ["--env-var", f"{name}={value}"]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
        requests = received(log)
    values = json.loads(kept.read_text(encoding="utf-8"))["values"] if kept.exists() else []
    outputs: dict[str, Any] = next((json.loads(each["value"]) for each in values if each["key"] == "outputs"), {})
    return Ran(succeeded=ran.returncode == 0, outputs=outputs, requests=requests, text=ran.stdout + ran.stderr)


def variables(plan: Plan, inputs: Mapping[str, Any], urls: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of an exported file with their values."""
    names = Variables(plan)
    found = {names.of(f"{SERVER}{words(name)}"): url for name, url in urls.items()}
    for name, value in inputs.items():
        found[names.input(name)] = value if isinstance(value, str) else json.dumps(value)
    for credential in plan.credentials:
        for variable in credential.variables.values():
            if variable in CREDENTIALS:
                found[names.of(variable)] = CREDENTIALS[variable]
    return found


def run_http(example: Example, folder: Path) -> Ran:
    """Export an example as a .http file and run all its requests with httpyac."""
    httpyac = module("httpyac/bin/httpyac.js")
    assert NODE is not None
    assert httpyac is not None
    program = example.program
    plan = make_plan(program, f"{example.name}.yml")
    file = folder / "requests.http"
    file.write_text(next(iter(export(plan, "http").files.values())), encoding="utf-8")
    with served(example, program) as (urls, log):
        given = {"dev": variables(plan, example.inputs, urls)}
        (folder / "http-client.env.json").write_text(json.dumps(given), encoding="utf-8")
        (folder / "specs").symlink_to(ROOT / "specs")
        command = [NODE, str(httpyac), "send", str(file), "--all", "--env", "dev", "--no-color"]
        ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
        requests = received(log)
    lines = ran.stdout.splitlines()
    outputs: dict[str, Any] = next((json.loads(line[9:]) for line in lines if line.startswith("outputs: ")), {})
    return Ran(succeeded=ran.returncode == 0, outputs=outputs, requests=requests, text=ran.stdout + ran.stderr)


def same(example: Example, expected: Ran, ran: Ran) -> None:
    """Check that a tool did the same as arazzo: the requests, whether it succeeded, and the outputs."""
    assert (ran.requests, ran.succeeded) == (expected.requests, expected.succeeded), ran.text
    if example.name == "read-xml-with-xpath":
        assert ran.outputs == {}  # there is no XPath: each of its uses is a warning
    elif expected.succeeded:
        assert _masked(ran.outputs) == _masked(expected.outputs), ran.text


def _masked(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: "***" if name == "accessToken" else value for name, value in outputs.items()}
