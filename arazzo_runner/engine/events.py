"""What a run tells while it goes on: one frozen record per event, for live progress."""

from __future__ import annotations

from typing import TypeAlias

from arazzo_runner.engine.results import Attempt, StepResult, WorkflowResult
from arazzo_runner.records import record


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
    """One try of a step is over."""

    workflow_id: str
    step_id: str
    attempt: Attempt
    depth: int


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


Event: TypeAlias = WorkflowStarted | StepStarted | AttemptFinished | RetryScheduled | StepFinished | WorkflowFinished
