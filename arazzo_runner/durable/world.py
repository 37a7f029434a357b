"""The durable World: records an intent before every unsafe request, and each response before it is used.

An effect has up to three kinds of journal entries:

- `<key> begun`: the intent, with the id of the execution that is about to send. Recording it also
  proves that the run is still ours: an execution that was taken over sends nothing more.
- `<key> answered`: the answers. An unsafe request without one, begun by another execution, is *in doubt*.
- `<key> decided`: a person's decisions about requests in doubt; also the intent to resend.

A `publish` is such an unsafe effect. Of a subscription its position is recorded: a resumed run makes it again when
its journal ends, before anything else. A wait for a message ends at a recorded moment, as other waits do.

Of a file only size and digest are recorded: a resumed run reads it again, and stops before it sends
anything if the content has changed.

The World below adds credentials, which the journal never has. Of an answer that has one of them in it, the secrets in
it are recorded as such: who shows the run later, perhaps without its credentials, has to mask them.

Of effects at the same time (a Race) the order of the answers is that of their entries; a wait then has
an `answered` entry too. Answers of unknown outcome are held back while other requests are under way, so
that they end the journal: a person can still decide about them.

The clock has no entries of its own: its times are part of the next entry. Nothing is done with them
before that entry, so a crash in between loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, assert_never, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets, texts_of
from arazzo_runner.durable.flight import Flight, Leaf, is_unknown, shown
from arazzo_runner.durable.journal import (
    ANSWERED,
    BEGUN,
    DECIDED,
    FAILED,
    Entry,
    InDoubt,
    Journal,
    LostOwnership,
    OpenDoubts,
    answer_from_json,
    decision_from_json,
    decision_to_json,
    file_to_json,
)
from arazzo_runner.durable.messages import (
    NOT_TAKEN,
    CannotSubscribe,
    Subscriptions,
    message_answer_from_json,
    refused_as_lossy,
    with_identity,
)
from arazzo_runner.durable.records import Decision, Doubt
from arazzo_runner.engine.effects import (
    Answer,
    Effect,
    NoFile,
    NoResponse,
    Now,
    Race,
    ReadFile,
    SendRequest,
    Sleep,
    World,
    known,
)
from arazzo_runner.engine.interruption import add_answers, before_sending, interruption_of
from arazzo_runner.engine.messages import (
    NoMessage,
    Publish,
    Published,
    Receive,
    Settle,
    Subscribe,
    Subscribed,
    Unsubscribe,
)

OTHER_VERSION: Final = "it was written by another version of arazzo; use that one"

Decisions = Callable[[str], Mapping[str, Decision]]


class Terms(Record, kw_only=True):
    """The parameters of an execution.

    `execution` is its id. `decisions` returns the decisions about requests that another execution
    had begun, by effect key. `keyed` says which requests get an Idempotency-Key, `keyed_messages` whether
    messages get an identity; `lossless` refuses subscriptions that lose messages while the run is not
    there; `resend` allows every request and message to be sent again. `only_shown`: the
    run is shown from its journal; the content of files is a note, and no broker gets messages.
    """

    run_id: str
    execution: str
    decisions: Decisions
    keyed: Callable[[SendRequest], bool]
    keyed_messages: bool = False
    lossless: bool = False
    resend: bool = False
    only_shown: bool = False


class JournalMismatch(Exception):
    """The journal does not match the effects of the run: the program or a file has changed."""

    def __init__(self, message: str, hint: str = OTHER_VERSION) -> None:
        super().__init__(message)
        self.hint = hint


def _leaf(effect: Effect[Any]) -> Leaf:
    """Return an effect as one of the closed union, to be matched; raises TypeError for any other class."""
    return effect if isinstance(effect, (Publish, Subscribe, Receive)) else known(effect)


def _decided(leaf: Leaf, decision: Decision) -> object:
    """Return the answer that a person decided on."""
    if isinstance(leaf, Publish):
        failed = NoMessage(reason="interrupted", message=NOT_TAKEN, sent=False)
        return failed if decision.kind == "failed" else Published()
    return FAILED if decision.kind == "failed" else decision.answer


class DurableWorld:
    """Performs effects through `inner`, unsafe ones at most once; blocking if `inner` is.

    `doubts` are the requests of unknown outcome, `stopped` is why the run must stop here. `secrets` are those of the
    run, once it has begun (`on_event`).
    """

    races = True

    def __init__(self, inner: World, journal: Journal, terms: Terms) -> None:
        self._inner = inner
        self._journal = journal
        self._terms = terms
        self._clock: list[float] = []
        self._read = 0
        self._ticks = 0
        self._flights: dict[str, Flight] = {}
        self._is_live = False
        self._subscriptions = Subscriptions()
        self._doubts = OpenDoubts(journal.entries)
        self.secrets = Secrets()
        self.stopped: InDoubt | LostOwnership | CannotSubscribe | None = None

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """The requests of unknown outcome at the end of the journal."""
        return self._doubts.open

    @property
    def lossy(self) -> Mapping[str, str]:
        """The protocols of the addresses whose messages are lost while the run is not there."""
        return self._subscriptions.lossy

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Return the recorded answer, or perform the effect and record it; raises InDoubt or LostOwnership."""
        with before_sending():
            self._check_interrupt()
        try:
            return cast(Answer, await self._performed(effect))
        except (InDoubt, LostOwnership, CannotSubscribe) as stop:
            self.stopped = stop
            raise

    async def _performed(self, effect: Effect[Any]) -> object:
        if isinstance(effect, Race):
            return await self._first([_leaf(each) for each in effect.effects])
        if isinstance(effect, (Settle, Unsubscribe)):
            await self._at_once(effect)
            return None
        match found := _leaf(effect):
            case Now():
                return await self._now()
            case Sleep():
                await self._wait(found)
                return None
            case SendRequest() | ReadFile() | Publish() | Subscribe() | Receive():
                return (await self._first((found,)))[1]
            case _:
                assert_never(found)

    async def _at_once(self, effect: Settle | Unsubscribe) -> None:
        """Pass it to the broker; while the journal is replayed, what it must hear again is only noted.

        What the broker keeps for a subscription that was not made again is ended by making it again first.
        """
        if self._terms.only_shown:
            return
        if isinstance(effect, Unsubscribe):
            if not self._replaying and any(map(self._subscriptions.is_replayed, effect.taps)):
                with suppress(CannotSubscribe):  # the broker forgets it later
                    await self._subscriptions.make_again(self._inner)
            self._subscriptions.ended(effect)
        elif self._subscriptions.is_replayed(effect.tap):
            self._subscriptions.settle(effect)
            if not self._replaying:
                with suppress(CannotSubscribe):  # the message comes again to nobody, until the broker forgets it
                    await self._subscriptions.make_again(self._inner)
            return
        if not self._replaying:
            await self._inner.perform(effect)

    def _check_interrupt(self) -> None:
        """Raise a cancellation that came while the last entry was written."""
        if self._journal.interrupt is not None:
            raise self._journal.interrupt

    # ------------------------------------------------------------------ the clock

    async def _now(self) -> float:
        if self._replaying:
            recorded = self._journal.entries[self._read].value["now"]
            if self._ticks < len(recorded):
                self._ticks += 1
                return float(recorded[self._ticks - 1])
            raise JournalMismatch(f"the clock is asked before {self._journal.entries[self._read].name}")
        now = await self._inner.perform(Now(key="now"))
        self._clock.append(now)
        return now

    async def _wait(self, wait: Sleep) -> None:
        """Wait until a recorded time, so that a resumed run only waits for the rest."""
        await self._decide()
        flight = Flight(wait)
        await self._begin(flight)
        left = await self._left(flight)
        if left > 0:
            await self._inner.perform(replace(wait, seconds=left))

    async def _left(self, flight: Flight) -> float:
        """Return the seconds that a wait still takes."""
        assert flight.until is not None
        return max(0.0, flight.until - await self._inner.perform(Now(key="now")))

    # ------------------------------------------------------------------ the journal

    @property
    def _replaying(self) -> bool:
        """Whether there are entries left to replay."""
        return self._read < len(self._journal.entries)

    @property
    def _next_entry(self) -> Entry | None:
        """The next entry to replay, None if there is none."""
        return self._journal.entries[self._read] if self._replaying else None

    async def _entry(self, name: str, value: Mapping[str, JsonValue]) -> Any:
        """Return the value of the next entry, which must have this name; if there is none, record this one."""
        expected = self._next_entry
        if expected is None:
            recorded = await self._journal.append(name, {**value, "now": list(self._clock)})
            self._clock.clear()
            self._doubts.add(Entry(name, recorded))
            return recorded
        if expected.name != name:
            raise JournalMismatch(f"the journal has {expected.name} where the run has {name}")
        recorded = await self._journal.append(name, expected.value)
        self.secrets.declare(recorded.get("secrets", []))
        self._read += 1
        self._ticks = 0
        return recorded

    async def _begin(self, flight: Flight) -> None:
        """Record the intent to perform an effect, where that must be known later."""
        leaf = flight.leaf
        if leaf.safe and not isinstance(leaf, (Sleep, Receive)):
            return
        value: dict[str, JsonValue] = {"by": self._terms.execution}
        if self._is_risky(leaf):
            value["unsafe"] = {leaf.key: shown(leaf, self.secrets)}
        if isinstance(leaf, (Sleep, Receive)) and not self._replaying:
            seconds = leaf.seconds if isinstance(leaf, Sleep) else leaf.timeout
            value["until"] = await self._inner.perform(Now(key="now")) + seconds
        recorded = await self._entry(f"{leaf.key} {BEGUN}", value)
        flight.sender = recorded["by"]
        flight.until = recorded.get("until")

    # ------------------------------------------------------------------ files

    async def _read_again(self, effect: ReadFile, recorded: Mapping[str, Any]) -> bytes | NoFile:
        """Return the content of a file that was read before; raises JournalMismatch if it has changed."""
        if "none" in recorded:
            return NoFile(recorded["none"])
        if self._terms.only_shown:
            return b"(the content of a file, which is not kept)"
        answer = await self._inner.perform(effect)
        if file_to_json(answer) == recorded:
            return answer
        why = answer.message if isinstance(answer, NoFile) else f'the file "{effect.path}" has changed since'
        hint = "restore the file, or start a new run"
        raise JournalMismatch(f"a file that the run has read is needed again, but {why}", hint)

    # ------------------------------------------------------------------ requests

    def _is_risky(self, leaf: Leaf) -> bool:
        """Return whether performing an effect twice may do harm."""
        match leaf:
            case SendRequest():
                is_keyed = leaf.request.header("Idempotency-Key") is not None
                return not (leaf.safe or self._terms.resend or is_keyed)
            case Publish():
                return not self._terms.resend
            case ReadFile() | Sleep() | Now() | Subscribe() | Receive():
                return False
            case _:
                assert_never(leaf)

    def _marked(self, leaf: Leaf) -> Leaf:
        """Add the Idempotency-Key to a request or message: always the same for the same effect."""
        if isinstance(leaf, Publish):
            name = f"{self._terms.run_id}:{leaf.key}"
            return with_identity(leaf, name) if self._terms.keyed_messages else leaf
        if not isinstance(leaf, SendRequest) or leaf.safe or not self._terms.keyed(leaf):
            return leaf
        if leaf.request.header("Idempotency-Key") is not None:
            return leaf
        mark = ("Idempotency-Key", f"{self._terms.run_id}:{leaf.key}")
        return replace(leaf, request=replace(leaf.request, headers=(*leaf.request.headers, mark)))

    async def _allowed(self, leaf: Subscribe, answer: object) -> object:
        """Return the answer to a subscription; where nothing may be lost, one that may lose messages is refused."""
        if not (self._terms.lossless and isinstance(answer, Subscribed) and answer.lossy):
            return answer
        await self._inner.perform(Unsubscribe(key=f"{leaf.key}/refused", taps=(leaf.tap,)))
        return refused_as_lossy(leaf)

    # ------------------------------------------------------------------ effects at the same time

    async def _first(self, effects: Sequence[Leaf]) -> tuple[int, object]:
        """Return which of the effects is done first, and its answer; those not under way yet are begun."""
        await self._decide()
        for effect in effects:
            if effect.key not in self._flights:
                flight = Flight(self._marked(effect))
                await self._begin(flight)
                self._flights[effect.key] = flight
                await self._decide()
        flights = [self._flights[effect.key] for effect in effects]
        while not any(flight.is_answered for flight in flights):
            if self._replaying:
                await self._replay(flights)
            else:
                await self._subscriptions.make_again(self._inner)
                await self._record(await self._send(flights))
            if not any(flight.is_answered for flight in flights):
                await self._decide()
        index = next(index for index, flight in enumerate(flights) if flight.is_answered)
        del self._flights[effects[index].key]
        return index, flights[index].answer

    async def _replay(self, flights: Sequence[Flight]) -> None:
        """Take the next recorded answer."""
        expected = self._next_entry
        assert expected is not None
        flight = next((each for each in flights if expected.name == f"{each.leaf.key} {ANSWERED}"), None)
        if flight is None:
            waits = " or ".join(each.leaf.key for each in flights)
            raise JournalMismatch(f"the journal has {expected.name} where the run waits for {waits}")
        entry = await self._entry(expected.name, {})
        [value] = entry["answers"]
        flight.sender = entry["by"]
        if not (is_unknown(value) and self._is_reopened(flight)):
            flight.settle(await self._replayed(flight.leaf, value))

    async def _replayed(self, leaf: Leaf, value: Any) -> object:
        match leaf:
            case SendRequest():
                return answer_from_json(value)
            case Publish() | Receive():
                return message_answer_from_json(value)
            case Subscribe():
                answer = message_answer_from_json(value)
                self._subscriptions.replayed(leaf, answer)
                return answer
            case ReadFile():
                return await self._read_again(leaf, value)
            case Now() | Sleep():
                return value
            case _:
                assert_never(leaf)

    def _is_reopened(self, flight: Flight) -> bool:
        """Return whether there is a decision about an answer of unknown outcome, recorded or to be recorded."""
        for entry in self._journal.entries[self._read :]:
            if entry.kind == DECIDED:
                return flight.leaf.key in entry.value["decided"]
            if entry.kind != ANSWERED or not is_unknown(entry.value["answers"][0]):
                return False
        assert flight.sender is not None
        return bool(self._terms.decisions(flight.sender))

    # ------------------------------------------------------------------ decisions

    async def _decide(self) -> None:
        """Apply the decisions about requests that another execution had begun: recorded ones, or new ones.

        New ones are made where the journal ends, before anything else is recorded. Raises InDoubt without them.
        """
        while (expected := self._next_entry) is not None and expected.kind == DECIDED:
            entry = await self._entry(expected.name, {})
            self._apply({key: decision_from_json(each) for key, each in entry["decided"].items()}, entry["by"])
        if self._replaying or self._is_live:
            return
        risky = [flight for flight in self._flights.values() if self._is_doubtful(flight)]
        if risky:
            await self._record_decisions(risky)
        self._is_live = True

    def _is_doubtful(self, flight: Flight) -> bool:
        ours = flight.sender in (None, self._terms.execution)
        return not ours and not flight.is_answered and self._is_risky(flight.leaf)

    async def _record_decisions(self, risky: Sequence[Flight]) -> None:
        found: dict[str, Decision] = {}
        for flight in risky:
            assert flight.sender is not None
            decision = self._terms.decisions(flight.sender).get(flight.leaf.key)
            if decision is not None:
                found[flight.leaf.key] = decision
        if len(found) < len(risky):
            raise InDoubt(tuple(flight.doubt(self.secrets) for flight in risky if flight.leaf.key not in found))
        resent = [flight.leaf for flight in risky if found[flight.leaf.key].kind == "resend"]
        value: dict[str, JsonValue] = {
            "by": self._terms.execution,
            "decided": {key: decision_to_json(each) for key, each in found.items()},
            "unsafe": {leaf.key: shown(leaf, self.secrets) for leaf in resent},
        }
        await self._entry(f"{risky[0].leaf.key} {DECIDED}", value)
        self._apply(found, self._terms.execution)

    def _apply(self, decided: Mapping[str, Decision], sender: str) -> None:
        for key, decision in decided.items():
            flight = self._flights.get(key)
            if flight is None:
                raise JournalMismatch(f"the journal has a decision about {key}, which is not under way")
            flight.sender = sender
            if decision.kind != "resend":
                flight.settle(_decided(flight.leaf, decision))

    # ------------------------------------------------------------------ live

    async def _send(self, flights: Sequence[Flight]) -> Flight:
        """Perform effects until one of them has an answer that can be returned; return that one."""
        while True:
            going = [flight for flight in flights if not flight.is_held]
            held = [flight for flight in flights if flight.is_held]
            if held and not any(isinstance(flight.leaf, (SendRequest, Publish)) for flight in going):
                return held[0]
            flight = await self._done(going)
            if not self._is_unknown_outcome(flight) or len(flights) == 1:
                return flight
            flight.is_held = True

    async def _done(self, flights: Sequence[Flight]) -> Flight:
        """Return the first flight that is done, with its answer."""
        effects = [await self._remaining(flight) for flight in flights]
        self._check_interrupt()
        is_alone = len(flights) == 1 and not flights[0].is_sent
        for flight in flights:
            flight.is_sent = not is_alone
        index = 0
        try:
            if is_alone:
                answer = await self._inner.perform(effects[0])
            else:
                index, answer = await self._inner.perform(Race(key="race", effects=tuple(cast(Any, effects))))
        except BaseException as stop:
            await self._record_first(flights, stop)
            raise
        flights[index].answer = answer
        return flights[index]

    async def _record_first(self, flights: Sequence[Flight], stop: BaseException) -> None:
        """Record the first of the answers that came when the run was interrupted, and make the run use no other.

        A resumed run could not repeat the others: it begins new effects after each answer.
        """
        known = interruption_of(stop).answers
        came = next((key for key, answer in known.items() if not isinstance(answer, (NoResponse, NoMessage))), None)
        kept = {
            key: answer for key, answer in known.items() if key == came or isinstance(answer, (NoResponse, NoMessage))
        }
        add_answers(stop, kept)
        flight = next((each for each in flights if each.leaf.key == came), None)
        if flight is not None:
            flight.answer = known[flight.leaf.key]
            await self._record(flight)

    async def _remaining(self, flight: Flight) -> Effect[Any]:
        """Return an effect as it is performed: of a wait that began earlier, the rest."""
        if flight.is_sent:
            return flight.leaf
        if isinstance(flight.leaf, Sleep):
            return replace(flight.leaf, seconds=await self._left(flight))
        if isinstance(flight.leaf, Receive):
            return replace(flight.leaf, timeout=min(flight.leaf.timeout, await self._left(flight)))
        return flight.leaf

    def _is_unknown_outcome(self, flight: Flight) -> bool:
        failed = isinstance(flight.answer, (NoResponse, NoMessage)) and flight.answer.sent
        return failed and self._is_risky(flight.leaf)

    async def _record(self, flight: Flight) -> None:
        """Record an answer before it is used."""
        if isinstance(flight.leaf, Subscribe):
            flight.answer = await self._allowed(flight.leaf, flight.answer)
            self._subscriptions.made(flight.leaf, flight.answer)
        unknown = self._is_unknown_outcome(flight)
        unsafe: dict[str, JsonValue] = {}
        if self._is_risky(flight.leaf):
            unsafe[flight.leaf.key] = {**shown(flight.leaf, self.secrets), "unknown": unknown}
        answer = flight.recorded(unknown=unknown)
        value: dict[str, JsonValue] = {"by": self._terms.execution, "answers": [answer], "unsafe": unsafe}
        echoed = dict.fromkeys(secret for text in texts_of(answer) for secret in self.secrets.found_in(text))
        if echoed:
            value["secrets"] = list(echoed)
        await self._entry(f"{flight.leaf.key} {ANSWERED}", value)
        flight.is_answered = True
