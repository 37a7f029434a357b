"""BatchLoop: Batches of a blocking run, performed at the same time on an event loop of their own."""

from __future__ import annotations

import asyncio
from typing import Any

from arazzo_runner.engine.effects import Batch


def has_running_loop() -> bool:
    """Tell whether the caller runs inside an event loop: a second one cannot run in its thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class BatchLoop:
    """Performs Batches with an asynchronous world, whose loop runs only meanwhile."""

    def __init__(self, world: Any) -> None:
        self._world = world
        self._runner = asyncio.Runner()

    def perform(self, batch: Batch) -> tuple[object, ...]:
        """Perform a Batch; KeyboardInterrupt ends it and passes through."""
        return self._runner.run(self._round(batch))

    async def _round(self, batch: Batch) -> tuple[object, ...]:
        for _ in range(2):
            # The loop stood still since the last round: let it see first which connections were closed meanwhile.
            await asyncio.sleep(0)
        answers: tuple[object, ...] = await self._world.perform(batch)
        return answers

    def close(self) -> None:
        """Close the connections and the loop."""
        try:
            self._runner.run(self._world.__aexit__(None, None, None))
        finally:
            self._runner.close()
