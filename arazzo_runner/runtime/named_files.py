"""The files that a run will send by their paths: one that cannot be sent is told before the first request."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

from arazzo_runner.base.json_values import JsonValue, resolve_pointer
from arazzo_runner.base.settings import FILE_ROOT
from arazzo_runner.engine.effects import NoFile
from arazzo_runner.engine.files import place_in
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.selection import Selection, select
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledBody,
    CompiledStep,
    CompiledWorkflow,
    ExpressionValue,
    Literal,
    ObjectValue,
    OperationCall,
    Program,
    Value,
    WorkflowCall,
)
from arazzo_runner.runtime.files import place_below
from arazzo_runner.sources.http_media.files import described_by, is_file, without_files
from arazzo_runner.sources.http_media.media import best_match, essence, is_form, is_json, is_xml
from arazzo_runner.sources.http_media.media_types import MULTIPART


def unusable_files(program: Program, inputs: Mapping[str, JsonValue], options: RunOptions) -> Iterator[Diagnostic]:
    """Yield an error per file that is named by the document or an input and that a step could not send.

    Steps that only a failure leads to are left out, and files that a body gets by replacements.
    """
    folders = (os.getcwd(), *options.file_roots)
    for step, given in _steps(program, inputs, options):
        call = step.call
        if isinstance(call, OperationCall) and step.body is not None and not step.body.replacements:
            for pointer, path in _paths(call, step.body, given):
                answer = place_below(folders, path)
                if isinstance(answer, NoFile):
                    yield _error(step.body, f"{pointer}/path", path, answer)


def _error(body: CompiledBody, pointer: str, path: str, answer: NoFile) -> Diagnostic:
    at, name = place_in(body, pointer, path)
    message = answer.message if name is None else f'input "{name}": {answer.message}'
    hint = f"allow its folder with {FILE_ROOT}" if answer.is_outside else None
    return Diagnostic(code="unusable-file", severity=Severity.ERROR, message=message, at=at, hint=hint)


# ------------------------------------------------------------------ which steps


def _steps(
    program: Program, inputs: Mapping[str, JsonValue], options: RunOptions
) -> Iterator[tuple[CompiledStep, Mapping[str, JsonValue]]]:
    """Yield the steps that a run without failures may visit, with the inputs of their workflow, where known."""
    waiting, seen = [program.workflow], set[int]()
    while waiting:
        workflow = waiting.pop()
        if id(workflow) in seen or workflow.document.is_remote:
            continue
        seen.add(id(workflow))
        waiting += [program.workflows[key] for key in workflow.depends_on]
        is_entry = workflow is program.workflow
        selection = select(workflow, options) if is_entry else Selection()
        for index in _visited(workflow, selection):
            step = workflow.steps[index]
            known = {name: value for name, value in inputs.items() if name not in workflow.secret_inputs}
            yield step, known if is_entry else {}
            if isinstance(step.call, WorkflowCall):
                waiting.append(program.workflows[step.call.workflow])


def _visited(workflow: CompiledWorkflow, selection: Selection) -> list[int]:
    waiting, found = [selection.start], set[int]()
    while waiting:
        index = waiting.pop()
        is_chosen = selection.chosen is None or index in selection.chosen
        if index in found or index >= len(workflow.steps):
            continue
        found.add(index)
        actions = workflow.steps[index].on_success if is_chosen else ()
        waiting += [workflow.positions[each.step_id] for each in actions if each.step_id is not None]
        if index != selection.last and all(each.criteria for each in actions):
            waiting.append(index + 1)
    return sorted(index for index in found if selection.chosen is None or index in selection.chosen)


# ------------------------------------------------------------------ which files


def _paths(call: OperationCall, body: CompiledBody, inputs: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Yield the JSON Pointer in the payload and the path of each file that is known before the run."""
    media = None
    if call.operation.request_body is not None:
        media = best_match(call.operation.request_body.content, body.content_type)
    value = None if body.payload is None else _known(body.payload, inputs)
    _, pointers = without_files(value, described_by(media), in_parts=essence(body.content_type) == MULTIPART)
    is_structured = is_json(body.content_type) or is_form(body.content_type) or is_xml(body.content_type)
    if not is_structured and is_file(value, is_expected=True):
        pointers = frozenset({""})
    for pointer in sorted(pointers):
        file = resolve_pointer(value, pointer)
        path = file.get("path") if isinstance(file, dict) else None
        if isinstance(path, str) and path:
            yield pointer, path


def _known(value: Value, inputs: Mapping[str, JsonValue]) -> JsonValue:
    """Return a payload as far as it is known before the run; "" where it is not."""
    match value:
        case Literal():
            return value.value
        case ObjectValue():
            return {str(name): _known(item, inputs) for name, item in value.members}
        case ArrayValue():
            return [_known(item, inputs) for item in value.items]
        case ExpressionValue(expression=InputReference(name=str() as name, pointer=None, path=())):
            return inputs.get(name, "")
        case _:
            return ""
