"""From the command line to a run that is ready: every file it names is read here, once, and every input checked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from arazzo_runner import api
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.run.inputs import (
    GivenInputs,
    given_inputs,
    read_step_outputs,
    with_defaults,
    with_files_placed,
)
from arazzo_runner.cli.run.options import Defaults, RunArguments
from arazzo_runner.config.settings import MessageSettings, find_configuration
from arazzo_runner.engine.effects import CredentialsGiven
from arazzo_runner.engine.options import RunOptions, TransportOptions
from arazzo_runner.errors import ArazzoError, Diagnostic, InvalidUsage
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.program.model import Program
from arazzo_runner.program.schemas import input_names, secret_values
from arazzo_runner.program.security import secured_steps
from arazzo_runner.program.servers import check_near_names, unknown_channels, unknown_variables
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.runtime.given_files import check_files
from arazzo_runner.sources.fetch import DocumentSnapshot
from arazzo_runner.sources.uris import is_remote


class Prepared(Record, kw_only=True):
    """A run that is ready to begin.

    `inputs` are checked and complete. `scenario` is the one of the mock, in its first state.
    `input_warnings` are about the inputs, `missing` about credentials that are not configured.
    """

    _hidden_in_repr = ("credentials",)

    spec: str
    program: Program
    inputs: Mapping[str, JsonValue]
    options: RunOptions
    scenario: Any = None
    credentials: CredentialsGiven = None
    input_warnings: tuple[Diagnostic, ...] = ()
    missing: tuple[Diagnostic, ...] = ()

    @property
    def workflow_id(self) -> str:
        """The id of the workflow."""
        return self.program.workflow.workflow_id


def prepare(given: RunArguments, environment: Mapping[str, str], snapshot: DocumentSnapshot | None = None) -> Prepared:
    """Return the run that a command line asks for; `snapshot` records its documents. Raises ArazzoError."""
    options = run_options(given)
    program = api.choose_workflow(load_document(given, given.spec, given.workflow, snapshot), given.workflow)
    check_variables(given, [program])
    check_brokers(given, program, options)
    names = input_names(program.workflow.inputs, program.workflow.document.raw) or frozenset()
    found = given_inputs(given.inputs, given.input_file, names, environment, [program])
    if given.made is not None:
        found = replace(found, values={**found.values, **given.made.inputs})
    found = with_defaults(found, names, given.defaults.inputs)
    completed = with_samples(program, found) if given.sample_inputs else found
    inputs, warnings = checked(program, completed, options)
    file, names_used = given.credentials.credentials_file, given.defaults.credentials
    is_asked = not given.mock or given.credentials.are_asked_for
    credentials = credentials_of([program], file, names_used) if is_asked else None
    return Prepared(
        spec=given.spec,
        program=program,
        inputs=inputs,
        options=options,
        scenario=scenario_of(given),
        credentials=credentials,
        input_warnings=warnings,
        missing=missing_credentials([program], credentials, options),
    )


# ------------------------------------------------------------------ configuration and options


def configured(given: RunArguments, spec: str) -> RunArguments:
    """Return the arguments, completed by the configuration file of a document; raises InvalidUsage."""
    defaults = settings_of(spec, given.many.env, read_inputs=True)
    credentials = given.credentials
    if credentials.credentials_file is None and not given.mock:
        credentials = replace(credentials, credentials_file=defaults.credentials_file)
    return replace(given, credentials=credentials, defaults=defaults)


def settings_of(spec: str, env: str | None = None, *, read_inputs: bool = False) -> Defaults:
    """Return what the configuration file of a document says, if there is one; raises InvalidUsage."""
    path = find_configuration("." if is_remote(spec) else spec)
    if path is None and env is None:
        return Defaults()
    from arazzo_runner.cli.run.environments import defaults_of  # lazily: most documents have no configuration

    return defaults_of(path, env, read_inputs=read_inputs)


def run_options(given: RunArguments) -> RunOptions:
    """Return the options of the runs, whose transport can be used; reads --outputs-from. Raises InvalidUsage."""
    default = replace(RunOptions(), run_timeout=None) if given.durable.is_durable else RunOptions()
    limits = given.limits.as_options(given.defaults.file_roots)
    values = {**limits, **given.part.as_options(), **given.credentials.as_options()}
    if given.checks is not None:
        values["checks"] = given.checks
    if given.part.outputs_from is not None:
        values["step_outputs"] = read_step_outputs(given.part.outputs_from)
    transport = given.transport.as_options()
    options = with_message_settings(replace(default, transport=transport, **values), given.defaults.messages)
    if not given.dry_run:
        api.check_transport(options)
    return options


def with_message_settings(options: RunOptions, settings: MessageSettings) -> RunOptions:
    """Return options with what the settings say about messages, where the command line says nothing."""
    if settings == MessageSettings():
        return options
    usual = RunOptions()
    if settings.retained:
        options = replace(options, retained=True)
    if settings.max_messages is not None and options.max_messages == usual.max_messages:
        options = replace(options, max_messages=settings.max_messages)
    transport = options.transport or TransportOptions()
    webhooks = {name: getattr(settings, name) for name in ("webhook_listen", "webhook_url")}
    missing = {name: value for name, value in webhooks.items() if value and getattr(transport, name) is None}
    return replace(options, transport=replace(transport, **missing)) if missing else options


def check_brokers(given: RunArguments, program: Program, options: RunOptions) -> None:
    """Raise InvalidUsage for a run whose brokers nothing here can speak to, unless none of them is."""
    if not given.mock and not given.dry_run:
        api.check_brokers(program, options)


def scenario_of(given: RunArguments) -> Any:
    """Return the scenario of the mock, None without one; raises InvalidUsage."""
    if given.scenario is None:
        return None
    from arazzo_runner.runtime.mock.scenario import read_scenario  # lazily: few runs have one

    return read_scenario(given.scenario, given.switches)


# ------------------------------------------------------------------ documents


def load_document(
    given: RunArguments, spec: str, workflow_id: str | None, snapshot: DocumentSnapshot | None = None
) -> Program:
    """Load a document as the command line says; raises ArazzoError, also for names that are not in the document."""
    named = given.reading.load_options(servers=given.servers)
    document = spec if given.made is None else given.made.document
    program = api.load_named(document, workflow_id, load_options=load_options(given, snapshot), named=named)
    check_near_names(program, given.defaults.servers, "the environment of arazzo.toml")
    return program


def load_options(given: RunArguments, snapshot: DocumentSnapshot | None = None) -> LoadOptions:
    """Return how documents are found and read; `snapshot` records what is read."""
    defaults = given.defaults
    return reading_with(
        given.reading,
        defaults,
        include=tuple(given.include),
        servers={**defaults.servers, **given.servers},
        server_variables={**defaults.server_variables, **given.server_variables},
        channel_addresses={**defaults.channel_addresses, **given.channel_addresses},
        any_server=bool(given.mock),
        snapshot=snapshot,
    )


def reading_with(reading: ReadingArguments, defaults: Defaults, **more: Any) -> LoadOptions:
    """Return how documents are read: as the command line says, else as the settings do; `more` are further fields."""
    return replace(
        reading.load_options(),
        sources={**defaults.sources, **reading.sources},
        url_map={**defaults.url_map, **reading.url_map},
        **more,
    )


def check_variables(given: RunArguments, programs: Iterable[Program]) -> None:
    """Refuse a --server-var or --channel-address for what no step of the programs uses."""
    named = LoadOptions(server_variables=given.server_variables, channel_addresses=given.channel_addresses)
    programs = tuple(programs)
    problems = (*unknown_variables(programs, named, load_options(given).servers), *unknown_channels(programs, named))
    if problems:
        raise InvalidUsage(problems)


def open_spec(
    spec: str,
    workflow_id: str | None,
    reading: ReadingArguments,
    defaults: Defaults | None = None,
    *,
    servers: Mapping[str, str] | None = None,
    **more: Any,
) -> Program:
    """Open a document that is only shown, with the settings of its project; `more` are further fields of LoadOptions.

    Raises ArazzoError, also for a --source, or a name in `servers` (those of --server), that it does not have.
    """
    known = settings_of(spec) if defaults is None else defaults
    given = dict(servers or {})
    settings = {
        "servers": {**known.servers, **given},
        "server_variables": known.server_variables,
        "channel_addresses": known.channel_addresses,
    }
    options = reading_with(reading, known, **{**settings, **more})
    return api.open_program(spec, workflow_id, load_options=options, named=reading.load_options(servers=given))


# ------------------------------------------------------------------ inputs


def checked(
    program: Program, given: GivenInputs, options: RunOptions | None = None
) -> tuple[dict[str, JsonValue], tuple[Diagnostic, ...]]:
    """Return the inputs of a run, coerced and with defaults, and warnings; raises ArazzoError, secrets masked.

    Wrong inputs, and files that a run with these `options` cannot send, are refused before anything is sent and
    before any file is made. Without options, where another process will run it, files are not looked for.
    """
    workflow, given = program.workflow, with_files_placed(given, program)
    formats = RunOptions().checks.formats if options is None else options.checks.formats
    try:
        inputs, notes = api.check_inputs(program, given.values, given.texts, formats=formats, places=given.place)
        if options is not None:
            check_files(program, inputs, options)
    except ArazzoError as problem:
        secrets = Secrets()
        for secret in secret_values({**given.values, **given.texts}, workflow.inputs, workflow.document.raw):
            secrets.declare(secret)
        raise type(problem)(masked_diagnostic(each, secrets) for each in problem.diagnostics) from None
    return inputs, (*given.warnings, *notes)


def with_samples(program: Program, given: GivenInputs) -> GivenInputs:
    """Add made-up values for the inputs that nothing gives."""
    given = with_files_placed(given, program)
    made = api.with_samples(program, {**given.values, **given.texts})
    return replace(given, values={name: value for name, value in made.items() if name not in given.texts})


# ------------------------------------------------------------------ credentials


def credentials_of(
    programs: Iterable[Program],
    file: str | None = None,
    names: Mapping[str, str] | None = None,
    known: CredentialsGiven = None,
) -> CredentialsGiven:
    """Return the credentials that runs of these programs share; None, and nothing read, where none are needed.

    `names` says which entry is used for which; `known` are others from the same file, which is not read again.
    """
    if not any(next(secured_steps(program), None) for program in programs):
        return None
    from arazzo_runner.runtime.auth.sources import Credentials  # lazily: many runs need none

    if isinstance(known, Credentials):
        return known.renamed(names or {})
    return Credentials(file=file, names=names)


def missing_credentials(
    programs: Iterable[Program], credentials: CredentialsGiven, options: RunOptions
) -> tuple[Diagnostic, ...]:
    """Return a warning for each credential that is missing; raises InvalidUsage where it is required, or unusable."""
    if credentials is None:
        return ()
    found = (api.check_credentials(program, credentials, options) for program in programs)
    return tuple(dict.fromkeys(each for missing in found for each in missing))
