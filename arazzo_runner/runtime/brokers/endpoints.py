"""Hosts and ports of a broker's URL, and what a failure to connect to one is called."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from arazzo_runner.base.records import Record
from arazzo_runner.base.settings import SERVER
from arazzo_runner.runtime.brokers.driver import BrokerFailure
from arazzo_runner.runtime.tls_failures import tls_failure


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
        raise BrokerFailure("rejected", "the URL of the broker has no host", hint=f"give it one: {SERVER.of('NAME')}")
    return found


def userinfo(url: str) -> tuple[str | None, str | None]:
    """Return the user name and password in a URL, None for what it has not."""
    text = urlsplit(url).netloc.rpartition("@")[0]
    name, separator, password = text.partition(":")
    return unquote(name) or None, unquote(password) if separator else None


def connection_failure(error: BaseException, endpoint: Endpoint, plain: str, secure: str) -> BrokerFailure:
    """Return the failure for an error while connecting; nothing was sent.

    `plain` and `secure` are the schemes of the protocol, without and with TLS.
    """
    cause = next(_causes(error))
    if isinstance(cause, ssl.SSLError):
        return _insecure(cause, endpoint, plain, secure)
    if isinstance(cause, socket.gaierror):
        return BrokerFailure("unknown-host", f"no such host: {endpoint.host}", hint=_where(plain))
    if isinstance(cause, TimeoutError):
        return BrokerFailure("timeout", f"{endpoint} did not answer in time", hint=_where(plain))
    if isinstance(cause, OSError) and not isinstance(cause, ConnectionResetError | BrokenPipeError):
        return BrokerFailure("refused", f"nothing listens at {endpoint}", hint=_where(plain))
    hint = f"write {secure}:// if it expects TLS, and give it credentials if it wants a login"
    return BrokerFailure("closed", f"{endpoint} closed the connection at once", hint=hint)


def _endpoint(text: str, default_port: int) -> Endpoint:
    try:
        parts = urlsplit(f"//{text}")
        return Endpoint(parts.hostname or "", parts.port or default_port)
    except ValueError:
        message = f"the host and port of the broker cannot be read: {text}"
        raise BrokerFailure("rejected", message, hint="write host:port, and an IPv6 address in brackets") from None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors that say most first: libraries wrap those of the operating system."""
    chain: list[BaseException] = []
    found: BaseException | None = error
    while found is not None and found not in chain:
        chain.append(found)
        found = found.__cause__ or found.__context__
    yield from (each for each in chain if isinstance(each, OSError))
    yield error


def _insecure(error: ssl.SSLError, endpoint: Endpoint, plain: str, secure: str) -> BrokerFailure:
    failure = tls_failure(str(error), endpoint.host, SERVER.of("NAME"))
    hint = failure.hint
    if hint is not None and "https://" in hint:  # which is for other protocols
        hint = f"write {plain}:// in place of {secure}:// if the broker is a plain one"
    return BrokerFailure("tls", f"no secure connection to {endpoint}: {failure.reason}", hint=hint)


def _where(plain: str) -> str:
    return f"start the broker, or say where it is: {SERVER.of('NAME')} with {plain}://HOST:PORT"
