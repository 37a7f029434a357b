"""ApiDescription: a minimal OpenAPI 3.1 description of the requests that were seen, where no description is given.

It says what the requests and answers show, no more: methods, paths, parameters, media types, schemas, statuses.
"""

from __future__ import annotations

import re
from typing import Any, Final

from arazzo_runner.base.names import unused_name, words_of
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.generate.draft import Tree
from arazzo_runner.generate.inferred_schemas import Schema, merged
from arazzo_runner.generate.writing import notes_text, tree_text

METHODS: Final = ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE")
"""The methods that an OpenAPI 3.1 description can have."""
_TEMPLATE: Final = re.compile(r"\{([^{}/]+)\}")


class ApiParameter(Record, kw_only=True):
    """A parameter; `location` is its `in`. One of a path is always required."""

    name: str
    location: str
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    required: bool = False

    def tree(self) -> Tree:
        """Return the Parameter Object."""
        required = {"required": True} if self.required or self.location == "path" else {}
        return {"name": self.name, "in": self.location, **required, "schema": self.schema}


class ApiResponse(MutableRecord, kw_only=True):
    """A response: the schemas of its bodies by media type (None: not known), those of its headers by name."""

    description: str = ""
    content: dict[str, Schema | None] = field(default_factory=dict)
    headers: dict[str, Schema] = field(default_factory=dict)

    def tree(self) -> Tree:
        """Return the Response Object."""
        found: dict[str, Tree] = {"description": self.description}
        if self.headers:
            found["headers"] = {name: {"schema": schema} for name, schema in self.headers.items()}
        if self.content:
            found["content"] = {name: _media(schema) for name, schema in self.content.items()}
        return found


class ApiOperation(MutableRecord, kw_only=True):
    """An operation; `path` is a template, `security` None where that of the description applies.

    Its `operation_id` is chosen by ApiDescription.add; a text that is given is what it would like to be.
    """

    method: str
    path: str
    operation_id: str = ""
    summary: str = ""
    parameters: list[ApiParameter] = field(default_factory=list)
    bodies: dict[str, Schema | None] = field(default_factory=dict)
    """The schemas of the request bodies by media type; None is any body."""
    body_required: bool = False
    responses: dict[str, ApiResponse] = field(default_factory=dict)
    """By status, as text, or `default`."""
    security: list[dict[str, list[str]]] | None = None

    def tree(self) -> Tree:
        """Return the Operation Object."""
        found: dict[str, Tree] = {"operationId": self.operation_id}
        if self.summary:
            found["summary"] = self.summary
        if self.parameters:
            found["parameters"] = [each.tree() for each in self.parameters]
        if self.bodies:
            required = {"required": True} if self.body_required else {}
            found["requestBody"] = {**required, "content": {name: _media(each) for name, each in self.bodies.items()}}
        responses = self.responses or {"default": ApiResponse(description="Any answer.")}
        found["responses"] = {status: responses[status].tree() for status in sorted(responses)}
        if self.security is not None:
            found["security"] = self.security
        return found


class ApiDescription(MutableRecord, kw_only=True):
    """A description; `notes` are printed as comments at its beginning, one paragraph each."""

    title: str
    about: str = ""
    """The description of the API itself."""
    version: str = "1.0.0"
    servers: list[Tree] = field(default_factory=list)
    """URLs, or Server Objects."""
    operations: list[ApiOperation] = field(default_factory=list)
    security_schemes: dict[str, dict[str, Any]] = field(default_factory=dict)
    security: list[dict[str, list[str]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _known: dict[tuple[str, str], ApiOperation] = field(default_factory=dict)
    _paths: dict[str, str] = field(default_factory=dict)
    """The paths by their form."""
    _ids: set[str] = field(default_factory=set)

    def add(self, operation: ApiOperation) -> ApiOperation:
        """Add an operation, or join it to the one with the same method and path; return the one that it is now.

        Its path parameters are renamed to those of a path of the same form, which OpenAPI regards as the same path.
        """
        self._use_known_names(operation)
        known = self._known.setdefault((operation.method.upper(), operation.path), operation)
        if known is not operation:
            _join(known, operation)
            return known
        wanted = operation.operation_id or operation_id_for(operation.method, operation.path)
        operation.operation_id = unused_name(wanted, self._ids)
        self._ids.add(operation.operation_id)
        self.operations.append(operation)
        return operation

    def tree(self) -> Tree:
        """Return the OpenAPI Object."""
        about = {"description": self.about} if self.about else {}
        info: Tree = {"title": self.title, **about, "version": self.version}
        found: dict[str, Tree] = {"openapi": "3.1.0", "info": info}
        if self.servers:
            found["servers"] = [{"url": each} if isinstance(each, str) else each for each in self.servers]
        if self.security:
            found["security"] = self.security
        paths: dict[str, Tree] = {}
        for each in self.operations:
            paths.setdefault(each.path, {})[each.method.lower()] = each.tree()
        found["paths"] = paths
        if self.security_schemes:
            found["components"] = {"securitySchemes": self.security_schemes}
        return found

    def _use_known_names(self, operation: ApiOperation) -> None:
        known = self._paths.setdefault(_form(operation.path), operation.path)
        names = dict(zip(path_names(operation.path), path_names(known), strict=True))
        operation.path = known
        operation.parameters = [
            ApiParameter(name=names.get(each.name, each.name), location="path", schema=each.schema)
            if each.location == "path"
            else each
            for each in operation.parameters
        ]


def description_text(description: ApiDescription) -> str:
    """Return a description as the text of a YAML document."""
    return notes_text(description.notes) + tree_text(description.tree())


def path_names(path: str) -> list[str]:
    """Return the names of the parameters of a path template, in their order.

    >>> path_names("/users/{id}/keys/{key}")
    ['id', 'key']
    """
    return _TEMPLATE.findall(path)


def operation_id_for(method: str, path: str) -> str:
    """Return an operationId that says what is called.

    >>> operation_id_for("GET", "/users/{userId}/ssh-keys"), operation_id_for("POST", "/")
    ('getUsersByUserIdSshKeys', 'postRoot')
    """
    words = [method.lower()]
    for segment in path.split("/"):
        words += words_of(_TEMPLATE.sub(r" by \1 ", segment))
    words = words if len(words) > 1 else [*words, "root"]
    return words[0] + "".join(word[:1].upper() + word[1:] for word in words[1:])


def _form(path: str) -> str:
    return _TEMPLATE.sub("{}", path)


def _join(known: ApiOperation, other: ApiOperation) -> None:
    """Add to an operation what another one of the same method and path has: what only one of them has is optional."""
    mine = {(each.name, each.location): each for each in known.parameters}
    theirs = {(each.name, each.location): each for each in other.parameters}
    known.parameters = [_parameter(mine.get(key), theirs.get(key)) for key in {**mine, **theirs}]
    known.body_required = known.body_required and other.body_required
    known.bodies = _joined_content(known.bodies, other.bodies)
    for status, response in other.responses.items():
        same = known.responses.setdefault(status, response)
        if same is not response:
            same.content = _joined_content(same.content, response.content)
            same.headers = {**response.headers, **same.headers}
    if known.security != other.security:  # credentials that only some requests have are optional
        none: list[dict[str, list[str]]] = [{}]
        both = [*(none if known.security is None else known.security)]
        both += none if other.security is None else other.security
        known.security = [each for number, each in enumerate(both) if each not in both[:number]]


def _parameter(one: ApiParameter | None, other: ApiParameter | None) -> ApiParameter:
    either = one or other
    assert either is not None
    both = one is not None and other is not None
    schema = merged(one.schema, other.schema) if one is not None and other is not None else either.schema
    required = both and either.required and (other is None or other.required)
    return ApiParameter(name=either.name, location=either.location, schema=schema, required=required)


def _joined_content(one: dict[str, Schema | None], other: dict[str, Schema | None]) -> dict[str, Schema | None]:
    joined = {**other, **one}
    for name in one.keys() & other.keys():
        mine, theirs = one[name], other[name]
        joined[name] = merged(mine, theirs) if mine is not None and theirs is not None else mine or theirs
    return {name: joined[name] for name in [*one, *(each for each in other if each not in one)]}


def _media(schema: Schema | None) -> Tree:
    return {} if schema is None else {"schema": schema}
