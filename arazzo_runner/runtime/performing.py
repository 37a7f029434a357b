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


class Mocked(Record):
    """The mock of a run, if it has one: whether it is stateful and lenient, its scenario and the switches of that."""

    mock: Mock
    lenient: bool
    scenario: str | PathLike[str] | None
    switches: Sequence[str]

    @contextmanager
    def served(self, program: Program, inputs: Mapping[str, JsonValue]) -> Iterator[Program]:
        """Serve the program's descriptions on loopback while it runs; yields it with its requests sent there."""
        if not self.mock:
            yield program
            return
        from arazzo_runner.runtime.mock.api import MockChoices, mock_server, with_servers

        choices = MockChoices(stateful=self.mock == "stateful", lenient=self.lenient)
        with mock_server(
            program, scenario=self.scenario, switches=self.switches, choices=choices, inputs=inputs
        ) as server:
            yield with_servers(program, server.urls)

    def around(self, world: World) -> World:
        """Return the World that tells the mock which step sends a request."""
        if not self.mock:
            return world
        from arazzo_runner.runtime.mock.worlds import StepWorld

        return StepWorld(world)


def unwaited(mocked: Mocked, *worlds: object) -> str | None:
    """Return in a word why nobody waits in a run, None if its waits take place."""
    if mocked.mock:
        return "mock"
    return next((found for each in worlds if (found := getattr(each, "unwaited", None)) is not None), None)
