"""Linking of steps that receive from an OpenAPI description: its event streams and webhooks (semantics §2)."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.document.model import Step
from arazzo_runner.program.link_path import PathLinker
from arazzo_runner.program.link_sources import DocumentSources, LinkedMessage
from arazzo_runner.program.values import source_reference
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.openapi_channels import stream_of, webhook_of


class StreamLinker:
    """Finds them, and reports nothing: what is not found may be something else."""

    def __init__(self, sources: DocumentSources, paths: PathLinker) -> None:
        self._sources = sources
        self._paths = paths
        self._made: dict[tuple[str, str], AsyncApiDescription | None] = {}

    def target(self, step: Step) -> LinkedMessage | None:
        """Return the channel of the event stream or webhook that a step names, None when it names none."""
        for source, description, name in self._named(step):
            if (source, name) not in self._made:
                self._made[source, name] = _channels(description, name)
            found = self._made[source, name]
            operation = None if found is None else next(found.operations(), None)
            if found is not None and operation is not None:
                return LinkedMessage(source, found, operation.channel, operation)
        return None

    def _named(self, step: Step) -> Iterator[tuple[str, OpenApiDescription, str]]:
        """Yield (source, description, operationId or pointer) of what a step may name."""
        if step.operation_id is not None:
            named = source_reference(step.operation_id, self._sources.document.sources)
            if named is None:
                yield from ((source, each, step.operation_id) for source, each in self._sources.opened().descriptions)
            elif (found := self._description(named[0])) is not None:
                yield named[0], found, named[1]
        elif step.operation_path is not None:
            reference, _, pointer = step.operation_path.partition("#")
            source = self._paths.source_of(reference)[0]
            if source is not None and (found := self._description(source)) is not None:
                yield source, found, pointer

    def _description(self, name: str) -> OpenApiDescription | None:
        """Return the OpenAPI description of a source; the others are not opened."""
        if name not in self._sources.document.sources:
            return None
        found = self._sources.library.source(self._sources.document, name)
        return found if isinstance(found, OpenApiDescription) else None


def _channels(description: OpenApiDescription, name: str) -> AsyncApiDescription | None:
    if name.startswith("/"):
        operation = description.operation_at(name) if name.startswith("/paths/") else None
    else:
        operation = description.operation(name)
    return webhook_of(description, name) if operation is None else stream_of(description, operation)
