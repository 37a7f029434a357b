"""Faults around one document: each ends in time, with its exit code and one clear message."""

from __future__ import annotations

import json
import os
import re
import signal
import site
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.documents import (
    AMQP,
    EVENTS,
    FLOW,
    JETSTREAM,
    KAFKA,
    KINDS,
    LOGIN,
    MQTT5,
    NATS,
    PUBSUB,
    SECURED,
    STREAM,
    WEBSOCKET,
    Kind,
    kinds,
    write,
)
from tests.brokers.processes import ROOT, environment, started
from tests.brokers.servers import Mosquitto, Nats, RabbitMQ, Redis, Tansu, free_port
from tests.brokers.shops import Message, confirmation, confirmations, new_places

TIMEOUT = 3.0
SLACK = 6.0  # seconds that a loaded machine may need beside the time of the run


def wait_less(flow: Any, shop: Any) -> None:
    """Let the step that receives wait for TIMEOUT only."""
    flow["workflows"][0]["steps"][1]["timeout"] = int(TIMEOUT * 1000)


def check(ran: Any, code: int, expected: int, *texts: str) -> None:
    """Check the exit code, that there is one error, no traceback, and that it says what it must."""
    assert code == expected, ran.err
    assert "Traceback" not in ran.err
    assert len(re.findall(r"^ *error\[", ran.err, re.MULTILINE)) == 1, ran.err
    said = ran.err.replace("1,000", "1000")
    for text in texts:
        assert text in said, ran.err


@contextmanager
def in_time(seconds: float = TIMEOUT) -> Iterator[None]:
    """Check that the block ends within the time of the run."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds + SLACK


def fails(arazzo: Any, *words: str, code: int = 1, texts: tuple[str, ...] = ()) -> Any:
    """Run what must fail, with a timeout; check how it ends."""
    with in_time():
        ran = arazzo("run", *words, "--timeout", f"{TIMEOUT:g}")
    check(ran, ran.code, code, *texts)
    return ran


# ------------------------------------------------------------------ nothing is sent


@pytest.mark.parametrize("kind", KINDS, ids=[each.name for each in KINDS])
def test_a_broker_that_is_not_there(arazzo, folder, kind):
    write(folder, kind, new_places(kind.separator))
    port = free_port()
    words = [FLOW, "-i", "orderId=A-7", "--server", f"shop={kind.protocol}://127.0.0.1:{port}"]
    fails(arazzo, *words, texts=(f"127.0.0.1:{port}", "cannot subscribe"))


@kinds(*SECURED)
def test_a_wrong_password(stage, arazzo, monkeypatch, kind):
    scene = stage(kind)
    monkeypatch.setenv(f"{LOGIN}_PASSWORD", "another-password")
    ran = fails(arazzo, *scene.arguments, texts=("login",))
    assert "another-password" not in ran.err
    assert scene.shop.seen == []


@kinds(*(each for each in SECURED if each.has_tls))
def test_a_certificate_that_nobody_trusts(stage, arazzo, kind):
    scene = stage(kind)
    words = scene.arguments[: scene.arguments.index("--cacert")]
    fails(arazzo, *words, texts=("certificate", "trust"))
    assert scene.shop.seen == []


@pytest.mark.parametrize("protocol", ["jms", "amqp1", "sqs", "googlepubsub", "carrier-pigeon"])
def test_a_protocol_without_a_driver(arazzo, folder, protocol):
    write(folder, Kind("", None, lambda: None, protocol), ("place", "confirmed"))
    ran = fails(arazzo, FLOW, "-i", "orderId=A-7", code=2, texts=(protocol, "[protocol-not-supported]"))
    assert "order (" not in ran.err  # it has not begun


# ------------------------------------------------------------------ on the way


MAKERS = (
    (MQTT5, Mosquitto), (NATS, Nats), (JETSTREAM, Nats), (PUBSUB, Redis), (STREAM, Redis), (KAFKA, Tansu), (AMQP, RabbitMQ),
)  # fmt: skip


@pytest.mark.broker
@pytest.mark.parametrize(
    ("kind", "make", "parallel"),
    [
        pytest.param(kind, make, parallel, id=f"{kind.name}, {parallel} at a time")
        for kind, make in MAKERS
        for parallel in ("1", "4")
        if kind is not AMQP or parallel == "1"  # which takes long to start
    ],
)
def test_a_broker_that_is_killed_between_publish_and_receive(stage, folder, start_broker, kind, make, parallel):
    server = start_broker(make)
    scene = stage(kind, None, server=server, change=wait_less)

    words = [*scene.arguments, "--parallel", parallel, "-v"]
    with started(folder, "run", *words, variables=scene.environment) as process:
        process.wait_for("waiting up to")
        process.wait_for("passed place")
        with in_time():
            server.kill()
            code = process.end()
        scene.shop.close()
    check(process, code, 1, 'step "confirmed"')


@pytest.mark.broker
@pytest.mark.parametrize(
    ("kind", "make", "extra"),
    [
        pytest.param(MQTT5, Mosquitto, "max_packet_size 1000", id="MQTT"),
        pytest.param(NATS, Nats, "max_payload: 1000", id="NATS"),
    ],
)
def test_a_message_that_the_broker_finds_too_large(stage, arazzo, start_broker, kind, make, extra):
    def enlarge(flow: Any, shop: Any) -> None:
        flow["workflows"][0]["steps"][0]["requestBody"]["payload"]["note"] = "x" * 5000

    scene = stage(kind, server=start_broker(make, extra=[extra]), change=enlarge)
    fails(arazzo, *scene.arguments, texts=('step "place"', "large" if kind is MQTT5 else "1000"))
    assert scene.shop.seen == []


def long_confirmation(placed: Message) -> list[Message]:
    [_, right, _] = confirmations(placed)
    return [Message(right.payload[:-1] + b', "note": "' + b"x" * 3000 + b'"}', right.headers)]


@kinds()
def test_a_message_that_is_too_large_for_the_run(stage, arazzo, kind):
    scene = stage(kind, long_confirmation, change=wait_less)
    fails(
        arazzo,
        *scene.arguments,
        "--max-response-size",
        "1000",
        texts=('step "confirmed"', "1000 ", "--max-response-size"),
    )


def not_json(placed: Message) -> list[Message]:
    [_, right, _] = confirmations(placed)
    return [Message(b"{no JSON", right.headers) if right.headers else right]


@kinds(*(each for each in KINDS if each.with_headers))
def test_a_payload_that_is_not_json(stage, arazzo, kind):
    scene = stage(kind, not_json, change=wait_less)
    fails(arazzo, *scene.arguments, texts=('step "confirmed"', "the payload is not JSON"))


def not_json_then_the_right_one(placed: Message) -> list[Message]:
    return [Message("{kein JSON: Grüße".encode()), *confirmations(placed)]


@kinds(*(each for each in KINDS if not each.with_headers))
def test_a_payload_that_is_not_json_has_no_id_and_is_passed_over(stage, arazzo, kind):
    scene = stage(kind, not_json_then_the_right_one)
    ran = arazzo("run", *scene.arguments)
    assert (ran.code, json.loads(ran.out)) == (0, scene.outputs), ran.err


@kinds()
def test_nobody_answers(stage, arazzo, kind):
    def wait_a_moment(flow: Any, shop: Any) -> None:
        flow["workflows"][0]["steps"][1]["timeout"] = 300

    scene = stage(kind, lambda placed: confirmations(placed)[:1], change=wait_a_moment)
    ran = fails(arazzo, *scene.arguments, texts=("no message with the correlation id came", "within 0.3 s"))
    assert "1 with other ids did" in ran.err


MANY = 10_000


def wait_long(flow: Any, shop: Any) -> None:
    """Let the step that receives wait for as long as a loaded machine may need."""
    flow["workflows"][0]["steps"][1]["timeout"] = 120_000


def many_before_ours(placed: Message) -> list[Message]:
    foreign = [confirmation(f"somebody-{number}", number) for number in range(MANY)]
    return foreign + confirmations(placed)


@kinds()
def test_many_foreign_messages_before_ours(stage, arazzo, kind):
    scene = stage(kind, many_before_ours, change=wait_long)
    ran = arazzo("run", *scene.arguments, "--max-messages", str(MANY + 3), "-v")
    assert (ran.code, json.loads(ran.out)) == (0, scene.outputs), ran.err
    assert f"{MANY + 1:,} passed over".replace(",", "") in ran.err.replace(",", ""), ran.err


# ------------------------------------------------------------------ processes


LIBRARIES = {
    "mqtt": ("aiomqtt", "aiomqtt"),
    "nats": ("nats", "nats-py"),
    "redis": ("redis", "redis"),
    "amqp": ("aio_pika", "aio-pika"),
    "kafka": ("aiokafka", "aiokafka"),
    "ws": ("websockets", "websockets"),
}
"""The library of each protocol, and the distribution that it is installed from."""


@pytest.fixture(scope="module")
def packages_without_extras(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of all installed packages but the libraries of brokers: what an installation without extras has."""
    folder = tmp_path_factory.mktemp("packages")
    libraries = tuple(library for library, _ in LIBRARIES.values())
    for packages in map(Path, site.getsitepackages()):
        for entry in packages.iterdir():
            if not entry.name.startswith(libraries) and not (folder / entry.name).exists():
                (folder / entry.name).symlink_to(entry)
    return folder


@pytest.mark.parametrize("protocol", LIBRARIES)
def test_an_extra_that_is_not_installed(folder, packages_without_extras, protocol):
    library, distribution = LIBRARIES[protocol]
    write(folder, Kind("", None, lambda: None, protocol), ("place", "confirmed"))
    path = os.pathsep.join([str(ROOT), str(packages_without_extras)])
    ran = subprocess.run(
        [sys.executable, "-S", "-m", "arazzo_runner", "run", FLOW, "-i", "orderId=A-7"],
        env=environment(folder, PYTHONPATH=path),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "Traceback" not in ran.stderr
    assert ran.stderr.count("error[") == 1
    for text in ("[library-missing]", f"need the library {library}", f"pip install '{distribution}"):
        assert text in ran.stderr, ran.stderr


@kinds(MQTT5, NATS, JETSTREAM, PUBSUB, STREAM, AMQP, KAFKA, WEBSOCKET, EVENTS)
def test_ctrl_c_while_a_step_waits(stage, folder, kind):
    interrupted(stage, folder, kind, "1")


@kinds(MQTT5, KAFKA, WEBSOCKET)
def test_ctrl_c_while_a_step_waits_in_parallel(stage, folder, kind):
    interrupted(stage, folder, kind, "4")


def interrupted(stage: Any, folder: Path, kind: Kind, parallel: str) -> None:
    scene = stage(kind, None)
    words = ["--parallel", parallel, "--report", "json=report.json", "--report", "junit=report.xml"]
    with started(folder, "run", *scene.arguments, *words, "-v", variables=scene.environment) as process:
        process.wait_for("passed place")
        process.wait_for("waiting up to")
        process.send(signal.SIGINT)
        code = process.end()
    assert code == 130, process.err
    assert "Traceback" not in process.err
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["status"] == "interrupted"
    assert "confirmed" in (folder / "report.xml").read_text(encoding="utf-8")
