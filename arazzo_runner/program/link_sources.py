"""The sources of one document, opened when a step needs one, and operations by their operationId (semantics §2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arazzo_runner.base.records import Record
from arazzo_runner.errors import Location
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.library import Library, LoadedDocument, NotChecked
from arazzo_runner.sources.openapi import OpenApiDescription, id_key, times
from arazzo_runner.sources.operation import Operation

if TYPE_CHECKING:
    from arazzo_runner.sources.asyncapi import AsyncApiDescription
    from arazzo_runner.sources.channel import Channel, MessageOperation


class Linked(Record):
    """An operation, the name of its source and its description."""

    source: str
    description: OpenApiDescription
    operation: Operation


class LinkedMessage(Record):
    """A channel, the operation on it that was named (None for a channelPath), its source and description."""

    source: str
    description: AsyncApiDescription
    channel: Channel
    operation: MessageOperation | None


class OpenedSources(Record):
    """A document's OpenAPI and AsyncAPI sources, how many of all have operations, the names of those not read."""

    descriptions: tuple[tuple[str, OpenApiDescription], ...]
    channels: tuple[tuple[str, AsyncApiDescription], ...]
    with_operations: int
    unread: tuple[str, ...]


class DocumentSources:
    """Opens the sources of one document; what is not found in them is reported and None."""

    def __init__(self, library: Library, document: LoadedDocument) -> None:
        self.library = library
        self.document = document
        self.problems = library.problems
        self._opened: OpenedSources | None = None

    def opened(self) -> OpenedSources:
        """Return all sources, opened."""
        if self._opened is None:
            self._opened = _opened(self.document, self.library)
        return self._opened

    def description(self, name: str, at: Location) -> OpenApiDescription | None:
        """Return the OpenAPI description of a source."""
        source = self.library.source(self.document, name)
        match source:
            case OpenApiDescription():
                return source
            case LoadedDocument():
                message = f'source "{name}" is an Arazzo document; it has workflows, not operations'
                hint = "call it with workflowId instead of operationId"
                self.problems.error("unknown-operation", message, at, hint=hint)
            case NotChecked() | None:
                pass  # reported when it was opened
            case _:
                channels: AsyncApiDescription = source
                message = f'source "{name}" is an AsyncAPI description ({channels.version}), without requests'
                self.problems.error("unknown-operation", message, at)
        return None

    def channels(self, name: str) -> AsyncApiDescription | None:
        """Return the description of a source if it is of AsyncAPI."""
        source = self.library.source(self.document, name) if name in self.document.sources else None
        match source:
            case OpenApiDescription() | LoadedDocument() | NotChecked() | None:
                return None
            case _:
                return source

    def is_unread(self, name: str) -> bool:
        """Return whether a source could not be read, which is reported."""
        return isinstance(self.library.source(self.document, name), NotChecked | None)

    def operation(self, name: str, operation_id: str, at: Location) -> Linked | None:
        """Return the operation of a source by its operationId."""
        if name not in self.document.sources:
            hint = names_hint(name, self.document.sources)
            self.problems.error("unknown-source", f'there is no source "{name}"', at, hint=hint)
            return None
        if not operation_id:
            message = f'"$sourceDescriptions.{name}" does not name an operation'
            self.problems.error("unknown-operation", message, at, hint="add a full stop and the operationId")
            return None
        description = self.description(name, at)
        if description is None:
            return None
        if description.same_id(operation_id):
            return self.with_id(name, description, operation_id, at)
        if self.is_unreadable(description, "/paths"):
            return None
        message = f'source "{name}" has no operation "{operation_id}"'
        hint = names_hint(operation_id, description.operation_ids)
        self.problems.error("unknown-operation", message, at, hint=hint)
        return None

    def with_id(self, name: str, description: OpenApiDescription, operation_id: str, at: Location) -> Linked | None:
        """Return the operation with an operationId that its description has; None, reported, if it has it twice."""
        pointers = description.same_id(operation_id)
        operation = description.operation_at(pointers[0])
        if len(pointers) == 1:
            return None if operation is None else Linked(name, description, operation)
        description.structure.needed(id_key(operation_id))
        found = [each for each in map(description.operation_at, pointers) if each is not None]
        listed = " and ".join(f"{each.method} {each.path}" for each in found)
        message = f'operationId "{operation_id}" is defined {times(len(pointers))} in source "{name}": {listed}'
        ways = " or ".join(path_to(name, pointer) for pointer in pointers)
        places = tuple(description.place(f"{pointer}/operationId") for pointer in pointers)
        hint = f"name the one you mean with operationPath: {ways}"
        self.problems.error("duplicate-operation-id", message, at, hint=hint, related=places)
        return None

    def is_unreadable(self, description: OpenApiDescription, pointer: str) -> bool:
        """Return whether the description is broken at or above a pointer, where a step needs it; that is reported."""
        found = description.structure.needed(pointer)
        if found is not None:
            self.problems.error(found.code, found.message, found.at, hint=found.hint)
        return found is not None


def _opened(document: LoadedDocument, library: Library) -> OpenedSources:
    descriptions: list[tuple[str, OpenApiDescription]] = []
    channels: list[tuple[str, AsyncApiDescription]] = []
    with_operations, unread = 0, []
    for name, stated in document.sources.items():
        source = library.source(document, name)
        match source:
            case OpenApiDescription():
                descriptions.append((name, source))
                with_operations += 1
            case LoadedDocument():
                pass
            case NotChecked() | None:
                unread.append(name)
                with_operations += stated.type not in (None, "arazzo")
            case _:
                channels.append((name, source))
                with_operations += 1
    return OpenedSources(tuple(descriptions), tuple(channels), with_operations, tuple(unread))


def path_to(source: str, pointer: str) -> str:
    """Return an operationPath in the Specification's form, in quotes."""
    return f"'{{$sourceDescriptions.{source}.url}}#{pointer}'"
