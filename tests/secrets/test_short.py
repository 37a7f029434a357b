"""Secrets of fewer than 8 characters: masked where one is a whole value, never inside a longer text."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

import arazzo_runner
from arazzo_runner import Credentials, InvalidInputs, Secrets
from arazzo_runner.cli.main import run
from arazzo_runner.program.schemas import secret_values
from arazzo_runner.report.runs.formats import KINDS
from arazzo_runner.runtime.cassette.placeholders import Placeholders
from tests.loopback import json_reply, serving

PIN, CODE, WORD, MARK = "zq7", "wv3x", "kj#9", "yb5"
WHOLE = {
    "alone": ("zq7", "***"),
    "alone on its line": ("a\nzq7\nb", "a\n***\nb"),
    "a member of JSON": ('{"pin":"zq7"}', '{"pin":"***"}'),
    "a member of JSON in JSON": (r'"{\"pin\":\"zq7\"}"', r'"{\"pin\":\"***\"}"'),
    "a member in HTML": ("&quot;zq7&quot;", "&quot;***&quot;"),
    "a form field": ("a=b&pin=zq7", "a=b&pin=***"),
    "an escaped form field": ("a=b&word=kj%239", "a=b&word=***"),
    "a query parameter": ("https://a.test/?pin=zq7#x", "https://a.test/?pin=***#x"),
    "a cookie": ("pin=zq7; b=c", "pin=***; b=c"),
    "a bearer token": ("Authorization: Bearer zq7", "Authorization: Bearer ***"),
    "a password of a URL": ("https://me:zq7@a.test", "https://me:***@a.test"),
    "the text of an element": ("<pin>zq7</pin>", "<pin>***</pin>"),
    "quoted in a message": ('found string "zq7"', 'found string "***"'),
    "in base64": ("enE3", "***"),
    "an argument of curl": ('curl --data-raw \'{"pin":"zq7"}\'', 'curl --data-raw \'{"pin":"***"}\''),
}
PARTS = [
    "zq78", "azq7", "zq7-1", "there are zq7 of them", "zq7 of zq7", "a==zq7", "a>=zq7", "v1/zq7x", "pin=zq7x", '"zq7 x"', "zq7, zq7", "kj",
]  # fmt: skip


@pytest.fixture
def secrets():
    found = Secrets()
    found.declare([PIN, WORD, ""])
    return found


@pytest.mark.parametrize("case", WHOLE)
def test_a_short_secret_that_is_a_whole_value_is_masked(secrets, case):
    text, shown = WHOLE[case]
    assert secrets.mask(text) == shown


@pytest.mark.parametrize("text", PARTS)
def test_a_text_that_holds_a_short_secret_is_not_torn(secrets, text):
    assert secrets.mask(text) == text
    assert secrets.mask_value({"a": [text]}) == {"a": [text]}


def test_a_pin_of_one_digit_leaves_other_texts_alone():
    secrets = Secrets()
    secrets.declare("1")
    value = {"pin": "1", "count": 1, "id": "a1", "list": ["1", "11"], "1": "one"}
    assert secrets.mask_value(value) == {"pin": "***", "count": 1, "id": "a1", "list": ["***", "11"], "1": "one"}
    assert secrets.mask("1 of 11 steps; HTTP/1.1; $a >= 1") == "1 of 11 steps; HTTP/1.1; $a >= 1"


def test_a_short_text_that_nobody_declared_is_no_secret():
    assert Secrets([PIN]).mask(PIN) == PIN


def test_a_segment_of_a_path_is_masked_in_a_url(secrets):
    assert secrets.mask_url("https://zq7/zq7/v1/zq7x?a=zq7") == "https://zq7/***/v1/zq7x?a=***"


def test_bytes_that_are_no_text_are_searched_too():
    secrets = Secrets()
    secrets.declare("zö7")
    part = 'name="pin"\r\n\r\nzö7\r\n--b'.encode()
    assert Placeholders(secrets).data(b"\xff\xfe\r\n" + part) == b'\xff\xfe\r\nname="pin"\r\n\r\narazzo-secret-1\r\n--b'


def test_secrets_deep_in_inputs_are_found_soon_through_schemas_that_repeat_themselves():
    """Each level has two schemas for its member: taken one by one they would be looked at 2⁶⁰ times."""
    schema = {"allOf": [{"properties": {"a": {"$ref": "#/x"}}}, {"properties": {"a": {"$ref": "#/x"}}}]}
    value: object = [{"pin": PIN, "password": WORD}]
    for _ in range(60):
        value = {"a": value}
    assert list(secret_values(value, schema, {"x": schema})) == [WORD]


# ------------------------------------------------------------------ a whole run

INPUTS = {
    "type": "object",
    "properties": {
        "pin": {"type": "string", "format": "password"},
        "code": {"type": "string", "writeOnly": True},
        "login": {"type": "object", "properties": {"word": {"type": "string", "x-secret": True}}},
        "marks": {"type": "array", "items": {"$ref": "#/components/inputs/mark"}},
    },
    "patternProperties": {"^extra": {"type": "string", "format": "password"}},
}
SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "basic": {"type": "http", "scheme": "basic"},
    "key": {"type": "apiKey", "in": "query", "name": "k"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "c"},
}
CREDENTIALS = {"bearer": "tb4", "basic": {"user": "me", "password": "bp6"}, "key": "qk2", "cookie": "ck8"}
EVERY = (PIN, CODE, WORD, MARK, "xt4", "tb4", "bp6", "qk2", "ck8")


def api(url):
    def operation(name, kind, security):
        body = {"content": {kind: {"schema": {"type": "object"}}}}
        responses = {"200": {"description": "ok", "content": {"application/json": {}}}}
        return {"operationId": name, "requestBody": body, "responses": responses, "security": [{security: []}]}

    paths = {
        f"/{name}": {"post": operation(name, kind, security)}
        for name, kind, security in [
            ("json", "application/json", "bearer"),
            ("form", "application/x-www-form-urlencoded", "basic"),
            ("other", "application/json", "key"),
            ("last", "application/json", "cookie"),
        ]
    }
    head = {"openapi": "3.0.3", "info": {"title": "A", "version": "1"}, "servers": [{"url": url}]}
    return {**head, "paths": paths, "components": {"securitySchemes": SCHEMES}}


def document():
    values = {
        "pin": "$inputs.pin",
        "code": "$inputs.code",
        "word": "$inputs.login#/word",
        "mark": "$inputs.marks#/0",
        "extra": "$inputs.extra1",
    }
    places = [("query", "q"), ("header", "X-Pin"), ("cookie", "biscuit")]
    parameters = [{"name": name, "in": place, "value": "$inputs.pin"} for place, name in places]
    steps = [
        {
            "stepId": name,
            "operationId": name,
            "parameters": parameters,
            "requestBody": {"payload": values},
            "successCriteria": [{"condition": "$statusCode == 200"}],
            "outputs": {"echo": "$response.body#/form", "seen": "$response.body#/said"},
        }
        for name in ("json", "form", "other", "last")
    ]
    steps[-1]["successCriteria"].append({"condition": "$inputs.pin == $response.body#/none"})
    return {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}],
        "workflows": [
            {"workflowId": "w", "inputs": INPUTS, "steps": steps, "outputs": {"echo": "$steps.json.outputs.echo"}}
        ],
        "components": {"inputs": {"mark": {"type": "string", "x-sensitive": True}}},
    }


GIVEN = {"pin": PIN, "code": CODE, "login": {"word": WORD}, "marks": [MARK], "extra1": "xt4"}


def echo(request):
    """Answer with everything that was sent, in every form."""
    text = request.body.decode()
    is_json = "json" in request.headers.get("Content-Type", "")
    values = json.loads(text) if is_json else dict(parse_qsl(text))
    form = {**values, "query": dict(parse_qsl(urlsplit(request.target).query))}
    said = [text, request.headers.get("Cookie", ""), request.headers.get("Authorization", ""), request.headers["X-Pin"]]
    return json_reply(
        {"form": form, "said": said, "target": request.target},
        200,
        ("X-Echo", request.headers["X-Pin"]),
        ("Set-Cookie", f"s={PIN}"),
    )


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("NO_COLOR", "1")
    for name, value in CREDENTIALS.items():
        for field, text in value.items() if isinstance(value, dict) else [("", value)]:
            monkeypatch.setenv(f"ARAZZO_AUTH_API_{name.upper()}{field and '_'}{field.upper()}", text)
    (tmp_path / "w.json").write_text(json.dumps(document(), indent=1), encoding="utf-8")
    (tmp_path / "in.json").write_text(json.dumps(GIVEN), encoding="utf-8")
    with serving(echo) as server:
        (tmp_path / "api.json").write_text(json.dumps(api(server.url)), encoding="utf-8")
        yield tmp_path


def leaks(text):
    return [secret for secret in EVERY if secret in text]


@pytest.mark.parametrize("arguments", [[], ["-v"], ["-vv"], ["--format", "json"]], ids=" ".join)
def test_the_command_line_shows_none_of_them(folder, capsys, arguments):
    files = [each for kind in KINDS for each in ("--report", f"{kind}=out-{kind}.txt")]
    recording = ["--record", "cassette.yml"]
    assert run(["run", "w.json", "--input-file", "in.json", *arguments, *files, *recording]) == 1
    printed = capsys.readouterr()
    assert leaks(printed.out + printed.err) == []
    written = sorted([*folder.glob("out-*"), *folder.glob("cassette.yml")])
    assert [path.name for path in written if leaks(path.read_text(encoding="utf-8"))] == []
    assert len(written) == len(KINDS) + 1


def test_a_dry_run_shows_none_of_them(folder, capsys):
    assert run(["run", "w.json", "--input-file", "in.json", "--dry-run"]) == 0
    printed = capsys.readouterr()
    assert leaks(printed.out + printed.err) == []
    assert "X-Pin: ***" in printed.out


def test_the_server_did_get_them(folder, capsys):
    run(["run", "w.json", "--input-file", "in.json", "--output", "out.json", "--show-secrets"])
    shown = capsys.readouterr().out
    assert [secret for secret in (PIN, CODE, WORD, MARK, "xt4") if secret not in shown] == []


def test_a_cassette_with_short_secrets_is_played_back(folder, capsys):
    run(["run", "w.json", "--input-file", "in.json", "--record", "cassette.yml"])
    capsys.readouterr()
    assert run(["replay", "cassette.yml"]) == 0


def test_python_shows_none_of_them_in_records(folder):
    events = []
    result = arazzo_runner.run(
        "w.json",
        inputs=GIVEN,
        credentials=Credentials({"api": CREDENTIALS}),
        on_event=lambda event, secrets: events.append((event, secrets)),
    )
    assert result.status == "failed"
    assert leaks(repr(result)) == []
    assert [event for event, _ in events if leaks(repr(event))] == []
    assert [kind for kind in KINDS if leaks(arazzo_runner.render_report(kind, {"a": result, "b": result}))] == []


WRONG = {
    "an input by name": {"pin": ["zq7"]},
    "a member of an object": {"login": {"word": {"a": "kj#9"}}},
    "a member that is no text": {"login": {"word": ["kj#9"]}},
    "an item of a list": {"marks": [{"a": "yb5"}]},
    "a property by pattern": {"extra9": ["wv3x"]},
}


@pytest.mark.parametrize("case", WRONG)
def test_a_refused_input_is_not_shown(folder, capsys, case):
    with pytest.raises(InvalidInputs) as refused:
        arazzo_runner.run("w.json", inputs={**GIVEN, **WRONG[case]})
    assert leaks(str(refused.value)) == []
    Path("in.json").write_text(json.dumps({**GIVEN, **WRONG[case]}), encoding="utf-8")
    assert run(["run", "w.json", "--input-file", "in.json"]) == 2
    assert leaks(capsys.readouterr().err) == []
