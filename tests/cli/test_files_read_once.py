"""Every file that a command line names is read once: a pipe, which gives its content once, serves as a file does."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from arazzo_runner.cli.main import run
from tests.e2e.golden import settled
from tests.hostile import absurd

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="/dev/fd is POSIX")

FLOW = """\
arazzo: 1.0.1
info: {title: Pets, version: "1"}
sourceDescriptions: [{name: pets, url: api.yml, type: openapi}]
workflows:
  - workflowId: get-one
    inputs: {type: object, required: [id], properties: {id: {type: integer}, note: {type: string}}}
    steps:
      - stepId: find
        operationId: getPet
        parameters: [{name: id, in: path, value: $inputs.id}]
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {tag: $response.body#/tag}
      - stepId: get
        operationId: getPet
        parameters:
          - {name: id, in: path, value: $inputs.id}
          - {name: X-Note, in: header, value: $inputs.note}
          - {name: X-Tag, in: header, value: $steps.find.outputs.tag}
        successCriteria: [{condition: $statusCode == 200}]
        outputs: {tag: $response.body#/tag}
    outputs: {tag: $steps.get.outputs.tag}
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
      parameters:
        - {name: X-Note, in: header, schema: {type: string}}
        - {name: X-Tag, in: header, schema: {type: string}}
      responses:
        "200": {description: ok, content: {application/json: {example: {tag: from-the-example}}}}
components: {securitySchemes: {key: {type: apiKey, in: header, name: X-Key}}}
"""
COLLECTION = '{"info": {"name": "Pets"}, "item": [{"name": "Get", "request": "https://api.test/{{a}}"}]}'
REMOTE = "https://api.test/openapi.yml"
CASSETTE = """\
arazzo-cassette: 1
document: {folder}/pets.yml
workflowId: get-one
status: failed
inputs: {id: 7}
interactions: []
"""
SCENARIO = "rules: [{operation: getPet, answer: {body: {tag: from-the-scenario}}}]\n"
STEP_OUTPUTS = '{"steps": {"find": {"tag": "from-the-file"}}}'
RUNS = '{"runs": [{"document": "pets.yml", "name": "get-one", "status": "failed"}]}'
REPEATED = RUNS.replace("get-one", "get-one #2")
REPORT = (
    '{"workflowId": "get-one", "status": "failed", "steps": [{"stepId": "find", "status": "failed", "attempts": []}]}'
)
KEYS = "pets: {key: key-from-the-file}\n"

DRY = ["run", "pets.yml", "--dry-run"]
RUN = ["run", "pets.yml", "-i", "id=7"]
MAPPED = ["-i", "id=7", "--url-map={file}"]
URL_MAP = '{"https://api.test/openapi.yml": "{folder}/api.yml"}'

CALL = ["call", "api.yml", "getPet", "-p", "id=7"]
KEY = "ARAZZO_AUTH_API_KEY=key-from-the-file\n"
FORMS = """\
openapi: 3.1.0
info: {title: Forms, version: "1"}
servers: [{url: "http://127.0.0.1:9"}]
paths:
  /:
    post:
      operationId: add
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {"200": {description: ok}}
    put:
      operationId: send
      requestBody:
        content:
          multipart/form-data:
            schema: {properties: {note: {type: string}, file: {type: string, format: binary}}}
      responses: {"200": {description: ok}}
"""

Case = tuple[list[str], str]
CASES: dict[str, list[Case]] = {
    "run --input": [
        ([*DRY, "-i", "id=7", "-i", "note=@{file}"], "a note\n"),
        ([*DRY, "-i", "id=@{file}", "--repeat", "2"], "7"),
        ([*RUN, "-i", "note=@{file}", "--mock", "--format", "json", "--record", "new.yml"], "a note"),
    ],
    "run --input-file": [
        ([*DRY, "--input-file={file}"], "id: 7\n"),
        ([*DRY, "--input-file={file}", "--repeat", "2", "--jobs", "2"], '{"id": 7}'),
        (["run", "pets.yml", "--mock", "--input-file={file}", "--format", "json", "--report", "json=r.json"], "id: 7"),
        (["run", "pets.yml", "-w", "get-*", "--dry-run", "--input-file={file}"], "id: 7"),
    ],
    "run --outputs-from": [
        ([*DRY, "-i", "id=7", "--from", "get", "--outputs-from={file}"], STEP_OUTPUTS),
        ([*DRY, "-i", "id=7", "--from", "get", "--outputs-from={file}", "--repeat", "3"], STEP_OUTPUTS),
        ([*RUN, "--mock", "--from", "get", "--outputs-from={file}", "--output", "out.json"], STEP_OUTPUTS),
        (
            [*RUN, "--mock", "--from", "get", "--until", "get", "--outputs-from={file}", "--format", "json"],
            STEP_OUTPUTS,
        ),
        ([*RUN, "--mock", "--from", "get", "--outputs-from={file}", "-j", "2", "--repeat", "3"], STEP_OUTPUTS),
    ],
    "run --data": [
        ([*DRY, "--data={file}"], '[{"id": 1}, {"id": 2, "_name": "two"}]'),
        ([*DRY, "--data={file}", "--repeat", "2"], "- id: 1\n"),
        ([*DRY, "-w", "*", "--data={file}"], "- id: 1\n"),
    ],
    "run --rerun-failed": [
        ([*DRY, "-i", "id=7", "--rerun-failed={file}"], RUNS),
        ([*DRY, "-i", "id=7", "--repeat", "2", "--shard", "1/2", "--rerun-failed={file}"], REPEATED),
    ],
    "run --env-file": [
        ([*DRY, "--env-file={file}"], "ARAZZO_INPUT_ID=7\n"),
        ([*DRY, "--env-file={file}", "--repeat", "2"], "ARAZZO_INPUT_ID=7\n"),
    ],
    "run --scenario": [
        ([*RUN, "--mock", "--scenario={file}"], SCENARIO),
        ([*RUN, "--mock", "--scenario={file}", "--repeat", "3"], SCENARIO),
        ([*RUN, "--mock", "--scenario={file}", "--repeat", "3", "--jobs", "2"], SCENARIO),
    ],
    "run --credentials": [
        ([*DRY, "-i", "id=7", "--require-credentials", "--credentials={file}"], KEYS),
        ([*DRY, "-i", "id=7", "--require-credentials", "--repeat", "2", "--credentials={file}"], KEYS),
        ([*RUN, "--require-credentials", "--repeat", "2", "--credentials={file}", "-j", "2"], KEYS),
        (["run", "pets.yml", "b/pets.yml", "-i", "id=7", "--require-credentials", "--credentials={file}"], KEYS),
    ],
    "run --url-map": [
        (["run", "remote.yml", "--dry-run", *MAPPED], URL_MAP),
        (["run", "remote.yml", "--dry-run", *MAPPED, "--repeat", "2"], URL_MAP),
    ],
    "call --param": [([*CALL, "-p", "X-Note=@{file}", "--dry-run"], "a note\n")],
    "call --body": [
        (["call", "forms.yml", "add", "--dry-run", "-d", "@{file}"], '{"a": 1}'),
        (["call", "forms.yml", "send", "--dry-run", "-d", "note=@{file}"], "a note"),
    ],
    "call --env-file": [([*CALL, "--dry-run", "--require-credentials", "--env-file={file}"], KEY)],
    "call --scenario": [([*CALL, "--mock", "--scenario={file}"], SCENARIO)],
    "call --credentials": [([*CALL, "--dry-run", "--require-credentials", "--credentials={file}"], "api: {key: k}\n")],
    "call --url-map": [(["call", REMOTE, "getPet", "-p", "id=7", "--dry-run", "--url-map={file}"], URL_MAP)],
    "debug --input": [(["debug", "pets.yml", "--mock", "-i", "id=@{file}"], "7")],
    "debug --input-file": [(["debug", "pets.yml", "--mock", "--input-file={file}"], "id: 7")],
    "debug --scenario": [(["debug", "pets.yml", "-i", "id=7", "--mock", "--scenario={file}"], SCENARIO)],
    "debug --env-file": [(["debug", "pets.yml", "--mock", "--env-file={file}"], "ARAZZO_INPUT_ID=7\n")],
    "debug --url-map": [(["debug", "remote.yml", "--mock", *MAPPED], URL_MAP)],
    "mcp --input": [(["mcp", "pets.yml", "--mock", "-i", "id=@{file}"], "7")],
    "mcp --input-file": [(["mcp", "pets.yml", "--mock", "--input-file={file}"], "id: 7")],
    "mcp --scenario": [(["mcp", "pets.yml", "-i", "id=7", "--mock", "--scenario={file}"], SCENARIO)],
    "mcp --env-file": [(["mcp", "pets.yml", "--mock", "--env-file={file}"], "ARAZZO_INPUT_ID=7\n")],
    "mcp --credentials": [(["mcp", "pets.yml", "--require-credentials", "--credentials={file}"], KEYS)],
    "mcp --url-map": [(["mcp", "remote.yml", "-i", "id=7", "--mock", "--url-map={file}"], URL_MAP)],
    "replay CASSETTE": [(["replay", "{file}"], CASSETTE), (["replay", "{file}", "pets.yml", "-i", "id=8"], CASSETTE)],
    "replay --input": [(["replay", "seen.yml", "-i", "id=@{file}"], "8")],
    "replay --url-map": [(["replay", "seen.yml", "remote.yml", *MAPPED], URL_MAP)],
    "resume --as": [(["resume", "a-run", "--step", "find", "--as={file}"], '{"status": 200}')],
    "submit --input": [(["submit", "pets.yml", "-i", "id=@{file}"], "7")],
    "submit --input-file": [
        (["submit", "pets.yml", "--input-file={file}"], "id: 7"),
        (["submit", "pets.yml", "--input-file={file}", "--count", "3"], "id: 7"),
    ],
    "submit --url-map": [(["submit", "remote.yml", *MAPPED], URL_MAP)],
    "schedule add --input": [(["schedule", "add", "s", "pets.yml", "--cron", "* * * * *", "-i", "id=@{file}"], "7")],
    "schedule add --input-file": [
        (["schedule", "add", "s", "pets.yml", "--cron", "* * * * *", "--input-file={file}"], "id: 7")
    ],
    "schedule add --url-map": [(["schedule", "add", "s", "remote.yml", "--cron", "* * * * *", *MAPPED], URL_MAP)],
    "mock --from": [(["mock", "--from={file}"], CASSETTE)],
    "mock --scenario": [(["mock", "pets.yml", "--scenario={file}"], SCENARIO)],
    "mock --url-map": [(["mock", "remote.yml", "--url-map={file}"], URL_MAP)],
    "eval --context": [(["eval", "$inputs.id", "--context={file}"], '{"inputs": {"id": 7}}')],
    "graph --run": [(["graph", "pets.yml", "--run={file}"], REPORT)],
    "generate --url-map": [(["generate", "remote-api.yml", "--url-map={file}"], URL_MAP)],
    "graph --url-map": [(["graph", "remote.yml", "--url-map={file}"], URL_MAP)],
    "show --url-map": [(["show", "remote.yml", "--url-map={file}"], URL_MAP)],
    "export --url-map": [(["export", "remote.yml", "--to=python", "--url-map={file}"], URL_MAP)],
    "trace --url-map": [(["trace", "remote.yml", "--url-map={file}"], URL_MAP)],
    "auth --url-map": [(["auth", "remote.yml", "--url-map={file}"], URL_MAP)],
    "auth --env-file": [(["auth", "pets.yml", "--env-file={file}"], "ARAZZO_AUTH_PETS_KEY=key-from-the-file\n")],
    "auth --credentials": [(["auth", "pets.yml", "--credentials={file}"], KEYS)],
    "upgrade --url-map": [(["upgrade", "remote.yml", "--diff", "--url-map={file}"], URL_MAP)],
    "validate --url-map": [(["validate", "remote.yml", "--url-map={file}"], URL_MAP)],
    "validate --config": [(["validate", "pets.yml", "--config={file}"], '[validate]\npreset = "strict"\n')],
    "generate --environment": [
        (
            ["generate", "collection.json", "-o", "out.json", "--force", "--environment={file}"],
            '{"values": [{"key": "a", "value": "from the file"}]}',
        )
    ],
    "validate --baseline": [(["validate", "pets.yml", "--baseline={file}"], '{"version": 1, "findings": []}')],
}
"""Command lines that read a file, and what it holds, by command and option."""
DOCUMENTS = {"API", "INPUT", "SPEC", "[DESCRIPTION]", "SPEC...", "[SPEC...]", "[SPEC]...", "NAME=PATH"}
"""What must be regular files: other documents and OpenSSL find them by their name, and read some of them twice."""
REGULAR = {"--include", "--cert", "--cacert", "--openapi", "--compare"}


def label(option: absurd.Option) -> str:
    return f"{option.command} {option.metavar if option.is_argument else option.name}"


def read_options() -> list[absurd.Option]:
    """Return the options of all commands that read a file."""
    return [each for each in absurd.options() if each.form is not None and each.name not in absurd.WRITTEN]


def must_be_regular(option: absurd.Option) -> bool:
    return option.metavar in DOCUMENTS or option.name in REGULAR or label(option) in REGULAR


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with documents; a store that no command can open ends durable ones after they have read."""
    work = tmp_path / "work"
    (work / "b").mkdir(parents=True)
    (work / ".git").mkdir()
    for place in (work, work / "b"):
        (place / "pets.yml").write_text(FLOW)
        (place / "api.yml").write_text(API)
        (place / "forms.yml").write_text(FORMS)
    (work / "b" / "arazzo.toml").write_text('environment = "b"\n[environments.b]\ncredentials = {other = "pets"}\n')
    (work / "remote.yml").write_text(FLOW.replace("api.yml", REMOTE))
    (work / "collection.json").write_text(COLLECTION)
    (work / "remote-api.yml").write_text(
        f'openapi: 3.1.0\npaths: {{/pets/{{id}}: {{$ref: "{REMOTE}#/paths/~1pets~1{{id}}"}}}}\n'
    )
    (work / "seen.yml").write_text(CASSETTE.replace("{folder}", str(work)))
    monkeypatch.chdir(work)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("ARAZZO_STORE", "nothing://here")
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return work


@pytest.fixture(scope="module")
def busy() -> Iterator[str]:
    """A port at which a mock cannot listen, so that it ends."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield str(taken.getsockname()[1])


@contextlib.contextmanager
def pipe(content: bytes) -> Iterator[str]:
    """Give the name of a pipe as `<(…)` of a shell does; whoever reads it a second time finds it empty."""
    reading, writing = os.pipe()
    os.write(writing, content)
    os.close(writing)
    try:
        yield f"/dev/fd/{reading}"
    finally:
        os.close(reading)


def comparable(text: str) -> list[str]:
    """Return what was written without times; concurrent runs write their lines in any order."""
    lines = (re.sub(r"\s+", " ", each) for each in settled(text).splitlines())
    return sorted(
        each for each in lines if not re.search(r'(started|ended|date|time|duration|elapsed)\w*"?: ', each, re.I)
    )


class Client:
    """The lines of an agent that calls the tool get-one, and goes away when it has had time to answer."""

    def __init__(self) -> None:
        hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}
        self._lines: list[dict[str, Any]] = [
            {"id": 1, "method": "initialize", "params": hello},
            {"method": "notifications/initialized"},
            {"id": 2, "method": "tools/call", "params": {"name": "get-one", "arguments": {}}},
        ]

    def readline(self, most: int) -> bytes:
        if self._lines:
            return json.dumps({"jsonrpc": "2.0", **self._lines.pop(0)}).encode() + b"\n"
        time.sleep(1)
        return b""


Outcome = Callable[[list[str], str], tuple[int, list[str]]]


@pytest.fixture
def outcome(folder: Path, busy: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Outcome:
    """Run a command line with a file and return its exit code and all it wrote, free of times and of the file's name."""

    def call(arguments: list[str], file: str) -> tuple[int, list[str]]:
        line = [each.replace("{file}", file) for each in arguments]
        if line[0] == "mock":
            line += ["--port", busy]
        if line[0] == "mcp":
            monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Client()))
        code = run(line)
        printed = capsys.readouterr()
        written = [each.read_text() for each in map(Path, ("r.json", "out.json", "seen.yml")) if each.exists()]
        text = "\n".join([printed.out, printed.err, *written]).replace(file, "FILE")
        return code, comparable(text)

    return call


def test_every_option_that_reads_a_file_is_in_the_table() -> None:
    found = {label(each) for each in read_options() if not must_be_regular(each) and each.metavar != "DIR"}
    assert found == set(CASES)


ROWS = [
    pytest.param(*case, id=f"{name} {number}") for name, cases in CASES.items() for number, case in enumerate(cases)
]


@pytest.mark.parametrize(("arguments", "content"), ROWS)
def test_a_pipe_serves_as_a_file_does(folder: Path, outcome: Outcome, arguments: list[str], content: str) -> None:
    content = content.replace("{folder}", str(folder))
    file = folder / "content"
    file.write_text(content)
    file.chmod(0o600)
    expected = outcome(arguments, str(file))
    with pipe(content.encode()) as name:
        assert outcome(arguments, name) == expected
        assert outcome(arguments, name) != expected, "what the file holds makes no difference: the case shows nothing"


STDIN = [
    ([*DRY, "-i", "id=7", "-i", "note=@-"], "a note"),
    ([*DRY, "-i", "id=@-", "--repeat", "2"], "7"),
    ([*DRY, "--input-file", "-"], "id: 7"),
    ([*DRY, "--data", "-"], '[{"id": 7}]'),
    ([*DRY, "--env-file", "-"], "ARAZZO_INPUT_ID=7"),
    ([*DRY, "-i", "id=7", "--from", "get", "--outputs-from", "-"], STEP_OUTPUTS),
    ([*DRY, "-i", "id=7", "--from", "get", "--outputs-from", "-", "--repeat", "2"], STEP_OUTPUTS),
    (["graph", "pets.yml", "--run", "-"], REPORT),
    (["eval", "$inputs.id", "--context", "-"], '{"inputs": {"id": 7}}'),
    (["submit", "pets.yml", "--input-file", "-", "--count", "2"], "id: 7"),
    (["replay", "seen.yml", "-i", "id=@-"], "8"),
]


@pytest.mark.parametrize(("arguments", "content"), STDIN)
def test_standard_input_works_like_a_file(folder: Path, arguments: list[str], content: str) -> None:
    (folder / "content").write_text(content)

    def ended(line: list[str], given: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "arazzo_runner", *line]
        done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    named = [
        each.replace("@-", "@content") if each.endswith("@-") else "content" if each == "-" else each
        for each in arguments
    ]
    assert ended(arguments, content) == ended(named, "")


@pytest.mark.skipif(not Path("/bin/bash").exists(), reason="process substitution is of bash")
def test_a_process_substitution_serves_as_a_file_does(folder: Path) -> None:
    (folder / "outputs.json").write_text(STEP_OUTPUTS)
    line = f"{sys.executable} -m arazzo_runner run pets.yml -i id=7 --dry-run --from get --outputs-from"
    ran = [
        subprocess.run(["/bin/bash", "-c", f"{line} {file}"], capture_output=True, text=True, check=False)
        for file in ("outputs.json", "<(cat outputs.json)")
    ]
    assert (ran[0].returncode, ran[0].stdout, ran[0].stderr) == (ran[1].returncode, ran[1].stdout, ran[1].stderr)
    assert "from-the-file" in ran[1].stdout


@pytest.mark.parametrize("option", [each for each in read_options() if must_be_regular(each)], ids=label)
def test_documents_and_certificates_are_regular_files(folder: Path, outcome: Outcome, option: absurd.Option) -> None:
    absurd.prepare(folder / "sound")
    os.chdir(folder / "sound")
    with pipe(b"arazzo: 1.0.1\n") as name:
        code, text = outcome(option.line(str(option.form).replace("{file}", name)), name)
    said = "was not found; tried FILE" if option.name == "--source" else "it is not a regular file"
    assert code > 0
    assert any("FILE" in line and said in line for line in text), text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-i", "id=@{file}", "--watch"], "--watch cannot read {file} again, which is a pipe"),
        (["-i", "id=7", "--credentials={file}", "--durable"], "--durable excludes --credentials with a pipe"),
        (["-i", "id=@-", "-i", "note=@-"], "standard input is read once, and several options read it"),
        (["--input-file", "-", "--data", "-"], "standard input is read once, and several options read it"),
    ],
)
def test_reading_standard_input_twice_is_refused(outcome: Outcome, arguments: list[str], message: str) -> None:
    with pipe(b"7") as name:
        code, text = outcome(["run", "pets.yml", *arguments], name)
    assert code == 2
    assert any(message.replace("{file}", "FILE") in line for line in text), text
