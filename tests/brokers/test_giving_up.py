"""A step whose time runs out while a broker is silent: the connection serves the steps after it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

import pytest

from arazzo_runner.engine.messages import Published
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


@contextmanager
def through_a_relay(request, server, protocol, more, bindings):
    """The wire to a broker, and the relay in between."""
    broker: Any = request.getfixturevalue(server)
    login = Login(username=broker.username, password=broker.password)
    with relaying(broker.port) as relay:
        url = f"{protocol}://127.0.0.1:{relay.port}"
        yield (
            Wire(broker=broker_at(url, **more), bindings=bindings, options=BrokerOptions(login=lambda _: login)),
            relay,
        )


@pytest.mark.parametrize(("server", "protocol", "more", "bindings"), BROKERS)
def test_what_was_given_up_harms_nothing_after_it(request, server, protocol, more, bindings):
    with through_a_relay(request, server, protocol, more, bindings) as (wire, relay), run_on(wire) as run:
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


@pytest.mark.parametrize("first", ["send", "arm"])
@pytest.mark.parametrize(("server", "protocol", "more", "bindings"), BROKERS)
def test_a_connection_that_broke_while_it_was_idle_is_made_again(request, server, protocol, more, bindings, first):
    with (
        through_a_relay(request, server, protocol, more, bindings) as (wire, relay),
        run_on(wire) as run,
    ):
        run.send(order(1))
        relay.cut()
        if first == "send":  # it may be on its way before anybody has noticed
            answer = run.try_to_send(order(2))
            assert isinstance(answer, Published) or (answer.reason, answer.sent) == ("closed", True)
        run.arm()
        run.send(order(3))
        assert run.take().message.payload == order(3)
