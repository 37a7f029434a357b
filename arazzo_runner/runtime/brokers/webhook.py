"""Webhooks: a listener for the messages that an API posts to the run.

Each subscription has a path of its own with 128 random bits; its URL is the address that the API is
given. A `webhook_url` with a path, or the URL of a position, is the whole address instead: the API may
know it already. Only POST is answered, with 204; everything else, and the path once its subscription has ended, gets a
status of 4xx. The listener is on loopback unless another address is given.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import os
import re
import secrets
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import h11

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.base.server_urls import is_callback_url, is_listening_place
from arazzo_runner.base.settings import WEBHOOK_LISTEN
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Sink
from arazzo_runner.runtime.brokers.message_parts import content_type_in

DEFAULT_LISTEN: Final = "127.0.0.1:0"
MAX_HEAD: Final = 32_768
MOST_CONNECTIONS: Final = 64
REQUEST_SECONDS: Final = 30.0
"""Within which a request must be complete; also how long a connection may stay open between requests."""
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{22}")
_PIECE: Final = 65_536
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")


class Hook(Record):
    """What is posted to `url` goes to `sink`.

    `place` is the path, or the last segment of it when that is random: a tunnel may put its own before it.
    """

    _hidden_in_repr = ("place", "url", "sink")

    place: str
    url: str
    max_size: int
    sink: Any

    def is_at(self, path: str) -> bool:
        """Return whether a path is that of the hook; how long it takes says nothing of how much is right."""
        given = path if self.place.startswith("/") else path.rpartition("/")[2]
        return hmac.compare_digest(self.place.encode("utf-8", "replace"), given.encode("utf-8", "replace"))


class WebhookListener(MutableRecord):
    """One listening socket and its hooks; shared by the connections of a process that listen at the same address."""

    host: str
    port: int
    server: Any = None
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    hooks: list[Hook] = field(default_factory=list)
    users: int = 0
    clients: set[Any] = field(default_factory=set)

    def hooks_at(self, path: str) -> list[Hook]:
        """Return the hooks of a path."""
        return [each for each in self.hooks if each.is_at(path)]

    def remove(self, hook: Hook) -> None:
        """Answer 404 from now on where nothing else listens."""
        self.hooks[:] = [each for each in self.hooks if each is not hook]

    async def close(self) -> None:
        """Stop listening, and give up the exchanges that go on."""
        self.server.close()
        for client in list(self.clients):
            client.cancel()
        if self.clients:
            await asyncio.wait(self.clients, timeout=1)


class Webhooks:
    """The webhooks of one Connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._listeners: dict[str, WebhookListener] = {}  # by where they listen
        self._own: list[Hook] = []
        self._opening = asyncio.Lock()

    async def arm(self, sink: Sink, position: JsonValue | None) -> Armed:
        """Listen at a new path, or at that of a position; the address is the URL to post to.

        The position is that of an earlier subscription, or has the `url` at which the listener is expected.
        """
        token, port, given = _position(position)
        given = given or self._connection.options.get("webhook_url")
        _check_url(given)
        listen = _listen_at(self._connection, position, given)
        async with self._opening:
            if listen not in self._listeners:
                self._listeners[listen] = await self._opened(listen, port)
        listener = self._listeners[listen]
        place, url = _place(given, listener, token)
        hook = Hook(place, url, self._connection.max_message_size, sink)
        listener.hooks.append(hook)
        self._own.append(hook)
        found = {"token": token, "port": listener.port, **({"url": url} if given else {})}
        return Armed(address=url, handle=hook, position=found, lossy=True)

    async def disarm(self, hook: Hook) -> None:
        """Answer 404 from now on."""
        self._own[:] = [each for each in self._own if each is not hook]
        for listener in self._listeners.values():
            listener.remove(hook)

    async def close(self) -> None:
        """Stop listening, once no other connection listens there."""
        listeners, self._listeners = self._listeners, {}
        for listen, listener in listeners.items():
            for hook in self._own:
                listener.remove(hook)
            if self._leave(listener, listen):
                await listener.close()

    async def _opened(self, listen: str, port: int | None) -> WebhookListener:
        host, asked = _host_and_port(listen)
        listener = self._connection.shared.setdefault(_key(listen), WebhookListener(host, asked or port or 0))
        assert isinstance(listener, WebhookListener)
        listener.users += 1
        try:
            async with listener.starting:
                if listener.server is None:
                    await _start(listener)
        except BaseException:
            self._leave(listener, listen)
            raise
        return listener

    def _leave(self, listener: WebhookListener, listen: str) -> bool:
        """Use a listener no more; return whether nobody uses it any more."""
        listener.users -= 1
        if not listener.users:
            del self._connection.shared[_key(listen)]
        return not listener.users


def _key(listen: str) -> str:
    return f"webhooks at {listen}"


def _position(position: JsonValue | None) -> tuple[str, int | None, JsonValue]:
    """Return token, port and URL of an earlier subscription, else a new token."""
    given: Any = position if isinstance(position, dict) else {}
    token, port, url = given.get("token"), given.get("port"), given.get("url")
    if isinstance(token, str) and _TOKEN.fullmatch(token):
        return token, port if isinstance(port, int) else None, url
    return secrets.token_urlsafe(16), None, url


def _listen_at(connection: Connection, position: JsonValue | None, given: JsonValue) -> str:
    """Return where to listen, as HOST:PORT: where the options say, else at a URL of this machine that is given."""
    text = connection.options.get("webhook_listen")
    if text or not isinstance(given, str):
        return str(text or DEFAULT_LISTEN)
    parts = urlsplit(given)
    host = parts.hostname or ""
    if parts.scheme == "http" and parts.port and host in _LOOPBACK:
        return f"[{host}]:{parts.port}" if ":" in host else f"{host}:{parts.port}"
    if isinstance(position, dict) and "url" in position and "token" not in position:
        message = f"webhooks are expected at {given[:100]}, and nothing says where to listen for them"
        raise BrokerFailure("rejected", message, hint=f"say where: {WEBHOOK_LISTEN}")
    return DEFAULT_LISTEN


def _host_and_port(text: str) -> tuple[str, int]:
    if not is_listening_place(text):
        message = f"cannot listen at {text[:100]!r}, which is not HOST:PORT"
        raise BrokerFailure("rejected", message, hint="write 127.0.0.1:8080; 0.0.0.0:8080 for every interface")
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def _check_url(given: JsonValue) -> None:
    if given and not (isinstance(given, str) and is_callback_url(given)):
        message = f"{str(given)[:100]!r} is not a URL for webhooks"
        raise BrokerFailure("rejected", message, hint="write https://host, or https://host/path for one that is known")


def _place(given: JsonValue, listener: WebhookListener, token: str) -> tuple[str, str]:
    """Return what a hook's path is recognized by, and its URL: the one that is given, else one with the token."""
    if not given:
        host = "127.0.0.1" if listener.host == "0.0.0.0" else "::1" if listener.host == "::" else listener.host
        return token, f"http://{f'[{host}]' if ':' in host else host}:{listener.port}/{token}"
    parts = urlsplit(str(given))
    if parts.path in ("", "/") or parts.path.endswith("/"):
        return token, f"{str(given).rstrip('/')}/{token}"
    return unquote(parts.path), str(given)


async def _start(listener: WebhookListener) -> None:
    host, port = listener.host, listener.port

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        listener.clients.add(task)
        try:
            if len(listener.clients) <= MOST_CONNECTIONS:
                await _Client(reader, writer, listener).run()
        except (OSError, asyncio.CancelledError):
            pass  # the client went away, or the listener is closed
        finally:
            listener.clients.discard(task)
            writer.close()

    try:
        options = {"reuse_address": True} if os.name == "posix" else {}
        listener.server = await asyncio.start_server(serve, host, port, limit=_PIECE, **options)
    except OSError as problem:
        text = (problem.strerror or str(problem)).lower()
        raise BrokerFailure("refused", f"cannot listen for webhooks at {host}:{port}: {text}") from None
    listener.port = listener.server.sockets[0].getsockname()[1]


class _Refused(Exception):
    """A request that is answered with a status; the connection is closed after it."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class _Client:
    """The requests of one connection, answered one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener: WebhookListener) -> None:
        self._reader = reader
        self._writer = writer
        self._listener = listener
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)

    async def run(self) -> None:
        """Answer until the client ends it, takes too long or sends what is refused."""
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(REQUEST_SECONDS):
                    if not await self._exchange():
                        return
                self._http.start_next_cycle()

    async def _exchange(self) -> bool:
        """Answer one request; return whether another may follow."""
        try:
            head = await self._event()
            if not isinstance(head, h11.Request):
                return False
            limit = self._admitted(head)
            body = await self._body(limit)
            hooks = self._listener.hooks_at(_path_of(head))  # others may have ended while the body came
            if not hooks:
                raise _Refused(404, _NO_HOOK)
        except _Refused as refused:
            await self._answer(refused.status, refused.text)
            return False
        except h11.RemoteProtocolError as malformed:
            await self._answer(malformed.error_status_hint, f"the request is malformed: {malformed}")
            return False
        for hook in hooks:
            hook.sink.put(_message(head, body, hook))
        await self._answer(204, "")
        return self._http.our_state is h11.DONE and self._http.their_state is h11.DONE

    def _admitted(self, head: h11.Request) -> int:
        """Return how long the body of a request may be; raises _Refused before it is read."""
        limit = max((each.max_size for each in self._listener.hooks_at(_path_of(head))), default=None)
        if limit is None:
            raise _Refused(404, _NO_HOOK)
        if head.method != b"POST":
            raise _Refused(405, "messages are posted")
        given = dict(head.headers)
        if b"content-length" in given and b"transfer-encoding" in given:
            raise _Refused(400, "Transfer-Encoding and Content-Length contradict each other (RFC 9112 §6.1)")
        if given.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
            raise _Refused(415, "the body must not be compressed")
        if int(given.get(b"content-length", b"0")) > limit:
            raise _too_large(limit)
        if self._http.they_are_waiting_for_100_continue:
            continued = h11.InformationalResponse(status_code=100, headers=[], reason=b"Continue")
            self._writer.write(self._http.send(continued) or b"")
        return limit

    async def _body(self, max_size: int) -> bytes:
        body = bytearray()
        while True:
            event = await self._event()
            if isinstance(event, h11.Data):
                body += event.data
                if len(body) > max_size:
                    raise _too_large(max_size)
            elif isinstance(event, h11.EndOfMessage):
                return bytes(body)
            else:
                raise _Refused(400, "the request ends before it is complete")

    async def _event(self) -> Any:
        while (event := self._http.next_event()) is h11.NEED_DATA:
            self._http.receive_data(await self._reader.read(_PIECE))
        return event

    async def _answer(self, status: int, text: str) -> None:
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return
        body = f"{text}\n".encode() if text else b""
        headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))] if body else []
        headers += [("Allow", "POST")] if status == 405 else []
        headers += [("Connection", "close")] if body else []
        self._writer.write(b"".join(self._written(status, headers, body)))
        await self._writer.drain()

    def _written(self, status: int, headers: list[tuple[str, str]], body: bytes) -> Iterator[bytes]:
        yield self._http.send(h11.Response(status_code=status, headers=headers)) or b""
        if body:
            yield self._http.send(h11.Data(data=body)) or b""
        yield self._http.send(h11.EndOfMessage()) or b""


_NO_HOOK: Final = "nothing is waited for here"


def _too_large(max_size: int) -> _Refused:
    return _Refused(413, f"the body has more than {max_size:,} bytes")


def _path_of(head: h11.Request) -> str:
    target = head.target.decode("ascii", "replace")
    return unquote(target.partition("?")[0])


def _message(head: h11.Request, body: bytes, hook: Hook) -> ChannelMessage:
    headers = tuple((name.decode("ascii"), _text(value)) for name, value in head.headers.raw_items())
    kind = content_type_in(headers)
    query = head.target.decode("ascii", "replace").partition("?")[2]
    native: dict[str, JsonValue] = {"query": query} if query else {}
    return ChannelMessage(address=hook.url, payload=body, headers=headers, content_type=kind, native=native)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")
