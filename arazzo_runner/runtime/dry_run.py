"""Dry run: shows the requests, sends nothing; answers are made from the descriptions' examples."""

from __future__ import annotations

from typing import Any, assert_never, cast

from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    HttpResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    known,
)
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.files import read_upload
from arazzo_runner.runtime.mock.api import documented_answer
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import Operation

START = 0.0


class DryRunWorld:
    """Answers every request of a program with what its description documents as success.

    No time passes and no wait happens, so a dry run is over at once.
    """

    def __init__(self, program: Program) -> None:
        self._operations: dict[str, tuple[Operation, OpenApiDescription]] = {
            f"{operation.uri}#{operation.pointer}": (operation, description)
            for _, operation, description in program.operations()
        }

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect; only files are read."""
        return cast(Answer, self._perform(effect))

    def _perform(self, effect: Effect[Any]) -> object:
        match found := known(effect):
            case SendRequest():
                operation = self._operations.get(found.operation)
                return HttpResponse(200) if operation is None else documented_answer(*operation)
            case ReadFile():
                return read_upload(found.path)
            case Now():
                return START
            case Sleep():
                return None
            case Batch():
                return tuple(self._perform(each) for each in found.effects)
            case _:
                assert_never(found)
