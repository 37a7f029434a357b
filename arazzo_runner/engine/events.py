"""What a run tells while it goes on: one frozen record per event, for live progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.results import Attempt, StepResult, WorkflowResult


class WorkflowStarted(Record):
    """A workflow begins; `depth` is 0 for the one that was asked for, more for nested ones."""

    workflow_id: str
    steps: int
    depth: int


class StepStarted(Record):
    """A step is visited."""

    workflow_id: str
    step_id: str
    depth: int


class AttemptFinished(Record):
    """One try of a step is over; `outputs` are what it gave, also when its criteria failed.

    Told before anything else is done outside: whoever must not lose the outputs writes them now.
    """

    _hidden_in_repr = ("outputs",)

    workflow_id: str
    step_id: str
    attempt: Attempt
    depth: int
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)


class RetryScheduled(Record):
    """A failed step will be tried again after `seconds`; `retry` of `limit`, by the action named."""

    workflow_id: str
    step_id: str
    action: str
    retry: int
    limit: int
    seconds: float
    depth: int


class StepFinished(Record):
    """A visit of a step is over."""

    workflow_id: str
    result: StepResult
    depth: int


class WorkflowFinished(Record):
    """A workflow is over."""

    result: WorkflowResult
    depth: int


class StopRun(Exception):
    """Raised by a listener: the run ends as failed before it does anything more, `str()` of this is the reason."""


Event: TypeAlias = WorkflowStarted | StepStarted | AttemptFinished | RetryScheduled | StepFinished | WorkflowFinished
