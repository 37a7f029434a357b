"""From the command line of `arazzo call` to a run: the operation, what it is given, the document that is run."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.cli.call.body import given_body, missing_body
from arazzo_runner.cli.call.extension import known_source
from arazzo_runner.cli.call.new_document import Place, Saved
from arazzo_runner.cli.call.opening import Opened, find_operation, one_source, open_api, source_name
from arazzo_runner.cli.call.parameters import given_parameters
from arazzo_runner.cli.call.saved_files import check_writable, locked
from arazzo_runner.cli.call.saving import sources_of, with_step, write
from arazzo_runner.cli.call.session import CallOutput, CallSession, check_output, is_terminal
from arazzo_runner.cli.call.step import Call, usual_outputs, usual_step_id, written_step
from arazzo_runner.cli.errors import refuse, usage_error
from arazzo_runner.cli.run.options import MadeDocument, RunArguments
from arazzo_runner.cli.run.prepare import Prepared, configured, prepare, reading_with, settings_of
from arazzo_runner.cli.run.session import prepared_reports, termination_interrupts
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import ArazzoError, Diagnostic, InvalidUsage
from arazzo_runner.report.bodies import readable
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.sources.uris import is_remote, join, uri_of_path


class CallArguments(Record, kw_only=True):
    """What `arazzo call` has beside the options of runs, which are in `run`; `server` is the URL of --server."""

    _hidden_in_repr = ("parameters", "bodies")

    api: str
    operation: str | None
    parameters: tuple[tuple[str, str], ...]
    bodies: tuple[str, ...]
    content_type: str | None
    expect: int | None
    include: bool
    force: bool
    server: str | None
    save: str | None
    workflow: str | None
    step_id: str | None
    captures: Mapping[str, str] = field(default_factory=dict)


def open_called(given: CallArguments, run: RunArguments) -> tuple[Opened, RunArguments]:
    """Open the description under its name; returns the arguments of the run with that source. Raises ArazzoError."""
    defaults = settings_of(given.api, run.many.env)
    place = None if given.save is None else Place(path=given.save, api=given.api)
    saved_as = None if place is None else known_source(sources_of(place.path), place)
    name = saved_as or source_name(given.api, dict(defaults.sources))
    if place is not None and saved_as is None:
        taken = [str(each.get("name")) for each in sources_of(place.path)]
        if name in taken:
            name = unused_name(name, taken)
    reading = replace(run.reading, sources={**run.reading.sources, name: given.api})
    servers = {} if given.server is None else {name: given.server.removeprefix(f"{name}=")}
    opened = open_api(given.api, name, reading_with(reading, defaults, any_server=True))
    return opened, replace(run, reading=reading, servers=servers)


def call_session(given: CallArguments, run: RunArguments, environment: Mapping[str, str]) -> int:
    """Make a call and return the exit code."""
    console = Console(sys.stdout, sys.stderr, color=False if run.no_color else None)
    reports = None
    try:
        _check_names(given)
        check_output(run.output, force=given.force)
        opened, run = open_called(given, run)
        call = read_call(given, opened, is_dry=run.dry_run)
        saving = None if given.save is None else _Saving(given, call)
        run = with_document(given, run, call, saving)
        run = configured(run, run.spec)
        reports = prepared_reports(run, console)
        output = CallOutput(
            at=call.operation.at,
            captures=tuple(given.captures),
            include=given.include,
            is_terminal=is_terminal(),
            save=None if saving is None else saving.save,
        )
        ready = _prepared(run, environment, output)
        session = CallSession(run, ready, console, reports, output)
    except ArazzoError as problem:
        if reports is not None:
            reports.refused(run, problem.diagnostics)
        return refuse(console, problem.diagnostics, "call", as_json=run.as_json)
    with termination_interrupts():
        return session.run()


def _check_names(given: CallArguments) -> None:
    """Raise InvalidUsage for a name that the saved document could not have."""
    names = {"--workflow": given.workflow, "--step-id": given.step_id}
    for option, name in [*names.items(), *(("--capture", each) for each in given.captures)]:
        if name is not None and not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            message = f'{option}: "{name}" is no name for it'
            raise InvalidUsage([usage_error(message, hint="use letters, digits, - and _")])


def _prepared(run: RunArguments, environment: Mapping[str, str], output: CallOutput) -> Prepared:
    """Return the run that is ready; what is wrong with the document of the call is reported at the operation."""
    try:
        ready = prepare(run, environment)
    except ArazzoError as problem:
        raise type(problem)(output.placed(problem.diagnostics)) from None
    program = replace(ready.program, diagnostics=tuple(output.placed(ready.program.diagnostics)))
    return replace(
        ready,
        program=program,
        input_warnings=tuple(output.placed(ready.input_warnings)),
        missing=tuple(output.placed(ready.missing)),
    )


def read_call(given: CallArguments, opened: Opened, *, is_dry: bool = False) -> Call:
    """Return the call that a command line asks for; raises ArazzoError for all that is missing or wrong in it."""
    operation = find_operation(opened, given.operation or "")
    problems: list[Diagnostic] = []
    parameters, body = [], None
    with_expressions = given.save is not None
    try:
        parameters = given_parameters(operation, given.parameters, allow_expressions=with_expressions)
    except InvalidUsage as problem:
        problems += problem.diagnostics
        problems += missing_body(operation, given.bodies)
    if not problems:
        body = given_body(operation, given.bodies, given.content_type)
    if problems:
        raise InvalidUsage(problems)
    call = Call(
        source=opened.name,
        description=opened.description,
        operation=operation,
        parameters=parameters,
        body=body,
        expected=given.expect,
        captures=given.captures,
        allow_expressions=with_expressions,
    )
    if call.has_expressions and not is_dry:
        message = "an expression such as $steps.a.outputs.id has a value only while its workflow runs"
        hint = "save the step without sending it: add --dry-run; a text that is none is read from a file: @FILE"
        raise InvalidUsage([usage_error(message, hint=hint)])
    return call


def with_document(given: CallArguments, run: RunArguments, call: Call, saving: _Saving | None) -> RunArguments:
    """Return the arguments of a run of the document that has the call as its step."""
    roots = _roots(call)
    run = replace(run, limits=replace(run.limits, file_roots=(*run.limits.file_roots, *roots)))
    if saving is not None and call.has_expressions:
        saved = saving.planned
        part = replace(run.part, step=saved.step_id)
        made = MadeDocument(_absolute(saved.text, given.save or ""))
        return replace(run, made=made, part=part, workflows=(saved.workflow_id,), sample_inputs=True)
    written = written_step(call, usual_step_id(call.operation), outputs=usual_outputs(call.operation))
    properties: dict[str, JsonValue] = {name: each.schema for name, each in written.inputs.items()}
    workflow: dict[str, JsonValue] = {"workflowId": "call"}
    if properties:
        workflow["inputs"] = {"type": "object", "properties": properties}
    url = given.api if is_remote(given.api) else uri_of_path(given.api)
    document = one_source(call.source, url, [{**workflow, "steps": [written.step.tree()]}])
    if call.is_newer:
        document["arazzo"] = "1.1.0"
    return replace(run, made=MadeDocument(document, written.values))


def _roots(call: Call) -> list[str]:
    """Return the folders of the files that the command line sends."""
    files = () if call.body is None else call.body.files
    return list(dict.fromkeys(os.path.dirname(os.path.abspath(path)) for path in files))


def _absolute(text: str, path: str) -> dict[str, JsonValue]:
    """Return a document with absolute URLs of its sources, for it is read from another place than its own."""
    document = read(text.encode(), path, Problems())
    value: Any = {} if document is None else document.value
    base = uri_of_path(os.path.realpath(path))
    sources = [
        {**each, "url": join(base, each["url"])} if isinstance(each.get("url"), str) else each
        for each in value.get("sourceDescriptions") or []
        if isinstance(each, dict)
    ]
    return {**value, "sourceDescriptions": sources}


class _Saving:
    """The step of a call, to be saved when the call has succeeded; `planned` is the document as far as it is known."""

    def __init__(self, given: CallArguments, call: Call) -> None:
        self._call = call
        self._place = Place(path=given.save or "", api=given.api, workflow_id=given.workflow, step_id=given.step_id)
        check_writable(self._place.path)
        self.planned: Saved = with_step(self._place, call, usual_outputs(call.operation))

    def save(self, result: RunResult, response: HttpResponse | None) -> str:
        """Write the document with the step; returns a line about it. Raises ArazzoError."""
        call, outputs = self._call, usual_outputs(self._call.operation)
        if response is not None:
            body: JsonValue = readable(response.body, response.header("content-type")) if response.body else None
            outputs = usual_outputs(call.operation, response.status, body)
            call = replace(call, expected=response.status)
        with locked(self._place.path):
            saved = with_step(self._place, call, outputs)
            write(self._place, saved)
        where = f'step "{saved.step_id}" of workflow "{saved.workflow_id}"'
        made = " (a new file)" if saved.before is None else ""
        needed = f"; it reads the input {', '.join(saved.inputs)}" if saved.inputs else ""
        return one_line(f"saved as {where} in {self._place.path}{made}{needed}")
