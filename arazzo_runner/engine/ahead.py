"""A walk with `parallel`: the step whose turn it is runs, and independent later ones ahead of their turn.

A step begins as soon as those that it needs have ended, whatever else is under way. Each runs in a
branch with its own state, and what it changed is taken over in its turn: so the results are those of
the sequential run, whichever answers come first. That goes for cookies too: a step sends those of the
steps that it needs and of the steps before the last one that may lead elsewhere. Steps that send to one source, or
receive from one subscription, keep their order; a subscription is there before any step that can cause its messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from arazzo_runner.base.records import replace
from arazzo_runner.engine.concurrent import BRANCH_WORLD, Branches
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.engine.independence import diverts, follows_message, may_run_ahead, needs
from arazzo_runner.engine.state import INTERRUPTED, Frame, Run
from arazzo_runner.engine.turns import Turns, Visit, VisitStep


class Ahead(Turns):
    """The steps of one workflow that run, or have run ahead of their turn."""

    def __init__(self, run: Run, frame: Frame, visit_step: VisitStep) -> None:
        super().__init__(run, frame, visit_step)
        self._branches: Branches[Visit] = Branches(run)
        self._first = frame.selection.start  # of the steps since the last one that may lead elsewhere
        self._jar = run.jar  # the cookies then
        self._answered: dict[int, Run] = {}  # by the steps since then whose turn has come: their cookies
        self._needs: dict[int, frozenset[int]] = {}
        self._may: dict[int, bool] = {}

    async def visit(self, index: int) -> Visit | None:
        """Return the visit of the step whose turn it is, begun now unless it ran ahead; None if the run has stopped."""
        branches = self._branches
        while index not in branches.ended:
            if index not in branches.under_way and self._run.stop is not None:
                return None
            if index not in branches.under_way and self._has_room:
                await self._start_in_turn(index)
            await self._start_ahead(index)
            await branches.next()
        run, visit = branches.ended.pop(index)
        self._run.join(run)
        self._answered[index] = run
        return visit

    async def go_on(self, index: int, following: int | None) -> None:
        """Prepare for the step after this one: what cannot be of use any more is stopped.

        That is everything where the walk ends or goes back (None), else what lies between, and what needs that.
        """
        if self._run.interrupted:
            return
        if following is None:
            await self._give_up(self._begun())
        elif following > index + 1:
            lost = set(range(index + 1, following))
            for later in sorted(self._begun()):
                if later > index and not lost.isdisjoint(self._needed_by(later)):
                    lost.add(later)
            await self._give_up(self._begun() & lost)
        if following is None or any(map(diverts, self._steps[index:following])):
            self._first, self._jar = (index if following is None else following), self._run.jar
            self._answered.clear()

    async def rest(self) -> Sequence[Visit]:
        """Return the visits that ended before their turn when the run is interrupted, in the order of the steps."""
        await self._branches.halt(INTERRUPTED)
        ended = [self._branches.ended.pop(index) for index in sorted(self._branches.ended)]
        for run, _ in ended:
            self._run.join(run)
        return [visit for _, visit in ended]

    def close(self) -> None:
        """Give up what is under way: an exception ends the run."""
        self._branches.close()

    def _begun(self) -> frozenset[int]:
        return self._branches.under_way.union(self._branches.ended)

    async def _give_up(self, steps: frozenset[int]) -> None:
        """Stop steps; their requests are in the result, but nothing else sees what they made."""
        await self._branches.halt(only=steps & self._branches.under_way)
        self._frame.overtaken += [self._branches.ended.pop(each)[1].result for each in sorted(steps)]

    # ------------------------------------------------------------------ which steps begin

    @property
    def _has_room(self) -> bool:
        return self._branches.busy < self._run.options.parallel

    async def _start_ahead(self, index: int) -> None:
        """Begin every later step that can run now."""
        if not await self._arm():
            return
        for later in self._reachable(index):
            if not self._has_room:
                return
            if later not in self._begun() and self._may_begin(index, later):
                await self._start(later)

    async def _arm(self) -> bool:
        """Subscribe where the address is known now; return whether all that could be made are there."""
        if not self._frame.workflow.arms:
            return True
        from arazzo_runner.engine.arming import arm_ready  # lazily, as in the interpreter

        await arm_ready(self._run, self._seen_with(self._branches.ended))
        return not self._frame.unheard

    def _seen_with(self, ended: Iterable[int]) -> Frame:
        """Return the workflow's state as if the turn of some steps that ran ahead had come."""
        visits = [self._branches.ended[each][1] for each in sorted(ended)]
        made = {visit.result.step_id: visit.made for visit in visits if visit.made is not None}
        return replace(
            self._frame,
            outputs={**self._frame.outputs, **made},
            results=[*self._frame.results, *(visit.result for visit in visits)],
        )

    def _reachable(self, index: int) -> Iterator[int]:
        """Yield the later steps that follow this one unless a step in between fails."""
        part = self._frame.selection
        last = len(self._steps) - 1 if part.last is None else part.last
        for later in range(index + 1, last + 1):
            if diverts(self._steps[later - 1]) or self._ends_the_walk(later - 1):
                return
            if part.chosen is None or later in part.chosen:
                yield later

    def _ends_the_walk(self, index: int) -> bool:
        ended = self._branches.ended.get(index)
        return ended is not None and (ended[0].stop is not None or not ended[1].leads_on)

    def _may_begin(self, index: int, later: int) -> bool:
        """Return whether a later step needs no step that still runs or whose turn has not come."""
        if later not in self._may:
            self._may[later] = may_run_ahead(self._run.program, self._steps[later])
        needed = {each for each in self._needed_by(later) if index <= each < later}
        before = follows_message(self._frame.workflow, later)
        if before is not None and before >= index:
            needed.add(before)
        return self._may[later] and all(each in self._branches.ended for each in needed)

    def _needed_by(self, index: int) -> frozenset[int]:
        """Return the steps before a step that it needs, directly or not."""
        if index not in self._needs:
            positions = self._frame.workflow.positions
            direct = {positions[name] for name in needs(self._steps[index]) if name in positions}
            before = {each for each in direct if each < index}
            self._needs[index] = frozenset(before).union(*map(self._needed_by, before))
        return self._needs[index]

    # ------------------------------------------------------------------ what a step sees

    async def _start_in_turn(self, index: int) -> None:
        step = self._steps[index]
        alone = not may_run_ahead(self._run.program, step)
        run = self._run.fork(BRANCH_WORLD, self._run.jar if alone else self._cookies(index), apart=False)
        await self._branches.start(index, run, self._visit_step(run, self._frame, step))

    async def _start(self, later: int) -> None:
        """Begin a step ahead of its turn: it sees the steps that it needs as if theirs had come."""
        frame = self._seen_with(each for each in self._needed_by(later) if each in self._branches.ended)
        run = self._run.fork(BRANCH_WORLD, self._cookies(later), apart=True)
        await self._branches.start(later, run, self._visit_step(run, frame, self._steps[later]))

    def _cookies(self, index: int) -> Jar:
        """Return the cookies that a step sends: the same, whatever else has run."""
        jar = self._jar
        for each in sorted(self._needed_by(index)):
            run = self._answered.get(each) or (self._branches.ended[each][0] if each in self._branches.ended else None)
            for url, headers, moment in (run.answered or ()) if run is not None else ():
                jar = jar.after_response(url, headers, moment, mode=self._run.options.cookies)
        return jar
