"""A step whose time runs out while a broker is silent: the connection serves the steps after it."""

from __future__ import annotations

from typing import Any

import pytest

from arazzo_runner.runtime.brokers.driver import Login
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.relay import relaying
from tests.brokers.scenario import Wire, broker_at, correlated, order, run_on

STREAM = {"channel": {"type": "stream"}}
BROKERS = [
    pytest.param("mosquitto", "mqtt", {}, {}, id="MQTT 5"),
    pytest.param("mosquitto", "mqtt", {"protocol_version": "3.1.1"}, {}, id="MQTT 3.1.1"),
    pytest.param("nats_server", "nats", {}, {}, id="NATS"),
    pytest.param("redis_server", "redis", {}, {}, id="Redis"),
    pytest.param("redis_server", "redis", {}, STREAM, id="a stream of Redis"),
    pytest.param("rabbitmq", "amqp", {}, {"channel": {"exchange": {"name": "amq.topic"}}}, id="AMQP"),
]


@pytest.mark.parametrize(("server", "protocol", "more", "bindings"), BROKERS)
def test_what_was_given_up_harms_nothing_after_it(request, server, protocol, more, bindings):
    broker: Any = request.getfixturevalue(server)
    login = Login(username=broker.username, password=broker.password)
    with relaying(broker.port) as relay:
        wire = Wire(
            broker=broker_at(f"{protocol}://127.0.0.1:{relay.port}", **more),
            bindings=bindings,
            options=BrokerOptions(login=lambda _: login),
        )
        with run_on(wire) as run:
            other = f"{run.address}-other"
            run.arm()
            run.send(order(1))
            relay.hold()
            given_up = run.try_to_send(order(2), timeout=0.3), run.try_to_arm("late", other, timeout=0.3)
            relay.mend()
            assert [each.reason for each in given_up] == ["timeout", "timeout"]
            for number in (3, 4):
                run.send(order(number))
            for number in (1, 3, 4):
                run.take(correlation=correlated(str(number)))
            run.arm("late", other)
            run.send(order(5), address=other)
            assert run.take("late").message.payload == order(5)
