"""OpenAPI 2.0-3.2 → Operations: a lazy index; only the operation asked for is read closely.

Specifications: OpenAPI 3.0.4, 3.1.1, 3.2.0 §OpenAPI Object ff.; 2.0 through sources/swagger2.py.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from arazzo_runner.diagnostics import Location, Problems
from arazzo_runner.document.source_map import Document
from arazzo_runner.sources.fetch import DocumentFetch
from arazzo_runner.sources.operation import (
    MediaType,
    Operation,
    OperationBody,
    OperationParameter,
    OperationResponse,
    Server,
    ServerVariable,
)
from arazzo_runner.sources.references import ReferenceFailure, References
from arazzo_runner.sources.swagger2 import convert_operation, security_schemes_of, servers_of
from arazzo_runner.values import JsonValue

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
STYLES: Final = {"path": "simple", "query": "form", "header": "simple", "cookie": "form", "querystring": "form"}


def load_openapi(
    document: Document, fetch: DocumentFetch | None, problems: Problems, *, base: str
) -> OpenApiDescription:
    """Return the index of a description; `base` is its absolute URI, for relative references."""
    return OpenApiDescription(document, fetch, problems, base)


class OpenApiDescription:
    """The operations of one OpenAPI description, found by operationId, pointer or path."""

    def __init__(self, document: Document, fetch: DocumentFetch | None, problems: Problems, base: str) -> None:
        self.uri = document.uri
        self.base = base
        self.document = document
        self.root: Mapping[str, JsonValue] = document.value if isinstance(document.value, dict) else {}
        self.references = References(document, base, fetch)
        self.is_swagger = "swagger" in self.root
        self._problems = problems
        self._built: dict[str, Operation | None] = {}
        self._ids: dict[str, str] | None = None

    @property
    def version(self) -> str:
        """The description's version text, such as `3.1.0`."""
        return str(self.root.get("swagger" if self.is_swagger else "openapi", ""))

    @property
    def operation_ids(self) -> Sequence[str]:
        """Every operationId, in the description's order."""
        return list(self._index())

    def operation(self, operation_id: str) -> Operation | None:
        """Return the operation of that operationId, None when there is none."""
        pointer = self._index().get(operation_id)
        return None if pointer is None else self.operation_at(pointer)

    def operation_at(self, pointer: str) -> Operation | None:
        """Return the operation at a JSON Pointer such as `/paths/~1pets/get`, None when none stands there."""
        if pointer not in self._built:
            found = next((entry for entry in self._entries() if entry[0] == pointer), None)
            self._built[pointer] = None if found is None else self._build(*found)
        return self._built[pointer]

    def operation_by_path(self, method: str, path: str) -> Operation | None:
        """Return the operation of a method (`GET`) and path template (`/pets/{id}`)."""
        for pointer, own_path, own_method, _, _, _ in self._entries():
            if own_path == path and own_method.upper() == method.upper():
                return self.operation_at(pointer)
        return None

    def operations(self) -> Iterator[Operation]:
        """Yield every operation (a mock serves them all)."""
        for pointer, *_ in self._entries():
            operation = self.operation_at(pointer)
            if operation is not None:
                yield operation

    def resolve(self, schema: JsonValue, base: str | None = None) -> tuple[JsonValue, str]:
        """Follow a `$ref`; raises ReferenceFailure when it leads nowhere."""
        return self.references.follow(schema, base or self.base)

    # ------------------------------------------------------------------ index

    def _index(self) -> dict[str, str]:
        if self._ids is None:
            self._ids = {}
            for pointer, _, _, raw, _, _ in self._entries():
                operation_id = raw.get("operationId")
                if not isinstance(operation_id, str):
                    continue
                if operation_id in self._ids:
                    message = f'operationId "{operation_id}" is there twice; the first one counts'
                    at = self.document.at(pointer + "/operationId")
                    self._problems.warn("duplicate-operation-id", message, at)
                else:
                    self._ids[operation_id] = pointer
        return self._ids

    def _entries(self) -> Iterator[tuple[str, str, str, Mapping[str, Any], Mapping[str, Any], str]]:
        """Yield (pointer, path, method, operation, path item, document URI) of every operation."""
        paths = self.root.get("paths")
        for path, item in paths.items() if isinstance(paths, dict) else ():
            if not isinstance(item, dict) or path.startswith("x-"):
                continue
            escaped = path.replace("~", "~0").replace("/", "~1")
            base = self.base
            if "$ref" in item:
                try:
                    target, base = self.resolve(item)
                except ReferenceFailure:
                    continue
                item = {**target, **item} if isinstance(target, dict) else item
            for method in METHODS:
                if isinstance(item.get(method), dict):
                    yield f"/paths/{escaped}/{method}", path, method, item[method], item, base
            extra = item.get("additionalOperations")
            for method, raw in extra.items() if isinstance(extra, dict) else ():
                if isinstance(raw, dict):
                    yield f"/paths/{escaped}/additionalOperations/{method}", path, method, raw, item, base

    # ------------------------------------------------------------------ one operation

    def _build(
        self, pointer: str, path: str, method: str, raw: Mapping[str, Any], item: Mapping[str, Any], base: str
    ) -> Operation:
        at = self.document.at(pointer)
        try:
            if self.is_swagger:
                raw = convert_operation(raw, item, self.root, lambda node: self.resolve(node, base)[0])
        except ReferenceFailure as problem:
            self._broken(problem, at)
        parameters = self._parameters(item, raw, base, at)
        body = self._body(raw.get("requestBody"), base, at)
        responses = self._responses(raw.get("responses"), base, at)
        operation_id = raw.get("operationId")
        return Operation(
            uri=self.uri,
            operation_id=operation_id if isinstance(operation_id, str) else None,
            method=method.upper(),
            path=path,
            pointer=pointer,
            servers=self._servers(raw, item),
            parameters=parameters,
            request_body=body,
            responses=responses,
            security=self._security(raw),
            security_schemes=self._schemes(),
            at=at,
        )

    def _parameters(
        self, item: Mapping[str, Any], raw: Mapping[str, Any], base: str, at: Location
    ) -> tuple[OperationParameter, ...]:
        """The path item's parameters, overridden by the operation's of the same name and place."""
        found: dict[tuple[str, str], OperationParameter] = {}
        own = raw.get("parameters")
        inherited = () if self.is_swagger else _list(item.get("parameters"))
        for node in (*inherited, *_list(own)):
            parameter = self._parameter(self._followed(node, base, at)[0], base, at)
            if parameter is not None:
                found[parameter.name, parameter.location] = parameter
        return tuple(found.values())

    def _parameter(self, raw: JsonValue, base: str, at: Location) -> OperationParameter | None:
        if not isinstance(raw, dict):
            return None
        name, location = raw.get("name"), raw.get("in")
        if not isinstance(name, str) or location not in STYLES:
            return None
        style = raw.get("style") if isinstance(raw.get("style"), str) else STYLES[location]
        explode = raw.get("explode")
        content = self._content(raw.get("content"), base, at)
        return OperationParameter(
            name=name,
            location=location,
            required=raw.get("required") is True or location == "path",
            style=str(style),
            explode=explode if isinstance(explode, bool) else style in ("form", "cookie"),
            allow_reserved=raw.get("allowReserved") is True,
            schema=raw.get("schema"),
            content=next(iter(content.values()), None),
            example=raw.get("example"),
            examples=_dict(raw.get("examples")),
        )

    def _body(self, node: JsonValue, base: str, at: Location) -> OperationBody | None:
        raw, base = self._followed(node, base, at)
        if not isinstance(raw, dict):
            return None
        return OperationBody(required=raw.get("required") is True, content=self._content(raw.get("content"), base, at))

    def _responses(self, node: JsonValue, base: str, at: Location) -> dict[str, OperationResponse]:
        found = {}
        for status, item in _dict(node).items():
            raw, own = self._followed(item, base, at)
            if isinstance(raw, dict):
                found[str(status).upper() if str(status) != "default" else "default"] = OperationResponse(
                    description=str(raw.get("description", "")),
                    content=self._content(raw.get("content"), own, at),
                    headers={
                        name: self._followed(header, own, at)[0] for name, header in _dict(raw.get("headers")).items()
                    },
                )
        return found

    def _content(self, node: JsonValue, base: str, at: Location) -> dict[str, MediaType]:
        found = {}
        for content_type, item in _dict(node).items():
            raw, _ = self._followed(item, base, at)
            media = _dict(raw)
            schema = media.get("schema")
            found[content_type] = MediaType(
                content_type=content_type,
                schema=self._top_schema(schema, base, at),
                example=media.get("example"),
                examples={
                    name: self._followed(each, base, at)[0] for name, each in _dict(media.get("examples")).items()
                },
                encoding={name: _dict(each) for name, each in _dict(media.get("encoding")).items()},
            )
        return found

    def _top_schema(self, schema: JsonValue, base: str, at: Location) -> JsonValue:
        # The first step is taken here, so that a schema from another file is met with its own base.
        if isinstance(schema, dict) and isinstance(schema.get("$ref"), str) and len(schema) == 1:
            return self._followed(schema, base, at)[0]
        return schema

    def _followed(self, node: JsonValue, base: str, at: Location) -> tuple[JsonValue, str]:
        """Follow a `$ref` of the operation at `at`; one that leads nowhere is a warning, and None."""
        try:
            return self.resolve(node, base)
        except ReferenceFailure as problem:
            self._broken(problem, at)
            return None, base

    def _broken(self, problem: ReferenceFailure, at: Location) -> None:
        # The description is somebody else's: what is broken in it is left out, and said.
        self._problems.warn("broken-reference", problem.message, at)

    # ------------------------------------------------------------------ servers, security

    def _servers(self, raw: Mapping[str, Any], item: Mapping[str, Any]) -> tuple[Server, ...]:
        """The operation's servers, else the path item's, else the description's (OpenAPI §Server Object)."""
        if self.is_swagger:
            return servers_of(self.root, raw, self.base)
        for holder in (raw, item, self.root):
            servers = tuple(self._server(node) for node in _list(holder.get("servers")) if isinstance(node, dict))
            if servers:
                return servers
        return ()

    def _server(self, raw: Mapping[str, Any]) -> Server:
        variables = {
            name: ServerVariable(
                default=str(variable.get("default", "")),
                enum=tuple(str(value) for value in _list(variable.get("enum"))),
            )
            for name, variable in _dict(raw.get("variables")).items()
            if isinstance(variable, dict)
        }
        return Server(url=str(raw.get("url", "/")), variables=variables, base=self.base)

    def _security(self, raw: Mapping[str, Any]) -> tuple[Mapping[str, tuple[str, ...]], ...]:
        stated = raw["security"] if "security" in raw else self.root.get("security")
        return tuple(
            {name: tuple(str(scope) for scope in _list(scopes)) for name, scopes in requirement.items()}
            for requirement in _list(stated)
            if isinstance(requirement, dict)
        )

    def _schemes(self) -> Mapping[str, JsonValue]:
        if self.is_swagger:
            return security_schemes_of(self.root)
        raw = _dict(_dict(self.root.get("components")).get("securitySchemes"))
        schemes = {}
        for name, node in raw.items():
            try:
                schemes[name] = self.resolve(node)[0]
            except ReferenceFailure:
                continue
        return schemes

    def place(self, pointer: str) -> Location:
        """Return the place of a JSON Pointer in the description."""
        return self.document.at(pointer)


def _dict(value: JsonValue) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[Any]:
    return value if isinstance(value, list) else []
