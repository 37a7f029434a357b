"""Cassettes are read back as written, and contain no secrets."""

from __future__ import annotations

import base64
import copy
import json

import pytest
import yaml
from hypothesis import given, strategies as st

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.runtime.cassette.differences import differences
from arazzo_runner.runtime.cassette.file import cassette_text, read_cassette
from arazzo_runner.runtime.cassette.placeholders import Placeholders
from arazzo_runner.runtime.cassette.world import Cassette, Interaction
from tests.hostile.battery import changed

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


def exchange(key, content_type, body):
    headers = (("Content-Type", content_type), ("X-Odd", "a: b"))
    request = HttpRequest("POST", "https://api.test/v1/a%20b?x=1&y=", headers, body)
    answer = HttpResponse(200, headers, body, 1.5)
    return Interaction(key=key, started=1.25, source="s", server="https://api.test/v1", request=request, answer=answer)


@given(value=JSON, text=TEXTS, raw=st.binary())
def test_bodies_come_back_as_they_were(tmp_path_factory, value, text, raw):
    written = Cassette(
        document="d.yml",
        workflow_id="w",
        status="succeeded",
        outputs={"value": value, "text": text},
        interactions=(
            exchange("a#1", "application/json", json.dumps(value).encode()),
            exchange("b#1", "text/plain", text.encode()),
            exchange("c#1", "application/octet-stream", raw),
        ),
    )
    path = tmp_path_factory.getbasetemp() / "round.yml"
    path.write_text(cassette_text(written, Placeholders(Secrets())), encoding="utf-8")
    read = read_cassette(path)
    assert dict(read.outputs) == dict(written.outputs)
    assert json.loads(read.interactions[0].answer.body) == value
    assert [each.answer.body for each in read.interactions[1:]] == [text.encode(), raw]
    assert all(
        not differences(was.request, now.request)
        for was, now in zip(written.interactions, read.interactions, strict=True)
    )


SECRET = "s3cr3t/välue+=&"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", json.dumps({"deep": [{"x": SECRET}]}), id="JSON, escaped"),
        pytest.param("application/json", json.dumps({"password": "short"}), id="a short value under a secret name"),
        pytest.param("application/x-www-form-urlencoded", "a=s3cr3t%2Fv%C3%A4lue%2B%3D%26&b=1", id="a form, encoded"),
        pytest.param("application/x-www-form-urlencoded", "password=short&b=1", id="a short field of a secret name"),
        pytest.param("text/plain", f"the {SECRET} itself", id="text"),
        pytest.param("text/plain", base64.b64encode(SECRET.encode()).decode(), id="base64 of it"),
        pytest.param("image/png", b"\xff\xfe" + SECRET.encode() + b"\x00", id="bytes"),
        pytest.param("image/png", b"\xff\xfe" + base64.b64encode(SECRET.encode()) + b"\x00", id="base64 in bytes"),
        pytest.param("text/html", "<p>s3cr3t/v&auml;lue+&#61;&amp;</p>", id="HTML"),
        pytest.param("text/plain", '"s3cr3t\\/v\\u00e4lue+=\\u0026"', id="JSON in a text"),
        pytest.param("application/json", '{"log": "\\"s3cr3t\\\\/v\\\\u00e4lue+=&\\""}', id="JSON in JSON"),
        pytest.param("text/plain", f"x{SECRET.encode().hex()}", id="hex"),
        pytest.param("text/plain; charset=utf-16", f"the {SECRET}".encode("utf-16"), id="UTF-16"),
        pytest.param("text/plain; charset=utf-16-le", f"the {SECRET}".encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param("text/plain; charset=cp037", f"the {SECRET}".encode("cp037"), id="EBCDIC"),
        pytest.param("text/plain; charset=latin-1", f"the {SECRET}".encode("latin-1"), id="Latin-1"),
        pytest.param("multipart/form-data; boundary=b", f"--b\r\n\r\n{SECRET}\r\n--b--".encode(), id="a part of many"),
    ],
)
def test_no_form_of_a_secret_is_written(content_type, body):
    raw = body if isinstance(body, bytes) else body.encode()
    headers = (
        ("Authorization", f"Bearer {SECRET}"),
        ("Cookie", "session=tiny; other=1"),
        ("Content-Type", content_type),
    )
    request = HttpRequest("POST", "https://me:pass@api.test/x?token=short&q=1", headers, raw)
    interaction = Interaction(
        key="a#1", started=0.0, source="s", server="https://api.test", request=request,
        answer=NoResponse("reset", f"lost {SECRET}", True),
    )  # fmt: skip
    cassette = Cassette(document="d", workflow_id="w", status="failed", interactions=(interaction,))
    text = cassette_text(cassette, Placeholders(Secrets([SECRET])))
    decoded = text + "".join(
        each
        for line in text.splitlines()
        if 'base64: "' in line
        for data in [base64.b64decode(line.split('base64: "')[1].rstrip('"'))]
        for each in (data.decode("utf-8", "replace").replace("\0", ""), data.decode("cp037"))
    ).replace("\\0", "")
    forms = ("s3cr3t", "short", "tiny", "me:pass", base64.b64encode(SECRET.encode()).decode()[:12])
    assert [form for form in forms if form in decoded] == []
    assert "Bearer arazzo-secret-" in text


SOUND: dict[str, object] = {
    "arazzo-cassette": 1,
    "document": "d.yml",
    "workflowId": "w",
    "status": "succeeded",
    "servers": {"s": "https://api.test"},
    "interactions": [
        {
            "key": "a#1",
            "started": 1.5,
            "server": "https://api.test",
            "request": {"method": "GET", "url": "https://api.test/x", "headers": ["A: b"]},
            "response": {"status": 200, "elapsed_ms": 1, "headers": ["A: b"], "json": 1},
        },
        {
            "key": "a#2",
            "request": {"method": "GET", "url": "/x"},
            "no-response": {"reason": "reset", "message": "lost", "sent": True, "elapsed_ms": 0},
        },
    ],
}
WRONG: dict[str, list[object]] = {
    "/servers/s": [None, 5, [], "http://["],
    "/interactions": [None, {}, "a"],
    "/interactions/0": [None, [], "a"],
    "/interactions/0/started": ["1", True, 10**400, -(10**400), float("inf"), float("nan")],
    "/interactions/0/server": [5, "http://[", "http://a:99999999/"],
    "/interactions/0/request": [None, [], "a"],
    "/interactions/0/request/method": [None, "", "G ET", "GET\r\nA: b", "GÉT"],
    "/interactions/0/request/url": [None, 5, "http://[", "http://a/\r\n"],
    "/interactions/0/request/headers": [{}, "A: b"],
    "/interactions/0/request/headers/0": [None, 5, "A", ": b", "A B: c", "A: b\r\nC: d", "A: b\0"],
    "/interactions/0/response/status": [None, "200", True, 99, 1000, 10**400, 200.0],
    "/interactions/0/response/elapsed_ms": ["1", 10**400, float("nan")],
    "/interactions/1/no-response": [None, [], "a"],
    "/interactions/1/no-response/reason": [None, 5, "bored"],
    "/interactions/1/no-response/sent": [None, 1, "yes"],
    "/interactions/1/no-response/elapsed_ms": [float("inf"), 10**400],
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        pytest.param(pointer, value, id=f"{pointer} is {ascii(value)[:30]}")
        for pointer in WRONG
        for value in WRONG[pointer]
    ],
)
def test_errors_in_a_cassette_are_reported_at_their_position(tmp_path, pointer, value):
    path = tmp_path / "wrong.yml"
    document = changed(copy.deepcopy(SOUND), {pointer: value})
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    with pytest.raises(InvalidUsage) as caught:
        read_cassette(path)
    problem = caught.value.diagnostics[0]
    assert problem.code in ("invalid-cassette", "not-json")  # YAML's numbers without an end are not JSON
    assert problem.at.line is not None
    if problem.code == "invalid-cassette":
        assert problem.at.pointer == pointer or pointer.startswith(problem.at.pointer)


def test_a_valid_cassette_is_read(tmp_path):
    (tmp_path / "sound.json").write_text(json.dumps(SOUND))
    assert [each.key for each in read_cassette(tmp_path / "sound.json").interactions] == ["a#1", "a#2"]


def test_a_short_secret_has_its_placeholder_as_a_segment_of_a_path_too():
    secrets = Secrets()
    secrets.declare("tiny")
    placeholders = Placeholders(secrets)
    assert placeholders.url("https://api.test/tiny/tiny.json?x=tiny") == (
        "https://api.test/arazzo-secret-1/tiny.json?x=arazzo-secret-1"
    )
    assert placeholders.value({"id": "tiny"}) == {"id": "arazzo-secret-1"}
