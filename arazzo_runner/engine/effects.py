"""Effects: what the interpreter asks of the outside world, as frozen data; answers are data too.

`World.perform` is the only way out of the interpreter. Equal answers give equal runs, so
record/replay, durable runs and tests are one mechanism.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, Literal, Protocol, TypeVar

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.errors import Location

Answer = TypeVar("Answer")

Headers = tuple[tuple[str, str], ...]


class HttpRequest(Record):
    """A request ready to be sent: absolute URL already encoded, header pairs in order, body bytes or None."""

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = None

    def header(self, name: str) -> str | None:
        """Return the first header of that name, read without regard to case."""
        return _header(self.headers, name)


class HttpResponse(Record):
    """An answer that came, whatever its status; `body` is decoded (gzip undone) and whole.

    `elapsed_ms` is how long the exchange took. `redirects` are the URLs it was led to (without
    their queries), `refused` says why a redirect was not followed although they are.
    """

    status: int
    headers: Headers = ()
    body: bytes = b""
    elapsed_ms: float = 0.0
    redirects: tuple[str, ...] = ()
    refused: str | None = None

    def header(self, name: str) -> str | None:
        """Return the first header of that name, read without regard to case."""
        return _header(self.headers, name)


class NoResponse(Record):
    """No usable answer came.

    `sent` is False only when it is certain that the server got nothing (refused, no such
    host, TLS refused before the request): then sending again is safe. `code` and `hint` are
    those of the Diagnostic that tells of it, where "no-response" would say too little.
    """

    reason: Literal[
        "refused",
        "unknown-host",
        "timeout",
        "reset",
        "tls",
        "too-large",
        "truncated",
        "protocol",
        "forbidden",
        "interrupted",
        "credentials",
    ]
    message: str
    sent: bool
    elapsed_ms: float = 0.0
    code: str | None = None
    hint: str | None = None


class Effect(Record, Generic[Answer], kw_only=True):
    """Something to be done outside.

    `key` names it within its run (`<stepId>#<attempt>`, nested runs prefixed); `safe` says
    that doing it twice does no harm.
    """

    key: str
    safe: bool = True


class SendRequest(Effect[HttpResponse | NoResponse], kw_only=True):
    """One HTTP exchange; `timeout` in seconds covers the whole of it.

    `cookies` says which cookies of redirects on the way are kept ("off": none), `jar` holds those of
    the run so far and `began` is when the request was made: a redirect is sent those that fit it. One
    that is not `redirectable` follows none, whatever the options say.
    `source` names the source description and `server` the URL it is called at, `operation` the
    Operation Object (`<uri>#<pointer>`); `at` is the step's place in its document.
    `security` lists the alternatives (scheme name → scopes), `schemes` the raw Security Scheme
    Objects they name: a World that knows credentials adds them below journal and cassette.
    """

    _hidden_in_repr = ("jar",)

    request: HttpRequest
    timeout: float
    cookies: str = "host"
    jar: Jar = field(default_factory=Jar)
    began: float = 0.0
    redirectable: bool = True
    source: str = ""
    server: str = ""
    operation: str = ""
    at: Location | None = None
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    schemes: Mapping[str, JsonValue] = field(default_factory=dict)


class Sleep(Effect[None], kw_only=True):
    """Wait `seconds`."""

    seconds: float


class Now(Effect[float], kw_only=True):
    """The time, in seconds since the epoch."""


class Batch(Effect[tuple[object, ...]], kw_only=True):
    """Several effects to be done at the same time; answers come in the order of `effects`."""

    effects: tuple[Effect[object], ...]


class Interrupted(KeyboardInterrupt):
    """Raised by a World that was told to end the run; `sent` is False when the request at hand did not leave."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("interrupted")
        self.sent = sent


class World(Protocol):
    """Performs effects; wrappers (budget, journal, mock …) have the same one method."""

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Do what the effect says and return its answer; failures are answers, not exceptions."""


def _header(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)
