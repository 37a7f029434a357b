"""Operation: an operation of a description, independent of OpenAPI versions, and its server URL.

Schemas are raw JSON with unresolved `$ref`s, since they may be recursive. `base` beside a schema is
the base URI of its references; `resolve` of the description follows one, given both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import PartlyComparedRecord, Record, field
from arazzo_runner.base.settings import SERVER_VARIABLE
from arazzo_runner.errors import Diagnostic, Location
from arazzo_runner.sources.schema.context import Resolve, SchemaContext
from arazzo_runner.sources.uris import is_remote, join, origin, without_userinfo

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


_EXPANSION_STYLES: Final[Mapping[str, str]] = {".": "label", ";": "matrix"}


class Expansion(Record):
    """How a variable of an expression is expanded (RFC 6570 §2.2, §2.4): its operator, `*` and `:length`."""

    operator: str
    explode: bool = False
    length: int | None = None

    @property
    def style(self) -> str:
        """The OpenAPI style of a path parameter that is written the same."""
        return _EXPANSION_STYLES.get(self.operator, "simple")

    @property
    def is_of_query(self) -> bool:
        """Whether the variable belongs to the query."""
        return self.operator in ("?", "&")

    @property
    def is_sent(self) -> bool:
        """Whether the variable is a part of requests: a fragment is not."""
        return self.operator != "#"


class OperationParameter(Record, kw_only=True):
    """OpenAPI §Parameter Object with its defaults filled in (style, explode).

    `expansion` is set when the path template names the parameter in an expression of RFC 6570.
    """

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
    expansion: Expansion | None = None

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


class Fault(Record, kw_only=True):
    """What is wrong with a part of an operation's description that a call needs; `problem` is an error.

    With `parameter`, a (name, location), it concerns only calls that give this parameter; with
    `is_of_servers` only calls for which no other server is named.
    """

    problem: Diagnostic
    parameter: tuple[str, str] | None = None
    is_of_servers: bool = False


class Operation(PartlyComparedRecord, kw_only=True):
    """One callable operation of a description.

    `method` is upper case, `path` the template (`/pets/{id}`), `pointer` the JSON Pointer of
    the Operation Object, `servers` those of the operation, else path item, else root.
    `responses` is keyed by status text (`"200"`, `"2XX"`, `"default"`). `security` lists the
    alternatives (OR) of scheme name → scopes (AND); `security_schemes` are the raw scheme
    objects they name. `schemas` says how its schemas are read (sources/schema/check.py). `faults` are
    to be reported where the operation is called.
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
    faults: tuple[Fault, ...] = ()
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

    def given(self, name: str, location: str) -> OperationParameter | None:
        """Return the parameter that a step gives: the declared one; for a path, also one of the path's `{?name}`."""
        found = self.parameter(name, location)
        if found is None and location == "path":
            found = next((each for each in self.parameters if each.name == name and each.expansion is not None), None)
        return found

    def parameter(self, name: str, location: str) -> OperationParameter | None:
        """Return the declared parameter; header names ignore case."""
        for parameter in self.parameters:
            if parameter.location == location and (
                parameter.name == name or (location == "header" and parameter.name.lower() == name.lower())
            ):
                return parameter
        return None


# ---- The server URL of an operation (OpenAPI §Server Object, semantics §2).

VARIABLE = pattern(r"\{([^{}]+)\}")


class NoServer(Exception):
    """There is no usable server URL; `message` is the reason, `hint` what to give (None: the setting of a server)."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def server_url(
    operation: Operation, variables: Mapping[str, str], environment: Mapping[str, str], override: str | None
) -> str:
    """Return the absolute server URL without a final slash: `override`, else the first usable server.

    The values of variables are those of `variables`, else of the environment
    (`ARAZZO_SERVER_VAR_<NAME>`), else the defaults. Raises NoServer.
    """
    if override is not None:
        if origin(override) is None:
            shown = without_userinfo(override)
            raise NoServer(f'the server "{shown}" is not an http(s) URL', "write https://host/path")
        return override.rstrip("/")
    if not operation.servers:
        return _from_location(operation)
    return _first_usable(operation, variables, environment)[1]


def read_variables(
    operation: Operation, variables: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the names of the variables in the server URL that `server_url` chooses; none where there is none."""
    if not operation.servers:
        return ()
    try:
        return tuple(VARIABLE.findall(_first_usable(operation, variables, environment)[0].url))
    except NoServer:
        return ()


def _first_usable(
    operation: Operation, variables: Mapping[str, str], environment: Mapping[str, str]
) -> tuple[Server, str]:
    failures = []
    for server in operation.servers:
        filled = _filled(server, variables, environment)
        url = filled if is_remote(filled) else join(server.base, filled)
        if origin(url) is not None:
            return server, url.partition("#")[0].rstrip("/")
        failures.append(_why_not(server, url))
    raise NoServer(failures[0])


def _filled(server: Server, variables: Mapping[str, str], environment: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: variable_value(server.variables, match[1], variables, environment), server.url)


def _from_location(operation: Operation) -> str:
    # OpenAPI: the default is a server with the URL "/", relative to the description.
    if is_remote(operation.uri):
        return join(operation.uri, "/").rstrip("/")
    raise NoServer("the description does not name a server")


def _why_not(server: Server, url: str) -> str:
    shown = without_userinfo(server.url)
    if is_remote(url):
        return f'the server URL "{shown}" has no host'
    if "://" in server.url:
        return f'the server URL "{shown}" is not http(s)'
    return f'the server URL "{shown}" is relative and the description was read from a file'


def variable_value(
    declarations: Mapping[str, ServerVariable], name: str, variables: Mapping[str, str], environment: Mapping[str, str]
) -> str:
    """Return the value of a variable of a server's URL; raises NoServer without one and for one that is not allowed."""
    declared = declarations.get(name)
    value = variables.get(name, environment.get(f"ARAZZO_SERVER_VAR_{name.upper()}"))
    if value is None:
        if declared is None:
            raise NoServer(f'server variable "{name}" has no default', f"give it with {SERVER_VARIABLE.of(name)}")
        value = declared.default
    if declared is not None and declared.enum and value not in declared.enum:
        message = f'server variable "{name}" is "{value}", expected one of {", ".join(declared.enum)}'
        raise NoServer(message, f"give it with {SERVER_VARIABLE.of(name)}")
    return value
