"""The World that lets unsafe requests and messages pass only when they may be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from arazzo_runner.engine.effects import Answer, Effect, NoResponse, SendRequest, World
from arazzo_runner.engine.interruption import before_sending
from arazzo_runner.engine.messages import NoMessage, Publish

Decide = Callable[[SendRequest | Publish], Awaitable[str | None]]
"""Returns why an effect may not be performed, None when it may."""


class Gate:
    """A World that asks about each unsafe effect before it passes it on; one decision is made at a time."""

    def __init__(self, world: World, decide: Decide) -> None:
        self._world = world
        self._decide = decide
        self._deciding = asyncio.Lock()

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Perform an effect, or answer that it is forbidden."""
        found: Any = effect
        if isinstance(found, (SendRequest, Publish)) and not _is_safe(found):
            with before_sending():
                async with self._deciding:
                    reason = await self._decide(found)
            if reason is not None:
                return cast(Answer, _refused(found, reason))
        return await self._world.perform(effect)


def _is_safe(effect: SendRequest | Publish) -> bool:
    return isinstance(effect, SendRequest) and effect.safe


def _refused(effect: SendRequest | Publish, reason: str) -> NoResponse | NoMessage:
    if isinstance(effect, SendRequest):
        return NoResponse("forbidden", reason, sent=False)
    return NoMessage(reason="forbidden", message=reason, sent=False)
