"""Recorded traffic: files of browsers, what is left out, where values come from, secrets, and files that are no HAR."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings, strategies as st

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.generate.draft import plain
from arazzo_runner.generate.recording.har import har_recording
from arazzo_runner.generate.recording.matching import Api
from arazzo_runner.generate.recording.reading import recording_in
from arazzo_runner.generate.recording.traffic import FromTraffic, from_traffic
from arazzo_runner.generate.writing import draft_text
from arazzo_runner.sources.openapi import load_openapi
from tests.generate.recorded import write

HARS = Path(__file__).parents[2] / "fixtures/recordings"
API = "https://api.example.com"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJlMTIz"


def entry(
    method: str, url: str, body: Any = None, status: int = 200, answer: Any = None, **more: Any
) -> dict[str, Any]:
    """Return an entry of HAR, with as few members as possible."""
    headers = [{"name": name, "value": value} for name, value in more.pop("headers", {}).items()]
    request: dict[str, Any] = {"method": method, "url": url if "://" in url else API + url, "headers": headers}
    if body is not None:
        kind = more.pop("sends", "application/json")
        request["postData"] = {"mimeType": kind, "text": body if isinstance(body, str) else json.dumps(body)}
    content = {"mimeType": more.pop("type", "application/json")}
    if answer is not None:
        content["text"] = answer if isinstance(answer, str) else json.dumps(answer)
    given_headers = [{"name": name, "value": value} for name, value in more.pop("gives", {}).items()]
    return {"request": request, "response": {"status": status, "headers": given_headers, "content": content}, **more}


def made_of(*entries: Any, described: list[Api] | None = None, **options: Any) -> FromTraffic:
    """Return what is made of entries of HAR."""
    return from_traffic([recorded(*entries)], described or [], stem="flow", **options)


def recorded(*entries: Any) -> Any:
    """Return a recording with these entries."""
    return recording_in(from_value({"log": {"entries": list(entries)}}, "seen.har"))


def steps_of(made: FromTraffic) -> list[Any]:
    """Return the Step Objects."""
    return [plain(each.tree()) for each in made.draft.workflows[0].steps]


def parameters(step: Any) -> dict[str, Any]:
    """Return the values of a step's parameters by name."""
    return {each["name"]: each["value"] for each in step.get("parameters", [])}


# ------------------------------------------------------------------ files of browsers


@pytest.mark.parametrize("browser", ["chrome", "firefox", "safari", "mitmproxy"])
def test_what_browsers_write_gives_the_same_workflow(browser: str, tmp_path: Path) -> None:
    recording = har_recording(json.loads((HARS / f"{browser}.har").read_text("utf-8")), browser)
    made = from_traffic([recording], stem="shop")
    text = draft_text(made.draft).partition("arazzo: ")[2]
    assert f"arazzo: {text}" == (HARS / "expected.yml").read_text("utf-8")
    path = write(made, tmp_path)
    assert arazzo_runner.validate(str(path), load_options=LoadOptions(strict=True)) == ()
    assert arazzo_runner.run(str(path), mock=True, sample_inputs=True).status == "succeeded"


def test_what_is_no_call_of_the_api_is_left_out_and_counted() -> None:
    recording = har_recording(json.loads((HARS / "chrome.har").read_text("utf-8")), "chrome")
    assert from_traffic([recording]).left_out == {
        "WebSocket connection": 1,
        "page or its navigation": 1,
        "static file": 2,
        "request of tracking": 1,
        "CORS preflight": 1,
        "request to o11.ingest.sentry.io": 1,
    }


SELECTED = [
    pytest.param(
        [entry("GET", "/a", answer={}), entry("GET", "https://b.test/x", answer={})], ["a"], id="the named host"
    ),
    pytest.param([entry("GET", "/a", answer={}), entry("GET", "/s.css", type="text/css")], ["a"], id="no style sheets"),
    pytest.param([entry("GET", "/a", answer={}), entry("CONNECT", "/x")], ["a"], id="no tunnels"),
    pytest.param([entry("GET", "/a", answer={}), entry("GET", "data:text/plain,x")], ["a"], id="no data URLs"),
    pytest.param(
        [entry("GET", "/old", status=302, gives={"Location": "/new"}), entry("GET", "/new", answer={"x": 1})],
        ["old"],
        id="a redirect is one step",
    ),
    pytest.param([entry("GET", "/a", answer={"n": 1})] * 3, ["a"], id="equal requests with equal answers are one"),
    pytest.param([entry("POST", "/a", {"n": 1}, answer={})] * 2, ["a", "a"], id="unsafe requests are never one"),
]


@pytest.mark.parametrize(("entries", "paths"), SELECTED)
def test_which_requests_are_steps(entries: list[Any], paths: list[str]) -> None:
    made = made_of(*entries, only=["api.example.com"])
    assert [each["description"].rpartition("/")[2] for each in steps_of(made)] == paths
    assert sum(made.left_out.values()) == len(entries) - len(paths)


def test_a_poll_retries_until_the_last_answer() -> None:
    working, done = ({"state": state, "progress": 7} for state in ("working", "done"))
    made = made_of(*[entry("GET", "/jobs/1", answer=working)] * 2, entry("GET", "/jobs/1", answer=done))
    (step,) = steps_of(made)
    assert [each["condition"] for each in step["successCriteria"]] == [
        "$statusCode == 200",
        "$response.body#/state == 'done'",
    ]
    assert step["onFailure"][0]["type"] == "retry"


def test_each_host_has_a_description(tmp_path: Path) -> None:
    made = made_of(entry("GET", "/a", answer={}), entry("GET", "https://other.example.org/b", answer={}))
    assert sorted(made.beside) == ["flow.api-example-com.openapi.yml", "flow.other-example-org.openapi.yml"]
    path = write(made, tmp_path)
    assert arazzo_runner.validate(str(path), load_options=LoadOptions(strict=True)) == ()


# ------------------------------------------------------------------ where values come from

THREADED = [
    pytest.param(
        [entry("POST", "/orders", {}, answer={"id": "ord_81273"}), entry("GET", "/orders/ord_81273")],
        ("orderId", "$steps.postOrders.outputs.id"),
        id="an id in the path",
    ),
    pytest.param(
        [entry("GET", "/a", answer={"n": 48213}), entry("GET", "/b?ref=48213")],
        ("ref", "$steps.getA.outputs.n"),
        id="a large number",
    ),
    pytest.param([entry("GET", "/a", answer={"n": 12}), entry("GET", "/b?ref=12")], ("ref", 12), id="not a small one"),
    pytest.param([entry("GET", "/a", answer={"n": 2000}), entry("GET", "/b?max=2000")], ("max", 2000), id="nor a round one"),
    pytest.param(
        [entry("GET", "/a", answer={"next": "after-2"}), entry("GET", "/a?next=after-2")],
        ("next", "$steps.getA.outputs.next"),
        id="a cursor under its name",
    ),
    pytest.param(
        [entry("GET", "/a", answer={"state": "approved"}), entry("GET", "/b?kind=approved")],
        ("kind", "approved"),
        id="not a word under another name",
    ),
    pytest.param(
        [entry("GET", "/a", answer={"day": "2026-11-24"}), entry("GET", "/b?until=2026-11-24")],
        ("until", "2026-11-24"),
        id="not a date under another name",
    ),
    pytest.param(
        [entry("POST", "/a", {"ref": "cli_99812"}, answer={"ref": "cli_99812"}), entry("GET", "/b?x=cli_99812")],
        ("x", "cli_99812"),
        id="not what the client had sent before",
    ),
    pytest.param(
        [entry("GET", "/a", answer={"id": "old_12345"}), entry("GET", "/c", answer={"id": "old_12345"}), entry("GET", "/b?x=old_12345")],
        ("x", "$steps.getC.outputs.id"),
        id="the latest answer that has it",
    ),
    pytest.param(
        [entry("GET", "/a", gives={"ETag": '"v-99812"'}, answer={}), entry("PUT", "/a", {}, headers={"If-Match": '"v-99812"'})],
        ("If-Match", "$steps.getA.outputs.eTag"),
        id="a header",
    ),
    pytest.param(
        [entry("GET", "/a", answer={"id": "x_12345"}), entry("GET", "/b?filter=ids%3Dx_12345%2Cy")],
        ("filter", "ids={$steps.getA.outputs.id},y"),
        id="a part of a text",
    ),
    pytest.param(
        [entry("GET", "/a", answer={"id": 7}), entry("POST", "/users", {}, answer={"id": 7}), entry("GET", "/users/7")],
        ("userId", "$steps.postUsers.outputs.id"),
        id="a short id of the same kind of thing",
    ),
    pytest.param(
        [entry("POST", "/carts", {}, answer={"id": 7}), entry("GET", "/users/7")],
        ("userId", "$inputs.userId"),
        id="not a short id of another kind of thing",
    ),
    pytest.param(
        [entry("GET", "/a", answer={"id": "x~/y_4567", "a/b": "z_99812"}), entry("GET", "/b?x=z_99812")],
        ("x", "$steps.getA.outputs.aB"),
        id="a member whose name is escaped in pointers",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "expected"), THREADED)
def test_where_a_value_comes_from(entries: list[Any], expected: tuple[str, Any], tmp_path: Path) -> None:
    made = made_of(*entries)
    name, value = expected
    assert parameters(steps_of(made)[-1])[name] == value
    assert arazzo_runner.validate(str(write(made, tmp_path)), load_options=LoadOptions(strict=True)) == ()


def test_values_in_a_body_keep_their_types() -> None:
    made = made_of(
        entry("GET", "/a", answer={"number": 48213, "text": "t_48213"}),
        entry("POST", "/b", {"one": 48213, "two": "48213", "three": ["t_48213"], "four": None, "five": True}),
    )
    assert steps_of(made)[1]["requestBody"]["payload"] == {
        "one": "$steps.getA.outputs.number",
        "two": "{$steps.getA.outputs.number}",
        "three": ["$steps.getA.outputs.text"],
        "four": None,
        "five": True,
    }


def test_what_no_expression_reaches_is_an_input_with_a_comment() -> None:
    made = made_of(
        entry("POST", "/a", {}, status=201, gives={"Location": "/files/f_99812"}),
        entry("GET", "/files/f_99812", answer={}),
    )
    assert parameters(steps_of(made)[1]) == {"fileId": "$inputs.fileId"}
    assert "of which no expression takes a part" in draft_text(made.draft)


def test_texts_that_look_like_expressions_are_inputs(tmp_path: Path) -> None:
    made = made_of(entry("POST", "/a", {"query": "{a(x: {$eq: 1})}", "path": "$inputs.nothing"}, answer={}))
    assert steps_of(made)[0]["requestBody"]["payload"] == {"query": "$inputs.query", "path": "$inputs.path"}
    assert arazzo_runner.validate(str(write(made, tmp_path)), load_options=LoadOptions(strict=True)) == ()


def test_what_differs_in_a_second_recording_is_an_input() -> None:
    def session(word: str, number: str) -> Any:
        return recorded(
            entry("POST", "/notes", {"text": word, "kind": "plain"}, answer={"ref": number, "other": "n_10000"}),
            entry("GET", f"/b?ref={number}&other=n_10000"),
        )

    made = from_traffic([session("one", "n_11111"), session("two", "n_22222")], stem="flow")
    first, second = steps_of(made)
    assert first["requestBody"]["payload"] == {"text": "$inputs.text", "kind": "plain"}
    assert parameters(second)["ref"] == "$steps.postNotes.outputs.ref"


def test_a_chance_is_found_out_by_a_second_recording() -> None:
    def session(number: str) -> Any:
        return recorded(entry("GET", "/a", answer={"build": number}), entry("GET", "/b?version=b_10000"))

    assert parameters(steps_of(from_traffic([session("b_10000")]))[1]) == {"version": "$steps.getA.outputs.build"}
    both = from_traffic([session("b_10000"), session("b_20000")])
    assert parameters(steps_of(both)[1]) == {"version": "b_10000"}


# ------------------------------------------------------------------ secrets

SECRET = "zq8-secret-value-41"
BASIC = base64.b64encode(f"ada:{SECRET}".encode()).decode()
SECRETS = [
    pytest.param(entry("POST", "/a", {"password": SECRET}), {"password"}, set(), id="a password"),
    pytest.param(entry("POST", "/a", f"user=ada&password={SECRET}", sends="application/x-www-form-urlencoded"), {"password"}, set(), id="in a form"),
    pytest.param(entry("GET", f"/a?api_key={SECRET}"), set(), {"apiKey"}, id="in the query"),
    pytest.param(entry("GET", "/a", headers={"Authorization": f"Bearer {SECRET}"}), set(), {"bearerAuth"}, id="a bearer token"),
    pytest.param(entry("GET", "/a", headers={"authorization": f"Basic {BASIC}"}), set(), {"basicAuth"}, id="basic"),
    pytest.param(entry("GET", "/a", headers={"Authorization": SECRET}), set(), {"authorization"}, id="without a scheme"),
    pytest.param(entry("GET", "/a", headers={"X-Api-Key": SECRET}), set(), {"xApiKey"}, id="a key in a header"),
    pytest.param(entry("GET", "/a", headers={"Cookie": f"sessionid={SECRET}; _ga=1"}), set(), {"sessionidKey"}, id="a session cookie"),
    pytest.param(entry("GET", "/a", headers={"Cookie": f"theme={SECRET}"}), {"theme"}, set(), id="any cookie"),
    pytest.param(entry("GET", f"https://ada:{SECRET}@api.example.com/a"), set(), set(), id="in the authority"),
    pytest.param(entry("POST", "/a", {"text": f"use {SECRET} now", "token": SECRET}), {"token"}, set(), id="in a text too"),
    pytest.param(entry("GET", f"/a?next=/b%3Ftoken%3D{SECRET}&token={SECRET}"), {"next"}, {"tokenKey"}, id="in a URL in the query"),
    pytest.param(entry("GET", f"/hooks/{JWT}/x"), {"hookId"}, set(), id="a token in the path"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "inputs", "schemes"), SECRETS)
def test_a_secret_is_written_nowhere(sent: Any, inputs: set[str], schemes: set[str], tmp_path: Path) -> None:
    sent["response"]["content"] |= {"text": json.dumps({"access_token": SECRET, "echo": SECRET})}
    made = made_of(sent)
    for text in (draft_text(made.draft), *made.beside.values(), repr(made)):
        assert not [each for each in (SECRET, BASIC, JWT) if each in text]
    found = yaml.safe_load(draft_text(made.draft))["workflows"][0].get("inputs", {})
    secret = {name for name, each in found.get("properties", {}).items() if each.get("format") == "password"}
    assert secret == inputs
    (described,) = map(yaml.safe_load, made.beside.values())
    assert set(described.get("components", {}).get("securitySchemes", {})) == schemes
    assert arazzo_runner.validate(str(write(made, tmp_path)), load_options=LoadOptions(strict=True)) == ()


def test_a_description_without_a_scheme_gets_the_header_as_an_input() -> None:
    value = {
        "openapi": "3.1.0",
        "info": {"title": "A", "version": "1"},
        "servers": [{"url": API}],
        "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "ok"}}}}},
    }
    api = Api("a", "./a.yml", load_openapi(from_value(value, "a.yml"), None, Problems()))
    made = made_of(entry("GET", "/a", headers={"Authorization": f"Bearer {SECRET}"}), described=[api])
    assert parameters(steps_of(made)[0]) == {"Authorization": "$inputs.authorization"}
    assert SECRET not in draft_text(made.draft)


# ------------------------------------------------------------------ what is no HAR

GOOD = entry("GET", "/a", answer={"x": 1})
UNUSABLE = [
    pytest.param(None, id="null"),
    pytest.param("GET /a", id="a text"),
    pytest.param({}, id="empty"),
    pytest.param({"request": None, "response": None}, id="nothing in it"),
    pytest.param({"request": {"method": 7, "url": []}}, id="members of other types"),
    pytest.param(entry("GET", "https://[::1/a"), id="not a URL"),
    pytest.param(entry("GET", "https://api.example.com:99999999/a"), id="a port that is none"),
    pytest.param(entry("GET", "https://api.example.com/a b"), id="a blank in the URL"),
    pytest.param(entry("G\nT", "/a"), id="a method with a line break"),
    pytest.param(entry("GET", "https:///a"), id="no host"),
    pytest.param({**GOOD, "response": {"status": 0}}, id="no answer"),
    pytest.param({**GOOD, "response": {"status": "twenty"}}, id="a status that is none"),
]


@pytest.mark.parametrize("unusable", UNUSABLE)
def test_an_unusable_entry_is_counted(unusable: Any) -> None:
    made = made_of(GOOD, unusable)
    assert len(steps_of(made)) == 1
    assert sum(made.left_out.values()) == 1


ODD = [
    pytest.param({"postData": {"mimeType": None, "text": None, "params": None}}, id="a body of nulls"),
    pytest.param({"postData": {"mimeType": "application/json", "text": "{not json"}}, id="JSON that is none"),
    pytest.param({"postData": {"mimeType": "a/b; c=\x00", "text": "\ud800"}}, id="half a surrogate pair"),
    pytest.param({"postData": {"mimeType": "multipart/form-data; boundary=x", "text": "--y"}}, id="no such boundary"),
    pytest.param({"postData": {"mimeType": "text/plain", "text": "x" * 6_000_000}}, id="an enormous body"),
    pytest.param({"postData": {"mimeType": "application/json", "text": "[" * 5000 + "]" * 5000}}, id="a deep body"),
    pytest.param({"headers": {"accept": "json"}, "cookies": "a=b"}, id="headers as a mapping"),
    pytest.param({"headers": [None, {"name": None}, {"name": "", "value": 7}]}, id="headers of nulls"),
]


@pytest.mark.parametrize("odd", ODD)
def test_odd_requests_are_steps_all_the_same(odd: dict[str, Any], tmp_path: Path) -> None:
    sent = entry("POST", "/a", answer={})
    sent["request"] |= odd
    recording = har_recording({"log": {"entries": [sent]}}, "seen.har")
    path = write(from_traffic([recording], stem="flow"), tmp_path)
    assert [each for each in arazzo_runner.validate(str(path)) if each.severity == "error"] == []


@pytest.mark.parametrize("content", [{"text": "====", "encoding": "base64"}, {"text": 7}, [], "x", {"mimeType": []}])
def test_an_answer_that_cannot_be_read_is_none(content: Any) -> None:
    sent = {**GOOD, "response": {"status": 200, "content": content, "headers": "none"}}
    assert len(steps_of(made_of(sent))) == 1


def test_a_recording_without_calls_says_what_it_has() -> None:
    with pytest.raises(InvalidUsage) as raised:
        made_of(entry("GET", "/a.css", type="text/css"), None)
    assert [each.message for each in raised.value.diagnostics] == [
        "the recording has no call of an API: left out: 1 × unusable entry, 1 × static file"
    ]


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 9999)
    | st.text(max_size=8)
    | st.sampled_from([API, "GET", "{$x}", "$a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(calls=st.lists(st.fixed_dictionaries(
    {"method": st.sampled_from(["GET", "POST", "PUT"]), "path": st.text("ab1/{}%-.~", max_size=8)},
    optional={"body": VALUES, "answer": VALUES},
), min_size=1, max_size=4))  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_recorded_gives_a_valid_document(calls: list[Any], tmp_path: Path) -> None:
    entries = [
        entry(each["method"], f"/{each['path']}", each.get("body"), answer=each.get("answer"), sends="application/json")
        for each in calls
    ]
    try:
        made = made_of(*entries)
    except InvalidUsage:
        return
    found = arazzo_runner.validate(str(write(made, tmp_path)), load_options=LoadOptions(strict=True))
    assert [each.message for each in found if each.severity == "error"] == []
    assert draft_text(made_of(*entries).draft) == draft_text(made.draft)
