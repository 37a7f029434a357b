"""One MQTT connection: aiomqtt's client, which also reports what the broker answers and when it goes away.

aiomqtt waits until its timeout for the answer of a broker that has closed the connection, and does not say why a
message was refused: this client does.
"""

from __future__ import annotations

import asyncio
import logging
import math
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, cast

import aiomqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

Result = TypeVar("Result")
NO_SUBSCRIBERS: Final = 16  # MQTT 5.0 §3.4.2.1
REFUSAL: Final = 128


class Refused(Exception):
    """Raised with the reason code with which the broker answers a message or a subscription."""

    def __init__(self, code: int, name: str) -> None:
        super().__init__(name)
        self.code = code


class Lost(Exception):
    """Raised when the connection ends: `code` is the broker's reason, None for none.

    `sent` is false where it had ended before.
    """

    def __init__(self, code: int | None, name: str | None, *, sent: bool) -> None:
        super().__init__(name)
        self.code = code
        self.name = name
        self.sent = sent


class MqttClient(aiomqtt.Client):
    """A connection that hands its messages to `on_message`, and calls `on_lost` when it ends."""

    def __init__(
        self,
        host: str,
        *,
        deliver: Callable[[aiomqtt.Message], None],
        on_lost: Callable[[Lost], None],
        timeout: float,
        tls: ssl.SSLContext | None,
        **options: Any,
    ) -> None:
        self._tls = None if tls is None else _Tls(tls)
        quiet = logging.Logger("arazzo-mqtt")  # of its own: what goes wrong is raised
        quiet.addHandler(logging.NullHandler())
        super().__init__(
            host, timeout=timeout, logger=quiet, tls_context=cast("ssl.SSLContext | None", self._tls), **options
        )
        self._client.connect_timeout = max(timeout, 0.001)
        self._deliver = deliver
        self._on_lost = on_lost
        self._unconfirmed: dict[int, asyncio.Future[int]] = {}

    async def connect(self) -> None:
        """Connect and log in; raises aiomqtt.MqttError."""
        try:
            await self.__aenter__()
        except BaseException:
            self._client._sock_close()
            if self._tls is not None and self._tls.socket is not None:
                self._tls.socket.close()
            raise
        self._disconnected.add_done_callback(self._went)

    async def disconnect(self, properties: Any = None) -> None:
        """End the connection orderly; `properties` are those of version 5."""
        self._disconnected.remove_done_callback(self._went)
        if properties is not None and not self._disconnected.done():
            self._client.disconnect(properties=properties)
        await self.__aexit__(None, None, None)

    async def send(self, topic: str, payload: bytes, *, qos: int, retain: bool, properties: Any) -> int:
        """Send a message; return the code with which the broker took it, 0 for success. Raises Refused or Lost."""
        info = self._client.publish(topic, payload, qos, retain, properties)
        _check(info.rc)
        if info.is_published():
            return 0
        confirmed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._unconfirmed[info.mid] = confirmed
        try:
            return await self._unless_lost(confirmed)
        finally:
            del self._unconfirmed[info.mid]

    async def listen(self, topics: str, qos: int) -> None:
        """Subscribe; return when the broker has the subscription. Raises Refused or Lost."""
        try:
            answers = await self._unless_lost(self.subscribe(topics, qos, timeout=math.inf))
        except aiomqtt.MqttCodeError as error:
            _check(error.rc)
            raise
        code = _value(answers[0])
        if code >= REFUSAL:
            raise Refused(code, _name(answers[0]))

    async def stop_listening(self, topics: str) -> None:
        """End a subscription."""
        await self._unless_lost(self.unsubscribe(topics, timeout=math.inf))

    def acknowledge_by_hand(self) -> None:
        """Leave it to `acknowledge` to tell the broker which messages came."""
        self._client.manual_ack_set(True)

    def acknowledge(self, number: int, qos: int) -> None:
        """Acknowledge a message."""
        self._client.ack(number, qos)

    async def _unless_lost(self, work: Awaitable[Result]) -> Result:
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._disconnected), return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not task.done():
                task.cancel()
        if task.done() and not task.cancelled():
            return task.result()
        raise self._end()

    def _end(self) -> Lost:
        problem = self._disconnected.exception() if self._disconnected.done() else None
        reason = getattr(problem, "rc", None)
        if isinstance(reason, ReasonCode) and reason.value > REFUSAL:  # 128 is said for every broken connection
            return Lost(reason.value, str(reason), sent=True)
        return Lost(None, None, sent=True)

    def _went(self, _: object) -> None:
        self._on_lost(self._end())

    # aiomqtt's own callbacks, which paho calls on the event loop.

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        self._deliver(aiomqtt.Message._from_paho_message(message))

    def _on_publish(self, client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
        confirmed = self._unconfirmed.get(mid)
        if confirmed is None or confirmed.done():
            return
        code = _value(reason_code)
        if code >= REFUSAL:
            confirmed.set_exception(Refused(code, _name(reason_code)))
        else:
            confirmed.set_result(code)

    def _on_disconnect(self, client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any = None) -> None:
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttCodeError(reason_code, "closed before an answer"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)


def _check(code: Any) -> None:
    """Raise for a code of paho's, which says that nothing was sent."""
    if code == MQTTErrorCode.MQTT_ERR_NO_CONN:
        raise Lost(None, None, sent=False)
    if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
        raise aiomqtt.MqttCodeError(code)


class _Tls:
    """A TLS context that knows the socket it was last used for: paho leaves one open whose handshake fails."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self.check_hostname = context.check_hostname
        self.socket: ssl.SSLSocket | None = None
        self._context = context

    def wrap_socket(self, sock: socket.socket, **options: Any) -> ssl.SSLSocket:
        """Return the socket over TLS, as the context does."""
        self.socket = self._context.wrap_socket(sock, **options)
        return self.socket


def _value(code: Any) -> int:
    value: int = code.value if isinstance(code, ReasonCode) else code
    return value


def _name(code: Any) -> str:
    return str(code) if isinstance(code, ReasonCode) else f"code {code}"
