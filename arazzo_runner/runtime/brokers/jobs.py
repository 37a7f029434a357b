"""Effects under way on the event loop of brokers, as the thread of a run sees them."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import Any

from arazzo_runner.engine.effects import Effect, Sleep
from arazzo_runner.engine.messages import (
    MessageEffect,
    NoMessage,
    Publish,
    Receive,
    Received,
    Settle,
    Subscribe,
    Unsubscribe,
)
from arazzo_runner.runtime.brokers.connections import CLOSED
from arazzo_runner.runtime.brokers.loop import BrokerLoop
from arazzo_runner.runtime.brokers.performer import Performer
from arazzo_runner.runtime.brokers.waiting import Waiting


class Job:
    """One effect under way; `answer` gets its answer on the loop."""

    def __init__(self, effect: MessageEffect | Sleep, performer: Performer, loop: BrokerLoop) -> None:
        self.effect = effect
        self.answer: Future[object] = Future()
        self.answer.set_running_or_notify_cancel()  # so that nobody who stops waiting cancels it
        self._performer = performer
        self._loop = loop
        self._task: asyncio.Task[None] | None = None
        self._waiting: Waiting | None = None
        self._lock = threading.Lock()
        self._given_up = False
        self._sending = False
        if not loop.call(self._start):
            self._end(_not_performed(effect, loop.problem))

    def give_up(self) -> object:
        """End the effect. Return its answer: the one that had come, else that it was interrupted."""
        with self._lock:
            self._given_up = True
            answer = self.answer.result() if self.answer.done() else interrupted(self.effect, sent=self._sending)
        self._loop.call(self._stop)
        return answer

    def _start(self) -> None:
        if not isinstance(self.effect, Receive):
            self._task = asyncio.ensure_future(self._perform(self.effect))
        elif not self._given_up:
            self._waiting = self._performer.receive(self.effect, self._end)

    async def _perform(self, effect: Subscribe | Publish | Settle | Unsubscribe | Sleep) -> None:
        answer: object = interrupted(effect, sent=False)
        try:
            if isinstance(effect, Sleep):
                await asyncio.sleep(effect.seconds)
                answer = None
            elif not self._given_up:
                answer = await self._performer.perform(effect, self._may_send)
        except asyncio.CancelledError:
            answer = interrupted(effect, sent=self._sending)
        except Exception as problem:  # a mistake of ours: it belongs to the thread of the run
            answer = problem
        self._end(answer)

    def _end(self, answer: object) -> None:
        with self._lock:
            if isinstance(answer, Exception):
                self.answer.set_exception(answer)
            else:
                self.answer.set_result(answer)

    def _may_send(self) -> bool:
        with self._lock:
            self._sending = not self._given_up
            return self._sending

    def _stop(self) -> None:
        """Cancel what goes on; a message that came for nobody is left to other steps."""
        if self._task is not None:
            self._task.cancel()
        elif isinstance(self.effect, Receive) and self.answer.done():
            if isinstance(found := self.answer.result(), Received):
                self._performer.release(self.effect, found)
        elif self._waiting is not None:
            self._waiting.cancel()


def interrupted(effect: Effect[Any], *, sent: bool) -> NoMessage | None:
    """Return the answer to an effect that was ended before it had one."""
    match effect:
        case Publish():
            when = "while the message was under way" if sent else "before the message was sent"
        case Subscribe():
            when = "while the subscription was made"
        case Receive():
            when = "while a message was waited for"
        case _:
            return None
    return NoMessage(reason="interrupted", message=f"interrupted {when}", sent=sent)


def _not_performed(effect: Effect[Any], problem: str | None) -> NoMessage | None:
    if isinstance(effect, (Settle, Unsubscribe, Sleep)):
        return None
    if problem is not None:
        return NoMessage(reason="library", message=f"nothing can be sent or received: {problem}", sent=False)
    return NoMessage(reason="closed", message=CLOSED, sent=False)
