"""Durable runs that send and receive messages: stopped at every write and every effect, then gone on with.

The broker keeps its messages by position, as Kafka does, or forgets them with the process, as MQTT may.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner import api
from arazzo_runner.base.records import field_names
from arazzo_runner.durable.decisions import check_decisions, check_fits
from arazzo_runner.durable.journal import ANSWERED, BEGUN, Entry, InDoubt, open_doubts
from arazzo_runner.durable.messages import (
    CannotSubscribe,
    MessageAnswer,
    message_answer_from_json,
    message_answer_to_json,
    with_identity,
)
from arazzo_runner.durable.records import Decision, Doubt
from arazzo_runner.durable.world import DurableWorld, Terms
from arazzo_runner.durable_runs import bundled
from arazzo_runner.engine.effects import Now, Race, Sleep
from arazzo_runner.engine.messages import (
    Broker,
    ChannelMessage,
    NoMessage,
    Publish,
    Published,
    Receive,
    Received,
    Settle,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.sources.fetch import DocumentSnapshot
from tests.durable.test_world import Crash, ListJournal, Plan

CHANNELS = """\
asyncapi: 3.0.0
info: {title: Orders, version: '1'}
servers:
  local: {host: 'broker.test:9092', protocol: kafka}
channels:
  orders: {address: orders, messages: {order: {payload: {type: object}}}}
  confirmed:
    address: confirmed
    messages:
      confirmed:
        correlationId: {location: '$message.header#/id'}
        payload: {type: object}
operations:
  order: {action: send, channel: {$ref: '#/channels/orders'}}
  confirmed: {action: receive, channel: {$ref: '#/channels/confirmed'}}
"""


def _send(name: str, key: str) -> str:
    return f"""\
  - stepId: {name}
    operationId: order
    action: send
    parameters: [{{name: id, in: header, value: {key}}}]
    requestBody: {{payload: {{step: {name}}}}}
"""


FLOW = f"""\
arazzo: 1.1.0
info: {{title: Order, version: '1'}}
sourceDescriptions:
- {{name: orders, url: channels.yml, type: asyncapi}}
workflows:
- workflowId: order
  steps:
{_send("first", "a")}\
  - stepId: firstConfirmed
    operationId: confirmed
    action: receive
    correlationId: a
    timeout: 5000
    outputs: {{number: $message.payload#/number}}
{_send("second", "b")}\
  - stepId: secondConfirmed
    operationId: confirmed
    action: receive
    timeout: 5000
    successCriteria: [{{condition: $message.header.id == 'b'}}]
    outputs: {{number: $message.payload#/number}}
  outputs:
    first: $steps.firstConfirmed.outputs.number
    second: $steps.secondConfirmed.outputs.number
"""


class KeptLog:
    """A broker that keeps all messages; each order is answered by a foreign message, the right one and a duplicate."""

    def __init__(self, *, lossy: bool = False) -> None:
        self.sent: list[ChannelMessage] = []
        self.log: list[ChannelMessage] = []
        self.settled: list[str] = []
        self.ended: list[tuple[str, ...]] = []
        self.is_there = True
        self.lossy = lossy

    def take(self, message: ChannelMessage) -> None:
        self.sent.append(message)
        key = dict(message.headers)["id"]
        for name in ("foreign", key, key):
            body = json.dumps({"number": len(self.log)}).encode()
            self.log.append(ChannelMessage(address="confirmed", payload=body, headers=(("id", name),)))


class Process:
    """The World of one process, which has subscriptions of its own: they are gone with it."""

    def __init__(self, broker: KeptLog, plan: Plan) -> None:
        self._broker = broker
        self._plan = plan
        self._from: dict[str, int] = {}
        self._settled: dict[str, set[str]] = {}
        self.clock = 1000.0

    async def perform(self, effect: Any, /) -> Any:
        match effect:
            case Now():
                self.clock += 0.01
                return self.clock
            case Sleep():
                return None
            case Race():
                return 0, await self.perform(effect.effects[0])
            case Subscribe():
                return self._subscribe(effect)
            case Publish():
                self._plan.strike("before-send")
                self._broker.take(effect.message)
                self._plan.strike("after-send")
                return Published(receivers=1)
            case Receive():
                self._plan.strike("receive")
                return self._receive(effect)
            case Settle():
                self._plan.strike("settle")
                assert effect.tap in self._from
                self._settled[effect.tap].add(effect.token)
                self._broker.settled.append(effect.token)
            case Unsubscribe():
                self._broker.ended.append(effect.taps)
            case _:
                raise AssertionError(effect)

    def _subscribe(self, effect: Subscribe) -> Subscribed | NoMessage:
        if not self._broker.is_there:
            return NoMessage(reason="refused", message="the broker refused the connection", sent=False)
        start = len(self._broker.log) if effect.position is None else effect.position["offset"]
        self._from[effect.tap] = start
        self._settled[effect.tap] = set()
        position = None if self._broker.lossy else {"offset": start}
        return Subscribed(address=effect.address, position=position, lossy=self._broker.lossy)

    def _receive(self, effect: Receive) -> Received | NoMessage:
        for index in range(self._from[effect.tap], len(self._broker.log)):
            message = self._broker.log[index]
            wanted = None if effect.correlation is None else effect.correlation.value
            if str(index) in self._settled[effect.tap] or index <= effect.after:
                continue
            if wanted is None or dict(message.headers)["id"] == wanted:
                return Received(message=message, token=str(index), index=index)
        return NoMessage(reason="timeout", message="no message came in time")


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    (tmp_path / "channels.yml").write_text(CHANNELS, encoding="utf-8")
    path = tmp_path / "flow.yml"
    path.write_text(FLOW, encoding="utf-8")
    return path


class Runs:
    """A run that dies and is gone on with, until it ends."""

    def __init__(self, flow: Path, broker: KeptLog | None = None, **terms: Any) -> None:
        self.broker = broker or KeptLog()
        self.kept: list[Entry] = []
        self.executions = 0
        self._program = api.load(flow)
        self._decided: dict[str, dict[str, Decision]] = {}
        self._terms = terms

    def go(self, plan: Plan) -> Any:
        """Run once; None when it died, the doubts or what stopped it, else the result."""
        self.executions += 1
        terms = Terms(
            run_id="r",
            execution=f"e{self.executions}",
            decisions=lambda token: self._decided.get(token, {}),
            keyed=lambda effect: False,
            **self._terms,
        )
        self.world = DurableWorld(Process(self.broker, plan), ListJournal(self.kept, plan), terms)
        try:
            return api.run(self._program, world=self.world, options=RunOptions(run_timeout=None))
        except InDoubt as stop:
            return stop.doubts
        except CannotSubscribe as stop:
            return stop
        except Crash:
            return None

    def finish(self) -> Any:
        """Resume until the run ends; doubts are decided by what the broker got."""
        for _ in range(20):
            came = self.go(Plan())
            if not isinstance(came, tuple):
                return came
            assert came == open_doubts(self.kept)
            sent = {json.loads(each.payload)["step"] for each in self.broker.sent}
            self._decided[came[0].token] = {
                doubt.key: Decision(kind="sent" if doubt.step_id in sent else "resend") for doubt in came
            }
        raise AssertionError("the run does not end")


@pytest.mark.parametrize("point", ["before-write", "after-write", "before-send", "after-send", "receive", "settle"])
def test_stopped_anywhere_nothing_is_sent_twice_and_nothing_is_lost(flow: Path, point: str) -> None:
    whole, counted = Runs(flow), Plan(point)
    expected = whole.go(counted)
    assert (expected.status, expected.outputs) == ("succeeded", {"first": 1, "second": 4})
    assert counted.seen >= 2
    for number in range(1, counted.seen + 1):
        runs = Runs(flow)
        assert runs.go(Plan(point, number)) is None
        result = runs.finish()
        where = f"{point} {number}"
        assert (result.status, result.outputs) == (expected.status, expected.outputs), where
        assert [json.loads(each.payload)["step"] for each in runs.broker.sent] == ["first", "second"], where
        assert set(runs.broker.settled) == {"1", "4"}, where


def test_the_journal_has_each_message_before_the_broker_hears_that_it_was_taken(flow: Path) -> None:
    runs = Runs(flow)
    assert runs.go(Plan("settle", 1)) is None
    assert runs.kept[-1].name == f"firstConfirmed#1/m1 {ANSWERED}"
    assert [entry.name for entry in runs.kept[:3]] == [
        f"arm/firstConfirmed {ANSWERED}",
        f"first#1 {BEGUN}",
        f"first#1 {ANSWERED}",
    ]


def test_a_publish_that_may_have_gone_out_is_in_doubt(flow: Path) -> None:
    runs = Runs(flow)
    assert runs.go(Plan("after-send", 1)) is None
    (doubt,) = runs.go(Plan())
    assert (doubt.step_id, doubt.method, doubt.url, doubt.is_message) == (
        "first", "publish", "kafka://broker.test:9092 orders", True,
    )  # fmt: skip
    assert len(runs.broker.sent) == 1


def test_a_publish_that_a_person_says_failed_fails_its_step(flow: Path) -> None:
    runs = Runs(flow)
    runs.go(Plan("before-send", 1))
    (doubt,) = open_doubts(runs.kept)
    runs._decided[doubt.token] = {doubt.key: Decision(kind="failed")}
    result = runs.go(Plan())
    assert (result.status, runs.broker.sent) == ("failed", [])
    assert result.reason == "a person decided that the message was not taken"


def test_a_run_whose_broker_is_not_there_can_be_resumed_later(flow: Path) -> None:
    runs = Runs(flow)
    assert runs.go(Plan("receive", 1)) is None
    entries = len(runs.kept)
    runs.broker.is_there = False
    stop = runs.go(Plan())
    assert isinstance(stop, CannotSubscribe)
    assert stop.reason == (
        "cannot subscribe to confirmed again: the broker refused the connection; resume the run when the broker is there"
    )
    assert len(runs.kept) == entries
    runs.broker.is_there = True
    assert runs.finish().status == "succeeded"


def test_addresses_whose_messages_are_lost_are_named(flow: Path) -> None:
    runs = Runs(flow, KeptLog(lossy=True))
    assert runs.go(Plan()).status == "succeeded"
    assert runs.world.lossy == {"confirmed": "kafka"}


def test_where_nothing_may_be_lost_nothing_is_sent(flow: Path) -> None:
    runs = Runs(flow, KeptLog(lossy=True), lossless=True)
    result = runs.go(Plan())
    assert result.status == "failed"
    assert "keeps no messages of confirmed for a run that was interrupted" in result.reason
    assert (runs.broker.sent, runs.broker.ended) == ([], [("firstConfirmed",)])


def test_a_wait_for_a_message_ends_at_a_recorded_moment(flow: Path) -> None:
    runs = Runs(flow)
    assert runs.go(Plan("receive", 1)) is None
    (begun,) = [entry for entry in runs.kept if entry.name == f"firstConfirmed#1/m1 {BEGUN}"]
    assert 1004.9 < begun.value["until"] < 1005.2


def identity(protocol: str, header: str | None, native: str | None = None, *, id: str, **more: Any) -> Any:
    return pytest.param(protocol, more, (() if header is None else ((header, "r:s#1"),), native), id=id)


@pytest.mark.parametrize(
    ("protocol", "more", "expected"),
    [
        identity("amqp", None, "r:s#1", id="the message id of AMQP"),
        identity("nats", "Nats-Msg-Id", id="the header by which JetStream knows a double"),
        identity("nats+tls", "Nats-Msg-Id", id="the same with TLS"),
        identity("nats-secure", "Nats-Msg-Id", id="the same under another name"),
        identity("kafka", "Idempotency-Key", id="a header of Kafka"),
        identity("https", "Idempotency-Key", id="a header of HTTP"),
        identity("mqtt", "Idempotency-Key", version="5", id="a property of MQTT 5"),
        identity("mqtt", None, version="3.1.1", id="MQTT 3.1.1 has no place for it"),
        identity("wss", None, id="WebSocket has no place for it"),
        identity("redis", None, id="the pub/sub of Redis has no place for it"),
        identity("redis", "Idempotency-Key", channel={"type": "stream"}, id="a field of a stream of Redis"),
    ],
)
def test_an_identity_is_written_where_the_protocol_looks_for_it(protocol: str, more: Any, expected: Any) -> None:
    version = more.get("version")
    broker = Broker(source="s", server="", protocol=protocol, url=f"{protocol}://broker.test", protocol_version=version)
    bindings: Any = {"channel": more["channel"]} if "channel" in more else {}
    message = ChannelMessage(address="a")
    effect = Publish(key="s#1", safe=False, broker=broker, message=message, timeout=1.0, bindings=bindings)
    marked = with_identity(effect, "r:s#1")
    assert (marked.message.headers, marked.message.native.get("message_id")) == expected
    assert with_identity(marked, "other") == marked


ANSWERS: dict[str, MessageAnswer] = {
    "a message with everything": Received(
        message=ChannelMessage(
            address="a", payload=b"\xff\x00", headers=(("a", "1"), ("a", "2")), content_type="text/plain",
            key=b"\xfe", native={"offset": 7},
        ),
        token="t", index=3, passed_over=2, elapsed_ms=1.5,
    ),
    "a message with nothing": Received(message=ChannelMessage(address="a"), token="t"),
    "a failure": NoMessage(
        reason="closed", message="m", sent=False, passed_over=1, retained=2, elapsed_ms=3.0, code="c", hint="h"
    ),
    "a subscription": Subscribed(address="a", position={"0": 4}, lossy=False),
    "a publication": Published(elapsed_ms=2.0, receivers=0, position=[1]),
}  # fmt: skip


@pytest.mark.parametrize("case", ANSWERS)
def test_answers_survive_the_journal(case: str) -> None:
    text = json.dumps(message_answer_to_json(ANSWERS[case]))
    assert message_answer_from_json(json.loads(text)) == ANSWERS[case]


def test_a_decision_must_fit_what_is_in_doubt() -> None:
    check_decisions({"s": Decision(kind="sent")})
    message = Doubt(key="s#1", method="publish", url="mqtt://broker.test a", token="t")
    request = Doubt(key="s#1", method="POST", url="https://api.test/", token="t")
    check_fits(message, Decision(kind="sent"))
    with pytest.raises(InvalidUsage, match="sent a request, which has a response"):
        check_fits(request, Decision(kind="sent"))
    with pytest.raises(InvalidUsage, match="sent a message, which has no response"):
        check_fits(message, Decision(kind="answered"))


def test_a_resumed_run_reads_its_documents_with_the_options_it_began_with() -> None:
    # The others are in the run's own copy of the documents, or are not about what the documents say.
    others = {"environment", "snapshot", "unchecked", "any_server"}
    kept = bundled(DocumentSnapshot(), LoadOptions()).reading
    assert {*field_names(LoadOptions)} - others == {*kept}
