"""What goes into a cassette comes out of it; what is secret does not go in."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse
from arazzo_runner.secrets import Secrets
from arazzo_runner.worlds.cassette import Cassette, Interaction
from arazzo_runner.worlds.cassette_file import cassette_text, read_cassette
from arazzo_runner.worlds.placeholders import Placeholders
from arazzo_runner.worlds.request_difference import differences

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
