"""The connections of a BrokerWorld: one for each broker and login, opened when first needed and kept."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, Final, TypeAlias
from urllib.parse import unquote, urlsplit

from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.engine.messages import Broker, NoMessage
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection, Driver, Login, Sink
from arazzo_runner.runtime.brokers.failures import host_of
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.sources.channel import Bindings

CLOSING: float = 2.0
"""Seconds that everything has to end in."""
CLOSED: Final = "the connections to brokers are closed"

_Key: TypeAlias = tuple[object, ...]


class NotPossible(Exception):
    """Raised with the answer where a connection cannot even be tried."""

    def __init__(self, answer: NoMessage) -> None:
        super().__init__(answer.message)
        self.answer = answer


class Open(MutableRecord, kw_only=True):
    """A connection that is open, and the taps that it feeds; `is_used` tells whether it was used before."""

    driver: Driver
    connection: Connection
    is_used: bool = False
    taps: list[Sink] = field(default_factory=list)

    def without_secrets(self, text: str) -> str:
        """Return a text with the credentials of the connection masked."""
        for secret in _secrets(self.connection):
            text = text.replace(secret, "***")
        return text


class Connections:
    """Opens and keeps connections; it lives on one event loop."""

    def __init__(self, options: BrokerOptions) -> None:
        self._options = options
        self._shared: dict[str, object] = {}
        self._by_broker: dict[_Key, asyncio.Task[Open]] = {}
        self._by_login: dict[_Key, asyncio.Task[Open]] = {}

    async def to(self, broker: Broker, bindings: Bindings) -> Open:
        """Return the connection to a broker, opened once for all who wait; raises BrokerFailure or NotPossible."""
        key = (broker.source, broker.server, broker.protocol, broker.url, repr(broker.security))
        return await _shared(self._by_broker, key, lambda: self._logged_in(broker, bindings))

    async def discard(self, opened: Open, failure: BrokerFailure) -> None:
        """Forget a connection that was lost, end its taps, and close it."""
        for tap in opened.taps:
            tap.lost(failure)
        for kept in (self._by_broker, self._by_login):
            for key in [key for key, task in kept.items() if _result(task) is opened]:
                del kept[key]
        await _closed(opened.driver)

    async def close(self) -> None:
        """Close all connections, and give up those that are being opened."""
        tasks = [*self._by_broker.values(), *self._by_login.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSING / 4)  # one may not let itself be cancelled
        drivers = {id(opened.driver): opened.driver for task in tasks if (opened := _result(task)) is not None}
        self._by_broker.clear()
        self._by_login.clear()
        await asyncio.gather(*(_closed(driver) for driver in drivers.values()))

    async def _logged_in(self, broker: Broker, bindings: Bindings) -> Open:
        driver = self._options.driver(broker)
        if isinstance(driver, NoMessage):
            raise NotPossible(driver)
        login, tls = await asyncio.to_thread(self._access, broker)
        connection = self._connection(broker, bindings, login, tls)
        key = (broker.protocol, broker.protocol_version, broker.url, login)
        return await _shared(self._by_login, key, lambda: self._opened(driver(), connection))

    def _access(self, broker: Broker) -> tuple[Login, ssl.SSLContext | None]:
        login = self._options.login(broker)
        if isinstance(login, NoMessage):
            raise NotPossible(login)
        tls = self._options.tls(broker)
        if isinstance(tls, NoMessage):
            raise NotPossible(tls)
        return login, tls

    def _connection(self, broker: Broker, bindings: Bindings, login: Login, tls: ssl.SSLContext | None) -> Connection:
        return Connection(
            url=broker.url,
            protocol=broker.protocol,
            protocol_version=broker.protocol_version,
            tls=tls,
            needs_tls=self._options.needs_tls(broker),
            login=login,
            timeout=self._options.connect_timeout,
            max_message_size=self._options.limits.size,
            bindings=bindings,
            durable_name=self._options.durable_name,
            options={**self._options.extra, "proxy": self._options.proxy(broker)},
            shared=self._shared,
        )

    async def _opened(self, driver: Driver, connection: Connection) -> Open:
        opened = Open(driver=driver, connection=connection)
        try:
            async with asyncio.timeout(connection.timeout):
                await driver.open(connection)
        except BaseException as problem:
            await _closed(driver)
            if isinstance(problem, TimeoutError):
                raise BrokerFailure("timeout", not_connected(connection.url, connection.timeout)) from None
            if isinstance(problem, BrokerFailure) or not (isinstance(problem, Exception) or _is_foreign(problem)):
                raise
            raise NotPossible(unexpected(problem, opened, sent=False)) from None
        return opened


async def _shared(
    kept: dict[_Key, asyncio.Task[Open]], key: _Key, make: Callable[[], Coroutine[Any, Any, Open]]
) -> Open:
    """Return what one task makes for all who ask: it goes on when one of them stops waiting. Failures are forgotten."""

    def forget_failure(task: asyncio.Task[Open]) -> None:
        if _result(task) is None and kept.get(key) is task:
            del kept[key]

    task = kept.get(key)
    if task is None:
        task = kept[key] = asyncio.ensure_future(make())
        task.add_done_callback(forget_failure)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            raise BrokerFailure("closed", CLOSED) from None
        raise


def _is_foreign(problem: BaseException) -> bool:
    """Return whether a library has raised a cancellation that nobody asked this task for."""
    task = asyncio.current_task()
    return isinstance(problem, asyncio.CancelledError) and task is not None and not task.cancelling()


def _result(task: asyncio.Task[Open]) -> Open | None:
    if not task.done() or task.cancelled() or task.exception() is not None:
        return None
    return task.result()


async def _closed(driver: Driver) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSING):
            await driver.close()


def not_connected(url: str, seconds: float) -> str:
    """Return the sentence for a connection that did not come about in time."""
    return f"no connection to {host_of(url)} within {seconds:g} s"


def unexpected(problem: BaseException, opened: Open | None, *, sent: bool) -> NoMessage:
    """Return the answer for an exception that no driver should let through: its class and first line."""
    lines = str(problem).splitlines() or [""]
    text = f"{type(problem).__name__}: {lines[0]}".rstrip(": ")
    return NoMessage(reason="library", message=text if opened is None else opened.without_secrets(text), sent=sent)


def _secrets(connection: Connection) -> Iterator[str]:
    parts = urlsplit(connection.url)
    login = connection.login
    listed = [value for _, value in (*login.headers, *login.query)]
    for secret in (login.password, login.token, parts.password, parts.password and unquote(parts.password), *listed):
        if secret:
            yield secret
