"""The channels that `arazzo mock` serves, what it prints about them, and what it says of those that need a broker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.runtime.mock.channel_mock import STREAMS, WEBSOCKETS, ChannelMock, broker_notes
from arazzo_runner.runtime.mock.scenario import Scenario
from arazzo_runner.sources.asyncapi import AsyncApiDescription

_NEEDS_LIBRARY: Final = 'its WebSockets are not served without the library: pip install "websockets>=15"'


class ServedChannels:
    """The channels of descriptions, by the names of these."""

    def __init__(
        self,
        found: Sequence[tuple[str, AsyncApiDescription]],
        script: Scenario | None,
        console: Console,
        *,
        quiet: bool,
        hosts: Sequence[str],
    ) -> None:
        self.mock = ChannelMock([description for _, description in found], script)
        self.notes = tuple(f"{note}; arazzo run --mock needs none" for note in broker_notes(found))
        self._console = console
        self._quiet = quiet
        self._hosts = hosts
        self._sockets = [name for name, each in found if _protocols(each) & WEBSOCKETS]
        self.streams = [name for name, each in found if _protocols(each) & STREAMS]

    @property
    def is_empty(self) -> bool:
        """Whether everything needs a broker."""
        return not self._sockets and not self.streams

    @contextmanager
    def served(self) -> Iterator[None]:
        """Serve WebSockets while the block runs, and say what is not served."""
        for note in self.notes:
            self._console.err(f"{one_line(note)}\n")
        if not self._sockets:
            yield
            return
        from arazzo_runner.runtime.mock.websocket_server import WebSocketServer

        try:
            server = WebSocketServer(self.mock, self._print, self._hosts)
        except ImportError:
            self._console.err(f"{', '.join(map(one_line, self._sockets))}: {_NEEDS_LIBRARY}\n")
            yield
            return
        with server:
            for name in self._sockets:
                self._console.err(f"{one_line(name)} is served at {server.url}\n")
            yield

    def _print(self, sign: str, message: ChannelMessage) -> None:
        if not self._quiet:
            self._console.err(f"{sign} {one_line(message.address)}, {len(message.payload)} bytes\n")


def _protocols(description: AsyncApiDescription) -> set[str]:
    return {server.protocol for server in description.servers.values()}
