"""What performs a run: the World that sends, or the mock that answers it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from os import PathLike
from typing import Literal, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.stack import Around, Messages

Mock: TypeAlias = bool | Literal["stateful"]


def sends(world: World | None) -> bool:
    """Return whether requests reach servers: through the default World, or one whose `sends` is true."""
    return world is None or bool(getattr(world, "sends", False))


@contextmanager
def blocking(world: World | None, options: RunOptions) -> Iterator[World]:
    """Return the World of a blocking run: the caller's, else one that sends as the options say."""
    if world is not None:
        yield world
        return
    from arazzo_runner.runtime.http import BlockingWorld

    with BlockingWorld(max_response_size=options.max_response_size, options=options.transport) as own:
        yield own


@asynccontextmanager
async def asynchronous(world: World | None, options: RunOptions) -> AsyncIterator[World]:
    """Return the World of a run on the running event loop."""
    if world is not None:
        yield world
        return
    from arazzo_runner.runtime.http import AsyncWorld

    async with AsyncWorld(max_response_size=options.max_response_size, options=options.transport) as own:
        yield own


def uses_brokers(program: Program, world: World | None, *, mock: object) -> bool:
    """Return whether messages of a run go to brokers: not those of a mock, or of a World that performs them itself."""
    if mock or not sends(world) or getattr(world, "performs_messages", False):
        return False
    return next(program.message_steps(), None) is not None


class Answering(Record):
    """A program as it is run, and what a mock puts around its Worlds: `inside` all others, and for `messages`."""

    program: Program
    inside: Around | None = None
    messages: Messages | None = None


class Mocked(Record):
    """The mock of a run, if it has one: whether it is stateful and lenient, its scenario and the switches of that."""

    mock: Mock
    lenient: bool
    scenario: str | PathLike[str] | None
    switches: Sequence[str]

    @contextmanager
    def served(self, program: Program, inputs: Mapping[str, JsonValue]) -> Iterator[Answering]:
        """Answer for the program's descriptions while it runs; yields it with its requests sent there."""
        if not self.mock:
            yield Answering(program)
            return
        from arazzo_runner.runtime.mock.api import MockChoices, mocked_run

        choices = MockChoices(stateful=self.mock == "stateful", lenient=self.lenient)
        with mocked_run(program, scenario=self.scenario, switches=self.switches, choices=choices, inputs=inputs) as run:
            yield Answering(run.program, run.inside, run.messages)


def unwaited(mocked: Mocked, *worlds: object) -> str | None:
    """Return in a word why nobody waits in a run, None if its waits take place."""
    if mocked.mock:
        return "mock"
    return next((found for each in worlds if (found := getattr(each, "unwaited", None)) is not None), None)
