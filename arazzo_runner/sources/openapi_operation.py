"""One OpenAPI operation → Operation: references followed, defaults filled in, invalid parts reported and left out.

What is wrong with a part that requests are made of is a fault, an error where a step calls the operation; what is
wrong with another part is a warning.

Specifications: OpenAPI 3.0.4, 3.1.1, 3.2.0 §Operation Object, §Parameter Object, §Request Body
Object, §Responses Object, §Server Object, §Security Requirement Object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from arazzo_runner.base.json_values import MISSING, JsonValue, to_text
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.sources.openapi_security import SecurityReader
from arazzo_runner.sources.operation import (
    Fault,
    MediaType,
    Operation,
    OperationBody,
    OperationParameter,
    OperationResponse,
    Server,
    ServerVariable,
)
from arazzo_runner.sources.parts import Parts
from arazzo_runner.sources.path_template import expanded_parameters, has_expressions, plain_template
from arazzo_runner.sources.references import Node, ReferenceFailure, References, rebased
from arazzo_runner.sources.schema.context import SchemaContext, dialect_of
from arazzo_runner.sources.structure import Structure
from arazzo_runner.sources.swagger2 import convert_operation, servers_of

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


class OperationReader:
    """Reads Operation Objects of one description; `problems` collects the warnings about those that are used."""

    def __init__(
        self, document: Document, location: str, references: References, structure: Structure, problems: Problems
    ) -> None:
        self._uri = document.uri
        self._location = location
        self._references = references
        self._problems = problems
        self._needed = Parts(references, structure, self._fault)
        self._others = Parts(references, structure, self._warn)
        self._of_servers = Parts(references, structure, partial(self._fault, is_of_servers=True))
        value = document.value if isinstance(document.value, dict) else {}
        self._root = Node(value, references.base, document.at())
        self._is_swagger = "swagger" in value
        version = "" if self._is_swagger else str(value.get("openapi", ""))
        self.schemas = SchemaContext(dialect_of(version, is_swagger=self._is_swagger), references.follow)
        self._security = SecurityReader(self._root, self._needed, problems, is_swagger=self._is_swagger)
        self._faults: list[Fault] = []

    def read(
        self,
        pointer: str,
        path: str,
        method: str,
        node: Node,
        items: Sequence[Node],
        failure: ReferenceFailure | None = None,
    ) -> Operation:
        """Return the Operation of an Operation Object; `items` are the path item's nodes, its own first.

        `failure` is that of the path item's `$ref`.
        """
        self._faults = []
        key = items[0].at.at_key()
        if failure is not None:
            self._needed.broken_reference(failure, items[0].at)
        servers = self._servers(node, items)
        security = self._security.of(node)
        if self._is_swagger:
            node, items = self._converted(node, items), ()
        operation_id = node.child("operationId").value
        path, parameters = self._expanded(path, self._parameters(node, items), key)
        return Operation(
            uri=self._uri,
            operation_id=operation_id if isinstance(operation_id, str) else None,
            method=method.upper() if method == method.lower() else method,
            path=path,
            pointer=pointer,
            servers=servers,
            parameters=parameters,
            request_body=self._body(node.child("requestBody")),
            responses=self._responses(node.child("responses")),
            security=security,
            security_schemes=self._security.schemes(),
            schemas=self.schemas,
            faults=tuple(self._faults),
            at=node.at,
        )

    # ------------------------------------------------------------------ what is wrong

    def _fault(
        self,
        code: str,
        message: str,
        at: Location,
        hint: str | None,
        *,
        parameter: tuple[str, str] | None = None,
        is_of_servers: bool = False,
    ) -> None:
        found = Diagnostic(code=code, severity=Severity.ERROR, message=message, at=at, hint=hint)
        self._faults.append(Fault(problem=found, parameter=parameter, is_of_servers=is_of_servers))

    def _warn(
        self, code: str, message: str, at: Location, hint: str | None, *, parameter: tuple[str, str] | None = None
    ) -> None:
        self._problems.warn(code, message, at, hint=hint)

    # ------------------------------------------------------------------ parameters

    def _parameters(self, node: Node, items: Sequence[Node]) -> tuple[OperationParameter, ...]:
        """Return the path item's parameters, overridden by the operation's of the same name and location."""
        found: dict[tuple[str, str], OperationParameter] = {}
        for holder in (*reversed(items), node):
            nodes = [self._needed.followed(each) for each in self._needed.listed(holder, "parameters")]
            if not self._is_swagger:
                self._check_repeated(nodes)
            for each in nodes:
                parameter = self._parameter(each)
                if parameter is not None:
                    found[parameter.name, parameter.location] = parameter
        return tuple(found.values())

    def _parameter(self, node: Node) -> OperationParameter | None:
        raw = self._needed.mapping(node, "a parameter")
        if not raw:
            return None
        name, location = raw.get("name"), raw.get("in")
        if not isinstance(name, str) or not isinstance(location, str) or location not in STYLES:
            places = ", ".join(STYLES)
            self._needed.broken(node, f"a parameter needs a name and in: one of {places}")
            return None
        style, explode = self._style(node, location), raw.get("explode")
        content = self._content(node.child("content"), self._needed)
        is_ignored = location == "header" and name.lower() in _IGNORED_HEADERS
        self._others.followed(node.child("schema"))  # a value is written by its own type: only checks need it
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
            message = f'style "{found}" is not for {location} parameters, expected {expected}; {allowed[0]} is used'
            self._others.broken(style, message)
        return allowed[0]

    def _check_repeated(self, nodes: Sequence[Node]) -> None:
        """Report parameters that one list has twice (§Operation Object: it MUST NOT), unless they say the same."""
        seen: dict[tuple[object, object], Node] = {}
        for node in nodes:
            raw = _plain(node.value)
            key = str(raw.get("name")), str(raw.get("in"))
            if key not in seen or not raw:
                seen[key] = node
                continue
            message = f'{key[1]} parameter "{key[0]}" is listed twice'
            if _without_texts(raw) == _without_texts(_plain(seen[key].value)):
                self._others.broken(node, message)
            else:
                self._needed.broken(node, f"{message}, and the two differ", parameter=key)

    def _expanded(
        self, path: str, parameters: tuple[OperationParameter, ...], at: Location
    ) -> tuple[str, tuple[OperationParameter, ...]]:
        """Return path and parameters with the expressions of RFC 6570 in the path read as parameters."""
        if not has_expressions(path):
            return path, parameters
        declared = {each.name for each in parameters if each.location in ("path", "query")}
        template = plain_template(path, declared)
        if not template.expansions:
            return path, parameters
        written = ", ".join(f'"{each}"' for each in template.expressions)
        names = ", ".join(f'"{each}"' for each in template.expansions)
        message = f"the path has an expression that OpenAPI does not have, {written}; it is read as parameter {names}"
        hint = f"write {template.path}, which OpenAPI has"
        self._warn("broken-description", message, at, hint)
        return template.path, expanded_parameters(parameters, template)

    # ------------------------------------------------------------------ bodies and responses

    def _body(self, node: Node) -> OperationBody | None:
        node = self._needed.followed(node)
        raw = self._needed.mapping(node, "requestBody")
        if raw is None:
            return None
        content = self._content(node.child("content"), self._needed)
        return OperationBody(required=raw.get("required") is True, content=content)

    def _responses(self, node: Node) -> dict[str, OperationResponse]:
        found = {}
        for status, item in self._others.members(node, "responses"):
            response = self._others.followed(item)
            raw = self._others.mapping(response, "a response")
            if raw is None:
                continue
            found[status if status == "default" else status.upper()] = OperationResponse(
                description=str(raw.get("description", "")),
                content=self._content(response.child("content"), self._others),
                headers=self._headers(response.child("headers")),
                base=response.base,
            )
        return found

    def _headers(self, node: Node) -> dict[str, JsonValue]:
        followed = ((name, self._others.followed(each)) for name, each in self._others.members(node, "headers"))
        return {name: rebased(each.value, each.base, node.base) for name, each in followed if each.value is not None}

    def _content(self, node: Node, parts: Parts) -> dict[str, MediaType]:
        return {name: self._media_type(name, each, parts) for name, each in parts.members(node, "content")}

    def _media_type(self, content_type: str, node: Node, parts: Parts) -> MediaType:
        node = parts.followed(node)  # OpenAPI 3.2 §Components Object has mediaTypes
        raw = parts.mapping(node, "a media type") or {}
        schema, name = self._schema(node.child("schema"), parts)
        return MediaType(
            content_type=content_type,
            schema=schema.value,
            schema_name=name,
            base=schema.base,
            resolve=self._resolve,
            example=raw.get("example"),
            examples=self._examples(node.child("examples")),
            encoding={key: _plain(each.value) for key, each in parts.members(node.child("encoding"), "encoding")},
        )

    def _schema(self, node: Node, parts: Parts) -> tuple[Node, str]:
        """Follow the `$ref` of a schema once, so that a schema of another document has its own base."""
        raw = node.value
        reference = raw.get("$ref") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(reference, str) or len(raw) != 1:
            return (Node(None, node.base, node.at) if raw is MISSING else node), ""
        return parts.followed(node), reference.rpartition("/")[2] if "/" in reference else ""

    def _resolve(self, value: JsonValue, base: str) -> tuple[JsonValue, str]:
        try:
            return self._references.follow(value, base)
        except ReferenceFailure:
            return None, base

    def _examples(self, node: Node) -> dict[str, JsonValue]:
        return {name: self._others.followed(each).value for name, each in self._others.members(node, "examples")}

    # ------------------------------------------------------------------ servers

    def _servers(self, node: Node, items: Sequence[Node]) -> tuple[Server, ...]:
        """Return the operation's servers, else the path item's, else the description's (§Server Object)."""
        if self._is_swagger:
            return servers_of(_plain(self._root.value), _plain(node.value), self._location)
        for holder in (node, *items, self._root):
            # A relative URL is resolved against where the document was read, not `$self` (3.2 §Server Object).
            base = self._references.location_of(holder.base)
            read = (self._server(each, base) for each in self._of_servers.listed(holder, "servers"))
            servers = tuple(server for server in read if server is not None)
            if servers:
                return servers
        return ()

    def _server(self, node: Node, base: str) -> Server | None:
        parts = self._of_servers
        raw = parts.mapping(node, "a server")
        if raw is None:
            return None
        url = raw.get("url")
        if not isinstance(url, str):
            parts.broken(node, "a server needs a url")
            return None
        variables = {}
        for name, each in parts.members(node.child("variables"), "variables"):
            variable = parts.mapping(each, "a server variable")
            if variable is not None and "default" in variable:
                enum = variable.get("enum")
                texts = tuple(to_text(value) for value in enum) if isinstance(enum, list) else ()
                variables[name] = ServerVariable(default=to_text(variable["default"]), enum=texts)
        return Server(url=url, variables=variables, base=base)

    # ------------------------------------------------------------------ Swagger 2.0

    def _converted(self, node: Node, items: Sequence[Node]) -> Node:
        """Return a 2.0 operation as a 3.x one; all its parts have the location of the operation."""

        def resolve(value: JsonValue, is_response: bool = False) -> JsonValue:
            parts = self._others if is_response else self._needed
            found = parts.followed(Node(value, node.base, node.at, fixed=True))
            return rebased(found.value, found.base, node.base)

        for holder in (*reversed(items), node):
            self._check_repeated([_try(self._references, each) for each in self._needed.listed(holder, "parameters")])
        for name in ("consumes", "schemes"):
            self._needed.listed(node, name)
        inherited = [rebased(item.value, item.base, node.base) for item in reversed(items)]
        converted = convert_operation(_plain(node.value), inherited, _plain(self._root.value), resolve)
        return Node(converted, node.base, node.at, fixed=True)


def _try(references: References, node: Node) -> Node:
    """Follow a `$ref` if it can be followed."""
    try:
        return references.follow_node(node)
    except ReferenceFailure:
        return node


def _without_texts(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Parameter Object without what is only for readers."""
    texts = ("description", "example", "examples", "summary")
    return {key: value for key, value in raw.items() if key not in texts and not key.startswith("x-")}


def _plain(value: JsonValue) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
