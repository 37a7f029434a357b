"""Running a part of a workflow: one step with what it needs, from a step on, up to a step.

The part is chosen before the first request: a step that needs outputs which this run does not make
and nobody gave is an error then, not halfway through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.base.settings import STEP_OUTPUTS
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, similar_or_all
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow


class Selection(Record, kw_only=True):
    """The part of a workflow to run: `chosen` steps by index (None: all), beginning at `start`.

    `last` is the index of the step after which the run ends and which it must reach; `given` are
    outputs of steps of an earlier run.
    """

    start: int = 0
    last: int | None = None
    chosen: frozenset[int] | None = None
    given: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)


def select(workflow: CompiledWorkflow, options: RunOptions) -> Selection:
    """Return the part that the options ask for; raises InvalidUsage when it cannot be run alone."""
    if options.step is not None and (options.from_step is not None or options.until is not None):
        raise _refused("usage", "a single step excludes a first and a last one", workflow.at)
    for name in (options.step, options.from_step, options.until, *options.step_outputs):
        if name is not None and name not in workflow.positions:
            hint = similar_or_all(name, workflow.positions)
            message = f'workflow "{workflow.workflow_id}" has no step "{name}"'
            raise _refused("unknown-step", message, workflow.at, hint)
    if options.step_outputs and options.step is None and options.from_step is None:
        hint = "name the step to run, or the first one"
        raise _refused("usage", "outputs of steps are given, but every step runs and makes its own", workflow.at, hint)
    start = 0 if options.from_step is None else _place(workflow, options.from_step)
    last_name = options.step or options.until
    last = None if last_name is None else workflow.positions[last_name]
    if last is not None and last < start:
        message = f'step "{last_name}" comes before step "{options.from_step}"'
        raise _refused("usage", message, workflow.steps[last].at)
    chosen = None if options.step is None else _needed(workflow, options.step, options.step_outputs)
    selection = Selection(start=start, last=last, chosen=chosen, given=options.step_outputs)
    _check_given(workflow, selection)
    return selection


def _place(workflow: CompiledWorkflow, step_id: str) -> int:
    """Return where a step begins: one that waits at a join point begins at its own place (semantics §9)."""
    step = workflow.steps[workflow.positions[step_id]]
    return workflow.positions[step.waits_from or step_id]


def _needed(workflow: CompiledWorkflow, step_id: str, given: Mapping[str, object]) -> frozenset[int]:
    """Return the indexes of a step and of all that it waits for or reads, directly or not, unless given."""
    waiting, found = [step_id], set[str]()
    while waiting:
        name = waiting.pop()
        if name in found or (name in given and name != step_id):
            continue
        found.add(name)
        waiting += _before(workflow, workflow.steps[workflow.positions[name]])
    return frozenset(workflow.positions[name] for name in found)


def _check_given(workflow: CompiledWorkflow, selection: Selection) -> None:
    """Raise InvalidUsage when a step needs outputs that no step of this run makes and nobody gave."""
    end = len(workflow.steps) if selection.last is None else selection.last + 1
    for step in workflow.steps[selection.start : end]:
        for name in _before(workflow, step):
            if workflow.positions[name] < selection.start and name not in selection.given:
                message = f'step "{step.step_id}" needs step "{name}", which comes before the first step to run'
                hint = f"give its outputs with {STEP_OUTPUTS}, or begin earlier"
                raise _refused("dependency-not-run", message, step.at, hint)


def _before(workflow: CompiledWorkflow, step: CompiledStep) -> Iterator[str]:
    """Yield the steps before this one that it waits for or reads; of a later one only a loop has outputs."""
    own = workflow.positions[step.step_id]
    for name in dict.fromkeys((*step.depends_on, *sorted(step.reads))):
        if workflow.positions.get(name, own) < own:
            yield name


def _refused(code: str, message: str, at: Location, hint: str | None = None) -> InvalidUsage:
    return InvalidUsage([Diagnostic(code=code, severity=Severity.ERROR, message=message, at=at, hint=hint)])
