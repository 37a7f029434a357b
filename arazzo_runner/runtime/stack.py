"""The Worlds of one run around each other: of requests, credentials, messages, the caller's, what performs Races."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TypeAlias

from arazzo_runner.base.kinds import type_of
from arazzo_runner.engine.effects import Access, World
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity

Around: TypeAlias = Callable[[World], World]
Messages: TypeAlias = Callable[[World, bool], World]
"""Puts around a World what performs effects about messages; given whether an event loop runs meanwhile."""


@contextmanager
def blocking_stack(
    world: World,
    access: Access,
    around: Around | None,
    *,
    parallel: bool,
    inside: Around | None = None,
    messages: Messages | None = None,
) -> Iterator[World]:
    """Put around a World what adds credentials and what the caller gives; with `parallel` it performs Races.

    `inside` is put around it before everything else, and what lets signals interrupt it; `messages` around what
    adds credentials, below what the caller gives.

    Requests at the same time need an event loop: a World that has one for that sends on it.
    """
    from arazzo_runner.runtime.signals import InterruptibleWorld

    event_loop = getattr(world, "event_loop", lambda: None)() if parallel else None
    if event_loop is None:
        racing = _turns() if parallel else None
        inner = _inner(_put(inside, InterruptibleWorld(world)), access, messages, on_loop=False)
        yield _stacked(inner, around, racing)
        return
    from arazzo_runner.runtime.races import LoopWorld

    opened: list[LoopWorld] = []

    def on_loop(inner: World) -> World:
        opened.append(LoopWorld(inner, event_loop.runner))
        return opened[-1]

    try:
        inner = _inner(_put(inside, event_loop.world), access, messages, on_loop=True)
        yield _stacked(inner, around, on_loop)
    finally:
        for each in opened:
            each.close()


@asynccontextmanager
async def asynchronous_stack(
    world: World,
    access: Access,
    around: Around | None,
    *,
    parallel: bool,
    inside: Around | None = None,
    messages: Messages | None = None,
) -> AsyncIterator[World]:
    """Do the same as `blocking_stack`, on the running event loop."""
    inner = _inner(_put(inside, world), access, messages, on_loop=True)
    if not parallel:
        yield _stacked(inner, around, None)
        return
    from arazzo_runner.runtime.races import TasksWorld

    opened: list[TasksWorld] = []

    def as_tasks(inner: World) -> World:
        opened.append(TasksWorld(inner))
        return opened[-1]

    try:
        yield _stacked(inner, around, as_tasks)
    finally:
        for each in opened:
            await each.aclose()


def _turns() -> Around:
    from arazzo_runner.runtime.race_turns import TurnsWorld

    return TurnsWorld


def _put(inside: Around | None, world: World) -> World:
    return world if inside is None else inside(world)


def _inner(world: World, access: Access, messages: Messages | None, *, on_loop: bool) -> World:
    """Return a World with what adds credentials and performs effects about messages, which it does not know."""
    inner = access.around(world)
    return inner if messages is None else messages(inner, on_loop)


def _stacked(inner: World, around: Around | None, racing: Around | None) -> World:
    """Return the outermost World; `racing` makes Races of single effects where a World above asks for them."""
    if racing is not None and _races(around) and not _races(inner):
        inner = racing(inner)
    outermost = inner if around is None else _checked(around(inner))
    return outermost if racing is None or _races(outermost) else racing(outermost)


def _checked(world: World) -> World:
    if not callable(getattr(world, "perform", None)):
        message = f"around must return a World, and returned {type_of(world)}"
        hint = "return an object with the method async def perform(self, effect, /)"
        found = Diagnostic(code="usage", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)
        raise InvalidUsage([found])
    return world


def _races(what: object) -> bool:
    """Return whether a World performs Races itself, or a wrapper makes one that does of one that does."""
    return bool(getattr(what, "races", False))
