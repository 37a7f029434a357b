"""A request for an operation from samples of its schemas, checked by openapi-core."""

from __future__ import annotations

import re

import arazzo_runner
from arazzo_runner.base.json_values import resolve_pointer
from arazzo_runner.base.records import replace
from arazzo_runner.engine.options import NO_CHECKS, RunOptions
from arazzo_runner.engine.request_checks import body_check, parameter_check
from arazzo_runner.program.model import (
    CompiledBody,
    CompiledParameter,
    CompiledStep,
    CompiledWorkflow,
    DocumentScope,
    Literal,
    OperationCall,
    WorkflowKey,
)
from arazzo_runner.runtime.mock.api import DryRunWorld
from arazzo_runner.runtime.mock.sampler import sample
from arazzo_runner.sources.contract import check_request
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.check import schema_errors

SERVER = "http://api.test/base"
DATA = ("example", "examples", "default")
IGNORED = ("accept", "content-type", "authorization")  # OpenAPI §Parameter Object, name


def sampled(schema, base, operation, variant):
    """Return a sample of a schema: 0 by its examples, 1 without them, 2 with required members only."""

    def followed(part):
        try:
            found = operation.schemas.resolve(part, base)[0]
        except ReferenceFailure:
            return {}
        if not isinstance(found, dict) or variant == 0:
            return found if isinstance(found, (dict, bool)) else {}
        bare = {key: value for key, value in found.items() if key not in DATA}
        if variant == 2 and isinstance(bare.get("properties"), dict):
            required = bare.get("required", [])
            bare["properties"] = {name: value for name, value in bare["properties"].items() if name in required}
        return bare

    return sample(schema, followed)


def without_read_only(value, schema, base, operation):
    """Return a sample without the members that only answers have."""
    for error in schema_errors(value, schema, operation.schemas, base=base, direction="request"):
        if error.keyword == "readOnly":
            parent, _, name = error.pointer.rpartition("/")
            holder = resolve_pointer(value, parent)
            if isinstance(holder, dict):
                holder.pop(name.replace("~1", "/").replace("~0", "~"), None)
    return value


def parameter_value(parameter, operation, variant):
    """Return (a sample of a parameter, whether it fits)."""
    schema, base = parameter.schema, parameter.base
    if parameter.content is not None:
        schema, base = parameter.content.schema, parameter.content.base
    value = sampled(schema, base, operation, variant) if schema else "example"
    if value in (None, "", [], {}):
        return "example", not schema
    return value, not parameter_check(value, parameter, operation).errors


def body_value(media_type, operation, variant):
    """Return (a sample of a body, whether it fits)."""
    schema, base = media_type.schema, media_type.base
    value = sampled(schema, base, operation, variant) if schema else media_type.example or {}
    value = without_read_only(value, schema, base, operation)
    return value, not body_check(value, media_type.content_type, media_type, operation).errors


def sendable(value, content_type):
    """Return a sample as a workflow would give it: bytes unless it is JSON, form, XML or text."""
    if "json" in content_type or "form" in content_type or "xml" in content_type or content_type.startswith("text/"):
        return {} if value is None else value
    return b"\x89PNG sample"


def program_for(program, source, operation, description, variant):
    """Return (a program whose only step calls an operation with samples, parts without a matching sample)."""
    unfit = []
    parameters = []
    for parameter in operation.parameters:
        if operation.is_credential(parameter) or parameter.name.lower() in IGNORED:
            continue
        value, fits = parameter_value(parameter, operation, variant)
        unfit += [] if fits else [parameter.name]
        if parameter.required or fits:
            parameters.append(
                CompiledParameter(
                    name=parameter.name,
                    location=parameter.location,
                    value=Literal(value),
                    declared=parameter,
                    at=operation.at,
                )
            )
    known = {parameter.name for parameter in parameters}
    for name in set(re.findall(r"\{([^{}]+)\}", operation.path)) - known:  # not declared, as some descriptions have it
        parameters.append(CompiledParameter(name=name, location="path", value=Literal("1"), at=operation.at))
    body = None
    if operation.request_body is not None and operation.request_body.content:
        content_type, media_type = next(iter(operation.request_body.content.items()))
        value, fits = body_value(media_type, operation, variant)
        unfit += [] if fits else ["body"]
        body = CompiledBody(content_type=content_type, payload=Literal(sendable(value, content_type)), at=operation.at)
    call = OperationCall(operation=operation, source=source, description=description, server=SERVER)
    step = CompiledStep(step_id="s", call=call, parameters=tuple(parameters), body=body, at=operation.at)
    key = WorkflowKey(program.base, "only")
    workflow = CompiledWorkflow(
        key=key, document=DocumentScope(uri=program.base, self_uri=None), inputs=None, steps=(step,), positions={"s": 0},
        at=operation.at,
    )  # fmt: skip
    return replace(program, workflows={key: workflow}, entry=key), unfit


def outcome(program, source, operation, description):
    """Return the outcome of an operation's request: `accepted`, or why not, with the message of openapi-core.

    The first of three samples that is accepted counts: an example in a description may not match its own schema.
    """
    first = None
    for variant in range(3):
        only, unfit = program_for(program, source, operation, description, variant)
        result = arazzo_runner.run(only, world=DryRunWorld(only), options=RunOptions(checks=NO_CHECKS))
        attempt = result.steps[0].attempts[0]
        if attempt.response is None:
            first = first or ("not buildable", [each.message for each in attempt.diagnostics])
            continue
        request = attempt.request
        problems, unchecked = check_request(operation, request.url, request.headers, request.body)
        if not problems and unchecked is None and not (unfit and variant < 2):
            return "accepted", []
        kind = "library failed" if unchecked else "no fitting sample" if unfit else "refused"
        first = first or (kind, [unchecked] if unchecked else [*unfit, *problems])
    return first
