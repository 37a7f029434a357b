from __future__ import annotations

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.wildcards import matches, wildcards_of
from tests.brokers.memory import MemoryBroker
from tests.brokers.scenario import Wire, broker_at, killed, refused, run_on, scenes


def wire_to(memory, protocol="mqtt"):
    wildcards = {"mqtt": "{}/+", "nats": "{}.*", "amqp": "{}.#"}
    wildcard = wildcards.get(protocol)
    return Wire(
        broker=broker_at(f"{protocol}://memory"),
        options=BrokerOptions(driver=memory.driver),
        wildcard=None if wildcard is None else wildcard.format,
    )


@pytest.mark.parametrize("protocol", ["mqtt", "kafka"])
@pytest.mark.parametrize("scene", scenes())
def test_scene(scene, protocol):
    scene(wire_to(MemoryBroker(), protocol))


def test_it_can_be_stopped():
    memory = MemoryBroker()
    killed(wire_to(memory), memory.stop)
    refused(wire_to(memory))


MATCHES = [
    ("mqtt", "a/b", "a/b", True),
    ("mqtt", "a/+", "a/b", True),
    ("mqtt", "a/+", "a/b/c", False),
    ("mqtt", "a/+", "a", False),
    ("mqtt", "a/+", "a/", True),
    ("mqtt", "+/+", "/b", True),
    ("mqtt", "a/#", "a/b/c", True),
    ("mqtt", "a/#", "a", True),
    ("mqtt", "#", "a/b", True),
    ("mqtt", "#", "$SYS/b", False),
    ("mqtt", "+/b", "$SYS/b", False),
    ("mqtt", "$SYS/#", "$SYS/b", True),
    ("mqtt", "A/b", "a/b", False),
    ("nats", "a.*", "a.b", True),
    ("nats", "a.*", "a.b.c", False),
    ("nats", "a.>", "a.b.c", True),
    ("nats", "a.>", "a", False),
    ("nats", "*.*.c", "a.b.c", True),
    ("nats", "a.#", "a.b", False),
    ("amqp", "a.*", "a.b", True),
    ("amqp", "a.#", "a", True),
    ("amqp", "a.#", "a.b.c", True),
    ("amqp", "a.#.d", "a.d", True),
    ("amqp", "a.#.d", "a.b.c.d", True),
    ("amqp", "#.b.#", "a.b.b.c", True),
    ("amqp", "#.b.#", "a.c", False),
    ("amqp", "a.>", "a.b", False),
    ("kafka", "a.*", "a.b", False),
    ("kafka", "a.*", "a.*", True),
    ("redis", "a/+", "a/b", False),
]


@pytest.mark.parametrize(("protocol", "pattern", "address", "fits"), MATCHES)
def test_the_wildcards_of_each_protocol(protocol, pattern, address, fits):
    assert matches(pattern, address, wildcards_of(protocol)) is fits


def test_a_program_answers_what_a_run_sends():
    memory = MemoryBroker()

    def answer(message):
        if not message.address.startswith("answers"):
            assert memory.publish(replace(message, address="answers/1")) == 1
            memory.publish(replace(message, address="answers/later"), after=0.05)

    memory.on_publish(answer)
    with run_on(wire_to(memory)) as run:
        run.arm(address="answers/+")
        assert run.send(b"1", address="questions").receivers == 0
        assert [run.take().message.address for _ in range(2)] == ["answers/1", "answers/later"]
    assert [message.address for message in memory.messages] == ["questions", "answers/1", "answers/later"]


def test_a_program_publishes_what_is_retained():
    memory = MemoryBroker()
    memory.publish(ChannelMessage(address="prices", payload=b"1"), retain=True)
    memory.publish(ChannelMessage(address="prices", payload=b"2"), retain=True)
    with run_on(wire_to(memory)) as run:
        run.arm(address="prices")
        assert run.wait(timeout=0.05).retained == 1
        run.arm("all", "prices", retained=True)
        assert run.take("all").message.payload == b"2"


def test_an_inbox_goes_on_at_its_address():
    memory = MemoryBroker()
    with run_on(wire_to(memory)) as run:
        begun = run.arm(address="inbox", inbox=True)
        run.arm("other", address="inbox", inbox=True)
    memory.publish(ChannelMessage(address=begun.address, payload=b"1"))
    with run_on(wire_to(memory)) as run:
        assert run.arm(address="inbox", inbox=True, position=begun.position) == begun
        assert run.take().message.payload == b"1"
