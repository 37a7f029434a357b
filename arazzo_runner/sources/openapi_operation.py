"""One OpenAPI operation → Operation: references followed, defaults filled in, invalid parts reported and left out.

Specifications: OpenAPI 3.0.4, 3.1.1, 3.2.0 §Operation Object, §Parameter Object, §Request Body
Object, §Responses Object, §Server Object, §Security Requirement Object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text, type_name
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Location
from arazzo_runner.sources.http_media.header_names import scheme_fault
from arazzo_runner.sources.operation import (
    MediaType,
    Operation,
    OperationBody,
    OperationParameter,
    OperationResponse,
    Server,
    ServerVariable,
)
from arazzo_runner.sources.references import Node, ReferenceFailure, References, rebased
from arazzo_runner.sources.schema.context import SchemaContext, dialect_of
from arazzo_runner.sources.swagger2 import convert_operation, security_schemes_of, servers_of

# §Parameter Object, style: the styles of each location; the first is the default.
STYLES: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form", "cookie"),
    "querystring": ("form",),
}
EXPLODED: Final = ("form", "cookie")
# §Parameter Object, name: definitions of these headers shall be ignored.
_IGNORED_HEADERS: Final = ("accept", "content-type", "authorization")

Security = tuple[Mapping[str, tuple[str, ...]], ...]


class OperationReader:
    """Reads Operation Objects of one description; `problems` collects the errors in those that are used."""

    def __init__(self, document: Document, location: str, references: References, problems: Problems) -> None:
        self._uri = document.uri
        self._location = location
        self._references = references
        self._problems = problems
        value = document.value if isinstance(document.value, dict) else {}
        self._root = Node(value, references.base, document.at())
        self._is_swagger = "swagger" in value
        version = "" if self._is_swagger else str(value.get("openapi", ""))
        self.schemas = SchemaContext(dialect_of(version, is_swagger=self._is_swagger), references.follow)
        self._schemes_read: Mapping[str, JsonValue] | None = None
        self._scheme_places: Mapping[str, Location] = {}
        self._schemes_checked: set[str] = set()

    def read(self, pointer: str, path: str, method: str, node: Node, items: Sequence[Node]) -> Operation:
        """Return the Operation of an Operation Object; `items` are the path item's nodes, its own first."""
        servers = self._servers(node, items)
        if self._is_swagger:
            node, items = self._converted(node, items), ()
        operation_id = node.child("operationId").value
        return Operation(
            uri=self._uri,
            operation_id=operation_id if isinstance(operation_id, str) else None,
            method=method.upper() if method == method.lower() else method,
            path=path,
            pointer=pointer,
            servers=servers,
            parameters=self._parameters(node, items),
            request_body=self._body(node.child("requestBody")),
            responses=self._responses(node.child("responses")),
            security=self._checked(self._security(node)),
            security_schemes=self._schemes(),
            schemas=self.schemas,
            at=node.at,
        )

    def broken_reference(self, failure: ReferenceFailure, at: Location) -> None:
        """Warn of a `$ref` that cannot be followed: no error, since descriptions usually have other authors."""
        hint = failure.hint or "mend the reference; what it stands for is left out"
        self._problems.warn("broken-reference", failure.message, at, hint=hint)

    # ------------------------------------------------------------------ parameters

    def _parameters(self, node: Node, items: Sequence[Node]) -> tuple[OperationParameter, ...]:
        """Return the path item's parameters, overridden by the operation's of the same name and location."""
        found: dict[tuple[str, str], OperationParameter] = {}
        for holder in (*reversed(items), node):
            for each in self._listed(holder, "parameters"):
                parameter = self._parameter(self._followed(each))
                if parameter is not None:
                    found[parameter.name, parameter.location] = parameter
        return tuple(found.values())

    def _parameter(self, node: Node) -> OperationParameter | None:
        raw = self._mapping(node, "a parameter")
        if not raw:
            return None
        name, location = raw.get("name"), raw.get("in")
        if not isinstance(name, str) or not isinstance(location, str) or location not in STYLES:
            places = ", ".join(STYLES)
            self._broken(node, f"a parameter needs a name and in: one of {places}; it is left out")
            return None
        style, explode = self._style(node, location), raw.get("explode")
        content = self._content(node.child("content"))
        is_ignored = location == "header" and name.lower() in _IGNORED_HEADERS
        return OperationParameter(
            name=name,
            location=location,  # type: ignore[arg-type]
            required=(raw.get("required") is True or location == "path") and not is_ignored,
            style=style,
            explode=explode if isinstance(explode, bool) else style in EXPLODED,
            allow_reserved=raw.get("allowReserved") is True,
            schema=raw.get("schema"),
            base=node.base,
            content=next(iter(content.values()), None),
            example=raw.get("example"),
            examples=self._examples(node.child("examples")),
        )

    def _style(self, node: Node, location: str) -> str:
        style = node.child("style")
        allowed = STYLES[location]
        if isinstance(style.value, str) and style.value in allowed:
            return style.value
        if style.value is not MISSING and style.value is not None:
            found, expected = to_text(style.value), " or ".join(allowed)
            self._broken(style, f'style "{found}" is not for {location} parameters, expected {expected}')
        return allowed[0]

    # ------------------------------------------------------------------ bodies and responses

    def _body(self, node: Node) -> OperationBody | None:
        node = self._followed(node)
        raw = self._mapping(node, "requestBody")
        if raw is None:
            return None
        return OperationBody(required=raw.get("required") is True, content=self._content(node.child("content")))

    def _responses(self, node: Node) -> dict[str, OperationResponse]:
        found = {}
        for status, item in self._members(node, "responses"):
            response = self._followed(item)
            raw = self._mapping(response, "a response")
            if raw is None:
                continue
            found[status if status == "default" else status.upper()] = OperationResponse(
                description=str(raw.get("description", "")),
                content=self._content(response.child("content")),
                headers=self._headers(response.child("headers")),
                base=response.base,
            )
        return found

    def _headers(self, node: Node) -> dict[str, JsonValue]:
        followed = ((name, self._followed(each)) for name, each in self._members(node, "headers"))
        return {name: rebased(each.value, each.base, node.base) for name, each in followed if each.value is not None}

    def _content(self, node: Node) -> dict[str, MediaType]:
        return {name: self._media_type(name, each) for name, each in self._members(node, "content")}

    def _media_type(self, content_type: str, node: Node) -> MediaType:
        node = self._followed(node)  # OpenAPI 3.2 §Components Object has mediaTypes
        raw = self._mapping(node, "a media type") or {}
        schema, name = self._schema(node.child("schema"))
        return MediaType(
            content_type=content_type,
            schema=schema.value,
            schema_name=name,
            base=schema.base,
            resolve=self._resolve,
            example=raw.get("example"),
            examples=self._examples(node.child("examples")),
            encoding={key: _plain(each.value) for key, each in self._members(node.child("encoding"), "encoding")},
        )

    def _schema(self, node: Node) -> tuple[Node, str]:
        """Follow the `$ref` of a schema once, so that a schema of another document has its own base."""
        raw = node.value
        reference = raw.get("$ref") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(reference, str) or len(raw) != 1:
            return (Node(None, node.base, node.at) if raw is MISSING else node), ""
        return self._followed(node), reference.rpartition("/")[2] if "/" in reference else ""

    def _resolve(self, value: JsonValue, base: str) -> tuple[JsonValue, str]:
        try:
            return self._references.follow(value, base)
        except ReferenceFailure:
            return None, base

    def _examples(self, node: Node) -> dict[str, JsonValue]:
        return {name: self._followed(each).value for name, each in self._members(node, "examples")}

    # ------------------------------------------------------------------ servers, security

    def _servers(self, node: Node, items: Sequence[Node]) -> tuple[Server, ...]:
        """Return the operation's servers, else the path item's, else the description's (§Server Object)."""
        if self._is_swagger:
            return servers_of(_plain(self._root.value), _plain(node.value), self._location)
        for holder in (node, *items, self._root):
            # A relative URL is resolved against where the document was read, not `$self` (3.2 §Server Object).
            base = self._references.location_of(holder.base)
            read = (self._server(each, base) for each in self._listed(holder, "servers"))
            servers = tuple(server for server in read if server is not None)
            if servers:
                return servers
        return ()

    def _server(self, node: Node, base: str) -> Server | None:
        raw = self._mapping(node, "a server")
        url = raw.get("url", "/") if raw is not None else None
        if not isinstance(url, str):
            if raw is not None:
                self._broken(node, "a server needs a url; it is left out")
            return None
        variables = {}
        for name, each in self._members(node.child("variables"), "variables"):
            variable = self._mapping(each, "a server variable")
            if variable is not None and "default" in variable:
                enum = variable.get("enum")
                texts = tuple(to_text(value) for value in enum) if isinstance(enum, list) else ()
                variables[name] = ServerVariable(default=to_text(variable["default"]), enum=texts)
        return Server(url=url, variables=variables, base=base)

    def _security(self, node: Node) -> Security:
        """Return the operation's requirements, even an empty list, else the description's (§Operation Object)."""
        is_stated = node.child("security").value not in (MISSING, None)
        requirements = []
        for each in self._listed(node if is_stated else self._root, "security"):
            raw = self._mapping(each, "a security requirement")
            if raw is not None:
                requirements.append({name: _texts(scopes) for name, scopes in raw.items()})
        return tuple(requirements)

    def _schemes(self) -> Mapping[str, JsonValue]:
        """Return the security schemes of the description, read once."""
        if self._schemes_read is None:
            if self._is_swagger:
                self._schemes_read = security_schemes_of(_plain(self._root.value))
                nodes = dict(self._members(self._root.child("securityDefinitions"), "securityDefinitions"))
            else:
                schemes = self._root.child("components").child("securitySchemes")
                nodes = {name: self._followed(each) for name, each in self._members(schemes, "securitySchemes")}
                self._schemes_read = {name: node.value for name, node in nodes.items() if node.value is not None}
            self._scheme_places = {name: node.at for name, node in nodes.items()}
        return self._schemes_read

    def _checked(self, security: Security) -> Security:
        """Report the required schemes by which no credential can be sent, once each."""
        for name in {name: None for alternative in security for name in alternative}:
            fault = None if name in self._schemes_checked else scheme_fault(self._schemes().get(name))
            self._schemes_checked.add(name)
            if fault is not None:
                message = f'security scheme "{name}": {fault[0]}'
                self._problems.error("unusable-scheme", message, self._scheme_places[name], hint=fault[1])
        return security

    # ------------------------------------------------------------------ Swagger 2.0

    def _converted(self, node: Node, items: Sequence[Node]) -> Node:
        """Return a 2.0 operation as a 3.x one; all its parts have the location of the operation."""

        def resolve(value: JsonValue) -> JsonValue:
            found = self._followed(Node(value, node.base, node.at, fixed=True))
            return rebased(found.value, found.base, node.base)

        inherited = [rebased(item.value, item.base, node.base) for item in reversed(items)]
        converted = convert_operation(_plain(node.value), inherited, _plain(self._root.value), resolve)
        return Node(converted, node.base, node.at, fixed=True)

    # ------------------------------------------------------------------ shapes

    def _followed(self, node: Node) -> Node:
        """Follow a `$ref`; one that cannot be followed gives null and a warning."""
        try:
            return self._references.follow_node(node)
        except ReferenceFailure as failure:
            self.broken_reference(failure, node.at)
            return Node(None, node.base, node.at)

    def _mapping(self, node: Node, what: str) -> Mapping[str, Any] | None:
        """Return a mapping, None if it is absent or, with a warning, of another type."""
        if isinstance(node.value, dict):
            return node.value
        self._wrong_type(node, what, "a mapping")
        return None

    def _members(self, node: Node, what: str) -> Iterator[tuple[str, Node]]:
        for key in self._mapping(node, what) or ():
            if what != "responses" or not key.startswith("x-"):
                yield key, node.child(key)

    def _listed(self, holder: Node, what: str) -> Iterable[Node]:
        node = holder.child(what)
        if isinstance(node.value, list):
            return [node.child(index) for index in range(len(node.value))]
        self._wrong_type(node, what, "a list")
        return ()

    def _wrong_type(self, node: Node, what: str, expected: str) -> None:
        if node.value is not MISSING and node.value is not None:
            self._broken(node, f"{what} must be {expected}, found {type_name(node.value)}; it is left out")

    def _broken(self, node: Node, message: str) -> None:
        hint = "mend the description if the step needs this part"
        self._problems.warn("broken-description", message, node.at, hint=hint)


def _plain(value: JsonValue) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: JsonValue) -> tuple[str, ...]:
    return tuple(to_text(item) for item in value) if isinstance(value, list) else ()
