"""A Sink that collects, and the loop that the tests of drivers run on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure

Returned = TypeVar("Returned")
SECONDS = 20.0


class Collected:
    """What a driver puts: messages, their tokens, and the failure that ended the subscription."""

    def __init__(self) -> None:
        self.messages: list[ChannelMessage] = []
        self.tokens: list[str | None] = []
        self.failure: BrokerFailure | None = None
        self._changed = asyncio.Event()

    def put(self, message: ChannelMessage, token: str | None = None, *, retained: bool = False) -> None:
        """Keep a message."""
        self.messages.append(message)
        self.tokens.append(token)
        self._changed.set()

    def lost(self, failure: BrokerFailure) -> None:
        """Keep the failure; a second one is a mistake of the driver."""
        assert self.failure is None
        self.failure = failure
        self._changed.set()

    @property
    def payloads(self) -> list[bytes]:
        """The payloads in order of arrival."""
        return [each.payload for each in self.messages]

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait until a condition holds, which is looked at whenever something comes."""
        while not holds():
            self._changed.clear()
            await self._changed.wait()

    async def received(self, count: int) -> list[bytes]:
        """Wait for so many messages; return their payloads."""
        await self.until(lambda: len(self.messages) >= count or self.failure)
        assert self.failure is None, self.failure.message
        return self.payloads

    async def ended(self) -> BrokerFailure:
        """Wait for the end of the subscription; return why."""
        await self.until(lambda: self.failure)
        assert self.failure is not None
        return self.failure


def on_loop(work: Coroutine[Any, Any, Returned]) -> Returned:
    """Run a test's coroutine to its end, within a deadline."""
    return asyncio.run(asyncio.wait_for(work, SECONDS))
