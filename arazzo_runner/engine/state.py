"""The state of one run, handed along as an argument: nothing of it is global, nothing outlives the run."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.access import Access
from arazzo_runner.engine.concurrent import interrupted_answers
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    Interrupted,
    NoResponse,
    Now,
    SendRequest,
    Sleep,
    World,
)
from arazzo_runner.engine.events import Event
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.partial import Selection
from arazzo_runner.engine.results import StepResult, WorkflowResult, WorkflowStatus
from arazzo_runner.expressions.scope import Message, Scope, WorkflowScope
from arazzo_runner.program.model import CompiledWorkflow, Program, WorkflowKey

Emit = Callable[[Event, Secrets], None]


class Stop(Record):
    """Why the whole run ends before its time: interrupted, out of budget, past its deadline.

    `limit` is the deadline that was hit, so that the step which set it can tell it was its own.
    """

    status: WorkflowStatus
    reason: str
    limit: float | None = None


class Run(MutableRecord):
    """One run. `visits_left` is the budget of step visits shared by all workflows of the run.

    `unknown` holds the effect keys of unsafe requests whose outcome is unknown; `finished`
    the last result of every workflow that ended, `dependencies` those that ran because another
    depends on them; `stop` is set once and ends everything. `inputs` are the run's own,
    `selection` is the part of its own workflow that is walked. `access` knows how
    requests are shown to which the World adds credentials.
    """

    program: Program
    world: World
    options: RunOptions
    emit: Emit
    interrupts: tuple[type[BaseException], ...]
    visits_left: int
    secrets: Secrets = field(default_factory=Secrets)
    inputs: dict[str, JsonValue] = field(default_factory=dict)
    selection: Selection = field(default_factory=Selection)
    access: Access = field(default_factory=Access)
    deadline: float | None = None
    now: float = 0.0
    jar: Jar = field(default_factory=Jar)
    finished: dict[WorkflowKey, WorkflowResult] = field(default_factory=dict)
    scopes: dict[str, dict[str, WorkflowScope]] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    root: Frame | None = None
    dependencies: list[WorkflowResult] = field(default_factory=list)
    stop: Stop | None = None

    async def send(self, effect: SendRequest) -> object:
        """Perform a request; an interruption is an answer too, so that what ran so far is kept."""
        try:
            return await self.world.perform(effect)
        except self.interrupts as interrupt:
            self.stop = Stop("interrupted", "interrupted")
            sent = not (isinstance(interrupt, Interrupted) and not interrupt.sent)
            message = f"interrupted {'while the request was under way' if sent else 'before the request was sent'}"
            return NoResponse("interrupted", message, sent=sent)

    async def sleep(self, key: str, seconds: float) -> None:
        """Wait, at most until the run's deadline."""
        left = self.time_left()
        if left is not None and seconds > left:
            self._stop_at_deadline()
            return
        if seconds > 0:
            await self._perform(Sleep(key=f"{key}/wait", seconds=seconds))

    async def tick(self, key: str) -> float:
        """Read the clock and return the time in seconds since the epoch."""
        answer = await self._perform(Now(key=f"{key}/now"))
        if isinstance(answer, float):
            self.now = answer
        left = self.time_left()
        if left is not None and left <= 0 and self.stop is None:
            self._stop_at_deadline()
        return self.now

    def time_left(self) -> float | None:
        """Return the seconds until the run's deadline, None without one."""
        return None if self.deadline is None else self.deadline - self.now

    def _stop_at_deadline(self) -> None:
        self.stop = Stop("failed", "the time limit was reached (see --run-timeout)", limit=self.deadline)

    async def _perform(self, effect: Effect[Answer]) -> Answer | None:
        try:
            return await self.world.perform(effect)
        except self.interrupts:
            self.stop = Stop("interrupted", "interrupted")
            return None


class Outer(Record):
    """Performs the Batches of parallel branches in the run's own World; interrupted, all get an answer."""

    run: Run
    world: World

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform a Batch; an interruption ends the run, with an answer for every branch."""
        try:
            return await self.world.perform(effect)
        except self.run.interrupts:
            self.run.stop = Stop("interrupted", "interrupted")
            assert isinstance(effect, Batch)
            return cast(Answer, interrupted_answers(effect, self.run.now))


class Frame(MutableRecord):
    """One workflow being run: its inputs, what its steps gave so far, and where it is.

    `prefix` begins the effect keys of a nested run; `attempts` counts the attempts of each
    step over all its visits; `doubtful` are steps whose unsafe request has an unknown outcome;
    `overtaken` are steps that ran ahead (in parallel) and whose turn never came.
    """

    workflow: CompiledWorkflow
    inputs: dict[str, JsonValue]
    depth: int
    prefix: str
    outputs: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    results: list[StepResult] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    overtaken: list[StepResult] = field(default_factory=list)
    selection: Selection = field(default_factory=Selection)

    def key(self, step_id: str) -> str:
        """Return the effect key of the step's next attempt, `<prefix><stepId>#<n>`, counting up."""
        number = self.attempts.get(step_id, 0) + 1
        self.attempts[step_id] = number
        return f"{self.prefix}{step_id}#{number}"

    def scope(
        self,
        run: Run,
        *,
        url: str | Missing = MISSING,
        method: str | Missing = MISSING,
        status_code: int | Missing = MISSING,
        request: Message | None = None,
        response: Message | None = None,
        outputs: dict[str, JsonValue] | None = None,
        later: frozenset[str] = frozenset(),
    ) -> Scope:
        """Return what expressions of this workflow may see now; `later` are steps of a loop that come later."""
        document = self.workflow.document
        return Scope(
            inputs=self.inputs,
            outputs=outputs or {},
            steps=self.outputs,
            workflows=run.scopes.get(document.uri, {}),
            sources=document.sources,
            components=document.components,
            self_uri=document.self_uri,
            url=url,
            method=method,
            status_code=status_code,
            request=request,
            response=response,
            not_yet=later - self.outputs.keys() if later else later,
            query_timeout=run.options.criterion_timeout,
        )
