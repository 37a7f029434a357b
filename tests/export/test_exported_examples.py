"""Every HTTP example of specs/, exported and run against a mock on loopback: requests and outputs equal the run's."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner import LoadOptions, Program, load
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.export.planning import SERVER, make_plan, words
from arazzo_runner.export.targets import export
from arazzo_runner.runtime.mock.api import LogEntry, MockApi, MockServer, served_descriptions
from arazzo_runner.runtime.mock.scenario import read_scenario
from tests.e2e.conftest import Arazzo, arazzo, folder
from tests.e2e.test_examples import EXAMPLES, ROOT

CREDENTIALS = {
    "ARAZZO_AUTH_STOCKROOM_KEY": "k-1",
    "ARAZZO_AUTH_WHOLESALE_TOKEN": "t-1",
}
TARGETS = ["python", "pytest", "curl"]
AS_TESTS = ("prismatic-rotate-refresh-token-workflow", "two-apis", "follow-the-pages", "undo-when-it-fails")
NOT_HERE = ("--cookies", "photo=../elsewhere.png")
ROWS = [row for row in EXAMPLES if not any(each in str(row.values[1]) for each in NOT_HERE)]
XPATH = "read-xml-with-xpath"
__all__ = ["arazzo", "folder"]  # fixtures


def given(arguments: str) -> tuple[dict[str, str], str | None, list[str]]:
    """Return the inputs, the scenario and the switches of a command line."""
    words_ = iter(shlex.split(arguments))
    inputs: dict[str, str] = {}
    scenario, switches = None, []
    for word in words_:
        if word == "-i":
            name, _, value = next(words_).partition("=")
            inputs[name] = value
        elif word == "--scenario":
            scenario = next(words_)
        elif word == "--switch":
            switches.append(next(words_))
    return inputs, scenario, switches


@contextmanager
def served(program: Program, scenario: str | None, switches: list[str]) -> Iterator[tuple[MockApi, Mapping[str, str]]]:
    """Serve what a program calls, as `arazzo mock` does; yield the mock and the URL of each source."""
    script = None if scenario is None else read_scenario(ROOT / scenario, switches)
    api = MockApi(served_descriptions(program), script)
    with MockServer(api) as server:
        yield api, {source: server.urls[description.base] for source, _, description in program.operations()}


def environment(inputs: Mapping[str, str], urls: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an exported script reads."""
    servers = {f"{SERVER}{words(source)}": url for source, url in urls.items()}
    values = {f"ARAZZO_INPUT_{words(name)}": value for name, value in inputs.items()}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ARAZZO_")}
    return {**kept, **CREDENTIALS, **servers, **values, "NO_PROXY": "*"}


def run_script(target: str, text: str, folder: Path, variables: dict[str, str]) -> tuple[int, JsonValue, str]:
    """Run an exported text and return its exit code, its outputs and what it wrote on stderr."""
    name = "test_it.py" if target == "pytest" else f"script.{'sh' if target == 'curl' else 'py'}"
    file = folder / name
    file.write_text(text, encoding="utf-8")
    options = ["-q", "-s", "--no-header", "-p", "no:cacheprovider", "-p", "no:arazzo", "--rootdir", str(folder)]
    commands = {
        "pytest": [sys.executable, "-m", "pytest", *options, str(file)],
        "python": [sys.executable, str(file)],
        "curl": ["bash", str(file)],
    }
    ran = subprocess.run(
        commands[target], env=variables, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    start = ran.stdout.find("{")
    outputs = json.JSONDecoder().raw_decode(ran.stdout[start:])[0] if start >= 0 and ran.returncode == 0 else None
    return ran.returncode, outputs, ran.stdout + ran.stderr


def lines(log: list[LogEntry]) -> list[str]:
    """Return requests, the order of parameters aside."""
    found = []
    for entry in log:
        path, _, query = entry.path.partition("?")
        parts = "&".join(sorted(query.replace("+", "%20").split("&")))
        found.append(f"{entry.method} {path}?{parts} {entry.status}")
    return found


def cases() -> Iterator[Any]:
    """Yield each example with each target; tests are made of the same functions as scripts, so a few are enough."""
    for row in ROWS:
        for target in TARGETS:
            if target != "pytest" or row.values[0] in AS_TESTS:
                yield pytest.param(*row.values[:3], target, id=f"{row.id}, {target}")


@pytest.mark.parametrize(("name", "arguments", "code", "target"), list(cases()))
def test_an_exported_example_does_what_the_run_does(
    name: str, arguments: str, code: int, target: str, arazzo: Arazzo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if target == "curl" and (shutil.which("jq") is None or shutil.which("curl") is None or name == XPATH):
        pytest.skip("needs jq and curl, and has no XPath")
    monkeypatch.chdir(ROOT)
    for variable, value in CREDENTIALS.items():
        monkeypatch.setenv(variable, value)
    spec = f"specs/arazzo/{name}.yml"
    program = load(spec, load_options=LoadOptions(strict=False))
    inputs, scenario, switches = given(arguments)
    with served(program, scenario, switches) as (api, urls):
        servers = [each for source, url in urls.items() for each in ("--server", f"{source}={url}")]
        options = ["--poll-interval", "0.05", "--format", "json", *(["--show-secrets"] if target != "pytest" else [])]
        ran = arazzo("run", spec, *(f"-i{each}={value}" for each, value in inputs.items()), *servers, *options)
        wanted = lines(api.log)
    text = next(iter(export(make_plan(program), target).files.values()))
    with served(program, scenario, switches) as (api, urls):
        found = run_script(target, text, tmp_path, environment(inputs, urls))
        sent = lines(api.log)
    report = json.loads(ran.out)
    assert ran.code == code, ran.out + ran.err
    assert sent == wanted, found[2]
    assert found[0] == code, found[2]
    if code == 0:
        has_value = {each: value for each, value in report["outputs"].items() if each not in report.get("missing", [])}
        assert found[1] == has_value, found[2]
