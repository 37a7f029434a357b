"""Responses: statuses, headers and bodies that contradict what is documented, or that are read where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from arazzo_runner.base.json_values import JsonValue, equal, preview, to_number, type_name
from arazzo_runner.base.records import replace
from arazzo_runner.errors import Severity
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
from arazzo_runner.lint.analysis.schema_types import possible_types, possible_values
from arazzo_runner.lint.analysis.uses import (
    BEFORE,
    Use,
    operand_expression,
    reads_only_status,
    sent,
)
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import names_hint, pinpoint
from arazzo_runner.program.model import (
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    OperationCall,
    SimpleCriterion,
    Unlinked,
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
    """Report requests, responses and messages where there are none, and `$outputs` in steps."""
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
        is_early = use.step is not None and isinstance(use.step.call, OperationCall | MessageCall)
        where = "the outputs of a workflow are worked out at its end" if is_early else ""
        return where, "read $steps.<stepId>.outputs.<name>"
    if use.step is None:
        return "workflow outputs are outside of any step", "read $steps.<stepId>.outputs.<name>"
    match use.step.call:
        case WorkflowCall():
            hint = f"read $steps.{use.step.step_id}.outputs.<name>, or leave it to the steps of the workflow"
            return "the step calls a workflow, and has no response of its own", hint
        case OperationCall():
            if isinstance(use.expression, MessageReference) and use.expression.message == "message":
                return "the step calls an operation over HTTP", f"write {_in_response(use.expression)}"
            return "", ""
        case MessageCall(action=action):
            if not isinstance(use.expression, MessageReference) or use.expression.message != "message":
                return f"the step {action}s a message", _message_hint(use.expression)
            return "", ""
        case Unlinked():
            return "", ""
        case _:
            assert_never(use.step.call)


def _in_response(expression: MessageReference) -> str:
    """Return what a reference to a message is called in a step with an HTTP response."""
    part = "body" if expression.part == "payload" else expression.part
    return str(replace(expression, message="response", part=part))


def _message_hint(expression: Expression) -> str:
    """Return what to write, where there is a message, for a reference to a request or a response."""
    if isinstance(expression, MessageReference) and expression.part in ("body", "payload", "header"):
        part = "header" if expression.part == "header" else "payload"
        return f"write {replace(expression, message='message', part=part)}"
    if isinstance(expression, Keyword) and expression.name == "statusCode":
        return "a message has no status; compare a member of its payload, as in $message.payload#/status"
    return "read $message.payload or $message.header.<name>"


@rule("response-too-early", "language", severity=Severity.ERROR)
def response_too_early(inspection: Inspection) -> Iterator[Finding]:
    """Report expressions that read a request, response or message in what is evaluated before it is sent or comes."""
    for _, step in inspection.compiled_steps:
        for expression, at, role in sent(step):
            if not _comes_from_response(expression, step):
                continue
            message = f"{expression} has no value yet: a {role} is worked out before {_what_comes(step)}"
            hint = "make it an output of the step before, and read $steps.<stepId>.outputs.<name>"
            if role == "correlationId" and isinstance(expression, MessageReference) and expression.message == "message":
                hint = "write the id that is expected, such as $inputs.id; its place is in the AsyncAPI description"
            yield Finding(message, at, hint)


def _what_comes(step: CompiledStep) -> str:
    if not isinstance(step.call, MessageCall):
        return "the request is sent"
    return "the message is sent" if step.call.action == "send" else "a message comes"


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
