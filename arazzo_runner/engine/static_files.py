"""The files that a run names from the beginning: looked for before its first request, when nothing has been sent.

Bodies are built with what is known then, the documents and the inputs. What only answers will say is not known;
a step or workflow that may not be reached counts too, because no workflow makes files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.body import UnusableBody, build_body
from arazzo_runner.engine.effects import NoFile
from arazzo_runner.engine.files import UnusableFile, named_files, paths_in
from arazzo_runner.engine.inputs import inherited_inputs, prepare_inputs
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.resolve import Unresolved, resolve
from arazzo_runner.engine.run import drive
from arazzo_runner.engine.selection import Selection, select
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledBody,
    CompiledParameter,
    CompiledStep,
    CompiledWorkflow,
    Literal,
    ObjectValue,
    OperationCall,
    Program,
    Value,
    WorkflowKey,
)
from arazzo_runner.sources.http_media.files import may_have_files

Look = Callable[[str], bytes | NoFile]
"""Returns why the file of a path cannot be sent, as NoFile; else anything."""
_UNKNOWN: Final = "\0unknown\0"
_MOST_VISITS: Final = 200


class _Visit(Record):
    """A way in which a workflow is run: the steps that may run, and what of its inputs is known."""

    workflow: CompiledWorkflow
    steps: Sequence[CompiledStep]
    inputs: dict[str, JsonValue]

    @property
    def scope(self) -> Scope:
        """What expressions have a value from the beginning."""
        document = self.workflow.document
        return Scope(
            inputs=self.inputs,
            sources=document.sources,
            components=document.components,
            self_uri=document.self_uri,
        )


class _Found(Record):
    """Looks for files in place of the run, which reads them."""

    program: Program
    inputs: Mapping[str, JsonValue]
    look: Look

    async def read_file(self, key: str, path: str) -> bytes | NoFile:
        """Return no content, or why the file cannot be sent."""
        found = self.look(path)
        return found if isinstance(found, NoFile) else b""


def unusable_files(
    program: Program, inputs: Mapping[str, JsonValue], options: RunOptions, look: Look
) -> Iterator[Diagnostic]:
    """Yield an error for each file that a run with these inputs names and cannot send, as its step would."""
    raws = {id(each.document.raw): each.document.raw for each in program.workflows.values()}
    if not any(map(may_have_files, (dict(inputs), *raws.values()))):
        return
    source = _Found(program, inputs, look)
    for visit in _visits(program, dict(inputs), select(program.workflow, options)):
        for step in visit.steps:
            if step.body is not None and isinstance(step.call, OperationCall):
                for _, problem in _unusable(source, step.body, step.call, visit.scope):
                    yield _error(problem)


def literal_files(
    program: Program, workflow: CompiledWorkflow, step: CompiledStep, call: OperationCall
) -> Iterator[tuple[str, Location]]:
    """Yield the path of each file that a step sends whatever the inputs are, and where the document names it."""
    if step.body is not None:
        source = _Found(replace(program, entry=workflow.key), {}, NoFile)
        for path, problem in _unusable(source, step.body, call, _Visit(workflow, (), {}).scope):
            yield path, problem.at


def _unusable(
    source: _Found, body: CompiledBody, call: OperationCall, scope: Scope
) -> Iterator[tuple[str, UnusableBody]]:
    """Yield the path of each file of a body that cannot be sent, and why not."""
    known = _known_body(body, scope)
    values = [known.payload, *(each.value for each in known.replacements)]
    if not any(any(paths_in(resolve(each, scope))) for each in values if each is not None):
        return
    read_named, reported = named_files(source, body, scope), list[str]()

    async def read(key: str, path: str) -> bytes:
        if _UNKNOWN in path or path in reported:
            return b""
        try:
            return await read_named(key, path)
        except UnusableFile:
            reported.append(path)
            raise

    while True:
        before = len(reported)
        try:
            drive(build_body(known, call.operation, scope, "", read, written=body))
        except UnusableBody as problem:
            if len(reported) > before:
                yield reported[-1], problem
                continue
        except Unresolved:
            pass  # what else is wrong is for the step to say
        return


def _error(problem: UnusableBody) -> Diagnostic:
    return Diagnostic(
        code=problem.code, severity=Severity.ERROR, message=problem.message, at=problem.at, hint=problem.hint
    )


# ------------------------------------------------------------------ what runs


def _visits(program: Program, inputs: dict[str, JsonValue], selection: Selection) -> Iterator[_Visit]:
    waiting = [_Visit(program.workflow, _selected(program.workflow, selection), inputs)]
    seen: list[tuple[WorkflowKey, dict[str, JsonValue]]] = []
    while waiting and len(seen) < _MOST_VISITS:
        visit = waiting.pop(0)
        if (visit.workflow.key, visit.inputs) in seen:
            continue
        seen.append((visit.workflow.key, visit.inputs))
        yield visit
        for key, given, parameters in _calls(program, visit, inputs):
            target = program.workflows[key]
            waiting.append(_Visit(target, target.steps, _known_inputs(target, given, parameters, visit.scope)))


def _selected(workflow: CompiledWorkflow, selection: Selection) -> Sequence[CompiledStep]:
    end = len(workflow.steps) if selection.last is None else selection.last + 1
    chosen = selection.chosen
    return [workflow.steps[each] for each in range(selection.start, end) if chosen is None or each in chosen]


def _calls(
    program: Program, visit: _Visit, inputs: dict[str, JsonValue]
) -> Iterator[tuple[WorkflowKey, dict[str, JsonValue], Sequence[CompiledParameter]]]:
    """Yield each workflow that one may run, with the inputs that it inherits and the parameters of the call."""
    for key in visit.workflow.depends_on:
        yield key, inherited_inputs(program.workflows[key], inputs), ()
    for step in visit.steps:
        if step.called_workflow is not None:
            yield step.called_workflow, {}, step.parameters
        for action in (*step.on_success, *step.on_failure):
            if action.workflow is not None:
                inherited = inherited_inputs(program.workflows[action.workflow], visit.inputs)
                yield action.workflow, inherited, action.parameters


def _known_inputs(
    target: CompiledWorkflow, given: dict[str, JsonValue], parameters: Sequence[CompiledParameter], scope: Scope
) -> dict[str, JsonValue]:
    values = {each.name: resolve(_known(each.value, scope), scope) for each in parameters}
    unknown = {name for name, value in values.items() if value == _UNKNOWN}
    inputs = prepare_inputs(target.inputs, {**given, **values}, {}, root=target.document.raw).inputs
    return {name: value for name, value in inputs.items() if name not in unknown}


# ------------------------------------------------------------------ what is known


def _known_body(body: CompiledBody, scope: Scope) -> CompiledBody:
    payload = None if body.payload is None else _known(body.payload, scope)
    replacements = tuple(replace(each, value=_known(each.value, scope)) for each in body.replacements)
    return replace(body, payload=payload, replacements=replacements)


def _known(value: Value, scope: Scope) -> Value:
    """Return a value whose parts without a value, which answers may still give, are `_UNKNOWN`."""
    if isinstance(value, Literal):
        return value
    if isinstance(value, ObjectValue):
        members = ((name, _known(item, scope)) for name, item in value.members if isinstance(name, str))
        return ObjectValue(tuple(members))
    if isinstance(value, ArrayValue):
        return ArrayValue(tuple(_known(item, scope) for item in value.items))
    try:
        found = resolve(value, scope)
    except Unresolved:
        found = MISSING
    return Literal(_UNKNOWN if found is MISSING else found)
