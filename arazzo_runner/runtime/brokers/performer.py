"""Performs the effects about messages of one run, on the event loop of its BrokerWorld: the taps by their names."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar, assert_never

from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.base.settings import SERVER
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
from arazzo_runner.runtime.brokers.connections import (
    CLOSING,
    Connections,
    NotPossible,
    Open,
    not_connected,
    unexpected,
)
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure
from arazzo_runner.runtime.brokers.taps import Tap, TapLimits, no_message
from arazzo_runner.runtime.brokers.waiting import Answered, Waiting
from arazzo_runner.sources.protocols import rules_of

Result = TypeVar("Result")
_ENDED: Final = "the subscription has ended"


class _Subscription(MutableRecord, kw_only=True):
    """A tap with what feeds it; `waiting` look again after each change."""

    tap: Tap
    opened: Open
    armed: Armed
    answer: Subscribed
    waiting: list[Waiting] = field(default_factory=list)

    def end(self) -> None:
        """Answer those who wait that nothing more comes."""
        self.tap.lost(BrokerFailure("closed", _ENDED))
        self.opened.taps.remove(self.tap)


class Performer:
    """Performs effects about messages; it lives on one event loop.

    `may_send` is asked just before a message is handed to its driver, and says no when the effect was given up.
    """

    def __init__(self, connections: Connections, limits: TapLimits) -> None:
        self._connections = connections
        self._limits = limits
        self._taps: dict[str, _Subscription] = {}
        self._settling: set[asyncio.Task[None]] = set()

    async def perform(self, effect: Subscribe | Publish | Settle | Unsubscribe, may_send: Callable[[], bool]) -> object:
        """Return the answer to an effect; what drivers raise is one."""
        match effect:
            case Subscribe():
                return await self._subscribe(effect)
            case Publish():
                return await self._publish(effect, may_send)
            case Settle():
                await self._settle(effect)
            case Unsubscribe():
                await self._unsubscribe(effect.taps)
            case _:
                assert_never(effect)
        return None

    def receive(self, effect: Receive, answered: Answered) -> Waiting | None:
        """Call `answered` with the answer to a Receive; return what waits for it, None where nothing can come."""
        subscription = self._taps.get(effect.tap)
        if subscription is None:
            answered(NoMessage(reason="closed", message=f"there is no subscription {effect.tap}"))
            return None
        return Waiting(subscription.tap, effect, subscription.waiting, answered)

    def release(self, effect: Receive, answer: Received) -> None:
        """Leave a message to other steps that was answered to nobody."""
        subscription = self._taps.get(effect.tap)
        if subscription is not None:
            subscription.tap.leave(answer.token)

    async def close(self) -> None:
        """Forget all taps; what brokers keep for them stays for a run that goes on later."""
        for task in self._settling:
            task.cancel()
        for subscription in self._taps.values():
            subscription.end()
        self._taps.clear()

    async def _subscribe(self, effect: Subscribe) -> Subscribed | NoMessage:
        before = self._taps.get(effect.tap)
        if before is not None:
            if before.tap.failure is None:
                return before.answer
            await self._unsubscribe((effect.tap,))
        attempt = _Attempt(self, effect, effect.timeout)
        return await attempt.answered(lambda opened: self._armed(effect, opened))

    async def _armed(self, effect: Subscribe, opened: Open) -> Subscribed:
        waiting: list[Waiting] = []

        def changed() -> None:
            for each in tuple(waiting):
                each.changed()

        def dropped(token: str) -> None:
            task = asyncio.ensure_future(_settled(opened, armed, token))
            self._settling.add(task)
            task.add_done_callback(self._settling.discard)

        tap = Tap(self._limits, counts_retained=effect.retained, changed=changed, dropped=dropped)
        armed = await opened.driver.arm(
            effect.address, effect.bindings, effect.position, tap,
            name=effect.tap, inbox=effect.inbox, headers=effect.headers,
        )  # fmt: skip
        tap.redelivers = not armed.lossy
        opened.taps.append(tap)
        answer = Subscribed(address=armed.address, position=armed.position, lossy=armed.lossy)
        self._taps[effect.tap] = _Subscription(tap=tap, opened=opened, armed=armed, answer=answer, waiting=waiting)
        return answer

    async def _publish(self, effect: Publish, may_send: Callable[[], bool]) -> Published | NoMessage:
        attempt = _Attempt(self, effect, effect.timeout)

        async def send(opened: Open) -> Published:
            if not may_send():
                raise NotPossible(NoMessage(reason="interrupted", message="interrupted", sent=False))
            attempt.sent = True
            return await opened.driver.publish(effect.message, effect.bindings)

        answer = await attempt.answered(send)
        return replace(answer, elapsed_ms=attempt.elapsed_ms())

    async def _settle(self, effect: Settle) -> None:
        subscription = self._taps.get(effect.tap)
        if subscription is not None and subscription.tap.settle(effect.token):
            await _settled(subscription.opened, subscription.armed, effect.token)

    async def _unsubscribe(self, taps: tuple[str, ...]) -> None:
        ended = [self._taps.pop(tap) for tap in taps if tap in self._taps]
        for subscription in ended:
            subscription.end()
        await asyncio.gather(*(_disarmed(each.opened, each.armed) for each in ended))

    async def connection(self, effect: Subscribe | Publish) -> Open:
        """Return the connection for an effect."""
        return await self._connections.to(effect.broker, effect.bindings.get("server", {}))

    async def discard(self, opened: Open, failure: BrokerFailure) -> None:
        """Give up a connection that was lost, with its subscriptions."""
        await self._connections.discard(opened, failure)


class _Attempt:
    """One effect that needs a connection, within its time; `sent` is set when the broker may have got it."""

    def __init__(self, performer: Performer, effect: Subscribe | Publish, timeout: float) -> None:
        self.sent = False
        self._performer = performer
        self._effect = effect
        self._timeout = timeout
        self._opened: Open | None = None
        self._began = time.monotonic()

    def elapsed_ms(self) -> float:
        """Return how long it has taken."""
        return (time.monotonic() - self._began) * 1000

    async def answered(self, work: Callable[[Open], Awaitable[Result]]) -> Result | NoMessage:
        """Return what work does on a connection, or why it could not be done.

        A library that does not let itself be cancelled is left when the time is over.
        """
        task = asyncio.ensure_future(self._done(work))
        task.add_done_callback(_without_complaint)
        try:
            await asyncio.wait((task,), timeout=self._timeout)
        finally:
            task.cancel()
        if not task.done():
            return self._late()
        return self._outcome(task)

    def _outcome(self, task: asyncio.Task[Result]) -> Result | NoMessage:
        answer = self._answer(task)
        if isinstance(answer, NoMessage) and answer.hint is not None:
            hint = answer.hint.replace(str(SERVER), SERVER.of(self._effect.broker.source))
            return replace(answer, hint=hint)
        return answer

    def _answer(self, task: asyncio.Task[Result]) -> Result | NoMessage:
        try:
            return task.result()
        except TimeoutError:
            return self._late()
        except BrokerFailure as failure:
            return no_message(failure)
        except NotPossible as refusal:
            return refusal.answer
        except (Exception, asyncio.CancelledError) as problem:  # of a library: everything that goes wrong is an answer
            return unexpected(problem, self._opened, sent=self.sent)

    async def _done(self, work: Callable[[Open], Awaitable[Result]]) -> Result:
        """Do the work; on a connection that was lost meanwhile once more, on a new one."""
        while True:
            self._opened = opened = await self._performer.connection(self._effect)
            was_used, opened.is_used = opened.is_used, True
            try:
                return await work(opened)
            except BrokerFailure as failure:
                if failure.reason != "closed" or opened.driver.reconnects:
                    raise
                await self._performer.discard(opened, failure)
                may_be_there = failure.sent and isinstance(self._effect, Publish)
                if may_be_there or not was_used:
                    raise
                self.sent = False

    def _late(self) -> NoMessage:
        if self._opened is None:
            message = not_connected(self._effect.broker.url, self._timeout)
            hint = f"is it a broker of {rules_of(self._effect.broker.protocol).title} that listens there?"
            return NoMessage(reason="timeout", message=message, sent=self.sent, hint=hint)
        what = "the message" if isinstance(self._effect, Publish) else "the subscription"
        message = f"the broker did not confirm {what} within {self._timeout:g} s"
        return NoMessage(reason="timeout", message=message, sent=self.sent)


def _without_complaint(task: asyncio.Task[Any]) -> None:
    """Look at the outcome of a task that was left: asyncio reports what nobody has looked at."""
    if not task.cancelled():
        task.exception()


async def _settled(opened: Open, armed: Armed, token: str) -> None:
    """Acknowledge a message; where that fails the broker gives it again, and it is dropped then."""
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSING):
            await opened.driver.settle(armed, token)


async def _disarmed(opened: Open, armed: Armed) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(CLOSING):
            await opened.driver.disarm(armed)
