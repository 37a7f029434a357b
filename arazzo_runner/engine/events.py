"""What a run tells while it goes on: one frozen record per event, for live progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import field, record
from arazzo_runner.engine.results import Attempt, StepResult, WorkflowResult


@record(frozen=True, slots=True)
class WorkflowStarted:
    """A workflow begins; `depth` is 0 for the one that was asked for, more for nested ones."""

    workflow_id: str
    steps: int
    depth: int


@record(frozen=True, slots=True)
class StepStarted:
    """A step is visited."""

    workflow_id: str
    step_id: str
    depth: int


@record(frozen=True, slots=True)
class AttemptFinished:
    """One try of a step is over; `outputs` are what it gave, also when its criteria failed.

    Told before anything else is done outside: whoever must not lose the outputs writes them now.
    """

    workflow_id: str
    step_id: str
    attempt: Attempt
    depth: int
    outputs: Mapping[str, JsonValue] = field(default_factory=dict, repr=False)


@record(frozen=True, slots=True)
class RetryScheduled:
    """A failed step will be tried again after `seconds`; `retry` of `limit`, by the action named."""

    workflow_id: str
    step_id: str
    action: str
    retry: int
    limit: int
    seconds: float
    depth: int


@record(frozen=True, slots=True)
class StepFinished:
    """A visit of a step is over."""

    workflow_id: str
    result: StepResult
    depth: int


@record(frozen=True, slots=True)
class WorkflowFinished:
    """A workflow is over."""

    result: WorkflowResult
    depth: int


class StopRun(Exception):
    """Raised by a listener: the run ends as failed before it does anything more, `str()` of this is the reason."""


Event: TypeAlias = WorkflowStarted | StepStarted | AttemptFinished | RetryScheduled | StepFinished | WorkflowFinished
