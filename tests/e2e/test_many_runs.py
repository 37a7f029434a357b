"""Many runs from one command line: what runs, what is printed, the worst exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.conftest import Arazzo
from tests.e2e.server import Answer, conversation

TWO = """\
arazzo: 1.0.1
info: {title: Pets, version: "1"}
sourceDescriptions: [{name: pets, url: api.yml, type: openapi}]
workflows:
  - workflowId: get-one
    inputs: {type: object, required: [id], properties: {id: {type: integer}, token: {type: string}}}
    steps:
      - stepId: get
        operationId: getPet
        parameters: [{name: id, in: path, value: $inputs.id}]
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {name: $response.body#/name}
    outputs: {name: $steps.get.outputs.name}
  - workflowId: get-list
    steps:
      - stepId: list
        operationId: listPets
        successCriteria: [{condition: $statusCode == 200}]
"""
API = """\
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "http://127.0.0.1:9"}]
paths:
  /pets:
    get: {operationId: listPets, responses: {"200": {description: ok}}}
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get: {operationId: getPet, responses: {"200": {description: ok}}}
"""


@pytest.fixture
def pets(folder: Path) -> str:
    (folder / "pets.yml").write_text(TWO)
    (folder / "api.yml").write_text(API)
    return "pets.yml"


def answers(*bad: int) -> dict[str, list[Answer]]:
    found = {f"GET /pets/{n}": [Answer(404 if n in bad else 200, {"name": f"pet {n}"})] * 40 for n in range(1, 6)}
    return {**found, "GET /pets": [Answer(200, [])] * 40}


def lines(out: str) -> list[tuple[str, str]]:
    return [(each["run"], each["status"]) for each in map(json.loads, out.splitlines())]


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_rows_in_the_order_of_the_file(pets: str, arazzo: Arazzo, folder: Path, jobs: str) -> None:
    (folder / "rows.csv").write_text("_name,id\nfirst,1\n,2\n,3\nlast,4\n")
    with conversation(answers(2)) as server:
        ran = arazzo("run", pets, "-w", "get-one", "--data", "rows.csv", "--server", f"pets={server.url}", "-j", jobs)
    assert ran.code == 1
    assert lines(ran.out) == [
        ("get-one [first]", "succeeded"),
        ("get-one [2]", "failed"),
        ("get-one [3]", "succeeded"),
        ("get-one [last]", "succeeded"),
    ]
    assert json.loads(ran.out.splitlines()[0])["outputs"] == {"name": "pet 1"}
    assert sorted(each.path for each in server.received) == ["/pets/1", "/pets/2", "/pets/3", "/pets/4"]
    assert "FAILED get-one [2] (1 step" in ran.err
    assert ran.err.count("to send it again:") == 1
    assert "4 runs: 3 succeeded, 1 failed" in ran.err


def test_fail_fast_begins_nothing_after_a_failure(pets: str, arazzo: Arazzo, folder: Path) -> None:
    (folder / "rows.jsonl").write_text('{"id": 1}\n{"id": 2}\n{"id": 3}\n')
    with conversation(answers(2)) as server:
        ran = arazzo(
            *("run", pets, "-w", "get-one", "--data", "rows.jsonl", "--server", f"pets={server.url}"),
            *("--fail-fast", "--format", "json"),
        )
    report = json.loads(ran.out)
    assert ran.code == 1
    assert [each["status"] for each in report["runs"]] == ["succeeded", "failed", "not_run"]
    assert report["summary"]["not_run"] == 1
    assert [each.path for each in server.received] == ["/pets/1", "/pets/2"]


def test_documents_workflows_and_repetitions(pets: str, arazzo: Arazzo, folder: Path) -> None:
    (folder / "deep").mkdir()
    (folder / "deep" / "more.yml").write_text(TWO.replace("url: api.yml", "url: ../api.yml"))
    with conversation(answers()) as server:
        ran = arazzo(
            *("run", pets, "deep/**/*.yml", "-w", "get-*", "--repeat", "2", "-i", "id=5"),
            *("--server", f"pets={server.url}", "--root", "."),
        )
    assert ran.code == 0
    names = ["pets.yml get-one", "pets.yml get-list", "deep/more.yml get-one", "deep/more.yml get-list"]
    assert [name for name, _ in lines(ran.out)] == [f"{name} #{n}" for n in (1, 2) for name in names]
    assert "unknown-input" not in ran.err, "each workflow gets what it declares"


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        pytest.param(["-w", "get-*"], ["run get-one:", 'input "id" is required'], id="an input is missing"),
        pytest.param(["-w", "get-lost", "-w", "get-list"], ['there is no workflow "get-lost"'], id="a workflow"),
        pytest.param(["no/*.yml"], ['no file matches "no/*.yml"'], id="a glob without files"),
        pytest.param(["other.yml", "-w", "get-list"], ["other.yml"], id="another document is not there"),
        pytest.param(["--repeat", "2"], ["has 2 workflows"], id="which workflow"),
        pytest.param(["-w", "get-one", "--data", "rows.csv"], ["get-one [2]", "integer"], id="a row that does not fit"),
    ],
)
def test_nothing_is_sent_when_there_are_errors(
    pets: str, arazzo: Arazzo, folder: Path, arguments: list[str], messages: list[str]
) -> None:
    (folder / "rows.csv").write_text("id\n1\nx\n")
    with conversation(answers()) as server:
        ran = arazzo("run", pets, *arguments, "--server", f"pets={server.url}")
    assert ran.code == 2
    assert [message for message in messages if message not in ran.err] == []
    assert server.received == []
    assert ran.out == ""


def test_output_holds_the_lines_in_clear(pets: str, arazzo: Arazzo, folder: Path) -> None:
    document = TWO.replace("outputs: {name: $response.body#/name}", "outputs: {token: $response.body#/name}")
    (folder / "pets.yml").write_text(
        document.replace("{name: $steps.get.outputs.name}", "{token: $steps.get.outputs.token}")
    )
    (folder / "rows.csv").write_text("id\n1\n2\n")
    (folder / "out.jsonl").write_text("what was there before")
    common = ("run", pets, "-w", "get-one", "--data", "rows.csv", "-j", "2")
    with conversation(answers()) as server:
        ran = arazzo(*common, "--server", f"pets={server.url}", "--output", "out.jsonl")
        kept = arazzo(*common, "--server", f"pets={server.url}")
    assert [json.loads(line)["outputs"] for line in ran.out.splitlines()] == [{"token": "***"}, {"token": "***"}]
    written = [json.loads(line)["outputs"] for line in (folder / "out.jsonl").read_text().splitlines()]
    assert written == [{"token": "pet 1"}, {"token": "pet 2"}]
    assert "secret outputs are kept in 2 files" in kept.err


def test_details_of_runs_at_the_same_time_do_not_mix(pets: str, arazzo: Arazzo, folder: Path) -> None:
    (folder / "rows.csv").write_text("id\n1\n2\n3\n")
    with conversation(answers()) as server:
        ran = arazzo(
            *("run", pets, "-w", "get-one", "--data", "rows.csv", "-j", "3", "-v"),
            *("--server", f"pets={server.url}"),
        )
    shown = [
        line.strip().split(" ")[0] for line in ran.err.splitlines() if line.startswith(("get-one (", "    >", "    <"))
    ]
    assert shown == ["get-one", ">", "<"] * 3


def test_refused_runs_have_the_same_form_in_json(pets: str, arazzo: Arazzo) -> None:
    ran = arazzo("run", pets, "-w", "get-*", "--format", "json")
    report = json.loads(ran.out)
    assert (ran.code, report["status"], report["summary"]["error"]) == (2, "error", 1)
    assert "missing-input" in [each["code"] for each in report["runs"][0]["diagnostics"]]
    assert ran.err == ""


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_runs_share_no_cookies(pets: str, arazzo: Arazzo, jobs: str) -> None:
    found = {name: [Answer(200, {"name": "x"}, {"Set-Cookie": "sid=1"})] * 9 for name in answers()}
    with conversation(found) as server:
        ran = arazzo("run", pets, "-w", "get-list", "--repeat", "6", "--server", f"pets={server.url}", "-j", jobs)
    assert ran.code == 0
    assert [each.headers.get("cookie") for each in server.received] == [None] * 6
