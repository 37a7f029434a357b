"""A workflow as a flat list of requests: the steps of called workflows are in their place."""

from __future__ import annotations

from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Call, Input, Plan, Request, Step, Unsupported, Workflow
from arazzo_runner.program.model import WorkflowKey


class Frame(Record):
    """One use of a workflow: `path` is the names of the steps that lead to it; `caller` is the last of them."""

    path: tuple[str, ...]
    workflow: Workflow
    caller: Step | None = None
    parent: Frame | None = None

    @property
    def name(self) -> str:
        """Its name: empty for the workflow that is exported."""
        return " / ".join(self.path)

    @property
    def outer(self) -> tuple[Frame, ...]:
        """The frames around it, the nearest first."""
        return () if self.parent is None else (self.parent, *self.parent.outer)


class FlatStep(MutableRecord, kw_only=True):
    """A request in its frame; `enters` are the frames that begin with it, the outer first.

    `skipped` are the reasons why steps before it are no requests, `trailing` of those after it, where none follows.
    """

    frame: Frame
    step: Step
    request: Request
    enters: list[Frame] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    trailing: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Its name, distinct in the whole list."""
        return " / ".join((*self.frame.path, self.step.step_id))


def flattened(plan: Plan, notes: Notes) -> list[FlatStep]:
    """Return the requests of a plan in order; what has no place among them is a warning."""
    before = [Frame((plan.find(key).workflow_id,), plan.find(key)) for key in plan.workflow.before]
    found: list[FlatStep] = []
    for frame in (*before, Frame((), plan.workflow)):
        found += _of(frame, plan, notes, (frame.workflow.key,))
    return found


def _of(frame: Frame, plan: Plan, notes: Notes, within: tuple[WorkflowKey, ...]) -> list[FlatStep]:
    found: list[FlatStep] = []
    skipped: list[str] = []
    for step in frame.workflow.steps:
        made = _step(frame, step, plan, notes, within)
        if isinstance(made, str):
            skipped.append(made)
        elif made:
            made[0].skipped[:0] = skipped
            skipped = []
            found += made
    if found:
        found[-1].trailing += skipped
        found[0].enters.insert(0, frame)
    return found


def _step(frame: Frame, step: Step, plan: Plan, notes: Notes, within: tuple[WorkflowKey, ...]) -> list[FlatStep] | str:
    """Return the requests of a step, or why it has none."""
    does = step.does
    if isinstance(does, Request):
        return [FlatStep(frame=frame, step=step, request=does)]
    if isinstance(does, Unsupported):
        return notes.cannot(step.at, does.reason)
    if does.workflow in within:
        return notes.cannot(step.at, f'step "{step.step_id}" calls a workflow that is running already')
    inner = Frame((*frame.path, step.step_id), plan.find(does.workflow), step, frame)
    return _of(inner, plan, notes, (*within, does.workflow))


def left_out(plan: Plan) -> list[str]:
    """Return why steps are no requests."""
    steps = [step for each in plan.workflows for step in each.steps]
    return [step.does.reason for step in steps if isinstance(step.does, Unsupported)]


def inputs_by_name(workflow: Workflow) -> dict[str, Input]:
    """Return the inputs of a workflow by name."""
    return {each.name: each for each in workflow.inputs}


def called(frame: Frame) -> Call | None:
    """Return the call that a frame is for, None for the workflow that is exported."""
    return frame.caller.does if frame.caller is not None and isinstance(frame.caller.does, Call) else None
