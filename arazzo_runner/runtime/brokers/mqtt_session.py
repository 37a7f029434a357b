"""One session at an MQTT broker: the connection with its subscriptions, of which no two ever match the same topic.

A broker may send a message once or several times to a client whose subscriptions overlap, so each of those has a
session of its own. So has each of a durable run: its broker keeps the messages that come while the run is not there,
for the client of that name, and gives again those that were not acknowledged.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Sequence
from itertools import takewhile
from typing import Any, Final

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.runtime.brokers.driver import KEEP, BrokerFailure, Connection, Sink
from arazzo_runner.runtime.brokers.endpoints import Endpoint, connection_failure, login_of
from arazzo_runner.runtime.brokers.failures import CREDENTIALS_HINT
from arazzo_runner.runtime.brokers.mqtt_client import Lost, MqttClient, Refused
from arazzo_runner.runtime.brokers.mqtt_messages import new_properties, received
from arazzo_runner.runtime.brokers.wildcards import MQTT, matches

V5: Final = aiomqtt.ProtocolVersion.V5
V311: Final = aiomqtt.ProtocolVersion.V311
KEEP_ALIVE: Final = 60
IN_HAND: Final = 10
"""How many messages of a durable run are not acknowledged yet: brokers send no more than 20 that are not."""
_CREDENTIALS: Final = frozenset({134, 135, 138, 140})  # MQTT 5.0 §3.2.2.2
_OTHER_VERSION: Final = frozenset({129, 130, 132})
_TOO_LARGE: Final = frozenset({149})


class Identity(Record, kw_only=True):
    """What a client calls itself; `keeps`: the broker keeps its session; `fresh`: one that it kept is forgotten."""

    client_id: str
    keeps: bool = False
    fresh: bool = True


class Feed(MutableRecord, kw_only=True):
    """A subscription of a session; `in_hand` are the messages that were not acknowledged, the oldest first."""

    topics: str
    sink: Sink
    in_hand: deque[tuple[str, int, int]] = field(default_factory=deque)
    settled: set[str] = field(default_factory=set)


class Session:
    """A connection of one client to a broker."""

    def __init__(self, connection: Connection, endpoint: Endpoint, identity: Identity) -> None:
        self.feeds: list[Feed] = []
        self.identity = identity
        self.version = V311
        self._connection = connection
        self._endpoint = endpoint
        self._client: Any = None

    async def open(self, versions: Sequence[aiomqtt.ProtocolVersion]) -> None:
        """Connect with the first of these versions that the broker speaks; raises BrokerFailure."""
        for version in versions:
            self.version = version
            self._client = self._new_client(version)
            try:
                await self._client.connect()
            except aiomqtt.MqttError as error:
                if version is versions[-1] or not _may_be_the_version(error):
                    raise self._refusal(error) from None
            else:
                return

    async def close(self, *, forget: bool = False) -> None:
        """End the connection; `forget`: the broker need not keep the session."""
        if forget and self.identity.keeps and self.version == V5:
            properties = new_properties(PacketTypes.DISCONNECT)
            properties.SessionExpiryInterval = 0
            await self._client.disconnect(properties)
            return
        await self._client.disconnect()
        if forget and self.identity.keeps:  # 3.1.1 forgets a session when the client begins a clean one
            clean = Session(self._connection, self._endpoint, Identity(client_id=self.identity.client_id))
            await clean.open((V311,))
            await clean.close()

    async def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool, properties: Any) -> int:
        """Send a message; return the code with which the broker took it. Raises BrokerFailure."""
        try:
            code: int = await self._client.send(topic, payload, qos=qos, retain=retain, properties=properties)
        except Refused as refusal:
            raise _refused("the message", refusal.code, str(refusal)) from None
        except Lost as lost:
            raise _lost(lost, sent=lost.sent) from None
        except aiomqtt.MqttCodeError as error:
            raise BrokerFailure("rejected", f"the message cannot be sent: {error}") from None
        except ValueError as error:
            raise BrokerFailure("rejected", f"MQTT cannot send this message: {error}") from None
        return code

    async def subscribe(self, feed: Feed, qos: int) -> None:
        """Begin a subscription; raises BrokerFailure."""
        if feed not in self.feeds:
            self.feeds.append(feed)
        try:
            await self._client.listen(feed.topics, qos)
        except BaseException as problem:
            self.feeds.remove(feed)
            raise _unsubscribable(problem, feed.topics) from None

    async def unsubscribe(self, feed: Feed) -> None:
        """End a subscription."""
        self.feeds.remove(feed)
        await self._client.stop_listening(feed.topics)

    def settle(self, feed: Feed, token: str) -> None:
        """Acknowledge a message; brokers want that in the order in which they sent them."""
        if any(each[0] == token for each in feed.in_hand):
            feed.settled.add(token)
        done = list(takewhile(lambda each: each[0] in feed.settled, feed.in_hand))
        self._acknowledge(feed, len(done))

    def _acknowledge(self, feed: Feed, count: int) -> None:
        for _ in range(count):
            token, number, qos = feed.in_hand.popleft()
            feed.settled.discard(token)
            self._client.acknowledge(number, qos)

    def _deliver(self, message: aiomqtt.Message) -> None:
        feed = next((each for each in self.feeds if matches(_plain(each.topics), message.topic.value, MQTT)), None)
        if feed is None:
            if self.identity.keeps and message.qos:
                self._client.acknowledge(message.mid, message.qos)
            return
        token = None
        if self.identity.keeps and message.qos:
            token = f"{message.mid}-{hashlib.sha256(_bytes(message)).hexdigest()[:16]}"
            feed.in_hand.append((token, message.mid, message.qos))
            self._acknowledge(feed, max(0, len(feed.in_hand) - IN_HAND))
        feed.sink.put(received(message), token, retained=bool(message.retain))

    def _went(self, lost: Lost) -> None:
        for feed in self.feeds:
            feed.sink.lost(_lost(lost, sent=False))

    def _new_client(self, version: aiomqtt.ProtocolVersion) -> MqttClient:
        connection, identity = self._connection, self.identity
        client = MqttClient(
            self._endpoint.host,
            port=self._endpoint.port,
            deliver=self._deliver,
            on_lost=self._went,
            timeout=connection.timeout,
            identifier=identity.client_id,
            protocol=version,
            keepalive=_seconds(connection.bindings.get("keepAlive"), KEEP_ALIVE),
            tls=connection.tls,
            **_login(connection),
            **_transport(connection.url),
            **self._session_options(version),
        )
        if identity.keeps:
            client.acknowledge_by_hand()
        return client

    def _session_options(self, version: aiomqtt.ProtocolVersion) -> dict[str, Any]:
        if version != V5:
            return {"clean_session": not self.identity.keeps}
        properties = new_properties(PacketTypes.CONNECT)
        if self.identity.keeps:
            properties.SessionExpiryInterval = KEEP
        return {"clean_start": self.identity.fresh, "properties": properties}

    def _refusal(self, error: aiomqtt.MqttError) -> BrokerFailure:
        where = f"the broker at {self._endpoint}"
        if isinstance(error, aiomqtt.MqttCodeError) and isinstance(error.rc, ReasonCode):
            code, name = error.rc.value, str(error.rc)
            if code in _CREDENTIALS:
                return BrokerFailure("credentials", f"{where} refuses the login: {name}", hint=CREDENTIALS_HINT)
            if isinstance(error, aiomqtt.exceptions.MqttConnectError):
                return BrokerFailure("refused", f"{where} refuses the connection: {name}")
            return self._no_connection(ConnectionResetError())
        if isinstance(error.__context__, OSError):
            return self._no_connection(error.__context__)
        return BrokerFailure("timeout", f"{where} did not answer within {self._connection.timeout:g} s")

    def _no_connection(self, error: OSError) -> BrokerFailure:
        if self._connection.tls is not None and isinstance(error, ConnectionResetError):
            text = f"no secure connection to {self._endpoint}: it does not answer as a TLS server"
            return BrokerFailure("tls", text, hint="write mqtt:// in place of mqtts:// if the broker is a plain one")
        return connection_failure(error, self._endpoint, "mqtt", "mqtts")


def _may_be_the_version(error: aiomqtt.MqttError) -> bool:
    """Return whether a broker may have refused the version: old ones close the connection, or do not answer well."""
    if isinstance(error, aiomqtt.exceptions.MqttConnectError):
        return getattr(error.rc, "value", None) in _OTHER_VERSION
    return isinstance(error, aiomqtt.MqttCodeError)


def _refused(what: str, code: int, name: str) -> BrokerFailure:
    reason = "too-large" if code in _TOO_LARGE else "rejected"
    hint = "the user of the connection may not do that there" if code == 135 else None
    return BrokerFailure(reason, f"the broker refuses {what}: {name}", hint=hint)  # type: ignore[arg-type]


def _unsubscribable(problem: BaseException, topics: str) -> BaseException:
    """Return why a subscription did not come about; what only ends the wait for it is returned itself."""
    match problem:
        case Refused():
            return _refused("the subscription", problem.code, str(problem))
        case Lost():
            return _lost(problem, sent=False)
        case ValueError():
            return BrokerFailure("rejected", f'"{topics}" is no topic filter of MQTT')
        case _:
            return problem


def _lost(lost: Lost, *, sent: bool) -> BrokerFailure:
    if lost.code in _TOO_LARGE:
        return BrokerFailure("too-large", f"the broker refuses the message: {lost.name}")
    why = "" if lost.name is None else f": {lost.name}"
    return BrokerFailure("closed", f"the broker closed the connection{why}", sent=sent)


def _login(connection: Connection) -> dict[str, Any]:
    login = login_of(connection)
    password = login.token if login.password is None else login.password
    # A password without a user needs an empty one in 3.1.1, and in paho.
    return {"username": "" if login.username is None and password is not None else login.username, "password": password}


def _transport(url: str) -> dict[str, Any]:
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in ("ws", "wss"):
        return {}
    return {"transport": "websockets", "websocket_path": "/" + rest.partition("/")[2]}


def _plain(topics: str) -> str:
    """Return the topics of a subscription without the group that it may be shared with."""
    return topics.split("/", 2)[-1] if topics.startswith("$share/") else topics


def _bytes(message: aiomqtt.Message) -> bytes:
    payload = message.payload if isinstance(message.payload, (bytes, bytearray)) else b""
    return message.topic.value.encode() + b"\0" + bytes(payload)


def _seconds(given: object, otherwise: int) -> int:
    return given if isinstance(given, int) and not isinstance(given, bool) and given >= 0 else otherwise
