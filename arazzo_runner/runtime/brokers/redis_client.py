"""Connections to a Redis server: login, TLS, database, and what its errors are called."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection
from arazzo_runner.runtime.brokers.endpoints import connection_failure, endpoints, login_of
from arazzo_runner.runtime.brokers.failures import CREDENTIALS_HINT

PORT: Final = 6379
_GRACE: Final = 1.0
_CREDENTIALS: Final = ("NOAUTH", "WRONGPASS", "Authentication required", "invalid username-password", "AUTH ")
_TOO_LARGE: Final = ("invalid bulk length", "string exceeds maximum allowed size")


class RedisClients:
    """Two clients of one server: `commands` for short commands, `readers` for what waits without end.

    Neither tries anything twice, so that no message is sent twice and no subscription breaks unnoticed.
    """

    def __init__(self, connection: Connection) -> None:
        from redis.asyncio import Redis

        found = endpoints(connection.url, PORT)
        if len(found) > 1:
            raise BrokerFailure("rejected", "the URL of a Redis server has one host", hint="leave out the others")
        self.endpoint = found[0]
        self.timeout = connection.timeout
        self.secure = connection.tls is not None or connection.protocol != "redis"
        options = _options(connection) | {"host": self.endpoint.host, "port": self.endpoint.port}
        self.commands: Any = Redis.from_pool(
            _pool(connection, self.secure, options | {"socket_timeout": connection.timeout})
        )
        self.readers: Any = Redis.from_pool(_pool(connection, self.secure, options | {"socket_timeout": None}))

    async def drop(self) -> None:
        """Close the connections for commands: after an error one may be breaking, and the next command would meet it.

        (In Python before 3.13.6 writing to a connection that broke can also stop the next one from being made.)
        """
        with suppress(Exception):
            async with asyncio.timeout(_GRACE):
                await self.commands.connection_pool.disconnect()

    async def close(self) -> None:
        """Close all connections."""
        await self.commands.aclose()
        await self.readers.aclose()


def failure_of(error: Exception, clients: RedisClients, *, sent: bool) -> BrokerFailure:
    """Return the failure for an error of redis-py; `sent`: whether a message may have been sent."""
    from redis import exceptions

    text, place = str(error), clients.endpoint
    if isinstance(error, exceptions.AuthenticationError) or text.startswith(_CREDENTIALS):
        return _credentials(text, clients)
    if isinstance(error, exceptions.NoPermissionError):
        return BrokerFailure("forbidden", f"{place} does not allow it to this login: {_shown(text)}")
    if any(part in text for part in _TOO_LARGE):
        return BrokerFailure("too-large", "the message is larger than the server takes (proto-max-bulk-len)")
    if text in ("Invalid Database", "DB index is out of range"):
        hint = "the path of the URL is the number of the database"
        return BrokerFailure("rejected", f"{place} has no such database", hint=hint)
    if text.startswith(("MOVED ", "ASK ")):
        message = f"{place} belongs to a cluster in which another server has the stream"
        return BrokerFailure("rejected", message, hint=f"name that server: {text.split()[-1]}")
    if isinstance(error, exceptions.ResponseError):
        return BrokerFailure("rejected", f"{place} answered: {_shown(text)}")
    if isinstance(error, exceptions.BusyLoadingError):
        return BrokerFailure("refused", f"{place} is starting and takes no commands yet")
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        maybe_plain = "write redis:// in place of rediss:// if the server is a plain one" if clients.secure else None
        return BrokerFailure("timeout", f"{place} did not answer in time", sent=sent, hint=maybe_plain)
    if sent:
        return BrokerFailure("closed", f"the connection to {place} broke", sent=True)
    return connection_failure(error, place, "redis", "rediss")


def _options(connection: Connection) -> dict[str, Any]:
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    login = login_of(connection)
    return {
        "username": login.username,
        "password": login.password if login.password is not None else login.token,
        "db": _database(connection.url),
        "socket_connect_timeout": connection.timeout,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }


def _database(url: str) -> int:
    path = urlsplit(url).path.strip("/")
    if not path:
        return 0
    if not (path.isascii() and path.isdigit()):
        hint = "write redis://host:port/0, or no path"
        raise BrokerFailure("rejected", "the path of a Redis URL is the number of a database", hint=hint)
    return int(path)


def _pool(connection: Connection, secure: bool, options: dict[str, Any]) -> Any:
    from redis.asyncio import ConnectionPool, SSLConnection

    if not secure:
        return ConnectionPool(**options)
    context = connection.tls or ssl.create_default_context()

    class Secure(SSLConnection):
        def __init__(self, **given: Any) -> None:
            super().__init__(**given)
            self.ssl_context.context = context

    return ConnectionPool(connection_class=Secure, **options)


def _credentials(text: str, clients: RedisClients) -> BrokerFailure:
    if text.startswith(("NOAUTH", "Authentication required")):
        return BrokerFailure("credentials", f"{clients.endpoint} wants a login", hint=CREDENTIALS_HINT)
    if "without any password configured" in text:
        message = f"{clients.endpoint} has no password for the default user"
        return BrokerFailure("credentials", message, hint="leave out the password, or give a user name too")
    return BrokerFailure(
        "credentials", f"{clients.endpoint} does not accept the user name and password", hint=CREDENTIALS_HINT
    )


def _shown(text: str) -> str:
    """Return an error of the server without the arguments of a command, which are the message."""
    return text.partition(", with args beginning with")[0]
