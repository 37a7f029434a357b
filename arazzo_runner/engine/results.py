"""What a run came to, as frozen records; every report is made from these and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import PartlyComparedRecord, Record, field
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse
from arazzo_runner.errors import Diagnostic, Location

StepStatus = Literal["passed", "recovered", "failed", "skipped"]
WorkflowStatus = Literal["succeeded", "failed", "in_doubt", "interrupted"]
RunStatus = Literal["succeeded", "failed", "in_doubt", "interrupted", "error"]


class Seen(Record, kw_only=True):
    """A value that a criterion looked at: the expression as written, and what it gave (MISSING possible)."""

    expression: str
    value: JsonValue


class Verdict(Record, kw_only=True):
    """The outcome of one Criterion: did it hold, what was seen, and why it failed.

    `type` is simple, regex, jsonpath or xpath, or check for a check of the response that failed;
    `default` marks the verdict of a step that has no successCriteria (2xx expected); `warning`
    says how a doubtful condition was read.
    """

    condition: str
    type: str
    passed: bool
    seen: tuple[Seen, ...] = ()
    reason: str | None = None
    default: bool = False
    warning: str | None = None
    at: Location


class Attempt(Record, kw_only=True):
    """One try of a step: what was sent, what came, what the criteria said.

    `request` is None when it could not be built; `response` is None when nothing was sent.
    `started` is seconds since the epoch.
    """

    number: int
    started: float = 0.0
    request: HttpRequest | None = None
    response: HttpResponse | NoResponse | None = None
    verdicts: tuple[Verdict, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    duration_ms: float = 0.0
    passed: bool = False


class StepResult(Record, kw_only=True):
    """One visit of a step; `workflow` is the nested run of a `workflowId` step.

    `action` names the success or failure action taken last, None when the default applied.
    `outputs` lacks those that could not be had; `missing_outputs` names them.
    """

    step_id: str
    status: StepStatus
    attempts: tuple[Attempt, ...] = ()
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    missing_outputs: tuple[str, ...] = ()
    action: str | None = None
    workflow: WorkflowResult | None = None
    reason: str | None = None
    at: Location

    @property
    def duration_ms(self) -> float:
        """The time of all attempts, waits between them not included."""
        return sum(attempt.duration_ms for attempt in self.attempts)


class WorkflowResult(Record, kw_only=True):
    """One run of one workflow, steps in the order they ran."""

    workflow_id: str
    status: WorkflowStatus
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    missing_outputs: tuple[str, ...] = ()
    steps: tuple[StepResult, ...] = ()
    reason: str | None = None


class RunResult(PartlyComparedRecord, kw_only=True):
    """What `run` returns: plain values; only its repr masks secrets.

    `dependencies` are the results of workflows that ran first (`dependsOn`). `secrets` holds
    the values that every report masks; `secret_outputs` names the outputs that are secret.
    """

    _ignored_in_eq = ("secrets",)

    status: RunStatus
    workflow_id: str | None
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    missing_outputs: tuple[str, ...] = ()
    steps: tuple[StepResult, ...] = ()
    dependencies: tuple[WorkflowResult, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    reason: str | None = None
    duration_ms: float = 0.0
    secret_outputs: frozenset[str] = frozenset()
    secrets: Secrets = field(default_factory=Secrets)

    def __rich_repr__(self) -> list[tuple[str, object]]:
        outputs = self.secrets.mask_value(dict(self.outputs))
        shown: dict[str, object] = {"status": self.status, "workflow_id": self.workflow_id, "outputs": outputs}
        return [*shown.items(), ("steps", len(self.steps))]
