"""Batches of a blocking run, performed at the same time on an event loop of their own.

Imported on the first Batch: asyncio takes 30 ms to import.
"""

from __future__ import annotations

import asyncio
from typing import Any

from arazzo_runner.engine.effects import Batch


def has_running_loop() -> bool:
    """Return whether this thread runs an event loop: a second one cannot run in it."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class BatchLoop:
    """Performs Batches with an asynchronous World on an event loop that runs during a Batch only."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._runner = asyncio.Runner()

    def perform(self, batch: Batch) -> tuple[object, ...]:
        """Perform a Batch; KeyboardInterrupt ends it and is raised."""
        return self._runner.run(self._performed(batch))

    async def _performed(self, batch: Batch) -> tuple[object, ...]:
        for _ in range(2):
            # The loop did not run since the last Batch: let it notice first which connections were closed.
            await asyncio.sleep(0)
        answers: tuple[object, ...] = await self._world.perform(batch)
        return answers

    def close(self) -> None:
        """Close the connections and the loop."""
        try:
            self._runner.run(self._world.__aexit__(None, None, None))
        finally:
            self._runner.close()
