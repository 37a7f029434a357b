"""Responses: statuses, headers and bodies that are not documented, or read where there is no response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, assert_never

from arazzo_runner.errors import Severity
from arazzo_runner.expressions.nodes import Keyword, MessageReference
from arazzo_runner.lint.analysis.conditions import STATUS, atoms_of
from arazzo_runner.lint.analysis.references import pinpoint
from arazzo_runner.lint.analysis.uses import BEFORE, Use, sent
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.model import OperationCall, Unlinked, WorkflowCall

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
        hint = names_hint(name, known) or "look the headers up in the description; many leave them out"
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
    """Report expressions that read a request or response in steps that call a workflow, and in workflow outputs."""
    for use in inspection.uses:
        if not isinstance(use.expression, (Keyword, MessageReference)) or use.role in BEFORE:
            continue
        if isinstance(use.expression, Keyword) and use.expression.name == "self":
            continue
        where, hint = _why_not_here(use)
        if where:
            message = f"{use.expression} has no value here: {where}"
            yield Finding(message, use.at, hint)


def _why_not_here(use: Use) -> tuple[str, str]:
    if use.step is None:
        return "the outputs of a workflow belong to no request", "read $steps.<stepId>.outputs.<name>"
    match use.step.call:
        case WorkflowCall():
            hint = f"read $steps.{use.step.step_id}.outputs.<name>, or leave it to the steps of the workflow"
            return "the step calls a workflow, and has no response of its own", hint
        case OperationCall():
            if isinstance(use.expression, MessageReference) and use.expression.message == "message":
                return "only a step that receives has a message", "write $response for the answer of an operation"
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
            if not isinstance(expression, (Keyword, MessageReference)):
                continue
            if isinstance(expression, Keyword) and expression.name == "self":
                continue
            message = f"{expression} has no value yet: a {role} is worked out before the request is sent"
            hint = "make it an output of the step before, and read $steps.<stepId>.outputs.<name>"
            yield Finding(message, at, hint)


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
