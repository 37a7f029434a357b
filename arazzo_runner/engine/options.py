"""RunOptions: every limit and choice of a run, with its default (security: "All limits are options")."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.base.version import __version__
from arazzo_runner.engine.check_options import CheckOptions

# Nested workflows are nested coroutines, about six each, which Python counts twice; it gives up at 1,000, and
# whoever calls us (a web framework, a test under coverage) has used some of them.
DEEPEST: Final = 60
MAX_REDIRECTS: Final = 10  # of one request, where they are followed


class TransportOptions(Record, kw_only=True):
    """How requests reach their servers; tables are by host: `api.test:8443`, `api.test` or `*` (every host).

    `certificates` are client certificates, each a PEM file and its key's file (None: the same
    file); `ca_files` PEM files of the authorities to trust instead of the usual ones. The
    certificates of `insecure_hosts` are not checked. `proxies` are URLs or `direct`; hosts that
    none of them is for go by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY. `http2` False
    never offers HTTP/2, True offers it even where that costs the faster HTTP/1.1 of many runs,
    None offers it where it costs nothing. `max_redirects` is how many redirects of one request
    are followed (0: none).
    """

    certificates: Mapping[str, tuple[str, str | None]] = field(default_factory=dict)
    ca_files: Mapping[str, str] = field(default_factory=dict)
    insecure_hosts: frozenset[str] = frozenset()
    proxies: Mapping[str, str] = field(default_factory=dict)
    http2: bool | None = None
    max_redirects: int = 0


class RunOptions(Record, kw_only=True):
    """How a run may behave. Times are seconds, sizes bytes.

    `timeout` covers one exchange unless the step has its own; `run_timeout` the whole run.
    `max_steps` bounds the visits of steps (None: max(1000, 20 x the workflow's steps)),
    `max_depth` the nesting of workflows, at most DEEPEST. A Retry-After above `max_retry_wait` fails the step.
    `poll_interval` is the wait before a goto re-enters the same step. `resend_unknown` allows
    an unsafe request to be sent again although the outcome of the first is unknown.
    `cookies` is "host" (sent back to the scheme, host and port that set them), "domain" (the Domain
    attribute counts too) or "off".
    `parallel` is how many independent steps may run at the same time. `transport` says how
    requests reach their servers (None: no certificates, the environment's proxies). `checks`
    says what requests and responses are held to.
    `credentials_file` is the path of a credentials file (None: the user's own, when there is one);
    `require_credentials` refuses a run whose operations ask for credentials that are not configured.

    A part of the workflow: `step` runs this step and those it needs, `from_step` begins at a
    step, `until` ends after one. `step_outputs` are outputs of steps that ran at another time,
    by stepId and name.
    """

    _hidden_in_repr = ("step_outputs",)

    timeout: float = 30.0
    run_timeout: float | None = 600.0
    max_steps: int | None = None
    max_depth: int = 32
    max_retry_wait: float = 300.0
    poll_interval: float = 1.0
    criterion_timeout: float = 1.0
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
