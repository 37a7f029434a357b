"""The results and events of a run, as frozen records; every report is made from these alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.kinds import type_of
from arazzo_runner.base.records import PartlyComparedRecord, Record, field
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse
from arazzo_runner.engine.messages import ChannelMessage, NoMessage
from arazzo_runner.errors import Diagnostic, Location, similar_or_all

StepStatus = Literal["passed", "recovered", "failed", "skipped"]
WorkflowStatus = Literal["succeeded", "failed", "in_doubt", "interrupted"]
RunStatus = Literal["succeeded", "failed", "in_doubt", "interrupted", "error"]


class Seen(Record, kw_only=True):
    """A value that a criterion read: the expression as written and its value, which may be MISSING."""

    _hidden_in_repr = ("value",)

    expression: str
    value: JsonValue


class Verdict(Record, kw_only=True):
    """The outcome of one Criterion.

    - `condition`: its text; `type`: simple, regex, jsonpath or xpath, or check for a failed check of the response.
    - `passed`: whether it holds; `reason`: why not; `hint`: a name that may be meant.
    - `seen`: the values that it read.
    - `default`: True for the verdict of a step without successCriteria (2xx expected).
    - `warning`: how an ambiguous condition was understood.
    """

    _hidden_in_repr = ("condition", "reason", "warning")

    condition: str
    type: str
    passed: bool
    seen: tuple[Seen, ...] = ()
    reason: str | None = None
    hint: str | None = None
    default: bool = False
    warning: str | None = None
    at: Location


class Wait(Record, kw_only=True):
    """The wait after an attempt, before its step is tried again.

    - `seconds`: how long.
    - `reason`: what is tried again: "retry 1 of 5", or "poll 2" where an action goes back to its own step.
    - `action`: the name of the action.
    - `origin`: what says how long: the action's `retryAfter`, the response's `Retry-After`, or the
      `poll_interval` of the run's options.
    - `skipped`: why nobody waited ("mock", "replay"); None for a wait that took place.
    """

    seconds: float
    reason: str
    action: str
    origin: Literal["retryAfter", "Retry-After", "poll_interval"]
    skipped: str | None = None


class PassedOver(Record, kw_only=True):
    """A message that a step looked at and left to others, because it does not meet the criteria; `reason` says why."""

    _hidden_in_repr = ("body", "reason")

    message: ChannelMessage
    body: JsonValue = MISSING
    reason: str = ""


class MessageExchange(Record, kw_only=True):
    """What an attempt sent to a channel, or received from it.

    - `action`: what the run did; `source`, `protocol`, `url`: where; `address`: the channel's, filled in.
    - `message`: what was sent or came, None when nothing came; `body` is its decoded payload, MISSING for none.
    - `failure`: why it could not be sent or none came, None when it went well.
    - `correlation`: the value that the message had to have, None for none.
    - `passed_over`: how many other messages came before it; `looked_at` are the last 20 of those that had no
      correlation to be recognized by, and did not meet the criteria. They may be other people's: no report shows them.
    - `retained`: how many had been there before the subscription and do not count, of a step that got none.
    - `receivers`: how many got what was sent, None if unknown.
    """

    _hidden_in_repr = ("url", "address", "body", "correlation")

    action: Literal["send", "receive"]
    source: str
    protocol: str
    url: str
    address: str
    message: ChannelMessage | None = None
    body: JsonValue = MISSING
    failure: NoMessage | None = None
    correlation: str | None = None
    passed_over: int = 0
    looked_at: tuple[PassedOver, ...] = ()
    retained: int = 0
    receivers: int | None = None


class Attempt(Record, kw_only=True):
    """One attempt at a step.

    - `number`: 1 for the first attempt of the visit.
    - `started`: seconds since the epoch; `duration_ms`: of the exchange, in milliseconds.
    - `request`: None when it could not be built, and for a `workflowId` step. Credentials in it are shown as `***`.
    - `response`: None when nothing was sent.
    - `message`: of a step that sends or receives one, None for other steps and when it could not be built.
    - `verdicts`: of the criteria; `passed`: whether all hold.
    - `diagnostics`: findings about this request and response.
    - `wait`: the wait that followed, None for none.
    """

    number: int
    started: float = 0.0
    request: HttpRequest | None = None
    response: HttpResponse | NoResponse | None = None
    message: MessageExchange | None = None
    verdicts: tuple[Verdict, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    duration_ms: float = 0.0
    passed: bool = False
    wait: Wait | None = None


class StepResult(Record, kw_only=True):
    """One visit of a step.

    - `status`: "passed" at the first attempt, "recovered" later or by an action, "failed", "skipped".
    - `attempts`: in order.
    - `outputs`: those that have a value; `missing_outputs` names the others.
    - `action`: the name of the success or failure action taken last, None when the default applied.
    - `workflow`: the result of the workflow that a `workflowId` step, or a goto, ran.
    - `reason`: why the step failed, in one sentence.
    - `findings`: of a failed step, what `arazzo validate` finds about it.
    - `repeats`: in a dry run, which visits each step once, how the step would repeat and what ends that.
    """

    _hidden_in_repr = ("outputs", "reason")

    step_id: str
    status: StepStatus
    attempts: tuple[Attempt, ...] = ()
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    missing_outputs: tuple[str, ...] = ()
    action: str | None = None
    workflow: WorkflowResult | None = None
    reason: str | None = None
    findings: tuple[Diagnostic, ...] = ()
    repeats: str | None = None
    at: Location

    @property
    def duration_ms(self) -> float:
        """The time of all attempts in milliseconds, without the waits between them."""
        return sum(attempt.duration_ms for attempt in self.attempts)


class UnknownStep(KeyError):
    """Raised for a step, or a visit of it, that a result does not have; `str()` of it is a sentence."""

    def __str__(self) -> str:
        return str(self.args[0])


def step_of(steps: Sequence[StepResult], step_id: str, visit: int | None) -> StepResult:
    """Return a visit of a step, counted from 1, the last one by default; raises UnknownStep."""
    for given, kind in ((step_id, str), (visit or 0, int)):
        if not isinstance(given, kind):
            raise TypeError(f"a step is found by its stepId and the number of a visit, not by {type_of(given)}")
    visits = [each for each in steps if each.step_id == step_id]
    if not visits:
        names = list(dict.fromkeys(each.step_id for each in steps))
        hint = similar_or_all(step_id, names) or "no step was visited"
        raise UnknownStep(f'there is no step "{step_id}"; {hint}')
    if visit is None:
        return visits[-1]
    if not 1 <= visit <= len(visits):
        times = "once" if len(visits) == 1 else f"{len(visits)} times"
        raise UnknownStep(f'step "{step_id}" was visited {times}: there is no visit {visit}')
    return visits[visit - 1]


class WorkflowResult(Record, kw_only=True):
    """One run of one workflow; `steps` in the order they ran, skipped ones last.

    `status` is "succeeded", "failed", "interrupted", or "in_doubt" when the outcome of an unsafe
    request is unknown. `reason` says in one sentence why it did not succeed. `diagnostics` are about the outputs
    of one that succeeded.
    """

    _hidden_in_repr = ("inputs", "outputs", "reason")

    workflow_id: str
    status: WorkflowStatus
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)
    missing_outputs: tuple[str, ...] = ()
    steps: tuple[StepResult, ...] = ()
    reason: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()

    def step(self, step_id: str, visit: int | None = None) -> StepResult:
        """Return a step's result: of the visit of that number, counted from 1, or of the last; raises UnknownStep."""
        return step_of(self.steps, step_id, visit)


class RunResult(PartlyComparedRecord, kw_only=True):
    """What `run` returns: plain values; only its repr masks secrets.

    - `status`: as in WorkflowResult; "error" where a run could not begin.
    - `outputs`: of the workflow; `missing_outputs` names those without a value.
    - `steps`: of the workflow; `dependencies`: the results of workflows that ran first (`dependsOn`).
    - `diagnostics`: findings about the documents, the inputs and the outputs.
    - `reason`: why the run did not succeed, in one sentence.
    - `duration_ms`: of the whole run, in milliseconds.
    - `secrets`: the values that every report masks; `secret_outputs` names the outputs that are secret.
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

    def step(self, step_id: str, visit: int | None = None) -> StepResult:
        """Return a step's result: of the visit of that number, counted from 1, or of the last; raises UnknownStep."""
        return step_of(self.steps, step_id, visit)

    def __rich_repr__(self) -> list[tuple[str, object]]:
        outputs = self.secrets.mask_value(dict(self.outputs))
        shown: dict[str, object] = {"status": self.status, "workflow_id": self.workflow_id, "outputs": outputs}
        return [*shown.items(), ("steps", len(self.steps))]


# ---- Events: what happens in a run, reported to a listener (`on_event`) as it happens, as frozen records.
#
# A listener is called with the event and the Secrets of the run, which mask its texts. The run waits
# for it. It ends the run by raising StopRun; any other exception becomes a warning of the result. In every
# event `depth` is 0 for the workflow that was asked for, 1 for a workflow that it calls or depends on, and so on.


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


class MessageAwaited(Record):
    """A step begins to wait for a message on a channel: at most `seconds`, with a correlation id or without."""

    workflow_id: str
    step_id: str
    address: str
    seconds: float
    correlated: bool
    depth: int


class RetryScheduled(Record):
    """A failed step will be tried again after `seconds`.

    `action` is the name of the failure action, `retry` counts its retries from 1, `limit` is its retryLimit.
    `wait` is None if `seconds` is 0.
    """

    workflow_id: str
    step_id: str
    action: str
    retry: int
    limit: int
    seconds: float
    depth: int
    wait: Wait | None = None


class PollScheduled(Record):
    """A step that has finished will be tried again because its action goes back to it; `wait` says when."""

    workflow_id: str
    step_id: str
    wait: Wait
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


Event: TypeAlias = (
    WorkflowStarted
    | StepStarted
    | MessageAwaited
    | AttemptFinished
    | RetryScheduled
    | StepFinished
    | PollScheduled
    | WorkflowFinished
)
