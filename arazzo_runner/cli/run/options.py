"""What the command line of a run says: each group of options is one record, RunArguments holds them all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

import click

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, field_names
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import (
    MOST_RUNS,
    Bytes,
    Count,
    Seconds,
    as_table,
    credentials_file_option,
    file_root_option,
    option_group,
    store_option,
    unknown_columns_option,
)
from arazzo_runner.config.settings import MessageSettings
from arazzo_runner.engine.options import DEEPEST, MAX_REDIRECTS, MOST_SECONDS, CheckOptions, TransportOptions
from arazzo_runner.sources.hosts import EVERY_HOST
from arazzo_runner.sources.uris import is_remote

_SECONDS = Seconds(min_open=True)
_WAIT = Seconds()
_COUNT = Count()
_DEPTH = click.IntRange(min=1, max=DEEPEST)


def _given(group: Any) -> dict[str, Any]:
    """Return the fields of a group that are not None."""
    return {name: value for name in field_names(type(group)) if (value := getattr(group, name)) is not None}


class LimitArguments(Record, kw_only=True):
    """The limits of a run, named as in RunOptions; None means its default."""

    timeout: float | None
    run_timeout: float | None
    max_steps: int | None
    max_depth: int | None
    max_retry_wait: float | None
    poll_interval: float | None
    max_response_size: int | None
    max_messages: int | None
    criterion_timeout: float | None
    retained: bool
    cookies: str | None
    parallel: int | None
    resend_unknown: bool
    file_roots: tuple[str, ...]

    def as_options(self, file_roots: tuple[str, ...] = ()) -> dict[str, Any]:
        """Return what was given as fields of RunOptions; `file_roots` are further ones."""
        return {**_given(self), "file_roots": (*file_roots, *self.file_roots)}


limit_options = option_group(
    "limits",
    LimitArguments,
    click.option("--timeout", type=_SECONDS, metavar="S", help="Seconds for one exchange or message (default 30)."),
    click.option("--run-timeout", type=_SECONDS, metavar="S", help="Seconds for the whole run (default 600)."),
    click.option("--max-steps", type=_COUNT, metavar="N", help="Visits of steps after which a loop is ended."),
    click.option("--max-depth", type=_DEPTH, metavar="N", help="Nesting of workflows (default 32)."),
    click.option(
        "--max-retry-wait", type=_WAIT, metavar="S", help="The longest Retry-After to wait for (default 300)."
    ),
    click.option(
        "--poll-interval",
        type=_WAIT,
        metavar="S",
        help="Seconds before a step is repeated by a goto to itself (default 1).",
    ),
    click.option(
        "--max-response-size", type=Bytes(), metavar="BYTES", help="The largest response or message (default 10 MiB)."
    ),
    click.option(
        "--max-messages",
        type=_COUNT,
        metavar="N",
        help="Messages of a channel that may wait for a step (default 10,000).",
    ),
    click.option("--retained", is_flag=True, help="Count messages that a broker kept from before the run, too."),
    click.option(
        "--criterion-timeout",
        type=_SECONDS,
        metavar="S",
        help="Seconds for one query of a criterion, selector or replacement (default 1).",
    ),
    click.option(
        "--cookies",
        type=click.Choice(["host", "domain", "off"]),
        help="Cookies are sent to the origin that set them (host, default), also by Domain, or never.",
    ),
    click.option(
        "--parallel",
        type=_COUNT,
        is_flag=False,
        flag_value=8,
        metavar="[N]",
        help="Run up to N (8) independent steps at the same time.",
    ),
    click.option(
        "--resend-unknown",
        is_flag=True,
        help="Allow a retry although an unsafe request may have been acted on.",
    ),
    file_root_option,
)


class PartArguments(Record, kw_only=True):
    """Which part of the workflow runs."""

    step: str | None
    from_step: str | None
    until: str | None
    outputs_from: str | None

    @property
    def ends_early(self) -> bool:
        """Whether the run ends before the workflow's outputs are known, so that those of steps are printed."""
        return self.step is not None or self.until is not None

    def as_options(self) -> dict[str, Any]:
        """Return what was given as fields of RunOptions, the file of step outputs aside."""
        return {name: value for name, value in _given(self).items() if name != "outputs_from"}


part_options = option_group(
    "part",
    PartArguments,
    click.option("--step", metavar="ID", help="Run one step, and first those that it needs."),
    click.option("--from", "from_step", metavar="ID", help="Begin at a step (with --outputs-from for what it needs)."),
    click.option("--until", metavar="ID", help="End after a step and print the outputs of all steps."),
    click.option(
        "--outputs-from", metavar="FILE", help="Outputs of steps of an earlier run, as written by --until and --step."
    ),
)


class _ByHost(click.types.StringParamType):
    """`HOST=REST`, or `REST` for every host."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the host and the rest; text before the first `=` that is not a host belongs to the rest."""
        host, equals, rest = value.partition("=")
        is_host = re.fullmatch(r"[\w.-]+(:\d+)?|\[[0-9a-fA-F:.]+\](:\d+)?", host)
        return (host, rest) if equals and is_host else (EVERY_HOST, value)


def _host_table(option: str, name: str, metavar: str, text: str) -> Callable[[Any], Any]:
    return click.option(
        option,
        name,
        type=_ByHost(),
        metavar=metavar,
        multiple=True,
        callback=as_table,
        help=text,
    )


class TransportArguments(Record, kw_only=True):
    """How requests reach their servers; tables are by host."""

    certificates: dict[str, str]
    ca_files: dict[str, str]
    insecure_hosts: tuple[str, ...]
    proxies: dict[str, str]
    http2: bool | None
    follow_redirects: bool
    max_redirects: int | None
    webhook_listen: str | None
    webhook_url: str | None

    def as_options(self) -> TransportOptions | None:
        """Return them as TransportOptions, None when no option was given."""
        redirects = (self.max_redirects or MAX_REDIRECTS) if self.follow_redirects else 0
        webhooks = (self.webhook_listen, self.webhook_url)
        given = (self.certificates, self.ca_files, self.insecure_hosts, self.proxies, redirects, *webhooks)
        if not any(given) and self.http2 is None:
            return None
        files = {host: text.partition(",") for host, text in self.certificates.items()}
        return TransportOptions(
            certificates={host: (file, key or None) for host, (file, _, key) in files.items()},
            ca_files=self.ca_files,
            insecure_hosts=frozenset(self.insecure_hosts),
            proxies=self.proxies,
            http2=self.http2,
            max_redirects=redirects,
            webhook_listen=self.webhook_listen,
            webhook_url=self.webhook_url,
        )


transport_options = option_group(
    "transport",
    TransportArguments,
    _host_table(
        "--cert",
        "certificates",
        "[HOST=]FILE[,KEY]",
        "A client certificate (PEM), for a host or for all; repeatable.",
    ),
    _host_table(
        "--cacert",
        "ca_files",
        "[HOST=]FILE",
        "Trust the authorities in a PEM file instead of the usual; repeatable.",
    ),
    click.option(
        "--insecure-host",
        "insecure_hosts",
        metavar="HOST",
        multiple=True,
        help="Do not check this server's certificate; repeatable.",
    ),
    _host_table(
        "--proxy",
        "proxies",
        "[HOST=]URL",
        "Send through a proxy (also: HTTPS_PROXY, NO_PROXY …); direct for none.",
    ),
    click.option("--follow-redirects", is_flag=True, help="Follow redirects; to another server only as a bare GET."),
    click.option(
        "--max-redirects",
        type=_COUNT,
        metavar="N",
        help="The most redirects of one request (with --follow-redirects, default 10).",
    ),
    click.option(
        "--webhook-listen",
        metavar="HOST:PORT",
        help="Where to receive webhooks that the workflow waits for (default 127.0.0.1, a free port).",
    ),
    click.option("--webhook-url", metavar="URL", help="The URL at which others reach that place (a tunnel, say)."),
    click.option(
        "--http2/--no-http2", default=None, help="Offer HTTP/2, or never do (default: where it is installed)."
    ),
)


def _rate(context: click.Context, parameter: click.Parameter, text: str | None) -> float | None:
    """Return `10`, `10/s`, `100/m` or `3/h` as requests a second."""
    if text is None:
        return None
    number, slash, unit = text.partition("/")
    try:
        rate = float(number) / {"": 1, "s": 1, "m": 60, "h": 3600}[unit]
    except (ValueError, KeyError):
        rate = 0.0
    if not 1 / MOST_SECONDS <= rate <= MOST_SECONDS or bool(slash) != bool(unit):
        raise click.BadParameter(f'expected a number above 0, such as 10, 10/s, 100/m or 3/h, found "{text}"')
    return rate


def environment_option(command: Any) -> Any:
    """Add --env."""
    text = "An environment of arazzo.toml: servers, inputs, credentials."
    return click.option("--env", metavar="NAME", help=text)(command)


def environment_file_option(command: Any) -> Any:
    """Add --env-file."""
    text = "Environment variables, one NAME=value a line; repeatable."
    return click.option("--env-file", "env_files", metavar="FILE", multiple=True, help=text)(command)


class Shard(Record):
    """One of `total` parts of the runs; `index` counts from 1."""

    index: int
    total: int


def _shard(context: click.Context, parameter: click.Parameter, text: str | None) -> Shard | None:
    """Return `2/4` as the second of four parts."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,6})/([0-9]{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise click.BadParameter(f'expected a part and the number of parts, such as 1/4, found "{text}"')
    return Shard(int(match[1]), int(match[2]))


class ManyArguments(Record, kw_only=True):
    """What makes several runs of one command line, and how they are performed."""

    data: str | None
    allow_unknown_columns: bool
    repeat: int | None
    jobs: int
    fail_fast: bool
    shard: Shard | None
    tags: tuple[str, ...]
    rerun: tuple[str, ...]
    rate: float | None
    env: str | None
    env_files: tuple[str, ...]
    watch: bool

    @property
    def selects(self) -> bool:
        """Whether some of several runs are chosen, so that there may be any number of them."""
        return bool(self.tags or self.rerun) or self.shard is not None


many_options = option_group(
    "many",
    ManyArguments,
    click.option("--data", metavar="FILE", help="One run per row of a CSV, JSON Lines, JSON or YAML file of inputs."),
    unknown_columns_option,
    click.option("--repeat", type=Count(most=MOST_RUNS), metavar="N", help="Run everything N times."),
    click.option("--jobs", "-j", type=_COUNT, default=1, metavar="N", help="Runs at the same time (default 1)."),
    click.option("--fail-fast", is_flag=True, help="Start no further run after one that did not succeed."),
    click.option("--tag", "tags", metavar="NAME", multiple=True, help="Run workflows with NAME in x-tags; repeatable."),
    click.option("--shard", callback=_shard, metavar="I/N", help="Run the I-th of N parts, for N machines."),
    click.option(
        "--rerun-failed",
        "rerun",
        metavar="FILE",
        multiple=True,
        help="Run what did not succeed in FILE, an earlier --report json=FILE; repeatable.",
    ),
    click.option(
        "--rate",
        callback=_rate,
        metavar="R",
        help="At most R requests a second over all runs; also 100/m, 3/h.",
    ),
    environment_option,
    environment_file_option,
    click.option("--watch", is_flag=True, help="Run again when a file that was read changes."),
)


# ------------------------------------------------------------------ credentials, durable runs


class CredentialArguments(Record, kw_only=True):
    """The credentials file that was named, and whether a missing credential refuses the run."""

    credentials_file: str | None
    require_credentials: bool

    @property
    def are_asked_for(self) -> bool:
        """Whether they are looked for although a mock, which is not sent any, answers."""
        return self.credentials_file is not None or self.require_credentials

    def as_options(self) -> dict[str, Any]:
        """Return them as fields of RunOptions; the path is absolute, for a run may be resumed from another folder."""
        file = None if self.credentials_file is None else os.path.abspath(self.credentials_file)
        return {"credentials_file": file, "require_credentials": self.require_credentials}


credential_options = option_group(
    "credentials",
    CredentialArguments,
    credentials_file_option,
    click.option(
        "--require-credentials",
        is_flag=True,
        help="Send nothing when a credential that an operation asks for is missing (default: warn).",
    ),
)

idempotency_option = click.option(
    "--idempotency-keys",
    is_flag=True,
    help="Give every unsafe request an Idempotency-Key (default: where its description declares that header).",
)


class DurableArguments(Record, kw_only=True):
    """Whether the run is durable, and how."""

    durable: bool
    run_id: str | None
    store: str | None
    idempotency_keys: bool

    @property
    def is_durable(self) -> bool:
        """Whether --durable was given."""
        return self.durable


durable_options = option_group(
    "durable",
    DurableArguments,
    click.option(
        "--durable",
        is_flag=True,
        help="Store each response before it is used, so that a run that stopped can be resumed.",
    ),
    click.option("--run-id", metavar="ID", help="The id of the durable run (default: generated)."),
    store_option,
    idempotency_option,
)


# ------------------------------------------------------------------ all of it


class Defaults(Record, kw_only=True):
    """What a configuration file says about what the command line leaves open; `credentials` are names by name.

    They are settings for many documents: a source that this one lacks is no error.
    """

    sources: Mapping[str, str] = field(default_factory=dict)
    url_map: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)
    server_variables: Mapping[str, str] = field(default_factory=dict)
    channel_addresses: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)
    credentials_file: str | None = None
    file_roots: tuple[str, ...] = ()
    messages: MessageSettings = field(default_factory=MessageSettings)


class MadeDocument(Record):
    """A document that a command made, and values of its inputs; what is reported about it names `spec`."""

    _hidden_in_repr = ("inputs",)

    document: Mapping[str, JsonValue]
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)


class RunArguments(Record, kw_only=True):
    """The command line of `arazzo run`, parsed; the files that it names are not read yet.

    Fields have the names of the options. Only prepare.py and plan.py, which read the files, and
    watch.py, which looks at them, use the fields that name files.
    """

    specs: tuple[str, ...]
    workflows: tuple[str, ...]
    inputs: tuple[tuple[str, str], ...]
    input_file: str | None
    servers: Mapping[str, str]
    server_variables: Mapping[str, str]
    channel_addresses: Mapping[str, str]
    include: tuple[str, ...]
    reading: ReadingArguments
    mock: bool | Literal["stateful"]
    mock_lenient: bool
    scenario: str | None
    switches: tuple[str, ...]
    sample_inputs: bool
    dry_run: bool
    verbose: int
    quiet: bool
    format_: str
    output: str | None
    show_secrets: bool
    no_color: bool
    reports: tuple[str, ...]
    many: ManyArguments
    limits: LimitArguments
    part: PartArguments
    transport: TransportArguments
    credentials: CredentialArguments
    record: str | None
    checks: CheckOptions | None
    durable: DurableArguments
    defaults: Defaults = field(default_factory=Defaults)
    made: MadeDocument | None = None

    @property
    def spec(self) -> str:
        """The document of a single run."""
        return self.specs[0]

    @property
    def workflow(self) -> str | None:
        """The workflow of a single run, when one was named."""
        return self.workflows[0] if self.workflows else None

    @property
    def is_many(self) -> bool:
        """Whether the command line has the form of several runs, which decides what is printed."""
        return (
            len(self.specs) > 1
            or len(self.workflows) > 1
            or self.many.data is not None
            or self.many.repeat is not None
            or self.many.selects
            or is_glob(self.spec)
            or any(map(has_wildcard, self.workflows))
        )

    @property
    def as_json(self) -> bool:
        """Whether stdout holds the report of the whole run."""
        return self.format_ == "json"

    @property
    def delivers_secrets(self) -> bool:
        """Whether secret outputs are printed or written elsewhere, so that no file of them is kept."""
        return self.show_secrets or self.output is not None or self.dry_run or self.durable.is_durable

    @property
    def files(self) -> tuple[str, ...]:
        """The files that are read beside documents, each as it is named; `-` is standard input."""
        many = self.many
        named = [self.input_file, many.data, *many.rerun, self.scenario, *many.env_files, self.part.outputs_from]
        named += [self.credentials.credentials_file, *(file for _, text in self.inputs if (file := named_file(text)))]
        return tuple(path for path in named if path)


def named_file(text: str) -> str:
    """Return the file that the text of an input names with `@`, "" when it names none."""
    return text[1:] if text.startswith("@") and not text.startswith("@@") else ""


def has_wildcard(name: str) -> bool:
    """Return whether a name is a pattern for several."""
    return any(character in name for character in "*?[")


def is_glob(spec: str) -> bool:
    """Return whether a SPEC is a pattern; a URL, and the name of a file that exists, is none."""
    return has_wildcard(spec) and not is_remote(spec) and not os.path.exists(spec)
