"""AsyncAPI 2.0 to 2.6: channels named by their addresses, with the operations publish and subscribe.

Specification: AsyncAPI 2.6.0 §Channel Item Object, §Operation Object. What `publish` describes receives, what
`subscribe` describes sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING, escaped, pointer_tokens
from arazzo_runner.sources.asyncapi_messages import MessageReader
from arazzo_runner.sources.asyncapi_parts import AsyncParts, mapping
from arazzo_runner.sources.asyncapi_servers import SecurityNames
from arazzo_runner.sources.channel import Action, Channel, MessageOperation, MessageType
from arazzo_runner.sources.references import Node

VERBS: Final[dict[str, Action]] = {"publish": "receive", "subscribe": "send"}


class DialectV2:
    """Reads channels and operations of AsyncAPI 2.x."""

    def __init__(self, parts: AsyncParts, security: SecurityNames) -> None:
        self._parts = parts
        self._security = security
        self._messages = MessageReader(parts, is_v2=True)
        self._channels: dict[str, Channel] = {}
        self._read: dict[str, tuple[MessageType, ...]] = {}

    def places(self) -> Iterator[tuple[str | None, str]]:
        """Yield the operationId and the JSON Pointer of every operation, without reading it."""
        for key in self._parts.root_members("channels"):
            item = self._parts.follow_quietly(self._item(key))
            for verb in VERBS if item is not None and not key.startswith("x-") else ():
                value = item.child(verb).value if item is not None else MISSING
                if isinstance(value, dict):
                    name = value.get("operationId")
                    yield name if isinstance(name, str) else None, f"/channels/{escaped(key)}/{verb}"

    def _item(self, key: str) -> Node:
        return self._parts.root.child("channels").child(key)

    # ------------------------------------------------------------------ channels

    def channel(self, key: str) -> Channel:
        """Return the channel of an address that the description has."""
        if key not in self._channels:
            pointer = f"/channels/{escaped(key)}"
            self._channels[key] = self._parts.owned(pointer, lambda: self._channel(key, pointer))
        return self._channels[key]

    def _channel(self, key: str, pointer: str) -> Channel:
        parts = self._parts
        node = parts.followed(self._item(key))
        messages = {each.pointer: each for verb in VERBS for each in self._messages_of(node, verb)}
        return Channel(
            key=key,
            pointer=pointer,
            address=key,
            parameters={
                name: self._messages.parameter(each)
                for name, each in parts.members(node.child("parameters"), "parameters")
            },
            messages=tuple(messages.values()),
            servers=self._servers_of(node),
            bindings=parts.bindings(node),
        )

    def _servers_of(self, node: Node) -> tuple[str, ...]:
        """Return the names of a channel's servers, all when it names none."""
        known = self._parts.root_members("servers")
        named = []
        for each in self._parts.listed(node, "servers"):
            if isinstance(each.value, str) and each.value in known:
                named.append(each.value)
            else:
                self._parts.broken(each, "a server of a channel must be the name of a server of the description")
        return tuple(named) or tuple(known)

    def _messages_of(self, item: Node, verb: str) -> tuple[MessageType, ...]:
        node = item.child(verb)
        if self._parts.parts.mapping(node, verb) is None:
            return ()
        place = f"{node.at.uri}#{node.at.pointer}"
        if place not in self._read:
            node = self._parts.with_traits(node, traits_win=True)
            holder, own = node.child("message"), node.child("operationId").value
            several = mapping(holder.value).get("oneOf")
            nodes = self._parts.listed(holder, "oneOf") if several is not None else [holder]
            found = [
                self._messages.message(each, fallback=own if isinstance(own, str) else verb)
                for each in nodes
                if each.value is not MISSING
            ]
            self._read[place] = tuple(each for each in found if each is not None)
        return self._read[place]

    # ------------------------------------------------------------------ operations

    def operation(self, pointer: str) -> MessageOperation | None:
        """Return the operation at a JSON Pointer, None when there is none."""
        tokens = pointer_tokens(pointer) if pointer.startswith("/") else ()
        known = self._parts.root_members("channels")
        if len(tokens) != 3 or tokens[0] != "channels" or tokens[1] not in known or tokens[2] not in VERBS:
            return None
        return self._parts.owned(pointer, lambda: self._operation(tokens[1], tokens[2], pointer))

    def _operation(self, key: str, verb: str, pointer: str) -> MessageOperation | None:
        parts = self._parts
        item = parts.followed(self._item(key))
        node = item.child(verb)
        if parts.parts.mapping(node, verb) is None:
            return None
        channel = self.channel(key)
        node = parts.with_traits(node, traits_win=True)
        name = parts.text(node.child("operationId"), "operationId") or ""
        return MessageOperation(
            id=name,
            pointer=pointer,
            action=VERBS[verb],
            channel=channel,
            messages=self._messages_of(item, verb) or channel.messages,
            bindings=parts.bindings(node),
            security=self._security.of(node, name or verb),
        )
