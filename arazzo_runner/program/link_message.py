"""Linking of steps that send or receive messages: operationId, channelPath, operationPath → operation, channel.

Semantics §2: tolerated spellings have one clear meaning. What is wrong with a part of the description that a step
needs is reported with it.
"""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.base.json_values import escaped, pointer_tokens
from arazzo_runner.errors import Location, did_you_mean, replacing
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.link_path import PathLinker
from arazzo_runner.program.link_sources import DocumentSources, LinkedMessage, path_to
from arazzo_runner.program.values import source_reference
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.channel import Channel, MessageOperation
from arazzo_runner.sources.openapi import id_key, times


class MessageLinker:
    """Finds the operations and channels that steps name; what is not found is reported and None."""

    def __init__(self, sources: DocumentSources, paths: PathLinker) -> None:
        self._sources = sources
        self._paths = paths
        self._problems = sources.problems

    # -------------------------------------------------------------- operationId

    def by_id(
        self, source: str, description: AsyncApiDescription, operation_id: str, at: Location
    ) -> LinkedMessage | None:
        """Return the operation of a name, of a description of a source."""
        pointers = description.same_id(operation_id)
        if len(pointers) == 1:
            return self._operation(source, description, pointers[0], at)
        if pointers:
            self._repeated(source, description, operation_id, pointers, at)
        elif not self._is_unreadable(description, "/channels" if description.is_v2 else "/operations"):
            self._unknown(source, description, operation_id, at)
        return None

    def _operation(
        self, source: str, description: AsyncApiDescription, pointer: str, at: Location
    ) -> LinkedMessage | None:
        operation = description.operation_at(pointer)
        pointers = [pointer, pointer.rpartition("/")[0]] if description.is_v2 else [pointer]
        if operation is not None:
            pointers += [operation.channel.pointer]
            pointers += _pointers_of_reply(operation)
        is_broken = self._report_faults(description, *pointers)
        if operation is None:
            if not is_broken:  # pragma: no cover - what cannot be read has a reason
                self._unknown(source, description, pointer, at)
            return None
        return LinkedMessage(source, description, operation.channel, operation)

    def _report_faults(self, description: AsyncApiDescription, *pointers: str) -> bool:
        faults = description.faults(*pointers)
        for each in faults:
            self._problems.error(each.code, each.message, each.at, hint=each.hint, related=each.related)
        return bool(faults)

    def _is_unreadable(self, description: AsyncApiDescription, pointer: str) -> bool:
        return self._report_faults(description, pointer)

    def _repeated(
        self, source: str, description: AsyncApiDescription, operation_id: str, pointers: Iterable[str], at: Location
    ) -> None:
        description.structure.needed(id_key(operation_id))
        pointers = list(pointers)
        ways = " or ".join(path_to(source, pointer.rpartition("/")[0]) for pointer in pointers)
        places = tuple(description.place(f"{pointer}/operationId") for pointer in pointers)
        message = f'operationId "{operation_id}" is defined {times(len(pointers))} in source "{source}"'
        hint = f"name the channel that you mean with channelPath: {ways}"
        self._problems.error("duplicate-operation-id", message, at, hint=hint, related=places)

    def _unknown(self, source: str, description: AsyncApiDescription, operation_id: str, at: Location) -> None:
        if not operation_id:
            message = f'"$sourceDescriptions.{source}" does not name an operation'
            hint: str | None = "add a full stop and the name of the operation"
        else:
            message = f'source "{source}" has no operation "{operation_id}"'
            hint = self.near(source, description, operation_id)
        self._problems.error("unknown-message-operation", message, at, hint=hint)

    def near(self, source: str, description: AsyncApiDescription, name: str) -> str | None:
        """Return what may be meant by the name of an operation: an operation, or a channel of that name."""
        channel = self._channel_like(description, name)
        if channel is not None:
            return self._ways_to(source, description, channel)
        near = did_you_mean(name, description.operation_ids)
        if near is not None:
            return near
        keys = [key for key in description.channel_keys if did_you_mean(name, [key])]
        if keys:
            found = description.channel(keys[0])
            return None if found is None else self._ways_to(source, description, found)
        if description.operation_ids or not description.channel_keys:
            return names_hint(name, description.operation_ids)
        way = path_to(source, f"/channels/{escaped(description.channel_keys[0])}")
        return f"the description names no operations; name a channel, such as channelPath: {way}"

    def _channel_like(self, description: AsyncApiDescription, name: str) -> Channel | None:
        """Return the channel whose key is a name but for case and signs: `confirm-order` for `confirmOrder`."""
        plain = _plain(name)
        key = next((each for each in description.channel_keys if plain and _plain(each) == plain), None)
        return None if key is None else description.channel(key)

    def _ways_to(self, source: str, description: AsyncApiDescription, channel: Channel) -> str:
        """Return how a step names a channel: by its path, or by the operation that it has the reply of."""
        way = f"channelPath: {path_to(source, channel.pointer)}"
        for each in description.operations():
            reply = None if each.reply is None else each.reply.channel
            if reply is not None and reply.pointer == channel.pointer:
                qualified = f"operationId: $sourceDescriptions.{source}.{each.id}, action: receive"
                return f'the channel "{channel.key}" has the replies of "{each.id}": write {qualified}; or {way}'
        return f'"{channel.key}" is a channel: write {way}'

    # -------------------------------------------------------------- operationPath

    def by_path(self, source: str, description: AsyncApiDescription, text: str, at: Location) -> LinkedMessage | None:
        """Return what an operationPath of an AsyncAPI source leads to; it should be an operationId or channelPath."""
        _, hash_mark, pointer = text.partition("#")
        if not hash_mark:
            named = source_reference(text, self._sources.document.sources)
            linked = self.by_id(source, description, "" if named is None else named[1], at)
        elif description.operation_at(pointer) is None and (channel := _channel_at(description, pointer)) is not None:
            self._slipped(f"channelPath: {path_to(source, channel.pointer)}", at, "a channel", is_forbidden=True)
            return self._channel(source, description, channel)
        elif description.operation_at(pointer) is None:
            if not self._report_faults(description, pointer):
                self._nowhere(source, description, pointer, at, "unknown-message-operation")
            return None
        else:
            linked = self._operation(source, description, pointer, at)
        if linked is not None and linked.operation is not None:
            name = linked.operation.id
            way = f"operationId: $sourceDescriptions.{source}.{name}" if name else (
                f"channelPath: {path_to(source, linked.channel.pointer)}"
            )  # fmt: skip
            self._slipped(way, at, "an operation of an AsyncAPI description", is_forbidden=False)
        return linked

    def _slipped(self, way: str, at: Location, what: str, *, is_forbidden: bool) -> None:
        # An example of the Specification 1.1 names such operations by operationPath; its JSON Schema does not allow it.
        report = self._problems.tolerate if is_forbidden else self._problems.warn
        report("message-operation-path", f"operationPath names {what}; it is for OpenAPI", at, hint=f"write {way}")

    # -------------------------------------------------------------- channelPath

    def by_channel(self, text: str, at: Location) -> LinkedMessage | None:
        """Find `{$sourceDescriptions.events.url}#/channels/orders`, also in tolerated spellings."""
        reference, hash_mark, pointer = text.partition("#")
        name, is_expression, canonical = self._paths.source_of(reference)
        if name is None or not hash_mark:
            return self._without_pointer(text, at)
        description = self._sources.channels(name)
        if description is None:
            self._not_asynchronous(name, at)
            return None
        channel = _channel_at(description, pointer)
        if channel is None:
            return self._no_channel(name, description, pointer, at)
        if not canonical or channel.pointer != pointer:
            self._other_form(name, channel, at, is_forbidden=not is_expression or channel.pointer != pointer)
        return self._channel(name, description, channel)

    def _channel(self, source: str, description: AsyncApiDescription, channel: Channel) -> LinkedMessage | None:
        if self._report_faults(description, channel.pointer):
            return None
        return LinkedMessage(source, description, channel, None)

    def _no_channel(
        self, source: str, description: AsyncApiDescription, pointer: str, at: Location
    ) -> LinkedMessage | None:
        """Report a channelPath that leads to no channel; one to an operation has a clear meaning."""
        operation = description.operation_at(pointer)
        if operation is not None:
            way = f"operationId: $sourceDescriptions.{source}.{operation.id}"
            self._problems.tolerate(
                "channel-path-form", "channelPath names an operation, not a channel", at, hint=f"write {way}"
            )
            return self._operation(source, description, pointer, at)
        if not self._report_faults(description, pointer):
            self._nowhere(source, description, pointer, at, "unknown-channel")
        return None

    def _nowhere(self, source: str, description: AsyncApiDescription, pointer: str, at: Location, code: str) -> None:
        name = pointer_tokens(pointer)[-1] if pointer.startswith("/") else pointer
        by_address = {each.address: key for key in description.channel_keys if (each := description.channel(key))}
        keys = [by_address[name]] if by_address.get(name) else [
            key for key in description.channel_keys if _plain(key) == _plain(name) or did_you_mean(name, [key])
        ]  # fmt: skip
        if keys:
            hint: str | None = f"did you mean channelPath: {path_to(source, f'/channels/{escaped(keys[0])}')}?"
        else:
            hint = did_you_mean(name, description.operation_ids) or names_hint(name, description.channel_keys)
        what = "channel" if code == "unknown-channel" else "operation or channel"
        self._problems.error(code, f'source "{source}" has no {what} at {pointer}', at, hint=hint)

    def _without_pointer(self, text: str, at: Location) -> LinkedMessage | None:
        """Find `$sourceDescriptions.events.orders` or the bare name of a channel."""
        known = self._sources.document.sources
        named = source_reference(text.strip("{}"), known)
        if named is not None and named[0] not in known:
            hint = names_hint(named[0], known)
            self._problems.error("unknown-source", f'there is no source "{named[0]}"', at, hint=hint)
            return None
        opened = self._sources.opened()
        searched = [each for each in opened.channels if named is None or each[0] == named[0]]
        key = named[1] if named is not None else text.removeprefix("/channels/")
        found = [(name, each, channel) for name, each in searched if (channel := each.channel(key)) is not None]
        if len(found) == 1:
            self._other_form(found[0][0], found[0][2], at, is_forbidden=True)
            return self._channel(*found[0])
        if named is not None and not searched:
            self._not_asynchronous(named[0], at)
        elif searched or not opened.unread:
            self._bad_path(text, key, searched, at)
        return None

    def _bad_path(self, text: str, key: str, searched: Iterable[tuple[str, AsyncApiDescription]], at: Location) -> None:
        near = [
            (name, each)
            for name, description in searched
            for each in description.channel_keys
            if each == key or _plain(each) == _plain(key) or did_you_mean(key, [each])
        ]
        source = next((name for name, _ in searched), "<name>")
        path = path_to(near[0][0], f"/channels/{escaped(near[0][1])}") if near else path_to(source, "/channels/<key>")
        message = f'channelPath "{text}" does not name a source and a channel'
        self._problems.error("channel-path-form", message, at, hint=f"write {path}")

    def _other_form(self, source: str, channel: Channel, at: Location, *, is_forbidden: bool) -> None:
        path = path_to(source, channel.pointer)
        message = "channelPath must be a source's url in braces and a JSON Pointer"
        report = self._problems.tolerate if is_forbidden else self._problems.warn
        report("channel-path-form", message, at, hint=f"write {path}", fix=replacing(at, path[1:-1]))

    def _not_asynchronous(self, source: str, at: Location) -> None:
        if not self._sources.is_unread(source):  # which is reported
            message = f'source "{source}" is not an AsyncAPI description; it has no channels'
            hint = "call it with operationId or operationPath; channelPath is for AsyncAPI"
            self._problems.error("unknown-channel", message, at, hint=hint)


def _channel_at(description: AsyncApiDescription, pointer: str) -> Channel | None:
    """Return the channel at a pointer, also at one whose address is not escaped: `/channels/orders/place`."""
    channel = description.channel_at(pointer)
    if channel is not None or not pointer.startswith("/channels/"):
        return channel
    rest = pointer.removeprefix("/channels/")
    return description.channel(rest) or description.channel(rest.replace("~1", "/"))


def _pointers_of_reply(operation: MessageOperation) -> list[str]:
    reply = operation.reply
    return [] if reply is None or reply.channel is None else [reply.channel.pointer]


def _plain(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())
