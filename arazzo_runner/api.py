"""load, validate, run, arun, dry_run: puts the parts together; the only place that chooses defaults."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import Access, CredentialsGiven, World
from arazzo_runner.engine.inputs import InputProblem, described_input, inputs_without_value, prepare_inputs
from arazzo_runner.engine.interruption import carry, so_far
from arazzo_runner.engine.option_checks import check_options
from arazzo_runner.engine.options import Level, RunOptions, TransportOptions
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.engine.run import drive, run_program
from arazzo_runner.errors import (
    Diagnostic,
    InvalidDescription,
    InvalidInputs,
    InvalidUsage,
    Judge,
    Location,
    Severity,
    UnknownWorkflow,
)
from arazzo_runner.lint.checker import Checker, RuleOptions, judge_of, open_document
from arazzo_runner.lint.failures import with_findings
from arazzo_runner.lint.refusals import refusals
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.library import DocumentSource, Library, LoadedDocument, LoadOptions
from arazzo_runner.program.load import load_program
from arazzo_runner.program.model import CompiledWorkflow, Program, several_workflows
from arazzo_runner.program.security import secured_steps
from arazzo_runner.program.servers import (
    called_at,
    check_urls,
    unknown_channels,
    unknown_names,
    unknown_sources,
    unknown_variables,
)
from arazzo_runner.runtime.argument_kinds import check_kinds
from arazzo_runner.runtime.arguments import (
    RunArguments,
    check_arguments,
    check_credential_names,
    check_for_validation,
    check_of_program,
    check_remote,
)
from arazzo_runner.runtime.given_files import check_files, texts_like_files, with_files
from arazzo_runner.runtime.performing import (
    Mock,
    Mocked,
    asynchronous,
    blocking,
    sends,
    unwaited,
    uses_brokers,
)
from arazzo_runner.runtime.stack import Around, asynchronous_stack, blocking_stack
from arazzo_runner.sources.read_ahead import read_message_schemas, read_schemas

if TYPE_CHECKING:
    from arazzo_runner.runtime.brokers.world import Brokers

OnEvent: TypeAlias = Callable[[Event, Secrets], None]
Places: TypeAlias = Callable[[str], Location | None]


def load(
    document: DocumentSource,
    workflow_id: str | None = None,
    *,
    servers: Mapping[str, str] | None = None,
    load_options: LoadOptions | None = None,
) -> Program:
    """Read, link and compile an Arazzo document; call it once to run a document many times.

    `document` is a path, a URL or the document as a mapping. `workflow_id` chooses the workflow to
    compile (default: the only one, else all of them). `servers` are the URLs at which APIs are called,
    by name of their source description; `load_options` say how documents are found and read.

    Raises InvalidDescription (errors in a document), UnknownWorkflow (none of that name), InvalidUsage (a file that
    cannot be opened). The program's `diagnostics` hold the warnings.

    >>> program = load("specs/arazzo/prismatic-rotate-refresh-token-workflow.yml")
    >>> program.workflow.workflow_id
    'rotate-refresh-token'
    """
    check_kinds(document=document, workflow_id=workflow_id, servers=servers, load_options=load_options)
    options = with_servers(load_options, servers)
    return load_named(document, workflow_id, load_options=options, named=options)


def load_named(
    document: DocumentSource, workflow_id: str | None = None, *, load_options: LoadOptions, named: LoadOptions
) -> Program:
    """Return the same as `load`, where the names in the options need not be known, but those of `named` must."""
    check_remote(load_options)
    library, entry, program = _opened(document, workflow_id, load_options, named)
    problems = (*unknown_variables([program], named, load_options.servers), *unknown_channels([program], named))
    if problems:
        raise InvalidUsage(problems)
    library.problems.extend(refusals(program, entry, judge_of(library.options)))
    return _ready(program, library)


async def aload(
    document: DocumentSource,
    workflow_id: str | None = None,
    *,
    servers: Mapping[str, str] | None = None,
    load_options: LoadOptions | None = None,
) -> Program:
    """Return what `load` returns; it reads in a thread, so that the event loop goes on meanwhile."""
    import asyncio  # lazily, as in `arun`

    return await asyncio.to_thread(load, document, workflow_id, servers=servers, load_options=load_options)


def open_program(
    document: DocumentSource,
    workflow_id: str | None = None,
    *,
    load_options: LoadOptions | None = None,
    named: LoadOptions | None = None,
) -> Program:
    """Return the same as `load_named`, also where rules find errors: to be shown, or for a run that has begun."""
    library, _, program = _opened(document, workflow_id, load_options or LoadOptions(), named)
    return _ready(program, library)


def _opened(
    document: DocumentSource, workflow_id: str | None, options: LoadOptions, named: LoadOptions | None
) -> tuple[Library, LoadedDocument, Program]:
    check_urls(options.servers)
    environment = options.environment or os.environ if options.snapshot is None else options.snapshot.variables
    options = replace(options, environment=environment)
    library, entry = open_document(document, options)
    if library.problems.has_errors:
        raise InvalidDescription(library.problems.diagnostics)
    names = list(entry.workflows)
    if workflow_id is not None and workflow_id not in names:
        raise _unknown_workflow(workflow_id, names, entry.at)
    chosen = workflow_id if workflow_id is not None or len(names) != 1 else names[0]
    program = load_program(entry, library, chosen)
    unknown = () if named is None else tuple(unknown_names(program, named))
    if unknown:  # before what follows from it: a description that is not found, a server that is not named
        raise InvalidUsage(unknown)
    if library.problems.has_errors:  # no rule is asked: it would blame what follows from an error
        raise InvalidDescription(library.problems.diagnostics)
    return library, entry, program


def _ready(program: Program, library: Library) -> Program:
    if library.problems.has_errors:
        raise InvalidDescription(library.problems.diagnostics)
    read_schemas(program.operations())
    read_message_schemas((each, call.description) for _, _, call in program.message_steps() for each in call.messages)
    return replace(program, diagnostics=library.problems.diagnostics)


def validate(
    *documents: DocumentSource,
    load_options: LoadOptions | None = None,
    judge: Judge = Judge.VALIDATE,
    rules: Collection[str] | None = None,
    rule_options: RuleOptions | None = None,
) -> tuple[Diagnostic, ...]:
    """Check Arazzo documents: shape, language, links, then by rules; nothing is sent.

    `judge` decides how severe deviations are: Judge.RUN reports those that a run tolerates as warnings.
    `rules` are the codes of the rules to run (None: those that run by default); `rule_options` are
    the options of rules, by code and name. Nothing remote is read unless the `load_options` say so by
    `allow_remote` or `allow_hosts`.
    Returns every finding, in the order found; errors in a document are findings, not exceptions.
    Raises InvalidUsage for a file that cannot be opened, an unknown rule, and options that validation cannot obey.
    """
    from arazzo_runner.lint.choices import chosen_checks  # lazily: runs choose no rules

    check_kinds(documents=documents, load_options=load_options, rules=rules)
    given = load_options or LoadOptions()
    check_for_validation(given)
    check_remote(given)
    checks = chosen_checks(judge, rules, rule_options or {}, strict=given.strict)
    offline = given.offline or not (given.allow_remote or given.allow_hosts)
    reading = replace(
        given, offline=offline, unchecked=True, any_server=True, environment=given.environment or os.environ
    )
    checker = Checker(documents, reading)
    checked = [checker.check(document, checks) for document in documents]
    unknown = tuple(unknown_sources(checker.sources, given))
    if unknown and all(each.document is not None for each in checked):
        raise InvalidUsage(unknown)
    return tuple(dict.fromkeys(found for each in checked for found in each.diagnostics))


def run(
    document: DocumentSource | Program,
    workflow_id: str | None = None,
    inputs: Mapping[str, JsonValue] | None = None,
    *,
    servers: Mapping[str, str] | None = None,
    world: World | None = None,
    around: Around | None = None,
    mock: Mock = False,
    mock_lenient: bool = False,
    sample_inputs: bool = False,
    scenario: str | PathLike[str] | None = None,
    switches: Sequence[str] = (),
    on_event: OnEvent | None = None,
    options: RunOptions | None = None,
    credentials: CredentialsGiven = None,
    load_options: LoadOptions | None = None,
) -> RunResult:
    """Run one workflow and return its result; blocking, also usable inside a running event loop.

    A workflow that fails is a result (`status`), not an exception.

    - `document`: a path, a URL, the document as a mapping, or a Program that `load` returned.
    - `workflow_id`: which workflow to run (default: the only one).
    - `inputs`: JSON values by name; a file is `bytes`, a `File`, a `pathlib.Path` or a file open in binary mode.
    - `servers`: the URLs at which APIs are called, by the names of their source descriptions; of a Program too.
    - `world`: performs the effects of the run in place of the World that sends; `around` wraps either.
    - `mock`: answer from the descriptions on a loopback server, messages in the process, by the rules of the file
      `scenario`, of which `switches` turn some on. "stateful" remembers what is created, changed and deleted;
      `mock_lenient` allows statuses that steps expect and descriptions lack.
    - `sample_inputs`: make up the inputs that are not given, from their schema and the operations that read them.
    - `on_event`: is called with every event as it happens, and the run's Secrets.
    - `options`: limits and choices of the run; `load_options`: how documents are found and read. A Program has
      been read: only `servers` of them can be given with it.
    - `credentials`: for the security schemes of the operations, by source and scheme; what they lack is looked
      for in the environment, the credentials file and the keyring.

    Raises InvalidDescription, InvalidInputs, UnknownWorkflow, InvalidUsage before anything is sent; InvalidUsage
    also for arguments that could not be obeyed: names that nothing has, `scenario` without `mock`.
    Ctrl-C ends the workflows and raises KeyboardInterrupt; `partial_result` returns the result so far.

    >>> result = run("specs/arazzo/prismatic-rotate-refresh-token-workflow.yml",
    ...              inputs={"refreshToken": "demo-refresh-token-1"}, mock=True)
    >>> result.status, result.outputs["revokedStatus"]
    ('succeeded', 200)
    """
    from arazzo_runner.runtime.signals import held_signals  # lazily: only runs need it

    result, before = None, sys.exception()
    try:
        check_kinds(
            runnable=document, workflow_id=workflow_id, inputs=inputs, servers=servers, world=world, around=around,
            mock_lenient=mock_lenient, sample_inputs=sample_inputs, scenario=scenario, switches=switches,
            on_event=on_event, options=options, credentials=credentials, load_options=load_options,
        )  # fmt: skip
        given = RunArguments(
            world=world, mock=mock, mock_lenient=mock_lenient, scenario=scenario, switches=switches,
            servers=with_servers(load_options, servers), options=_chosen(options), is_blocking=True,
        )  # fmt: skip
        ready = _prepared(document, workflow_id, inputs or {}, given, credentials, around, sample_inputs=sample_inputs)
        with (
            held_signals(),
            ready.mocked.served(ready.program, ready.inputs) as answering,
            blocking(world, given.options) as performing,
            ready.brokers() as connections,
            blocking_stack(
                performing, ready.access, around, parallel=ready.parallel, inside=answering.inside,
                messages=answering.messages if connections is None else connections.around,
            ) as outermost,
        ):  # fmt: skip
            result = with_findings(ready.program, drive(_running(ready, answering.program, outermost, on_event)))
        return result  # noqa: RET504 - in here: a signal may come until then
    except BaseException as stop:
        carry(stop, result or so_far(stop, before))
        raise


async def arun(
    document: DocumentSource | Program,
    workflow_id: str | None = None,
    inputs: Mapping[str, JsonValue] | None = None,
    *,
    servers: Mapping[str, str] | None = None,
    world: World | None = None,
    around: Around | None = None,
    mock: Mock = False,
    mock_lenient: bool = False,
    sample_inputs: bool = False,
    scenario: str | PathLike[str] | None = None,
    switches: Sequence[str] = (),
    on_event: OnEvent | None = None,
    options: RunOptions | None = None,
    credentials: CredentialsGiven = None,
    load_options: LoadOptions | None = None,
) -> RunResult:
    """Run one workflow on the running event loop, concurrently with others; takes and returns the same as `run`.

    A cancelled run ends its workflows (`on_event` gets their ends), closes what it opened, and raises CancelledError
    again; `partial_result` returns the result so far, also of the TimeoutError of `asyncio.timeout`.
    """
    import asyncio  # lazily: a blocking run never needs it

    interrupts = (KeyboardInterrupt, SystemExit, asyncio.CancelledError)
    result, before = None, sys.exception()
    try:
        check_kinds(
            runnable=document, workflow_id=workflow_id, inputs=inputs, servers=servers, world=world, around=around,
            mock_lenient=mock_lenient, sample_inputs=sample_inputs, scenario=scenario, switches=switches,
            on_event=on_event, options=options, credentials=credentials, load_options=load_options,
        )  # fmt: skip
        given = RunArguments(
            world=world, mock=mock, mock_lenient=mock_lenient, scenario=scenario, switches=switches,
            servers=with_servers(load_options, servers), options=_chosen(options),
        )  # fmt: skip
        ready = _prepared(document, workflow_id, inputs or {}, given, credentials, around, sample_inputs=sample_inputs)
        with ready.mocked.served(ready.program, ready.inputs) as answering:
            async with (
                asynchronous(world, given.options) as performing,
                ready.brokers() as connections,
                asynchronous_stack(
                    performing, ready.access, around, parallel=ready.parallel, inside=answering.inside,
                    messages=answering.messages if connections is None else connections.around,
                ) as outermost,
            ):  # fmt: skip
                result = await _running(ready, answering.program, outermost, on_event, interrupts)
    except BaseException as stop:
        carry(stop, result or so_far(stop, before))  # also when the connections were being closed
        raise
    return with_findings(ready.program, result)


def dry_run(
    document: DocumentSource | Program,
    workflow_id: str | None = None,
    inputs: Mapping[str, JsonValue] | None = None,
    *,
    servers: Mapping[str, str] | None = None,
    sample_inputs: bool = False,
    on_event: OnEvent | None = None,
    options: RunOptions | None = None,
    credentials: CredentialsGiven = None,
    load_options: LoadOptions | None = None,
) -> RunResult:
    """Return the result of a run that sends nothing; its answers are made from the descriptions.

    The requests that would be sent are in the attempts of its steps. Each step is visited once; where a loop or
    a retry would repeat it, `repeats` says until when. Takes the same arguments as `run`; `options` about sending
    (timeouts, `transport`, `max_response_size`) are those of the run that is looked at in advance.
    """
    from arazzo_runner.runtime.mock.worlds import DryRunWorld

    check_kinds(
        runnable=document, workflow_id=workflow_id, inputs=inputs, servers=servers, sample_inputs=sample_inputs,
        on_event=on_event, options=options, credentials=credentials, load_options=load_options,
    )  # fmt: skip
    program = _program(document, workflow_id, with_servers(load_options, servers), mock=False)
    given = with_samples(program, inputs or {}) if sample_inputs else inputs or {}
    return rehearse(program, given, DryRunWorld, on_event=on_event, options=options, credentials=credentials)


def rehearse(
    program: Program,
    inputs: Mapping[str, JsonValue],
    world_of: Callable[[Program, Mapping[str, JsonValue]], World],
    *,
    reads_files: bool = True,
    on_event: OnEvent | None = None,
    options: RunOptions | None = None,
    credentials: CredentialsGiven = None,
) -> RunResult:
    """Return the result of a dry run in the World that `world_of` makes for the checked inputs, which sends nothing.

    Unless it `reads_files`, those that the run names are not looked for, nor are credentials.
    """
    chosen, secrets = _chosen(options), Secrets()
    prepared, notes = check_inputs(program, inputs, formats=chosen.checks.formats)
    if reads_files:
        check_files(program, prepared, chosen)
    access = _access(program, credentials, chosen, secrets) if reads_files else Access()
    with blocking_stack(world_of(program, prepared), Access(), None, parallel=chosen.parallel > 1) as world:
        running = run_program(
            program, prepared, world, chosen,
            emit=on_event or _ignore, secrets=secrets, notes=notes + access.missing, access=access, is_dry=True,
        )  # fmt: skip
        return with_findings(program, drive(running))


def check_credentials(program: Program, credentials: CredentialsGiven, options: RunOptions) -> tuple[Diagnostic, ...]:
    """Return a warning for each credential that the program's operations need and that is not configured.

    Raises InvalidUsage for those that cannot be read or sent, and, with `require_credentials`, for missing ones.
    """
    return _access(program, credentials, options, Secrets()).missing


def check_inputs(
    program: Program,
    inputs: Mapping[str, JsonValue],
    input_texts: Mapping[str, str] | None = None,
    *,
    formats: Level = "warn",
    places: Places | None = None,
) -> tuple[dict[str, JsonValue], tuple[Diagnostic, ...]]:
    """Return the inputs of the program's workflow, coerced and with defaults, and warnings about them.

    Files among the inputs (paths, open files, bytes) are read. `input_texts` are texts (from a command line)
    that become the types the inputs schema asks for, `formats` is the level of values that lack the format of
    the schema, `places` returns where an input was given, None where that is in no file.

    Raises InvalidInputs when one is missing, does not fit, or is read but neither declared nor given.
    """
    workflow = program.workflow
    prepared = prepare_inputs(
        workflow.inputs, with_files(inputs), input_texts or {},
        root=workflow.document.raw, formats=formats, secret=workflow.secret_inputs,
        provided=workflow.callback_inputs,
    )  # fmt: skip
    found_at = partial(_place_of_input, workflow, places)
    errors = [_input_diagnostic(error, Severity.ERROR, found_at) for error in prepared.errors]
    errors += inputs_without_value(program, prepared.inputs)
    if errors:
        raise InvalidInputs(dict.fromkeys(errors))
    doubtful = texts_like_files(prepared.inputs, partial(described_input, program), workflow.secret_inputs)
    found = [_input_diagnostic(each, Severity.WARNING, found_at) for each in (*prepared.warnings, *doubtful)]
    return prepared.inputs, (*found, *(_input_diagnostic(each, Severity.INFO, found_at) for each in prepared.notes))


def with_samples(program: Program, inputs: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:
    """Return the inputs of the program's workflow, those that are not given made up."""
    from arazzo_runner.runtime.mock.inputs import sample_inputs  # lazily: few runs have made-up inputs

    return sample_inputs(program, inputs)


def check_transport(options: RunOptions) -> Secrets:
    """Return the passwords of the proxies that a run may use, as the first of its secrets.

    Raises InvalidUsage when a certificate, a proxy or the HTTP library cannot be used.
    """
    named = any(name.lower().endswith("_proxy") or name == "ARAZZO_HTTP" for name in os.environ)
    if options.transport is None and not named:
        return Secrets()
    from arazzo_runner.runtime.transport_check import check_transport as check
    from arazzo_runner.sources.hosts import passwords

    transport = options.transport or TransportOptions()
    check(transport, os.environ)
    secrets = Secrets()
    secrets.declare(list(passwords(transport.proxies, os.environ)))
    return secrets


def open_brokers(program: Program, credentials: CredentialsGiven, options: RunOptions) -> Brokers:
    """Return the connections of several runs of a program to its brokers, to be closed after the last one."""
    from arazzo_runner.runtime.messaging import brokers_of

    secrets = Secrets()
    return brokers_of(_access(program, credentials, options, secrets), options, secrets)


def check_brokers(program: Program, options: RunOptions) -> None:
    """Raise InvalidUsage for each step of a run whose broker nothing here can speak to."""
    if next(program.message_steps(), None) is None:
        return
    from arazzo_runner.runtime.messaging import check_reachable

    check_reachable(program, options)


def _input_diagnostic(problem: InputProblem, severity: Severity, found_at: Callable[[str], Location]) -> Diagnostic:
    at = found_at(problem.name)
    return Diagnostic(code=problem.code, severity=severity, message=problem.message, at=at, hint=problem.hint)


def _place_of_input(workflow: CompiledWorkflow, places: Places | None, name: str) -> Location:
    """Return where an input was given in a file, else where it is declared."""
    given = None if places is None else places(name)
    if given is not None or workflow.inputs is None:
        return workflow.at if given is None else given
    at = workflow.at.child("inputs")
    properties = workflow.inputs.get("properties") if isinstance(workflow.inputs, dict) else None
    is_here = isinstance(properties, dict) and name in properties
    return at.child("properties").child(name).at_key() if is_here else at


# ------------------------------------------------------------------ parts


def choose_workflow(program: Program, workflow_id: str | None) -> Program:
    """Return the program with its entry workflow chosen; raises UnknownWorkflow without a choice."""
    names = [workflow.workflow_id for workflow in program.description.workflows]
    if workflow_id is None and program.entry is not None:
        return program
    key = next(
        (key for key in program.workflows if key.workflow_id == workflow_id and key.document == program.base), None
    )
    if key is not None:
        return replace(program, entry=key)
    if workflow_id in names:
        raise _not_loaded(program, workflow_id or "")
    raise _unknown_workflow(workflow_id, names, program.description.at)


def _not_loaded(program: Program, workflow_id: str) -> UnknownWorkflow:
    loaded = "" if program.entry is None else f', but "{program.entry.workflow_id}"'
    return UnknownWorkflow(
        [
            Diagnostic(
                code="unknown-workflow",
                severity=Severity.ERROR,
                message=f'the workflow "{workflow_id}" of the document was not loaded{loaded}',
                at=program.description.at.child("workflows"),
                hint=f'load the document with workflow_id="{workflow_id}", or without one for all of them',
            )
        ]
    )


def _unknown_workflow(workflow_id: str | None, names: Sequence[str], at: Location) -> UnknownWorkflow:
    if workflow_id is None:
        return several_workflows(names, at)
    message, hint = f'there is no workflow "{workflow_id}"', names_hint(workflow_id, names)
    diagnostic = Diagnostic(
        code="unknown-workflow", severity=Severity.ERROR, message=message, at=at.child("workflows"), hint=hint
    )
    return UnknownWorkflow([diagnostic])


def with_servers(load_options: LoadOptions | None, servers: Mapping[str, str] | None) -> LoadOptions:
    """Return the options of a load whose `servers` were given apart, which win."""
    options = load_options or LoadOptions()
    return replace(options, servers={**options.servers, **servers}) if servers else options


class _Ready(Record, kw_only=True):
    """A run that may begin: what was given is checked, its credentials are found."""

    program: Program
    inputs: dict[str, JsonValue]
    notes: tuple[Diagnostic, ...]
    options: RunOptions
    secrets: Secrets
    access: Access
    mocked: Mocked
    world: World | None
    durable_name: str | None

    @property
    def parallel(self) -> bool:
        """Whether steps may run at the same time."""
        return self.options.parallel > 1

    def brokers(self) -> Brokers | nullcontext[None]:
        """Return the connections to brokers, to be opened; none where a mock or the World performs messages."""
        if not uses_brokers(self.program, self.world, mock=self.mocked.mock):
            return nullcontext()
        from arazzo_runner.runtime.messaging import brokers_of  # lazily: most programs have no messages

        return brokers_of(self.access, self.options, self.secrets, durable_name=self.durable_name)


def _prepared(
    document: DocumentSource | Program,
    workflow_id: str | None,
    inputs: Mapping[str, JsonValue],
    given: RunArguments,
    credentials: CredentialsGiven,
    around: Around | None,
    *,
    sample_inputs: bool,
) -> _Ready:
    check_arguments(given)
    is_mock, options = bool(given.mock), given.options
    program = _program(document, workflow_id, given.servers, mock=is_mock)
    checked, notes = check_inputs(
        program, with_samples(program, inputs) if sample_inputs else inputs, formats=options.checks.formats
    )
    if sends(given.world) and not getattr(around, "has_journal", False):
        check_files(program, checked, options)
    if uses_brokers(program, given.world, mock=given.mock):
        check_brokers(program, options)
    secrets = check_transport(options) if sends(given.world) else Secrets()
    return _Ready(
        program=program,
        inputs=checked,
        notes=notes,
        options=options,
        secrets=secrets,
        access=_access(program, credentials, options, secrets, mock=is_mock, world=given.world),
        mocked=Mocked(given.mock, given.mock_lenient, given.scenario, given.switches),
        world=given.world,
        durable_name=getattr(around, "durable_name", None),
    )


def _running(
    ready: _Ready,
    program: Program,
    outermost: World,
    on_event: OnEvent | None,
    interrupts: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit),
) -> Coroutine[Any, Any, RunResult]:
    """Return the run of a program, which is that of `ready` with the servers that a mock has."""
    return run_program(
        program, ready.inputs, outermost, ready.options,
        emit=on_event or _ignore, secrets=ready.secrets, notes=ready.notes + ready.access.missing,
        access=ready.access, interrupts=interrupts, unwaited=unwaited(ready.mocked, ready.world, outermost),
    )  # fmt: skip


def _program(document: DocumentSource | Program, workflow_id: str | None, given: LoadOptions, *, mock: bool) -> Program:
    """Return the program to run: a document is loaded as `given` says, of a Program the servers are changed."""
    if isinstance(document, Program):
        check_of_program(given)
        program = called_at(document, given.servers) if given.servers else document
    else:
        program = load(document, workflow_id, load_options=replace(given, any_server=given.any_server or mock))
    return choose_workflow(program, workflow_id)


def _access(
    program: Program,
    credentials: CredentialsGiven,
    options: RunOptions,
    secrets: Secrets,
    *,
    mock: bool = False,
    world: World | None = None,
) -> Access:
    """Find the credentials of a run; nothing is imported or read where every step gives its own.

    A World that sends nothing (a cassette's) gets them only when the caller asks for some. A mock gets
    placeholders; what the caller asks for is checked all the same.
    """
    if isinstance(credentials, Mapping):
        check_credential_names(program, credentials)
    asked = credentials is not None or options.credentials_file is not None or options.require_credentials
    may_need_some = asked or sends(world)
    if not may_need_some or next(secured_steps(program), None) is None:
        return Access()
    from arazzo_runner.runtime.auth.world import open_access

    if mock and asked:
        open_access(program, credentials, options, Secrets())
    return open_access(program, credentials, options, secrets, mock=mock)


def _chosen(options: RunOptions | None) -> RunOptions:
    """Return the options of a run; raises InvalidUsage for those of the wrong kind, and numbers out of range."""
    if options is None:
        return RunOptions()
    check_options(options)
    return options


def _ignore(event: Event, secrets: Secrets) -> None:
    """The default listener: ignores every event."""
