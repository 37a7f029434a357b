"""The durable World: records an intent before every unsafe request, and each response before it is used.

An effect has up to three kinds of journal entries:

- `<key> begun`: the intent, with the id of the execution that is about to send. Recording it also
  proves that the run is still ours: an execution that was taken over sends nothing more.
- `<key> answered`: the answers. An unsafe request without one, begun by another execution, is *in doubt*.
- `<key> decided`: a person's decisions about requests in doubt; also the intent to resend.

Of a file only size and digest are recorded: a resumed run reads it again, and stops before it sends
anything if the content has changed.

The clock has no entries of its own: its times are part of the next entry. Nothing is done with them
before that entry, so a crash in between loses nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, assert_never, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.durable.journal import (
    ANSWERED,
    BEGUN,
    DECIDED,
    FAILED,
    Entry,
    InDoubt,
    Journal,
    LostOwnership,
    answer_from_json,
    answer_to_json,
    decision_from_json,
    decision_to_json,
    file_to_json,
)
from arazzo_runner.durable.records import Decision, Doubt
from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    LeafEffect,
    NoFile,
    NoResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    World,
    in_shape,
    leaves,
)

OTHER_VERSION: Final = "it was written by another version of arazzo; use that one"

Decisions = Callable[[str], Mapping[str, Decision]]


class Terms(Record, kw_only=True):
    """The parameters of an execution.

    `execution` is its id. `decisions` returns the decisions about requests that another execution
    had begun, by effect key. `keyed` says which requests get an Idempotency-Key; `resend` allows
    every request to be sent again. `without_files` replaces the content of files by a note, to show
    a run without sending anything.
    """

    run_id: str
    execution: str
    decisions: Decisions
    keyed: Callable[[SendRequest], bool]
    resend: bool = False
    without_files: bool = False


class JournalMismatch(Exception):
    """The journal does not match the effects of the run: the program or a file has changed."""

    def __init__(self, message: str, hint: str = OTHER_VERSION) -> None:
        super().__init__(message)
        self.hint = hint


class DurableWorld:
    """Performs effects through `inner`, unsafe ones at most once; blocking if `inner` is.

    `last` is the last entry of the journal, `stopped` is why the run must stop here.
    """

    def __init__(self, inner: World, journal: Journal, terms: Terms) -> None:
        self._inner = inner
        self._journal = journal
        self._terms = terms
        self._clock: list[float] = []
        self._read = 0
        self._ticks = 0
        self.last: Entry | None = journal.entries[-1] if journal.entries else None
        self.stopped: InDoubt | LostOwnership | None = None

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Return the recorded answer, or perform the effect and record it; raises InDoubt or LostOwnership."""
        try:
            return await self._performed(effect)
        except (InDoubt, LostOwnership) as stop:
            self.stopped = stop
            raise

    async def _performed(self, effect: Effect[Answer]) -> Answer:
        each = list(leaves(effect))
        if all(isinstance(leaf, Now) for leaf in each):
            answers: list[object] = [await self._now() for _ in each]
        elif any(isinstance(leaf, (SendRequest, ReadFile)) for leaf in each):
            answers = await _Exchange(self, effect.key, [self._marked(leaf) for leaf in each]).run()
        else:
            answers = await self._wait(effect.key, each)
        return cast(Answer, in_shape(effect, iter(answers)))

    # ------------------------------------------------------------------ the clock

    async def _now(self) -> float:
        if self.replaying:
            recorded = self._journal.entries[self._read].value["now"]
            if self._ticks < len(recorded):
                self._ticks += 1
                return float(recorded[self._ticks - 1])
            raise JournalMismatch(f"the clock is asked before {self._journal.entries[self._read].name}")
        now = await self._inner.perform(Now(key="now"))
        self._clock.append(now)
        return now

    async def _wait(self, key: str, leaves: Sequence[LeafEffect]) -> list[object]:
        """Wait until a recorded time, so that a resumed run only waits for the rest."""
        answers: list[object] = [await self._now() if isinstance(leaf, Now) else None for leaf in leaves]
        entry = await self.begun(key, leaves)
        await self.sleep(key, entry)
        return answers

    async def sleep(self, key: str, entry: Mapping[str, Any]) -> None:
        """Wait until the time in an entry."""
        left = entry["until"] - await self._inner.perform(Now(key="now"))
        if left > 0:
            await self._inner.perform(Sleep(key=key, seconds=left))

    # ------------------------------------------------------------------ the journal

    @property
    def replaying(self) -> bool:
        """Whether there are entries left to replay."""
        return self._read < len(self._journal.entries)

    @property
    def next_entry(self) -> Entry | None:
        """The next entry to replay, None if there is none."""
        return self._journal.entries[self._read] if self.replaying else None

    @property
    def terms(self) -> Terms:
        """The parameters of this execution."""
        return self._terms

    @property
    def inner(self) -> World:
        """The World that performs effects."""
        return self._inner

    async def entry(self, name: str, value: Mapping[str, JsonValue]) -> Any:
        """Return the value of the next entry, which must have this name; if there is none, record this one."""
        expected = self.next_entry
        if expected is None:
            recorded = await self._journal.append(name, {**value, "now": list(self._clock)})
            self._clock.clear()
            self.last = Entry(name, recorded)
            return recorded
        if expected.name != name:
            raise JournalMismatch(f"the journal has {expected.name} where the run has {name}")
        recorded = await self._journal.append(name, expected.value)
        self._read += 1
        self._ticks = 0
        return recorded

    async def begun(self, key: str, leaves: Sequence[LeafEffect]) -> Any:
        """Record the intent to perform effects."""
        value: dict[str, JsonValue] = {"by": self._terms.execution}
        unsafe: JsonValue = {leaf.key: _shown(leaf) for leaf in leaves if self.risky(leaf)}
        if unsafe:
            value["unsafe"] = unsafe
        waits = [leaf.seconds for leaf in leaves if isinstance(leaf, Sleep)]
        if waits and not self.replaying:
            value["until"] = await self._inner.perform(Now(key="now")) + max(waits)
        return await self.entry(f"{key} {BEGUN}", value)

    # ------------------------------------------------------------------ files

    async def read_again(self, effect: ReadFile, recorded: Mapping[str, Any]) -> bytes | NoFile:
        """Return the content of a file that was read before; raises JournalMismatch if it has changed."""
        if "none" in recorded:
            return NoFile(recorded["none"])
        if self._terms.without_files:
            return b"(the content of a file, which is not kept)"
        answer = await self._inner.perform(effect)
        if file_to_json(answer) == recorded:
            return answer
        why = answer.message if isinstance(answer, NoFile) else f'the file "{effect.path}" has changed since'
        hint = "restore the file, or start a new run"
        raise JournalMismatch(f"a file that the run has read is needed again, but {why}", hint)

    # ------------------------------------------------------------------ requests

    def risky(self, leaf: LeafEffect) -> bool:
        """Return whether performing an effect twice may do harm."""
        match leaf:
            case SendRequest():
                is_keyed = leaf.request.header("Idempotency-Key") is not None
                return not (leaf.safe or self._terms.resend or is_keyed)
            case ReadFile() | Sleep() | Now():
                return False
            case _:
                assert_never(leaf)

    def _marked(self, leaf: LeafEffect) -> LeafEffect:
        """Add the Idempotency-Key to a request: always the same for the same effect."""
        if not isinstance(leaf, SendRequest) or leaf.safe or not self._terms.keyed(leaf):
            return leaf
        if leaf.request.header("Idempotency-Key") is not None:
            return leaf
        mark = ("Idempotency-Key", f"{self._terms.run_id}:{leaf.key}")
        return replace(leaf, request=replace(leaf.request, headers=(*leaf.request.headers, mark)))


class _Exchange:
    """A batch of requests: replayed, decided or sent until each has an answer."""

    def __init__(self, world: DurableWorld, key: str, leaves: Sequence[LeafEffect]) -> None:
        self._world = world
        self._key = key
        self._leaves = leaves
        self._answers: list[object] = [None] * len(leaves)
        self._open = set(range(len(leaves)))
        self._sender: str | None = None
        self._begun: Any = None

    async def run(self) -> list[object]:
        """Return the answers, in order."""
        if any(not leaf.safe or isinstance(leaf, Sleep) for leaf in self._leaves):
            self._begun = await self._world.begun(self._key, self._leaves)
            self._sender = self._begun["by"]
        while self._open:
            if not self._world.replaying:
                await self._go_on()
                break
            await self._replay()
            if self._settled():
                break
        return self._answers

    # ------------------------------------------------------------------ replay

    async def _replay(self) -> None:
        expected = self._world.next_entry
        kind = DECIDED if expected is not None and expected.name == f"{self._key} {DECIDED}" else ANSWERED
        entry = await self._world.entry(f"{self._key} {kind}", {})
        self._sender = entry["by"]
        if kind == DECIDED:
            self._apply({key: decision_from_json(each) for key, each in entry["decided"].items()})
            return
        self._open.clear()
        for index, value in enumerate(entry["answers"]):
            self._answers[index] = await self._replayed(self._leaves[index], value)
            if isinstance(value, dict) and value.get("unknown"):
                self._open.add(index)

    async def _replayed(self, leaf: LeafEffect, value: Any) -> object:
        match leaf:
            case SendRequest():
                return answer_from_json(value)
            case ReadFile():
                return await self._world.read_again(leaf, value)
            case Now() | Sleep():
                return value
            case _:
                assert_never(leaf)

    def _settled(self) -> bool:
        """Return whether the answers are final; an unknown outcome is, unless there is a decision about it."""
        if any(self._answers[index] is None for index in self._open):
            return False
        following = self._world.next_entry
        if following is not None:
            return following.name != f"{self._key} {DECIDED}"
        assert self._sender is not None
        return not self._world.terms.decisions(self._sender)

    # ------------------------------------------------------------------ live

    async def _go_on(self) -> None:
        risky = [index for index in sorted(self._open) if self._world.risky(self._leaves[index])]
        if risky and self._sender not in (None, self._world.terms.execution):
            await self._decide(risky)
        if self._open:
            await self._send()

    async def _decide(self, risky: Sequence[int]) -> None:
        """Record and apply the decisions about requests that another execution had begun."""
        assert self._sender is not None
        found = self._world.terms.decisions(self._sender)
        keys = [self._leaves[index].key for index in risky]
        if any(key not in found for key in keys):
            doubts = (self._doubt(index) for index in risky if self._leaves[index].key not in found)
            raise InDoubt(tuple(doubts))
        decided = {key: found[key] for key in keys}
        shown: JsonValue = {
            self._leaves[index].key: _shown(self._leaves[index])
            for index in risky
            if decided[self._leaves[index].key].kind == "resend"
        }
        value: dict[str, JsonValue] = {
            "by": self._world.terms.execution,
            "decided": {key: decision_to_json(each) for key, each in decided.items()},
            "unsafe": shown,
        }
        await self._world.entry(f"{self._key} {DECIDED}", value)
        self._sender = self._world.terms.execution
        self._apply(decided)

    def _doubt(self, index: int) -> Doubt:
        leaf = self._leaves[index]
        assert isinstance(leaf, SendRequest)
        assert self._sender is not None
        return Doubt(key=leaf.key, method=leaf.request.method, url=leaf.request.url, token=self._sender)

    def _apply(self, decided: Mapping[str, Decision]) -> None:
        for index in sorted(self._open):
            decision = decided.get(self._leaves[index].key)
            if decision is None:
                continue
            if decision.kind == "resend":
                self._answers[index] = None
                continue
            self._answers[index] = FAILED if decision.kind == "failed" else decision.answer
            self._open.discard(index)

    async def _send(self) -> None:
        """Perform the effects without an answer, then record all answers."""
        indexes = sorted(self._open)
        for index, answer in zip(indexes, await self._performed(indexes), strict=True):
            self._answers[index] = answer
        answers = [self._recorded(index) for index in range(len(self._leaves))]
        unsafe: JsonValue = {
            leaf.key: {**_shown(leaf), "unknown": _is_unknown(value)}
            for leaf, value in zip(self._leaves, answers, strict=True)
            if self._world.risky(leaf)
        }
        value: dict[str, JsonValue] = {"by": self._world.terms.execution, "answers": answers, "unsafe": unsafe}
        await self._world.entry(f"{self._key} {ANSWERED}", value)

    async def _performed(self, indexes: Sequence[int]) -> Sequence[object]:
        found: list[Effect[object]] = [self._leaves[index] for index in indexes]
        if self._begun is not None and "until" in self._begun:
            now = await self._world.inner.perform(Now(key="now"))
            left = max(0.0, self._begun["until"] - now)
            found = [
                replace(each, seconds=min(each.seconds, left)) if isinstance(each, Sleep) else each for each in found
            ]
        if len(found) == 1:
            return (await self._world.inner.perform(found[0]),)
        batch = Batch(key=self._key, safe=all(each.safe for each in found), effects=tuple(found))
        return await self._world.inner.perform(batch)

    def _recorded(self, index: int) -> JsonValue:
        leaf, answer = self._leaves[index], cast(Any, self._answers[index])
        match leaf:
            case SendRequest():
                unknown = isinstance(answer, NoResponse) and answer.sent and self._world.risky(leaf)
                return answer_to_json(answer, unknown=unknown)
            case ReadFile():
                return file_to_json(answer)
            case Now() | Sleep():
                return cast(JsonValue, answer)
            case _:
                assert_never(leaf)


def _is_unknown(value: JsonValue) -> bool:
    return isinstance(value, dict) and value.get("unknown") is True


def _shown(leaf: LeafEffect) -> dict[str, JsonValue]:
    assert isinstance(leaf, SendRequest)
    return {"method": leaf.request.method, "url": leaf.request.url}
