"""`-p name=value`: texts of the command line become the parameters of an operation, each in its location."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.base.user_files import UnusableFile, text_of
from arazzo_runner.cli.call.expressions import holds_expression
from arazzo_runner.cli.call.schemas import converted, is_array, is_secret, schema_text
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.inputs import read_bytes
from arazzo_runner.errors import Diagnostic, InvalidUsage, similar_or_all
from arazzo_runner.sources.http_media.files import Described
from arazzo_runner.sources.operation import Operation, OperationParameter

LOCATIONS: Final = ("path", "query", "header", "cookie", "querystring")
_VARIABLE: Final = pattern(r"\{([\w.-]+)\}")
_IGNORED_HEADERS: Final = frozenset({"accept", "content-type", "authorization"})  # OpenAPI §Parameter Object


class GivenParameter(Record, kw_only=True):
    """A parameter with its value; `is_expression`: the value is one of the workflow, not of this call."""

    _hidden_in_repr = ("value",)

    name: str
    location: str
    value: JsonValue
    described: Described
    is_secret: bool
    is_expression: bool = False


def declared_parameters(operation: Operation) -> tuple[OperationParameter, ...]:
    """Return the parameters of an operation, and the variables of its path that the description does not declare."""
    known = {each.name for each in operation.parameters if each.location == "path" or each.expansion is not None}
    names = [name for name in _VARIABLE.findall(operation.path) if name not in known]
    undeclared = (
        OperationParameter(name=name, location="path", required=True, style="simple", explode=False) for name in names
    )
    return (*operation.parameters, *undeclared)


def described_parameter(parameter: OperationParameter, operation: Operation) -> Described:
    """Return what the description says of a parameter."""
    if parameter.content is not None:
        return Described(parameter.content.schema, parameter.content.base, operation.schemas.resolve)
    return Described(parameter.schema, parameter.base, operation.schemas.resolve)


def given_parameters(
    operation: Operation, arguments: Iterable[tuple[str, str]], *, allow_expressions: bool
) -> list[GivenParameter]:
    """Return the parameters that the arguments give; raises InvalidUsage for all that is wrong with them."""
    texts: dict[tuple[str, str], list[str]] = {}
    found: dict[tuple[str, str], OperationParameter] = {}
    problems: list[Diagnostic] = []
    for name, text in arguments:
        try:
            parameter = _declared(operation, name)
            key: tuple[str, str] = (parameter.name, parameter.location)
            found[key] = parameter
            texts.setdefault(key, []).append(text)
        except InvalidUsage as problem:
            problems += problem.diagnostics
    for key, parameter in found.items():
        if len(texts[key]) > 1 and not is_array(described_parameter(parameter, operation)):
            problems.append(usage_error(f'parameter "{parameter.name}" is given {len(texts[key])} times'))
    problems += missing_parameters(operation, found)
    if problems:
        raise InvalidUsage(problems)
    return [
        _given(parameter, operation, texts[key], allow_expressions=allow_expressions)
        for key, parameter in found.items()
    ]


def _given(
    parameter: OperationParameter, operation: Operation, texts: list[str], *, allow_expressions: bool
) -> GivenParameter:
    described = described_parameter(parameter, operation)
    is_expression = allow_expressions and len(texts) == 1 and holds_expression(texts[0])
    value: JsonValue = texts[0] if is_expression else None
    if not is_expression:
        value = converted([read_text(text, f'parameter "{parameter.name}"') for text in texts], described)
    return GivenParameter(
        name=parameter.name,
        location=parameter.location,
        value=value,
        described=described,
        is_secret=not is_expression and (is_secret(parameter.name, described) or operation.is_credential(parameter)),
        is_expression=is_expression,
    )


def read_text(text: str, what: str) -> str:
    """Return a text, or that of the file that it names with `@`; `@@` begins a text with `@`."""
    if not text.startswith("@"):
        return text
    if text.startswith("@@"):
        return text[1:]
    try:
        return text_of(read_bytes(text[1:])).removesuffix("\n").removesuffix("\r")
    except UnusableFile as problem:
        hint = f"write a text that begins with @ with two: @{text}"
        raise InvalidUsage([usage_error(f"{what}: {text[1:]} cannot be read as text: {problem}", hint=hint)]) from None


# ------------------------------------------------------------------ names


def _declared(operation: Operation, name: str) -> OperationParameter:
    """Return the parameter of `name` or `location:name`; raises InvalidUsage."""
    location, colon, rest = name.partition(":")
    exact = [each for each in declared_parameters(operation) if each.name == name]
    if colon and location in LOCATIONS and not exact:
        found = [each for each in declared_parameters(operation) if each.name == rest and each.location == location]
        parameter = operation.given(rest, location) or next(iter(found), None)
        if parameter is not None:
            return parameter
        raise InvalidUsage([_unknown(operation, rest, location)])
    near = exact or [
        each
        for each in declared_parameters(operation)
        if each.location == "header" and each.name.lower() == name.lower()
    ]
    if len(near) > 1:
        places = " or ".join(f"-p {each.location}:{name}=…" for each in near)
        raise InvalidUsage([usage_error(f'parameter "{name}" is in several places', hint=f"write {places}")])
    if not near:
        raise InvalidUsage([_unknown(operation, name)])
    return near[0]


def _unknown(operation: Operation, name: str, location: str | None = None) -> Diagnostic:
    where = "" if location is None else f" in the {location}"
    message = f'{operation_text(operation)} has no parameter "{name}"{where}'
    names = [each.name for each in declared_parameters(operation)]
    elsewhere = [each.location for each in declared_parameters(operation) if each.name == name]
    hint = similar_or_all(name, names) or "it has no parameters"
    if elsewhere:
        hint = f'"{name}" is in the {" and the ".join(elsewhere)}'
    elif _is_credential(operation, name):
        hint = "credentials are looked up, not given here: arazzo help call"
    return usage_error(message, code="undeclared-parameter", hint=hint)


def _is_credential(operation: Operation, name: str) -> bool:
    schemes = operation.security_schemes.values()
    keys = [str(each.get("name", "")).lower() for each in schemes if isinstance(each, dict)]
    return name.lower() in (*keys, "authorization")


def operation_text(operation: Operation) -> str:
    """Return how messages name an operation: its operationId, else its method and path."""
    return operation.operation_id or f"{operation.method} {operation.path}"


# ------------------------------------------------------------------ what is missing


def missing_parameters(operation: Operation, given: Iterable[tuple[str, str]]) -> Iterator[Diagnostic]:
    """Yield an error for each required parameter that is not given; credentials are added when the request is sent."""
    known = frozenset(given)
    for parameter in declared_parameters(operation):
        is_ignored = parameter.location == "header" and parameter.name.lower() in _IGNORED_HEADERS
        if not parameter.required or (parameter.name, parameter.location) in known or is_ignored:
            continue
        if not operation.is_credential(parameter):
            message = f'{operation_text(operation)} needs the parameter "{parameter.name}" ({parameter.location})'
            yield usage_error(message, code="missing-parameter", hint=_example(parameter, operation))


def _example(parameter: OperationParameter, operation: Operation) -> str:
    """Return how a parameter is given, with its schema."""
    described = described_parameter(parameter, operation)
    several = sum(each.name == parameter.name for each in declared_parameters(operation)) > 1
    name = f"{parameter.location}:{parameter.name}" if several else parameter.name
    example = parameter.example
    if example is None and parameter.examples:
        first = next(iter(parameter.examples.values()))
        example = first.get("value") if isinstance(first, dict) else None
    secret = is_secret(parameter.name, described)
    value = "VALUE" if example is None or secret else to_text(example)
    return f"give it with -p {name}={'@FILE' if secret else value}: {schema_text(described)}"
