"""Responses: statuses, headers, bodies and members that contradict what is documented."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeGuard, assert_never

from arazzo_runner.base.json_values import JsonValue, equal, pointer_tokens, preview, to_number, type_name
from arazzo_runner.errors import Location, Severity, did_you_mean
from arazzo_runner.expressions.nodes import (
    And,
    Comparison,
    Condition,
    Constant,
    Expression,
    Keyword,
    MessageReference,
    Not,
    Or,
    OutputReference,
    StepReference,
)
from arazzo_runner.lint.analysis.conditions import STATUS, atoms_of
from arazzo_runner.lint.analysis.response_types import ResponseTypes, query_paths
from arazzo_runner.lint.analysis.schema_types import ANY, Found, Lost, lookup, possible_types, possible_values
from arazzo_runner.lint.analysis.uses import (
    BEFORE,
    Use,
    criterion_expressions,
    operand_expression,
    reads_only_status,
    sent,
)
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import names_hint, pinpoint
from arazzo_runner.program.model import (
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    OperationCall,
    QueryCriterion,
    SelectorValue,
    SimpleCriterion,
    Unlinked,
    Value,
    WorkflowCall,
)

# Headers that any server may send (RFC 9110 and friends): few descriptions list them.
_USUAL_HEADERS: Final = frozenset(
    {"accept-ranges", "age", "allow", "cache-control", "connection", "content-disposition", "content-encoding",
     "content-language", "content-length", "content-location", "content-range", "content-type", "date", "etag",
     "expires", "last-modified", "link", "location", "retry-after", "server", "set-cookie", "vary", "via",
     "www-authenticate"}
)  # fmt: skip


@rule(
    "header-not-documented", "openapi", severity=Severity.INFO, trigger=Trigger(parts=("header",), needs="operations")
)
def header_not_documented(inspection: Inspection) -> Iterator[Finding]:
    """Report `$response.header.<name>` of headers that no documented response of the operation has."""
    for use, _, call in inspection.operation_uses():
        expression = use.expression
        if not isinstance(expression, MessageReference) or use.role in BEFORE:
            continue
        if (expression.message, expression.part) != ("response", "header"):
            continue
        name = expression.name or ""
        known = sorted({each for response in call.operation.responses.values() for each in response.headers})
        if name.lower() in _USUAL_HEADERS or name.lower() in {each.lower() for each in known}:
            continue
        message = f'no documented response has a header "{name}"'
        hint = names_hint(name, known) or "see the headers in the description; many descriptions omit them"
        at = pinpoint(expression, use.at, inspection.description.raw)
        yield Finding(message, at, hint)


@rule("no-response-body", "openapi", trigger=Trigger(needs="operations"))
def no_response_body(inspection: Inspection) -> Iterator[Finding]:
    """Report `$response.body` of steps that pass only with 204, 205 or 304, as documented."""
    for use in inspection.uses:
        expression = use.expression
        if use.step is None or use.role not in ("output", "criterion") or not isinstance(expression, MessageReference):
            continue
        answers = inspection.response_types.answers(use.workflow, use.step)
        if answers is None or (expression.message, expression.part) != ("response", "body") or not answers.has_no_body:
            continue
        operation = answers.operation
        statuses = ", ".join(sorted(answers.passed_keys))
        message = f"{expression}: {operation.method} {operation.path} answers {statuses}, which has no body"
        hint = "read $statusCode or a header, or read the body of another operation"
        at = pinpoint(expression, use.at, inspection.description.raw)
        yield Finding(message, at, hint)


@rule("no-response-here", "language")
def no_response_here(inspection: Inspection) -> Iterator[Finding]:
    """Report requests and responses in steps that call a workflow and in workflow outputs, and `$outputs` in steps."""
    for use in inspection.uses:
        if not isinstance(use.expression, (Keyword, MessageReference, OutputReference)) or use.role in BEFORE:
            continue
        if isinstance(use.expression, Keyword) and use.expression.name == "self":
            continue
        where, hint = _why_not_here(use)
        if where:
            message = f"{use.expression} has no value here: {where}"
            yield Finding(message, use.at, hint)


def _why_not_here(use: Use) -> tuple[str, str]:
    if isinstance(use.expression, OutputReference):
        # In a step that calls a workflow they are those of the called one.
        is_early = use.step is not None and isinstance(use.step.call, OperationCall)
        where = "the outputs of a workflow are worked out at its end" if is_early else ""
        return where, "read $steps.<stepId>.outputs.<name>"
    if use.step is None:
        return "workflow outputs are outside of any request", "read $steps.<stepId>.outputs.<name>"
    match use.step.call:
        case WorkflowCall():
            hint = f"read $steps.{use.step.step_id}.outputs.<name>, or leave it to the steps of the workflow"
            return "the step calls a workflow, and has no response of its own", hint
        case OperationCall():
            if isinstance(use.expression, MessageReference) and use.expression.message == "message":
                return "only a step that receives has a message", "write $response for the response of an operation"
            return "", ""
        case MessageCall():
            if not isinstance(use.expression, MessageReference) or use.expression.message != "message":
                return "the step sends or receives a message", "write $message for the message of the step"
            return "", ""
        case Unlinked():
            return "", ""
        case _:
            assert_never(use.step.call)


@rule("response-too-early", "language", severity=Severity.ERROR)
def response_too_early(inspection: Inspection) -> Iterator[Finding]:
    """Report expressions that read the request or response in what is evaluated before the request is sent."""
    for _, step in inspection.compiled_steps:
        for expression, at, role in sent(step):
            if not _comes_from_response(expression, step):
                continue
            message = f"{expression} has no value yet: a {role} is worked out before the request is sent"
            hint = "make it an output of the step before, and read $steps.<stepId>.outputs.<name>"
            yield Finding(message, at, hint)


def _comes_from_response(expression: Expression, step: CompiledStep) -> bool:
    """Return whether an expression reads its step's exchange, or its output on no second visit, or `$outputs`."""
    match expression:
        case Keyword(name=name):
            return name != "self"
        case MessageReference() | OutputReference():
            return True
        case StepReference(step_id=step_id, output=output) if step_id == step.step_id and output in dict(step.outputs):
            return step_id not in step.later and all(action.type != "retry" for action in step.on_failure)
        case _:
            return False


@rule("status-not-documented", "openapi", trigger=Trigger(needs="operations"))
def status_not_documented(inspection: Inspection) -> Iterator[Finding]:
    """Report steps that pass only with a status that their operation does not document."""
    for workflow, step in inspection.compiled_steps:
        answers = inspection.response_types.answers(workflow, step)
        if answers is None or not answers.operation.responses or answers.passed_keys or not answers.can_pass:
            continue
        operation = answers.operation
        if all(key[:1] in ("4", "5") for key in operation.responses):
            continue  # only failures are documented
        answers_with = f"{operation.method} {operation.path} is described to answer {', '.join(operation.responses)}"
        atom = next((each for each in atoms_of(step.criteria) if STATUS in each.subjects), None)
        if atom is not None:
            message = f'"{atom.text}" never holds as documented: {answers_with}'
            at = atom.at
        else:
            message = f"{answers_with}: no 2xx, which this step needs to pass"
            at = step.at.child("stepId")
        hint = f"write a criterion for a documented status, such as $statusCode == {_likely(operation.responses)}"
        yield Finding(message, at, hint)


def _likely(statuses: Iterable[str]) -> str:
    """Return the documented status to suggest: the first 2xx, else the first."""
    known = [status for status in statuses if status.isdigit()]
    return next((status for status in known if status.startswith("2")), known[0] if known else "200")


_NUMBERS: Final = frozenset({"integer", "number"})


@rule("impossible-comparison", "openapi")
def impossible_comparison(inspection: Inspection) -> Iterator[Finding]:
    """Report comparisons that no value of the documented type can satisfy."""
    for workflow, step in inspection.compiled_steps:
        actions = (*step.on_success, *step.on_failure)
        for criterion in (*step.criteria, *(each for action in actions for each in action.criteria)):
            if not isinstance(criterion, SimpleCriterion) or reads_only_status(criterion):
                continue
            for comparison in _comparisons(criterion.condition):
                why = _why_never(comparison, inspection, workflow, step)
                if why is not None:
                    message, hint = f"{comparison} never holds: {why}", _comparison_hint(comparison)
                    yield Finding(message, criterion.at, hint)


def _comparisons(condition: Condition) -> Iterator[Comparison]:
    waiting = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Comparison):
            yield part
        elif isinstance(part, (And, Or)):
            waiting += reversed(part.operands)
        elif isinstance(part, Not):
            waiting.append(part.operand)


def _why_never(
    comparison: Comparison, inspection: Inspection, workflow: CompiledWorkflow, step: CompiledStep
) -> str | None:
    for one, other in ((comparison.left, comparison.right), (comparison.right, comparison.left)):
        reading = operand_expression(one)
        if reading is None or isinstance(reading, Keyword) or not isinstance(other, Constant):
            continue
        alternatives = inspection.response_types.in_any_answer(reading, workflow, step)
        types = possible_types(alternatives)
        if types and not _may_compare(types, comparison.operator, other.value):
            shown = " or ".join(sorted(types - {"integer"} if "number" in types else types))
            return f"it is {shown}, compared with {type_name(other.value)} {preview(other.value, 40)}"
        values = possible_values(alternatives)
        if comparison.operator == "==" and values and not any(equal(value, other.value) for value in values):
            return f"it is one of {', '.join(preview(value, 30) for value in values[:8])}"
    return None


def _may_compare(types: frozenset[str], operator: str, value: JsonValue) -> bool:
    """Return whether a comparison with a value of these types may hold (semantics §4)."""
    if operator == "!=" or value is None:
        return True  # a missing value counts as null
    if isinstance(value, bool):
        return operator == "==" and "boolean" in types
    if to_number(value) is not None:
        return bool(types & {*_NUMBERS, "string"})
    return isinstance(value, str) and "string" in types


def _comparison_hint(comparison: Comparison) -> str:
    for side in (comparison.left, comparison.right):
        if isinstance(side, Constant) and isinstance(side.value, str) and side.value.lower() in ("true", "false"):
            return f"write {side.value.lower()} without quotes"
    return "compare with a value that the description allows"


_CRITERIA: Final = ("criterion", "action-criterion")


@rule("unknown-response-member", "openapi")
def unknown_response_member(inspection: Inspection) -> Iterator[Finding]:
    """Report pointers and paths to members that no documented schema of the response has."""
    response_types, raw = inspection.response_types, inspection.description.raw
    for use in inspection.uses:
        if not _goes_on(use.expression) or use.role in _CRITERIA:
            continue
        if use.role in BEFORE and isinstance(use.expression, MessageReference):
            continue  # reported by response-too-early
        lost = _lost(use.expression, response_types, use.workflow, use.step)
        if lost is not None:
            yield _lost_member(use.expression, lost, pinpoint(use.expression, use.at, raw))
    for workflow, step in inspection.compiled_steps:
        criteria = [each for action in (*step.on_success, *step.on_failure) for each in action.criteria]
        for criterion in (*step.criteria, *criteria):
            if reads_only_status(criterion):
                continue
            for expression in criterion_expressions(criterion):
                lost = _lost(expression, response_types, workflow, step)
                if lost is not None:
                    yield _lost_member(expression, lost, pinpoint(expression, criterion.at, raw))
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


def _is_length(tokens: Sequence[str], lost: Lost) -> bool:
    """Return whether the missing member is `.length` of a list or text (semantics §4)."""
    return tokens[lost.index] == "length" and lost.types is not None and bool(lost.types & {"array", "string"})


def _lost_member(expression: Expression, lost: tuple[Sequence[str], Lost], at: Location) -> Finding:
    tokens, found = lost
    name = tokens[found.index]
    above = "/".join(token if token != ANY else "*" for token in tokens[: found.index])
    where = f'"{above}" of the documented response' if above else "the documented response"
    if found.kind == "no-members":
        kinds = " or ".join(sorted(found.types or ())) or "no object"
        message = f'{expression}: {where} is of type {kinds}, it has no member "{name}"'
    else:
        message = f'{expression}: {where} has no member "{name}"'
    return Finding(message, at, _member_hint(name, found))


def _member_hint(name: str, lost: Lost) -> str:
    if lost.kind == "no-members" and "array" in (lost.types or ()):
        return f"name an item first, such as 0/{name}"
    near = did_you_mean(name, lost.names)
    if near is not None:
        return near
    shown = ", ".join(lost.names[:8]) + (" …" if len(lost.names) > 8 else "")
    return f"available: {shown}" if shown else "see the response in the description"


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
) -> Iterator[Finding]:
    if not tokens or not isinstance(context, (MessageReference, StepReference)):
        return
    found = response_types.of(context, workflow, step)
    lost = lookup(found.alternatives, tokens) if isinstance(found, Found) and found.alternatives is not None else None
    if isinstance(lost, Lost) and not _is_length(tokens, lost):
        yield _lost_member(context, (tokens, lost), at)
