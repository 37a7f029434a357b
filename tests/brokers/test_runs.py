"""Runs on a real broker from every place that starts one: Python, the command line, suites, the pytest plugin."""

from __future__ import annotations

import asyncio
import importlib.util
import io
import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

import arazzo_runner
from arazzo_runner import InvalidUsage, RunOptions
from arazzo_runner.cli.main import run as command_line
from arazzo_runner.engine.effects import known
from tests.brokers.servers import PASSWORD, USER, Mosquitto

FLOW = """\
arazzo: 1.1.0
info: {title: Echo, version: 1.0.0}
sourceDescriptions: [{name: events, url: events.yml, type: asyncapi}]
workflows:
  - workflowId: echo
    inputs: {type: object, properties: {id: {type: string, default: a}}}
    steps:
      - stepId: listen
        operationId: $sourceDescriptions.events.heard
        action: receive
        correlationId: $inputs.id
        timeout: 5000
        dependsOn: [say]
        outputs: {text: $message.payload#/text}
      - stepId: say
        operationId: $sourceDescriptions.events.said
        action: send
        parameters: [{name: id, in: header, value: $inputs.id}]
        requestBody: {payload: {text: hello}}
    outputs: {text: $steps.listen.outputs.text}
  - workflowId: listenOnly
    steps:
      - stepId: listen
        operationId: $sourceDescriptions.events.heard
        action: receive
        timeout: 300
        outputs: {text: $message.payload#/text}
    outputs: {text: $steps.listen.outputs.text}
"""
EVENTS = """\
asyncapi: 3.0.0
info: {title: Events, version: 1.0.0}
servers: {broker: {host: HOST, protocol: mqtt, SECURITY}}
channels:
  echo:
    address: ADDRESS
    messages:
      Said:
        correlationId: {location: $message.header#/id}
        headers: {type: object, properties: {id: {type: string}}}
        payload: {type: object, properties: {text: {type: string}}}
operations:
  said: {action: receive, channel: {$ref: "#/channels/echo"}}
  heard: {action: send, channel: {$ref: "#/channels/echo"}, bindings: {mqtt: {qos: 1}}}
components: {securitySchemes: {login: {type: userPassword}}}
"""


@pytest.fixture
def flow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that writes the documents for a broker and returns the path of the workflows."""
    for name in ("STATE", "CONFIG", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.chdir(tmp_path)

    def write(server: Mosquitto, security: str = "") -> str:
        host = server.url.partition("://")[2]
        text = EVENTS.replace("HOST", f'"{host}"').replace("ADDRESS", f"echo/{uuid.uuid4().hex}")
        (tmp_path / "events.yml").write_text(text.replace(", SECURITY", security))
        (tmp_path / "flow.arazzo.yml").write_text(FLOW)
        return str(tmp_path / "flow.arazzo.yml")

    return write


@pytest.mark.parametrize("parallel", [1, 4])
def test_python_blocking(flow, mosquitto, parallel):
    result = arazzo_runner.run(flow(mosquitto), "echo", options=RunOptions(parallel=parallel))
    assert (result.status, result.outputs) == ("succeeded", {"text": "hello"})


@pytest.mark.parametrize("parallel", [1, 4])
def test_python_on_an_event_loop(flow, mosquitto, parallel):
    path = flow(mosquitto)

    async def both() -> Any:
        runs = (arazzo_runner.arun(path, "echo", {"id": each}, options=RunOptions(parallel=parallel)) for each in "ab")
        return await asyncio.gather(*runs)

    assert [each.outputs for each in asyncio.run(both())] == [{"text": "hello"}] * 2


def test_a_world_of_the_caller_that_sends(flow, mosquitto):
    with arazzo_runner.BlockingWorld() as world:
        result = arazzo_runner.run(flow(mosquitto), "echo", world=world)
    assert result.outputs == {"text": "hello"}


def test_wrappers_see_the_effects(flow, mosquitto):
    seen: list[str] = []

    class Around:
        def __init__(self, world: Any) -> None:
            self.world = world

        async def perform(self, effect: Any, /) -> Any:
            seen.append(type(effect).__name__)
            return await self.world.perform(effect)

    arazzo_runner.run(flow(mosquitto), "echo", around=Around)
    assert [each for each in seen if each not in ("Now", "Sleep")] == [
        "Subscribe",
        "Publish",
        "Receive",
        "Settle",
        "Unsubscribe",
    ]


def test_the_command_line(flow, mosquitto, capsys):
    assert command_line(["run", flow(mosquitto), "-w", "echo"]) == 0
    assert json.loads(capsys.readouterr().out) == {"text": "hello"}


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_many_runs(flow, mosquitto, capsys, jobs, tmp_path):
    (tmp_path / "rows.csv").write_text("id\none\ntwo\nthree\n")
    assert command_line(["run", flow(mosquitto), "-w", "echo", "--data", "rows.csv", "--jobs", jobs]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["outputs"] for each in lines] == [{"text": "hello"}] * 3


def test_an_environment_names_the_broker(flow, mosquitto, capsys, tmp_path):
    path = flow(mosquitto)
    api = tmp_path / "events.yml"
    api.write_text(api.read_text().replace(mosquitto.url.partition("://")[2], "127.0.0.1:1"))
    (tmp_path / "arazzo.toml").write_text(f'[environments.local]\nservers = {{ events = "{mosquitto.url}" }}\n')
    assert command_line(["run", path, "-w", "echo", "--env", "local"]) == 0
    assert command_line(["run", path, "-w", "echo"]) == 1
    assert "127.0.0.1:1" in capsys.readouterr().err


def test_a_login_from_the_environment(flow, mosquitto_login, capsys, monkeypatch):
    path = flow(mosquitto_login, ', security: [{$ref: "#/components/securitySchemes/login"}]')
    assert command_line(["run", path, "-w", "echo"]) == 1
    monkeypatch.setenv("ARAZZO_AUTH_EVENTS_LOGIN_USER", USER)
    monkeypatch.setenv("ARAZZO_AUTH_EVENTS_LOGIN_PASSWORD", PASSWORD)
    assert command_line(["run", path, "-w", "echo", "-vv"]) == 0
    printed = capsys.readouterr()
    assert PASSWORD not in printed.out + printed.err


def test_the_debugger(flow, mosquitto, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("e id=b\nn\nn\nn\np $message.payload#/text\nn\n"))
    assert command_line(["debug", flow(mosquitto), "-w", "echo"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"text": "hello"}
    assert '\n"hello"\n' in printed.err


def test_retained_messages_count_if_asked_for(flow, mosquitto, capsys, tmp_path):
    path = flow(mosquitto)
    api = tmp_path / "events.yml"
    api.write_text(
        api.read_text().replace(
            "said: {action: receive,", "said: {action: receive, bindings: {mqtt: {qos: 1, retain: true}},"
        )
    )
    assert arazzo_runner.run(path, "echo").status == "succeeded"
    assert arazzo_runner.run(path, "listenOnly").status == "failed"
    assert arazzo_runner.run(path, "listenOnly", options=RunOptions(retained=True)).outputs == {"text": "hello"}
    assert command_line(["run", path, "-w", "listenOnly", "--retained"]) == 0
    (tmp_path / "arazzo.toml").write_text('environment = "e"\n[environments.e.messages]\nretained = true\n')
    assert command_line(["run", path, "-w", "listenOnly"]) == 0


def test_messages_that_no_step_takes_are_limited(flow, mosquitto):
    path = flow(mosquitto)
    text = (
        FLOW.replace("dependsOn: [say]", "dependsOn: [say, more]")
        .replace(
            "    outputs: {text: $steps.listen",
            """\
      - stepId: more
        operationId: $sourceDescriptions.events.said
        action: send
        requestBody: {payload: {text: hello}}
    outputs: {text: $steps.listen""",
            1,
        )
        .replace("value: $inputs.id", "value: other")
    )
    Path(path).write_text(text)
    result = arazzo_runner.run(path, "echo", options=RunOptions(max_messages=1))
    assert result.status == "failed"
    assert "more than 1 message" in (result.reason or "")


def test_the_pytest_plugin(flow, mosquitto, tmp_path):
    flow(mosquitto)
    words = [
        "-m",
        "pytest",
        "-q",
        "--arazzo-run",
        "-k",
        "echo",
        "-p",
        "no:cacheprovider",
        "--basetemp",
        "temporary",
        "--rootdir",
        ".",
        ".",
    ]
    ran = subprocess.run([sys.executable, *words], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert "1 passed, 2 deselected" in ran.stdout


# ------------------------------------------------------------------ what is refused before anything is sent


@pytest.mark.parametrize(
    ("protocol", "code", "hint"),
    [
        pytest.param(
            "jms", "protocol-not-supported", "protocols with a driver: amqp", id="a protocol without a driver"
        ),
        pytest.param(
            "memcached", "protocol-not-supported", "docs/brokers.md says how to add one", id="an unknown protocol"
        ),
        pytest.param("mqtt", "library-missing", "pip install 'aiomqtt", id="a library that is missing"),
    ],
)
def test_a_broker_that_nothing_here_can_speak_to(flow, capsys, monkeypatch, tmp_path, protocol, code, hint):
    path = flow(Nowhere())
    api = tmp_path / "events.yml"
    api.write_text(api.read_text().replace("protocol: mqtt", f"protocol: {protocol}"))
    if code == "library-missing":
        found = importlib.util.find_spec
        monkeypatch.setattr(
            importlib.util, "find_spec", lambda name, *more: None if name == "aiomqtt" else found(name, *more)
        )
    with pytest.raises(InvalidUsage) as refused:
        arazzo_runner.run(path, "echo")
    assert {each.code for each in refused.value.diagnostics} == {code}
    assert command_line(["run", path, "-w", "echo"]) == 2
    printed = capsys.readouterr().err
    assert f"error[{code}]" in printed
    assert hint in printed
    assert command_line(["run", path, "-w", "echo", "-w", "listenOnly"]) == 2
    assert command_line(["debug", path, "-w", "echo"]) == 2
    assert command_line(["run", path, "-w", "echo", "--mock"]) == 0
    assert command_line(["validate", path]) == 0


class Nowhere(Mosquitto):
    """A broker that is not there."""

    url = "mqtt://127.0.0.1:1"

    def __init__(self) -> None:
        pass


def test_several_servers_of_which_none_can_be_used(flow, tmp_path):
    path = flow(Nowhere())
    api = tmp_path / "events.yml"
    text = api.read_text().replace("protocol: mqtt", "protocol: jms")
    api.write_text(text.replace("servers: {", "servers: {other: {host: x, protocol: sqs}, "))
    with pytest.raises(InvalidUsage, match='no server of the channel "echo" can be used: jms, sqs') as refused:
        arazzo_runner.run(path, "echo")
    assert {each.code for each in refused.value.diagnostics} == {"no-usable-server"}


def test_only_steps_that_can_be_reached_need_a_broker(flow, tmp_path):
    path = Path(flow(Nowhere()))
    (tmp_path / "events.yml").write_text(
        (tmp_path / "events.yml").read_text().replace("protocol: mqtt", "protocol: jms")
    )
    path.write_text(
        FLOW
        + """\
  - workflowId: calm
    steps:
      - {stepId: nothing, workflowId: empty}
      - {stepId: loud, workflowId: echo}
  - workflowId: empty
    steps: [{stepId: again, workflowId: emptier}]
  - workflowId: emptier
    steps: [{stepId: call, operationId: $sourceDescriptions.web.get}]
"""
    )
    api = '{"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": "http://127.0.0.1:1"}], "paths": {"/": {"get": {"operationId": "get", "responses": {"200": {"description": "ok"}}}}}}'
    (tmp_path / "web.json").write_text(api)
    text = path.read_text().replace("type: asyncapi}]", "type: asyncapi}, {name: web, url: web.json, type: openapi}]")
    path.write_text(text)
    with pytest.raises(InvalidUsage):
        arazzo_runner.run(path, "calm")
    # The step that is chosen calls over HTTP alone: it is tried, and nobody listens there.
    assert arazzo_runner.run(path, "calm", options=RunOptions(step="nothing")).status == "failed"


def test_a_world_that_knows_no_messages_says_so(flow):
    class Silent:
        async def perform(self, effect: Any, /) -> Any:
            return known(effect) and 0.0

    with pytest.raises(TypeError, match="Subscribe is not an effect that this World performs"):
        arazzo_runner.run(flow(Nowhere()), "echo", world=Silent())
