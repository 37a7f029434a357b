"""The request of a step as a template."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.engine.request import accepted
from arazzo_runner.export.plan import Parameter, Request, Server
from arazzo_runner.export.plan_body import planned_body
from arazzo_runner.export.plan_credentials import planned_credentials
from arazzo_runner.expressions.nodes import InputReference, StepReference
from arazzo_runner.program.model import CompiledParameter, CompiledStep, ExpressionValue, OperationCall, Value
from arazzo_runner.sources.http_media.header_names import is_of_the_transport
from arazzo_runner.sources.http_media.styles import field_name, percent_encode_path
from arazzo_runner.sources.operation import VARIABLE, Operation


def planned_request(step: CompiledStep, call: OperationCall, server: Server) -> Request:
    """Return the request of a step that calls an operation."""
    operation = call.operation
    by_place: dict[str, list[Parameter]] = {}
    for each in step.parameters:
        if each.location is not None and not (each.location == "header" and is_of_the_transport(each.name)):
            by_place.setdefault(each.location, []).append(_parameter(each, step))
    query = by_place.get("query", [])
    base, _, of_server = server.url.partition("?")
    path = {each.name: each for each in by_place.get("path", [])}
    plain, _, of_template = operation.path.partition("?")
    return Request(
        method=operation.method,
        server=Server(server.variable, base),
        path=tuple(_path(plain, path)),
        fixed_query=tuple(_fixed(f"{of_server}&{of_template}", query)),
        query=tuple(query),
        querystring=next(iter(by_place.get("querystring", [])), None),
        headers=tuple(by_place.get("header", [])),
        cookies=tuple(by_place.get("cookie", [])),
        accept=accepted(operation),
        body=None if step.body is None else planned_body(step.body, operation),
        credentials=tuple(planned_credentials(step, call)),
        documents_304=_documents_304(operation),
        is_idempotent=operation.idempotent,
        template=operation.path,
    )


def _documents_304(operation: Operation) -> bool:
    return "304" in operation.responses


def _parameter(parameter: CompiledParameter, step: CompiledStep) -> Parameter:
    declared = parameter.declared
    required = parameter.location == "path" or (declared is not None and declared.required)
    return Parameter(
        name=declared.name if declared is not None else parameter.name,
        value=parameter.value,
        declared=declared,
        is_optional=not required and may_be_missing(parameter.value, step),
        at=parameter.at,
    )


def may_be_missing(value: Value, step: CompiledStep) -> bool:
    """Return whether a value is left out where it is missing: an input, or an output of a step that comes later."""
    if not isinstance(value, ExpressionValue):
        return False
    expression = value.expression
    return isinstance(expression, InputReference) or (
        isinstance(expression, StepReference) and expression.step_id in step.later
    )


def _path(template: str, parameters: dict[str, Parameter]) -> Iterator[str | Parameter]:
    """Yield the texts of a path, encoded, and the parameters in it."""
    for index, piece in enumerate(VARIABLE.split(template)):
        if index % 2 and piece in parameters:
            yield parameters[piece]
        elif piece:
            yield percent_encode_path(f"{{{piece}}}" if index % 2 else piece)


def _fixed(pairs: str, query: list[Parameter]) -> Iterator[str]:
    """Yield the pairs of the query that server and path have themselves."""
    given = {each.name for each in query}
    for pair in pairs.split("&"):
        if pair and field_name(pair) not in given and not VARIABLE.search(pair):
            yield pair
