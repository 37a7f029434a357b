"""Drivers for tests of the World: connections to a broker in memory that are slow, fail or break where a test says so."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, ClassVar

from arazzo_runner.runtime.brokers.driver import Connection
from tests.brokers.memory import MemoryBroker, MemoryDriver


class Trouble:
    """What happens at each method of a driver, by its name: "hang", an exception, or nothing.

    `reached` are the methods that were called; `connections` those that were opened.
    """

    def __init__(self, **at: Any) -> None:
        self.at = at
        self.broker = MemoryBroker()
        self.reached: list[str] = []
        self.connections: list[Connection] = []
        self._changed = threading.Condition()

    def driver(self, *_: object) -> Any:
        """Return what makes a driver: `BrokerOptions(driver=…)`."""
        return lambda: TroubledDriver(self)

    async def meet(self, method: str) -> None:
        """Note a method, and make its trouble."""
        with self._changed:
            self.reached.append(method)
            self._changed.notify_all()
        trouble = self.at.get(method)
        if isinstance(trouble, list):
            trouble = trouble.pop(0) if trouble else None
        if trouble == "hang":
            await asyncio.Event().wait()
        elif trouble == "hang forever":
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    continue
        elif trouble is not None:
            raise trouble

    def wait_for(self, method: str) -> None:
        """Wait until a method is called."""
        with self._changed:
            assert self._changed.wait_for(lambda: method in self.reached, 20), f"{method} was not called"


class TroubledDriver(MemoryDriver):
    protocols: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.broker)
        self._trouble = trouble

    async def open(self, connection: Connection) -> None:
        self._trouble.connections.append(connection)
        await self._trouble.meet("open")
        await super().open(connection)

    async def arm(self, *arguments: Any, **named: Any) -> Any:
        await self._trouble.meet("arm")
        return await super().arm(*arguments, **named)

    async def publish(self, *arguments: Any) -> Any:
        await self._trouble.meet("publish")
        return await super().publish(*arguments)

    async def settle(self, *arguments: Any) -> None:
        await self._trouble.meet("settle")

    async def disarm(self, *arguments: Any) -> None:
        await self._trouble.meet("disarm")
        await super().disarm(*arguments)

    async def close(self) -> None:
        await self._trouble.meet("close")
        await super().close()
