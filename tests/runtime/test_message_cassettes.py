"""Messages in cassettes: recorded from a broker, replayed without one, compared, without secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arazzo_runner import run
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli import main
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.messages import ChannelMessage, NoMessage, Receive, Received, Settle, Unsubscribe
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.world import Brokers
from arazzo_runner.runtime.cassette.file import cassette_text, read_cassette
from arazzo_runner.runtime.cassette.messages import MessageInteraction, MessageRecorder
from arazzo_runner.runtime.cassette.placeholders import Placeholders
from arazzo_runner.runtime.cassette.world import Cassette, Recorder
from arazzo_runner.runtime.http import BlockingWorld
from tests.brokers.memory import MemoryBroker

CHANNELS = """\
asyncapi: 3.0.0
info: {title: Orders, version: '1'}
servers:
  local: {host: 'broker.test:1883', protocol: mqtt}
channels:
  place:
    address: orders/place
    messages:
      place: {payload: {type: object, properties: {product: {type: string}}}}
  confirmed:
    address: orders/confirmed
    messages:
      confirmed:
        correlationId: {location: '$message.header#/requestId'}
        payload: {type: object, properties: {orderId: {type: integer}}}
operations:
  place: {action: send, channel: {$ref: '#/channels/place'}}
  confirm: {action: receive, channel: {$ref: '#/channels/confirmed'}}
"""
FLOW = """\
arazzo: 1.1.0
info: {title: Order, version: '1'}
sourceDescriptions:
- {name: orders, url: channels.yml, type: asyncapi}
workflows:
- workflowId: order
  inputs: {type: object, properties: {id: {type: string}, apiToken: {type: string, format: password}}}
  steps:
  - stepId: place
    operationId: place
    action: send
    parameters:
    - {name: requestId, in: header, value: $inputs.id}
    - {name: Authorization, in: header, value: 'Bearer {$inputs.apiToken}'}
    requestBody: {payload: {product: tea, password: $inputs.apiToken}}
  - stepId: confirm
    operationId: confirm
    action: receive
    CORRELATION
    timeout: 5000
    successCriteria:
    - condition: $message.payload#/orderId == 7
    outputs: {orderId: $message.payload#/orderId}
  outputs: {orderId: $steps.confirm.outputs.orderId}
"""
TOKEN = "secret-token-of-the-test"
INPUTS = {"id": "r1", "apiToken": TOKEN}


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    (tmp_path / "channels.yml").write_text(CHANNELS, encoding="utf-8")
    path = tmp_path / "flow.yml"
    path.write_text(FLOW.replace("CORRELATION", "correlationId: $inputs.id"), encoding="utf-8")
    return path


def recorded(flow: Path, *answers: tuple[str, int]) -> tuple[RunResult, Cassette]:
    """Run the document against a broker that answers each order with these (requestId, orderId)."""
    broker = MemoryBroker()

    def answer(message: ChannelMessage) -> None:
        if message.address == "orders/place":
            for request, order in answers:
                body = json.dumps({"orderId": order, "was": dict(message.headers)["Authorization"]}).encode()
                broker.publish(
                    ChannelMessage(
                        address="orders/confirmed",
                        payload=body,
                        headers=(("requestId", request),),
                        content_type="application/json",
                        key=b"\x00key",
                        native={"qos": 1},
                    )
                )

    broker.on_publish(answer)
    recorders: list[Recorder] = []

    def around(world: World) -> World:
        recorders.append(Recorder(world))
        return recorders[-1]

    with Brokers(BrokerOptions(driver=broker.driver)) as brokers, BlockingWorld() as world:
        result = run(flow, inputs=INPUTS, world=brokers.around(world), around=around)
    cassette = Cassette(
        document=flow.name,
        workflow_id="order",
        status=result.status,
        inputs=INPUTS,
        outputs=result.outputs,
        interactions=tuple(recorders[0].interactions),
    )
    return result, cassette


def written(flow: Path, result: RunResult, cassette: Cassette) -> Path:
    path = flow.with_name("seen.yml")
    path.write_text(cassette_text(cassette, Placeholders(result.secrets)), encoding="utf-8")
    return path


def replayed(path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = main.run(["replay", str(path), "--no-color", "--quiet"])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_only_taken_messages_are_recorded_in_a_cassette_without_secrets(flow: Path) -> None:
    result, cassette = recorded(flow, ("foreign", 1), ("r1", 7), ("r1", 8))
    assert result.status == "succeeded"
    text = written(flow, result, cassette).read_text(encoding="utf-8")
    assert text.count("arazzo-cassette: 2") == 1
    assert TOKEN not in text
    assert "foreign" not in text
    assert [(each.key, each.action) for each in cassette.interactions if isinstance(each, MessageInteraction)] == [
        ("place#1", "publish"),
        ("confirm#1", "receive"),
    ]


def test_what_is_written_is_read_again(flow: Path) -> None:
    result, cassette = recorded(flow, ("foreign", 1), ("r1", 7))
    read = read_cassette(written(flow, result, cassette))
    assert [each.key for each in read.interactions] == ["place#1", "confirm#1"]
    received = read.interactions[1]
    assert isinstance(received, MessageInteraction)
    assert received.message is not None
    assert (received.message.key, received.message.native, received.passed_over) == (b"\x00key", {"qos": 1}, 1)
    again = read_cassette(written(flow, replace(result, secrets=Secrets()), read))
    assert again == read


REPLAYS: dict[str, tuple[tuple[str, str] | None, int, str]] = {
    "the same document": (None, 0, "as recorded: succeeded, 0 requests, 2 messages"),
    "another payload": (("product: tea", "product: coffee"), 1, 'place#1: the message\'s body /product was "tea"'),
    "another header": (("value: $inputs.id", "value: other"), 1, 'the message\'s header requestId was "r1"'),
    "a step that is gone": (
        ("    timeout: 5000", "    timeout: 5000\n    onSuccess: [{name: end, type: end}]"),
        0,
        "as recorded",
    ),
    "another message is expected": (("orderId == 7", "orderId == 9"), 1, "the recorded run succeeded"),
    "a step of another name": (
        ("stepId: place", "stepId: order"),
        1,
        "publish orders/place (order#1) is not in the cassette",
    ),
}


@pytest.mark.parametrize("case", REPLAYS)
def test_a_replay_needs_no_broker_and_tells_what_differs(
    case: str, flow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change, code, said = REPLAYS[case]
    path = written(flow, *recorded(flow, ("foreign", 1), ("r1", 7)))
    if change:
        old, new = change
        flow.write_text(flow.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    found = replayed(path, capsys)
    assert said in found[1]
    assert found[0] == code


def test_messages_that_were_looked_at_before_count_as_passed_over(
    flow: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flow.write_text(FLOW.replace("    CORRELATION\n", ""), encoding="utf-8")
    result, cassette = recorded(flow, ("r1", 1), ("r1", 2), ("r1", 7))
    received = cassette.interactions[1]
    assert isinstance(received, MessageInteraction)
    assert received.passed_over == 2
    assert replayed(written(flow, result, cassette), capsys)[0] == 0


def test_a_message_that_did_not_come_does_not_come_again(flow: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow.write_text(flow.read_text(encoding="utf-8").replace("timeout: 5000", "timeout: 50"), encoding="utf-8")
    result, cassette = recorded(flow, ("foreign", 1))
    assert result.status == "failed"
    received = cassette.interactions[1]
    assert isinstance(received, MessageInteraction)
    assert isinstance(received.failure, NoMessage)
    code, said = replayed(written(flow, result, cassette), capsys)
    assert (code, "as recorded: failed" in said) == (0, True)


WRONG = {
    "a message without the outcome": ("  published:\n    elapsed_ms: ", "  publishd:\n    elapsed_ms: ", ""),
    "no message where one was taken": ("  message:\n", "  massage:\n", "message is missing"),
    "headers of another form": (
        "    headers:\n    - requestId: r1\n",
        "    headers: [7]\n",
        "mapping of its name to a text",
    ),
    "a key that is not base64": ("messageKey: ", "messageKey: '*' #", "this is not base64"),
    "a version of the future": ("arazzo-cassette: 2", "arazzo-cassette: 3", "reads cassettes of version 1 and 2"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_damaged_cassette_is_refused_at_its_place(case: str, flow: Path) -> None:
    old, new, said = WRONG[case]
    path = written(flow, *recorded(flow, ("r1", 7)))
    text = path.read_text(encoding="utf-8")
    assert old in text
    head, _, tail = text.rpartition(old)
    path.write_text(head + new + tail, encoding="utf-8")
    if not said:
        read_cassette(path)
        return
    with pytest.raises(InvalidUsage, match=said):
        read_cassette(path)


def test_what_no_step_took_is_forgotten_with_its_subscription() -> None:
    recorder = MessageRecorder()
    came = Received(message=ChannelMessage(address="a"), token="1")
    recorder.record(Receive(key="wait#1/m1", tap="one", timeout=1.0), came, 0.0)
    recorder.record(Receive(key="wait#1/m1", tap="other", timeout=1.0), came, 0.0)
    recorder.record(Unsubscribe(key="end", taps=("one",)), None, 0.0)
    assert recorder.record(Settle(key="settle", tap="one", token="1"), None, 0.0) is None
    taken = recorder.record(Settle(key="settle", tap="other", token="1"), None, 0.0)
    assert taken is not None
    assert taken.message == came.message
