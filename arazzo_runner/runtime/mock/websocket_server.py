"""Serves the channels of WebSocket servers on loopback, with the library `websockets`."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.mock.channel_mock import WEBSOCKETS, ChannelMock, Coming
from arazzo_runner.runtime.mock.request import Refused
from arazzo_runner.runtime.mock.server import MockHosts

OnMessage = Callable[[str, ChannelMessage], None]
"""Called with `<` and what a client sent, with `>` and what it got."""


class WebSocketServer:
    """A context manager; `url` is its base. Each client has a thread of its own."""

    def __init__(self, mock: ChannelMock, on_message: OnMessage, allow_hosts: Iterable[str] = ()) -> None:
        """Raises ImportError without the library; clients may name this machine or one of `allow_hosts`."""
        from websockets.sync import server  # lazily: few mocks have WebSockets

        self._mock = mock
        self._hosts = MockHosts.of("127.0.0.1", allow_hosts)
        self._on_message = on_message
        logger = logging.getLogger("arazzo_runner.websocket_server")
        logger.disabled = True  # what a client does wrong is no concern of the terminal
        self._server = server.serve(
            self._serve, "127.0.0.1", 0, process_request=self._refusal, logger=logger, compression=None
        )
        self.url = f"ws://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def __enter__(self) -> WebSocketServer:
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()

    def _refusal(self, connection: Any, request: Any) -> Any:
        """Return why a client is refused: it names another host (DNS rebinding), or no channel. None for others."""
        try:
            self._hosts.check(request.headers.get("Host", ""))
        except Refused as refused:
            return connection.respond(refused.status, f"{refused.detail}\n")
        if self._mock.channel(_path(request), WEBSOCKETS) is None:
            return connection.respond(404, "no channel of the descriptions has this address\n")
        return None

    def _serve(self, connection: Any) -> None:
        path = _path(connection.request)
        known = self._mock.channel(path, WEBSOCKETS)
        assert known is not None  # _refusal has looked
        listener = (path, lambda coming: self._send(connection, coming))
        self._mock.listeners.append(listener)
        headers = tuple(connection.request.headers.raw_items())
        try:
            for coming in self._mock.greeting(known):
                self._send(connection, coming)
            for received in connection:
                payload = received.encode() if isinstance(received, str) else received
                message = ChannelMessage(address=path, payload=payload, headers=headers)
                self._on_message("<", message)
                for coming in self._mock.answers(known, message):
                    self._send(connection, coming)
        finally:
            self._mock.listeners.remove(listener)

    def _send(self, connection: Any, coming: Coming) -> None:
        if coming.after:
            time.sleep(coming.after)
        payload = coming.message.payload
        try:
            text: str | bytes = payload.decode()
        except UnicodeDecodeError:
            text = payload
        self._on_message(">", coming.message)
        connection.send(text)


def _path(request: Any) -> str:
    return str(request.path).partition("?")[0]
