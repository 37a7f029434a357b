"""AsyncAPI → channels and operations: an index that reads a channel only when it is asked for.

Specifications: AsyncAPI 3.0.0 §AsyncAPI Object, §Channel Object, §Operation Object, §Message Object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped, pointer_tokens, to_text
from arazzo_runner.document.cache import Reader
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import Location
from arazzo_runner.sources.channel import (
    BrokerServer,
    Channel,
    ChannelParameter,
    MessageExample,
    MessageOperation,
    MessageType,
    Place,
    Reply,
)
from arazzo_runner.sources.fetch import ReferenceFetch
from arazzo_runner.sources.operation import ServerVariable
from arazzo_runner.sources.references import Node, ReferenceFailure, References

_PARTS: Final = ("header", "payload")


def load_asyncapi(
    document: Document,
    fetch: ReferenceFetch | None,
    problems: Problems,
    *,
    base: str | None = None,
    reader: Reader = read,
) -> AsyncApiDescription:
    """Return the index of a description; `base` is the absolute URI it was read from, for relative references."""
    return AsyncApiDescription(document, fetch, problems, document.uri if base is None else base, reader)


class AsyncApiDescription:
    """The channels and operations of one AsyncAPI description, found by id or pointer."""

    def __init__(
        self, document: Document, fetch: ReferenceFetch | None, problems: Problems, base: str, reader: Reader = read
    ) -> None:
        self.uri = document.uri
        self.base = base
        self.document = document
        self.root: Mapping[str, JsonValue] = document.value if isinstance(document.value, dict) else {}
        self.references = References(document, base, fetch, reader)
        self._node = Node(self.root, self.references.base, document.at(""))
        self._problems = problems
        self._channels: dict[str, Channel] = {}
        self._operations: dict[str, MessageOperation | None] = {}

    @property
    def version(self) -> str:
        """The description's version text, such as `3.0.0`."""
        return str(self.root.get("asyncapi", ""))

    @property
    def operation_ids(self) -> Sequence[str]:
        """The names of all operations, in the description's order."""
        return list(_mapping(self._node.child("operations").value))

    @property
    def channel_keys(self) -> Sequence[str]:
        """The names of all channels, in the description's order."""
        return list(_mapping(self._node.child("channels").value))

    @property
    def servers(self) -> Mapping[str, BrokerServer]:
        """The servers by name, in the description's order."""
        holder = self._node.child("servers")
        return {name: self._server(name, self._follow(holder.child(name))) for name in _mapping(holder.value)}

    @property
    def security_schemes(self) -> Mapping[str, JsonValue]:
        """The Security Scheme Objects by name."""
        holder = self._node.child("components").child("securitySchemes")
        return {name: self._follow(holder.child(name)).value for name in _mapping(holder.value)}

    def operation(self, operation_id: str) -> MessageOperation | None:
        """Return the operation of that name, None when there is none."""
        if operation_id not in self._operations:
            node = self._node.child("operations").child(operation_id)
            found = None if node.value is MISSING else self._operation(operation_id, self._follow(node))
            self._operations[operation_id] = found
        return self._operations[operation_id]

    def channel_at(self, pointer: str) -> Channel | None:
        """Return the channel at a JSON Pointer such as `/channels/orders`, None when there is none."""
        tokens = pointer_tokens(pointer) if pointer.startswith("/") else ()
        if len(tokens) != 2 or tokens[0] != "channels" or tokens[1] not in _mapping(self._node.child("channels").value):
            return None
        return self._channel(tokens[1])

    def resolve(self, schema: JsonValue, base: str | None = None) -> tuple[JsonValue, str]:
        """Return (value, base) of a value after following its `$ref`; raises ReferenceFailure."""
        return self.references.follow(schema, base or self.references.base)

    def place(self, pointer: str) -> Location:
        """Return the location of a JSON Pointer in the description."""
        return self.document.at(pointer)

    # ------------------------------------------------------------------ parts

    def _follow(self, node: Node) -> Node:
        try:
            return self.references.follow_node(node)
        except ReferenceFailure as failure:
            self._problems.error("broken-reference", failure.message, node.at, hint=failure.hint)
            return Node(None, node.base, node.at)

    def _server(self, name: str, node: Node) -> BrokerServer:
        protocol = to_text(node.child("protocol").value or "").lower()
        host, pathname = _text(node.child("host")) or "", _text(node.child("pathname")) or ""
        variables = node.child("variables")
        return BrokerServer(
            name=name,
            pointer=f"/servers/{escaped(name)}",
            protocol=protocol,
            url=f"{protocol}://{host}{pathname}",
            protocol_version=_text(node.child("protocolVersion")),
            variables={
                each: ServerVariable(default=_text(self._follow(variables.child(each)).child("default")) or "")
                for each in _mapping(variables.value)
            },
            bindings=_mapping(self._follow(node.child("bindings")).value),
        )

    def _channel(self, key: str) -> Channel:
        if key not in self._channels:
            node = self._follow(self._node.child("channels").child(key))
            messages = node.child("messages")
            parameters = node.child("parameters")
            self._channels[key] = Channel(
                key=key,
                pointer=f"/channels/{escaped(key)}",
                address=_text(node.child("address")),
                parameters={
                    name: _parameter(self._follow(parameters.child(name))) for name in _mapping(parameters.value)
                },
                messages=tuple(self._message(name, messages.child(name)) for name in _mapping(messages.value)),
                servers=self._servers_of(node),
                bindings=_mapping(self._follow(node.child("bindings")).value),
            )
        return self._channels[key]

    def _servers_of(self, node: Node) -> tuple[str, ...]:
        named = [str(_mapping(each.value).get("$ref", "")).rpartition("/")[2] for each in _items(node.child("servers"))]
        return tuple(named) or tuple(_mapping(self._node.child("servers").value))

    def _message(self, name: str, node: Node) -> MessageType:
        found = self._follow(node)
        content_type = _text(found.child("contentType")) or _text(self._node.child("defaultContentType"))
        payload, schema_format = found.child("payload").value, None
        if isinstance(payload, dict) and "schemaFormat" in payload:
            schema_format, payload = to_text(payload["schemaFormat"]), payload.get("schema")
        return MessageType(
            name=name,
            pointer=found.at.pointer,
            base=found.base,
            content_type=content_type,
            headers=_present(found.child("headers").value),
            payload=_present(payload),
            schema_format=schema_format,
            correlation=_place(self._follow(found.child("correlationId")).child("location").value),
            examples=tuple(_example(each.value) for each in _items(found.child("examples"))),
            bindings=_mapping(self._follow(found.child("bindings")).value),
        )

    def _operation(self, operation_id: str, node: Node) -> MessageOperation | None:
        channel = self._channel_of(node)
        action = node.child("action").value
        if channel is None or action not in ("send", "receive"):
            return None
        return MessageOperation(
            id=operation_id,
            pointer=f"/operations/{escaped(operation_id)}",
            action=action,
            channel=channel,
            messages=self._named_messages(node, channel),
            reply=self._reply(self._follow(node.child("reply"))),
            bindings=_mapping(self._follow(node.child("bindings")).value),
        )

    def _channel_of(self, node: Node) -> Channel | None:
        reference = _mapping(node.child("channel").value).get("$ref")
        return self.channel_at(str(reference).partition("#")[2]) if reference is not None else None

    def _named_messages(self, node: Node, channel: Channel) -> tuple[MessageType, ...]:
        named = {
            str(_mapping(each.value).get("$ref", "")).rpartition("/")[2] for each in _items(node.child("messages"))
        }
        return tuple(each for each in channel.messages if each.name in named) or channel.messages

    def _reply(self, node: Node) -> Reply | None:
        if not isinstance(node.value, dict):
            return None
        channel = self._channel_of(node)
        messages = () if channel is None else self._named_messages(node, channel)
        return Reply(
            channel=channel,
            messages=messages,
            address=_place(self._follow(node.child("address")).child("location").value),
        )


def _parameter(node: Node) -> ChannelParameter:
    return ChannelParameter(
        default=_text(node.child("default")),
        enum=tuple(to_text(each.value) for each in _items(node.child("enum"))),
        location=_place(node.child("location").value),
    )


def _example(value: JsonValue) -> MessageExample:
    fields = _mapping(value)
    name = fields.get("name")
    return MessageExample(
        name=name if isinstance(name, str) else None,
        payload=fields.get("payload", MISSING),
        headers=fields.get("headers", MISSING),
    )


def _place(text: JsonValue) -> Place | None:
    """Return the place that `$message.header#/id` names, None for another text."""
    if not isinstance(text, str) or not text.startswith("$message."):
        return None
    part, _, pointer = text.removeprefix("$message.").partition("#")
    if part not in _PARTS:
        return None
    return Place(part, tuple(pointer_tokens(pointer)), text)  # type: ignore[arg-type]


def _items(node: Node) -> Iterator[Node]:
    for index in range(len(node.value) if isinstance(node.value, list) else 0):
        yield node.child(index)


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _text(node: Node) -> str | None:
    return node.value if isinstance(node.value, str) else None


def _present(value: JsonValue) -> JsonValue | None:
    return None if value is MISSING else value
