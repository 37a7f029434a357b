"""`arazzo call`: how an operation is named and given its values, what is printed, what is refused."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from arazzo_runner.cli.main import run
from tests.loopback import Reply, Request, json_reply, serving

API = """\
openapi: 3.1.0
info: {title: Pets, version: "1"}
servers: [{url: "http://127.0.0.1:9"}]
paths:
  /pets/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer, minimum: 1}}]
    get:
      operationId: getPet
      summary: Read a pet
      parameters:
        - {name: id, in: query, schema: {type: string}}
        - {name: tags, in: query, schema: {$ref: '#/components/schemas/Tags'}}
        - {name: filter, in: query, style: deepObject, explode: true, schema: {type: object}}
        - {name: X-Token, in: header, schema: {type: string}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
        "404": {description: none, content: {application/json: {example: {detail: none}}}}
    delete:
      responses: {"204": {description: gone}}
  /pets:
    post:
      operationId: addPet
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: '#/components/schemas/Pet'}}
          text/plain: {}
      responses:
        "201": {description: ok, content: {application/json: {schema: {$ref: '#/components/schemas/Pet'}}}}
  /shops/{shop}:
    get: {operationId: getShop, responses: {"200": {description: ok}}}
components:
  schemas:
    Tags: {type: array, items: {type: string}}
    Pet:
      type: object
      properties: {id: {type: integer}, name: {type: string}, age: {type: integer}, password: {type: string}}
"""
SECRET = "very-secret-value-1"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "pets.yml").write_text(API)
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def _sent(arguments: list[str], reply: Reply | None = None, code: int = 0) -> Request:
    with serving(lambda request: reply or json_reply({})) as server:
        assert run(["call", "pets.yml", *arguments, "--server", server.url, "-q"]) == code
        [request] = server.received
    return request


GET = ["getPet", "-p", "path:id=7"]
TARGETS = {
    "an operationId": (GET, "GET", "/pets/7"),
    "a method and a path": (["GET /pets/{id}", "-p", "path:id=7"], "GET", "/pets/7"),
    "a method in lower case, without an operationId": (["delete /pets/{id}", "-p", "id=7"], "DELETE", "/pets/7"),
    "another place": ([*GET, "-p", "query:id=x y"], "GET", "/pets/7?id=x%20y"),
    "a variable of the path that is not declared": (["getShop", "-p", "shop=x"], "GET", "/shops/x"),
    "a list as several": ([*GET, "-p", "tags=a", "-p", "tags=b"], "GET", "/pets/7?tags=a&tags=b"),
    "a list as JSON": ([*GET, "-p", 'tags=["a","b"]'], "GET", "/pets/7?tags=a&tags=b"),
    "a list of one": ([*GET, "-p", "tags=a"], "GET", "/pets/7?tags=a"),
    "a mapping as JSON": ([*GET, "-p", 'filter={"a":1}'], "GET", "/pets/7?filter%5Ba%5D=1"),
    "a text that a document would read as an expression": (
        [*GET, "-p", "query:id=$inputs.x"], "GET", "/pets/7?id=%24inputs.x",
    ),
    "a text that begins with @": ([*GET, "-p", "query:id=@@x"], "GET", "/pets/7?id=%40x"),
    "the text of a file": ([*GET, "-p", "query:id=@text"], "GET", "/pets/7?id=of%20a%20file"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "method", "target"), TARGETS.values(), ids=TARGETS)
def test_what_is_sent(folder: Path, arguments: list[str], method: str, target: str) -> None:
    (folder / "text").write_text("of a file\n")
    request = _sent(arguments)
    assert (request.method, request.target) == (method, target)


BODIES = {
    "JSON": (['{"name": "Tom", "age": 1.0}'], b'{"name":"Tom","age":1.0}', "application/json"),
    "a file": (["@pet.json"], b'{"name":"Tom"}', "application/json"),
    "members": (["name=Tom", "age=3"], b'{"name":"Tom","age":3}', "application/json"),
    "a text that JSON would read as a number": (['"123"'], b'"123"', "application/json"),
    "what is no JSON": (["hello"], b"hello", "text/plain"),
    "an expression that is none": (['{"name": "$inputs.x"}'], b'{"name":"$inputs.x"}', "application/json"),
    "a Selector Object that is none": (
        ['{"context": "$inputs.x", "selector": "/a", "type": "jsonpointer"}'],
        b'{"context":"$inputs.x","selector":"/a","type":"jsonpointer"}',
        "application/json",
    ),
}


@pytest.mark.parametrize(("texts", "body", "kind"), BODIES.values(), ids=BODIES)
def test_bodies(folder: Path, texts: list[str], body: bytes, kind: str) -> None:
    (folder / "pet.json").write_text('{"name": "Tom"}\n')
    request = _sent(["addPet", *(part for text in texts for part in ("-d", text))])
    sent = request.body
    assert (json.loads(sent) if kind.endswith("json") else sent) == (
        json.loads(body) if kind.endswith("json") else body
    )
    assert request.headers["Content-Type"].partition(";")[0] == kind


REFUSED = {
    "a misspelt operation": (["getPett"], 'did you mean "getPet"?'),
    "a path without its method": (["/pets/{id}"], '"GET /pets/{id}", "DELETE /pets/{id}"'),
    "a method that the path lacks": (["PUT /pets/{id}"], 'this path has "GET /pets/{id}"'),
    "a missing parameter, with its schema": (["getPet"], "integer, minimum 1"),
    "a misspelt parameter": ([*GET, "-p", "tag=1"], 'did you mean "tags"?'),
    "a parameter elsewhere": ([*GET, "-p", "header:tags=1"], '"tags" is in the query'),
    "a name in two places": (["getPet", "-p", "id=1"], "-p path:id=… or -p query:id=…"),
    "a value twice": ([*GET, "-p", "path:id=8"], '"id" is given 2 times'),
    "a missing body, with its schema": (["addPet"], "application/json: object {id: integer"),
    "a body where there is none": ([*GET, "-d", "{}"], "has no request body"),
    "JSON that is none": (["addPet", "-d", "{a", "--content-type", "application/json"], "is no application/json"),
    "a content type that it does not take": (["addPet", "-d", "{}", "--content-type", "text/css"], "it takes app"),
    "a file that is not there": (["addPet", "-d", "@none.json"], "none.json cannot be read"),
    "an expression that would have to be evaluated": (
        ["addPet", "-d", '{"name": "$steps.a.outputs.b"}', "--save", "f.yml"], "add --dry-run",
    ),
    "a stepId that is none": ([*GET, "--save", "f.yml", "--step-id", "a b"], "use letters"),
    "a step that is not in the workflow": (
        ["addPet", "-d", '{"name": "$steps.a.outputs.b"}', "--save", "f.yml", "--dry-run"], 'there is no step "a"',
    ),
    "a file in a folder that is not there": ([*GET, "--save", "none/f.yml"], "none/f.yml cannot be written"),
    "a directory to save in": ([*GET, "--save", "."], "is a directory"),
    "a document of another kind": ([*GET, "--save", "pets.yml"], "is no Arazzo document"),
    "an output file that exists": ([*GET, "-o", "pets.yml"], "replace it with --force"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    with serving(lambda request: json_reply({})) as server:
        assert run(["call", "pets.yml", *arguments, "--server", server.url]) == 2
        assert server.received == []
    printed = capsys.readouterr()
    assert printed.out == ""
    assert said in re.sub(r"\s+", " ", printed.err)
    assert not (folder / "f.yml").exists()
    assert (folder / "pets.yml").read_text() == API


@pytest.mark.parametrize(
    ("api", "said"),
    [
        pytest.param("http://127.0.0.1:1/api.yml", "cannot be fetched", id="a URL that nothing answers"),
        pytest.param("seen.har", "is not a .yaml, .yml or .json file", id="a recording"),
        pytest.param("none.yml", "cannot be read", id="no file"),
        pytest.param(".", "cannot be read: it is a directory", id="a folder"),
    ],
)
def test_a_description_that_cannot_be_read_is_named_once(
    folder: Path, capsys: pytest.CaptureFixture[str], api: str, said: str
) -> None:
    (folder / "seen.har").write_text('{"log": {"entries": []}}')
    assert run(["call", api]) == 2
    message = capsys.readouterr().err.splitlines()[0]
    assert message.startswith(f"error[unreadable-file]: {api} ")
    assert said in message
    assert message.count(f"{api} ") == 1


def test_operations_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["call", "pets.yml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "GET     /pets/{id}     getPet   Read a pet",
        "DELETE  /pets/{id}",
        "POST    /pets          addPet",
        "GET     /shops/{shop}  getShop",
    ]


# ------------------------------------------------------------------ the response


RESPONSE = json.dumps({"id": 1, "access_token": SECRET, "note": f"of {SECRET}"})


PRINTED = {
    "JSON as it is written": (b'{ "z":1,\r\n "a": 1.10 }', "application/json"),
    "null": (b"null", "application/json"),
    "JSON that is none": (b"{", "application/json"),
    "nothing": (b"", "application/json"),
    "bytes": (b"\x00\xff\x1b[2J", "image/png"),
    "a text in Latin-1": ("größe".encode("latin-1"), "text/plain; charset=latin-1"),
    "a form": (b"a=1&b=2", "application/x-www-form-urlencoded"),
}


@pytest.mark.parametrize(("body", "kind"), PRINTED.values(), ids=PRINTED)
def test_the_bytes_of_the_response_are_printed(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes], body: bytes, kind: str
) -> None:
    _sent([*GET, "--checks", "off"], Reply(200, body, [("Content-Type", kind)]))
    assert capfdbinary.readouterr().out == body


def test_json_is_indented_and_bytes_are_named_on_a_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    _sent(GET, Reply(200, b'{"a":"\\u001b[2J"}', [("Content-Type", "application/json")]))
    assert capsys.readouterr().out == '{\n  "a": "\\u001b[2J"\n}\n'
    _sent([*GET, "--checks", "off"], Reply(200, b"a\x1b[2J", [("Content-Type", "text/plain")]))
    assert capsys.readouterr().out == "a\\e[2J\n"
    _sent([*GET, "--checks", "off"], Reply(200, b"\x00\xff", [("Content-Type", "image/png")]))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("status", [404, 500, 302])
def test_another_status_fails_and_its_body_is_printed(
    folder: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    _sent(GET, json_reply({"detail": "no"}, status), code=1)
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"detail": "no"}
    assert f"the status is {status}" in printed.err


def test_an_expected_status_is_a_success(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _sent([*GET, "--expect", "404", "-i"], json_reply({"detail": "no"}, 404))
    assert capsys.readouterr().out.startswith("HTTP 404 Not Found\n")


def test_secrets_of_the_response_are_masked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reply = Reply(200, RESPONSE.encode(), [("Content-Type", "application/json"), ("Set-Cookie", f"s={SECRET}")])
    _sent([*GET, "-i"], reply)
    printed = capsys.readouterr()
    assert SECRET not in printed.out + printed.err
    assert '"access_token": "***"' in printed.out
    _sent([*GET, "-i", "--show-secrets"], reply)
    assert RESPONSE in capsys.readouterr().out
    _sent([*GET, "-o", "body.json"], reply)
    assert capsys.readouterr().out == ""
    assert (folder / "body.json").read_text() == RESPONSE
    if os.name == "posix":
        assert (folder / "body.json").stat().st_mode & 0o777 == 0o600


def test_a_secret_that_is_sent_is_shown_nowhere(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    echo = Reply(200, SECRET.encode(), [("Content-Type", "text/plain")])
    with serving(lambda request: echo) as server:
        report = ["--report", "json=r.json", "--record", "c.yml", "-vv"]
        given = [*GET, "-p", f"X-Token={SECRET}", "--save", "flow.yml"]
        assert run(["call", "pets.yml", *given, "--server", server.url, *report]) == 0
        assert server.received[0].headers["X-Token"] == SECRET
    printed = capsys.readouterr()
    written = [(folder / name).read_text() for name in ("r.json", "c.yml", "flow.yml")]
    assert not [text for text in [printed.out, printed.err, *written] if SECRET in text]
    assert "value: $inputs.X-Token" in written[2]


# ------------------------------------------------------------------ saving


FLOW = """\
# A flow of mine.
arazzo: 1.0.1
info: {title: Mine, version: "1"}   # short
sourceDescriptions:
  - {name: animals, url: ./pets.yml, type: openapi}
workflows:
  - workflowId: one
    steps:
      - stepId: getPet   # the first
        operationId: getPet
        parameters: [{name: id, in: path, value: 1}]
        successCriteria: [{condition: $statusCode == 200}]
    # nothing follows
"""


def _save(arguments: list[str], reply: Reply | None = None) -> None:
    _sent([*arguments, "--save", "flow.yml"], reply)


def test_a_step_is_added_and_all_else_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "flow.yml").write_text(FLOW)
    _save([*GET, "-p", f"X-Token={SECRET}"], json_reply({"id": 7}))
    text = (folder / "flow.yml").read_text()
    assert [line for line in FLOW.splitlines() if line not in text.splitlines()] == []
    assert "- stepId: getPet2" in text
    assert "id: $response.body#/id" in text
    assert "      properties:\n        X-Token:\n          type: string\n          format: password\n" in text
    assert text.count("sourceDescriptions") == text.count("pets.yml") == 1
    assert run(["validate", "--strict", "flow.yml"]) == 0
    _save([*GET, "-p", f"X-Token={SECRET}"], json_reply({"id": 7}))
    text = (folder / "flow.yml").read_text()
    assert text.count("X-Token:") == 1
    assert text.count("$inputs.X-Token") == 2
    assert run(["validate", "--strict", "flow.yml"]) == 0


def test_another_description_becomes_a_source(folder: Path) -> None:
    (folder / "flow.yml").write_text(FLOW.replace("animals", "pets").replace("./pets.yml", "./other.yml"))
    (folder / "other.yml").write_text(API)
    _save(["addPet", "-d", "name=Tom", "--workflow", "two"], json_reply({"id": 7}, 201))
    text = (folder / "flow.yml").read_text()
    assert "  - name: pets2\n    url: ./pets.yml\n" in text
    assert "operationId: $sourceDescriptions.pets2.addPet" in text
    assert "  - workflowId: two\n" in text


def test_a_call_that_fails_is_not_saved(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _sent([*GET, "--save", "flow.yml"], json_reply({}, 404), code=1)
    assert not (folder / "flow.yml").exists()
    assert "not saved" in capsys.readouterr().err
    _sent([*GET, "--save", "flow.yml", "--expect", "404"], json_reply({}, 404))
    assert "$statusCode == 404" in (folder / "flow.yml").read_text()


def test_what_is_changed_in_the_document_meanwhile_stays(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "flow.yml").write_text(FLOW)
    changed = FLOW.replace("mine", "ours")

    def answer(request: Request) -> Reply:
        (folder / "flow.yml").write_text(changed)
        return json_reply({"id": 7})

    with serving(answer) as server:
        assert run(["call", "pets.yml", *GET, "--save", "flow.yml", "--server", server.url]) == 0
    text = (folder / "flow.yml").read_text()
    assert "A flow of ours" in text
    assert "getPet2" in text


def test_calls_at_the_same_time_are_all_saved(folder: Path) -> None:
    (folder / "flow.yml").write_text(FLOW)
    command = [sys.executable, "-m", "arazzo_runner", "call", "pets.yml", *GET, "--mock", "-q", "--save", "flow.yml"]
    calls = [subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
    assert [each.wait(60) for each in calls] == [0] * 4
    assert run(["validate", "--strict", "flow.yml"]) == 0
    assert (folder / "flow.yml").read_text().count("stepId:") == 5
    assert [each.name for each in folder.iterdir() if each.name.startswith(".")] == []


LAYOUTS = {
    "inputs that are a reference": ("    steps:\n", "    inputs: {$ref: '#/components/inputs/x'}\n    steps:\n"),
    "no steps": (FLOW[FLOW.index("    steps:\n") :], "    steps:\n"),
    "a workflow that is a text": (FLOW[FLOW.index("  - workflowId") :], "  - one\n"),
    "sources that are a mapping": ("  - {name: animals, url: ./pets.yml, type: openapi}\n", "  a: b\n"),
    "no YAML": ("arazzo: 1.0.1", "arazzo: [1.0.1"),
}


@pytest.mark.parametrize(("before", "after"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_document_that_cannot_take_the_step_is_refused_before_anything_is_sent(
    folder: Path, capsys: pytest.CaptureFixture[str], before: str, after: str
) -> None:
    text = FLOW.replace(before, after)
    (folder / "flow.yml").write_text(text)
    with serving(lambda request: json_reply({})) as server:
        line = ["call", "pets.yml", *GET, "-p", f"X-Token={SECRET}", "--save", "flow.yml", "--server", server.url]
        assert run(line) == 2
        assert server.received == []
    assert (folder / "flow.yml").read_text() == text
    assert re.search(r"--> flow.yml:\d+:\d+", capsys.readouterr().err)
