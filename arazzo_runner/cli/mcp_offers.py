"""The tools of `arazzo mcp`: every document is read here, once, before anything is served."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from arazzo_runner import api
from arazzo_runner.base.records import Record, replace
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.run.inputs import GivenInputs, stated_inputs, with_defaults, with_environment, with_files_placed
from arazzo_runner.cli.run.options import (
    CredentialArguments,
    DurableArguments,
    LimitArguments,
    ManyArguments,
    PartArguments,
    RunArguments,
    TransportArguments,
)
from arazzo_runner.cli.run.prepare import (
    check_brokers,
    check_variables,
    checked,
    configured,
    credentials_of,
    load_document,
    load_options,
    missing_credentials,
    run_options,
    scenario_of,
)
from arazzo_runner.engine.options import CheckOptions
from arazzo_runner.errors import Diagnostic, InvalidInputs, InvalidUsage, similar_or_all
from arazzo_runner.mcp.arguments import missing_secrets
from arazzo_runner.mcp.input_schema import secret_inputs
from arazzo_runner.mcp.names import RESERVED, tool_names
from arazzo_runner.mcp.offers import Offer
from arazzo_runner.mcp.reach import reach_of
from arazzo_runner.program.model import Program
from arazzo_runner.program.schemas import accepts_any_name, input_names
from arazzo_runner.sources.fetch import DocumentSnapshot


class ServeArguments(Record, kw_only=True):
    """The command line of `arazzo mcp`, parsed; fields have the names of the options."""

    specs: tuple[str, ...]
    only: tuple[str, ...]
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
    limits: LimitArguments
    transport: TransportArguments
    credentials: CredentialArguments
    checks: CheckOptions | None
    env: str | None
    durable: bool
    store: str | None
    idempotency_keys: bool

    def as_run(self, spec: str) -> RunArguments:
        """Return the command line of `arazzo run` whose runs the tools of a document perform."""
        return RunArguments(
            specs=(spec,), workflows=(), inputs=self.inputs, input_file=self.input_file, servers=self.servers,
            server_variables=self.server_variables, channel_addresses=self.channel_addresses, include=self.include,
            reading=self.reading, mock=self.mock, mock_lenient=self.mock_lenient, scenario=self.scenario,
            switches=self.switches, sample_inputs=self.sample_inputs, dry_run=False, verbose=0, quiet=True,
            format_="text", output=None, show_secrets=False, no_color=True, reports=(), record=None,
            many=_one_run(self.env), limits=self.limits, part=_WHOLE, transport=self.transport,
            credentials=self.credentials, checks=self.checks,
            durable=DurableArguments(
                durable=self.durable, run_id=None, store=self.store, idempotency_keys=self.idempotency_keys
            ),
        )  # fmt: skip


_WHOLE = PartArguments(step=None, from_step=None, until=None, outputs_from=None)


def _one_run(env: str | None) -> ManyArguments:
    return ManyArguments(
        data=None, allow_unknown_columns=False, repeat=None, jobs=1, fail_fast=False, shard=None, tags=(), rerun=(),
        rate=None, env=env, env_files=(), watch=False,
    )  # fmt: skip


class Offered(Record, kw_only=True):
    """The tools of a server, and what its user is to know before they are served."""

    offers: tuple[Offer, ...]
    snapshots: tuple[DocumentSnapshot, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


def offered(given: ServeArguments, environment: Mapping[str, str]) -> Offered:
    """Return the tools of all documents; raises ArazzoError for a document or an option that cannot be used."""
    documents = [_Document(given, spec, environment) for spec in dict.fromkeys(given.specs)]
    chosen = [(document, name) for document in documents for name in document.workflow_ids]
    _check_only(given.only, [name for _, name in chosen])
    if given.only:
        chosen = [(document, name) for document, name in chosen if _matches(name, given.only)]
    stated = stated_inputs(given.inputs, given.input_file, [document.program for document in documents])
    _check_stated(stated, [document.with_workflow(name) for document, name in chosen])
    names = tool_names([name for _, name in chosen], RESERVED)
    offers = [
        document.offer(workflow_id, name, stated) for (document, workflow_id), name in zip(chosen, names, strict=True)
    ]
    warnings = dict.fromkeys(each for document in documents for each in document.warnings)
    snapshots = tuple(document.snapshot for document in documents)
    return Offered(offers=tuple(offers), snapshots=snapshots, warnings=tuple(warnings))


class _Document:
    """One document, loaded, with the options of its runs."""

    def __init__(self, given: ServeArguments, spec: str, environment: Mapping[str, str]) -> None:
        self._run = configured(given.as_run(spec), spec)
        self._environment = environment
        self._options = run_options(self._run)
        self._scenario = scenario_of(self._run)
        self.snapshot = DocumentSnapshot.opened(environment)
        self.program = load_document(self._run, spec, None, self.snapshot)
        check_variables(self._run, [self.program])
        check_brokers(self._run, self.program, self._options)
        is_asked = not given.mock or given.credentials.are_asked_for
        file, names = self._run.credentials.credentials_file, self._run.defaults.credentials
        self._credentials = credentials_of([self.program], file, names) if is_asked else None
        self._bundle = _bundle(self.snapshot, self._run) if given.durable else None
        missing = missing_credentials([self.program], self._credentials, self._options)
        self.warnings = (*self.program.diagnostics, *missing)

    @property
    def workflow_ids(self) -> list[str]:
        """The workflowIds of the document."""
        return [each.workflow_id for each in self.program.description.workflows]

    def with_workflow(self, workflow_id: str) -> Program:
        """Return the program of one workflow."""
        return api.choose_workflow(self.program, workflow_id)

    def offer(self, workflow_id: str, name: str, stated: GivenInputs) -> Offer:
        """Return the tool of a workflow; the inputs that the command line states are hidden from clients."""
        program, given = self.with_workflow(workflow_id), self._run
        workflow = program.workflow
        names = input_names(workflow.inputs, workflow.document.raw) or frozenset()
        own = _only_of(stated, names)
        found = with_defaults(with_environment(own, names, self._environment), names, given.defaults.inputs)
        placed = with_files_placed(found, program)
        _check_values(program, placed, own.names)
        return Offer(
            name=name,
            spec=given.spec,
            program=program,
            options=self._options,
            reach=reach_of(program),
            values=placed.values,
            texts=placed.texts,
            hidden=secret_inputs(workflow) | own.names,
            credentials=self._credentials,
            credential_names=given.defaults.credentials,
            bundle=self._bundle,
            mock=given.mock,
            mock_lenient=given.mock_lenient,
            scenario=self._scenario,
            sample_inputs=given.sample_inputs,
        )


def _bundle(snapshot: DocumentSnapshot, given: RunArguments) -> Any:
    from arazzo_runner import durable_runs  # lazily: few servers begin durable runs

    return durable_runs.bundled(snapshot, load_options(given))


def _only_of(stated: GivenInputs, names: Iterable[str]) -> GivenInputs:
    """Return the stated inputs that a workflow declares."""
    known = frozenset(names)

    def own(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if name in known}

    return replace(stated, values=own(stated.values), texts=own(stated.texts), files=own(stated.files))


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _check_only(patterns: Iterable[str], names: list[str]) -> None:
    for pattern in patterns:
        if not any(_matches(name, [pattern]) for name in names):
            message = f'--only: there is no workflow "{pattern}"'
            raise InvalidUsage([usage_error(message, code="unknown-workflow", hint=similar_or_all(pattern, names))])


def _check_values(program: Program, given: GivenInputs, stated: Iterable[str]) -> None:
    """Refuse stated inputs that do not fit, now and not in every call; others are given, or missing, later."""
    try:
        checked(program, given)
    except InvalidInputs as problem:
        wrong = [each for each in problem.diagnostics if each.code == "invalid-input"]
        if wrong and any(stated):
            raise InvalidInputs(wrong) from None


def _check_stated(stated: GivenInputs, programs: Iterable[Program]) -> None:
    """Refuse an input that none of the workflows has."""
    known: dict[str, None] = {}
    for program in programs:
        workflow = program.workflow
        if accepts_any_name(workflow.inputs, workflow.document.raw):
            return
        known.update(dict.fromkeys(input_names(workflow.inputs, workflow.document.raw) or ()))
    for name in sorted(stated.names - known.keys()):
        hint = similar_or_all(name, list(known))
        raise InvalidUsage([usage_error(f'no workflow has the input "{name}"', code="unknown-input", hint=hint)])


def missing_inputs(offers: Iterable[Offer]) -> Iterator[tuple[Offer, str]]:
    """Yield the secret inputs that a tool needs and that nobody gives."""
    for offer in offers:
        for name in missing_secrets(offer):
            yield offer, name
