"""CompiledStep + Scope → HttpRequest: path, query, headers, cookies, body (semantics §6)."""

from __future__ import annotations

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.engine.absent import missing_value
from arazzo_runner.engine.body import UnusableBody, build_body
from arazzo_runner.engine.effects import HttpRequest
from arazzo_runner.engine.empty_parameters import refuse_empty
from arazzo_runner.engine.files import named_files
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.resolve import CannotBuild, Unresolved, expression_text, may_be_left_out, resolve
from arazzo_runner.engine.state import Run
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.program.model import CompiledParameter, CompiledStep, ExpressionValue, OperationCall
from arazzo_runner.sources.http_media.files import Described, described_by, with_texts
from arazzo_runner.sources.http_media.header_names import is_of_the_transport
from arazzo_runner.sources.http_media.media_types import UnusableMedia
from arazzo_runner.sources.http_media.styles import (
    UnusableValue,
    build_url,
    cookie_pairs,
    header_value,
    path_segment,
    query_pairs,
    querystring_text,
)
from arazzo_runner.sources.operation import Operation, OperationParameter


class BuiltRequest(Record):
    """A request, and the message that expressions refer to.

    `notes` say what was left out, `parameters` are those that have a value, with it. `takes_cookies`
    is False when the step sets the Cookie header itself: the run's cookies are not added then.
    """

    request: HttpRequest
    message: Message
    notes: tuple[Diagnostic, ...] = ()
    parameters: tuple[tuple[CompiledParameter, JsonValue], ...] = ()
    takes_cookies: bool = True


class _Parts(MutableRecord):
    """The parameters by location, as values (for expressions) and as text (to be sent)."""

    path: dict[str, str] = field(default_factory=dict)
    query: list[tuple[str, str]] = field(default_factory=list)
    querystring: str | None = None
    headers: list[tuple[str, str]] = field(default_factory=list)
    cookies: list[tuple[str, str]] = field(default_factory=list)
    path_values: dict[str, JsonValue] = field(default_factory=dict)
    query_values: dict[str, JsonValue] = field(default_factory=dict)
    notes: list[Diagnostic] = field(default_factory=list)
    values: list[tuple[CompiledParameter, JsonValue]] = field(default_factory=list)


async def build_request(
    step: CompiledStep, call: OperationCall, scope: Scope, run: Run, key: str, now: float
) -> BuiltRequest:
    """Return the request of a step; raises CannotBuild when a value is missing or cannot be sent.

    Files that the body names are read through the run's World; `key` is the effect key of the
    request. `now` decides which cookies have expired.
    """
    parts = _Parts()
    for parameter in step.parameters:
        _add_parameter(parts, parameter, scope)
    url = _url(call, parts, step)
    body: JsonValue = MISSING
    raw: bytes | None = None
    content_type: str | None = None
    if step.body is not None:
        try:
            files = named_files(run, step.body, scope)
            body, raw, content_type = await build_body(step.body, call.operation, scope, key, files)
        except UnusableBody as problem:
            raise CannotBuild.because(problem.code, problem.message, problem.at, problem.hint) from None
        except Unresolved as missing:
            raise _unresolved(missing, "the request body", step.body.at, scope) from None
    headers = _headers(parts, call.operation, content_type, run.jar.header_for(url, now), run.options)
    request = HttpRequest(call.operation.method, url, headers, raw)
    message = Message(headers=headers, query=parts.query_values, path=parts.path_values, body=body)
    takes_cookies = not any(name.lower() == "cookie" for name, _ in parts.headers)
    return BuiltRequest(request, message, tuple(parts.notes), tuple(parts.values), takes_cookies)


# ------------------------------------------------------------------ parameters


def _add_parameter(parts: _Parts, parameter: CompiledParameter, scope: Scope) -> None:
    value = _value_of(parts, parameter, scope)
    if value is MISSING:
        return
    refuse_empty(parameter, value, scope)
    declared = parameter.declared
    name = parameter.name
    try:
        value = with_texts(value, _described(declared), None)
    except UnusableMedia as problem:
        message = f'{parameter.location} parameter "{name}": {problem}'
        raise CannotBuild.because("unusable-value", message, parameter.at, problem.hint) from None
    parts.values.append((parameter, value))
    if parameter.location == "header" and is_of_the_transport(name):
        message = f'header parameter "{name}" is left out: where a message goes and ends is not for a step to say'
        parts.notes.append(Diagnostic(code="left-out", severity=Severity.INFO, message=message, at=parameter.at))
        return
    try:
        if parameter.location == "path":
            parts.path[name] = path_segment(name, value, declared)
            parts.path_values[name] = value
        elif parameter.location == "query":
            parts.query += query_pairs(name, value, declared)
            parts.query_values[name] = value
        elif parameter.location == "querystring":
            parts.querystring = querystring_text(value, declared)
        elif parameter.location == "header":
            parts.headers.append((declared.name if declared else name, header_value(name, value, declared)))
        elif parameter.location == "cookie":
            parts.cookies += cookie_pairs(name, value, declared)
    except UnusableValue as problem:
        message = f'{parameter.location} parameter "{name}": {problem}'
        raise CannotBuild.because("unusable-value", message, parameter.at) from None


def _described(declared: OperationParameter | None) -> Described:
    if declared is None or declared.content is not None:
        return described_by(None if declared is None else declared.content)
    return Described(declared.schema, declared.base)


def _value_of(parts: _Parts, parameter: CompiledParameter, scope: Scope) -> JsonValue:
    """Return a parameter's value, MISSING when it is to be left out (semantics §3)."""
    what = f'{parameter.location} parameter "{parameter.name}"'
    try:
        value = resolve(parameter.value, scope)
    except Unresolved as missing:
        raise _unresolved(missing, what, parameter.at, scope) from None
    required = _is_required(parameter.location, parameter.declared)
    if value is MISSING:
        if required or not may_be_left_out(parameter.value, scope):
            text = expression_text(parameter.value)
            raise missing_value(text, parameter.value, scope, what, parameter.at)
        message = f"{expression_text(parameter.value)} has no value; {what} is left out"
        note = Diagnostic(code="left-out", severity=Severity.INFO, message=message, at=parameter.at)
        parts.notes.append(note)
    elif value is None and required:
        text = expression_text(parameter.value) if isinstance(parameter.value, ExpressionValue) else "its value"
        raise CannotBuild.because("missing-value", f"{what} is required, but {text} is null", parameter.at)
    return value


def _is_required(location: str | None, declared: OperationParameter | None) -> bool:
    return location == "path" or (declared is not None and declared.required)


def _unresolved(missing: Unresolved, what: str, at: Location, scope: Scope) -> CannotBuild:
    place = getattr(missing.value, "at", at)
    if missing.reason is not None:
        return CannotBuild.because("missing-value", f"{missing.expression}: {missing.reason}", place)
    return missing_value(missing.expression, missing.value, scope, what, place)


# ------------------------------------------------------------------ URL and headers


def _url(call: OperationCall, parts: _Parts, step: CompiledStep) -> str:
    try:
        return build_url(call.server, call.operation.path, parts.path, parts.query, parts.querystring)
    except UnusableValue as problem:
        raise CannotBuild.because("unusable-value", str(problem), step.at) from None


def _headers(
    parts: _Parts, operation: Operation, content_type: str | None, cookies: str | None, options: RunOptions
) -> tuple[tuple[str, str], ...]:
    """Return the headers of the step, then those that follow from the operation and that the step did not set."""
    headers = list(parts.headers)
    given = {name.lower() for name, _ in headers}
    if content_type is not None and "content-type" not in given:
        headers.append(("Content-Type", content_type))
    if "accept" not in given:
        headers.append(("Accept", accepted(operation)))
    if "user-agent" not in given:
        headers.append(("User-Agent", options.user_agent))
    if "cookie" not in given and (parts.cookies or cookies):
        own = {name for name, _ in parts.cookies}
        kept = [pair for pair in (cookies or "").split("; ") if pair and pair.partition("=")[0] not in own]
        headers.append(("Cookie", "; ".join([f"{name}={value}" for name, value in parts.cookies] + kept)))
    return tuple(headers)


def accepted(operation: Operation) -> str:
    """Return the Accept header: the media types the operation documents, then anything."""
    types: dict[str, None] = {}
    for status, response in operation.responses.items():
        if status.startswith("2") or status == "default":
            types.update(dict.fromkeys(response.content))
    return ", ".join([*types, "*/*;q=0.1"]) if types and "*/*" not in types else "*/*"
