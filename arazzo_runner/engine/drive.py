"""Run a coroutine that never suspends: the blocking side of the one interpreter (house: no second code path)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def drive(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run `coroutine` to its end without an event loop and return its value.

    Its World must be a blocking one; RuntimeError when it suspends all the same (an
    asyncio-based World was given to a blocking run).
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        value: Result = done.value
        return value
    coroutine.close()
    raise RuntimeError("the World of a blocking run suspended; use arun() for an asynchronous World")
