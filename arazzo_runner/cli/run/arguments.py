"""RunArguments: everything that the command line of `arazzo run` said, and the options of a run made of it."""

from __future__ import annotations

import os
from collections.abc import Mapping

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, field_names, replace
from arazzo_runner.cli.credential_options import CredentialArguments
from arazzo_runner.cli.durable_options import DurableArguments
from arazzo_runner.cli.reading_arguments import ReadingArguments
from arazzo_runner.cli.run.options import LimitArguments, ManyArguments, PartArguments, TransportArguments
from arazzo_runner.engine.options import MAX_REDIRECTS, CheckOptions, RunOptions, TransportOptions
from arazzo_runner.sources.uris import is_remote


class Defaults(Record, kw_only=True):
    """What a configuration file says for what the command line leaves open; `credentials` are names by name."""

    sources: Mapping[str, str] = field(default_factory=dict)
    url_map: Mapping[str, str] = field(default_factory=dict)
    servers: Mapping[str, str] = field(default_factory=dict)
    server_variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    credentials: Mapping[str, str] = field(default_factory=dict)


class RunArguments(Record, kw_only=True):
    """What the command line said; fields are named like the options, groups of options are records."""

    specs: tuple[str, ...]
    workflows: tuple[str, ...]
    inputs: tuple[str, ...]
    input_file: str | None
    servers: tuple[str, ...]
    server_variables: tuple[str, ...]
    include: tuple[str, ...]
    reading: ReadingArguments
    mock: bool
    scenario: str | None
    switches: tuple[str, ...]
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

    @property
    def spec(self) -> str:
        """The document of a single run."""
        return self.specs[0]

    @property
    def workflow(self) -> str | None:
        """The workflow of a single run, when one was named."""
        return self.workflows[0] if self.workflows else None

    @property
    def as_json(self) -> bool:
        """Whether stdout holds the report of the whole run."""
        return self.format_ == "json"

    @property
    def secrets_have_a_place(self) -> bool:
        """Whether the command line says where secret outputs go, so that they need not be kept."""
        return self.show_secrets or self.output is not None or self.dry_run or self.durable.wanted


def has_wildcard(name: str) -> bool:
    """Tell whether a name stands for several."""
    return any(character in name for character in "*?[")


def is_glob(spec: str) -> bool:
    """Tell whether a SPEC stands for several files; the name of a file that is there, and a URL, do not."""
    return has_wildcard(spec) and not is_remote(spec) and not os.path.exists(spec)


def reads_stdin(given: RunArguments) -> bool:
    """Tell whether something is read from standard input, which can be done once."""
    return "-" in (given.input_file, given.many.data) or any(text.endswith("=@-") for text in given.inputs)


def run_options(given: RunArguments) -> RunOptions:
    """Return the run's options: what the command line says, else the defaults; raises InvalidUsage."""
    groups = (given.limits, given.part)
    said = {
        name: value
        for group in groups
        for name in field_names(group)
        if (value := getattr(group, name)) is not None and name != "outputs_from"
    }
    if given.checks is not None:
        said["checks"] = given.checks
    said |= given.credentials.as_options()
    default = replace(RunOptions(), run_timeout=None) if given.durable.wanted else RunOptions()
    options = replace(default, transport=transport_of_arguments(given.transport), **said)
    if given.part.outputs_from is None:
        return options
    from arazzo_runner.cli.run.step_outputs import read_step_outputs  # lazily: few runs are partial

    return replace(options, step_outputs=read_step_outputs(given.part.outputs_from))


def transport_of_arguments(given: TransportArguments) -> TransportOptions | None:
    """Return how requests reach their servers, None when nothing is said about it."""
    redirects = (given.max_redirects or MAX_REDIRECTS) if given.follow_redirects else 0
    said = (given.certs, given.cacerts, given.insecure_hosts, given.proxies, given.http2, redirects)
    if not any(said) and given.http2 is None:
        return None
    from arazzo_runner.cli.transport import transport_of  # lazily: few runs need it

    return transport_of(*said)
