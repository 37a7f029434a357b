"""The security requirements of operations and the security schemes of their description.

Specifications: OpenAPI 3.0.4, 3.1.1, 3.2.0 §Security Requirement Object, §Security Scheme Object; 2.0.
"""

from __future__ import annotations

from collections.abc import Mapping

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location
from arazzo_runner.sources.http_media.header_names import scheme_fault
from arazzo_runner.sources.parts import Parts
from arazzo_runner.sources.references import Node, ReferenceFailure
from arazzo_runner.sources.swagger2 import security_schemes_of

Security = tuple[Mapping[str, tuple[str, ...]], ...]


class SecurityReader:
    """Reads the security of one description; what an operation needs and cannot be read goes to `needed`."""

    def __init__(self, root: Node, needed: Parts, problems: Problems, *, is_swagger: bool) -> None:
        self._root = root
        self._needed = needed
        self._problems = problems
        self._is_swagger = is_swagger
        self._read: Mapping[str, JsonValue] | None = None
        self._places: Mapping[str, Location] = {}
        self._checked_names: set[str] = set()

    def of(self, node: Node) -> Security:
        """Return an operation's requirements, even an empty list, else the description's (§Operation Object)."""
        is_stated = node.child("security").value not in (MISSING, None)
        requirements = []
        for each in self._needed.listed(node if is_stated else self._root, "security"):
            raw = self._needed.mapping(each, "a security requirement")
            if raw is not None:
                requirements.append({name: _texts(scopes) for name, scopes in raw.items()})
        return self._checked(tuple(requirements))

    def schemes(self) -> Mapping[str, JsonValue]:
        """Return the security schemes of the description, read once."""
        if self._read is None:
            found, places = {}, {}
            holder = self._holder()
            for name in holder.value if isinstance(holder.value, dict) else ():
                each = holder.child(name)
                places[name] = each.at
                try:
                    found[name] = self._needed.references.follow_node(each).value
                except ReferenceFailure:
                    continue  # reported where an operation requires it
            self._read = security_schemes_of(found) if self._is_swagger else found
            self._places = places
        return self._read

    def _holder(self) -> Node:
        if self._is_swagger:
            return self._root.child("securityDefinitions")
        return self._root.child("components").child("securitySchemes")

    def _checked(self, security: Security) -> Security:
        """Report the required schemes that cannot be read, and once each those by which no credential can be sent."""
        for name in {name: None for alternative in security for name in alternative}:
            self._check_scheme(name)
            fault = None if name in self._checked_names else scheme_fault(self.schemes().get(name))
            self._checked_names.add(name)
            if fault is not None:
                message = f'security scheme "{name}": {fault[0]}'
                self._problems.error("unusable-scheme", message, self._places[name], hint=fault[1])
        return security

    def _check_scheme(self, name: str) -> None:
        holder = self._holder()
        node = self._needed.followed(holder.child(name))
        self._needed.mapping(node, f'security scheme "{name}"')
        cause = self._needed.structure.needed(holder.at.pointer) if node.value is MISSING else None
        if cause is not None:
            self._needed.report(cause.code, cause.message, cause.at, cause.hint)


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(to_text(item) for item in value) if isinstance(value, list) else ()
