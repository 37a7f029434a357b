"""A JSONPath filter that is applied to an object, whose members it would test."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.base.json_values import JsonValue, pointer_tokens
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import Expression, MessageReference
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import OperationCall, QueryCriterion
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.references import ReferenceFailure

CODE = "filter-on-object"
SEVERITY = Severity.WARNING
GROUP = "language"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`$[?@.status == 'free']` filters the items of a list; of an object it filters the members."""
    for _, step in program.compiled_steps:
        if not isinstance(step.call, OperationCall):
            continue
        for criterion in step.criteria:
            if not isinstance(criterion, QueryCriterion) or criterion.kind != "jsonpath":
                continue
            # `$[?$.status == 'free']` asks about the object itself, whatever member is tested.
            is_about_members = criterion.text.startswith("$[?") and "@" in criterion.text
            if is_about_members and _is_object(criterion.context, step.call):
                message = f"{criterion.context} is an object: the filter tests each of its members, not the object"
                at = criterion.at.within(0, 3)
                hint = "test the object itself in a simple condition, or filter a list in it: $.items[?…]"
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _is_object(expression: Expression, call: OperationCall) -> bool:
    """Tell whether what a criterion looks at is an object, by every documented success response."""
    if not isinstance(expression, MessageReference) or expression.path:
        return False
    if expression.message != "response" or expression.part != "body":
        return False
    successes = [response for status, response in call.operation.responses.items() if status.startswith("2")]
    bodies = [media for response in successes for media in response.content.values() if "json" in media.content_type]
    return bool(bodies) and all(_leads_to_object(media, expression.pointer or "") for media in bodies)


def _leads_to_object(media: MediaType, pointer: str) -> bool:
    schema, base = _followed(media, media.schema, media.base)
    for token in pointer_tokens(pointer):
        if not isinstance(schema, dict):
            return False
        part = schema.get("items") if token.isdigit() else (schema.get("properties") or {}).get(token)
        schema, base = _followed(media, part, base)
    return isinstance(schema, dict) and schema.get("type") == "object"


def _followed(media: MediaType, schema: JsonValue, base: str) -> tuple[JsonValue, str]:
    if not isinstance(schema, dict) or "$ref" not in schema or media.resolve is None:
        return schema, base
    try:
        return media.resolve(schema, base)
    except ReferenceFailure:
        return None, base
