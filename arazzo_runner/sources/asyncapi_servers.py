"""Servers and security requirements of AsyncAPI descriptions.

Specifications: AsyncAPI 3.0.0 §Server Object, §Server Variable Object, §Security Scheme Object; 2.6.0
§Server Object, §Security Requirement Object.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from arazzo_runner.base.json_values import JsonValue, escaped, to_text
from arazzo_runner.sources.asyncapi_parts import AsyncParts, mapping
from arazzo_runner.sources.channel import BrokerServer
from arazzo_runner.sources.operation import ServerVariable
from arazzo_runner.sources.protocols import rules_of
from arazzo_runner.sources.references import Node

Security = tuple[Mapping[str, tuple[str, ...]], ...]


def servers_of(parts: AsyncParts, security: SecurityNames) -> dict[str, BrokerServer]:
    """Return the servers of a description by name; one that cannot be read is left out."""
    found = {}
    holder = parts.root.child("servers")
    for name in mapping(holder.value):
        make = partial(_server, parts, security, name, holder.child(name))
        server = parts.owned(f"/servers/{escaped(name)}", make)
        if server is not None:
            found[name] = server
    return found


def _server(parts: AsyncParts, security: SecurityNames, name: str, node: Node) -> BrokerServer | None:
    if not isinstance(node.value, dict):
        return None  # reported when the description was opened
    node, is_v2 = parts.followed(node), security.is_v2
    if parts.parts.mapping(node, f'server "{name}"') is None:
        return None
    protocol = (parts.text(node.child("protocol"), "protocol") or "").lower()
    if not protocol:
        parts.broken(node, f'server "{name}" has no protocol')
    place = parts.text(node.child("url" if is_v2 else "host"), "url" if is_v2 else "host") or ""
    if not place:
        parts.broken(node, f'server "{name}" has no {"url" if is_v2 else "host"}')
    path = "" if is_v2 else parts.text(node.child("pathname"), "pathname") or ""
    return BrokerServer(
        name=name,
        pointer=f"/servers/{escaped(name)}",
        protocol=protocol,
        url=server_text(protocol, place, path),
        protocol_version=parts.text(node.child("protocolVersion"), "protocolVersion"),
        variables={key: _variable(parts, each) for key, each in parts.members(node.child("variables"), "variables")},
        security=security.of(node, name),
        bindings=parts.bindings(node),
    )


def server_text(protocol: str, place: str, path: str = "") -> str:
    """Return `protocol://host/path`; a scheme that the host has already is kept if it is of the protocol.

    >>> server_text("mqtt", "broker:1883"), server_text("ws", "api.test", "v1"), server_text("wss", "wss://api.test/v1/")
    ('mqtt://broker:1883', 'ws://api.test/v1', 'wss://api.test/v1')
    >>> server_text("kafka", "http://broker:9092")
    'kafka://broker:9092'
    """
    scheme, mark, rest = place.partition("://")
    if not mark:
        scheme, rest = protocol, place
    elif rules_of(scheme).title != rules_of(protocol).title:
        scheme = protocol
    path = f"/{path}" if path and not path.startswith("/") else path
    return f"{scheme.lower()}://{rest.rstrip('/') if path else rest}{path}".rstrip("/")


def _variable(parts: AsyncParts, node: Node) -> ServerVariable:
    enum = tuple(to_text(each.value) for each in parts.listed(node, "enum"))
    default = parts.text(node.child("default"), "default")
    return ServerVariable(default=default or (enum[0] if len(enum) == 1 else ""), enum=enum)


class SecurityNames:
    """Reads security requirements, which name schemes in 2.x and are or refer to schemes in 3.0."""

    def __init__(self, parts: AsyncParts, *, is_v2: bool) -> None:
        self.is_v2 = is_v2
        self._parts = parts
        self._inline: dict[str, JsonValue] = {}
        self._named: dict[str, JsonValue] | None = None

    def schemes(self) -> Mapping[str, JsonValue]:
        """Return the Security Scheme Objects by name."""
        if self._named is None:
            holder = self._parts.root.child("components").child("securitySchemes")
            names = holder.value if isinstance(holder.value, dict) else {}
            found = {name: self._parts.follow_quietly(holder.child(name)) for name in names}
            self._named = {name: each.value for name, each in found.items() if each is not None}
        return {**self._named, **self._inline}

    def of(self, node: Node, owner: str) -> Security:
        """Return the alternatives of a server or operation; `owner` is its name."""
        found: list[Mapping[str, tuple[str, ...]]] = []
        for index, each in enumerate(self._parts.listed(node, "security")):
            raw = self._parts.parts.mapping(each, "a security requirement")
            if raw is None:
                continue
            if self.is_v2:
                found.append({name: _texts(scopes) for name, scopes in raw.items()})
                self._check(each, raw)
                continue
            scheme = self._parts.followed(each)
            if isinstance(scheme.value, dict):
                found.append({self._name(raw, scheme, owner, index): _texts(scheme.value.get("scopes"))})
        return tuple(found)

    def _name(self, raw: Mapping[str, JsonValue], scheme: Node, owner: str, index: int) -> str:
        """Return the name of a scheme: its own in the components, else one made from its owner's."""
        reference = raw.get("$ref")
        if isinstance(reference, str):
            name = reference.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            if self.schemes().get(name) == scheme.value:
                return name
        name = owner if not index else f"{owner}-{index + 1}"
        self._inline[name] = scheme.value
        return name

    def _check(self, node: Node, raw: Mapping[str, JsonValue]) -> None:
        for name in raw:
            if name not in self.schemes():
                self._parts.broken(node, f'there is no security scheme "{name}"')


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(to_text(item) for item in value) if isinstance(value, list) else ()
