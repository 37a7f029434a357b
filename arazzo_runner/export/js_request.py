"""The request of a step as JavaScript: its URL, headers and body."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.base.records import Record
from arazzo_runner.export.js_text import enclosed, key, literal
from arazzo_runner.export.js_values import JsWriter
from arazzo_runner.export.plan import Body, Credential, Parameter, Request, Step
from arazzo_runner.export.unsayable import Unsayable
from arazzo_runner.expressions.nodes import Expression, MessageReference
from arazzo_runner.program.model import Literal, ObjectValue, TemplateValue, Value
from arazzo_runner.program.values import criterion_references, value_references

_JOINED = {"spaceDelimited": "%20", "pipeDelimited": "%7C", "form": ","}


class JsBody(Record):
    """A body: its value, as `$request.body` has it, and the text that is sent, made of the variable `body`."""

    value: str
    text: str


def references_of(step: Step) -> Iterator[Expression]:
    """Yield the expressions that are evaluated after the response of a step."""
    for _, value in step.outputs:
        yield from value_references(value)
    criteria = [*step.criteria, *(each for action in step.actions for each in action.criteria)]
    for criterion in criteria:
        yield from criterion_references(criterion)
    for action in step.actions:
        for parameter in action.parameters:
            yield from value_references(parameter.value)


def reads_request(step: Step, *parts: str) -> bool:
    """Return whether a step reads one of these parts of its own request."""
    return any(
        isinstance(each, MessageReference) and each.message == "request" and each.part in parts
        for each in references_of(step)
    )


# ------------------------------------------------------------------ URL


def path_text(request: Request, writer: JsWriter) -> str:
    """Return the path as an expression."""
    return " + ".join(literal(part) if isinstance(part, str) else segment(part, writer) for part in request.path)


def segment(parameter: Parameter, writer: JsWriter) -> str:
    """Return a path parameter as an expression, encoded."""
    declared = parameter.declared
    if declared is not None and (declared.style != "simple" or declared.expansion is not None):
        raise Unsayable(f'path parameter "{parameter.name}" is not written in the style {declared.style}')
    if declared is not None and declared.content is not None:
        return f"{writer.use('encode')}(JSON.stringify({writer.needed(parameter.value)}))"
    return f"{writer.use('segment')}({writer.value(parameter.value)}, {literal(parameter.name)})"


def query_parts(request: Request, writer: JsWriter, credentials: Iterable[tuple[str, str]] = ()) -> list[str]:
    """Return the parts of the query as expressions, each with one pair or several or "" for none."""
    parts = [literal("&".join(request.fixed_query))] if request.fixed_query else []
    if request.querystring is not None:
        return [*parts, whole_query(request.querystring, writer)]
    plain = [each for each in request.query if is_plain(each)]
    members = [f"{key(each.name)}: {parameter_value(each, writer)}" for each in plain]
    members += [f"{key(name)}: {value}" for name, value in credentials]
    if members:
        parts.append(f"{writer.use('pairs')}({enclosed('{', members, '}')})")
    return [*parts, *(styled(each, writer) for each in request.query if not is_plain(each))]


def is_plain(parameter: Parameter) -> bool:
    """Return whether a query parameter has the usual style: exploded form."""
    declared = parameter.declared
    return declared is None or (declared.content is None and declared.style == "form" and declared.explode)


def styled(parameter: Parameter, writer: JsWriter) -> str:
    """Return a query parameter of another style as an expression of its pairs."""
    declared, value = parameter.declared, parameter_value(parameter, writer)
    assert declared is not None
    name = literal(parameter.name)
    if declared.content is not None:
        return f"{writer.use('pairs')}({{ [{name}]: JSON.stringify({value}) }})"
    if declared.style == "deepObject":
        return f"{writer.use('deepObject')}({writer.use('encode')}({name}), {value})"
    separator = literal(_JOINED.get(declared.style, ","))
    return f"{writer.use('listed')}({name}, {value}, {separator})"


def whole_query(parameter: Parameter, writer: JsWriter) -> str:
    """Return a whole query string as an expression."""
    value = parameter.value
    if isinstance(value, ObjectValue) or (isinstance(value, Literal) and isinstance(value.value, dict)):
        return f"{writer.use('pairs')}({writer.value(value)}, true)"
    return f'encodeURI({writer.text(value)}).replace(/^\\?/, "").replace(/#/g, "%23")'


def parameter_value(parameter: Parameter, writer: JsWriter) -> str:
    """Return the value of a parameter; one that is optional may be undefined."""
    return writer.value(parameter.value) if is_optional(parameter, writer) else writer.needed(parameter.value)


def is_optional(parameter: Parameter, writer: JsWriter) -> bool:
    """Return whether a parameter may have no value, and is left out then."""
    return parameter.is_optional and writer.may_be_left_out(parameter.value)


# ------------------------------------------------------------------ headers


def header_text(parameter: Parameter, writer: JsWriter) -> str:
    """Return the value of a header as an expression, undefined where an optional one has none."""
    value = parameter.value
    if isinstance(value, Literal) and isinstance(value.value, str) and value.value.isprintable():
        return literal(value.value.strip(" \t"))
    name = literal(parameter.name)
    written = writer.use("headerText")
    if not is_optional(parameter, writer):
        return f"{written}({writer.needed(value)}, {name})"
    inner = writer.value(value)
    return f"{inner} === undefined ? undefined : {written}({inner}, {name})"


def cookie_text(request: Request, writer: JsWriter, credentials: Iterable[tuple[str, str]] = ()) -> str | None:
    """Return the Cookie header of a request's own cookies, None when it has none."""
    pairs = [(each.name, parameter_value(each, writer)) for each in request.cookies]
    members = [f"{key(name)}: {value}" for name, value in (*pairs, *credentials)]
    return f'{writer.use("pairs")}({enclosed("{", members, "}")}).replace(/&/g, "; ") || undefined' if members else None


def fixed_headers(request: Request) -> list[tuple[str, str]]:
    """Return the constant headers that follow from the operation and that the step does not set."""
    given = {each.name.lower() for each in request.headers}
    made = [("Content-Type", request.body.content_type)] if request.body is not None else []
    return [(name, text) for name, text in (*made, ("Accept", request.accept)) if name.lower() not in given]


def is_simple(credential: Credential) -> bool:
    """Return whether a credential is a value of the environment that is added as it is."""
    return credential.kind in ("apiKey", "bearer", "http") or (credential.kind == "token" and credential.grant is None)


# ------------------------------------------------------------------ body


def payload_of(body: Body) -> Value | None:
    """Return the payload of a body; raises Unsayable for one whose replacements only a run can carry out."""
    if body.replacements:
        raise Unsayable("replacements that depend on values of the run are not carried out")
    return body.payload


def body_text(body: Body, writer: JsWriter) -> JsBody | None:
    """Return a body that is text, None for an empty one; raises Unsayable."""
    payload = payload_of(body)
    if payload is None:
        return None
    if body.kind == "json":
        return JsBody(writer.needed(payload), "JSON.stringify(body)")
    if body.kind == "form" and _is_mapping(payload):
        encoded = body.media_type is not None and any(
            set(each) & {"style", "explode"} for each in body.media_type.encoding.values()
        )
        if encoded:
            raise Unsayable("the encoding of a form's fields is not followed")
        return JsBody(writer.value(payload), f"{writer.use('pairs')}(body, true)")
    if body.kind == "multipart" or _is_mapping(payload):
        raise Unsayable(f"a body of {body.content_type} is not written")
    if isinstance(payload, TemplateValue):
        return JsBody(writer.template(payload.template, payload.language), "body")
    return JsBody(writer.text(payload), "body")


def _is_mapping(value: Value) -> bool:
    return isinstance(value, ObjectValue) or (isinstance(value, Literal) and isinstance(value.value, dict))
