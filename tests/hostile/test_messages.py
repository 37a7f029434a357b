"""Hostile messages: whatever comes ends as an outcome, in bounded memory, and shows nothing that it must not."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import re
import tracemalloc
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.cli.main import run as command
from arazzo_runner.engine.messages import ChannelMessage, Correlation, Receive, Received
from arazzo_runner.runtime.brokers.taps import Tap, TapLimits
from arazzo_runner.sources.channel import Place
from tests.hostile.battery import _COMMANDS, _STEERS, SECRET, forms
from tests.loopback import Reply, Request, serving

Post = tuple[bytes, dict[str, str]]
FOREIGN = "foreign-canary"
JSON = {"Content-Type": "application/json"}

EVENTS = {
    "asyncapi": "3.0.0", "info": {"title": "Signatures", "version": "1"},
    "servers": {"api": {"host": "api.test", "protocol": "https"}},
    "channels": {"signed": {"address": "/signed", "messages": {"Signed": {
        "correlationId": {"location": "$message.payload#/id"}, "payload": {"type": "object"},
    }}}},
    "operations": {"signed": {"action": "send", "channel": {"$ref": "#/channels/signed"}}},
}  # fmt: skip
SUBMIT = {
    "stepId": "submit", "operationId": "$sourceDescriptions.api.submit",
    "requestBody": {"contentType": "application/json", "payload": {"callbackUrl": "$inputs.callbackUrl", "id": "$inputs.id"}},
}  # fmt: skip
WAIT = {
    "stepId": "wait", "operationId": "$sourceDescriptions.events.signed", "action": "receive", "timeout": 1500,
    "outputs": {"whole": "$message.payload", "status": "$message.payload#/status", "header": "$message.header.X-Note"},
}  # fmt: skip
CORRELATED = {**WAIT, "correlationId": "$inputs.id"}
CHOSEN = {**WAIT, "successCriteria": [{"condition": "$message.payload#/status == 'signed'"}]}
INPUTS = {
    "type": "object", "required": ["id", "callbackUrl"],
    "properties": {"id": {"type": "string", "format": "password"}, "callbackUrl": {"type": "string", "format": "uri"}},
}  # fmt: skip


def write(folder: Path, api: str, wait: dict[str, Any]) -> None:
    """Write the document and its descriptions."""
    operation = {
        "operationId": "submit", "responses": {"202": {"description": "later"}},
        "requestBody": {"content": {"application/json": {"schema": {"type": "object"}}}},
    }  # fmt: skip
    described = {
        "openapi": "3.1.0",
        "info": {"title": "t", "version": "1"},
        "servers": [{"url": api}],
        "paths": {"/d": {"post": operation}},
    }
    document = {
        "arazzo": "1.1.0", "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.json", "type": "openapi"}, {"name": "events", "url": "events.json", "type": "asyncapi"}],
        "workflows": [{"workflowId": "w", "inputs": INPUTS, "steps": [SUBMIT, wait], "outputs": {"whole": "$steps.wait.outputs.whole"}}],
    }  # fmt: skip
    for name, content in (("api", described), ("events", EVENTS), ("flow", document)):
        (folder / f"{name}.json").write_text(json.dumps(content))


def posting(posts: Iterable[Post]) -> Callable[[Request], Reply]:
    """Return an API that posts messages to the URL that it is given."""

    def reply(request: Request) -> Reply:
        url = urlsplit(request.json["callbackUrl"])
        for body, headers in posts:
            connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
            with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
                connection.request("POST", url.path, body, headers)
                connection.getresponse().read()
        return Reply(202)

    return reply


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with its own state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("NO_COLOR", "1")
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


REPORTS = ("html=r.html", "junit=r.xml", "json=r.json", "markdown=r.md")


def told(work: Path, wait: dict[str, Any], posts: Iterable[Post], capsys: Any, *more: str) -> tuple[int, str, str]:
    """Return the exit code of a run, what it printed, and what is in the files that it wrote."""
    with serving(posting(posts)) as api:
        write(work, api.url, wait)
        before = set(work.rglob("*"))
        reports = [word for each in REPORTS for word in ("--report", each)]
        code = command(["run", "flow.json", "-i", f"id={SECRET}", "-vv", "--record", "c.yml", *reports, *more])
    printed = "".join(capsys.readouterr())
    written = "\n".join(
        path.read_bytes().decode("utf-8", "replace") for path in set(work.rglob("*")) - before if path.is_file()
    )
    return code, printed, written


def nested(depth: int) -> bytes:
    return b'{"status": "signed", "deep": ' + b"[" * depth + b"]" * depth + b"}"


PAYLOADS: dict[str, Post] = {
    "control characters and ANSI": (json.dumps({"status": "\x1b[31m\x07\x9b2J\x00red"}, ensure_ascii=False).encode(), JSON),
    "a command to a CI runner": (b'{"status": "x\\n::error::pwned\\n##[error]pwned"}', JSON),
    "a command to a CI runner, as text": (b"\n::error::pwned\n##vso[task.setvariable variable=x]y\n", {"Content-Type": "text/plain"}),
    "HTML": (b'{"status": "<script>alert(1)</script>"}', JSON),
    "text that is read from the right": ('{"status": "a\u202eb\u2066c"}'.encode(), JSON),
    "JSON 100,000 deep": (nested(100_000), JSON),
    "JSON 900 deep": (nested(900), JSON),
    "a key twice": (b'{"status": "signed", "status": "refused"}', JSON),
    "NaN and Infinity": (b'{"status": NaN, "x": Infinity, "y": -Infinity, "z": 1e999}', JSON),
    "a number of 10,000 digits": (b'{"status": ' + b"9" * 10_000 + b"}", JSON),
    "half of a surrogate pair": (b'{"status": "\\ud800"}', JSON),
    "bytes that are no UTF-8": (b'{"status": "\xff\xfe\xc3\x28"}', JSON),
    "UTF-16": ('{"status": "signed"}'.encode("utf-16"), {"Content-Type": "application/json; charset=utf-16"}),
    "an unknown charset": (b"abc", {"Content-Type": "text/plain; charset=no-such"}),
    "a charset that is code": (b"\\x1b[31m", {"Content-Type": "text/plain; charset=unicode_escape"}),
    "another content type": (b'{"status": "signed"}', {"Content-Type": "image/png"}),
    "a content type of nonsense": (b"a", {"Content-Type": ';;;=,,"'}),
    "XML with an entity": (b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', {"Content-Type": "application/xml"}),
    "nothing": (b"", JSON),
    "every byte": (bytes(range(256)), {"Content-Type": "application/octet-stream"}),
    "9 MB": (b'{"status": "' + b"a" * 9_000_000 + b'"}', JSON),
    "11 MB": (b'{"status": "' + b"a" * 11_000_000 + b'"}', JSON),
    "a bomb": (gzip.compress(b"a" * 50_000_000), {**JSON, "Content-Encoding": "gzip"}),
    "a list": (b"[1, 2, 3]", JSON),
    "a text": (b'"signed"', JSON),
    "keys of prototypes": (b'{"__proto__": {"status": "signed"}, "constructor": 1, "__class__": "x"}', JSON),
    "a header with terminal codes": (b'{"status": "signed"}', {**JSON, "X-Note": "\x9b31m::error::x"}),
    "90 headers": (b'{"status": "signed"}', {**JSON, **{f"X-{n}": "v" * 200 for n in range(90)}}),
    "a secret by its name": (json.dumps({"apiToken": SECRET, "status": "x"}).encode(), {**JSON, "X-Api-Key": SECRET}),
}  # fmt: skip


@pytest.mark.parametrize("name", PAYLOADS)
def test_whatever_is_posted_ends_as_an_outcome(name, work, capsys):
    code, printed, written = told(work, CHOSEN, [PAYLOADS[name]], capsys)
    assert code in (0, 1)
    assert "Traceback" not in printed + written
    assert _STEERS.search(printed) is None
    assert _COMMANDS.search(printed) is None
    assert "root:" not in printed + written
    assert "<script>alert" not in (work / "r.html").read_text()
    assert [form for form in forms(SECRET) if form in printed + written] == []
    json.loads((work / "r.json").read_text())


IDS: dict[str, Any] = {
    "an object": {"id": SECRET},
    "a list": [SECRET],
    "a list of one": [[SECRET]],
    "other letters": SECRET.upper(),
    "with a blank": f" {SECRET}",
    "a number": 10**30,
    "true": True,
    "nothing": None,
    "a text around it": f"x{SECRET}x",
    "of full-width letters": SECRET.replace("a", "\uff41"),
    "with NUL": f"{SECRET}\x00",
}


@pytest.mark.parametrize("name", IDS)
def test_another_id_is_passed_over_and_never_shown(name, work, capsys):
    body = json.dumps({"id": IDS[name], "status": FOREIGN}).encode()
    _, printed, written = told(work, {**CORRELATED, "timeout": 300}, [(body, {**JSON, "X-Note": FOREIGN})] * 2, capsys)
    assert "2 with other ids did" in printed
    assert FOREIGN not in printed + written
    assert [form for form in forms(SECRET) if form in printed + written] == []


def test_messages_that_do_not_meet_the_criteria_are_not_shown(work, capsys):
    body = json.dumps({"id": "x", "status": FOREIGN}).encode()
    code, printed, written = told(work, {**CHOSEN, "timeout": 300}, [(body, {**JSON, "X-Note": FOREIGN})] * 3, capsys)
    assert code == 1
    assert "3 did that do not meet the criteria" in printed
    assert FOREIGN not in printed + written


def test_ours_is_found_behind_what_is_hostile(work, capsys):
    ours = (json.dumps({"id": SECRET, "status": "signed"}).encode(), JSON)
    others = [post for name, post in PAYLOADS.items() if "MB" not in name]
    code, printed, written = told(work, CORRELATED, [*others, ours], capsys)
    assert code == 0, printed
    assert "Traceback" not in printed
    assert "<script>" not in written


# ------------------------------------------------------------------ floods


def message(size: int, **more: Any) -> ChannelMessage:
    return ChannelMessage(address="a", payload=b"x" * size, **more)


def test_a_flood_is_bounded_whatever_it_is_made_of():
    limits = TapLimits(messages=1000, size=100_000)
    floods: dict[str, Callable[[], ChannelMessage]] = {
        "small ones": lambda: message(10),
        "large ones": lambda: message(90_000),
        "headers": lambda: message(0, headers=(("n", "v" * 90_000),)),
        "keys": lambda: message(0, key=b"k" * 90_000),
    }
    for name, make in floods.items():
        tap = Tap(limits)
        tracemalloc.start()
        for _ in range(5000):
            tap.put(make())
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert tap.failure is not None, name
        assert tap.failure.reason == "too-large", name
        assert peak < 5_000_000, name


def test_a_flood_of_other_ids_is_read_once():
    place = Place(part="payload", pointer=("id",), text="$message.payload#/id")
    tap = Tap(TapLimits())
    for number in range(9000):
        tap.put(ChannelMessage(address="a", payload=b'{"id": %d}' % number))
    tap.put(ChannelMessage(address="a", payload=b'{"id": "ours"}'))
    effect = Receive(key="s#1/m1", tap="t", timeout=1.0, correlation=Correlation(places=(place,), value="ours"))
    found = tap.look(effect).found()
    assert isinstance(found, Received)
    assert found.passed_over == 9000


# ------------------------------------------------------------------ descriptions from the network


@pytest.mark.parametrize(
    ("host", "options", "is_refused"),
    [
        pytest.param("127.0.0.1:1883", {}, True, id="loopback"),
        pytest.param("localhost:1883", {}, True, id="the name of loopback"),
        pytest.param("[::1]:1883", {}, True, id="loopback of IPv6"),
        pytest.param("[::ffff:127.0.0.1]:1883", {}, True, id="loopback in IPv6"),
        pytest.param("10.0.0.7", {}, True, id="a private network"),
        pytest.param("169.254.169.254", {}, True, id="where clouds keep credentials"),
        pytest.param("2130706433:1883", {}, True, id="loopback as one number"),
        pytest.param("broker.test:1883", {}, False, id="a public name"),
        pytest.param("127.0.0.1:1883", {"allow_hosts": ["127.0.0.1"]}, False, id="an allowed host"),
        pytest.param("127.0.0.1:1883", {"allow_remote": True}, False, id="everything allowed"),
        pytest.param("127.0.0.1:1883", {"servers": {"events": "mqtt://127.0.0.1:1883"}}, False, id="a server of the options"),
    ],
)  # fmt: skip
def test_a_description_from_the_network_leads_to_no_private_broker(host, options, is_refused, work):
    described = {**EVENTS, "servers": {"api": {"host": host, "protocol": "mqtt"}}}
    (work / "events.json").write_text(json.dumps(described))
    url = "https://docs.test/events.json"
    document = {
        "arazzo": "1.1.0", "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "events", "url": url, "type": "asyncapi"}],
        "workflows": [{"workflowId": "w", "steps": [{**WAIT, "operationId": "signed"}]}],
    }  # fmt: skip
    loading = LoadOptions(root=str(work), url_map={"https://docs.test/": f"{work}/"}, **options)
    if not is_refused:
        arazzo_runner.load(document, load_options=loading)
        return
    with pytest.raises(
        arazzo_runner.ArazzoError, match=r"is at .*, a private or loopback address, and a remote document"
    ) as found:
        arazzo_runner.load(document, load_options=loading)
    assert [each.code for each in found.value.diagnostics] == ["no-server"]


# ------------------------------------------------------------------ addresses made of values

SEPARATORS = {"mqtt": "/", "nats": ".", "kafka": ".", "amqp": ".", "redis": ":", "wss": "/", "https": "/"}
VALUES = (
    "+", "#", "*", ">", "a/b", "a.b", "../x", "..", ".", "", " ", "a b", "a\r\nb", "a\nPUB x 1", "\x00", "a\x00", "\x1b[31m", "%2e%2e", "%2F..",
    "a?b=c", "a#b", "a@b", "//evil.test/x", "http://evil.test", "$SYS", "_INBOX.x", "\ud800", "\u202e", "é", "a" * 70_000, "{region}", "$inputs.id",
)  # fmt: skip


@pytest.mark.parametrize("protocol", SEPARATORS)
@pytest.mark.parametrize("origin", ["an input", "an earlier answer"])
def test_a_value_stays_one_part_of_an_address(protocol, origin, work):
    mark = SEPARATORS[protocol]
    begin = mark if mark == "/" and protocol != "mqtt" else ""
    channel = {"address": f"{begin}a{mark}{{region}}{mark}z", "messages": {"M": {"payload": {"type": "object"}}}}
    described = {
        **EVENTS,
        "servers": {"b": {"host": "b.test", "protocol": protocol}},
        "channels": {"place": channel},
        "operations": {},
    }
    (work / "events.json").write_text(json.dumps(described))
    send = {
        "stepId": "send", "channelPath": "{$sourceDescriptions.events.url}#/channels/place", "action": "send",
        "parameters": [{"name": "region", "in": "path", "value": "$inputs.region"}], "requestBody": {"payload": {"region": "$inputs.region"}},
    }  # fmt: skip
    before = {
        **send,
        "stepId": "before",
        "parameters": [{"name": "region", "in": "path", "value": "eu"}],
        "outputs": {"region": "$message.payload#/region"},
    }
    after = {**send, "parameters": [{"name": "region", "in": "path", "value": "$steps.before.outputs.region"}]}
    steps = [send] if origin == "an input" else [before, after]
    document = {
        "arazzo": "1.1.0", "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "events", "url": "events.json", "type": "asyncapi"}],
        "workflows": [{"workflowId": "w", "inputs": {"type": "object", "properties": {"region": {"type": "string"}}}, "steps": steps}],
    }  # fmt: skip
    (work / "flow.json").write_text(json.dumps(document))
    program = arazzo_runner.load("flow.json")
    for value in VALUES:
        result = arazzo_runner.dry_run(program, inputs={"region": value})
        message = result.steps[-1].attempts[0].message if result.steps[-1].step_id == "send" else None
        if message is None or message.message is None:
            assert result.status == "failed", value
            continue
        address = message.message.address
        assert address.startswith(f"{begin}a{mark}"), value
        assert address.endswith(f"{mark}z"), value
        inside = address.removeprefix(f"{begin}a{mark}").removesuffix(f"{mark}z")
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", inside), value
        if protocol in ("wss", "https"):
            assert inside == quote(value, safe="-._~"), value
            assert inside not in (".", ".."), value
        else:
            assert inside == value
        assert not set(inside) & set(
            {"mqtt": "/+#", "nats": ".*> ", "amqp": ".*#", "kafka": "/+#*> ", "redis": "*"}.get(protocol, "")
        ), value
