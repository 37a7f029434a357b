from __future__ import annotations

import pytest

from arazzo_runner.runtime.brokers.memory import MemoryBroker
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.scenario import Wire, broker_at, killed, refused, scenes


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
