"""WebSocket (RFC 6455): one connection for each address, which sends and receives.

Messages have no headers: those of a subscription or a message go with the handshake that it opens. Once
the connection is open they cannot be sent any more, and what has other ones is refused.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.base.settings import MAX_RESPONSE_SIZE
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.failures import CREDENTIALS_HINT, connect_failure, host_of
from arazzo_runner.runtime.brokers.web import address_url, check_headers, schema_of, stated_headers, with_user_agent

MOST_IDLE: Final = 16
"""Connections that nothing is received from are kept open for more messages; beyond these the oldest is closed."""
_PLACES: Final = ("operation", "channel", "server")
_RESERVED: Final = frozenset(
    {
        "host",
        "connection",
        "upgrade",
        "content-length",
        "transfer-encoding",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-extensions",
        "sec-websocket-accept",
    }
)
_BINARY: Final = ("octet-stream", "protobuf", "avro", "msgpack", "cbor", "image/", "audio/", "video/")


class Link(MutableRecord):
    """An open connection: its URL, the headers of its handshake, and the subscriptions that get its messages."""

    url: str
    path: str
    headers: Headers
    socket: Any
    taps: dict[str, tuple[str, Sink]] = field(default_factory=dict)
    reader: Any = None


class WebSocketDriver(Driver):
    """Connects when an address is first used; a connection that its server closes is opened anew for the next use."""

    protocols: ClassVar = frozenset({"ws", "wss"})
    extra: ClassVar = "websocket"
    module: ClassVar = "websockets"
    reconnects: ClassVar = True

    def __init__(self) -> None:
        self._links: dict[str, Link] = {}
        self._opening: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._made = 0

    async def open(self, connection: Connection) -> None:
        """Keep what to connect with: which address to connect to is known when a message is sent or waited for."""
        self._connection = connection

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
        """Receive what the server sends at an address; raises BrokerFailure for an inbox, which it cannot make."""
        if inbox:
            hint = "name the address to listen at: the channel of the reply needs an address"
            raise BrokerFailure("rejected", "WebSocket has no addresses of a client's own", hint=hint)
        link = await self._link(address, bindings, headers)
        self._made += 1
        key = f"{name}/{self._made}"
        link.taps[key] = (address, sink)
        return Armed(address=address, handle=(link, key))

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        """Send a message in one frame and wait until it is written: text when it is UTF-8, else binary."""
        from websockets.exceptions import ConnectionClosed

        link = await self._link(message.address, bindings, message.headers)
        try:
            await link.socket.send(message.payload, text=_is_text(message))
        except ConnectionClosed as problem:
            failure = self._closed(link, problem)
            raise BrokerFailure(failure.reason, failure.message, sent=True, hint=failure.hint) from None
        return Published()

    async def disarm(self, armed: Armed) -> None:
        """End a subscription; with the last one of an address its connection is closed."""
        handle: Any = armed.handle
        link, key = handle
        link.taps.pop(key, None)
        if not link.taps:
            await self._close(link)

    async def close(self) -> None:
        """Close all connections."""
        await asyncio.gather(*(self._close(link) for link in list(self._links.values())), return_exceptions=True)

    # ------------------------------------------------------------------ connections

    async def _link(self, address: str, bindings: BindingsByPlace, headers: Headers) -> Link:
        """Return the connection of an address; an address without a query may use the one that has a query."""
        login = self._connection.login
        url = address_url(self._connection.url, address, schema_of(bindings, _PLACES, "query"), login)
        async with self._opening.setdefault(url, asyncio.Lock()):
            link = self._links.get(url) or self._same_path(url)
            if link is not None and link.socket.state.name != "OPEN":  # its end is not read yet
                link = None
            if link is None:
                wanted = stated_headers(schema_of(bindings, _PLACES, "headers"), headers, login)
                check_headers(wanted, _RESERVED)
                link = await self._opened(url, with_user_agent(wanted))
                await self._close_idle()
            else:
                _check_sent(headers, link)
        self._links[url] = self._links.pop(url, link)  # the one used last is the last
        return link

    def _same_path(self, url: str) -> Link | None:
        path = url.partition("?")
        found = [link for link in self._links.values() if link.path == path[0]]
        return found[0] if not path[1] and len(found) == 1 else None

    async def _opened(self, url: str, headers: Headers) -> Link:
        from websockets.exceptions import WebSocketException

        connection = self._connection
        try:
            socket = await _connect(url, headers, connection)
        except (OSError, WebSocketException, EOFError, ValueError, ImportError) as problem:
            raise _handshake_failure(problem, url, connection) from None
        link = Link(url, url.partition("?")[0], headers, socket)
        link.reader = asyncio.create_task(self._read(link))
        self._links[url] = link
        return link

    async def _read(self, link: Link) -> None:
        """Give every message to the subscriptions, until the connection ends."""
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                frame = await link.socket.recv()
                for address, sink in list(link.taps.values()):
                    sink.put(_message(address, frame))
        except ConnectionClosed as problem:
            self._forget(link)
            failure = self._closed(link, problem)
            for _, sink in link.taps.values():
                sink.lost(failure)
            link.taps.clear()

    def _forget(self, link: Link) -> None:
        for url in [url for url, known in self._links.items() if known is link]:
            del self._links[url]

    def _closed(self, link: Link, problem: Any) -> BrokerFailure:
        host, sent, received = host_of(link.url), problem.sent, problem.rcvd
        if sent is not None and sent.code == 1009 and not problem.rcvd_then_sent:
            message = f"{host} sent a message of more than {self._connection.max_message_size:,} bytes"
            return BrokerFailure("too-large", message, hint=f"allow more with {MAX_RESPONSE_SIZE}")
        if received is not None:
            reason = f": {received.reason[:200]}" if received.reason else ""
            return BrokerFailure("closed", f"{host} closed the WebSocket with code {received.code}{reason}")
        if sent is not None and sent.code == 1011:
            return BrokerFailure("closed", f"{host} does not answer pings any more")
        if sent is not None:
            return BrokerFailure("closed", f"{host} broke the protocol of WebSocket: {sent.reason[:200]}")
        return BrokerFailure("closed", f"the connection to {host} broke")

    async def _close_idle(self) -> None:
        idle = [link for link in self._links.values() if not link.taps]
        for link in idle[:-MOST_IDLE]:
            await self._close(link)

    async def _close(self, link: Link) -> None:
        self._forget(link)
        if link.reader is not None:
            link.reader.cancel()
        await link.socket.close()


async def _connect(url: str, headers: Headers, connection: Connection) -> Any:
    """Return an open connection; redirects are not followed, they would take credentials elsewhere."""
    from websockets.asyncio.client import connect

    class Connect(connect):
        def process_redirect(self, exc: Exception) -> Exception | str:
            return exc

    protocols = [each.strip() for name, text in headers if name.lower() == _SUBPROTOCOL for each in text.split(",")]
    proxy = connection.options.get("proxy")
    secure: Mapping[str, Any] = {"ssl": connection.tls} if connection.tls is not None else {}
    return await Connect(
        url,
        additional_headers=[pair for pair in headers if pair[0].lower() not in (_SUBPROTOCOL, "user-agent")],
        user_agent_header=next(text for name, text in headers if name.lower() == "user-agent"),
        subprotocols=protocols or None,  # type: ignore[arg-type]
        proxy=proxy if isinstance(proxy, str) and proxy else None,
        open_timeout=connection.timeout,
        close_timeout=1,
        max_size=connection.max_message_size,
        logger=logging.Logger("websockets", logging.CRITICAL + 1),  # it would log headers, and with them credentials
        **secure,
    )


_SUBPROTOCOL: Final = "sec-websocket-protocol"


def _check_sent(headers: Headers, link: Link) -> None:
    """Raise BrokerFailure for headers that did not go with the handshake of an open connection."""
    known = {(name.lower(), value) for name, value in link.headers}
    lost = [name for name, value in headers if (name.lower(), value) not in known]
    if lost:
        message = f"the connection to {host_of(link.url)} is open already, without the header {', '.join(lost)}"
        hint = "give all steps at this address the same headers, or write them into the payload"
        raise BrokerFailure("rejected", message, hint=hint)


def _message(address: str, frame: str | bytes) -> ChannelMessage:
    if isinstance(frame, str):
        return ChannelMessage(address=address, payload=frame.encode("utf-8"), native={"frame": "text"})
    return ChannelMessage(address=address, payload=frame, native={"frame": "binary"})


def _is_text(message: ChannelMessage) -> bool:
    if any(part in (message.content_type or "").lower() for part in _BINARY):
        return False
    try:
        message.payload.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


# ------------------------------------------------------------------ handshakes that fail


def _handshake_failure(problem: Exception, url: str, connection: Connection) -> BrokerFailure:
    from websockets import exceptions as known

    host = host_of(url)
    if isinstance(problem, OSError):  # before ValueError: an error of a certificate is both
        return connect_failure(problem, url, ("ws", "wss"), connection.timeout)
    if isinstance(problem, known.InvalidStatus):
        return _refused(problem.response.status_code, problem.response.headers.get("Location"), url)
    if isinstance(problem, (known.ProxyError, known.InvalidProxy, ImportError)):
        return BrokerFailure("refused", f"the proxy gives no connection to {host}: {_short(problem)}")
    if isinstance(problem, known.NegotiationError):
        return BrokerFailure("rejected", f"{host} and this client agree on no way to speak: {_short(problem)}")
    if isinstance(problem, known.InvalidURI):
        return BrokerFailure("rejected", f"the URL of {host} is not one of WebSocket", hint="write ws://host/path")
    return BrokerFailure("rejected", f"{host} does not answer as a WebSocket server: {_short(problem)}")


def _refused(status: int, location: str | None, url: str) -> BrokerFailure:
    host, path = host_of(url), urlsplit(url).path
    if status in (401, 407):
        return BrokerFailure("credentials", f"{host} asks for other credentials ({status})", hint=CREDENTIALS_HINT)
    if status == 403:
        return BrokerFailure("forbidden", f"{host} forbids the connection to {path} (403)", hint=CREDENTIALS_HINT)
    if status == 404:
        return BrokerFailure("rejected", f"{host} has no WebSocket at {path} (404)", hint="is the address right?")
    if 300 <= status < 400:
        target = "" if location is None else f" to {host_of(location) or location[:200].partition('?')[0]}"
        return BrokerFailure("rejected", f"{host} redirects{target} ({status}), and WebSocket follows no redirects")
    if status in (200, 426):
        return BrokerFailure("rejected", f"{host} does not answer as a WebSocket server at {path} ({status})")
    return BrokerFailure("rejected", f"{host} refuses the WebSocket at {path} ({status})")


def _short(problem: Exception) -> str:
    cause = problem.__cause__
    return (str(problem) or type(problem).__name__)[:200] + (f" ({str(cause)[:100]})" if cause is not None else "")
