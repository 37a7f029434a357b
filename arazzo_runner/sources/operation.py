"""Operation: an operation of a description, independent of OpenAPI versions.

Schemas are raw JSON with unresolved `$ref`s, since they may be recursive. `base` beside a schema is
the base URI of its references; `resolve` of the description follows one, given both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import PartlyComparedRecord, Record, field
from arazzo_runner.errors import Location
from arazzo_runner.sources.schema.context import Resolve, SchemaContext

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "QUERY"})
IDEMPOTENT_METHODS = SAFE_METHODS | {"PUT", "DELETE"}


class ServerVariable(Record, kw_only=True):
    """OpenAPI §Server Variable Object."""

    default: str
    enum: tuple[str, ...] = ()


class Server(Record, kw_only=True):
    """OpenAPI §Server Object; `url` may hold `{variables}` and be relative to `base` (the description's URI)."""

    url: str
    variables: Mapping[str, ServerVariable] = field(default_factory=dict)
    base: str


class MediaType(PartlyComparedRecord, kw_only=True):
    """OpenAPI §Media Type Object: its schema, examples and encodings, raw.

    `schema_name` is the last part of the schema's `$ref`, the default name of an XML root element.
    `resolve` follows a `$ref` inside the schema, given it and its base; None follows none.
    """

    _hidden_in_repr = ("resolve",)
    _ignored_in_eq = ("resolve",)

    content_type: str
    schema: JsonValue | None = None
    schema_name: str = ""
    base: str = ""
    resolve: Resolve | None = None
    example: JsonValue = None
    examples: Mapping[str, JsonValue] = field(default_factory=dict)
    encoding: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)


class OperationParameter(Record, kw_only=True):
    """OpenAPI §Parameter Object with its defaults filled in (style, explode)."""

    name: str
    location: Literal["path", "query", "querystring", "header", "cookie"]
    required: bool = False
    style: str
    explode: bool
    allow_reserved: bool = False
    schema: JsonValue | None = None
    base: str = ""
    content: MediaType | None = None
    example: JsonValue = None
    examples: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def explodes_members(self) -> bool:
        """Whether the members of a mapping are query parameters of their own names."""
        return self.content is None and (self.style == "deepObject" or (self.style == "form" and self.explode))


class OperationBody(Record, kw_only=True):
    """OpenAPI §Request Body Object; `content` in the description's order."""

    required: bool = False
    content: Mapping[str, MediaType] = field(default_factory=dict)


class OperationResponse(Record, kw_only=True):
    """OpenAPI §Response Object; `headers` are raw Header Objects by name, `base` the base URI of their `$ref`s."""

    description: str = ""
    content: Mapping[str, MediaType] = field(default_factory=dict)
    headers: Mapping[str, JsonValue] = field(default_factory=dict)
    base: str = ""


class Operation(PartlyComparedRecord, kw_only=True):
    """One callable operation of a description.

    `method` is upper case, `path` the template (`/pets/{id}`), `pointer` the JSON Pointer of
    the Operation Object, `servers` those of the operation, else path item, else root.
    `responses` is keyed by status text (`"200"`, `"2XX"`, `"default"`). `security` lists the
    alternatives (OR) of scheme name → scopes (AND); `security_schemes` are the raw scheme
    objects they name. `schemas` says how its schemas are read (sources/schema/check.py).
    """

    _hidden_in_repr = ("schemas",)
    _ignored_in_eq = ("schemas",)

    uri: str
    operation_id: str | None
    method: str
    path: str
    pointer: str
    servers: tuple[Server, ...] = ()
    parameters: tuple[OperationParameter, ...] = ()
    request_body: OperationBody | None = None
    responses: Mapping[str, OperationResponse] = field(default_factory=dict)
    security: tuple[Mapping[str, tuple[str, ...]], ...] = ()
    security_schemes: Mapping[str, JsonValue] = field(default_factory=dict)
    schemas: SchemaContext = SchemaContext()
    at: Location

    @property
    def safe(self) -> bool:
        """Whether the method is safe: it asks for no change (RFC 9110 §9.2.1)."""
        return self.method in SAFE_METHODS

    @property
    def idempotent(self) -> bool:
        """Whether the method is idempotent: sending it twice has the effect of once (RFC 9110 §9.2.2)."""
        return self.method in IDEMPOTENT_METHODS

    def documented(self, status: int) -> OperationResponse | None:
        """Return the documented response of a status: its own, that of its range (`2XX`), else `default`."""
        found = self.responses
        return found.get(str(status)) or found.get(f"{status // 100}XX") or found.get("default")

    def is_credential(self, parameter: OperationParameter) -> bool:
        """Return whether a parameter is the API key of a security scheme, added when the request is sent."""
        return any(
            isinstance(scheme, Mapping)
            and scheme.get("in") == parameter.location
            and str(scheme.get("name", "")).lower() == parameter.name.lower()
            for scheme in self.security_schemes.values()
        )

    def parameter(self, name: str, location: str) -> OperationParameter | None:
        """Return the declared parameter; header names ignore case."""
        for parameter in self.parameters:
            if parameter.location == location and (
                parameter.name == name or (location == "header" and parameter.name.lower() == name.lower())
            ):
                return parameter
        return None
