"""The hosts, ports and credentials in a broker's URL, and why one of its hosts could not be connected to."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.settings import SERVER
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection, Login
from arazzo_runner.runtime.brokers.failures import connect_failure


class Endpoint(Record):
    """One host and port; `str()` of it is for messages and libraries."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def endpoints(url: str, default_port: int) -> tuple[Endpoint, ...]:
    """Return the hosts and ports of a URL, which has several of them with commas in between."""
    authority = urlsplit(url).netloc.rpartition("@")[2]
    found = tuple(_endpoint(part.strip(), default_port) for part in authority.split(",") if part.strip())
    if not found:
        raise BrokerFailure("rejected", "the URL of the broker has no host", hint=f"give it one: {SERVER}")
    return found


def userinfo(url: str) -> tuple[str | None, str | None]:
    """Return the user name and password in a URL, None for what it has not."""
    text = urlsplit(url).netloc.rpartition("@")[0]
    name, separator, password = text.partition(":")
    return unquote(name) or None, unquote(password) if separator else None


def login_of(connection: Connection) -> Login:
    """Return the credentials of a connection: where it is given none, those in its URL."""
    login = connection.login
    if login.username is not None or login.password is not None or login.token is not None:
        return login
    name, password = userinfo(connection.url)
    return replace(login, username=name, password=password)


def connection_failure(error: BaseException, endpoint: Endpoint, plain: str, secure: str) -> BrokerFailure:
    """Return the failure for an error while connecting and logging in; nothing was sent.

    `plain` and `secure` are the schemes of the protocol, without and with TLS.
    """
    cause = _cause(error)
    if isinstance(cause, TimeoutError):
        return BrokerFailure("timeout", f"{endpoint} did not answer in time")
    if cause is not None and not isinstance(cause, ConnectionResetError | BrokenPipeError):
        return connect_failure(cause, f"//{endpoint}", (plain, secure), 0)
    hint = f"write {secure}:// if it expects TLS, and give it credentials if it wants a login"
    return BrokerFailure("closed", f"{endpoint} closed the connection at once", hint=hint)


def _endpoint(text: str, default_port: int) -> Endpoint:
    try:
        parts = urlsplit(f"//{text}")
        return Endpoint(parts.hostname or "", parts.port or default_port)
    except ValueError:
        message = f"the host and port of the broker cannot be read: {text}"
        raise BrokerFailure("rejected", message, hint="write host:port, and an IPv6 address in brackets") from None


def _cause(error: BaseException) -> OSError | None:
    """Return the error of the operating system or of TLS that a library has wrapped, None for none."""
    seen: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in seen:
        if isinstance(found, OSError):
            return found
        seen.append(found)
        found = found.__cause__ or found.__context__
    return None
