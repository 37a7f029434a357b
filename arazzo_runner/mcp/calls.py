"""One call of a tool: a run in a task of its own, and what it reports to whoever waits for it.

The task outlives a request: a client of the protocol of 2026 answers a question with another request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeAlias, assert_never

from arazzo_runner.api import arun
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import SendRequest, World
from arazzo_runner.engine.interruption import partial_result
from arazzo_runner.engine.messages import Publish
from arazzo_runner.engine.results import (
    AttemptFinished,
    Event,
    MessageAwaited,
    PollScheduled,
    RetryScheduled,
    RunResult,
    StepFinished,
    StepStarted,
    WorkflowFinished,
    WorkflowStarted,
)
from arazzo_runner.mcp.gate import Gate
from arazzo_runner.mcp.offers import Offer, Policy
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.masking import masked_url
from arazzo_runner.report.secret_file import SecretFile


class Progress(Record):
    """How far a run is: `done` of `total` steps (None: unknown); `message` is masked."""

    done: float
    total: float | None
    message: str


class Question(Record):
    """A question to the client's user, masked; the run waits for `Call.answer`."""

    text: str


class Ended(Record):
    """The call has ended: with a result, or the exception that kept it from beginning."""

    result: RunResult | None
    problem: BaseException | None = None


Report: TypeAlias = Progress | Question | Ended


class Call:
    """A run under way."""

    def __init__(
        self, offer: Offer, inputs: Mapping[str, JsonValue], policy: Policy, file: SecretFile | None = None
    ) -> None:
        self.offer = offer
        self.inputs = inputs
        self.secrets = Secrets()
        self._policy = policy
        self._file = file
        self.notes: list[str] = []
        self._reports: asyncio.Queue[Report] = asyncio.Queue()
        self._answer: asyncio.Future[bool] | None = None
        self._confirmed: bool | None = None
        self._done = 0.0
        self._total: float | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin the run."""
        self._task = asyncio.create_task(self._run())

    async def next(self) -> Report:
        """Return the next report; after Ended there is none."""
        return await self._reports.get()

    def answer(self, is_confirmed: bool) -> None:
        """Answer the question that the run waits with."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(is_confirmed)

    async def interrupt(self) -> Ended:
        """End the run and return how it ended; one that has ended already stays as it is."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        while True:
            report = await self._reports.get()
            if isinstance(report, Ended):
                return report

    # ------------------------------------------------------------------ the run

    async def _run(self) -> None:
        offer = self.offer
        try:
            result = await arun(
                offer.program,
                inputs=self.inputs,
                mock=offer.mock,
                mock_lenient=offer.mock_lenient,
                scenario=offer.scenario,
                options=offer.options,
                credentials=offer.credentials,
                around=self._around,
                on_event=self._on_event,
            )
            ended = Ended(result)
        except BaseException as stop:  # whoever waits for the call gets it: this task has no other caller
            result_so_far = partial_result(stop)
            ended = Ended(result_so_far, None if result_so_far is not None else stop)
        self._reports.put_nowait(self._with_secrets_kept(ended))

    def _with_secrets_kept(self, ended: Ended) -> Ended:
        """Write the last secret outputs; a run whose secrets could not be written has failed."""
        if self._file is None:
            return ended
        if ended.result is None:
            self._file.discard()
            return ended
        lost = self._file.finish(ended.result.status, ended.result.outputs)
        if lost is not None:
            return Ended(replace(ended.result, status="failed", reason=lost))
        if self._file.used:
            self.notes.append("Secret outputs are masked here; they are kept in a file on the machine of this server.")
        return ended

    def _around(self, world: World) -> World:
        is_guarded = self._policy.deny_unsafe or self._policy.confirm
        return Gate(world, self._decide) if is_guarded else world

    async def _decide(self, effect: SendRequest | Publish) -> str | None:
        if self._policy.deny_unsafe:
            return "this server sends nothing that may change something"
        if self._confirmed is None:
            self._answer = asyncio.get_running_loop().create_future()
            self._reports.put_nowait(Question(self._question(effect)))
            self._confirmed = await self._answer
        return None if self._confirmed else "the user did not allow it"

    def _question(self, effect: SendRequest | Publish) -> str:
        workflow_id = one_line(self.secrets.mask(self.offer.workflow_id))
        return f'The workflow "{workflow_id}" is about to send {self._shown(effect)}. Allow it, and what follows it?'

    def _shown(self, effect: SendRequest | Publish) -> str:
        if isinstance(effect, SendRequest):
            return one_line(f"{effect.request.method} {masked_url(effect.request.url, self.secrets)}")
        return one_line(self.secrets.mask(f"a message to {effect.message.address}"))

    # ------------------------------------------------------------------ events

    def _on_event(self, event: Event, secrets: Secrets) -> None:
        self.secrets = secrets
        if self._file is not None:
            self._file.on_event(event, secrets)
        message = self._message(event)
        if message:
            text = one_line(secrets.mask(message))
            self._reports.put_nowait(Progress(self._done, self._total_so_far(), text))

    def _message(self, event: Event) -> str:
        """Return what a client is shown of an event, "" for nothing."""
        match event:
            case WorkflowStarted():
                if event.depth == 0:
                    self._total = float(event.steps)
                return ""
            case StepFinished():
                self._done += 1.0 if event.depth == 0 else 0.001
                return f"{event.result.step_id}: {event.result.status}"
            case RetryScheduled():
                self._done += 0.001
                return f"{event.step_id}: retry {event.retry} of {event.limit} in {event.seconds:g} s"
            case MessageAwaited():
                self._done += 0.001
                return f"{event.step_id}: waits for a message, at most {event.seconds:g} s"
            case StepStarted() | AttemptFinished() | PollScheduled() | WorkflowFinished():
                return ""
            case _:
                assert_never(event)

    def _total_so_far(self) -> float | None:
        """Return the number of steps, None when some are visited more than once."""
        return self._total if self._total is not None and self._done <= self._total else None
