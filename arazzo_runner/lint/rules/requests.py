"""What is sent: parameters and bodies that are missing or do not fit their schema or media type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, preview, resolve_pointer, to_number, to_text
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Location, Severity
from arazzo_runner.expressions.nodes import MessageReference
from arazzo_runner.lint.analysis.message_types import header_types, payload_types
from arazzo_runner.lint.analysis.partial import Computed, computed_mismatch, has_computed, mismatches
from arazzo_runner.lint.analysis.payloads import PayloadMismatch
from arazzo_runner.lint.analysis.schema_types import SchemaType, SchemaTypes, possible_types
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.model import CompiledParameter, CompiledStep, CompiledWorkflow, ExpressionValue
from arazzo_runner.sources.http_media.media_types import best_match
from arazzo_runner.sources.operation import Operation, OperationParameter
from arazzo_runner.sources.schema.mismatch import SchemaError


@rule("missing-parameter", "openapi", trigger=Trigger(needs="operations"))
def missing_parameter(inspection: Inspection) -> Iterator[Finding]:
    """Report required query and header parameters that a step does not give; responses may set cookies."""
    for workflow, step, call in inspection.operation_steps():
        if _has_broken_parameters(inspection, workflow, step):
            continue
        operation = call.operation
        given = {(each.name.lower(), each.location) for each in step.parameters}
        given |= {(name.lower(), "query") for name in _fields_of_path(operation.path)}
        for declared in operation.parameters:
            if not declared.required or declared.location not in ("query", "header", "querystring"):
                continue
            if (declared.name.lower(), declared.location) in given or _is_credential(declared, operation):
                continue
            message = (
                f'{operation.method} {operation.path} requires the {declared.location} parameter "{declared.name}"'
            )
            hint = f"add a parameter with name: {declared.name}, in: {declared.location}"
            at = step.at.child("stepId")
            yield Finding(message, at, hint)


def _has_broken_parameters(inspection: Inspection, workflow: CompiledWorkflow, step: CompiledStep) -> bool:
    return any(inspection.broken.inside(each.at, "parameters") for each in (workflow, step))


def _is_credential(declared: OperationParameter, operation: Operation) -> bool:
    """Return whether a parameter is an API key of a security scheme: credentials are not part of documents."""
    schemes = (scheme for scheme in operation.security_schemes.values() if isinstance(scheme, Mapping))
    return any(
        scheme.get("type") == "apiKey"
        and scheme.get("in") == declared.location
        and str(scheme.get("name")).lower() == declared.name.lower()
        for scheme in schemes
    )


def _fields_of_path(path: str) -> Iterable[str]:
    """Return the names in the query of a path, as in `/?Action=List`; few paths have one."""
    if "?" not in path:
        return ()
    from arazzo_runner.sources.http_media.styles import query_fields

    return query_fields(path)


@rule("mixed-querystring", "shape", severity=Severity.ERROR, trigger=Trigger(words=("querystring",)))
def mixed_querystring(inspection: Inspection) -> Iterator[Finding]:
    """Report `querystring` parameters beside others in the query, or twice (OpenAPI 3.2 §Parameter Locations)."""
    for _, step in inspection.compiled_steps:
        whole = [each for each in step.parameters if each.location == "querystring"]
        single = [each for each in step.parameters if each.location == "query"]
        others = single if single else whole[1:]
        if whole and others:
            message = f'"{whole[0].name}" is the whole query string; "{others[0].name}" cannot be combined with it'
            hint = "give every parameter by itself, or all of them in the query string"
            related = (whole[0].at,)
            yield Finding(message, others[0].at, hint, related=related)


_SCALARS: Final = frozenset({"string", "integer", "number", "boolean", "null"})


@rule("parameter-mismatch", "openapi", trigger=Trigger(needs="exchanges"))
def parameter_mismatch(inspection: Inspection) -> Iterator[Finding]:
    """Report parameter values that do not fit their schema as the text they are sent as."""
    for workflow, step, parameter, schemas in _described_parameters(inspection):
        value = inspection.response_types.partial(parameter.value, workflow, step)
        every = [_mismatch(value, each) for each in schemas]
        found = next(iter(every), None)
        if found is not None and None not in every:
            message = f'{parameter.location} parameter "{parameter.name}": {found}'
            hint = _whole_body_hint(found, parameter.name, workflow) or "see the parameter in the description"
            at = parameter.at.child("value")
            yield Finding(message, at, hint)


def _described_parameters(
    inspection: Inspection,
) -> Iterator[tuple[CompiledWorkflow, CompiledStep, CompiledParameter, SchemaTypes]]:
    """Yield the parameters of steps with the schemas of which they have to fit one."""
    for workflow, step, call in inspection.operation_steps():
        for parameter in step.parameters:
            declared = parameter.declared
            if declared is not None and declared.schema is not None:
                yield workflow, step, parameter, (SchemaType(declared.schema, declared.base, call.operation.schemas),)
    for workflow, step, sends in inspection.message_steps():
        for parameter in step.parameters:
            schemas = header_types(sends, parameter.name) if parameter.location == "header" else None
            if schemas is not None and sends.action == "send":
                yield workflow, step, parameter, schemas


def _mismatch(value: JsonValue, schema_type: SchemaType) -> str | None:
    """Return why a value fits in none of the forms that a server may read it as, None when it does."""
    if isinstance(value, Computed):
        return _computed_mismatch(value, schema_type)
    if has_computed(value):
        return None
    types = possible_types((schema_type,))
    if isinstance(value, str) and (types is None or types & {"array", "object"}):
        return None  # it may be a serialized list or object
    first: Sequence[SchemaError] = ()
    for form in _forms(value, types):
        found = mismatches(form, schema_type)
        if not found:
            return None
        first = first or found
    return first[0].message if first else None


def _forms(value: JsonValue, types: frozenset[str] | None) -> Iterable[JsonValue]:
    """Return the values that a server may read: `10` and `"10"` are sent as the same text."""
    yield value
    if isinstance(value, list):
        yield [to_text(item) for item in value]
        yield [_parsed(item) for item in value]
        yield from (value if len(value) == 1 else ())
    elif isinstance(value, str):
        yield _parsed(value)
    elif not isinstance(value, dict):
        yield to_text(value)
    if types is not None and "array" in types and not isinstance(value, (list, dict)):
        yield from ([value], [to_text(value)])


def _parsed(value: JsonValue) -> JsonValue:
    if not isinstance(value, str):
        return value
    number = to_number(value)
    return {"true": True, "false": False, "null": None}.get(value, value) if number is None else number


def _computed_mismatch(value: Computed, schema_type: SchemaType) -> str | None:
    """Return why a computed value never fits: an object or array for a scalar, or no value of an enum."""
    types, wanted = possible_types(value.alternatives), possible_types((schema_type,))
    structures = types is not None and bool(types) and types <= {"array", "object"}
    if structures and wanted is not None and wanted <= _SCALARS and types is not None:
        needed = " or ".join(sorted(wanted - {"integer"} if "number" in wanted else wanted))
        return f"it must be {needed}, but {value.text} is {' or '.join(sorted(types))}"
    found = computed_mismatch(value, schema_type)
    return found.message if found is not None and found.keyword == "enum" else None


@rule("missing-body", "openapi", trigger=Trigger(needs="exchanges"))
def missing_body(inspection: Inspection) -> Iterator[Finding]:
    """Report steps without a body that their operation requires (`requestBody.required`), or their message has."""
    yield from _without_payload(inspection)
    for _, step, call in inspection.operation_steps():
        if inspection.broken.inside(step.at, "requestBody"):
            continue
        operation = call.operation
        body = operation.request_body
        if body is not None and body.required and step.body is None:
            message = f"{operation.method} {operation.path} demands a request body; the step sends none"
            offered = next(iter(body.content), "application/json")
            hint = f"add requestBody with contentType: {offered} and a payload"
            at = step.at.child("stepId")
            yield Finding(message, at, hint)


def _without_payload(inspection: Inspection) -> Iterator[Finding]:
    for _, step, call in inspection.message_steps():
        if step.body is not None or call.action != "send" or inspection.broken.inside(step.at, "requestBody"):
            continue
        types = possible_types(payload_types(call))
        if types and "null" not in types:
            names = ", ".join(f'"{each.name}"' for each in call.messages)
            message = f"every message of the channel ({names}) has a payload; the step sends none"
            hint = "add requestBody with a payload"
            yield Finding(message, step.at.child("stepId"), hint)


# Descriptions often leave out the body of these, so the level is only info.
_USUAL_METHODS: Final = ("POST", "PUT", "PATCH")


@rule("unexpected-body", "openapi", trigger=Trigger(needs="exchanges"))
def unexpected_body(inspection: Inspection) -> Iterator[Finding]:
    """Report steps with a body whose operation has no `requestBody`, and steps that receive with one."""
    for _, step, received in inspection.message_steps():
        if step.body is not None and received.action == "receive":
            message, hint = "a step that receives sends no body", "remove it, or send it in a step with action: send"
            yield Finding(message, step.body.at.at_key(), hint)
    for _, step, call in inspection.operation_steps():
        operation = call.operation
        if step.body is not None and operation.request_body is None:
            message = f"{operation.method} {operation.path} is described without a request body; the step sends one"
            hint = "remove it, pass the values as parameters, or call another operation"
            severity = Severity.INFO if operation.method in _USUAL_METHODS else Severity.WARNING
            yield Finding(message, step.body.at.at_key(), hint, severity=severity)


@rule("content-type-not-offered", "openapi", trigger=Trigger(needs="operations"))
def content_type_not_offered(inspection: Inspection) -> Iterator[Finding]:
    """Report bodies with a media type that the operation does not accept."""
    for _, step, call in inspection.operation_steps():
        body = step.body
        if body is None or call.operation.request_body is None:
            continue
        offered = call.operation.request_body.content
        if not offered or best_match(offered, body.content_type) is not None or "$" in body.content_type:
            continue
        stated = resolve_pointer(inspection.description.raw, f"{body.at.pointer}/contentType") is not MISSING
        message = f"the request body is {body.content_type}, which the operation is not described to take"
        if not stated:
            message = f"no contentType is given, so {body.content_type} is sent, which the operation does not offer"
        hint = f"write contentType: {' or '.join(list(offered)[:4])}"
        at = body.at.child("contentType") if stated else body.at.at_key()
        yield Finding(message, at, hint)


_MEDIA_TYPE: Final = pattern(r"[\w!#$&^.+\-]+/[\w!#$&^.+*\-]+\s*(?:;.*)?", re.DOTALL)
_SUGGESTIONS: Final = {
    "json": "write application/json",
    "xml": "write application/xml",
    "form": "write application/x-www-form-urlencoded",
    "multipart": "write multipart/form-data",
    "text": "write text/plain",
}


@rule("invalid-content-type", "shape", trigger=Trigger(words=("contentType",)))
def invalid_content_type(inspection: Inspection) -> Iterator[Finding]:
    """Report content types that are not `type/subtype` with optional parameters (RFC 9110 §8.3.1)."""
    for _, step in inspection.steps:
        written = step.request_body.content_type if step.request_body is not None else None
        if written is None or "$" in written or _MEDIA_TYPE.fullmatch(written.strip()):
            continue
        message = f"contentType {preview(written, 60)} is not a media type"
        hint = _SUGGESTIONS.get(written.strip().lower()) or "write type/subtype, such as application/json"
        at = inspection.at(f"{step.at.pointer}/requestBody/contentType")
        yield Finding(message, at, hint)


@rule("payload-mismatch", "openapi", trigger=Trigger(needs="exchanges"))
def payload_mismatch(inspection: Inspection) -> Iterator[Finding]:
    """Report payloads that do not fit the schema of the request or message in type, enum, limits or pattern."""
    for each in inspection.payload_mismatches:
        if each.keyword not in ("required", "additionalProperties", "readOnly", "near"):
            message = f'step "{each.step.step_id}": {each.message}'
            member = each.at.pointer.rpartition("/")[2]
            above = each.step.at.pointer.rpartition("/steps/")[0]
            workflow = next((known for known in inspection.compiled if known.at.pointer == above), None)
            whole = None if workflow is None else _whole_body_hint(each.message, member, workflow)
            yield Finding(message, each.at, whole or each.hint or _hint(each))


_OUTPUT_READ: Final = pattern(r" but \$steps\.([\w-]+)\.outputs\.([\w.-]+) is object$")


def _whole_body_hint(message: str, member: str, workflow: CompiledWorkflow) -> str | None:
    """Return the hint for an object that does not fit because the output that is read is a whole response body."""
    found = _OUTPUT_READ.search(message)
    step = None if found is None else next((each for each in workflow.steps if each.step_id == found[1]), None)
    value = None if found is None or step is None else dict(step.outputs).get(found[2])
    if found is None or value is None or not isinstance(value, ExpressionValue):
        return None
    read = value.expression
    if not isinstance(read, MessageReference) or read.part != "body" or read.pointer or read.path:
        return None
    return f'"{found[2]}" is the whole response body; read one member of it, as in {read}#/{member}'


def _hint(found: PayloadMismatch) -> str:
    message = found.message
    braced = re.search(r" but \{(\$[^{}]+)\} is string$", message)
    if braced is not None:
        return f"write {braced[1]} without braces, which make it a text"
    if found.keyword == "type" and " but $inputs." in message:
        return "declare the input with that type, or pass another value"
    return f"see the {found.of} in the description"


@rule("missing-payload-member", "openapi", trigger=Trigger(needs="exchanges"))
def missing_payload_member(inspection: Inspection) -> Iterator[Finding]:
    """Report required members that neither the payload nor a replacement has; one finding for each object."""
    lacking: dict[tuple[str, Location, str, str], list[str]] = {}
    for each in inspection.payload_mismatches:
        if each.keyword == "required":
            what = each.message.partition(" lacks ")[0]
            lacking.setdefault((each.step.step_id, each.at, what, each.of), []).append(each.name)
    for (step_id, at, what, of), names in lacking.items():
        listed = ", ".join(f'"{name}"' for name in names)
        message = f'step "{step_id}": {what} lacks {listed}, which the {of} requires'
        hint = f"add {'it' if len(names) == 1 else 'them'} to the payload"
        yield Finding(message, at, hint)


@rule("unknown-payload-member", "openapi", trigger=Trigger(needs="exchanges"))
def unknown_payload_member(inspection: Inspection) -> Iterator[Finding]:
    """Report members that a closed schema does not allow, and misspelt members of an open one."""
    for each in inspection.payload_mismatches:
        if each.keyword in ("additionalProperties", "near"):
            message = f'step "{each.step.step_id}": {each.message}'
            hint = each.hint or "remove it; the schema allows no other members"
            yield Finding(message, each.at, hint)


@rule("read-only-member", "openapi", trigger=Trigger(needs="operations"))
def read_only_member(inspection: Inspection) -> Iterator[Finding]:
    """Report members that the description marks as readOnly (OpenAPI §Schema Object: they SHOULD NOT be sent)."""
    for each in inspection.payload_mismatches:
        if each.keyword == "readOnly":
            message = f'step "{each.step.step_id}": {each.message}'
            hint = "leave it out; a server may refuse it, or ignore it"
            yield Finding(message, each.at, hint)
