"""Named environments, files of variables, `--rate` and `--watch`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from arazzo_runner.cli.run.environments import read_environment
from arazzo_runner.errors import InvalidUsage
from tests.e2e.conftest import Arazzo
from tests.e2e.server import Answer, conversation

FLOW = """\
arazzo: 1.0.1
info: {title: Pets, version: "1"}
sourceDescriptions: [{name: pets, url: api.yml, type: openapi}]
workflows:
  - workflowId: get-one
    inputs: {type: object, required: [id], properties: {id: {type: integer}, note: {type: string}}}
    steps:
      - stepId: get
        operationId: getPet
        parameters:
          - {name: id, in: path, value: $inputs.id}
          - {name: X-Note, in: header, value: $inputs.note}
        successCriteria: [{condition: $statusCode == 200}]
"""
API = """\
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "http://127.0.0.1:9"}]
security: [{key: []}]
paths:
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get:
      operationId: getPet
      parameters: [{name: X-Note, in: header, schema: {type: string}}]
      responses: {"200": {description: ok}}
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
"""
ANSWERS = {f"GET /pets/{n}": [Answer(200, {})] * 20 for n in range(1, 9)}


@pytest.fixture
def pets(folder: Path) -> str:
    (folder / ".git").mkdir()
    (folder / "pets.yml").write_text(FLOW)
    (folder / "api.yml").write_text(API)
    return "pets.yml"


def configuration(folder: Path, url: str, first: str = "") -> None:
    (folder / "arazzo.toml").write_text(
        f'{first}\n[environments.local]\nservers = {{ pets = "{url}", other = "http://127.0.0.1:9" }}\n'
        'inputs = { id = 7, note = "from toml", unknown = 1 }\n'
        '[environments.staging]\ninput-file = "staging.yml"\n'
        f'servers = {{ pets = "{url}" }}\ncredentials = {{ "pets.key" = "stage" }}\n'
    )
    (folder / "staging.yml").write_text("id: 8\n")


def test_a_named_environment_gives_servers_and_inputs(pets: str, arazzo: Arazzo, folder: Path) -> None:
    with conversation(ANSWERS) as server:
        configuration(folder, server.url)
        ran = arazzo("run", pets, "--env", "local")
        closer = arazzo("run", pets, "--env", "local", "-i", "id=3")
    assert (ran.code, closer.code) == (0, 0), ran.err
    assert [(each.path, each.headers["x-note"]) for each in server.received] == [
        ("/pets/7", "from toml"),
        ("/pets/3", "from toml"),
    ]


def test_the_environment_of_the_file_holds_when_none_is_named(pets: str, arazzo: Arazzo, folder: Path) -> None:
    with conversation(ANSWERS) as server:
        configuration(folder, server.url, 'environment = "local"')
        assert arazzo("run", pets).code == 0
        assert arazzo("run", pets, "--repeat", "2").code == 0
    assert [each.path for each in server.received] == ["/pets/7"] * 3


def test_an_environment_names_the_credentials(
    pets: str, arazzo: Arazzo, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARAZZO_AUTH_STAGE_KEY", "staging-key-1234")
    monkeypatch.setenv("ARAZZO_AUTH_PETS_KEY", "production-key-1234")
    with conversation(ANSWERS) as server:
        configuration(folder, server.url)
        ran = arazzo("run", pets, "--env", "staging")
        many = arazzo("run", pets, "--env", "staging", "--repeat", "1")
    assert (ran.code, many.code) == (0, 0), ran.err
    assert [(each.path, each.headers["x-key"]) for each in server.received] == [("/pets/8", "staging-key-1234")] * 2


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("", 'has no environment "stagin"'),
        ("[environments.staging]\n", 'did you mean "staging"?'),
        (None, "because there is no arazzo.toml"),
        ("[environments.stagin]\nserver = 1\n", "environments.stagin.server is not a setting"),
    ],
)
def test_an_environment_that_is_not_there(
    pets: str, arazzo: Arazzo, folder: Path, toml: str | None, message: str
) -> None:
    if toml is not None:
        (folder / "arazzo.toml").write_text(toml)
    for more in ([], ["--repeat", "2"]):
        ran = arazzo("run", pets, "--env", "stagin", *more)
        assert ran.code == 2
        assert message in ran.err


def test_a_file_of_variables(pets: str, arazzo: Arazzo, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARAZZO_INPUT_NOTE", "the process wins")
    (folder / ".env").write_text("ARAZZO_INPUT_ID=5\nARAZZO_INPUT_NOTE=from file\nARAZZO_AUTH_PETS_KEY=key-from-file\n")
    with conversation(ANSWERS) as server:
        ran = arazzo("run", pets, "--env-file", ".env", "--server", f"pets={server.url}")
    assert ran.code == 0, ran.err
    [seen] = server.received
    assert (seen.path, seen.headers["x-note"], seen.headers["x-key"]) == (
        "/pets/5",
        "the process wins",
        "key-from-file",
    )
    assert "ARAZZO_INPUT_ID" not in os.environ


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A=1\n\n# no\nexport B = two words  # a remark\n", {"A": "1", "B": "two words"}),
        ('A=\'a # $b \\n\'\nB="x\\ty\\"z" # remark\n', {"A": "a # $b \\n", "B": 'x\ty"z'}),
        ('KEY="-----BEGIN\nabc\n-----END"\nB=\n', {"KEY": "-----BEGIN\nabc\n-----END", "B": ""}),
        ("A=a#b=c\r\n", {"A": "a#b=c"}),
        ("A=1\nA=2\n", {"A": "2"}),
    ],
)
def test_lines_of_a_file_of_variables(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    (tmp_path / ".env").write_text(text, newline="")
    assert read_environment(str(tmp_path / ".env")) == expected


@pytest.mark.parametrize(
    ("text", "message"), [("A=1\nno\n", "line 2 is not NAME=value"), ("A='1\nB=2\n", "begins in line 1 is not closed")]
)
def test_mistakes_in_a_file_of_variables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / ".env").write_text(text)
    with pytest.raises(InvalidUsage, match=message):
        read_environment(str(tmp_path / ".env"))


# ------------------------------------------------------------------ pace


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_requests_are_sent_at_the_given_rate(pets: str, arazzo: Arazzo, folder: Path, jobs: str) -> None:
    (folder / "rows.csv").write_text("id\n" + "1\n" * 6)
    with conversation(ANSWERS) as server:
        before = time.monotonic()
        ran = arazzo(
            *("run", pets, "--data", "rows.csv", "--server", f"pets={server.url}", "-j", jobs, "--rate", "20", "-q")
        )
        spent = time.monotonic() - before
    assert ran.code == 0, ran.err
    assert len(server.received) == 6
    assert spent >= 5 / 20


@pytest.mark.parametrize("rate", ["0", "x", "5/", "5/d", "-1", "inf", "nan"])
def test_an_invalid_rate(pets: str, arazzo: Arazzo, rate: str) -> None:
    ran = arazzo("run", pets, "-i", "id=1", "--rate", rate)
    assert ran.code == 2
    assert "expected a number above 0" in ran.err


# ------------------------------------------------------------------ watch


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process there")
def test_a_change_of_any_document_read_runs_it_again(pets: str, folder: Path) -> None:
    with conversation(ANSWERS) as server:
        command = [sys.executable, "-m", "arazzo_runner", "run", pets, "-i", "id=1", "--server", f"pets={server.url}"]
        process = subprocess.Popen(
            [*command, "--watch", "--format", "json"],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        for change in (
            lambda: (folder / "api.yml").write_text(API + "\n"),
            lambda: (folder / "pets.yml").write_text("{"),
        ):
            assert any("watching 2 files" in line for line in process.stderr)
            change()
        assert any("watching" in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    statuses = [json.loads(each)["status"] for each in out.replace("}\n{", "}\0{").split("\0")]
    assert statuses == ["succeeded", "succeeded", "error"]
    assert len(server.received) == 2


def test_watching_cannot_read_standard_input_twice(pets: str, arazzo: Arazzo) -> None:
    ran = arazzo("run", pets, "-i", "id=@-", "--watch")
    assert ran.code == 2
    assert "--watch cannot read standard input again" in ran.err
