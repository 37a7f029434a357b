"""A workflow as a flat list of requests: the steps of called workflows are in their place."""

from __future__ import annotations

from collections.abc import Iterator

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
    """A request in its frame; `enters` are the frames that begin with it, the outer first."""

    frame: Frame
    step: Step
    request: Request
    enters: list[Frame] = field(default_factory=list)

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
    for step in frame.workflow.steps:
        found += _step(frame, step, plan, notes, within)
    if found:
        found[0].enters.insert(0, frame)
    return found


def _step(frame: Frame, step: Step, plan: Plan, notes: Notes, within: tuple[WorkflowKey, ...]) -> Iterator[FlatStep]:
    does = step.does
    if isinstance(does, Request):
        yield FlatStep(frame=frame, step=step, request=does)
    elif isinstance(does, Unsupported):
        notes.cannot(step.at, does.reason)
    elif does.workflow in within:
        notes.cannot(step.at, f'step "{step.step_id}" calls a workflow that is running already')
    else:
        inner = Frame((*frame.path, step.step_id), plan.find(does.workflow), step, frame)
        yield from _of(inner, plan, notes, (*within, does.workflow))


def left_out(frame: Frame, plan: Plan) -> list[tuple[Step, str]]:
    """Return the steps of a frame that are no requests, with the reason."""
    return [(step, step.does.reason) for step in frame.workflow.steps if isinstance(step.does, Unsupported)]


def inputs_by_name(workflow: Workflow) -> dict[str, Input]:
    """Return the inputs of a workflow by name."""
    return {each.name: each for each in workflow.inputs}


def called(frame: Frame) -> Call | None:
    """Return the call that a frame is for, None for the workflow that is exported."""
    return frame.caller.does if frame.caller is not None and isinstance(frame.caller.does, Call) else None
