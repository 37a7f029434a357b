"""Runs at the same time: a fixed number of workers on one event loop, each taking the next run when it is free."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from arazzo_runner.cli.run.plan import PlannedRun


class Performs(Protocol):
    """What performs one run, and knows when no further one is to begin."""

    @property
    def stopped(self) -> bool:
        """Whether no further run is to begin."""

    def connected(self) -> AbstractAsyncContextManager[None]:
        """Open what the runs share."""

    async def aone(self, run: PlannedRun) -> None:
        """Perform one run; being cancelled ends it as interrupted."""


def run_together(batch: Performs, runs: Sequence[PlannedRun], jobs: int) -> None:
    """Perform the runs, up to `jobs` at the same time; an interrupt ends those that are going on."""
    asyncio.run(_all(batch, iter(runs), min(jobs, len(runs))))


async def _all(batch: Performs, runs: Iterator[PlannedRun], jobs: int) -> None:
    async with batch.connected():
        await _in_turn(batch, runs, jobs)


async def _in_turn(batch: Performs, runs: Iterator[PlannedRun], jobs: int) -> None:
    workers = [asyncio.ensure_future(_worker(batch, runs)) for _ in range(jobs)]

    def interrupt() -> None:
        for worker in workers:
            worker.cancel()

    with _interrupted_by_signals(interrupt):
        try:
            await asyncio.wait(workers)
        except asyncio.CancelledError:  # where signals cannot be handled, the runner cancels this task
            interrupt()
            await asyncio.wait(workers)
    for worker in workers:
        if not worker.cancelled():
            worker.result()


async def _worker(batch: Performs, runs: Iterator[PlannedRun]) -> None:
    for run in runs:
        if batch.stopped:
            return
        await batch.aone(run)


@contextlib.contextmanager
def _interrupted_by_signals(interrupt: object) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    handled = []
    for name in names:
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(getattr(signal, name), interrupt)  # type: ignore[arg-type]
            handled.append(name)
    try:
        yield
    finally:
        for name in handled:
            loop.remove_signal_handler(getattr(signal, name))
