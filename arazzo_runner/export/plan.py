"""What is exported: a workflow as templates of requests, with everything a target needs to write it in its language.

A Plan is made from a Program by planning.py. Values, conditions and actions stay the typed nodes of the Program
(`program/model.py`): each target writes them in its own language.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal as OneOf, TypeAlias

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, member, pointer_tokens
from arazzo_runner.base.records import Record, field
from arazzo_runner.errors import Location
from arazzo_runner.expressions.nodes import MessageReference
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledAction,
    CompiledCriterion,
    CompiledReplacement,
    Literal,
    ObjectValue,
    Value,
    WorkflowKey,
)
from arazzo_runner.sources.operation import MediaType, OperationParameter

BodyKind: TypeAlias = OneOf["json", "form", "multipart", "xml", "text"]
CredentialKind: TypeAlias = OneOf["apiKey", "basic", "bearer", "http", "token", "digest", "mutualTLS", "unknown"]


class Input(Record, kw_only=True):
    """An input of a workflow; `variable` is the environment variable that a script reads it from.

    `schema` is without references, `type` its first type. The `default` of a secret input is left out.
    """

    name: str
    variable: str
    schema: Mapping[str, JsonValue]
    type: str = "any"
    required: bool = False
    default: JsonValue | Missing = MISSING
    is_secret: bool = False
    description: str = ""
    at: Location


class Server(Record):
    """A server that requests go to: its URL without a slash at its end, and the variable that may replace it."""

    variable: str
    url: str


class Parameter(Record, kw_only=True):
    """A parameter of a request; `is_optional`: it is left out when its value is missing."""

    name: str
    value: Value
    declared: OperationParameter | None = None
    is_optional: bool = False
    at: Location

    @property
    def is_constant(self) -> bool:
        """Whether its value is a constant."""
        return isinstance(self.value, Literal)


class FileValue(Record, kw_only=True):
    """A file in a payload: by `path`, or its content as text or base64."""

    source: OneOf["path", "content", "base64"]
    value: Value
    filename: Value | None = None
    content_type: Value | None = None


class Part(Record, kw_only=True):
    """A part of a multipart body; a list of values is a part each."""

    name: str
    value: Value | FileValue
    content_type: str | None = None


class Body(Record, kw_only=True):
    """The body of a request.

    In `payload` replacements are in place already, but those in `replacements`, whose targets only a run can find.
    `parts` are those of a multipart body. A text for JSON is parsed already; XML from a mapping is a template of XML.
    """

    kind: BodyKind
    content_type: str
    payload: Value | None
    replacements: tuple[CompiledReplacement, ...] = ()
    parts: tuple[Part, ...] = ()
    media_type: MediaType | None = None
    at: Location


class Credential(Record, kw_only=True):
    """What a security scheme adds to a request, from environment variables: `variables` by field (docs/credentials.md).

    It goes to `place` (header, query, cookie) under `name`; `prefix` precedes it in the header, as `Bearer`. For
    `token`, `grant` and `token_url` say how one is requested where `value` gives none; None where that takes a person.
    `is_optional`: the request is sent without it where it is not given; so is a cookie, which a response may set.
    """

    source: str
    scheme: str
    kind: CredentialKind
    variables: Mapping[str, str]
    place: str = "header"
    name: str = "Authorization"
    prefix: str = ""
    grant: OneOf["client_credentials", "password", "refresh_token"] | None = None
    token_url: str | None = None
    scopes: tuple[str, ...] = ()
    is_optional: bool = False


class Request(Record, kw_only=True):
    """The request of a step as a template: the URL is that of `server`, then `path`, then the query.

    `path` has the constant texts of the path, already encoded, and its parameters. `fixed_query` are encoded pairs that
    server and path have themselves. `documents_304`: a step without criteria passes with that status too.
    """

    method: str
    server: Server
    path: tuple[str | Parameter, ...]
    fixed_query: tuple[str, ...] = ()
    query: tuple[Parameter, ...] = ()
    querystring: Parameter | None = None
    headers: tuple[Parameter, ...] = ()
    cookies: tuple[Parameter, ...] = ()
    accept: str = "*/*"
    body: Body | None = None
    credentials: tuple[Credential, ...] = ()
    documents_304: bool = False
    is_idempotent: bool = True
    template: str = ""

    @property
    def parameters(self) -> Iterator[Parameter]:
        """All its parameters."""
        yield from (part for part in self.path if isinstance(part, Parameter))
        yield from (*self.query, *self.headers, *self.cookies)
        if self.querystring is not None:
            yield self.querystring


def sent_value(request: Request, reference: MessageReference) -> Value | None:
    """Return what `$request.…` refers to: the value that the request is made of; None where that is not known."""
    if reference.part == "body":
        value = None if request.body is None else request.body.payload
        for token in (*pointer_tokens(reference.pointer or ""), *map(str, reference.path)):
            value = None if value is None else _member(value, token)
        return value
    places = {"path": request.parameters, "query": request.query, "header": request.headers}
    name = reference.name or ""
    for each in places.get(reference.part, ()):
        if each.name == name or (reference.part == "header" and each.name.lower() == name.lower()):
            return each.value
    return None


def _member(value: Value, token: str) -> Value | None:
    if isinstance(value, Literal):
        found = member(value.value, token)
        return None if found is MISSING else Literal(found)
    if isinstance(value, ObjectValue):
        return next((item for name, item in value.members if name == token), None)
    if isinstance(value, ArrayValue) and token.isdecimal() and int(token) < len(value.items):
        return value.items[int(token)]
    return None


class Call(Record, kw_only=True):
    """The call of another workflow; `inputs` by name."""

    workflow: WorkflowKey
    inputs: tuple[tuple[str, Value], ...] = ()


class Unsupported(Record):
    """A step that is no request over HTTP: `reason` is a sentence about it."""

    reason: str


class Step(Record, kw_only=True):
    """A step: what it does, and what follows. `timeout` is in seconds; `later` are steps that run only after it."""

    step_id: str
    does: Request | Call | Unsupported
    at: Location
    description: str = ""
    criteria: tuple[CompiledCriterion, ...] = ()
    outputs: tuple[tuple[str, Value], ...] = ()
    secret_outputs: frozenset[str] = frozenset()
    on_success: tuple[CompiledAction, ...] = ()
    on_failure: tuple[CompiledAction, ...] = ()
    timeout: float | None = None
    later: frozenset[str] = frozenset()

    @property
    def actions(self) -> tuple[CompiledAction, ...]:
        """All its actions."""
        return (*self.on_success, *self.on_failure)


class Workflow(Record, kw_only=True):
    """A workflow, its steps in order of execution; `before` are the workflows that it depends on."""

    key: WorkflowKey
    at: Location
    summary: str = ""
    inputs: tuple[Input, ...] = ()
    steps: tuple[Step, ...] = ()
    outputs: tuple[tuple[str, Value], ...] = ()
    secret_outputs: frozenset[str] = frozenset()
    before: tuple[WorkflowKey, ...] = ()

    @property
    def workflow_id(self) -> str:
        """The workflowId."""
        return self.key.workflow_id

    @property
    def is_straight(self) -> bool:
        """Whether its steps run once each in order: no action goes to another step."""
        return not any(each.type == "goto" and each.step_id is not None for step in self.steps for each in step.actions)


class Plan(Record, kw_only=True):
    """What is exported: `workflow`, and in `workflows` all that it reaches, called ones before their callers.

    `document` names the Arazzo document in texts; `sources` has what `$sourceDescriptions.name.field` refers to.
    """

    document: str
    workflow: Workflow
    workflows: tuple[Workflow, ...]
    servers: tuple[Server, ...] = ()
    credentials: tuple[Credential, ...] = ()
    sources: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    self_uri: str | None = None

    def find(self, key: WorkflowKey) -> Workflow:
        """Return a workflow by its key."""
        return next(each for each in self.workflows if each.key == key)
