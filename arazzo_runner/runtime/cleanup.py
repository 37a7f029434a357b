"""Clean-up on an event loop that is done to its end, however often the task is cancelled meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import Any, TypeVar

Result = TypeVar("Result")


async def completed(work: Awaitable[Result]) -> tuple[Result, BaseException | None]:
    """Wait until work has ended; return its result, and the first cancellation that came meanwhile.

    Whoever calls this raises the cancellation in its turn. When the work fails, the cancellation is raised, if
    there is one, else what the work raises.
    """
    import asyncio  # lazily: a blocking run never needs it

    task: Any = asyncio.ensure_future(work)
    cancellation: BaseException | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as stop:
            cancellation = cancellation or stop
    problem: BaseException | None = task.exception()
    if problem is not None:
        raise problem if cancellation is None else cancellation from problem
    return task.result(), cancellation


async def to_the_end(work: Awaitable[Result]) -> Result:
    """Wait until work has ended and return its result; a cancellation that came meanwhile is raised then."""
    result, cancellation = await completed(work)
    if cancellation is not None:
        raise cancellation
    return result


async def end_tasks(tasks: Collection[Any]) -> BaseException | None:
    """Cancel tasks and wait until they have ended; return the first cancellation that came meanwhile."""
    import asyncio

    cancellation: BaseException | None = None
    for task in tasks:
        task.cancel()
    while left := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as stop:
            cancellation = cancellation or stop
    for task in tasks:
        if not task.cancelled():
            task.exception()  # else asyncio reports that nobody has asked for it
    return cancellation
