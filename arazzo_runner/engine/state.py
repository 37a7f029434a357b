"""The state of one run, handed along as an argument: nothing of it is global, nothing outlives the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import CoroutineType
from typing import Final, TypeVar, cast

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing
from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.settings import RUN_TIMEOUT
from arazzo_runner.engine.answers import checked_answer
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.engine.effects import (
    Access,
    Answer,
    Effect,
    Headers,
    NoFile,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    World,
)
from arazzo_runner.engine.interruption import Interruption, interrupted_message, interrupted_request, interruption_of
from arazzo_runner.engine.messages import (
    NoMessage,
    Publish,
    Published,
    Receive,
    Received,
    Settle,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.results import Event, StepResult, StopRun, WorkflowResult, WorkflowStatus
from arazzo_runner.engine.selection import Selection
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.scope import Message, Scope, WorkflowScope
from arazzo_runner.program.model import CompiledWorkflow, Program, WorkflowKey

Emit = Callable[[Event, Secrets], None]
Got = TypeVar("Got", Published, Subscribed, Received)


class Stop(Record):
    """Why the whole run ends early: interrupted, out of budget, past its deadline.

    `limit` is the deadline that passed: the step that set it compares it with its own.
    """

    status: WorkflowStatus
    reason: str
    limit: float | None = None


INTERRUPTED: Final = Stop("interrupted", "interrupted")
UNTOUCHED: Final = (StopRun, GeneratorExit)
"""What a World raises that is no interruption: the one ends the run as failed, the other closes its coroutine."""


class Visits(MutableRecord):
    """How many more steps a run may visit."""

    left: int


class Run(MutableRecord):
    """The state shared by all workflows of one run; of a branch that runs beside others, its own copy (`fork`).

    `visits` is the budget of step visits. `unknown` maps the effect keys of unsafe
    requests whose outcome is unknown to what they are. `finished` holds the last result of every
    workflow that ended, `dependencies` the results of those that ran because another depends on
    them. `stop` is set once and ends the run. `interrupted` has the exception that ended it, if one did,
    also in every branch: from then on no effect is performed. `failures` are those of the listener,
    each kind once. `inputs` are those of the entry workflow,
    `selection` is the part of it that runs. `access` returns requests as records show them.
    `is_dry`: nothing is sent, and each step is visited once. `unwaited` says why its World does not wait, if so.
    `unknown_formats` are the sentences about formats that the run has reported, each once.
    `answered` are the responses of a branch so far, for the cookies they set; None outside of branches.
    `taps` are the names of all subscriptions that have begun and not ended.
    """

    program: Program
    world: World
    options: RunOptions
    emit: Emit
    interrupts: tuple[type[BaseException], ...]
    visits: Visits
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
    unknown_formats: set[str] = field(default_factory=set)
    root: Frame | None = None
    dependencies: list[WorkflowResult] = field(default_factory=list)
    stop: Stop | None = None
    interrupted: list[BaseException] = field(default_factory=list)
    failures: dict[str, Diagnostic] = field(default_factory=dict)
    is_dry: bool = False
    unwaited: str | None = None
    answered: list[tuple[str, Headers, float]] | None = None
    taps: set[str] = field(default_factory=set)

    def fork(self, world: World, jar: Jar, *, apart: bool) -> Run:
        """Return the state of a branch: its clock, cookies, deadline and stop are its own until `join`.

        `apart` says that the results of workflows are too: nothing in the branch may read them.
        """
        branch = replace(self, world=world, jar=jar, answered=[])
        return replace(branch, finished={}, scopes={}) if apart else branch

    def join(self, branch: Run) -> None:
        """Take over what a branch has changed, as if it had run now."""
        self.now = max(self.now, branch.now)
        self.stop = self.stop or branch.stop
        for each in branch.answered or ():
            self.keep_cookies(*each)
        if branch.finished is not self.finished:
            self.finished.update(branch.finished)
            for uri, scopes in branch.scopes.items():
                self.scopes.setdefault(uri, {}).update(scopes)

    def keep_cookies(self, url: str, headers: Headers, moment: float) -> None:
        """Keep the cookies that a response sets."""
        self.jar = self.jar.after_response(url, headers, moment, mode=self.options.cookies)
        if self.answered is not None:
            self.answered.append((url, headers, moment))

    def report(self, event: Event) -> None:
        """Call the listener of the run: it may interrupt the run or raise StopRun; other failures are warnings."""
        try:
            returned: object = self.emit(event, self.secrets)  # type: ignore[func-returns-value]
            if isinstance(returned, CoroutineType):
                returned.close()
                raise TypeError("it returned a coroutine, which nobody awaits")
        except StopRun:
            raise
        except self.interrupts as stop:
            self.interrupted_by(stop)
        except Exception as problem:
            kind = f"{type(event).__name__} {type(problem).__name__}"
            text = self.secrets.mask(str(problem).partition("\n")[0])
            self.failures.setdefault(kind, listener_failed(self.program, event, type(problem).__name__, text))

    def interrupted_by(self, stop: BaseException) -> Interruption:
        """End the run because of an exception; returns what that says of the effects under way."""
        if not self.interrupted:
            self.interrupted.append(stop)
        self.stop = INTERRUPTED if isinstance(stop, self.interrupts) else _raised(stop)
        return interruption_of(stop)

    async def send(self, effect: SendRequest) -> object:
        """Perform a request; an interruption is an answer too, so that the result has what ran so far."""
        if self.interrupted:
            return interrupted_request(sent=False)
        try:
            return checked_answer(effect, await self.world.perform(effect))
        except UNTOUCHED:
            raise
        except BaseException as stop:
            return self.interrupted_by(stop).answer(effect, self.now)

    async def publish(self, effect: Publish) -> Published | NoMessage:
        """Send a message; an interruption is an answer too, as for `send`."""
        return await self._exchanged(effect, Published)

    async def subscribe(self, effect: Subscribe) -> Subscribed | NoMessage:
        """Begin a subscription."""
        return await self._exchanged(effect, Subscribed)

    async def receive(self, effect: Receive) -> Received | NoMessage:
        """Wait for a message."""
        return await self._exchanged(effect, Received)

    async def _exchanged(self, effect: Publish | Subscribe | Receive, kind: type[Got]) -> Got | NoMessage:
        if self.interrupted:
            return interrupted_message(effect, sent=False)
        answer: object
        try:
            answer = checked_answer(effect, await self.world.perform(cast("Effect[object]", effect)))
        except UNTOUCHED:
            raise
        except BaseException as stop:
            answer = self.interrupted_by(stop).answer(effect, self.now)
        return answer if isinstance(answer, (kind, NoMessage)) else interrupted_message(effect, sent=False)

    async def settle(self, effect: Settle) -> None:
        """Take a message for good."""
        await self._perform(effect)

    async def unsubscribe(self, key: str, taps: Iterable[str]) -> None:
        """End subscriptions. A run that is interrupted leaves that to its World: it may go on later."""
        ended = tuple(taps)
        self.taps.difference_update(ended)
        await self._perform(Unsubscribe(key=key, taps=ended))

    async def read_file(self, key: str, path: str) -> bytes | NoFile:
        """Return the content of a file, or why there is none."""
        answer = await self._perform(ReadFile(key=key, path=path, roots=tuple(self.options.file_roots)))
        return NoFile("interrupted before the file was read") if answer is None else answer

    async def sleep(self, key: str, seconds: float) -> None:
        """Wait, at most until the run's deadline."""
        if self.stop is not None:
            return
        left = self.time_left()
        if left is not None and seconds > left:
            self._stop_at_deadline()
            return
        if seconds > 0:
            await self._perform(Sleep(key=f"{key}/wait", seconds=seconds))

    async def tick(self, key: str) -> float:
        """Read the clock and return the time in seconds since the epoch."""
        answer = await self._perform(Now(key=f"{key}/now"))
        if answer is not None:
            self.now = answer
        left = self.time_left()
        if left is not None and left <= 0 and self.stop is None:
            self._stop_at_deadline()
        return self.now

    def time_left(self) -> float | None:
        """Return the seconds until the run's deadline, None without one."""
        return None if self.deadline is None else self.deadline - self.now

    def _stop_at_deadline(self) -> None:
        self.stop = Stop("failed", f"the time limit was reached (see {RUN_TIMEOUT.key})", limit=self.deadline)

    async def _perform(self, effect: Effect[Answer]) -> Answer | None:
        if self.interrupted:
            return None
        try:
            return checked_answer(effect, await self.world.perform(effect))
        except UNTOUCHED:
            raise
        except BaseException as stop:
            self.interrupted_by(stop)
            return None


def _raised(stop: BaseException) -> Stop:
    return Stop("interrupted", f"the World raised {type(stop).__name__}")


def listener_failed(program: Program, event: Event, kind: str, text: str) -> Diagnostic:
    """Return the warning about an exception of the listener: the run goes on."""
    said = f"{kind}{f': {text}' if text else ''}"
    return Diagnostic(
        code="listener-failed",
        severity=Severity.WARNING,
        message=f"on_event raised {said}, called with {type(event).__name__}; the run goes on",
        at=program.workflow.at,
        hint="raise StopRun to end the run",
    )


class Tap(Record):
    """A subscription of a workflow that runs: its name within the run, and its address.

    `source` is what it is made to: two with the same one get the same messages. `number` counts those that followed
    each other because the address changed. `is_shared`: it is that of a workflow that has called this one.
    """

    name: str
    address: str
    source: tuple[object, ...]
    number: int = 1
    is_shared: bool = False


class Unheard(MutableRecord):
    """A subscription that could not be made, and the step that failed because of it, None for none so far."""

    why: Diagnostic
    failed_step: str | None = None


class Frame(MutableRecord):
    """The state of one workflow that runs: its inputs, and the results and outputs of its steps so far.

    `prefix` begins the effect keys of a nested workflow; `attempts` counts the attempts of each
    step over all its visits, `polls` how often an action went back to its own step;
    `unknown_outcomes` are steps with an unsafe request of unknown outcome;
    `taps` are the subscriptions so far, by the names of their Arms, `unheard` those that could not be made;
    `overtaken` are steps that ran ahead (in parallel) and whose turn never came;
    `outer` is the state of the workflow that has called this one, None for none;
    `callbacks` are the inputs that are URLs of webhooks, given by the run itself.
    """

    workflow: CompiledWorkflow
    inputs: dict[str, JsonValue]
    depth: int
    prefix: str
    outputs: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    results: list[StepResult] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    polls: dict[str, int] = field(default_factory=dict)
    unknown_outcomes: set[str] = field(default_factory=set)
    taps: dict[str, Tap] = field(default_factory=dict)
    unheard: dict[str, Unheard] = field(default_factory=dict)
    overtaken: list[StepResult] = field(default_factory=list)
    outer: Frame | None = None
    selection: Selection = field(default_factory=Selection)
    callbacks: set[str] = field(default_factory=set)

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
        message: Message | None = None,
        outputs: dict[str, JsonValue] | None = None,
        later: frozenset[str] = frozenset(),
    ) -> Scope:
        """Return what expressions of this workflow can refer to now; `later` are steps that only a loop reaches."""
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
            message=message,
            not_yet=later - self.outputs.keys() if later else later,
            query_timeout=run.options.criterion_timeout,
            now=run.now,
        )
