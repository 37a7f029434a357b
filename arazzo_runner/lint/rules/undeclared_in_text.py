"""A text that names an input or output nobody declares, and is sent as it stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.model import Workflow
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.analysis.text_index import is_value_place
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.context import declares
from arazzo_runner.program.schemas import input_names

CODE = "undeclared-in-text"
SEVERITY = Severity.WARNING
GROUP = "references"
DEFAULT = True

_NAME: Final = r"[\w\-]+(?:\.[\w\-]+)*"
_BARE: Final = pattern(
    rf"(?<![{{$\w])\$(?:inputs\.(?P<input>{_NAME})|steps\.(?P<step>[\w\-]+)\.outputs\.(?P<output>{_NAME}))"
)


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Without braces only declared names are read in a text (semantics §3); others stay what they are."""
    named = {*program.texts.holding("$inputs."), *program.texts.holding("$steps.")}
    doubtful = [
        text
        for workflow in (program.description.workflows if named else ())
        for text in named.intersection(program.texts.by_part.get(workflow.at.pointer, ()))
        if _may_be_unknown(program, workflow, text)
    ]
    told = {each.at.pointer for each in program.diagnostics} if doubtful else ()
    for text, pointer, is_key in program.texts.placed(doubtful):
        if is_key or pointer in told or not is_value_place(pointer):
            continue
        for found in _BARE.finditer(text):
            workflow = program.workflow_at(pointer)
            what = None if workflow is None else _unknown(program, workflow, found)
            if what is not None:
                message = f"{found.group()} names no {what}; it is sent as this text"
                at = program.at(pointer).within(found.start(), len(found.group()))
                hint = f"declare it, and write {{{found.group()}}}"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _may_be_unknown(program: Inspection, workflow: Workflow, text: str) -> bool:
    """Tell whether a workflow does not know a name in a text that is more than that name."""
    names = () if _BARE.fullmatch(text) else _BARE.finditer(text)
    return any(_unknown(program, workflow, name) for name in names)


def _unknown(program: Inspection, workflow: Workflow, found: re.Match[str]) -> str | None:
    """Return what kind of name is not declared in a workflow, None when it is, or cannot be told."""
    if found["input"] is not None:
        declared = input_names(workflow.inputs, program.description.raw)
        return None if declared is None or declares(declared, found["input"]) else "input"
    step = next((each for each in workflow.steps if each.step_id == found["step"]), None)
    if step is None:
        return "step"
    is_open = step.workflow_id is not None
    return None if is_open or declares(step.outputs, found["output"]) else f'output of step "{step.step_id}"'
