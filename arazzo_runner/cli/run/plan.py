"""The runs that a command line asks for: of every document, every workflow and every row of --data, repeated."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

from arazzo_runner import api
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.inputs import (
    GivenInputs,
    stated_inputs,
    with_defaults,
    with_environment,
    with_row,
)
from arazzo_runner.cli.run.options import RunArguments, has_wildcard, is_glob
from arazzo_runner.cli.run.prepare import (
    Prepared,
    check_brokers,
    check_variables,
    checked,
    configured,
    credentials_of,
    load_document,
    missing_credentials,
    run_options,
    scenario_of,
    with_message_settings,
    with_samples,
)
from arazzo_runner.cli.run.rows import Row, rows_for
from arazzo_runner.cli.run.selection import read_outcomes, sharded, tagged, to_be_repeated
from arazzo_runner.engine.effects import CredentialsGiven
from arazzo_runner.engine.inputs import undeclared_inputs
from arazzo_runner.errors import ArazzoError, Diagnostic, InvalidUsage, UnknownWorkflow, similar_or_all
from arazzo_runner.program.model import Program
from arazzo_runner.program.schemas import input_names
from arazzo_runner.sources.fetch import DocumentSnapshot
from arazzo_runner.sources.uris import is_remote


class PlannedRun(Record, kw_only=True):
    """One of many runs: its name in reports, its arguments, and all that it needs; `number` counts from 1."""

    name: str
    number: int
    given: RunArguments
    ready: Prepared


class Plan(Record):
    """The runs in order, notes about those that are left out, and the names of those left out because of a doubt."""

    runs: tuple[PlannedRun, ...]
    notes: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


class _Chosen(Record):
    """A workflow of a document."""

    given: RunArguments
    spec: str
    program: Program

    @property
    def workflow_id(self) -> str:
        return self.program.workflow.workflow_id


def plan(given: RunArguments, environment: Mapping[str, str], snapshot: DocumentSnapshot | None = None) -> Plan:
    """Load every document and check the inputs of every run; raises InvalidUsage with all that is wrong.

    Runs that --rerun-failed and --shard leave out are checked too. `snapshot` records the documents that are read.
    """
    outcomes = read_outcomes(given.many.rerun)
    once = _every_run(given, environment, snapshot)
    runs = once if given.many.repeat is None else list(_repeated(once, given.many.repeat))
    selections = []
    if given.many.shard is not None:
        selections.append(sharded([(index, run.name) for index, run in enumerate(runs)], given.many.shard))
    if outcomes is not None:
        # After the shard: so the part of a machine is the same as in the first attempt, and nothing is left out.
        own = selections[-1].indexes if selections else range(len(runs))
        keys = [(run.ready.spec, run.name) for run in runs]
        selections.append(to_be_repeated(keys, outcomes, own, resend_unknown=given.limits.resend_unknown))
    if selections:
        runs = [replace(runs[index], number=number) for number, index in enumerate(selections[-1].indexes, start=1)]
    doubtful = tuple(name for each in selections for name in each.doubtful)
    return Plan(tuple(_with_credentials(runs)), tuple(each.note for each in selections), doubtful)


def _every_run(
    given: RunArguments, environment: Mapping[str, str], snapshot: DocumentSnapshot | None
) -> list[PlannedRun]:
    """Return the runs of every workflow and row, each once, without their credentials."""
    options = run_options(given)
    chosen = _chosen(given, snapshot)
    many = given.many
    programs = [each.program for each in chosen]
    rows: Sequence[Row | None] = (
        [None] if many.data is None else rows_for(programs, many.data, allow_unknown=many.allow_unknown_columns)
    )
    stated = stated_inputs(given.inputs, given.input_file, programs)
    problems: list[Diagnostic] = []
    once: list[PlannedRun] = []
    scenario, samples = scenario_of(given), given.sample_inputs
    for each in chosen:
        base = _inputs_of(each, stated, environment, alone=len(chosen) == 1)
        own = replace(options, **each.given.credentials.as_options())
        own = with_message_settings(own, each.given.defaults.messages)
        for row in rows:
            name = _name(each, row, with_document=_several_documents(chosen))
            try:
                stated_now = base if row is None else with_row(base, row.inputs)
                stated_now = with_samples(each.program, stated_now) if samples else stated_now
                inputs, warnings = checked(each.program, stated_now, own)
                check_brokers(each.given, each.program, own)
            except ArazzoError as problem:
                problems += _named(problem, name)
                continue
            ready = Prepared(
                spec=each.spec,
                program=each.program,
                inputs=inputs,
                options=own,
                scenario=scenario,
                input_warnings=warnings,
            )
            once.append(PlannedRun(name=name, number=len(once) + 1, given=each.given, ready=ready))
    if problems:
        raise InvalidUsage(problems)
    return once


def _with_credentials(runs: Sequence[PlannedRun]) -> Iterator[PlannedRun]:
    """Yield the runs with their credentials, one object for all that look in the same places."""
    groups: dict[CredentialsKey, list[PlannedRun]] = {}
    for run in runs:
        groups.setdefault(_credentials_key(run.given), []).append(run)
    found: dict[CredentialsKey, tuple[CredentialsGiven, tuple[Diagnostic, ...]]] = {}
    known: dict[str | None, CredentialsGiven] = {}
    for key, group in groups.items():
        programs = list({id(run.ready.program): run.ready.program for run in group}.values())
        file, names = key
        own = group[0].given
        is_asked = not own.mock or own.credentials.are_asked_for
        credentials = credentials_of(programs, file, dict(names), known.get(file)) if is_asked else None
        known[file] = credentials or known.get(file)
        found[key] = credentials, missing_credentials(programs, credentials, group[0].ready.options)
    for run in runs:
        credentials, missing = found[_credentials_key(run.given)]
        yield replace(run, ready=replace(run.ready, credentials=credentials, missing=missing))


CredentialsKey: TypeAlias = tuple[str | None, tuple[tuple[str, str], ...]]


def _credentials_key(given: RunArguments) -> CredentialsKey:
    return given.credentials.credentials_file, tuple(given.defaults.credentials.items())


def _repeated(runs: Sequence[PlannedRun], times: int) -> Iterator[PlannedRun]:
    for repetition in range(times):
        for run in runs:
            number = repetition * len(runs) + run.number
            yield replace(run, name=f"{run.name} #{repetition + 1}", number=number)


def _named(problem: ArazzoError, name: str) -> Iterator[Diagnostic]:
    for each in problem.diagnostics:
        yield replace(each, message=f"run {name}: {each.message}")


def _several_documents(chosen: Sequence[_Chosen]) -> bool:
    """Return whether the names of runs must tell documents apart."""
    return len({each.spec for each in chosen}) > 1


def _name(chosen: _Chosen, row: Row | None, *, with_document: bool) -> str:
    """Return the name of a run: `adopt`, `specs/pets.yml adopt`, `adopt [3]`."""
    name = f"{chosen.spec} {chosen.workflow_id}" if with_document else chosen.workflow_id
    return name if row is None else f"{name} [{row.name}]"


def _inputs_of(chosen: _Chosen, stated: GivenInputs, environment: Mapping[str, str], *, alone: bool) -> GivenInputs:
    """Return the inputs of a workflow; one of several gets only those that it declares."""
    workflow = chosen.program.workflow
    names = input_names(workflow.inputs, workflow.document.raw)
    inputs = with_environment(stated, names or (), environment)
    inputs = with_defaults(inputs, names or (), chosen.given.defaults.inputs)
    if alone or names is None or workflow.inputs is None:
        return inputs
    names |= {reference.name for reference, _ in undeclared_inputs(workflow) if reference.name}
    values = {name: value for name, value in inputs.values.items() if name in names}
    files = {name: each for name, each in inputs.files.items() if name in names}
    texts = {name: text for name, text in inputs.texts.items() if name in names}
    return replace(inputs, values=values, texts=texts, files=files)


# ------------------------------------------------------------------ documents and workflows


def _chosen(given: RunArguments, snapshot: DocumentSnapshot | None) -> list[_Chosen]:
    """Load the documents and choose their workflows; raises InvalidUsage with the mistakes of all documents."""
    problems: list[Diagnostic] = []
    found: list[_Chosen] = []
    known: dict[str, None] = {}
    for spec in documents(given.specs):
        try:
            own = configured(given, spec)
            programs = _programs(own, spec, known, snapshot)
        except ArazzoError as problem:
            problems += problem.diagnostics
            continue
        found += [_Chosen(own, spec, program) for program in programs]
    if not problems:
        matched = {each.workflow_id for each in found}
        problems += [_unmatched(name, known) for name in given.workflows if not _matches_any(name, matched)]
    if problems:
        raise InvalidUsage(dict.fromkeys(problems))
    check_variables(given, [each.program for each in found])
    return [found[index] for index in tagged([each.program for each in found], given.many.tags)]


def documents(specs: Sequence[str]) -> list[str]:
    """Return the documents, globs expanded, each once; raises InvalidUsage."""
    found: list[str] = []
    for spec in specs:
        if not is_glob(spec):
            found.append(spec)
            continue
        files = _matching(spec)
        if not files:
            message = f'no file matches "{spec}"'
            raise InvalidUsage([usage_error(message, code="unreadable-file", hint="** matches folders at any depth")])
        found += files
    once: dict[str, str] = {}
    for spec in found:
        once.setdefault(spec if is_remote(spec) else os.path.abspath(spec), spec)
    return list(once.values())


def _matching(pattern: str) -> list[str]:
    try:
        return sorted(path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path))
    except RecursionError:
        message = f'"{pattern}" leads into folders that are nested too deeply'
        hint = "name the folder of the documents: folder/**/*.yml"
        raise InvalidUsage([usage_error(message, code="unreadable-file", hint=hint)]) from None


def _programs(
    given: RunArguments, spec: str, known: dict[str, None], snapshot: DocumentSnapshot | None
) -> list[Program]:
    """Return the chosen workflows of a document, each as a program of its own; their names are added to `known`."""
    if not given.workflows and not given.many.tags:
        return [api.choose_workflow(load_document(given, spec, None, snapshot), None)]
    patterns = given.workflows or ("*",)
    if any(map(has_wildcard, patterns)):
        program = load_document(given, spec, None, snapshot)
        names = [workflow.workflow_id for workflow in program.description.workflows]
        known.update(dict.fromkeys(names))
        wanted = [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]
        return [api.choose_workflow(program, name) for name in wanted]
    programs = []
    for name in given.workflows:
        try:
            programs.append(load_document(given, spec, name, snapshot))
        except UnknownWorkflow:
            # One of several documents need not have it; a name that none has is refused by the caller.
            known.update(dict.fromkeys(_workflow_ids(given, spec, snapshot)))
    return programs


def _workflow_ids(given: RunArguments, spec: str, snapshot: DocumentSnapshot | None) -> list[str]:
    program = load_document(given, spec, None, snapshot)
    return [workflow.workflow_id for workflow in program.description.workflows]


def _matches_any(pattern: str, names: set[str]) -> bool:
    return any(pattern == name or fnmatchcase(name, pattern) for name in names)


def _unmatched(name: str, known: Mapping[str, JsonValue]) -> Diagnostic:
    hint = similar_or_all(name, known)
    return usage_error(f'there is no workflow "{name}" in the documents', code="unknown-workflow", hint=hint)
