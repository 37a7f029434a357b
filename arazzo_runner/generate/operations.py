"""The operations of a description, with what workflows are made from; those that cannot be called are left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import Record, replace
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Diagnostic, Judge, Severity
from arazzo_runner.generate.bodies import undescribed_member
from arazzo_runner.generate.generated import identifier
from arazzo_runner.generate.shapes import Part, Shape, json_media, media_part, shape_of
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import Operation, OperationParameter, OperationResponse
from arazzo_runner.sources.references import Node, ReferenceFailure

_VARIABLE: Final = re.compile(r"\{([^{}]*)\}")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>")
_WITHOUT_BODY: Final = ("204", "205", "304")
_PLAIN_ID: Final = re.compile(r"[^$\s{}#][^\s{}#]*")


class Link(Record, kw_only=True):
    """OpenAPI §Link Object of a response: the pointer of the operation it leads to, and the values it gives."""

    name: str
    target: str
    parameters: Mapping[str, JsonValue]


class ApiOperation(Record, kw_only=True):
    """An operation that a step can call.

    `name` is unique, and the id of its step; `operation_id` is None when the operation must be named by its path.
    `status` is the documented status of success (`201`, `2XX`, "" without one), `answer` the schema of its JSON body.
    """

    operation: Operation
    name: str
    operation_id: str | None
    summary: str
    tags: tuple[str, ...]
    status: str
    answer: Part | None
    answer_headers: frozenset[str]
    links: tuple[Link, ...]
    is_deprecated: bool = False
    doubt: Diagnostic | None = None
    """A warning about a part of the description that requests do not need: it is called only when it is named."""

    @property
    def method(self) -> str:
        """The method, in upper case."""
        return self.operation.method

    @property
    def path(self) -> str:
        """The path without its query and final slash."""
        return self.operation.path.partition("?")[0].rstrip("/")

    @property
    def shape(self) -> Shape:
        """The shape of the JSON body of a success."""
        return shape_of(self.answer, self.operation.schemas)

    @property
    def title(self) -> str:
        """How comments call it: its operationId, else method and path."""
        return self.operation.operation_id or f"{self.method} {self.operation.path}"


class HeardProblems(Problems):
    """Problems of which those that were recorded last can be asked for, also where they were known before."""

    def __init__(self) -> None:
        super().__init__(Judge.RUN)
        self.heard: list[Diagnostic] = []

    def add(self, diagnostic: Diagnostic) -> None:
        """Record a Diagnostic."""
        self.heard.append(diagnostic)
        super().add(diagnostic)


def read_operations(
    description: OpenApiDescription, problems: HeardProblems
) -> tuple[list[ApiOperation], list[Diagnostic]]:
    """Return the operations that can be called, and a warning about each of the others.

    `problems` are those with which the description was loaded.
    """
    found: list[ApiOperation] = []
    warnings: list[Diagnostic] = []
    taken: set[str] = set()
    places = list(description.places())
    twins = _twins(path for _, path, _ in places)
    ids = description.operation_ids
    is_by_id = all(len(description.same_id(each)) == 1 for each in ids)
    for method, path, pointer in places:
        problems.heard.clear()
        operation = description.operation_at(pointer)
        if operation is None:
            continue
        doubt = next(iter(problems.heard), None)
        problem = _unusable(operation, twins)
        if problem is not None:
            warnings.append(_left_out(operation, f"{method} {path}", problem))
            continue
        read = _read(description, operation, is_by_id=is_by_id)
        if doubt is not None:
            read = replace(read, doubt=_left_out(operation, f"{method} {path}", doubt))
        name = unused_name(read.name, taken)
        taken.add(name)
        found.append(replace(read, name=name))
    return found, warnings


def _twins(paths: Iterable[str]) -> dict[str, str]:
    """Return the paths that differ from another one only in the names of their variables, with that other one."""
    by_form: dict[str, list[str]] = {}
    for path in dict.fromkeys(paths):
        by_form.setdefault(_VARIABLE.sub("{}", path), []).append(path)
    groups = [each for each in by_form.values() if len(each) > 1]
    return {path: next(other for other in group if other != path) for group in groups for path in group}


def needed_parameters(operation: Operation) -> Iterator[OperationParameter]:
    """Yield the parameters that a request must have, without credentials, which are added when it is sent."""
    written = set(_VARIABLE.findall(operation.path))
    for each in operation.parameters:
        if each.location == "path" and each.name not in written and each.expansion is None:
            continue
        if each.required and not operation.is_credential(each):
            yield each


def variable_names(path: str) -> list[str]:
    """Return the names of the variables of a path template.

    >>> variable_names("/pets/{petId}/photos/{id}")
    ['petId', 'id']
    """
    return _VARIABLE.findall(path)


# ------------------------------------------------------------------ one operation


def _unusable(operation: Operation, twins: Mapping[str, str]) -> Diagnostic | None:
    """Return why no step can call an operation."""
    if operation.path in twins:
        return _broken(operation, f"its path is the same as {twins[operation.path]}", "merge the two path items")
    needed = {(each.name, each.location) for each in needed_parameters(operation)}
    for fault in operation.faults:
        if not fault.is_of_servers and (fault.parameter is None or fault.parameter in needed):
            return fault.problem
    declared = {each.name for each in operation.parameters if each.location == "path"}
    missing = [name for name in variable_names(operation.path.partition("?")[0]) if name not in declared]
    undescribed = undescribed_member(operation)
    if undescribed is not None and not missing:
        message = f'its body must have the member "{undescribed}", which its schema does not describe'
        return _broken(operation, message, f"describe {undescribed} below properties")
    if not missing:
        return None
    message = f'its path has the variable "{missing[0]}", which is no parameter of it'
    return _broken(operation, message, f"describe the path parameter {missing[0]}")


def _broken(operation: Operation, message: str, hint: str) -> Diagnostic:
    return Diagnostic(code="broken-description", severity=Severity.WARNING, message=message, at=operation.at, hint=hint)


def _left_out(operation: Operation, place: str, problem: Diagnostic) -> Diagnostic:
    name = f"{operation.operation_id} ({place})" if operation.operation_id else place
    return replace(problem, severity=Severity.WARNING, message=f"{name} is left out: {problem.message}")


def _read(description: OpenApiDescription, operation: Operation, *, is_by_id: bool) -> ApiOperation:
    node = description.node_at(operation.pointer)
    raw: Mapping[str, Any] = node.value if node is not None and isinstance(node.value, dict) else {}
    own_id = operation.operation_id
    # An id that is there twice is reported wherever ids are looked up.
    is_plain = is_by_id and own_id is not None and bool(_PLAIN_ID.fullmatch(own_id))
    status, response = _success(operation)
    tags = raw.get("tags")
    links = () if node is None else tuple(_links(description, node, status))
    return ApiOperation(
        operation=operation,
        name=identifier(own_id or _described(operation)),
        operation_id=own_id if is_plain else None,
        summary=_summary(raw),
        tags=tuple(each for each in tags if isinstance(each, str)) if isinstance(tags, list) else (),
        status=status,
        answer=None if response is None or status in _WITHOUT_BODY else media_part(json_media(response.content)),
        answer_headers=frozenset() if response is None else frozenset(name.lower() for name in response.headers),
        links=links,
        is_deprecated=raw.get("deprecated") is True,
    )


def _described(operation: Operation) -> str:
    return f"{operation.method.lower()}-{operation.path.partition('?')[0]}"


def _summary(raw: Mapping[str, Any]) -> str:
    found = next((raw[name] for name in ("summary", "description") if isinstance(raw.get(name), str)), "")
    line = " ".join(_TAG.sub(" ", found).split())
    return line if len(line) <= 100 else line[:97].rstrip() + "…"


def _success(operation: Operation) -> tuple[str, OperationResponse | None]:
    """Return the first documented status of success and its response: 2xx, else the default one, else 3xx."""
    for begins in ("2", "D", "3"):
        for status, response in operation.responses.items():
            if status.upper().startswith(begins):
                return status if begins != "D" else "default", response
    return "", None


# ------------------------------------------------------------------ links


def _links(description: OpenApiDescription, node: Node, status: str) -> Iterator[Link]:
    if not status:
        return
    statuses = node.child("responses")
    spelt = next((each for each in _members(statuses) if each.upper() == status.upper()), status)
    try:
        response = description.references.follow_node(statuses.child(spelt))
        for name in _members(response.child("links")):
            link = description.references.follow_node(response.child("links").child(name)).value
            found = _link(description, name, link)
            if found is not None:
                yield found
    except ReferenceFailure:
        return


def _members(node: Node) -> list[str]:
    return list(node.value) if isinstance(node.value, dict) else []


def _link(description: OpenApiDescription, name: str, raw: JsonValue) -> Link | None:
    if not isinstance(raw, dict):
        return None
    identity, reference, parameters = raw.get("operationId"), raw.get("operationRef"), raw.get("parameters")
    pointers = list(description.same_id(identity)) if isinstance(identity, str) else []
    if isinstance(reference, str) and reference.startswith("#/"):
        pointers = [reference[1:]]
    if not pointers or description.operation_at(pointers[0]) is None:
        return None
    return Link(name=name, target=pointers[0], parameters=parameters if isinstance(parameters, dict) else {})
