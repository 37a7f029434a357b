"""Effects: what the interpreter asks of the outside world, as frozen data; answers are data too.

The interpreter has no clock, socket or file. It calls `await world.perform(effect)`, and the World
returns the answer:

- `SendRequest`: an `HttpResponse`, or a `NoResponse` when no usable answer came.
- `ReadFile`: the content of the file as `bytes`, or a `NoFile`.
- `Sleep`: None, when the time is over.
- `Now`: the time as a `float`, in seconds since the epoch.
- `Race`: one of its effects that is done, and the answer to that one (only with `parallel`).

Equal answers give equal runs, so record and replay, durable runs and tests are one mechanism.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.errors import Diagnostic, Location

Answer = TypeVar("Answer")
Answered = TypeVar("Answered", covariant=True)

Headers = tuple[tuple[str, str], ...]
"""Pairs of name and value, in the order in which they are sent or came; a name may occur more than once."""


class HttpRequest(Record):
    """A request ready to be sent, credentials excepted.

    - `method`: upper case, such as `POST`.
    - `url`: absolute and percent-encoded; it is sent as it is, without a fragment.
    - `headers`: what the step and its operation say. `Host` and `Content-Length` are the sender's.
    - `body`: the bytes to send, None for no body.
    """

    method: str
    url: str
    headers: Headers = ()
    body: bytes | None = None

    def header(self, name: str) -> str | None:
        """Return the first header of that name, read without regard to case."""
        return _header(self.headers, name)

    def __rich_repr__(self) -> list[tuple[str, object]]:
        scheme, _, rest = self.url.partition("://")
        host = rest.partition("/")[0].partition("?")[0].rpartition("@")[2]
        return [("method", self.method), ("server", f"{scheme}://{host}"), *_shown(self.headers, self.body)]


class HttpResponse(Record):
    """The response to a request, whatever its status.

    - `status`: the status code, 100 to 599.
    - `headers`: as they came; names are read without regard to case.
    - `body`: the whole body, content codings such as gzip undone; `b""` for none.
    - `elapsed_ms`: how long the exchange took, in milliseconds.
    - `redirects`: the URLs that the request was redirected to and that were followed, without their queries.
    - `refused`: why a redirect was not followed although redirects are, None otherwise.
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

    def __rich_repr__(self) -> list[tuple[str, object]]:
        return [("status", self.status), *_shown(self.headers, self.body), ("elapsed_ms", self.elapsed_ms)]


def _shown(headers: Headers, body: bytes | None) -> list[tuple[str, object]]:
    """Return what a repr shows of a message: no value, which may be a secret."""
    return [("headers", [name for name, _ in headers]), ("bytes", len(body or b""))]


class NoResponse(Record):
    """The answer to a request that got no usable response; a World returns this instead of raising.

    - `reason`: the kind of failure. `forbidden` is a World's own decision not to send,
      `credentials` that a credential could not be obtained.
    - `message`: one sentence for people.
    - `sent`: False only when it is certain that the server did not get the request (connection
      refused, unknown host, TLS refused): then it may be sent again. True otherwise.
    - `elapsed_ms`: how long it took to fail, in milliseconds.
    - `code`: of a Diagnostic to report besides, None for none; `hint`: what to do.
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


class NoFile(Record):
    """The answer to a ReadFile of a file that cannot or must not be read; `message` says why.

    `is_outside`: the file is in none of the folders that files are read from.
    """

    message: str
    is_outside: bool = False


class Effect(Record, Generic[Answered], kw_only=True):
    """Something to be done outside of the interpreter; `Answered` is the type of what `World.perform` returns for it.

    - `key`: its name within the run, the same whenever the run is repeated with equal answers:
      `<stepId>#<attempt>`, with a suffix for what is not the request itself (`/now`, `/wait`,
      `/file1`) and a prefix for nested workflows (`<stepId>#<attempt>/`).
    - `safe`: whether doing it twice does no harm.
    """

    key: str
    safe: bool = True


class SendRequest(Effect[HttpResponse | NoResponse], kw_only=True):
    """Send one HTTP request. Answer with an `HttpResponse` or a `NoResponse`; do not raise.

    - `request`: what to send.
    - `timeout`: for the whole exchange, in seconds.
    - `safe`: True for methods that do not change anything (GET, HEAD, OPTIONS, TRACE).
    - `source`: the name of the source description; `server` the base URL it is called at.
    - `operation`: the Operation Object, as `<uri>#<pointer>`.
    - `at`: where the step is in its document.

    What a World needs that follows redirects or adds credentials:

    - `redirectable`: False for a request that must not follow a redirect, whatever the options say.
    - `cookies`: which cookies are kept on the way through redirects ("host", "domain" or "off").
    - `jar`: the cookies of the run so far; `began`: the time of the request, in seconds since the epoch.
    - `security`: the alternatives of the operation, each a mapping of scheme names to scopes.
    - `schemes`: the Security Scheme Objects by name.
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


class ReadFile(Effect[bytes | NoFile], kw_only=True):
    """Read a file that a request body sends. Answer with its whole content, or with a `NoFile`; do not raise.

    `path` is named by the document or the run's inputs, never by a response, and is relative to
    the working directory or absolute. `roots` are folders that the user allows besides the working
    directory (`RunOptions.file_roots`). The World decides which files may be read: those of this
    package read regular files below these folders that are not hidden.
    """

    path: str
    roots: tuple[str, ...] = ()


class Sleep(Effect[None], kw_only=True):
    """Wait `seconds`, then answer None."""

    seconds: float


class Now(Effect[float], kw_only=True):
    """Read the clock. Answer with the time in seconds since the epoch, as `time.time()` returns it."""


class Race(Effect[tuple[int, object]], kw_only=True):
    """Perform `effects` at the same time. Answer as soon as one is done: with its index and its answer.

    They are requests, waits, and the effects of `engine/messages.py` that take time.
    The others go on: an effect of the next Race that has the same `key` is the same, and are not
    begun again; those that it does not have any more are given up. Only runs with `parallel` above
    1 have Races, and only Worlds whose `races` is true get them: for all others `runtime/races.py`
    performs each effect on its own.
    """

    effects: tuple[Effect[Any], ...]


LeafEffect: TypeAlias = SendRequest | ReadFile | Sleep | Now
"""Every kind of effect that a World performs: a `match` over it ends in `assert_never`, so that none is forgotten."""


class Interrupted(KeyboardInterrupt):
    """Raised by a World to end the run; `sent` is False when the request at hand was not sent."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__("interrupted")
        self.arazzo_sent = sent


class World(Protocol):
    """Performs effects: sends requests, waits, tells the time. Anything with this method is one.

    A World that wraps another passes on what it does not handle itself:

        class WithHeader:
            def __init__(self, world: World) -> None:
                self._world = world

            async def perform(self, effect, /):
                if isinstance(effect, SendRequest):
                    headers = (*effect.request.headers, ("X-Trace", effect.key))
                    effect = replace(effect, request=replace(effect.request, headers=headers))
                return await self._world.perform(effect)

    The World of a blocking run (`run`) must never suspend: its `perform` awaits nothing but other
    Worlds of that kind. That of `arun` may await what it likes; when steps run in parallel, it gets
    an effect before others are done. The same is true of a wrapper of the default World of `run`.

    Effects about messages (`engine/messages.py`) are performed around a World whose attribute `sends` is true, unless
    its `performs_messages` is true as well; any other World gets them, as it gets requests.
    """

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Do what the effect says and return its answer; failures are answers, not exceptions."""


def known(effect: Effect[Any]) -> LeafEffect:
    """Return an effect as one of the closed union, to be matched; raises TypeError for any other class.

    Effects about messages (engine/messages.py) are others: a World that performs these asks for them first.
    """
    if isinstance(effect, (SendRequest, ReadFile, Sleep, Now)):
        return effect
    raise TypeError(f"{type(effect).__name__} is not an effect that this World performs")


def _header(headers: Headers, name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


# ---- The interface between a run and credentials; a run that needs none imports nothing else for them.


class CredentialSource:
    """A source of credentials; its one subclass is `arazzo_runner.Credentials`, which has heavier imports."""


CredentialsGiven: TypeAlias = CredentialSource | Mapping[str, Mapping[str, str | Mapping[str, str]]] | None


class Access:
    """Adds no credentials: for runs whose steps set their own; runtime/auth has the one that does."""

    missing: tuple[Diagnostic, ...] = ()
    """Credentials that operations need and that are not configured."""

    def around(self, world: World) -> World:
        """Return the World that adds credentials to what it passes on."""
        return world

    def shown(self, effect: SendRequest) -> HttpRequest:
        """Return a request as records show it: with placeholders for what the World adds."""
        return effect.request
