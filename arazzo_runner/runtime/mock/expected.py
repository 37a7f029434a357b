"""What the steps of a program expect of the answers they get: read from their criteria, outputs and actions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from urllib.parse import quote

from arazzo_runner.base.json_values import JsonValue, pointer_tokens
from arazzo_runner.base.records import Record, field
from arazzo_runner.errors import Location
from arazzo_runner.expressions.nodes import Expression, StepReference
from arazzo_runner.program.model import (
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    ExpressionValue,
    ObjectValue,
    Program,
    SelectorValue,
    TemplateValue,
    Value,
)
from arazzo_runner.program.values import criterion_references, value_references
from arazzo_runner.runtime.mock.loops import Loops, loops
from arazzo_runner.runtime.mock.wants import Tokens, body_path, query_path

STEP_HEADER: Final = "Arazzo-Mock-Step"
"""Tells the mock of the same process which step sends a request; it is neither reported nor recorded."""


class Expected(Record):
    """What one step expects.

    `criteria` are its own; `reads` the paths of the body that outputs, and what reads these, refer to, the longest
    first, so that what is above them is made for them. `repeats`: it is in a loop, which goes on while all criteria
    of one of `returns` hold, and ends when those of one of `leaves` do.
    """

    criteria: tuple[CompiledCriterion, ...] = ()
    reads: tuple[Tokens, ...] = ()
    repeats: bool = False
    returns: tuple[tuple[CompiledCriterion, ...], ...] = ()
    leaves: tuple[tuple[CompiledCriterion, ...], ...] = ()
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)


class Expectations(Record):
    """What the steps of a program expect, by label, and the label of an operation whose step is unknown."""

    by_step: Mapping[str, Expected] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)

    def label(self, step: str | None, operation: str) -> str:
        """Return the label of the announced step, else that of the first step that calls an operation (or "")."""
        return step if step is not None and step in self.by_step else self.first.get(operation, "")


def step_label(at: Location | None) -> str:
    """Return the label of the step at a location, as a header's value."""
    return "" if at is None else quote(f"{at.uri}#{at.pointer}", safe="/#:")


def expectations(program: Program, inputs: Mapping[str, JsonValue] | None = None) -> Expectations:
    """Return what the steps of a program expect; `inputs` are those of its entry workflow."""
    by_step: dict[str, Expected] = {}
    first: dict[str, str] = {}
    looping = loops(program)
    for key, workflow in program.workflows.items():
        known = (inputs or {}) if key == program.entry else {}
        readers = _readers(workflow)
        for step, call in workflow.operation_steps():
            label = step_label(step.at)
            loop = looping.get((key, workflow.positions[step.step_id]))
            by_step[label] = _expected(step, readers.get(step.step_id, ()), known, loop)
            first.setdefault(f"{call.operation.uri}#{call.operation.pointer}", label)
        for step, _ in workflow.message_steps():
            loop = looping.get((key, workflow.positions[step.step_id]))
            by_step[step_label(step.at)] = _expected(step, readers.get(step.step_id, ()), known, loop)
    return Expectations(by_step, first)


def _expected(
    step: CompiledStep, readers: Iterable[StepReference], inputs: Mapping[str, JsonValue], loop: Loops | None
) -> Expected:
    reads = dict.fromkeys(_reads(step, readers))
    return Expected(
        criteria=step.criteria,
        reads=tuple(sorted(reads, key=len, reverse=True)),
        repeats=loop is not None,
        returns=() if loop is None else tuple(loop.returns),
        leaves=() if loop is None else tuple(loop.leaves),
        inputs=inputs,
    )


# ------------------------------------------------------------------ reads


def references(workflow: CompiledWorkflow) -> Iterator[Expression]:
    """Yield every expression of a workflow that may refer to an output of a step."""
    values = [value for _, value in workflow.outputs]
    for step in workflow.steps:
        values += [value for _, value in step.outputs]
        values += [each.value for each in step.parameters]
        if step.body is not None:
            values += [] if step.body.payload is None else [step.body.payload]
            values += [each.value for each in step.body.replacements]
        actions = (*step.on_success, *step.on_failure)
        values += [each.value for action in actions for each in action.parameters]
        for criterion in (*step.criteria, *(each for action in actions for each in action.criteria)):
            yield from criterion_references(criterion)
    for value in values:
        yield from value_references(value)


def _readers(workflow: CompiledWorkflow) -> dict[str, list[StepReference]]:
    """Return the expressions that refer to a step's outputs, by the id of the step."""
    readers: dict[str, list[StepReference]] = {}
    for each in references(workflow):
        if isinstance(each, StepReference):
            readers.setdefault(each.step_id, []).append(each)
    return readers


def _reads(step: CompiledStep, readers: Iterable[StepReference]) -> Iterator[Tokens]:
    for name, value in step.outputs:
        for path in _value_paths(value):
            yield path
            if isinstance(value, (ExpressionValue, SelectorValue)):
                for reference in readers:
                    further = _further(reference, name)
                    if further:
                        yield (*path, *further)


def _further(reference: StepReference, output: str) -> Tokens:
    """Return the path into an output that a reference to it follows."""
    name, _, dotted = (reference.output or "").partition(f"{output}.")
    if reference.output != output and (name or not dotted):
        return ()
    inside = tuple(dotted.split(".")) if dotted else ()
    return (*inside, *pointer_tokens(reference.pointer or ""), *map(str, reference.path))


def _value_paths(value: Value) -> Iterator[Tokens]:
    """Yield the paths of the response's body that a value reads."""
    if isinstance(value, SelectorValue):
        path = body_path(value.context)
        if path is not None:
            yield (*path, *query_path(value.query))
        return
    if isinstance(value, (ExpressionValue, TemplateValue, ObjectValue)):
        for expression in value_references(value):
            path = body_path(expression)
            if path is not None:
                yield path
