"""Members that responses and messages do not have, as documented."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, TypeGuard

from arazzo_runner.base.json_values import pointer_tokens
from arazzo_runner.errors import Location, Severity, did_you_mean
from arazzo_runner.expressions.nodes import Expression, MessageReference, StepReference
from arazzo_runner.lint.analysis.message_types import described_headers
from arazzo_runner.lint.analysis.response_types import ResponseTypes, query_paths
from arazzo_runner.lint.analysis.schema_types import ANY, Found, Lost, lookup
from arazzo_runner.lint.analysis.uses import BEFORE, criterion_expressions, reads_only_status
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import names_hint, pinpoint
from arazzo_runner.program.model import (
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    QueryCriterion,
    SelectorValue,
    Value,
)

_CRITERIA: Final = ("criterion", "action-criterion")


@rule("unknown-response-member", "openapi")
def unknown_response_member(inspection: Inspection) -> Iterator[Finding]:
    """Report pointers and paths to members that no documented schema of the response has."""
    for expression, lost, at in _lost_members(inspection):
        if not _is_of_message(expression):
            yield _lost_member(expression, lost, at, "response")


# Headers that drivers and brokers add, or that carry what is described elsewhere.
_USUAL: Final = frozenset({"content-type", "correlationid", "correlation-id", "reply-to", "message-id", "timestamp"})


@rule("unknown-message-member", "asyncapi", trigger=Trigger(parts=("$message",), needs="messages"))
def unknown_message_member(inspection: Inspection) -> Iterator[Finding]:
    """Report members that no described payload of the message has; of headers, which are often left out, a note."""
    for expression, lost, at in _lost_members(inspection):
        if _is_of_message(expression):
            yield _lost_member(expression, lost, at, "message")
    for use in inspection.uses:
        expression, call = use.expression, None if use.step is None else use.step.call
        if not isinstance(expression, MessageReference) or not isinstance(call, MessageCall) or use.role in BEFORE:
            continue
        described = described_headers(call) if _is_of_message(expression) and expression.part == "header" else None
        name = expression.name or ""
        known = sorted({each for names in (described or {}).values() for each in names})
        if not known or name.lower() in _USUAL or name.lower() in {each.lower() for each in known}:
            continue
        message = f'{expression}: the described message has no header "{name}"'
        hint = names_hint(name, known) or "see the headers in the description; it may not list all of them"
        yield Finding(message, pinpoint(expression, use.at, inspection.description.raw), hint, Severity.INFO)


def _is_of_message(expression: Expression) -> bool:
    return isinstance(expression, MessageReference) and expression.message == "message"


def _lost_members(
    inspection: Inspection,
) -> Iterator[tuple[Expression, tuple[tuple[str, ...], Lost], Location]]:
    """Yield each expression that reads a member which nothing describes, with its tokens and its place."""
    response_types, raw = inspection.response_types, inspection.description.raw
    for use in inspection.uses:
        if not _goes_on(use.expression) or use.role in _CRITERIA:
            continue
        if use.role in BEFORE and isinstance(use.expression, MessageReference):
            continue  # reported by response-too-early
        lost = _lost(use.expression, response_types, use.workflow, use.step)
        if lost is not None:
            yield use.expression, lost, pinpoint(use.expression, use.at, raw)
    for workflow, step in inspection.compiled_steps:
        criteria = [each for action in (*step.on_success, *step.on_failure) for each in action.criteria]
        for criterion in (*step.criteria, *criteria):
            if reads_only_status(criterion):
                continue
            for expression in criterion_expressions(criterion):
                lost = _lost(expression, response_types, workflow, step)
                if lost is not None:
                    yield expression, lost, pinpoint(expression, criterion.at, raw)
        for context, tokens, at in _queries(step):
            yield from _lost_in_query(context, tokens, at, response_types, workflow, step)


def _goes_on(expression: Expression) -> TypeGuard[MessageReference | StepReference]:
    """Return whether an expression reads a part of a message or of a step's output."""
    return isinstance(expression, (MessageReference, StepReference)) and bool(expression.pointer or expression.path)


def _lost(
    expression: Expression, response_types: ResponseTypes, workflow: CompiledWorkflow, step: CompiledStep | None
) -> tuple[tuple[str, ...], Lost] | None:
    if not _goes_on(expression):
        return None
    found = response_types.of(expression, workflow, step)
    tokens = (*pointer_tokens(expression.pointer or ""), *map(str, expression.path))
    return (tokens, found) if isinstance(found, Lost) and not _is_length(tokens, found) else None


def lost_member(
    expression: Expression, response_types: ResponseTypes, workflow: CompiledWorkflow, step: CompiledStep
) -> Finding | None:
    """Return what is wrong with the member of a message that an expression reads, None for nothing."""
    lost = _lost(expression, response_types, workflow, step)
    return None if lost is None else _lost_member(expression, lost, step.at, "message")


def _is_length(tokens: Sequence[str], lost: Lost) -> bool:
    """Return whether the missing member is `.length` of a list or text (semantics §4)."""
    return tokens[lost.index] == "length" and lost.types is not None and bool(lost.types & {"array", "string"})


def _lost_member(expression: Expression, lost: tuple[Sequence[str], Lost], at: Location, what: str) -> Finding:
    tokens, found = lost
    name = tokens[found.index]
    above = "/".join(token if token != ANY else "*" for token in tokens[: found.index])
    where = f'"{above}" of the documented {what}' if above else f"the documented {what}"
    if found.kind == "no-members":
        kinds = " or ".join(sorted(found.types or ())) or "no object"
        message = f'{expression}: {where} is of type {kinds}, it has no member "{name}"'
    else:
        message = f'{expression}: {where} has no member "{name}"'
    return Finding(message, at, _member_hint(name, found, what))


def _member_hint(name: str, lost: Lost, what: str) -> str:
    if lost.kind == "no-members" and "array" in (lost.types or ()):
        return f"name an item first, such as 0/{name}"
    near = did_you_mean(name, lost.names)
    if near is not None:
        return near
    shown = ", ".join(lost.names[:8]) + (" …" if len(lost.names) > 8 else "")
    return f"available: {shown}" if shown else f"see the {what} in the description"


def _queries(step: CompiledStep) -> Iterator[tuple[Expression, tuple[str, ...], Location]]:
    """Yield (context, members that the query reads, place) of each query on a response."""
    criteria: tuple[CompiledCriterion, ...] = step.criteria
    for action in (*step.on_success, *step.on_failure):
        criteria += action.criteria
    for criterion in criteria:
        if isinstance(criterion, QueryCriterion):
            yield from ((criterion.context, tokens, criterion.at) for tokens, _ in query_paths(criterion.query))
    for _, value in step.outputs:
        yield from _selector_queries(value)


def _selector_queries(value: Value) -> Iterator[tuple[Expression, tuple[str, ...], Location]]:
    if isinstance(value, SelectorValue):
        at = value.at.child("selector")
        yield from ((value.context, tokens, at) for tokens, _ in query_paths(value.query))


def _lost_in_query(
    context: Expression,
    tokens: tuple[str, ...],
    at: Location,
    response_types: ResponseTypes,
    workflow: CompiledWorkflow,
    step: CompiledStep,
) -> Iterator[tuple[Expression, tuple[tuple[str, ...], Lost], Location]]:
    if not tokens or not isinstance(context, (MessageReference, StepReference)):
        return
    found = response_types.of(context, workflow, step)
    lost = lookup(found.alternatives, tokens) if isinstance(found, Found) and found.alternatives is not None else None
    if isinstance(lost, Lost) and not _is_length(tokens, lost):
        yield context, (tokens, lost), at
