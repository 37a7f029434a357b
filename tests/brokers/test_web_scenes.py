"""WebSocket and event streams play the scenes of all drivers, on hubs of this process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.runtime.auth.broker_logins import BrokerLogins
from arazzo_runner.runtime.auth.plan import Plan, find_login
from arazzo_runner.runtime.auth.sources import Credentials
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.hubs import Hub, event_hub, websocket_hub
from tests.brokers.scenario import (
    Wire,
    before_arming,
    broker_at,
    killed,
    not_json,
    refused,
    run_on,
    scenes,
    untrusted,
    wrong_login,
)
from tests.brokers.servers import PASSWORD, USER, Authority, Mosquitto, Nats, Redis, free_port

pytest.importorskip("websockets")
EVENTS: Any = {"message": {"contentType": "text/event-stream"}}
BASIC = "Basic dGVzdGVyOnBhc3Mtb2YtdGhlLXRlc3Rz"


def wire_to(url: str, **more: Any) -> Wire:
    found = Wire(
        broker=broker_at(url),
        address=lambda name: f"/{name}",
        headers=False,
        content_types=False,
        native=False,
        inboxes=False,
        many=500,
    )
    return replace(found, bindings=EVENTS if url.startswith("http") else {}, **more)


@pytest.fixture(scope="module")
def websockets_hub() -> Iterator[Hub]:
    hub = websocket_hub()
    yield hub
    hub.close()


@pytest.fixture(scope="module")
def events_hub() -> Iterator[Hub]:
    hub = event_hub()
    yield hub
    hub.close()


@pytest.mark.parametrize("scene", scenes(before_arming))  # what a server is late to send back is not from before
def test_websocket(scene, websockets_hub):
    scene(wire_to(websockets_hub.url))


@pytest.mark.parametrize("scene", scenes(not_json))  # lines of events cannot hold every byte
def test_event_stream(scene, events_hub):
    scene(wire_to(events_hub.url))


HUBS = pytest.mark.parametrize("make", [websocket_hub, event_hub], ids=["WebSocket", "event stream"])


@pytest.mark.parametrize("scheme", ["ws", "http"])
def test_a_server_that_is_not_there(scheme):
    refused(wire_to(f"{scheme}://127.0.0.1:{free_port()}"))


@HUBS
def test_a_certificate_that_is_not_trusted(make, tmp_path):
    hub = make(tls=Authority(tmp_path).server_context())
    untrusted(wire_to(hub.url))
    hub.close()


def test_a_server_that_goes_away():
    hub = websocket_hub()
    killed(wire_to(hub.url), hub.close)
    hub.close()


# ------------------------------------------------------------------ logins, TLS and all


def options_of(schemes: Any, *, password: str = PASSWORD, authority: Authority | None = None) -> BrokerOptions:
    """Return options that log in as a run does: credentials of the environment, an authority of the options."""
    environment = {"ARAZZO_AUTH_ORDERS_LOGIN_USER": USER, "ARAZZO_AUTH_ORDERS_LOGIN_PASSWORD": password}
    credentials = Credentials(environment=environment, file="/dev/null", keyring=False)
    login = find_login(credentials, "orders", "login", schemes["login"])
    assert login is not None
    transport = TransportOptions(ca_files={} if authority is None else {"127.0.0.1": str(authority.ca)})
    found = BrokerLogins(
        plan=Plan({("orders", "login"): login}), credentials=credentials, transport=transport, secrets=Secrets()
    )
    return BrokerOptions(login=found.login_of, tls=found.tls_of, proxy=found.proxy_of)


def secured(url: str, kind: str = "userPassword", **more: Any) -> Wire:
    schemes = {"login": {"type": kind}}
    broker = broker_at(url, security=({"login": ()},), schemes=schemes)
    return replace(wire_to(url), broker=broker, options=options_of(schemes, **more))


def gets_through(wire: Wire) -> None:
    with run_on(wire) as run:
        run.arm()
        run.send(b'{"a": 1}')
        assert run.take().message.payload == b'{"a": 1}'


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize(
    ("make", "login"), [(websocket_hub, (USER, PASSWORD)), (event_hub, BASIC)], ids=["WebSocket", "event stream"]
)
def test_login_of_a_hub(make, login, with_tls, tmp_path):
    authority = Authority(tmp_path) if with_tls else None
    hub = make(tls=authority.server_context() if authority is not None else None, login=login)
    gets_through(secured(hub.url, authority=authority))
    wrong_login(secured(hub.url, password="wrong-secret-1", authority=authority), "wrong-secret-1")
    hub.close()


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("kind", [Mosquitto, Nats, Redis], ids=lambda kind: kind.__name__)
def test_login_of_a_broker(kind, with_tls, start_broker):
    server = start_broker(kind, login=True, tls=with_tls)
    authority = server.authority if with_tls else None
    plain = {"address": str, "bindings": {}}
    gets_through(replace(secured(server.url, authority=authority), **plain))
    wrong_login(replace(secured(server.url, password="wrong-secret-1", authority=authority), **plain), "wrong-secret-1")


@pytest.mark.parametrize("with_tls", [False, True], ids=["plain", "TLS"])
def test_login_of_rabbitmq(rabbitmq, with_tls):
    url = rabbitmq.tls_url if with_tls else rabbitmq.url
    authority = rabbitmq.authority if with_tls else None
    plain = {
        "address": str,
        "bindings": {"channel": {"is": "routingKey", "exchange": {"name": "amq.topic", "type": "topic"}}},
    }
    gets_through(replace(secured(url, "plain", authority=authority), **plain))
