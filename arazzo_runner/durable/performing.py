"""What a durable run needs from above: somebody who loads its documents and walks its steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.durable.bundle import Bundle
from arazzo_runner.durable.records import RunSpec
from arazzo_runner.engine.effects import SendRequest, World
from arazzo_runner.engine.events import Event
from arazzo_runner.engine.results import RunResult
from arazzo_runner.program.model import OperationCall, Program

OnEvent = Callable[[Event, Secrets], None]
Wrap = Callable[[Program, World], World]
KEY_HEADER = "Idempotency-Key"


def unwatched(event: Event, secrets: Secrets) -> None:
    """The listener of a run that nobody watches."""


class Job(Record, kw_only=True):
    """One execution of a run: `wrap` puts the durable World around the one that sends.

    `program` is there when it is loaded already, `world` when nothing shall be sent.
    """

    spec: RunSpec
    bundle: Bundle
    wrap: Wrap
    on_event: OnEvent = unwatched
    program: Program | None = None
    world: World | None = None


class Performer(Protocol):
    """Carries out jobs; the API does."""

    def perform(self, job: Job) -> RunResult:
        """Load the documents from the bundle and run, blocking."""

    async def aperform(self, job: Job) -> RunResult:
        """The same on the running event loop."""


def keyed_by(program: Program, spec: RunSpec) -> Callable[[SendRequest], bool]:
    """Tell which requests get an Idempotency-Key: all, or those whose operation declares that header."""
    declaring = {
        f"{step.call.operation.uri}#{step.call.operation.pointer}"
        for workflow in program.workflows.values()
        for step in workflow.steps
        if isinstance(step.call, OperationCall) and step.call.operation.parameter(KEY_HEADER, "header") is not None
    }
    return lambda effect: spec.idempotency_keys or effect.operation in declaring
