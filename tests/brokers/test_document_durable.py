"""Durable runs of one document on brokers: killed at every moment, then resumed; what is lost, and what stays behind.

The shop counts the orders: one, however often the run was killed. Confirmations that came while it was dead are there.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.documents import (
    AMQP,
    EVENTS,
    JETSTREAM,
    KAFKA,
    MQTT3,
    MQTT5,
    NATS,
    PUBSUB,
    STREAM,
    WEBSOCKET,
    Kind,
    Scene,
    kinds,
)
from tests.durable.conftest import usable
from tests.durable.crash import Zygote

pytestmark = pytest.mark.skipif(not usable(), reason="durable runs need an extra")
KEEPING = (KAFKA, AMQP, JETSTREAM, STREAM, MQTT5, MQTT3)
LOSSY = (NATS, PUBSUB, WEBSOCKET, EVENTS)
RUN = "order-1"
PATIENCE = 30.0


class Story:
    """A durable run of a scene in processes that may be killed."""

    def __init__(self, zygote: Zygote, scene: Scene) -> None:
        self._zygote, self.scene = zygote, scene
        self.folder: Path = scene.folder

    def begin(self, *words: str, **more: Any) -> int:
        """Run it; return the exit code, or the signal."""
        document, *others = self.scene.arguments
        return self.process("run", str(self.folder / document), *others, "--durable", "--run-id", RUN, *words, **more)

    def resume(self, *words: str, **more: Any) -> int:
        """Resume it."""
        return self.process("resume", RUN, *words, **more)

    def process(self, *words: str, kill: str | None = None, stop: tuple[signal.Signals, str] | None = None) -> int:
        """Run a command line in a process of its own.

        `kill` is the point at which it is killed; `stop` a signal that it gets when a text stands on standard error.
        """
        order: dict[str, Any] = {"argv": list(words), "env": self.environment}
        order |= {"out": str(self.folder / "out"), "err": str(self.folder / "err")}
        if kill is not None:
            order["kill"] = {"point": kill, "number": 1}
        (self.folder / "err").unlink(missing_ok=True)
        process = self._zygote.start(order)
        if stop is not None:
            self._wait_for(stop[1])
            os.kill(process, stop[0])
        return self._zygote.wait()

    def _wait_for(self, text: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not (self.folder / "err").exists() or text not in self.err:
            assert time.monotonic() < deadline, f"{text} does not come"
            time.sleep(0.01)

    @property
    def environment(self) -> dict[str, str]:
        return {"XDG_STATE_HOME": str(self.folder / "state"), "NO_COLOR": "1", **self.scene.environment}

    @property
    def out(self) -> str:
        return (self.folder / "out").read_text(encoding="utf-8")

    @property
    def err(self) -> str:
        return (self.folder / "err").read_text(encoding="utf-8")

    def position(self) -> Any:
        """Return where the subscription begins, as the journal has it."""
        assert self.process("runs", "export", RUN) == 0, self.err
        return json.loads(self.out)["journal"][0]["value"]["answers"][0]["position"]

    def check_end(self, code: int) -> None:
        """Check that the run has ended well, with one order and nothing left at the broker."""
        assert code == 0, self.err
        assert json.loads(self.out) == self.scene.outputs
        assert len(self.scene.shop.seen) == 1
        assert left_over(self) == []


def left_over(story: Story) -> list[str]:
    """Return what a broker keeps for the run."""
    kind, server, position = story.scene.kind, story.scene.server, story.position()
    if kind is AMQP:
        return asyncio.run(_queues(server, position["queue"]))
    if kind is JETSTREAM:
        return asyncio.run(_consumers(server, position["stream"]))
    if kind in (MQTT5, MQTT3):
        return _sessions(server, position["client"], kind)
    return []


async def _queues(server: Any, name: str) -> list[str]:
    import aio_pika
    from aiormq.exceptions import ChannelNotFoundEntity

    connection = await aio_pika.connect(
        host="127.0.0.1", port=server.port, login=server.username, password=server.password
    )
    async with connection:
        channel = await connection.channel()
        try:
            await channel.get_queue(name)
        except ChannelNotFoundEntity:
            return []
        return [name]


async def _consumers(server: Any, stream: str) -> list[str]:
    import nats

    client = await nats.connect(server.url)
    try:
        return [str(each.name) for each in await client.jetstream().consumers_info(stream)]
    finally:
        await client.close()


def _sessions(server: Any, client_id: str, kind: Kind) -> list[str]:
    """Return the session, which asking for it ends."""
    from paho.mqtt.client import MQTT_CLEAN_START_FIRST_ONLY, Client, MQTTv5, MQTTv311
    from paho.mqtt.enums import CallbackAPIVersion

    found: list[bool] = []
    connected = threading.Event()

    def on_connect(client: Any, userdata: Any, flags: Any, reason: Any, properties: Any) -> None:
        found.append(flags.session_present)
        connected.set()

    is_new = kind is MQTT5
    options: dict[str, Any] = {} if is_new else {"clean_session": False}
    client = Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTv5 if is_new else MQTTv311, **options)
    client.on_connect = on_connect
    client.connect("127.0.0.1", server.port, clean_start=False if is_new else MQTT_CLEAN_START_FIRST_ONLY)
    client.loop_start()
    assert connected.wait(10)
    client.disconnect()
    client.loop_stop()
    return [client_id] * sum(found)


# ------------------------------------------------------------------ killed

POINTS = [
    f"{when}-{effect}"
    for effect in ("subscribe", "publish", "receive", "settle", "unsubscribe")
    for when in ("before", "after")
]


@kinds(*KEEPING)
@pytest.mark.parametrize("point", POINTS)
def test_a_run_that_is_killed_once(stage, zygote, kind, point):
    story = Story(zygote, stage(kind))
    assert story.begin(kill=point) == -signal.SIGKILL, story.err
    carry_on(story, was_sent=point != "before-publish")


def carry_on(story: Story, *, was_sent: bool) -> None:
    """Resume a run until it ends; a message in doubt is decided by what the shop got."""
    code = story.resume()
    if code == 3:
        assert "in doubt: place: publish" in story.err
        if was_sent:
            story.scene.shop.wait_for(1)
        code = story.resume("--step", "place", "--as", "sent" if was_sent else "resend")
    story.check_end(code)


@kinds(*KEEPING)
def test_messages_that_came_while_the_run_was_dead(stage, zygote, kind):
    scene = stage(kind)
    story = Story(zygote, scene)
    scene.shop.hold()
    assert story.begin(kill="before-receive") == -signal.SIGKILL, story.err
    scene.shop.wait_for(1)
    scene.shop.go_on()
    scene.shop.wait_until_answered()
    carry_on(story, was_sent=True)


@kinds(*KEEPING)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_run_that_is_stopped_while_it_waits(stage, zygote, kind, number):
    scene = stage(kind)
    story = Story(zygote, scene)
    scene.shop.hold()
    assert story.begin("-v", stop=(number, "waiting up to")) == {signal.SIGKILL: -9}.get(number, 130), story.err
    assert "Traceback" not in story.err
    scene.shop.go_on()
    scene.shop.wait_until_answered()
    story.check_end(story.resume())


def twice(flow: Any, shop: Any) -> None:
    """Let the run place a second order, which is confirmed after the first."""
    [workflow] = flow["workflows"]
    text = json.dumps(workflow["steps"]).replace('"place"', '"again"').replace('"confirmed"', '"confirmedAgain"')
    workflow["steps"] += json.loads(text.replace("$inputs.orderId", "$inputs.second"))
    workflow["inputs"]["properties"]["second"] = {"type": "string", "default": "B-8"}
    workflow["outputs"] |= {"again": "$steps.confirmedAgain.outputs.number"}


@kinds(*KEEPING)
@pytest.mark.parametrize(
    "kills",
    [
        ["after-settle", "before-publish", "after-receive"],
        ["after-receive", "after-settle", "before-settle"],
        ["before-settle", "after-publish", "before-unsubscribe"],
    ],
    ids=", ".join,
)
@pytest.mark.parametrize("parallel", ["1", "4"])
def test_two_orders_of_a_run_that_is_killed_several_times(stage, zygote, kind, kills, parallel):
    scene = stage(kind, change=twice)
    story = Story(zygote, scene)
    code = story.begin("--parallel", parallel, kill=kills[0])
    for _ in range(8):
        kills = kills[1:]
        if code == 3:
            code = decide(story)
        elif code == -signal.SIGKILL:
            code = story.resume(kill=kills[0] if kills else None)
        else:
            break
    assert code == 0, story.err
    assert json.loads(story.out) == {**scene.outputs, "again": 2}
    orders = sorted(json.loads(each.payload)["order"] for each in scene.shop.seen)
    assert orders == ["A-7", "B-8"]
    assert left_over(story) == []


def decide(story: Story) -> int:
    """Resume a run in doubt as a person does, by a look at the shop."""
    assert story.process("runs", "show", RUN, "--format", "json") == 0, story.err
    words = []
    for doubt in json.loads(story.out)["doubts"]:
        order = {"place": "A-7", "again": "B-8"}[doubt["step"]]
        came = any(json.loads(each.payload)["order"] == order for each in story.scene.shop.seen)
        words += ["--step", doubt["step"], "--as", "sent" if came else "resend"]
    return story.resume(*words)


# ------------------------------------------------------------------ in doubt


@kinds(KAFKA, AMQP, JETSTREAM, MQTT5)
def test_a_message_in_doubt_that_was_not_taken(stage, zygote, kind):
    story = Story(zygote, stage(kind))
    assert story.begin(kill="before-publish") == -signal.SIGKILL
    assert story.resume() == 3
    for outcome in ("sent", "failed", "resend"):
        assert f"arazzo resume {RUN} --step place --as {outcome}" in story.err
    assert story.process("runs", "show", RUN) == 0, story.err
    assert "in doubt: place: publish" in story.err + story.out
    assert story.resume("--step", "place", "--as", "failed") == 1
    assert "Traceback" not in story.err
    assert story.scene.shop.seen == []
    assert left_over(story) == []


@pytest.mark.broker
def test_a_stream_drops_a_message_that_is_sent_again_with_its_identity(stage, zygote):
    story = Story(zygote, stage(JETSTREAM))
    assert story.begin("--idempotency-keys", kill="after-publish") == -signal.SIGKILL
    assert story.resume() == 3
    code = story.resume("--step", "place", "--as", "resend")
    assert (code, json.loads(story.out)) == (0, story.scene.outputs), story.err
    [first, second] = story.scene.shop.seen  # it does not ask the stream
    assert first.headers["Nats-Msg-Id"] == second.headers["Nats-Msg-Id"] == f"{RUN}:place#1"
    assert asyncio.run(_stored(story.scene)) == 1


async def _stored(scene: Scene) -> int:
    import nats

    client = await nats.connect(scene.server.url)
    try:
        stream = scene.places[0].replace(".", "-")
        info = await client.jetstream().stream_info(stream, subjects_filter=scene.places[0])
        assert info.state.subjects is not None
        return int(info.state.subjects[scene.places[0]])
    finally:
        await client.close()


@kinds()
def test_identities_go_where_a_protocol_has_a_place_for_them(stage, zygote, kind):
    story = Story(zygote, stage(kind))
    code = story.begin("--idempotency-keys")
    assert (code, json.loads(story.out)) == (0, story.scene.outputs), story.err


# ------------------------------------------------------------------ protocols that keep nothing


@kinds(*LOSSY)
def test_that_messages_may_be_lost_is_said(stage, zygote, kind):
    story = Story(zygote, stage(kind))
    assert story.begin() == 0, story.err
    assert story.err.count("warning[messages-may-be-lost]") == 1
    assert story.process("run", str(story.scene.document), *story.scene.arguments[1:], "--durable", "--strict") == 1
    assert "error[messages-may-be-lost]" in story.err
    assert len(story.scene.shop.seen) == 1  # of the first run


@kinds(*KEEPING)
def test_nothing_is_said_where_messages_are_kept(stage, zygote, kind):
    story = Story(zygote, stage(kind))
    code = story.begin("--strict")
    assert "messages-may-be-lost" not in story.err
    story.check_end(code)


@kinds(*LOSSY)
def test_a_message_that_was_lost_is_waited_for_in_vain(stage, zygote, kind):
    def wait_a_while(flow: Any, shop: Any) -> None:
        flow["workflows"][0]["steps"][1]["timeout"] = 2500

    scene = stage(kind, change=wait_a_while)
    story = Story(zygote, scene)
    scene.shop.hold()
    assert story.begin(kill="before-receive") == -signal.SIGKILL
    scene.shop.wait_for(1)
    scene.shop.go_on()
    scene.shop.wait_until_answered()
    assert story.resume() == 1
    assert "no message with the correlation id came" in story.err
    assert "warning[messages-may-be-lost]" in story.err
    assert len(scene.shop.seen) == 1


# ------------------------------------------------------------------ workers


@kinds(KAFKA, AMQP)
def test_a_worker_that_is_killed_while_a_run_waits(stage, zygote, kind):
    scene = stage(kind)
    story = Story(zygote, scene)
    scene.shop.hold()
    assert story.process("submit", str(scene.document), *scene.arguments[1:], "--run-id", RUN) == 0, story.err
    assert story.process("worker", "--name", "w1", kill="before-receive") == -signal.SIGKILL, story.err
    scene.shop.wait_for(1)
    scene.shop.go_on()
    scene.shop.wait_until_answered()
    assert story.process("worker", "--name", "w1", "--drain") == 0, story.err
    code = story.process("runs", "show", RUN, "--format", "json")
    shown = json.loads(story.out)
    assert (code, shown["state"], shown["outputs"]) == (0, "succeeded", scene.outputs), story.err
    assert len(scene.shop.seen) == 1
    assert left_over(story) == []


# ------------------------------------------------------------------ from Python


@kinds(KAFKA, AMQP, JETSTREAM)
def test_a_cancelled_run_on_an_event_loop_is_resumed(stage, folder, kind, monkeypatch):
    from arazzo_runner import durable_runs

    scene = stage(kind)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state"))

    async def go(runtime: Any) -> Any:
        scene.shop.hold()
        running = asyncio.create_task(
            durable_runs.arun(
                runtime, scene.document, inputs={"orderId": "A-7"}, run_id=RUN, servers={"shop": scene.url}
            )
        )
        await asyncio.to_thread(scene.shop.wait_for, 1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        scene.shop.go_on()
        await asyncio.to_thread(scene.shop.wait_until_answered)
        return await runtime.aresume(RUN)

    with durable_runs.opened() as runtime:
        outcome = asyncio.run(go(runtime))
        if outcome.doubts:  # it was cancelled before it knew that the order was sent
            from arazzo_runner.durable.records import Decision

            runtime.decide(RUN, {"place": Decision(kind="sent")})
            outcome = runtime.resume(RUN)
    assert (outcome.result.status, outcome.result.outputs) == ("succeeded", scene.outputs)
    assert len(scene.shop.seen) == 1
