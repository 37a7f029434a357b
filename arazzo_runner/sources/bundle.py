"""One operation as a self-contained OpenAPI document, for libraries that would resolve references themselves.

It has one path, one server and only internal references, whatever version, files and servers the
description has. `bundled` is for exchanges: parts that openapi-core is known to misread are left out (see
`_is_readable`). `described` is for the description itself: the operation has its own path and all its parameters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.sources.http_media.media_types import FORM, essence, is_json
from arazzo_runner.sources.operation import MediaType, Operation, OperationParameter
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.context import SchemaContext

Contract: TypeAlias = tuple[tuple[str, ...], str | None]
"""The findings as sentences, at most MOST, and the reason why there was no check, or None."""
MOST: Final = 20
HOST: Final = "http://contract.test"
PATH: Final = "/contract"
METHODS: Final = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE"})
# The values of these keys are data, not schemas; those of the others have schemas by name.
_DATA: Final = frozenset({"enum", "const", "default", "example", "examples"})
_NAMED: Final = frozenset({"properties", "definitions", "$defs", "dependentSchemas"})
# Swagger 2.0 has these in schemas, OpenAPI 3 does not.
_SWAGGER_ONLY: Final = frozenset({"discriminator", "collectionFormat"})
JSON: Final = "application/json"


def bundled(operation: Operation, media_type: MediaType | None) -> dict[str, Any]:
    """Return the document, with the operation at PATH on HOST; `media_type` is that of the request's body."""
    schemas = _Schemas(operation.schemas)
    described: dict[str, Any] = {
        "parameters": [
            _parameter(each, schemas)
            for each in operation.parameters
            if _is_readable(each, schemas) and not operation.is_credential(each) and _has_place(each, operation)
        ],
        "responses": _responses(operation, schemas) or {"default": {"description": ""}},
    }
    body = operation.request_body
    if body is not None and media_type is not None and _is_checked(media_type, schemas):
        name = plain_json(media_type.content_type)
        described["requestBody"] = {"required": body.required, "content": {name: _media(media_type, schemas)}}
    return _document(_version(operation), PATH, {operation.method.lower(): described}, schemas)


def described(operation: Operation, version: str) -> dict[str, Any]:
    """Return the document of an operation of a description of an OpenAPI version, with its own path."""
    version = version if version.startswith("3.2") else _version(operation)
    schemas = _Schemas(operation.schemas)
    own: dict[str, Any] = {
        "parameters": [
            {**_parameter(each, schemas), "name": _plain_name(each.name)}
            for each in operation.parameters
            if each.expansion is None  # of an expression of RFC 6570, which is reported as such
        ],
        "responses": _responses(operation, schemas) or {"default": {"description": ""}},
    }
    body = operation.request_body
    if body is not None:
        own["requestBody"] = {"required": body.required, "content": _contents(body.content, schemas)}
    method = operation.method
    is_field = method in METHODS or (method == "QUERY" and version.startswith("3.2"))
    item = {method.lower(): own} if is_field else {"additionalOperations": {method: own}}
    return _document(version, _plain_path(operation), item, schemas)


def _version(operation: Operation) -> str:
    return "3.1.0" if operation.schemas.dialect == "2020-12" else "3.0.3"


def _document(version: str, path: str, item: dict[str, Any], schemas: _Schemas) -> dict[str, Any]:
    return {
        "openapi": version,
        "info": {"title": "contract", "version": "1"},
        "servers": [{"url": HOST}],
        "paths": {path: item},
        "components": {"schemas": schemas.found},
    }


def _plain_path(operation: Operation) -> str:
    """Return the path of an operation without expressions of RFC 6570."""
    left_out = {each.name for each in operation.parameters if each.expansion is not None}

    def plain(match: re.Match[str]) -> str:
        return "" if match[1] in left_out else "{" + _plain_name(match[1]) + "}"

    return re.sub(r"\{([^{}]*)\}", plain, operation.path)


def _plain_name(name: str) -> str:
    """Return the name of a parameter as openapi-spec-validator reads it: as str.format does."""
    return name.replace(":", "_").replace("!", "_")


class _Schemas:
    """Copies schemas with each `$ref` pointing to `#/components/schemas`; recursive schemas stay recursive."""

    def __init__(self, context: SchemaContext) -> None:
        self.context = context
        self.found: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._kept: list[JsonValue] = []

    def copied(self, schema: JsonValue, base: str) -> Any:
        """Return a copy of a schema with internal references only."""
        if isinstance(schema, list):
            return [self.copied(item, base) for item in schema]
        if not isinstance(schema, dict):
            return schema
        copy = {
            key: self._member(key, value, base) for key, value in schema.items() if not self._is_left_out(key, value)
        }
        if "patternProperties" in schema and isinstance(schema["patternProperties"], dict):
            copy.pop("additionalProperties", None)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            copy["$ref"] = f"#/components/schemas/{self._named(reference, base)}"
        for name in ("$id", "$schema"):  # a library might try to fetch these
            copy.pop(name, None)
        return copy

    def followed(self, schema: JsonValue, base: str) -> JsonValue:
        """Return a schema after following its `$ref`; {} when that cannot be followed."""
        if self.context.resolve is None:
            return schema
        try:
            found = self.context.resolve(schema, base)[0]
        except ReferenceFailure:
            return {}
        return {} if found is None else found

    def _member(self, key: str, value: JsonValue, base: str) -> Any:
        if key in _NAMED and isinstance(value, dict):
            return {name: self.copied(each, base) for name, each in value.items()}
        return value if key in _DATA else self.copied(value, base)

    def _is_left_out(self, key: str, value: JsonValue) -> bool:
        # Patterns would be searched by `re`, which is not linear-time; our own check covers them.
        # A discriminator's mapping has another kind of references; oneOf constrains the same.
        if key in _SWAGGER_ONLY and self.context.dialect == "draft-04":
            return True
        if isinstance(value, dict):
            return key == "patternProperties" or (key == "discriminator" and "propertyName" in value)
        return key == "pattern" and isinstance(value, str)

    def _named(self, reference: str, base: str) -> str:
        target, place = self._target(reference, base)
        key = id(target)
        if key not in self._names:
            self._kept.append(target)
            own = re.sub(r"[^A-Za-z0-9._-]", "", reference.rpartition("/")[2]) or "schema"
            name = self._names[key] = own if own not in self.found else f"{own}-{len(self._names)}"
            self.found[name] = self.copied(target, place)
        return self._names[key]

    def _target(self, reference: str, base: str) -> tuple[JsonValue, str]:
        if self.context.resolve is None:
            return _ANYTHING, base
        try:
            target, place = self.context.resolve({"$ref": reference}, base)
        except ReferenceFailure:
            return _ANYTHING, base
        return (_ANYTHING if target is None else target), place


_ANYTHING: Final[dict[str, Any]] = {}


def _is_checked(media_type: MediaType, schemas: _Schemas) -> bool:
    """Return whether openapi-core reads a body correctly: JSON, and forms with scalar members."""
    if is_json(media_type.content_type):
        return True
    schema = schemas.followed(media_type.schema, media_type.base)
    if essence(media_type.content_type) != FORM or media_type.encoding or not isinstance(schema, dict):
        return False
    properties = schema.get("properties")
    members = properties.values() if isinstance(properties, dict) else ()
    kinds = [schemas.followed(each, media_type.base) for each in members]
    return all(isinstance(each, dict) and each.get("type") in ("string", "integer", "boolean") for each in kinds)


def _contents(content: Mapping[str, MediaType], schemas: _Schemas) -> dict[str, Any]:
    """Return a content mapping; a single JSON type is named application/json, the only one openapi-core knows."""
    is_only = is_plain(content)
    return {
        plain_json(name) if is_only else name: _media(each, schemas) if is_json(name) else {}
        for name, each in content.items()
    }


def plain_json(content_type: str) -> str:
    """Return application/json for any JSON type, other types as they are."""
    return JSON if is_json(content_type) else content_type


def is_plain(content: Mapping[str, MediaType]) -> bool:
    """Return whether a content mapping has exactly one JSON type, which is then named application/json."""
    return sum(map(is_json, content)) == 1


def _has_place(parameter: OperationParameter, operation: Operation) -> bool:
    is_plain = parameter.expansion is None  # the library reads no expressions of RFC 6570
    return parameter.location != "path" or (is_plain and "{" + parameter.name + "}" in operation.path)


def _is_readable(parameter: OperationParameter, schemas: _Schemas) -> bool:
    """Return whether openapi-core reads a parameter's style and type correctly."""
    if parameter.content is not None:
        return is_json(parameter.content.content_type) and parameter.location in ("query", "header", "cookie")
    schema = schemas.followed(parameter.schema, parameter.base)
    kind = schema.get("type") if isinstance(schema, dict) else None
    if not (kind is None or isinstance(kind, str)) or kind == "object" or parameter.location == "querystring":
        return False
    plain = {"path": "simple", "query": "form", "header": "simple", "cookie": "form"}[parameter.location]
    return parameter.style == plain and (kind != "array" or parameter.location == "query")


def _parameter(parameter: OperationParameter, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.name, "in": parameter.location, "required": parameter.required,
    }  # fmt: skip
    if parameter.content is not None:
        described["content"] = {parameter.content.content_type: _media(parameter.content, schemas)}
        return described
    described |= {"style": parameter.style, "explode": parameter.explode}
    if parameter.schema is not None:
        described["schema"] = schemas.copied(parameter.schema, parameter.base)
    return described


def _media(media_type: MediaType, schemas: _Schemas) -> dict[str, Any]:
    if media_type.schema is None or media_type.schema is MISSING:
        return {}
    described: dict[str, Any] = {"schema": schemas.copied(media_type.schema, media_type.base)}
    if media_type.encoding:
        described["encoding"] = {name: dict(encoding) for name, encoding in media_type.encoding.items()}
    return described


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for status, response in operation.responses.items():
        described: dict[str, Any] = {"description": response.description}
        if response.content:
            described["content"] = _contents(response.content, schemas)
        headers = {
            name: {"required": raw.get("required") is True, "schema": schemas.copied(raw["schema"], response.base)}
            for name, raw in response.headers.items()
            if isinstance(raw, dict) and "schema" in raw
        }
        if headers:
            described["headers"] = headers
        found[status] = described
    return found
