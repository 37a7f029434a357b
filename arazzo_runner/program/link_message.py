"""Linking of steps that send or receive messages: operationId, channelPath, operationPath → operation, channel."""

from __future__ import annotations

from arazzo_runner.base.records import Record
from arazzo_runner.document.model import Step
from arazzo_runner.errors import Location
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.link_sources import DocumentSources
from arazzo_runner.program.values import source_reference
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.channel import Channel, MessageOperation


class LinkedMessage(Record):
    """A channel, the operation on it that was named (None for a channelPath), its source and description."""

    source: str
    description: AsyncApiDescription
    channel: Channel
    operation: MessageOperation | None


class MessageLinker:
    """Finds the operations and channels that steps name; what is not found is reported and None."""

    def __init__(self, sources: DocumentSources) -> None:
        self._sources = sources
        self._problems = sources.problems

    def concerns(self, step: Step) -> bool:
        """Return whether the step's target is in an AsyncAPI description."""
        if step.workflow_id is not None:
            return False
        return step.channel_path is not None or self._source_of(step) is not None

    def target(self, step: Step) -> LinkedMessage | None:
        """Return what the step names."""
        if step.channel_path is not None:
            return self._by_channel(step.channel_path, step.at.child("channelPath"))
        found = self._source_of(step)
        assert found is not None
        name, description, operation_id = found
        field = "operationId" if step.operation_id is not None else "operationPath"
        operation = description.operation(operation_id)
        if operation is None:
            message = f'source "{name}" has no operation "{operation_id}"'
            hint = names_hint(operation_id, [*description.operation_ids])
            self._problems.error("unknown-message-operation", message, step.at.child(field), hint=hint)
            return None
        return LinkedMessage(name, description, operation.channel, operation)

    def _source_of(self, step: Step) -> tuple[str, AsyncApiDescription, str] | None:
        """Return the AsyncAPI source that a step's operation is in, and the operation's name."""
        text = step.operation_id or step.operation_path or ""
        known = self._sources.document.sources
        named = source_reference(text, known)
        opened = self._sources.opened().channels
        if named is not None:
            return next(((name, each, named[1]) for name, each in opened if name == named[0]), None)
        return next(((name, each, text) for name, each in opened if text in each.operation_ids), None)

    def _by_channel(self, text: str, at: Location) -> LinkedMessage | None:
        reference, _, pointer = text.partition("#")
        named = source_reference(reference.strip("{}"), self._sources.document.sources)
        opened = self._sources.opened().channels
        found = None if named is None else next((each for each in opened if each[0] == named[0]), None)
        channel = None if found is None else found[1].channel_at(pointer)
        if found is None or channel is None:
            keys = [key for _, each in opened for key in each.channel_keys]
            hint = names_hint(pointer.rpartition("/")[2], keys)
            self._problems.error("unknown-channel", f'channelPath "{text}" names no channel', at, hint=hint)
            return None
        return LinkedMessage(*found, channel, None)
