"""A whole document for each kind of broker, with the shop that answers it.

`fixtures/brokers` has one Arazzo document and the description of its channels; `write` adapts the copy of a test to a
protocol: server, addresses, bindings, and where the id of a request stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.brokers import shops
from tests.brokers.servers import PASSWORD, USER
from tests.brokers.shops import Answers, Shop, Talk, confirmations, new_places

FIXTURES = Path(__file__).parents[2] / "fixtures" / "brokers"
FLOW, SHOP = "order.arazzo.yml", "shop.asyncapi.yml"
LOGIN = "ARAZZO_AUTH_SHOP_LOGIN"


@dataclass(frozen=True)
class Kind:
    """A kind of broker: the fixture that starts it, how a shop talks over it, and how it is described.

    - `with_headers`: messages have headers, where the id of a request stands then; else it stands in the payload.
    - `one_place`: both channels are one connection, with one address.
    """

    name: str
    fixture: str | None
    talk: Callable[..., Talk]
    protocol: str
    version: str | None = None
    separator: str = "."
    bindings: Mapping[str, Any] = field(default_factory=dict)
    with_headers: bool = True
    one_place: bool = False
    content_type: str | None = None
    url: str = "url"
    """The attribute of the server that is its URL."""

    @property
    def has_login(self) -> bool:
        """Whether the broker wants a login."""
        return self.fixture is not None and (
            "login" in self.fixture or "tls" in self.fixture or self.fixture == "rabbitmq"
        )

    @property
    def has_tls(self) -> bool:
        """Whether the broker speaks TLS."""
        return self.protocol in ("mqtts", "amqps") or (self.fixture or "").endswith("_tls")


def _mqtt(version: str) -> Callable[..., Talk]:
    return lambda server: shops.mqtt(server, version)


_EXCHANGE = {"amqp": {"is": "routingKey", "exchange": {"name": shops.EXCHANGE, "type": "topic", "durable": True}}}
_STREAM = {"redis": {"type": "stream"}}
MQTT5 = Kind("MQTT 5", "mosquitto", _mqtt("5"), "mqtt", "5", "/")
MQTT3 = Kind("MQTT 3.1.1", "mosquitto", _mqtt("3.1.1"), "mqtt", "3.1.1", "/", with_headers=False)
NATS = Kind("NATS", "nats_server", shops.nats, "nats")
JETSTREAM = Kind("JetStream", "nats_server", lambda server: shops.nats(server, is_stream=True), "nats")
PUBSUB = Kind("Redis pub/sub", "redis_server", shops.redis, "redis", separator=":", with_headers=False)
STREAM = Kind(
    "Redis streams", "redis_server", lambda server: shops.redis(server, is_stream=True), "redis", None, ":", _STREAM
)
AMQP = Kind("AMQP", "rabbitmq", shops.amqp, "amqp", bindings=_EXCHANGE)
KAFKA = Kind("Kafka", "kafka_server", shops.kafka, "kafka", separator="-")
WEBSOCKET = Kind("WebSocket", None, shops.websocket, "ws", None, "/", with_headers=False, one_place=True)
EVENTS = Kind("SSE", None, shops.events, "http", None, "/", with_headers=False, content_type="text/event-stream")
KINDS = (MQTT5, MQTT3, NATS, JETSTREAM, PUBSUB, STREAM, AMQP, KAFKA, WEBSOCKET, EVENTS)
SECURED = (
    Kind("MQTT with a login", "mosquitto_login", _mqtt("5"), "mqtt", "5", "/"),
    Kind("MQTT with TLS", "mosquitto_tls", _mqtt("5"), "mqtts", "5", "/"),
    Kind("NATS with a login", "nats_server_login", shops.nats, "nats"),
    Kind("NATS with TLS", "nats_server_tls", shops.nats, "nats"),
    Kind(
        "AMQP with TLS",
        "rabbitmq",
        lambda server: shops.amqp(server, tls=True),
        "amqps",
        bindings={"amqps": _EXCHANGE["amqp"], **_EXCHANGE},
        url="tls_url",
    ),
)


def kinds(*chosen: Kind) -> Any:
    """Return a parametrization over kinds; those with a broker have its marker."""
    marked = [
        pytest.param(each, id=each.name, marks=[pytest.mark.broker] if each.fixture else []) for each in chosen or KINDS
    ]
    return pytest.mark.parametrize("kind", marked)


class Scene:
    """A document in a folder, its broker and its shop; `arguments` are those of a command line that runs it."""

    def __init__(self, folder: Path, kind: Kind, server: Any, shop: Shop, places: tuple[str, str]) -> None:
        self.kind, self.server, self.shop, self.places = kind, server, shop, places
        self.folder = folder
        self.url: str = shop.url or getattr(server, kind.url)
        self.document = folder / FLOW

    @property
    def arguments(self) -> list[str]:
        """Document, server, an order, and whom to trust."""
        words = [FLOW, "--server", f"shop={self.url}", "-i", "orderId=A-7"]
        if self.kind.has_tls:
            words += ["--cacert", str(self.server.authority.ca)]
        return words

    @property
    def outputs(self) -> dict[str, Any]:
        """The outputs of a run that goes well."""
        return {"amount": 3, "number": 2, "region": "eu"}

    @property
    def environment(self) -> dict[str, str]:
        """The variables with the credentials."""
        return {f"{LOGIN}_USER": USER, f"{LOGIN}_PASSWORD": PASSWORD} if self.kind.has_login else {}


def write(folder: Path, kind: Kind, places: tuple[str, str], change: Callable[[Any, Any], None] | None = None) -> None:
    """Write the document and its description for a kind of broker; `change` gets both to change them further."""
    flow = yaml.safe_load((FIXTURES / FLOW).read_text(encoding="utf-8"))
    shop = yaml.safe_load((FIXTURES / SHOP).read_text(encoding="utf-8"))
    server, channels = shop["servers"]["broker"], shop["channels"]
    server["protocol"] = kind.protocol
    if kind.version:
        server["protocolVersion"] = kind.version
    if kind.has_login:
        shop["components"] = {"securitySchemes": {"login": {"type": "userPassword"}}}
        server["security"] = [{"$ref": "#/components/securitySchemes/login"}]
    for channel, place in zip(channels.values(), places, strict=True):
        channel["address"] = f"/{place}" if kind.protocol in ("ws", "http") else place
        if kind.bindings:
            channel["bindings"] = dict(kind.bindings)
    confirmation = channels["confirmations"]["messages"]["confirmation"]
    if kind.content_type:
        confirmation["contentType"] = kind.content_type
    if not kind.with_headers:
        place, confirmed = flow["workflows"][0]["steps"]
        del place["parameters"], confirmation["headers"], channels["orders"]["messages"]["order"]["headers"]
        confirmation["correlationId"]["location"] = "$message.payload#/order"
        confirmed["outputs"]["region"] = "$message.payload#/region"
    if change is not None:
        change(flow, shop)
    for name, content in ((FLOW, flow), (SHOP, shop)):
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


class Stage:
    """Sets scenes: starts the broker of a kind, opens the shop, writes the document."""

    def __init__(self, request: pytest.FixtureRequest, folder: Path, stack: ExitStack, monkeypatch: Any) -> None:
        self._request, self._folder, self._stack, self._monkeypatch = request, folder, stack, monkeypatch

    def __call__(
        self,
        kind: Kind,
        answers: Answers | None = confirmations,
        *,
        server: Any = None,
        change: Callable[[Any, Any], None] | None = None,
    ) -> Scene:
        """Return a scene, whose credentials are in the environment."""
        if server is None and kind.fixture is not None:
            server = self._request.getfixturevalue(kind.fixture)
        places = new_places(kind.separator)
        if kind.one_place:
            places = (places[0], places[0])
        write(self._folder, kind, places, change)
        talk = kind.talk(server) if kind.fixture else kind.talk()
        shop = self._stack.enter_context(shops.opened(talk, places, answers))
        scene = Scene(self._folder, kind, server, shop, places)
        for name, value in scene.environment.items():
            self._monkeypatch.setenv(name, value)
        return scene
