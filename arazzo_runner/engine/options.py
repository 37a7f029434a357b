"""RunOptions: every limit and choice of a run, with its default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.base.version import __version__

Level: TypeAlias = Literal["off", "warn", "error"]

LEVELS: Final[tuple[Level, ...]] = ("off", "warn", "error")
NAMED_CHECKS: Final = ("status", "content-type", "headers", "schema", "formats", "undocumented", "deep")
"""The checks by name; the last two are off unless asked for."""
USUAL_CHECKS: Final = NAMED_CHECKS[:5]


class CheckOptions(Record, kw_only=True):
    """The level of each check of traffic against the OpenAPI description (semantics §6).

    "warn" reports, "error" fails the step, "off" skips the check.

    - `requests`: required parameters, values of parameters and the body, before anything is sent.
    - `status`: the status of the response is documented.
    - `content_type`: its media type is documented.
    - `headers`: documented headers are present and fit their schemas.
    - `schema`: the body fits its schema.
    - `formats`: inputs, and what the checks above compare with a schema, have its formats (`date-time`, `int32`).
    - `undocumented`: the body has no members that the schema allows but does not name (default "off").
    - `deep`: openapi-core checks the whole exchange as well (default "off").
    """

    requests: Level = "warn"
    status: Level = "warn"
    content_type: Level = "warn"
    headers: Level = "warn"
    schema: Level = "warn"
    formats: Level = "warn"
    undocumented: Level = "off"
    deep: Level = "off"


NO_CHECKS: Final = CheckOptions(
    requests="off", status="off", content_type="off", headers="off", schema="off", formats="off"
)


# Nested workflows are nested coroutines, about six each, which Python counts twice; it gives up at 1,000, and
# whoever calls us (a web framework, a test under coverage) has used some of them.
DEEPEST: Final = 60
MOST_SECONDS: Final = 1e9
"""About 31 years; operating systems refuse waits that are not much longer."""
MAX_REDIRECTS: Final = 10  # of one request, where they are followed
MAX_MESSAGES: Final = 10_000


class TransportOptions(Record, kw_only=True):
    """How requests reach their servers. Keys of tables are hosts: `api.test:8443`, `api.test` or `*` (every host).

    - `certificates`: client certificates, each a PEM file and the file of its key (None: the same file).
    - `ca_files`: PEM files of the authorities to trust instead of the usual ones.
    - `insecure_hosts`: hosts whose certificates are not checked.
    - `proxies`: a URL or `direct`; other hosts go by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.
    - `http2`: False never offers HTTP/2; True also offers it where that costs the faster HTTP/1.1 of many
      runs; None (default) offers it where it costs nothing.
    - `max_redirects`: how many redirects of one request are followed (default 0: none).
    - `webhook_listen`: where webhooks are received, `HOST:PORT` (default 127.0.0.1, a free port).
    - `webhook_url`: the URL at which others reach that place (None: the one it listens at).
    """

    certificates: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    ca_files: Mapping[str, str] = field(default_factory=dict)
    insecure_hosts: frozenset[str] = frozenset()
    proxies: Mapping[str, str] = field(default_factory=dict)
    http2: bool | None = None
    max_redirects: int = 0
    webhook_listen: str | None = None
    webhook_url: str | None = None


class RunOptions(Record, kw_only=True):
    """The limits and choices of a run. Times are seconds, sizes bytes.

    - `timeout`: of one exchange, unless the step has its own (default 30).
    - `run_timeout`: of the whole run (default 600; None: no limit).
    - `max_steps`: how many visits of steps a run may have (None: 20 x the workflow's steps, at least 1,000).
    - `max_depth`: how deeply workflows may call each other (default 32, at most 60).
    - `max_retry_wait`: a longer Retry-After of a server fails the step (default 300).
    - `poll_interval`: the wait before a goto re-enters the same step (default 1).
    - `criterion_timeout`: bounds the work of one criterion, selector or replacement (default 1).
    - `max_response_size`: of a decoded body (default 10 MiB).
    - `max_messages`: how many messages of a subscription may wait for a step (default 10,000).
    - `retained`: messages count that a broker kept from before the run subscribed.
    - `resend_unknown`: an unsafe request may be sent again although the outcome of the first is unknown.
    - `cookies`: "host" (default: sent back to the scheme, host and port that set them), "domain" (the Domain
      attribute counts too) or "off".
    - `parallel`: how many independent steps may run at the same time (default 1).
    - `transport`: how requests reach their servers (None: no certificates, the environment's proxies).
    - `checks`: how requests and responses are checked against their descriptions.
    - `credentials_file`: the path of a credentials file (None: the user's own, if there is one).
    - `require_credentials`: refuses a run whose operations need credentials that are not configured.
    - `user_agent`: the User-Agent header, unless a step sets one.
    - `file_roots`: folders whose files requests may send, besides the working directory.

    To run a part of the workflow:

    - `step`: this step and those it needs.
    - `from_step`, `until`: begin at a step, end after one.
    - `step_outputs`: outputs of steps of an earlier run, by stepId and name.
    """

    _hidden_in_repr = ("step_outputs",)

    timeout: float = 30.0
    run_timeout: float | None = 600.0
    max_steps: int | None = None
    max_depth: int = 32
    max_retry_wait: float = 300.0
    poll_interval: float = 1.0
    criterion_timeout: float = 1.0
    max_messages: int = MAX_MESSAGES
    retained: bool = False
    resend_unknown: bool = False
    cookies: str = "host"
    parallel: int = 1
    step: str | None = None
    from_step: str | None = None
    until: str | None = None
    step_outputs: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    max_response_size: int = 10 * 2**20
    transport: TransportOptions | None = None
    checks: CheckOptions = field(default_factory=CheckOptions)
    credentials_file: str | None = None
    require_credentials: bool = False
    user_agent: str = f"arazzo/{__version__}"
    file_roots: tuple[str, ...] = ()
