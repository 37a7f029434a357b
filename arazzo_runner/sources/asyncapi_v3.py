"""AsyncAPI 3.0: operations beside channels, which refer to them; replies.

Specification: AsyncAPI 3.0.0 §Channel Object, §Operation Object, §Operation Reply Object.
"""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import MISSING, escaped, pointer_tokens, preview
from arazzo_runner.sources.asyncapi_messages import MessageReader
from arazzo_runner.sources.asyncapi_parts import AsyncParts
from arazzo_runner.sources.asyncapi_servers import SecurityNames
from arazzo_runner.sources.channel import Channel, MessageOperation, MessageType, Reply
from arazzo_runner.sources.references import Node


class DialectV3:
    """Reads channels and operations of AsyncAPI 3.0."""

    def __init__(self, parts: AsyncParts, security: SecurityNames) -> None:
        self._parts = parts
        self._security = security
        self._messages = MessageReader(parts, is_v2=False)
        self._channels: dict[str, Channel] = {}
        self._read: dict[tuple[str, str], MessageType | None] = {}
        self._places: dict[tuple[str, str], str] | None = None

    def places(self) -> Iterator[tuple[str | None, str]]:
        """Yield the name and the JSON Pointer of every operation, without reading it."""
        for name in self._parts.root_members("operations"):
            if not name.startswith("x-"):
                yield name, f"/operations/{escaped(name)}"

    # ------------------------------------------------------------------ channels

    def channel(self, key: str) -> Channel:
        """Return the channel of a name that the description has."""
        if key not in self._channels:
            pointer, node = f"/channels/{escaped(key)}", self._parts.root.child("channels").child(key)
            self._channels[key] = self._parts.owned(
                pointer, lambda: self._channel(key, pointer, self._parts.followed(node))
            )
        return self._channels[key]

    def _channel(self, key: str, pointer: str, node: Node) -> Channel:
        parts, messages = self._parts, node.child("messages")
        found = [
            self._message(messages.child(name), name)
            for name in parts.parts.mapping(messages, "messages") or ()
            if not name.startswith("x-")
        ]
        return Channel(
            key=key,
            pointer=pointer,
            address=parts.text(node.child("address"), "address"),
            parameters={
                name: self._messages.parameter(each)
                for name, each in parts.members(node.child("parameters"), "parameters")
            },
            messages=tuple(each for each in found if each is not None),
            servers=self._servers_of(node),
            bindings=parts.bindings(node),
        )

    def _message(self, node: Node, name: str) -> MessageType | None:
        place = self._parts.same_place(node)
        if place not in self._read:
            self._read[place] = self._messages.message(node, name)
        return self._read[place]

    def _servers_of(self, node: Node) -> tuple[str, ...]:
        """Return the names of a channel's servers: those that it refers to, else all."""
        named = [self._parts.reference(each, "a server of a channel") for each in self._parts.listed(node, "servers")]
        texts = [pointer_tokens(each[0].partition("#")[2])[-1:] for each in named if each is not None]
        known = self._parts.root_members("servers")
        return tuple(name for each in texts for name in each if name in known) or tuple(known)

    # ------------------------------------------------------------------ operations

    def operation(self, pointer: str) -> MessageOperation | None:
        """Return the operation at a JSON Pointer, None when there is none."""
        tokens = pointer_tokens(pointer) if pointer.startswith("/") else ()
        if len(tokens) != 2 or tokens[0] != "operations" or tokens[1] not in self._parts.root_members("operations"):
            return None
        node = self._parts.root.child("operations").child(tokens[1])
        return self._parts.owned(pointer, lambda: self._operation(tokens[1], pointer, self._parts.followed(node)))

    def _operation(self, name: str, pointer: str, node: Node) -> MessageOperation | None:
        if not isinstance(node.value, dict):
            return None  # reported when the description was opened, or as a broken reference
        parts, node = self._parts, self._parts.with_traits(node, traits_win=False)
        action = node.child("action").value
        if action not in ("send", "receive"):
            found = "has no action" if action is MISSING else f"has the action {preview(action, 40)}"
            hint = "write action: send or action: receive, whichever the described application does"
            parts.broken(node, f'operation "{name}" {found}, expected send or receive', hint)
        channel = self._channel_of(node, f'operation "{name}"')
        if channel is None or action not in ("send", "receive"):
            return None
        return MessageOperation(
            id=name,
            pointer=pointer,
            action=action,
            channel=channel,
            messages=self._named(node, channel),
            reply=self._reply(parts.followed(node.child("reply")), pointer),
            bindings=parts.bindings(node),
            security=self._security.of(node, name),
        )

    def _channel_of(self, node: Node, what: str) -> Channel | None:
        """Return the channel that an operation refers to; None, reported, for none."""
        holder = node.child("channel")
        if holder.value is MISSING or holder.value is None:
            self._parts.broken(node, f"{what} has no channel")
            return None
        tokens = pointer_tokens(self._parts.own_pointer(holder) or "")
        if len(tokens) == 2 and tokens[0] == "channels" and tokens[1] in self._parts.root_members("channels"):
            return self.channel(tokens[1])
        found = self._parts.reference(holder, f"the channel of {what}")
        if found is None:
            return None
        text, target = found
        key = self._by_place().get(self._parts.same_place(target))
        if key is not None:
            return self.channel(key)
        name = pointer_tokens(text.partition("#")[2])[-1:]
        return self._channel(name[0] if name else "", f"{target.at.uri}#{target.at.pointer}", target)

    def _by_place(self) -> dict[tuple[str, str], str]:
        """Return the names of the channels by where they are described, which may be among the components."""
        if self._places is None:
            holder = self._parts.root.child("channels")
            found = {key: self._parts.follow_quietly(holder.child(key)) for key in self._parts.root_members("channels")}
            self._places = {self._parts.same_place(each): key for key, each in found.items() if each is not None}
        return self._places

    def _named(self, node: Node, channel: Channel) -> tuple[MessageType, ...]:
        """Return the messages that an operation or reply refers to, else all of its channel."""
        found: dict[str, MessageType] = {}
        for each in self._parts.listed(node, "messages"):
            reference = self._parts.reference(each, "a message of an operation")
            if reference is None:
                continue
            name = pointer_tokens(reference[0].partition("#")[2])[-1:]
            message = next((known for known in channel.messages if _is_named(known, reference, name)), None)
            message = message or self._message(each, name[0] if name else "")
            if message is not None:
                found.setdefault(f"{message.base}#{message.pointer} {message.name}", message)
        return tuple(found.values()) or channel.messages

    def _reply(self, node: Node, pointer: str) -> Reply | None:
        if node.value is MISSING or self._parts.parts.mapping(node, "reply") is None:
            return None
        address = self._parts.followed(node.child("address"))
        has_channel = node.child("channel").value not in (MISSING, None)
        channel = self._channel_of(node, "a reply") if has_channel else None
        messages = self._named(node, channel or Channel(key="", pointer=f"{pointer}/reply", address=None))
        return Reply(channel=channel, messages=messages, address=self._messages.place(address.child("location")))


def _is_named(known: MessageType, reference: tuple[str, Node], name: tuple[str, ...] | list[str]) -> bool:
    """Return whether a `$ref` leads to a message of a channel: by its name in the channel, or to the same object."""
    text, target = reference
    if "/messages/" in text and text.partition("#")[2].startswith("/channels/"):
        return list(name) == [known.name]
    return target.at.pointer == known.pointer and target.base == known.base
