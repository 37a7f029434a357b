"""The workflows that another depends on, each begun as soon as those that it depends on itself have succeeded."""

from __future__ import annotations

from collections.abc import Callable, Coroutine

from arazzo_runner.engine.concurrent import BRANCH_WORLD, Branches
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.engine.independence import depended_on, needed_by_calls, sees_workflows
from arazzo_runner.engine.results import WorkflowResult
from arazzo_runner.engine.state import Run, Stop
from arazzo_runner.program.model import WorkflowKey

_STOPPED = Stop("failed", "ran at the same time as a workflow that did not succeed")
Begin = Callable[[Run, tuple[WorkflowKey, ...]], Coroutine[object, object, WorkflowResult] | None]


class Dependencies:
    """Runs them beside each other; those that in order come after one that does not succeed are stopped.

    `begin` returns the last workflow of a path of dependencies ready to run, None when it cannot.
    """

    def __init__(self, run: Run, key: WorkflowKey, begin: Begin) -> None:
        self._above = depended_on(run.program, key)
        order = list(self._above)
        self._run = run
        self._begin = begin
        self._order = order
        self._positions = {each: position for position, each in enumerate(order)}
        self._waits_for: list[frozenset[int]] = []
        self._needed_by_calls = [needed_by_calls(run.program, each) for each in order]
        for position in range(len(order)):
            self._waits_for.append(self._all_before(position))
        self._branches: Branches[WorkflowResult] = Branches(run)
        self._jar = run.jar
        self._end = len(order)  # where the first that does not succeed is

    async def run(self) -> None:
        """Run them until they have ended, and take over their results in order."""
        try:
            await self._start_ready()
            while self._branches.under_way:
                await self._branches.next()
                self._check_ended()
                await self._branches.halt(_STOPPED, self._after(self._end))
                await self._start_ready()
        finally:
            self._branches.close()
        for position in sorted(self._branches.ended):
            branch, result = self._branches.ended[position]
            if branch.stop is not _STOPPED:
                self._run.join(branch)
            self._run.dependencies.append(result)
        names = {key.workflow_id: position for key, position in self._positions.items()}
        self._run.dependencies.sort(key=lambda result: names.get(result.workflow_id, -1))

    def _check_ended(self) -> None:
        failed = (each for each, (_, result) in self._branches.ended.items() if result.status != "succeeded")
        self._end = min((self._end, *failed))

    def _after(self, end: int) -> frozenset[int]:
        return frozenset(each for each in self._branches.under_way if each > end)

    async def _start_ready(self) -> None:
        begun = self._branches.under_way.union(self._branches.ended)
        for position, key in enumerate(self._order[: self._end]):
            has_room = self._branches.busy < self._run.options.parallel
            if not has_room or self._run.stop is not None or position >= self._end:
                return
            ended = all(each in self._branches.ended or self._has_run(each) for each in self._waits_for[position])
            if position not in begun and ended and not self._has_run(position):
                await self._start(position, key)

    def _has_run(self, position: int) -> bool:
        return position not in self._branches.ended and self._order[position] in self._run.finished

    async def _start(self, position: int, key: WorkflowKey) -> None:
        branch = self._run.fork(BRANCH_WORLD, self._cookies(position), apart=False)
        workflow = self._begin(branch, self._path(key))
        if workflow is None:
            self._end = min(self._end, position)
        else:
            await self._branches.start(position, branch, workflow)

    def _path(self, key: WorkflowKey) -> tuple[WorkflowKey, ...]:
        """Return the dependencies through which a sequential run reaches a workflow, itself last."""
        path = [key]
        while (above := self._above[path[-1]]) in self._above:
            path.append(above)
        return tuple(reversed(path))

    def _all_before(self, position: int) -> frozenset[int]:
        """Return the workflows that one waits for: all before it where it reads the results of any.

        Else those that it depends on, and those that may run it: it runs once.
        """
        key = self._order[position]
        if sees_workflows(self._run.program, key):
            return frozenset(range(position))
        direct = [self._positions[each] for each in self._run.program.workflows[key].depends_on]
        direct += [each for each in range(position) if key in self._needed_by_calls[each]]
        return frozenset(direct).union(*(self._waits_for[each] for each in direct))

    def _cookies(self, position: int) -> Jar:
        """Return the cookies that a workflow sends: those of the workflows that it waits for."""
        jar = self._jar
        for each in sorted(self._waits_for[position] & self._branches.ended.keys()):
            for url, headers, moment in self._branches.ended[each][0].answered or ():
                jar = jar.after_response(url, headers, moment, mode=self._run.options.cookies)
        return jar
