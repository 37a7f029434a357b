"""Concurrent runs: a fixed number of workers on one event loop, each of which takes the next run when it is free."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from arazzo_runner.cli.run.plan import PlannedRun
from arazzo_runner.runtime.signals import not_ignored


class Performer(Protocol):
    """Performs runs, and decides when no further one begins."""

    @property
    def stopped(self) -> bool:
        """Whether no further run shall begin."""

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Share connections while this is open."""

    async def aone(self, run: PlannedRun) -> None:
        """Perform one run; when it is cancelled, the run ends as interrupted, and the cancellation is raised."""


def run_concurrently(batch: Performer, runs: Sequence[PlannedRun], jobs: int) -> None:
    """Perform the runs, up to `jobs` at the same time; an interrupt ends those under way."""
    asyncio.run(_all(batch, iter(runs), min(jobs, len(runs))))


async def _all(batch: Performer, runs: Iterator[PlannedRun], jobs: int) -> None:
    async with batch.connected():
        await _perform(batch, runs, jobs)


async def _perform(batch: Performer, runs: Iterator[PlannedRun], jobs: int) -> None:
    workers = [asyncio.ensure_future(_worker(batch, runs)) for _ in range(jobs)]

    def interrupt() -> None:
        for worker in workers:
            worker.cancel()

    with _interrupted_by_signals(interrupt):
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError:  # where signals cannot be handled, asyncio.run cancels this task
            interrupt()
            await asyncio.wait(workers)
            raise
    for worker in workers:
        if not worker.cancelled():
            worker.result()


async def _worker(batch: Performer, runs: Iterator[PlannedRun]) -> None:
    for run in runs:
        if batch.stopped:
            return
        await batch.aone(run)


@contextlib.contextmanager
def _interrupted_by_signals(interrupt: Callable[[], None]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    handled = []
    for number in not_ignored("SIGINT", "SIGTERM", "SIGHUP"):
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, interrupt)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
