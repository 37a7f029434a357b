from __future__ import annotations

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.scenario import (
    Wire,
    broker_at,
    killed,
    many_before_ours,
    refused,
    scenes,
    untrusted,
    with_login,
    wrong_login,
)
from tests.brokers.servers import PASSWORD, USER, Mosquitto, free_port


def wire_to(server, **more):
    return Wire(broker=broker_at(server.url, **more), address="orders/{}".format, wildcard="{}/+".format)


@pytest.mark.parametrize("scene", scenes())
def test_version_5(scene, mosquitto):
    scene(wire_to(mosquitto))


@pytest.mark.parametrize("scene", scenes(many_before_ours))
def test_version_3(scene, mosquitto):
    scene(replace(wire_to(mosquitto, protocol_version="3.1.1"), headers=False, native=False, content_types=False))


@pytest.mark.parametrize("scene", scenes()[:3])
def test_with_a_login_and_tls(scene, mosquitto_tls):
    options = BrokerOptions(tls=lambda broker: mosquitto_tls.client_tls)
    scene(replace(wire_to(mosquitto_tls), options=with_login(options, USER, PASSWORD)))


def test_a_login_that_is_refused(mosquitto_login):
    wrong_login(replace(wire_to(mosquitto_login), options=with_login(BrokerOptions(), USER, "wr0ng-one")), "wr0ng-one")
    wrong_login(wire_to(mosquitto_login), PASSWORD)


def test_a_certificate_that_is_not_trusted(mosquitto_tls):
    untrusted(wire_to(mosquitto_tls))


def test_no_broker():
    refused(Wire(broker=broker_at(f"mqtt://127.0.0.1:{free_port()}")))
    refused(Wire(broker=broker_at("mqtt://no-such-host.invalid")), "unknown-host")


def test_a_broker_that_is_killed(start_broker):
    server = start_broker(Mosquitto)
    killed(wire_to(server), server.kill)
