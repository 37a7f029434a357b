"""MQTT 5 and 3.1.1, over aiomqtt.

Version 5 is spoken where the server is described so or nothing is said, 3.1.1 where it is, or where the broker speaks
nothing newer. Only version 5 has headers, content types, correlation data and response topics.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from typing import Any, ClassVar

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.endpoints import endpoints

PORT, SECURE_PORT = 1883, 8883


class MqttDriver(Driver):
    """A connection to an MQTT broker, and one more for each subscription that needs it."""

    protocols: ClassVar[frozenset[str]] = frozenset({"mqtt", "mqtt5", "mqtts", "secure-mqtt"})
    extra: ClassVar[str | None] = "mqtt"
    module: ClassVar[str | None] = "aiomqtt"

    def __init__(self) -> None:
        self._connection = Connection(url="", protocol="mqtt")
        self._sessions: list[Any] = []  # the first one sends
        self._versions: tuple[Any, ...] = ()
        self._client_id = ""

    async def open(self, connection: Connection) -> None:
        """Connect and log in."""
        from arazzo_runner.runtime.brokers.mqtt_session import V5, V311

        self._connection = connection
        version = connection.protocol_version or ("5" if connection.protocol == "mqtt5" else "")
        self._versions = (V5,) if version.startswith("5") else (V311,) if version.startswith("3") else (V5, V311)
        named = connection.bindings.get("clientId")
        self._client_id = named if isinstance(named, str) and named else f"arazzo-{secrets.token_hex(6)}"
        session = await self._begin(self._client_id)
        self._versions = (session.version,)

    async def arm(
        self,
        address: str,
        bindings: BindingsByPlace,
        position: JsonValue | None,
        sink: Sink,
        *,
        name: str,
        inbox: bool = False,
        headers: Headers = (),
    ) -> Armed:
        """Subscribe; return with the broker's SUBACK."""
        from arazzo_runner.runtime.brokers.mqtt_messages import quality
        from arazzo_runner.runtime.brokers.mqtt_session import Feed

        durable = self._connection.durable_name
        before = position.get("address") if isinstance(position, dict) else None
        topics = before or (_inbox(address, durable, name) if inbox else address)
        feed = Feed(topics=topics, sink=sink)
        if durable is None:
            session = await self._session_beside(topics)
        else:
            session = await self._begin(_client_of(durable, name), feed, keeps=True, fresh=position is None)
        try:
            await session.subscribe(feed, quality(bindings))
        except BaseException:
            await self._end_idle(session)
            raise
        kept = None if durable is None else {"address": topics, "client": session.identity.client_id}
        return Armed(address=topics, handle=(session, feed), position=kept, lossy=durable is None)

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        """Send a message; return with the broker's acknowledgement, for a quality of service that has one."""
        from arazzo_runner.runtime.brokers.mqtt_client import NO_SUBSCRIBERS
        from arazzo_runner.runtime.brokers.mqtt_messages import (
            check_without_properties,
            is_retained,
            properties_of,
            quality,
        )
        from arazzo_runner.runtime.brokers.mqtt_session import V5

        sender = self._sessions[0]
        properties = None
        if sender.version == V5:
            properties = properties_of(message, bindings)
        else:
            check_without_properties(message)
        qos, retain = quality(bindings), is_retained(bindings)
        code = await sender.publish(message.address, message.payload, qos=qos, retain=retain, properties=properties)
        return Published(receivers=0 if code == NO_SUBSCRIBERS else None)

    async def settle(self, armed: Armed, token: str) -> None:
        """Acknowledge a message of a durable run; others are acknowledged when they come."""
        session, feed = _of(armed)
        if session.identity.keeps:
            session.settle(feed, token)

    async def disarm(self, armed: Armed) -> None:
        """End a subscription, and the session that it had to itself."""
        session, feed = _of(armed)
        with contextlib.suppress(Exception):
            await session.unsubscribe(feed)
        await self._end_idle(session, forget=True)

    async def close(self) -> None:
        """Close every connection; what the broker keeps for a durable run stays."""
        sessions, self._sessions = self._sessions, []
        await asyncio.gather(*(session.close() for session in sessions), return_exceptions=True)

    async def _end_idle(self, session: Any, *, forget: bool = False) -> None:
        """Close a session without subscriptions, unless it is the one that sends."""
        if session is not self._sessions[0] and not session.feeds:
            self._sessions.remove(session)
            await session.close(forget=forget)

    async def _session_beside(self, topics: str) -> Any:
        """Return a session none of whose subscriptions matches what this one does."""
        for session in self._sessions:
            if not any(overlap(feed.topics, topics) for feed in session.feeds):
                return session
        return await self._begin(f"{self._client_id}-{len(self._sessions)}")

    async def _begin(self, client_id: str, *feeds: Any, keeps: bool = False, fresh: bool = True) -> Any:
        """Open one more session; `feeds` get what the broker kept for it."""
        from arazzo_runner.runtime.brokers.mqtt_session import Identity, Session

        connection = self._connection
        port = PORT if connection.tls is None else SECURE_PORT
        session = Session(
            connection,
            endpoints(connection.url, port)[0],
            Identity(client_id=client_id, keeps=keeps, fresh=fresh),
        )
        session.feeds.extend(feeds)
        await session.open(self._versions)
        self._sessions.append(session)
        return session


def overlap(one: str, other: str) -> bool:
    """Return whether a topic can match two topic filters."""
    return _overlap(one.split("/"), other.split("/"))


def _overlap(one: list[str], other: list[str]) -> bool:
    for left, right in zip(one, other, strict=False):
        if "#" in (left, right):
            return True
        if left != right and "+" not in (left, right):
            return False
    longer = one[len(other) :] or other[len(one) :]
    return not longer or longer[0] == "#"


def _of(armed: Armed) -> Any:
    if not isinstance(armed.handle, tuple):
        raise BrokerFailure("closed", "this is no subscription of MQTT")
    return armed.handle


def _inbox(hint: str, durable: str | None, name: str) -> str:
    """Return a topic that is this run's alone: nobody can guess it, unless a durable run must find it again."""
    return f"{hint or 'arazzo'}/{secrets.token_hex(8) if durable is None else _client_of(durable, name)}"


def _client_of(durable: str, name: str) -> str:
    return f"arazzo-{durable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
