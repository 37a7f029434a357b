"""Interruptions: the exceptions that end a run early, what they say of the effects under way, and the result so far.

A run that is interrupted (Ctrl-C, a cancelled task, a World that raises) ends its workflows in order and asks for no
further effect. Then the exception is raised again, so that whoever cancels sees it take effect; the result is on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, assert_never

from arazzo_runner.base.records import Record, field
from arazzo_runner.engine.effects import Effect, NoFile, NoResponse, Now, Race, ReadFile, SendRequest, Sleep
from arazzo_runner.engine.messages import MessageEffect, NoMessage, Publish, Receive, Settle, Subscribe, Unsubscribe
from arazzo_runner.engine.results import RunResult

_PREFIX: Final = "arazzo_"  # of attributes that exceptions of other people get
_ANSWERS: Final = _PREFIX + "answers"
_SENT: Final = _PREFIX + "sent"


class Interruption(Record):
    """What is known of the effects that an interruption ended.

    `answers` are those that are known, by effect key. Of the other requests and messages `sent` says whether a
    server or broker may have got them.
    """

    answers: Mapping[str, object] = field(default_factory=dict)
    sent: bool = True

    def answer(self, effect: SendRequest | Sleep | Race | Now | ReadFile | MessageEffect, now: float) -> object:
        """Return the answer to an effect; that to a Race is the interruption itself."""
        match effect:
            case SendRequest() | Publish() | Subscribe() | Receive():
                return self.answers.get(effect.key) or interrupted(effect, sent=self.sent)
            case ReadFile():
                return NoFile("interrupted before the file was read")
            case Now():
                return now
            case Sleep() | Settle() | Unsubscribe():
                return None
            case Race():
                return self
            case _:
                assert_never(effect)


def interrupted_request(*, sent: bool) -> NoResponse:
    """Return the answer to a request that an interruption ended."""
    when = "while the request was under way" if sent else "before the request was sent"
    return NoResponse("interrupted", f"interrupted {when}", sent=sent)


def interrupted_message(effect: Publish | Subscribe | Receive, *, sent: bool) -> NoMessage:
    """Return the answer to an effect about messages that an interruption ended."""
    match effect:
        case Publish():
            when = "while the message was under way" if sent else "before the message was sent"
        case Subscribe():
            when, sent = "while the subscription was made", False
        case Receive():
            when, sent = "while a message was waited for", False
        case _:
            assert_never(effect)
    return NoMessage(reason="interrupted", message=f"interrupted {when}", sent=sent)


def interrupted(effect: SendRequest | Publish | Subscribe | Receive, *, sent: bool) -> NoResponse | NoMessage:
    """Return the answer to a request, or an effect about messages, that an interruption ended."""
    return interrupted_request(sent=sent) if isinstance(effect, SendRequest) else interrupted_message(effect, sent=sent)


def interruption_of(stop: BaseException) -> Interruption:
    """Return what an exception that interrupts a run says of its effects."""
    return Interruption(getattr(stop, _ANSWERS, {}), getattr(stop, _SENT, True))


def add_answers(stop: BaseException, answers: Mapping[str, object]) -> None:
    """Make an exception that interrupts a run say which answers are known, by effect key, in the order they came."""
    setattr(stop, _ANSWERS, answers)


@contextmanager
def before_sending() -> Iterator[None]:
    """Make an exception that is raised in the block say that the request at hand was not sent."""
    try:
        yield
    except BaseException as stop:
        setattr(stop, _SENT, False)
        raise


def unsent(effect: Effect[Any]) -> Mapping[str, object]:
    """Return the known answer to an effect that was not begun."""
    if isinstance(effect, (SendRequest, Publish, Subscribe, Receive)):
        return {effect.key: interrupted(effect, sent=False)}
    return {}


def carry(stop: BaseException, value: object, name: str = "result") -> None:
    """Put the result of a run on the exception that ended it, for `partial_result`; None if it had not begun."""
    setattr(stop, _PREFIX + name, value)


def partial_result(error: BaseException) -> RunResult | None:
    """Return the result so far of a run that was interrupted: of what `run` or `arun` raised, or of what came of that.

    KeyboardInterrupt, asyncio.CancelledError and what a World raised have it themselves; asyncio.timeout and
    asyncio.wait_for raise a TimeoutError, whose cause the CancelledError is. None when the run had not begun.

    >>> import asyncio
    >>> async def rotate(token):
    ...     try:
    ...         async with asyncio.timeout(30):
    ...             return await arun("rotate.yml", inputs={"refreshToken": token})
    ...     except TimeoutError as error:
    ...         return partial_result(error)
    """
    return so_far(error, None)


def so_far(stop: BaseException, before: BaseException | None) -> RunResult | None:
    """Return the result so far of a run; `before` was being handled already when it began: it is of another run."""
    result = carried(stop, "result", before)
    return result if isinstance(result, RunResult) else None


def carried(error: BaseException, name: str, before: BaseException | None = None) -> object:
    """Return what the exception that a run raised has under a name: `error`, or one that it came of up to `before`."""
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current is not before and current not in seen:
        if hasattr(current, _PREFIX + "result"):
            found: object = getattr(current, _PREFIX + name, None)
            return found
        seen.append(current)
        current = current.__cause__ or current.__context__
    return None
