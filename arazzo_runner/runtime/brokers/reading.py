"""A task that reads for one subscription."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from arazzo_runner.runtime.brokers.driver import BrokerFailure, Sink


class Reader:
    """Reads until it is stopped. However reading ends, the sink hears of it: no step waits for a reader that is gone.

    `read` raises BrokerFailure when nothing more will come; `what` names the subscription in messages.
    """

    def __init__(self, read: Callable[[], Awaitable[None]], sink: Sink, what: str) -> None:
        self._task = asyncio.create_task(_reading(read, sink, what))

    async def stop(self) -> None:
        """Return when it reads no more."""
        self._task.cancel()
        await asyncio.wait([self._task])


async def _reading(read: Callable[[], Awaitable[None]], sink: Sink, what: str) -> None:
    try:
        await read()
    except BrokerFailure as failure:
        sink.lost(failure)
    except Exception as problem:  # libraries raise whatever they like for an answer that they do not expect
        sink.lost(BrokerFailure("closed", f"reading {what} failed: {type(problem).__name__}"))
