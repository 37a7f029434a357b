"""A sink that keeps what a driver puts into it, and drivers that are open during a block."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection, Driver, Login
from tests.brokers.servers import Server

PATIENCE = 20.0


class Kept:
    """Keeps messages, tokens and the failure that ended a subscription."""

    def __init__(self) -> None:
        self.messages: list[ChannelMessage] = []
        self.tokens: list[str | None] = []
        self.failure: BrokerFailure | None = None
        self._changed = asyncio.Event()

    def put(self, message: ChannelMessage, token: str | None = None, *, retained: bool = False) -> None:
        assert self.failure is None
        assert not retained
        self.messages.append(message)
        self.tokens.append(token)
        self._changed.set()

    def lost(self, failure: BrokerFailure) -> None:
        assert self.failure is None
        self.failure = failure
        self._changed.set()

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    async def has(self, count: int) -> list[ChannelMessage]:
        """Wait for that many messages and return them all."""
        await self._until(lambda: len(self.messages) >= count)
        return self.messages

    async def is_lost(self) -> BrokerFailure:
        """Wait for the end of the subscription."""
        await self._until(lambda: self.failure is not None)
        assert self.failure is not None
        return self.failure

    async def _until(self, holds: Callable[[], bool]) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not holds():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"{len(self.messages)} messages, lost: {self.failure}") from None


def connection(server: Server, url: str | None = None, **changes: Any) -> Connection:
    """Return how to connect to a server of the tests, with its login and TLS."""
    given: dict[str, Any] = {"url": url or server.url, "timeout": 10.0, "tls": server.client_tls}
    given["login"] = Login(username=server.username, password=server.password)
    given |= changes
    return Connection(protocol=given["url"].partition(":")[0], **given)


@asynccontextmanager
async def opened(driver: Driver, to: Connection) -> AsyncIterator[Driver]:
    """Open a driver during the block."""
    try:
        await driver.open(to)
        yield driver
    finally:
        await driver.close()


async def failure(work: Any) -> BrokerFailure:
    """Return the failure that a coroutine raises."""
    try:
        found = await work
    except BrokerFailure as raised:
        return raised
    raise AssertionError(f"no failure but {found!r}")
