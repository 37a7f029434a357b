"""`arazzo mcp` from its options to the end of the server: nothing but the protocol goes to standard output."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import re
import secrets as random
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from typing import Any, Final

from arazzo_runner import durable_runs
from arazzo_runner.base.records import Record
from arazzo_runner.cli.errors import EXIT_INTERRUPTED, usage_error
from arazzo_runner.cli.mcp_offers import Offered, ServeArguments, missing_inputs, offered
from arazzo_runner.cli.run.execution import kept_note, prepared_secret_file
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.mcp.durable import DurableRuns
from arazzo_runner.mcp.http import PATH, Listening, bound, is_loopback, serve_http
from arazzo_runner.mcp.kept import Shelf
from arazzo_runner.mcp.offers import Offer, Policy
from arazzo_runner.mcp.server import Service
from arazzo_runner.mcp.sources import Sources
from arazzo_runner.mcp.stdio import serve_stdio
from arazzo_runner.mcp.tools import Tool
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.secret_file import SecretFile, has_secret_outputs
from arazzo_runner.report.terminal.console import Console, count
from arazzo_runner.runtime.signals import not_ignored

TOKEN: Final = "ARAZZO_MCP_TOKEN"
_SHORTEST_TOKEN: Final = 16


class ServerArguments(Record, kw_only=True):
    """How workflows are served: on standard streams or at `http`, and what calls may do."""

    http: str | None
    deny_unsafe: bool
    confirm: bool
    authoring: bool


def serve(given: ServeArguments, how: ServerArguments, environment: Mapping[str, str]) -> int:
    """Serve until the client closes standard input, or an interruption; returns the exit code."""
    console = Console(sys.stdout, sys.stderr)
    session = _Session(how, console)
    listening = None if how.http is None else listening_at(how.http, environment, console)
    found = offered(given, environment)
    session.tell(found)
    with contextlib.ExitStack() as opened:
        listener = None if listening is None else opened.enter_context(_bound(listening))
        runtime = opened.enter_context(durable_runs.opened(given.store, environment)) if given.durable else None
        opened.enter_context(_quiet_libraries())
        service = session.service(given, found, runtime)
        try:
            with _termination():
                asyncio.run(session.served(service, listener, listening))
        except KeyboardInterrupt:
            return EXIT_INTERRUPTED
    return 0


class _Session:
    """A server, and the lines that it prints to standard error."""

    def __init__(self, how: ServerArguments, console: Console) -> None:
        self._how = how
        self._console = console

    def log(self, text: str) -> None:
        """Print a line."""
        self._console.err(f"{one_line(text)}\n")

    def tell(self, found: Offered) -> None:
        """Print what the user has to know before anything is served."""
        if found.warnings:
            print_diagnostics(self._console, found.warnings, "\n")
        for offer, name in missing_inputs(found.offers):
            self.log(f'the tool {offer.name} needs the secret input "{name}", which nothing gives: its calls will fail')

    def service(self, given: ServeArguments, found: Offered, runtime: Any) -> Service:
        """Return what answers the clients."""
        shelf = Shelf()
        durable = None
        if runtime is not None:
            durable = DurableRuns(runtime, self.log, idempotency_keys=given.idempotency_keys)
        tools: tuple[Tool, ...] = () if durable is None else durable.tools(shelf)
        if self._how.authoring:
            from arazzo_runner.cli.mcp_authoring import authoring_tools  # lazily: few servers have them

            tools += authoring_tools(found.snapshots)
        return Service(
            found.offers,
            Policy(deny_unsafe=self._how.deny_unsafe, confirm=self._how.confirm),
            self.log,
            tools=tools,
            durable=durable,
            keeps_of=self._secret_file,
            shelf=shelf,
            sources=Sources(uri for snapshot in found.snapshots for uri in snapshot.documents),
        )

    def _secret_file(self, offer: Offer) -> SecretFile | None:
        """Return the file that takes the secret outputs of a run: clients do not get them, so they would be lost."""
        if not has_secret_outputs(offer.program):
            return None
        label = random.token_hex(4)
        return prepared_secret_file(
            offer.program, lambda path: self.log(kept_note(path)), label, is_mock=bool(offer.mock)
        )

    async def served(self, service: Service, listener: socket.socket | None, listening: Listening | None) -> None:
        """Serve on a listening socket, else on the standard streams."""
        tools = count(service.size, "tool")
        if listener is None or listening is None:
            self.log(f"serving {tools} on standard input and output")
            await serve_stdio(service.server(), self.log)
            return
        host = f"[{listening.host}]" if ":" in listening.host else listening.host
        url = f"http://{host}:{listener.getsockname()[1]}{PATH}"
        await serve_http(
            service.server(), listener, listening, lambda: self.log(f"serving {tools} at {url}; press Ctrl-C to stop")
        )


# ------------------------------------------------------------------ --http


def listening_at(text: str, environment: Mapping[str, str], console: Console) -> Listening:
    """Return where to listen; the token is that of the environment, else a new one, which is printed.

    Raises InvalidUsage, also for an address that other machines reach without a token of the environment.
    """
    host, port = _host_and_port(text)
    token = environment.get(TOKEN, "").strip()
    if token and (len(token) < _SHORTEST_TOKEN or not re.fullmatch(r"[!-~]+", token)):
        message = f"{TOKEN} must have at least {_SHORTEST_TOKEN} printable ASCII characters without spaces"
        raise InvalidUsage([usage_error(message)])
    if not token and not is_loopback(host):
        message = f"--http {text}: other machines reach this address, so a token is needed"
        raise InvalidUsage([usage_error(message, hint=f"set {TOKEN} in the environment, or listen on 127.0.0.1")])
    if not token:
        token = random.token_urlsafe(32)
        console.err(f"clients need the header Authorization: Bearer {token}\n")
    return Listening(host=host, port=port, token=token)


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not re.fullmatch(r"[0-9A-Za-z.:-]+", host) or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        message = f'--http expects HOST:PORT, found "{text}"'
        raise InvalidUsage([usage_error(message, hint="write 127.0.0.1:8765, or 127.0.0.1:0 for a free port")])
    return host, int(port)


def _bound(listening: Listening) -> socket.socket:
    try:
        return bound(listening.host, listening.port)
    except (OSError, UnicodeError) as problem:
        reason = getattr(problem, "strerror", None) or problem
        message = f"{listening.host}:{listening.port} cannot be used: {reason}"
        raise InvalidUsage([usage_error(message, code="port-not-usable", hint="choose another with --http")]) from None


# ------------------------------------------------------------------ the process


@contextlib.contextmanager
def _termination() -> Iterator[None]:
    """Make SIGTERM and SIGHUP end the server as Ctrl-C does."""
    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not the main thread, which alone may handle signals
        for number in not_ignored("SIGTERM", "SIGHUP"):
            before[number] = signal.signal(number, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep the logs of the SDK and its server off standard error: they quote what clients and servers send."""
    known = [logging.getLogger(name) for name in ("mcp", "uvicorn", "asyncio", "anyio")]
    before = [(each, each.propagate) for each in known]
    silent = logging.NullHandler()
    for each in known:
        each.addHandler(silent)
        each.propagate = os.environ.get("ARAZZO_DEBUG") == "1"
    try:
        yield
    finally:
        for each, propagate in before:
            each.removeHandler(silent)
            each.propagate = propagate
