"""The client of one NATS connection: opened, watched, and asked so that nothing waits for a connection that broke."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection
from arazzo_runner.runtime.brokers.endpoints import endpoints
from arazzo_runner.runtime.brokers.failures import CREDENTIALS_HINT, connect_failure, host_of, is_tls_failure
from arazzo_runner.runtime.brokers.library_logs import silence_loggers

T = TypeVar("T")
SCHEMES: Final = ("nats", "nats-secure")
DEFAULT_PORT: Final = 4222
_PAUSE: Final = 0.2
"""Seconds between two attempts to connect again."""
_RETURN: Final = 5.0
"""Seconds to wait for a connection that broke."""
_CLOSING: Final = 2.0
_WITHOUT_END: Final = 1_000_000
_VIOLATION: Final = re.compile(r"permissions violation for (?:subscription|publish) to \"([^\"]*)\"", re.IGNORECASE)


class Link:
    """A client whose connection may break and come back.

    `broken` is called when it breaks, `back` when it is there again, `ended` when it will not come back, and `slow`
    with a subscription of the library that lost messages.
    """

    def __init__(
        self,
        *,
        broken: Callable[[BrokerFailure], None],
        back: Callable[[], Coroutine[Any, Any, None]],
        ended: Callable[[BrokerFailure], None],
        slow: Callable[[Any], None],
    ) -> None:
        self._broken, self._back, self._ended, self._slow = broken, back, ended, slow
        self.client: Any = None
        self.host = ""
        self.timeout = 30.0
        self._problems: list[BaseException] = []
        self._gave_up = asyncio.Event()
        self._attempts = 1
        self._is_up = asyncio.Event()
        self._closing = False
        self._flushing: set[asyncio.Future[None]] = set()
        self._needs_tls = False
        self._waiting: dict[asyncio.Future[BrokerFailure], tuple[str, ...]] = {}

    async def open(self, connection: Connection) -> None:
        """Connect and log in; the first refusal counts, and is not tried again."""
        from nats.aio.client import Client

        silence_loggers("nats")
        self.host, self.timeout = host_of(connection.url), connection.timeout
        servers = [f"nats://{each}" for each in endpoints(connection.url, DEFAULT_PORT)]
        self._attempts = len(servers)
        self.client = Client()
        connecting: asyncio.Future[Any] = asyncio.ensure_future(
            self.client.connect(servers, **self._options(connection))
        )
        gave_up: asyncio.Future[Any] = asyncio.ensure_future(self._gave_up.wait())
        try:
            await asyncio.wait({connecting, gave_up}, timeout=connection.timeout, return_when=asyncio.FIRST_COMPLETED)
            await self._check_connected(connecting, connection)
        except BaseException:
            await _cancelled(connecting)
            await self.close()
            raise
        finally:
            await _cancelled(gave_up)
        self._is_up.set()

    async def ready(self, *, wait: bool = False) -> Any:
        """Return the client; raise BrokerFailure where its connection is away, with `wait` only if it stays away."""
        if wait and not self.client.is_closed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(self.timeout, _RETURN)):
                    await self._is_up.wait()
        if not self._is_up.is_set() or self.client.is_closed:
            raise self._closed()
        return self.client

    async def guarded(self, work: Coroutine[Any, Any, T], *concerns: str, timeout: float | None = None) -> T:
        """Return what `work` returns; raise BrokerFailure when the connection breaks meanwhile or the time is over.

        `concerns` are the beginnings of subjects: a refusal to use one of them ends the work too.
        """
        trouble: asyncio.Future[BrokerFailure] = asyncio.get_running_loop().create_future()
        self._waiting[trouble] = concerns
        task = asyncio.ensure_future(work)
        try:
            limit = self.timeout if timeout is None else timeout
            either: set[asyncio.Future[Any]] = {task, trouble}
            await asyncio.wait(either, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if trouble.done():  # a refusal comes before the answer to the flush behind it
                raise trouble.result()
            if task.done():
                return task.result()
            raise BrokerFailure("timeout", f"{self.host} did not answer within {limit:g} s", sent=True)
        finally:
            del self._waiting[trouble]
            await _cancelled(task)

    async def flush(self) -> None:
        """Return when the server has taken all that was given to the library so far.

        The library's own flush sends its PING before what still waits to be written, so that has to be gone first.
        """
        pause = 0.0
        while self.client.pending_data_size and self.client.is_connected:
            await asyncio.sleep(pause)
            pause = min(pause + 0.0001, 0.005)
        # The library stops reading when the answer comes to a flush that was given up: none is.
        flushing = asyncio.ensure_future(self.client.flush(_WITHOUT_END))
        self._flushing.add(flushing)
        flushing.add_done_callback(self._flushing.discard)
        await asyncio.shield(flushing)

    async def close(self) -> None:
        """Close the connection; never raises."""
        self._closing = True
        self._is_up.set()
        if self.client is not None:
            with contextlib.suppress(Exception):  # of a connection that was never whole, too
                async with asyncio.timeout(_CLOSING):
                    await self.client.close()

    def _options(self, connection: Connection) -> dict[str, Any]:
        login = connection.login
        self._needs_tls = connection.tls is not None and connection.needs_tls
        options: dict[str, Any] = {} if connection.tls is None else {"tls": connection.tls}
        if login.username is not None:
            options |= {"user": self._secret(login.username), "password": self._secret(login.password or "")}
        elif login.token is not None:
            options |= {"token": self._secret(login.token)}
        return options | {
            "error_cb": self._on_error,
            "disconnected_cb": self._on_disconnected,
            "reconnected_cb": self._on_reconnected,
            "closed_cb": self._on_closed,
            "name": "arazzo",
            "connect_timeout": connection.timeout,
            "reconnect_time_wait": _PAUSE,
            "max_reconnect_attempts": max(1, int(connection.timeout / _PAUSE)),
            "pending_size": 0,  # nothing is sent later that could not be sent now
        }

    def _secret(self, text: str) -> Callable[[], str]:
        """Return what gives the library a secret: not to a server without TLS where TLS was asked for."""

        def given() -> str:
            self._check_tls()
            return text

        return given

    def _check_tls(self) -> None:
        if self._needs_tls and not self.client._server_info.get("tls_required"):
            hint = f"write {SCHEMES[0]}:// in place of {SCHEMES[1]}:// if the server is a plain one"
            raise BrokerFailure("tls", f"{self.host} does not speak TLS", hint=hint)

    async def _check_connected(self, connecting: asyncio.Future[None], connection: Connection) -> None:
        """Raise BrokerFailure unless the client is connected."""
        if not connecting.done():
            problem: BaseException | None = self._problems[0] if self._problems else TimeoutError()
        else:
            problem = connecting.exception()
            problem = self._problems[0] if problem is not None and self._problems else problem
        if problem is None and self.client.is_connected:
            self._check_tls()
            return
        raise connecting_failed(problem or EOFError(), connection)

    async def _on_error(self, problem: Exception) -> None:
        if not self._is_up.is_set() and not self._closing:
            self._problems.append(problem)
            if len(self._problems) >= self._attempts:
                self._gave_up.set()
        refused = _VIOLATION.search(str(problem))
        if refused is not None:
            self._refused(refused[1])
        elif getattr(problem, "sub", None) is not None:
            self._slow(problem.sub)  # type: ignore[attr-defined]

    async def _on_disconnected(self) -> None:
        self._is_up.clear()
        failure = self._closed(sent=True)
        for trouble in self._waiting:
            if not trouble.done():
                trouble.set_result(failure)
        for flushing in self._flushing:
            flushing.cancel()
        if not self._closing:
            self._broken(failure)

    async def _on_reconnected(self) -> None:
        self._is_up.set()
        await self._back()

    async def _on_closed(self) -> None:
        self._is_up.set()  # nobody waits for it any more
        if not self._closing:
            self._ended(self._closed())

    def _refused(self, subject: str) -> None:
        """End the work that a subject concerns, which the library has in lower case."""
        for trouble, concerns in self._waiting.items():
            concerned = next((each for each in concerns if subject.startswith(each.lower())), None)
            if concerned is not None and not trouble.done():
                text = f"{self.host} does not permit the subject {concerned}"
                trouble.set_result(BrokerFailure("forbidden", text, hint=CREDENTIALS_HINT))

    def _closed(self, *, sent: bool = False) -> BrokerFailure:
        return BrokerFailure("closed", f"the connection to {self.host} broke", sent=sent)


def connecting_failed(problem: BaseException, connection: Connection) -> BrokerFailure:
    """Return the failure of a connection that did not come about."""
    host, text = host_of(connection.url), str(problem)
    if isinstance(problem, BrokerFailure):
        return problem
    if "authorization" in text.lower() or "authentication" in text.lower():
        return BrokerFailure("credentials", f"{host} refuses the login", hint=CREDENTIALS_HINT)
    if isinstance(problem, EOFError | ConnectionResetError | BrokenPipeError):
        hint = None if connection.tls is None else "it may want a certificate of the client"
        return BrokerFailure("closed", f"{host} closed the connection at once", hint=hint)
    if connection.tls is None and is_tls_failure(problem):
        hint = f"write {SCHEMES[1]}:// in place of {SCHEMES[0]}://: then certificates are checked as the settings say"
        return BrokerFailure("tls", f"{host} wants TLS, and its certificate is not trusted", hint=hint)
    if isinstance(problem, OSError):
        return connect_failure(problem, connection.url, SCHEMES, connection.timeout)
    if "INFO" in text or "json" in text:
        return BrokerFailure("rejected", f"{host} does not speak NATS")
    return BrokerFailure("rejected", f"{host} refuses the connection: {text.removeprefix('nats: ')}")


async def _cancelled(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task
