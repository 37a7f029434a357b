"""Why a connection to a broker could not be made, as a BrokerFailure."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

from arazzo_runner.base.settings import SERVER
from arazzo_runner.runtime.brokers.driver import BrokerFailure
from arazzo_runner.runtime.tls_failures import tls_failure

CREDENTIALS_HINT: Final = "check the credentials: arazzo auth lists them and where each is looked for"


def host_of(url: str) -> str:
    """Return host and port of a URL as messages name them, without userinfo."""
    return urlsplit(url).netloc.rpartition("@")[2]


def connect_failure(problem: BaseException, url: str, schemes: tuple[str, str], timeout: float) -> BrokerFailure:
    """Return the failure of a connection that was never made, so that nothing was sent.

    `schemes` are the protocol's without TLS and with it.
    """
    host, text = host_of(url), str(problem)
    if isinstance(problem, TimeoutError):
        return BrokerFailure("timeout", f"no connection to {host} within {timeout:g} s", hint=_server_hint())
    if is_tls_failure(problem):
        failure = tls_failure(text, host, str(SERVER), schemes=schemes)
        return BrokerFailure("tls", f"no secure connection to {host}: {failure.reason}", hint=failure.hint)
    if isinstance(problem, socket.gaierror) or "getaddrinfo" in text or "Name or service not known" in text:
        return BrokerFailure("unknown-host", f"there is no host {host}", hint=_server_hint())
    if isinstance(problem, (ConnectionResetError, ConnectionAbortedError, BrokenPipeError)):
        return _reset(host, urlsplit(url).scheme == schemes[1], schemes)
    return BrokerFailure("refused", f"{host} refuses the connection", hint=_server_hint())


def _reset(host: str, is_secure: bool, schemes: tuple[str, str]) -> BrokerFailure:
    """Return the failure where a server ends a connection as it begins, as it does when it speaks TLS or does not."""
    plain, secure = schemes
    if is_secure:
        hint = f"write {plain}:// in place of {secure}:// if the server is a plain one: {SERVER}"
        return BrokerFailure("tls", f"no secure connection to {host}: it does not answer as a TLS server", hint=hint)
    hint = f"write {secure}:// in place of {plain}:// if the server expects TLS: {SERVER}"
    return BrokerFailure("closed", f"{host} closed the connection at once", hint=hint)


def is_tls_failure(problem: BaseException) -> bool:
    """Return whether TLS is what failed; libraries wrap the error of the TLS library, but keep its text."""
    import ssl

    text = str(problem)
    return isinstance(problem, (ssl.SSLError, ssl.CertificateError)) or "SSL" in text or "certificate" in text.lower()


def _server_hint() -> str:
    return f"is the server running? {SERVER} chooses another"
