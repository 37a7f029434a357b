"""Postman collections as workflows: what requests, variables, credentials and scripts become."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, strategies as st

from arazzo_runner.api import run
from arazzo_runner.cli.main import run as command
from arazzo_runner.document.source_map import from_value
from arazzo_runner.generate.generated import Generated
from arazzo_runner.generate.postman.from_postman import from_postman
from arazzo_runner.generate.postman.script_effects import FromBody, FromHeader
from arazzo_runner.generate.postman.scripts import read_script
from arazzo_runner.generate.writing import draft_text
from tests.generate.collections_at_random import SECRETS, collection

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "specs" / "postman" / "library.postman_collection.json"
BRANCH = ROOT / "specs" / "postman" / "branch.postman_environment.json"
JSON = [{"key": "Content-Type", "value": "application/json"}]


def generated(*items: Any, environment: Any = None, **more: Any) -> Generated:
    """Return what is generated of a collection with these items."""
    value = {"info": {"name": "Shop"}, "item": list(items), **more}
    given = None if environment is None else from_value({"values": environment}, "environment.json")
    return from_postman(from_value(value, "collection.json"), name="shop", environment=given)


def request(name: str = "Get", url: Any = "https://shop.example.com/x", **more: Any) -> dict[str, Any]:
    """Return an item with a request; `test` are the lines of its script."""
    script = more.pop("test", None)
    event = [{"listen": "test", "script": {"exec": script}}] if script else []
    event += [{"listen": "prerequest", "script": {"exec": more.pop("before")}}] if "before" in more else []
    return {"name": name, "event": event, "request": {"method": "GET", "url": url, **more}}


def workflow(found: Generated, number: int = 0) -> dict[str, Any]:
    """Return a workflow as it is written."""
    workflow: dict[str, Any] = yaml.safe_load(draft_text(found.draft))["workflows"][number]
    return workflow


def described(found: Generated) -> dict[str, Any]:
    """Return the one description beside the document."""
    (text,) = found.beside.values()
    description: dict[str, Any] = yaml.safe_load(text)
    return description


def written(found: Generated, folder: Path) -> Path:
    """Write what is generated; return the file of the document."""
    for name, text in {**found.beside, "flow.yml": draft_text(found.draft)}.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "flow.yml"


# ------------------------------------------------------------------ the whole


@pytest.mark.parametrize("environment", [[], ["--environment", str(BRANCH)]], ids=["without", "with an environment"])
def test_a_collection_becomes_workflows_that_are_valid_and_run(
    environment: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow = str(tmp_path / "flow.yml")
    assert command(["generate", str(LIBRARY), "-o", flow, *environment]) == 0
    assert command(["validate", "--strict", flow]) == 0
    assert command(["run", flow, "-w", "*", "--mock", "--sample-inputs"]) == 0
    printed = capsys.readouterr()
    text = printed.err + "".join(each.read_text() for each in tmp_path.iterdir())
    assert "correct-horse-battery" not in text
    assert "kept-from-the-last-session" not in text
    assert "not translated: pm.expect(pm.response.responseTime).to.be.below(800);" in text
    assert ("branch.library.example.com" in text) == bool(environment)


@pytest.mark.parametrize("seed", range(0, 400, 7))
def test_any_collection_becomes_a_valid_document_without_its_secrets(
    seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = from_value(collection(seed), "collection.json")
    found = from_postman(document, name="any")
    assert draft_text(found.draft) == draft_text(from_postman(document, name="any").draft)
    flow = written(found, tmp_path)
    assert command(["validate", "--strict", str(flow)]) == 0, capsys.readouterr().out
    everything = "".join([*found.beside.values(), flow.read_text(), *(each.message for each in found.warnings)])
    assert not any(secret in everything for secret in SECRETS)


# ------------------------------------------------------------------ requests


def test_folders_are_workflows_and_requests_outside_of_them_are_one() -> None:
    inner = {"name": "Deep inside", "item": [request("C")]}
    found = generated(request("A"), {"name": "Empty", "item": []}, {"name": "Out", "item": [inner, request("B")]})
    ids = {each.workflow_id: [step.step_id for step in each.steps] for each in found.draft.workflows}
    assert ids == {"shop": ["a"], "out-deep-inside": ["c"], "out": ["b"]}


PATHS = [
    ("https://shop.example.com/a/:id?x=1", "https://shop.example.com", "/a/{id}", "a path variable without a value"),
    ("{{base}}/a/{{id}}", "https://shop.example.com/v1", "/a/{id}", "a server in a variable"),
    ("{{base}}", "https://shop.example.com", "/v1", "a variable that is a whole URL"),
    (
        "shop.example.com:8080/a b/{x}",
        "http://shop.example.com:8080",
        "/a%20b/%7Bx%7D",
        "no scheme, and odd characters",
    ),
    ("https://me:pw@shop.example.com/", "https://shop.example.com", "/", "a password in the URL"),
    ("{{nothing}}/a/:x/b/{{x}}", "{server}", "/a/{x}/b/{x2}", "a server without a value"),
]


@pytest.mark.parametrize(("url", "server", "path"), [pytest.param(*each[:3], id=each[3]) for each in PATHS])
def test_a_url_is_a_server_and_a_path(url: str, server: str, path: str) -> None:
    found = generated(
        request(url=url),
        variable=[{"key": "base", "value": "https://{{host}}/v1"}, {"key": "host", "value": "shop.example.com"}],
    )
    description = described(found)
    assert description["servers"][0]["url"] == server
    assert list(description["paths"]) == [path]


def test_what_is_disabled_is_left_out() -> None:
    url = {
        "raw": "https://shop.example.com/a",
        "query": [{"key": "x", "value": "1"}, {"key": "x", "value": "2"}, {"key": "y", "value": "3", "disabled": True}],
    }
    header = [{"key": "X-On", "value": "{{v}}"}, {"key": "X-Off", "value": "1", "disabled": True}]
    variable = [{"key": "v", "value": "1", "disabled": True}]
    found = workflow(generated(request(url=url, header=header), variable=variable))
    assert found["inputs"]["properties"] == {"v": {"type": "string"}}
    assert found["steps"][0]["parameters"] == [
        {"name": "x", "in": "query", "value": ["1", "2"]},
        {"name": "X-On", "in": "header", "value": "$inputs.v"},
    ]


BODIES: list[tuple[str, dict[str, Any], Any]] = [
    (
        "JSON with comments, and a variable outside of quotes",
        {"mode": "raw", "raw": '{"n": {{n}}, // the number\n "u": "http://x", "t": "a {{t}}"}'},
        {"n": "$inputs.n", "u": "http://x", "t": "a {$inputs.t}"},
    ),
    ("text that is no JSON", {"mode": "raw", "raw": "a={{t}}"}, "a={$inputs.t}"),
    ("a text like an expression", {"mode": "raw", "raw": "{$inputs.none}"}, "$inputs.text"),
    (
        "a form, with a field twice and a password",
        {
            "mode": "urlencoded",
            "urlencoded": [
                {"key": "a", "value": "1"},
                {"key": "a", "value": "2"},
                {"key": "password", "value": "open-sesame"},
            ],
        },
        {"a": ["1", "2"], "password": "$inputs.password"},
    ),
    (
        "a file",
        {"mode": "formdata", "formdata": [{"key": "photo", "type": "file", "src": "/home/me/cat.png"}]},
        {"photo": "$inputs.photo"},
    ),
    (
        "GraphQL",
        {"mode": "graphql", "graphql": {"query": "query($id: ID!) { a(id: $id) }", "variables": '{"id": {{n}}}'}},
        {"query": "query($id: ID!) { a(id: $id) }", "variables": {"id": "$inputs.n"}},
    ),
]


@pytest.mark.parametrize(("body", "payload"), [pytest.param(*each[1:], id=each[0]) for each in BODIES])
def test_a_body_becomes_a_payload(body: dict[str, Any], payload: Any, tmp_path: Path) -> None:
    found = generated(
        request(method="POST", body=body, header=JSON if "JSON with" in str(body) else []),
        variable=[{"key": "n", "value": "5"}],
    )
    written_workflow = workflow(found)
    assert written_workflow["steps"][0]["requestBody"]["payload"] == payload
    inputs = written_workflow.get("inputs", {}).get("properties", {})
    assert inputs.get("n", {}).get("default", 5) == 5
    assert "open-sesame" not in draft_text(found.draft)
    assert run(written(found, tmp_path), mock=True, sample_inputs=True).status == "succeeded"


# ------------------------------------------------------------------ credentials


AUTH: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "bearer", "bearer": [{"key": "token", "value": "top-secret-1"}]}, {"type": "http", "scheme": "bearer"}),
    ({"type": "basic", "basic": {"username": "me", "password": "top-secret-1"}}, {"type": "http", "scheme": "basic"}),
    (
        {"type": "apikey", "apikey": [{"key": "key", "value": "X-K"}, {"key": "value", "value": "top-secret-1"}]},
        {"type": "apiKey", "in": "header", "name": "X-K"},
    ),
    (
        {
            "type": "oauth2",
            "oauth2": [
                {"key": "grant_type", "value": "client_credentials"},
                {"key": "accessTokenUrl", "value": "https://login.example.com/token"},
                {"key": "scope", "value": "read write"},
                {"key": "clientSecret", "value": "top-secret-1"},
            ],
        },
        {
            "type": "oauth2",
            "flows": {
                "clientCredentials": {
                    "tokenUrl": "https://login.example.com/token",
                    "scopes": {"read": "", "write": ""},
                }
            },
        },
    ),
]


@pytest.mark.parametrize(("auth", "scheme"), AUTH, ids=[each[0]["type"] for each in AUTH])
def test_credentials_of_a_collection_are_schemes_without_their_values(
    auth: dict[str, Any], scheme: dict[str, Any]
) -> None:
    open_request = request("Open", url="https://shop.example.com/open", auth={"type": "noauth"})
    script = ["send('top-secret-1')"]
    found = generated(request(test=script), {"name": "F", "item": [open_request]}, auth=auth)
    description = described(found)
    (name,) = description["components"]["securitySchemes"]
    assert description["components"]["securitySchemes"][name] == scheme
    assert description["paths"]["/x"]["get"]["security"] == [{name: []}]
    assert "security" not in description["paths"]["/open"]["get"]
    assert "top-secret-1" not in str(found) + draft_text(found.draft) + json.dumps(description)


def test_a_kind_of_credentials_that_openapi_lacks_is_reported_once() -> None:
    found = generated(request("A"), request("B"), auth={"type": "hawk", "hawk": []})
    assert [each.message for each in found.warnings] == ['credentials of the kind "hawk" are not translated']


def test_a_token_that_a_script_got_is_sent_by_the_steps_of_other_folders() -> None:
    login = request("Log in", test=['pm.globals.set("t", pm.response.json().token)'], auth={"type": "noauth"})
    auth = {"type": "bearer", "bearer": [{"key": "token", "value": "{{t}}"}]}
    found = generated({"name": "In", "item": [login]}, {"name": "Use", "item": [request("Get")]}, auth=auth)
    steps = workflow(found, 1)["steps"]
    assert steps[0]["workflowId"] == "in"
    assert steps[1]["parameters"] == [
        {"name": "Authorization", "in": "header", "value": "Bearer {$steps.run-in.outputs.t}"}
    ]


# ------------------------------------------------------------------ variables


def test_an_environment_replaces_values_and_secrets_have_none() -> None:
    url = "https://shop.example.com/{{a}}/{{b}}/{{pin}}/{{apiKey}}"
    variable = [{"key": "a", "value": "1"}, {"key": "b", "value": 2}, {"key": "apiKey", "value": "abc"}]
    environment = [{"key": "a", "value": "9"}, {"key": "pin", "value": "1234", "type": "secret"}]
    assert workflow(generated(request(url=url), variable=variable, environment=environment))["inputs"] == {
        "type": "object",
        "required": ["pin", "apiKey"],
        "properties": {
            "a": {"type": "string", "default": "9"},
            "b": {"type": "string", "default": "2"},
            "pin": {"type": "string", "format": "password"},
            "apiKey": {"type": "string", "format": "password"},
        },
    }


def test_a_variable_is_what_the_last_script_before_the_request_set() -> None:
    first = request(
        "A", test=['pm.environment.set("x", pm.response.json().id)'], header=[{"key": "H", "value": "{{x}}"}]
    )
    second = request("B", before=['pm.variables.set("y", "n-" + pm.environment.get("x"))'])
    second["request"]["header"] = [{"key": "H", "value": "{{y}}"}]
    steps = workflow(generated(first, second, variable=[{"key": "x", "value": "0"}]))["steps"]
    assert [step["parameters"][0]["value"] for step in steps] == ["$inputs.x", "n-{$steps.a.outputs.x}"]


# ------------------------------------------------------------------ scripts

SETTINGS = [
    ('pm.environment.set("x", pm.response.json().a.b);', [FromBody(("a", "b"))], "the body"),
    ('const j = pm.response.json()\npm.globals.set("x", j["a-b"][0]?.c)', [FromBody(("a-b", 0, "c"))], "by a name"),
    ('var d = JSON.parse(responseBody);\npostman.setGlobalVariable("x", d.id)', [FromBody(("id",))], "the old way"),
    ('const { id: n } = pm.response.json(); pm.variables.set("x", n)', [FromBody(("id",))], "taken apart"),
    (
        'pm.collectionVariables.set("x", `Bearer ${pm.response.json().t}`)',
        ["Bearer ", FromBody(("t",)), ""],
        "a template",
    ),
    ('pm.environment.set("x", pm.response.headers.get("Location"))', [FromHeader("Location")], "a header"),
    (
        'if (pm.response.code === 200) {\n  pm.environment.set("x", pm.response.json().id);\n}',
        [FromBody(("id",))],
        "if it passed",
    ),
]


@pytest.mark.parametrize(("script", "parts"), [pytest.param(*each[:2], id=each[2]) for each in SETTINGS])
def test_a_script_sets_a_variable(script: str, parts: list[Any]) -> None:
    found = read_script(script.split("\n"), has_response=True)
    assert [(each.name, list(each.parts)) for each in found.settings] == [("x", parts)]
    assert found.untranslated == []


CRITERIA = [
    ("pm.response.to.have.status(201)", ["$statusCode == 201"]),
    ('pm.response.to.have.status("Created")', ["$statusCode == 201"]),
    (
        "pm.test('t', function () { pm.expect(pm.response.code).to.be.oneOf([200, 204]); });",
        ["$statusCode == 200 || $statusCode == 204"],
    ),
    ("pm.response.to.be.ok", ["$statusCode == 200"]),
    ("pm.response.to.be.success", ["$statusCode >= 200", "$statusCode < 300"]),
    ("pm.response.to.not.have.status(500)", ["$statusCode != 500"]),
    ('tests["fine"] = responseCode.code === 200', ["$statusCode == 200"]),
    (
        'pm.expect(pm.response.json().x).to.eql("it\'s")',
        ["$statusCode >= 200 && $statusCode < 300", "$response.body#/x == 'it''s'"],
    ),
    (
        "pm.expect(pm.response.json().ok).to.be.true",
        ["$statusCode >= 200 && $statusCode < 300", "$response.body#/ok == true"],
    ),
    (
        "pm.expect(pm.response.json().n).to.be.at.least(3)",
        ["$statusCode >= 200 && $statusCode < 300", "$response.body#/n >= 3"],
    ),
    (
        'pm.response.to.have.header("X-A", "b")',
        ["$statusCode >= 200 && $statusCode < 300", "$response.header.X-A == 'b'"],
    ),
]


@pytest.mark.parametrize(("script", "conditions"), CRITERIA, ids=[each[0] for each in CRITERIA])
def test_an_assertion_becomes_a_criterion(script: str, conditions: list[str], tmp_path: Path) -> None:
    found = generated(request(test=script.split("\n")))
    assert [each["condition"] for each in workflow(found)["steps"][0]["successCriteria"]] == conditions
    assert found.warnings == ()
    assert run(written(found, tmp_path), mock=True, sample_inputs=True).status == "succeeded"


UNTRANSLATED = [
    "console.log(pm.response.json().x)",
    "pm.expect(pm.response.responseTime).to.be.below(200)",
    'pm.environment.set("x", new Date())',
    'pm.sendRequest("https://shop.example.com", () => {})',
    'pm.expect(pm.response.json().x).to.eql("$steps.a.outputs.b")',
    "foo(((",
    "if (pm.response.code === 200) { send() }",
]


@pytest.mark.parametrize("line", UNTRANSLATED)
def test_a_line_that_is_not_translated_is_reported_and_a_comment(line: str) -> None:
    found = generated(request(test=["", line]))
    (warning,) = found.warnings
    assert warning.code == "not-translated"
    assert warning.at.pointer == "/item/0/event/0/script/exec/1"
    assert line.replace(">", " ")[:20] in warning.message
    assert "      # not translated: " in draft_text(found.draft)


def test_an_expectation_of_a_request_replaces_that_of_its_folder() -> None:
    event = [{"listen": "test", "script": {"exec": ["pm.response.to.have.status(200)"]}}]
    folder = {
        "name": "F",
        "event": event,
        "item": [request("A", test=["pm.response.to.have.status(404)"]), request("B")],
    }
    found = generated(folder)
    steps = workflow(found)["steps"]
    assert [step["successCriteria"] for step in steps] == [
        [{"condition": "$statusCode == 404"}],
        [{"condition": "$statusCode == 200"}],
    ]
    assert len(found.warnings) == 1


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=80), st.booleans())
def test_any_script_is_read(text: str, has_response: bool) -> None:
    script = read_script(text.split("\n"), has_response=has_response)
    assert all(1 <= each <= text.count("\n") + 1 for each in script.untranslated)


@pytest.mark.parametrize("text", ["(" * 50_000, "a." * 50_000, "a(" * 900 + ")" * 900, "`${" * 9_000, "if (" * 5_000])
def test_a_hostile_script_is_not_translated(text: str) -> None:
    assert read_script([text], has_response=True).untranslated == [1]


# ------------------------------------------------------------------ what is no collection

BROKEN: list[tuple[str, Any, str]] = [
    ("no items", {"info": {}, "item": []}, "the collection has no request"),
    ("items that are no list", {"info": {}, "item": "x"}, "`item` is"),
    ("an item that is a text", {"info": {}, "item": ["x"]}, "where an object is expected"),
    ("an item without a request", {"info": {}, "item": [{"name": "x"}]}, "neither `item` nor `request`"),
    ("headers that are an object", {"info": {}, "item": [{"request": {"url": "x", "header": {}}}]}, "`header` is"),
    ("a body that is a list", {"info": {}, "item": [{"request": {"url": "https://x.test", "body": []}}]}, "an object"),
    ("no request that can be sent", {"info": {}, "item": [{"request": "ftp://x.test/a"}]}, "not one of http"),
]


@pytest.mark.parametrize(("value", "message"), [pytest.param(*each[1:], id=each[0]) for each in BROKEN])
def test_a_broken_collection_has_one_clear_message(
    value: Any, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(value))
    assert command(["generate", str(file)]) == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert "Traceback" not in printed
    assert printed.count("[") >= 1
    assert ("export a collection that has requests" in printed) == (message == "the collection has no request")


def test_an_environment_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "environment.json"
    file.write_text("{}")
    assert command(["generate", str(LIBRARY), "--environment", str(file), "-o", str(tmp_path / "x.yml")]) == 2
    printed = capsys.readouterr().err
    assert "this is not a Postman environment" in printed
    assert "help: name the file that Postman exports from its environments" in printed


def test_a_collection_of_format_2_0_is_read() -> None:
    item = {
        "name": "Old",
        "request": {
            "url": "https://shop.example.com/a?b=1",
            "method": "post",
            "header": "X-A: 1\nContent-Type: application/json\n",
            "auth": {"type": "bearer", "bearer": {"token": "x"}},
            "body": {"mode": "raw", "raw": "{}"},
        },
        "event": [{"listen": "test", "script": {"exec": "pm.response.to.have.status(200)"}}],
    }
    step = workflow(generated(item))["steps"][0]
    assert [each["name"] for each in step["parameters"]] == ["b", "X-A"]
    assert step["successCriteria"] == [{"condition": "$statusCode == 200"}]
