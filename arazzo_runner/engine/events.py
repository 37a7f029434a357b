"""Events: what happens in a run, reported to a listener (`on_event`) as it happens, as frozen records.

A listener is called with the event and the Secrets of the run, which mask its texts. The run waits
for it. It ends the run by raising StopRun. In every event `depth` is 0 for the workflow that was
asked for, 1 for a workflow that it calls or depends on, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.results import Attempt, StepResult, WorkflowResult


class WorkflowStarted(Record):
    """A workflow begins; `steps` is how many steps it has."""

    workflow_id: str
    steps: int
    depth: int


class StepStarted(Record):
    """A visit of a step begins; a step is visited again when an action leads back to it."""

    workflow_id: str
    step_id: str
    depth: int


class AttemptFinished(Record):
    """An attempt at a step has ended; `outputs` are the step's, also when its criteria failed.

    Nothing else has been sent since the response: a listener that must not lose the outputs stores
    them now.
    """

    _hidden_in_repr = ("outputs",)

    workflow_id: str
    step_id: str
    attempt: Attempt
    depth: int
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)


class RetryScheduled(Record):
    """A failed step will be tried again after `seconds`.

    `action` is the name of the failure action, `retry` counts its retries from 1, `limit` is its retryLimit.
    """

    workflow_id: str
    step_id: str
    action: str
    retry: int
    limit: int
    seconds: float
    depth: int


class StepFinished(Record):
    """A visit of a step has ended."""

    workflow_id: str
    result: StepResult
    depth: int


class WorkflowFinished(Record):
    """A workflow has ended."""

    result: WorkflowResult
    depth: int


class StopRun(Exception):
    """Raised by a listener to end the run as failed before anything more is sent; `str()` of it is the reason."""


Event: TypeAlias = WorkflowStarted | StepStarted | AttemptFinished | RetryScheduled | StepFinished | WorkflowFinished
