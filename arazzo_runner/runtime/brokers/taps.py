"""Taps: the messages of one subscription in the order of arrival, and which step gets which of them.

A tap knows no broker and no event loop: a driver puts messages in, `look` takes them out, and `changed` is called
when a look may find what it did not find before.

- A message that was answered is kept from other steps until its step settles it or asks for another.
- A message that was settled is never given again, also when a broker gives it again after a crash.
- Messages that nobody took are kept: a step whose id is not known yet may wait for them. Hence the limits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from arazzo_runner.base.records import MutableRecord, Record, replace
from arazzo_runner.base.settings import MAX_RESPONSE_SIZE
from arazzo_runner.engine.messages import ChannelMessage, NoMessage, Receive, Received
from arazzo_runner.runtime.brokers.correlation import Correlated
from arazzo_runner.runtime.brokers.driver import BrokerFailure
from arazzo_runner.runtime.brokers.message_parts import digest_of

MAX_MESSAGES: Final = 10_000
MAX_MESSAGE_SIZE: Final = 10 * 2**20
_TOTAL: Final = 10
"""A tap keeps at most so many times the size of the longest message."""
_OF_CONTENT: Final = "="
"""Begins a token that is made of the content: an equal message of a later process is another one."""
_NARROWER: Final = "subscribe to a narrower address, or allow more messages"


class TapLimits(Record, kw_only=True):
    """How many messages a tap keeps, and how many bytes each may have."""

    messages: int = MAX_MESSAGES
    size: int = MAX_MESSAGE_SIZE


class Arrived(MutableRecord, kw_only=True):
    """A message that came and that no step took; `leased` is the step that looks at it."""

    index: int
    token: str
    correlated: Correlated
    leased: str | None = None


def step_of(effect: Receive) -> str:
    """Return which step asks: the key of a Receive is `<step>#<attempt>/m<number>`."""
    return effect.key.rpartition("#")[0] or effect.key


class Tap:
    """The messages of one subscription; it is the Sink of its driver.

    `counts_retained`: messages from before the subscription are messages like others. `redelivers`: the broker gives
    messages again that were not settled, so those that were settled before they come are dropped.
    `changed` is called after each change, `dropped` with the token of a message that nobody gets.
    """

    def __init__(
        self,
        limits: TapLimits,
        *,
        counts_retained: bool = False,
        changed: Callable[[], None] = lambda: None,
        dropped: Callable[[str], None] = lambda token: None,
    ) -> None:
        self.redelivers = False
        self.retained = 0
        self.failure: BrokerFailure | None = None
        self._limits = limits
        self._counts_retained = counts_retained
        self._changed = changed
        self._dropped = dropped
        self._messages: dict[int, Arrived] = {}  # by index, those that no step took
        self._by_token: dict[str, int] = {}
        self._settled: set[str] = set()
        self._given: set[int] = set()
        self._equal: dict[str, int] = {}
        self._first = 0  # no message before this one is left
        self._came = 0
        self._size = 0

    def put(self, message: ChannelMessage, token: str | None = None, *, retained: bool = False) -> None:
        """Add a message in the order of arrival."""
        if self.failure is not None:
            return
        if retained and not self._counts_retained:
            self.retained += 1
            return
        known = token if token is not None else self._token_of(message)
        if known in self._settled:
            self._dropped(known)
        elif known not in self._by_token and self._has_room(message):
            self._messages[self._came] = Arrived(index=self._came, token=known, correlated=Correlated(message))
            self._by_token[known] = self._came
            self._came += 1
            self._size += _size_of(message)
        self._changed()

    def lost(self, failure: BrokerFailure) -> None:
        """End the subscription: what is there is still given."""
        self.failure = self.failure or failure
        self._changed()

    def settle(self, token: str) -> bool:
        """Take a message for good; return whether it is or was here."""
        index = self._by_token.pop(token, None)
        if index is None:
            if self.redelivers and not token.startswith(_OF_CONTENT):
                self._settled.add(token)
            return False
        if not token.startswith(_OF_CONTENT):  # those are given once
            self._settled.add(token)
        taken = self._messages.pop(index)
        while self._first < self._came and self._first not in self._messages:
            self._first += 1
        self._size -= _size_of(taken.correlated.message)
        return True

    def release(self, step: str, after: int | None = None) -> None:
        """Leave messages to other steps that a step had looked at: all, or those up to an index."""
        found = False
        for arrived in self._messages.values():
            if arrived.leased == step and (after is None or arrived.index <= after):
                arrived.leased, found = None, True
        if found:
            self._changed()

    def leave(self, token: str) -> None:
        """Leave a message to all steps again."""
        index = self._by_token.get(token)
        if index is not None:
            self._messages[index].leased = None
            self._changed()

    def look(self, effect: Receive) -> Look:
        """Return how a Receive looks for its message."""
        return Look(self, effect)

    def after(self, effect: Receive) -> int:
        """Return up to which index a Receive leaves messages to other steps.

        An index that this tap has not given is of an earlier process of a resumed run, and counts from another
        beginning: then every message is looked at.
        """
        return effect.after if effect.after in self._given else -1

    def message_at(self, index: int) -> Arrived | None:
        """Return a message that no step took, by its index."""
        return self._messages.get(index)

    def indexes(self, start: int) -> range:
        """Return the indexes, from one on, among which the messages are that no step took."""
        return range(max(start, self._first), self._came)

    def give(self, arrived: Arrived, step: str) -> None:
        """Keep a message from other steps."""
        arrived.leased = step
        self._given.add(arrived.index)

    def _has_room(self, message: ChannelMessage) -> bool:
        """Return whether a message can be kept; the subscription ends where it cannot."""
        size = _size_of(message)
        if size > self._limits.size:
            text = f"a message of {size} bytes came, and {self._limits.size} are allowed"
            self.failure = BrokerFailure("too-large", text, hint=f"allow more with {MAX_RESPONSE_SIZE}")
        elif len(self._messages) >= self._limits.messages:
            text = f"more than {self._limits.messages} messages came that no step took"
            self.failure = BrokerFailure("too-large", text, hint=_NARROWER)
        elif self._size + size > self._limits.size * _TOTAL:
            text = f"more than {self._limits.size * _TOTAL} bytes of messages came that no step took"
            self.failure = BrokerFailure("too-large", text, hint=_NARROWER)
        return self.failure is None

    def _token_of(self, message: ChannelMessage) -> str:
        """Return a token made of the content, numbered among equal messages."""
        content = digest_of(message)
        number = self._equal.get(content, 0)
        self._equal[content] = number + 1
        return f"{_OF_CONTENT}{content}-{number}"


def _size_of(message: ChannelMessage) -> int:
    headers = sum(len(name) + len(value) for name, value in message.headers)
    return len(message.payload) + len(message.key or b"") + headers


class Look:
    """One Receive that looks for its message, as often as its tap changes; no message is read twice."""

    def __init__(self, tap: Tap, effect: Receive) -> None:
        self._tap = tap
        self._effect = effect
        self.step = step_of(effect)
        after = tap.after(effect)
        tap.release(self.step, after)
        self._looked_at = after + 1
        self._cursor = after + 1
        self._foreign = 0
        self._kept: dict[int, None] = {}  # those that would do, and that another step looks at

    def found(self) -> Received | None:
        """Return the message that is there now, and keep it from other steps; None for none."""
        for index in [*self._kept, *self._tap.indexes(self._cursor)]:
            self._cursor = max(self._cursor, index + 1)
            arrived = self._tap.message_at(index)
            if arrived is None or not self._fits(arrived):
                self._kept.pop(index, None)
            elif arrived.leased not in (None, self.step):
                self._kept[index] = None
            else:
                self._tap.give(arrived, self.step)
                message = arrived.correlated.message
                return Received(message=message, token=arrived.token, index=index, passed_over=self._foreign)
        return None

    def ended(self) -> NoMessage | None:
        """Return the answer where nothing will come any more, None while something may."""
        failure = self._tap.failure
        return None if failure is None or self._kept else self._none(no_message(failure))

    def timed_out(self) -> NoMessage:
        """Return the answer when the time is over."""
        if self._tap.failure is not None:  # what is left is looked at by another step
            return self._none(no_message(self._tap.failure))
        seen = self._foreign + self._looked_at
        others = f"; {seen} that came were not the one" if seen else ""
        before = f"; {self._tap.retained} from before do not count" if self._tap.retained else ""
        text = f"no message came within {self._effect.timeout:g} s{others}{before}"
        return self._none(NoMessage(reason="timeout", message=text))

    def _none(self, answer: NoMessage) -> NoMessage:
        return replace(answer, passed_over=self._foreign, retained=self._tap.retained)

    def _fits(self, arrived: Arrived) -> bool:
        if arrived.index in self._kept or arrived.correlated.fits(self._effect.correlation):
            return True
        self._foreign += 1
        return False


def no_message(failure: BrokerFailure) -> NoMessage:
    """Return the answer that says what a driver raised."""
    return NoMessage(
        reason=failure.reason, message=failure.message, sent=failure.sent, hint=failure.hint, code=failure.code
    )
