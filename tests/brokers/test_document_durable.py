"""Durable runs of one document on brokers: killed at every moment, then resumed; what is lost, and what stays behind.

The shop counts the orders: one, however often the run was killed. Confirmations that came while it was dead are there.
"""

from __future__ import annotations

import asyncio
import json
import signal
import threading
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


class Story:
    """A durable run of a scene in processes that may be killed."""

    def __init__(self, zygote: Zygote, scene: Scene) -> None:
        self._zygote, self.scene = zygote, scene
        self.folder: Path = scene.folder

    def begin(self, *words: str, kill: str | None = None) -> int:
        """Run it; return the exit code, or the signal."""
        document, *others = self.scene.arguments
        return self.process(
            "run", str(self.folder / document), *others, "--durable", "--run-id", RUN, *words, kill=kill
        )

    def resume(self, *words: str, kill: str | None = None) -> int:
        """Resume it."""
        return self.process("resume", RUN, *words, kill=kill)

    def process(self, *words: str, kill: str | None = None) -> int:
        """Run a command line in a process of its own, killed when it comes to a point."""
        order: dict[str, Any] = {"argv": list(words), "env": self.environment}
        order |= {"out": str(self.folder / "out"), "err": str(self.folder / "err")}
        if kill is not None:
            order["kill"] = {"point": kill, "number": 1}
        self._zygote.start(order)
        return self._zygote.wait()

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
    from paho.mqtt.client import Client, MQTTv5, MQTTv311
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
    client.connect("127.0.0.1", server.port, **({"clean_start": False} if is_new else {}))
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
