"""The driver of http and https: an event stream or a webhook when the run receives, a POST when it sends.

AsyncAPI describes both with the same protocol. A channel is an event stream, whose client the run is,
when the content type of its messages is `text/event-stream`, when the binding of its operation names
the method GET, or when the protocol of its server is `sse` (which AsyncAPI does not list). Every other
one is a webhook: the API is the client, and the run listens.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.message_parts import headers_with_type
from arazzo_runner.runtime.brokers.sse import EVENT_STREAM, EventStream
from arazzo_runner.runtime.brokers.web import address_url, binding, schema_of, stated_headers
from arazzo_runner.runtime.brokers.web_client import WebClient, status_failure
from arazzo_runner.runtime.brokers.webhook import Webhooks

_OPERATION: Final = ("operation", "channel", "server")
_MESSAGE: Final = ("message",)
_METHODS: Final = ("POST", "PUT", "PATCH")


def content_type_of(bindings: BindingsByPlace) -> str | None:
    """Return the described content type of the messages, passed as `contentType` beside their binding."""
    found = binding(bindings, _MESSAGE, "contentType")
    return found.partition(";")[0].strip().lower() if isinstance(found, str) else None


def is_event_stream(bindings: BindingsByPlace) -> bool:
    """Return whether a channel is an event stream; it is a webhook otherwise."""
    return content_type_of(bindings) == EVENT_STREAM or _method(bindings) == "GET"


def _method(bindings: BindingsByPlace) -> str:
    found = binding(bindings, _OPERATION, "method")
    return found.upper() if isinstance(found, str) else ""


class HttpDriver(Driver):
    """Needs no connection of its own: each stream and each message sent is an exchange."""

    protocols: ClassVar = frozenset({"http", "https", "sse"})
    reconnects: ClassVar = True

    def __init__(self) -> None:
        self._client: WebClient | None = None
        self._streams: set[EventStream] = set()

    async def open(self, connection: Connection) -> None:
        """Keep what to connect with: the URL to call is known when a message is sent or waited for."""
        scheme, mark, rest = connection.url.partition("://")
        self._connection = replace(connection, url=f"{'http' if scheme == 'sse' else scheme}{mark}{rest}")
        self._webhooks = Webhooks(connection)

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
        """Open an event stream, or listen at a new path for what is posted there; an inbox is always the latter."""
        if inbox or not (self._connection.protocol == "sse" or is_event_stream(bindings)):
            return await self._webhooks.arm(sink, position)
        url, sent = self._request(address, bindings, headers, {})
        stream = EventStream(self._sender(), url, sent, address, sink, described=content_type_of(bindings))
        armed = await stream.open(position)
        self._streams.add(stream)
        return armed

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        """Post a message to its URL; a status of 300 or more is a refusal."""
        method = _method(bindings) or "POST"
        if method not in _METHODS:
            raise BrokerFailure("rejected", f"a message is not sent with the method {method[:20]}")
        given = headers_with_type(message, "Content-Type")
        url, headers = self._request(message.address, bindings, given, schema_of(bindings, _MESSAGE, "headers"))
        response = await self._sender().exchange(method, url, headers, message.payload)
        try:
            failure = status_failure(response, url)
        finally:
            await response.aclose()
        if failure is not None:
            raise failure
        return Published()

    async def disarm(self, armed: Armed) -> None:
        """End a stream; the path of a webhook answers 404 from now on."""
        handle: Any = armed.handle
        if isinstance(handle, EventStream):
            self._streams.discard(handle)
            await handle.close()
        else:
            await self._webhooks.disarm(handle)

    async def close(self) -> None:
        """Close streams, listener and connections."""
        for stream in list(self._streams):
            await stream.close()
        await self._webhooks.close()
        if self._client is not None:
            await self._client.close()

    def _request(
        self, address: str, bindings: BindingsByPlace, given: Headers, schema: Mapping[str, JsonValue]
    ) -> tuple[str, Headers]:
        login = self._connection.login
        url = address_url(self._connection.url, address, schema_of(bindings, _OPERATION, "query"), login)
        return url, stated_headers(schema, given, login)

    def _sender(self) -> WebClient:
        if self._client is None:
            self._client = WebClient(self._connection)
        return self._client
