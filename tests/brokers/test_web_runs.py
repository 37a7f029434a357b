"""Whole runs over WebSocket, event streams and webhooks: documents as people write them, servers on loopback."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions, RunOptions
from arazzo_runner.cli.main import run as command
from arazzo_runner.engine.options import TransportOptions
from tests.brokers.hubs import event_hub, websocket_hub
from tests.brokers.servers import PASSWORD, USER, free_port
from tests.durable.conftest import usable
from tests.loopback import Reply, Request, serving

ORDER = {
    "messages": {"order": {"payload": {"type": "object"}, "correlationId": {"location": "$message.payload#/id"}}},
}
RECEIVE = {
    "stepId": "wait", "operationId": "orderPlaced", "action": "receive", "correlationId": "$inputs.id",
    "outputs": {"status": "$message.payload#/status"}, "timeout": 10_000,
}  # fmt: skip
SEND = {
    "stepId": "send", "operationId": "placeOrder", "action": "send",
    "requestBody": {"payload": {"id": "$inputs.id", "status": "placed"}},
}  # fmt: skip


def description(server: dict[str, Any], *, kind: str = "application/json", **more: Any) -> dict[str, Any]:
    channel = {"address": "/orders", **ORDER}
    return {
        "asyncapi": "3.0.0", "info": {"title": "t", "version": "1"}, "defaultContentType": kind,
        "servers": {"main": server}, "channels": {"orders": channel},
        "operations": {
            "placeOrder": {"action": "send", "channel": {"$ref": "#/channels/orders"}},
            "orderPlaced": {"action": "receive", "channel": {"$ref": "#/channels/orders"}},
        },
        **more,
    }  # fmt: skip


def document(folder: Path, sources: dict[str, dict[str, Any]], steps: list[Any]) -> dict[str, Any]:
    for name, content in sources.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return {
        "arazzo": "1.1.0", "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [
            {"name": name, "url": (folder / f"{name}.json").as_uri(), "type": "asyncapi" if "asyncapi" in content else "openapi"}
            for name, content in sources.items()
        ],
        "workflows": [{
            "workflowId": "w", "steps": steps, "outputs": {"status": "$steps.wait.outputs.status"},
            "inputs": {"type": "object", "properties": {"id": {"type": "string"}}},
        }],
    }  # fmt: skip


def run(folder: Path, sources: dict[str, dict[str, Any]], steps: list[Any], **given: Any) -> Any:
    return arazzo_runner.run(
        document(folder, sources, steps), inputs={"id": "7"}, load_options=LoadOptions(root=str(folder)), **given
    )


def server_at(url: str, **more: Any) -> dict[str, Any]:
    scheme, _, host = url.partition("://")
    return {"host": host, "protocol": scheme, **more}


@pytest.mark.parametrize(
    ("make", "kind"),
    [(websocket_hub, "application/json"), (event_hub, "text/event-stream")],
    ids=["WebSocket", "event stream"],
)
def test_a_message_comes_back(make, kind, tmp_path):
    hub = make()
    result = run(tmp_path, {"events": description(server_at(hub.url), kind=kind)}, [SEND, RECEIVE])
    hub.close()
    assert result.outputs == {"status": "placed"}, result


@pytest.mark.parametrize("protocol", ["WebSocket", "event stream"])
def test_headers_of_a_step_that_receives_go_with_the_request_that_opens_it(protocol, tmp_path):
    token = "Basic " + b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    is_stream = protocol == "event stream"
    hub = event_hub(login=token) if is_stream else websocket_hub(login=(USER, PASSWORD))
    header = {"parameters": [{"name": "Authorization", "in": "header", "value": token}]}
    steps = [{**SEND, **header} if is_stream else SEND, {**RECEIVE, **header}]
    kind = "text/event-stream" if is_stream else "application/json"
    sources = {"events": description(server_at(hub.url), kind=kind)}
    result = run(tmp_path, sources, steps)
    refused = run(tmp_path, sources, [steps[0], RECEIVE])
    hub.close()
    assert result.outputs == {"status": "placed"}, result
    assert refused.status == "failed"
    assert token not in json.dumps(arazzo_runner.to_dict(result))


def test_login_of_the_environment(tmp_path, monkeypatch):
    hub = websocket_hub(login=(USER, PASSWORD))
    monkeypatch.setenv("ARAZZO_AUTH_EVENTS_LOGIN_USER", USER)
    monkeypatch.setenv("ARAZZO_AUTH_EVENTS_LOGIN_PASSWORD", PASSWORD)
    schemes = {"components": {"securitySchemes": {"login": {"type": "userPassword"}}}}
    server = server_at(hub.url, security=[{"$ref": "#/components/securitySchemes/login"}])
    result = run(tmp_path, {"events": description(server, **schemes)}, [SEND, RECEIVE])
    assert result.outputs == {"status": "placed"}, result
    monkeypatch.setenv("ARAZZO_AUTH_EVENTS_LOGIN_PASSWORD", "wrong-secret-1")
    refused = run(tmp_path, {"events": description(server, **schemes)}, [SEND, RECEIVE])
    hub.close()
    assert refused.status == "failed"
    assert "asks for other credentials (401)" in (refused.reason or "")
    assert "wrong-secret-1" not in repr(refused.steps)
    monkeypatch.delenv("ARAZZO_AUTH_EVENTS_LOGIN_PASSWORD")


def test_secrets_are_in_no_repr(tmp_path):
    hub = websocket_hub(login=(USER, "s3cret-pass"))
    told = document(tmp_path, {"events": description({"host": "b.test", "protocol": "ws"})}, [SEND, RECEIVE])
    told["workflows"][0]["inputs"]["properties"]["id"]["format"] = "password"
    events: list[str] = []

    class Watching:
        """A World that shows each effect and its answer."""

        def __init__(self, world: Any) -> None:
            self._world = world

        def __getattr__(self, name: str) -> Any:
            return getattr(self._world, name)

        async def perform(self, effect: Any) -> Any:
            answer = await self._world.perform(effect)
            events.extend((repr(effect), repr(answer)))
            return answer

    result = arazzo_runner.run(
        told, inputs={"id": "very-secret-id"}, servers={"events": hub.url.replace("://", f"://{USER}:s3cret-pass@")},
        load_options=LoadOptions(root=str(tmp_path)), around=Watching, on_event=lambda event, secrets: events.append(repr(event)),
    )  # fmt: skip
    hub.close()
    assert result.status == "succeeded"
    events += [repr(result), repr(result.steps)]
    assert any("Subscribe" in each for each in events)
    assert [each for each in events if "s3cret-pass" in each or "very-secret-id" in each] == []


def test_a_missing_login_is_a_warning_unless_it_is_required(tmp_path):
    hub = websocket_hub()
    schemes = {"components": {"securitySchemes": {"login": {"type": "scramSha256"}}}}
    server = server_at(hub.url, security=[{"$ref": "#/components/securitySchemes/login"}])
    sources = {"events": description(server, **schemes)}
    result = run(tmp_path, sources, [SEND, RECEIVE])
    assert result.outputs == {"status": "placed"}
    assert "missing-credential" in [each.code for each in result.diagnostics]
    with pytest.raises(arazzo_runner.InvalidUsage, match="no credential of source"):
        run(tmp_path, sources, [SEND, RECEIVE], options=RunOptions(require_credentials=True))
    hub.close()


def signing(url: str) -> dict[str, Any]:
    """Return the description of an API that posts to the URL it is given."""
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    submit = {"operationId": "submit", "requestBody": body, "responses": {"202": {"description": "later"}}}
    return {
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": url}],
        "paths": {"/documents": {"post": submit}},
    }  # fmt: skip


def calling_back(request: Request) -> Reply:
    """Post a foreign message, then the one that is waited for, to the URL in the request."""
    for number in ("77", request.json["id"]):
        body = json.dumps({"id": number, "status": "signed"}).encode()
        posted = urllib.request.Request(request.json["callbackUrl"], body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(posted, timeout=10) as answer:
            assert answer.status == 204
    return Reply(202)


def test_a_webhook_whose_address_the_api_is_given(tmp_path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/hooks/me"
    transport = TransportOptions(webhook_listen=f"127.0.0.1:{port}", webhook_url=url)
    submit = {
        "stepId": "submit", "operationId": "$sourceDescriptions.api.submit",
        "requestBody": {"payload": {"id": "$inputs.id", "callbackUrl": url}},
        "successCriteria": [{"condition": "$statusCode == 202"}],
    }  # fmt: skip
    wait = {**RECEIVE, "operationId": "$sourceDescriptions.hooks.orderPlaced"}
    with serving(calling_back) as api:
        sources = {"api": signing(api.url), "hooks": description({"host": "api.test", "protocol": "https"})}
        result = run(tmp_path, sources, [submit, wait], options=RunOptions(transport=transport))
    assert result.outputs == {"status": "signed"}, result


def asking_for_callbacks(url: str, *names: str) -> list[dict[str, Any]]:
    """Return steps that give an API the URLs of inputs, and then wait."""
    return [
        {
            "stepId": f"submit{index}", "operationId": "$sourceDescriptions.api.submit",
            "requestBody": {"payload": {"id": "$inputs.id", "callbackUrl": f"$inputs.{name}"}},
            "successCriteria": [{"condition": "$statusCode == 202"}],
        }
        for index, name in enumerate(names)
    ] + [{**RECEIVE, "operationId": "$sourceDescriptions.hooks.orderPlaced"}]  # fmt: skip


def with_inputs(found: dict[str, Any], *names: str, **schema: Any) -> dict[str, Any]:
    """Return a document whose workflow requires further inputs."""
    inputs = found["workflows"][0]["inputs"]
    inputs["properties"] |= {name: {"type": "string", "format": "uri", **schema} for name in names}
    inputs["required"] = ["id", *names]
    return found


HOOKS = description({"host": "api.test", "protocol": "https"})


def test_the_api_is_told_where_to_post(tmp_path):
    with serving(calling_back) as api:
        sources = {"api": signing(api.url), "hooks": HOOKS}
        told = with_inputs(document(tmp_path, sources, asking_for_callbacks(api.url, "callbackUrl")), "callbackUrl")
        loading = LoadOptions(root=str(tmp_path))
        cassette = tmp_path / "cassette.yml"
        result = arazzo_runner.run(told, inputs={"id": "7"}, load_options=loading)
        assert result.outputs == {"status": "signed"}, result
        (tmp_path / "flow.json").write_text(json.dumps(told))
        line = ["run", str(tmp_path / "flow.json"), "-i", "id=7", "--root", str(tmp_path)]
        assert command([*line, "--record", str(cassette)]) == 0
        first = [request.json["callbackUrl"] for request in api.received]
    assert all(re.fullmatch(r"http://127\.0\.0\.1:[0-9]+/[A-Za-z0-9_-]{22}", url) for url in first), first
    assert command(["replay", str(cassette), "--root", str(tmp_path)]) == 0


def test_a_given_callback_url_is_where_the_run_listens(tmp_path):
    url = f"http://127.0.0.1:{free_port()}/hooks/me"
    with serving(calling_back) as api:
        sources = {"api": signing(api.url), "hooks": HOOKS}
        told = with_inputs(document(tmp_path, sources, asking_for_callbacks(api.url, "callbackUrl")), "callbackUrl")
        loading = LoadOptions(root=str(tmp_path))
        result = arazzo_runner.run(told, inputs={"id": "7", "callbackUrl": url}, load_options=loading)
        assert result.outputs == {"status": "signed"}, result
        assert [request.json["callbackUrl"] for request in api.received] == [url]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("https://me.test/hooks", "nothing says where to listen for them", id="a host of others"),
        pytest.param("ftp://me.test/hooks", "is not a URL for webhooks", id="another scheme"),
        pytest.param("http://a:b@127.0.0.1:1/", "is not a URL for webhooks", id="with a password"),
        pytest.param("http://127.0.0.1:99999/", "is not a URL for webhooks", id="no port"),
        pytest.param("http://[::1/x", "is not a URL for webhooks", id="no host"),
        pytest.param("http://127.0.0.1:8/\r\nx", "is not a URL for webhooks", id="with a line break"),
    ],
)
def test_a_callback_url_that_cannot_be_heard_fails_before_anything_is_sent(url, said, tmp_path):
    with serving(calling_back) as api:
        sources = {"api": signing(api.url), "hooks": HOOKS}
        told = with_inputs(document(tmp_path, sources, asking_for_callbacks(api.url, "callbackUrl")), "callbackUrl")
        loading = LoadOptions(root=str(tmp_path))
        result = arazzo_runner.run(told, inputs={"id": "7", "callbackUrl": url}, load_options=loading)
        assert result.status == "failed"
        assert any(said in each.message for step in result.steps for at in step.attempts for each in at.diagnostics)
        assert api.received == []


def test_two_webhooks_have_urls_of_their_own(tmp_path):
    names = ("callbackUrl", "callbackUrl_other")
    other = description({"host": "other.test", "protocol": "https"})
    with serving(calling_back) as api:
        sources = {"api": signing(api.url), "hooks": HOOKS, "others": other}
        steps = asking_for_callbacks(api.url, *names)
        steps.append({**steps[-1], "stepId": "other", "operationId": "$sourceDescriptions.others.orderPlaced"})
        told = with_inputs(document(tmp_path, sources, steps), *names)
        result = arazzo_runner.run(told, inputs={"id": "7"}, load_options=LoadOptions(root=str(tmp_path)))
        assert result.status == "succeeded", result
        urls = [request.json["callbackUrl"] for request in api.received]
    assert len(set(urls)) == 2


@pytest.mark.parametrize("option", ["--mock", "--dry-run"])
def test_without_a_server_a_url_stands_for_the_webhook(option, tmp_path, capsys):
    sources = {"api": signing("http://api.test"), "hooks": HOOKS}
    told = with_inputs(document(tmp_path, sources, asking_for_callbacks("", "callbackUrl")), "callbackUrl")
    (tmp_path / "flow.json").write_text(json.dumps(told))
    line = ["run", str(tmp_path / "flow.json"), "--root", str(tmp_path), "--sample-inputs", option, "--format", "json"]
    assert command(line) == 0
    assert "https://callback.invalid/orders" in capsys.readouterr().out


def test_the_commands_say_which_inputs_the_run_gives(tmp_path, capsys):
    sources = {"api": signing("http://api.test"), "hooks": HOOKS}
    told = with_inputs(document(tmp_path, sources, asking_for_callbacks("", "callbackUrl")), "callbackUrl")
    (tmp_path / "flow.json").write_text(json.dumps(told))
    for name in ("show", "trace"):
        assert command([name, str(tmp_path / "flow.json"), "--root", str(tmp_path)]) == 0
        assert "string, the URL of the webhook unless given" in capsys.readouterr().out


def test_a_message_is_posted(tmp_path):
    with serving(lambda request: Reply(204)) as api:
        result = run(
            tmp_path,
            {"hooks": description(server_at(api.url))},
            [{**SEND, "stepId": "wait", "outputs": {"status": "$message.payload#/status"}}],
        )
        assert result.status == "succeeded", result
        (request,) = api.received
        assert (request.method, request.target, request.json) == ("POST", "/orders", {"id": "7", "status": "placed"})
        assert request.headers["Content-Type"] == "application/json"


def test_the_command_lists_what_brokers_need(tmp_path, capsys, monkeypatch):
    schemes = {"login": {"type": "scramSha256"}, "key": {"type": "httpApiKey", "in": "query", "name": "key"}}
    server = {
        "host": "b.test",
        "protocol": "wss",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in schemes],
    }
    described = description(server, components={"securitySchemes": schemes})
    (tmp_path / "flow.json").write_text(json.dumps(document(tmp_path, {"events": described}, [SEND, RECEIVE])))
    arguments = ["auth", str(tmp_path / "flow.json"), "--root", str(tmp_path)]
    monkeypatch.chdir(tmp_path)
    assert command(arguments) == 1
    text = capsys.readouterr().out
    assert "events.login  scramSha256" in text
    assert "events.key  httpApiKey in query key" in text
    assert "environment ARAZZO_AUTH_EVENTS_LOGIN_USER" in text
    assert "wss://b.test" in text
    assert "send /orders" in text
    monkeypatch.setenv("ARAZZO_AUTH_EVENTS_KEY", "s3cret-key-1")
    assert command(arguments) == 0
    text = capsys.readouterr().out
    assert "with key" in text
    assert "s3cret-key-1" not in text


@pytest.mark.parametrize(
    "form",
    [["--format", "json"], ["-v"], ["-vv"], ["--report", "junit=report.xml"], ["--report", "html=report.html"]],
    ids=" ".join,
)
def test_a_password_in_the_url_is_used_warned_about_and_shown_nowhere(form, tmp_path, capsys, monkeypatch):
    hub = websocket_hub(login=("me", "s3cret-pass"))
    described = description({"host": "b.test", "protocol": "ws"})
    (tmp_path / "flow.json").write_text(json.dumps(document(tmp_path, {"events": described}, [SEND, RECEIVE])))
    url = hub.url.replace("://", "://me:s3cret-pass@")
    monkeypatch.chdir(tmp_path)
    arguments = ["run", "flow.json", "-i", "id=7", "--server", f"events={url}", "--root", str(tmp_path), *form]
    assert command(arguments) == 0
    hub.close()
    shown = "".join(capsys.readouterr())
    written = "".join(path.read_text() for path in tmp_path.glob("report.*"))
    assert "s3cret-pass" not in shown + written
    assert "password-in-url" in shown


@pytest.mark.skipif(not usable(), reason="durable runs need an extra")
def test_a_killed_run_listens_at_its_url_again(tmp_path):
    environment = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state"), "NO_COLOR": "1"}
    folder = tmp_path / "work"
    folder.mkdir()

    def begun(*words: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "arazzo_runner", *words]
        return subprocess.Popen(line, cwd=folder, env=environment, stdout=-1, stderr=-2, text=True)

    with serving(lambda request: Reply(202)) as api:
        sources = {"api": signing(api.url), "hooks": HOOKS}
        told = with_inputs(document(folder, sources, asking_for_callbacks(api.url, "callbackUrl")), "callbackUrl")
        told["workflows"][0]["steps"][-1]["timeout"] = 60_000
        (folder / "flow.json").write_text(json.dumps(told))
        with begun(
            "run", "flow.json", "-i", "id=order-7", "--root", str(folder), "--durable", "--run-id", "r1"
        ) as first:
            wait_until(lambda: bool(api.received))
            first.kill()
        url = api.received[0].json["callbackUrl"]
        with begun("resume", "r1") as second:
            wait_until(lambda: posted(url, {"id": "order-7", "status": "signed"}) or second.poll() is not None)
            out, _ = second.communicate(timeout=60)
        assert second.returncode == 0, out
        assert '"status": "signed"' in out or "signed" in out
        assert len(api.received) == 1
    stored = b"".join(path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file())
    assert b"order-7" not in stored
    assert url.encode() not in stored


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def posted(url: str, value: Any) -> bool:
    request = urllib.request.Request(url, json.dumps(value).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return bool(answer.status == 204)
    except OSError:
        return False
