"""A driver on a real broker without the rest of a run: opened, and what it gets collected."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from arazzo_runner.engine.messages import ChannelMessage, Unsubscribe
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection, Driver, Login
from tests.brokers.scenario import Wire, correlated, order, run_on
from tests.brokers.servers import Server

PATIENCE = 20.0
_SAME: Any = object()


class Collected:
    """A sink that keeps everything; a test waits for a number of messages or for the end."""

    def __init__(self) -> None:
        self.messages: list[ChannelMessage] = []
        self.tokens: list[str | None] = []
        self.failure: BrokerFailure | None = None
        self._changed = asyncio.Event()

    def put(self, message: ChannelMessage, token: str | None = None, *, retained: bool = False) -> None:
        self.messages.append(message)
        self.tokens.append(token)
        self._changed.set()

    def lost(self, failure: BrokerFailure) -> None:
        self.failure = failure
        self._changed.set()

    @property
    def payloads(self) -> list[bytes]:
        """The payloads so far."""
        return [message.payload for message in self.messages]

    async def wait(self, count: int) -> list[ChannelMessage]:
        """Return the first messages as soon as there are so many."""
        async with asyncio.timeout(PATIENCE):
            while len(self.messages) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.messages[:count]

    async def wait_until_lost(self) -> BrokerFailure:
        """Return why the subscription ended."""
        async with asyncio.timeout(PATIENCE):
            while self.failure is None:
                self._changed.clear()
                await self._changed.wait()
        return self.failure


def connection(
    server: Server, *, url: str | None = None, tls: ssl.SSLContext | None = _SAME, login: Login | None = None, **others
) -> Connection:
    """Return how a driver connects to a broker, with the right login and TLS unless told otherwise."""
    url = url or server.url
    secured = server.client_tls if server.tls else None
    return Connection(
        url=url,
        protocol=url.partition("://")[0],
        tls=secured if tls is _SAME else tls,
        login=login or Login(username=server.username, password=server.password),
        timeout=others.pop("timeout", 10.0),
        **others,
    )


@asynccontextmanager
async def opened(driver: type[Driver], to: Connection) -> AsyncIterator[Any]:
    """Open a driver during the block."""
    made = driver()
    try:
        await made.open(to)
        yield made
    finally:
        await made.close()


async def failing(work) -> BrokerFailure:
    """Return the failure of what must fail."""
    try:
        found = await work
    except BrokerFailure as failure:
        return failure
    raise AssertionError(f"it did not fail: {found!r}")


def failure_of(work) -> BrokerFailure:
    """Run what must fail, within the patience of a test, and return the failure."""

    async def run() -> BrokerFailure:
        async with asyncio.timeout(PATIENCE):
            try:
                await work
            except BrokerFailure as failure:
                return failure
        raise AssertionError("it did not fail")

    return asyncio.run(run())


def run(work) -> Any:
    """Run a conversation with a broker; it must end within a minute."""

    async def limited() -> Any:
        async with asyncio.timeout(60):
            return await work

    return asyncio.run(limited())


async def until(condition) -> None:
    """Return when a condition holds."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)


def dies_and_goes_on(wire: Wire) -> None:
    """Play a durable run that dies with one message settled and one given: what was not settled comes again."""
    with run_on(wire, durable_name="arazzo-dies") as first:
        address = first.address
        armed = first.arm()
        assert not armed.lossy
        assert armed.position is not None
        for number in (1, 2):
            first.send(order(number))
        settled = first.take(correlation=correlated("1"))
        given = first.receive(correlation=correlated("2"))
    with run_on(wire, durable_name="arazzo-dies") as second:
        second.send(order(3), address=address)
        second.arm(address=address, position=armed.position)
        again = second.take(correlation=correlated("2"))
        assert (again.token, again.message.payload) == (given.token, order(2))
        new = second.take(correlation=correlated("3"))
        assert new.token not in {settled.token, given.token}
        assert second.wait(correlation=correlated("1")).reason == "timeout"
        second.ask(Unsubscribe(key="end", taps=("tap",)))
