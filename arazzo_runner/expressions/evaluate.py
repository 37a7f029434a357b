"""Evaluation in a scope: the value of an expression, the text of a template, the verdict of a condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from arazzo_runner.base.json_values import (
    MISSING,
    JsonValue,
    Missing,
    compare,
    equal,
    is_truthy,
    member,
    preview,
    resolve_pointer,
    to_text,
    type_name,
    uncounted,
)
from arazzo_runner.base.records import Record
from arazzo_runner.expressions.nodes import (
    Access,
    And,
    Comparison,
    ComponentReference,
    Condition,
    Constant,
    Expression,
    InputReference,
    Keyword,
    MessageReference,
    Not,
    Or,
    OutputReference,
    Path,
    Reference,
    SourceReference,
    StepReference,
    Template,
    WorkflowReference,
)
from arazzo_runner.expressions.queries.budget import RAISED_BY, Budget, TooMuchWork
from arazzo_runner.expressions.scope import Message, Scope

MOST_RENDERED = 50_000_000
"""The most characters a rendered template may have: a text of 1 MB can embed a large value 100,000 times."""


class MissingValue(Exception):
    """An expression of a template has no value, or, by `reason`, cannot be rendered."""

    def __init__(self, expression: Expression, reason: str | None = None) -> None:
        super().__init__(f"{expression} has no value" if reason is None else f"{expression}: {reason}")
        self.expression = expression
        self.reason = reason


def evaluate(expression: Expression, scope: Scope) -> JsonValue | Missing:
    """Return the value of a runtime expression, of its own type; MISSING when there is none.

    Only dicts, lists and the fields of the Scope are accessed, never attributes of values.
    """
    match expression:
        case MessageReference():
            return _message(expression, scope)
        case Keyword():
            return _keyword(expression, scope)
        case StepReference():
            outputs = scope.steps.get(expression.step_id)
            if outputs is None:
                return MISSING
            return _named(outputs, expression.output, expression.pointer, expression.path)
        case InputReference():
            return _named(scope.inputs, expression.name, expression.pointer, expression.path)
        case WorkflowReference():
            workflow = scope.workflows.get(expression.workflow_id)
            if workflow is None:
                return MISSING
            values = workflow.inputs if expression.field == "inputs" else workflow.outputs
            return _named(values, expression.name, expression.pointer, expression.path)
        case OutputReference():
            return _named(scope.outputs, expression.name, expression.pointer, expression.path)
        case SourceReference():
            return scope.sources.get(expression.source, {}).get(expression.reference, MISSING)
        case ComponentReference():
            return scope.components.get(expression.type, {}).get(expression.name, MISSING)
        case _:
            assert_never(expression)


def render(template: Template, scope: Scope) -> str:
    """Return a template's text: scalars as text, structures as JSON (Arazzo 1.1 §Examples).

    Raises MissingValue for a part that has no value, or that makes the text too long. text_languages.py
    does so for a text of a language in which values are escaped.
    """
    written = []
    length = 0
    for part in template.parts:
        if isinstance(part, str):
            text = part
        else:
            value = evaluate(part, scope)
            if value is MISSING:
                raise MissingValue(part)
            text = to_text(embeddable(value, part))
        length += len(text)
        if length > MOST_RENDERED and not isinstance(part, str):
            raise MissingValue(part, f"the text around it has more than {MOST_RENDERED} characters")
        written.append(text)
    return "".join(written)


def embeddable(value: JsonValue, expression: Expression) -> JsonValue:
    """Return a value that a text can have, the content of a file decoded; raises MissingValue for other bytes."""
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        raise MissingValue(expression, "it is a file that is not text, and only text fits into a text") from None


def _keyword(expression: Keyword, scope: Scope) -> JsonValue | Missing:
    if expression.name == "statusCode":
        return scope.status_code
    if expression.name == "url":
        return scope.url
    if expression.name == "method":
        return scope.method
    return MISSING if scope.self_uri is None else scope.self_uri


def _message(expression: MessageReference, scope: Scope) -> JsonValue | Missing:
    message: Message | None
    if expression.message == "response":
        message = scope.response
    else:
        message = scope.request if expression.message == "request" else scope.message
    if message is None:
        return MISSING
    if expression.part in ("body", "payload"):
        value = message.body
        if expression.pointer:
            value = _pointed(value, expression.pointer)
        return _walk(value, expression.path) if expression.path else value
    name = expression.name or ""
    if expression.part == "header":
        return message.header(name)
    return (message.query if expression.part == "query" else message.path).get(name, MISSING)


def _named(values: Mapping[str, JsonValue], name: str | None, pointer: str | None, path: Path) -> JsonValue | Missing:
    """Look up the longest name there is (semantics §3), then follow the pointer and property steps."""
    if name is None:
        value: JsonValue = dict(values)
    else:
        value = values.get(name, MISSING)
        if value is MISSING and "." in name:
            value = _dotted(values, name)
    if pointer:
        value = _pointed(value, pointer)
    return _walk(value, path) if path else value


def _dotted(values: Mapping[str, JsonValue], name: str) -> JsonValue | Missing:
    parts = name.split(".")
    for count in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:count])
        if head in values:
            return _walk(values[head], tuple(parts[count:]))
    return MISSING


def _pointed(value: JsonValue | Missing, pointer: str) -> JsonValue | Missing:
    """Resolve a JSON Pointer; `.length` after it (tolerated) is a length unless there is such a member."""
    found = resolve_pointer(value, pointer)
    if found is MISSING and pointer.endswith(".length"):
        return _step(resolve_pointer(value, pointer.removesuffix(".length")), "length")
    return found


def _walk(value: JsonValue | Missing, path: Path) -> JsonValue | Missing:
    for step in path:
        value = _step(value, step)
        if value is MISSING:
            return MISSING
    return value


def _step(value: JsonValue | Missing, step: str | int) -> JsonValue | Missing:
    found = member(value, str(step))
    if found is MISSING and step == "length" and isinstance(value, (list, str)):
        return len(value)
    return found


# ------------------------------------------------------------------ conditions


class Judgement(Record):
    """Whether a condition holds, the values it read, and the reason why it does not hold."""

    passed: bool
    seen: tuple[tuple[str, JsonValue], ...] = ()
    reason: str | None = None


def holds(condition: Condition, scope: Scope, timeout: float = 1.0) -> Judgement:
    """Evaluate a simple condition (Arazzo 1.1 §Condition Evaluation, semantics §4).

    `timeout` in seconds bounds the work; a condition that takes more does not hold.
    """
    judge = _Judge(scope, Budget(timeout))
    try:
        passed = judge.truth(condition)
        reason = None if passed else judge.reason(condition)
    except TooMuchWork:
        passed, reason = False, f"the condition takes too much work for its time limit ({RAISED_BY})"
    return Judgement(passed, tuple(judge.seen.items()), reason)


class _Judge:
    """Evaluates one condition and records the values it reads."""

    __slots__ = ("budget", "scope", "seen")

    def __init__(self, scope: Scope, budget: Budget) -> None:
        self.scope = scope
        self.budget = budget
        self.seen: dict[str, JsonValue] = {}

    def truth(self, node: Condition) -> bool:
        match node:
            case Comparison():
                return compares(self.value(node.left), node.operator, self.value(node.right), self.budget.spend)
            case And():
                return all(self.truth(operand) for operand in node.operands)
            case Or():
                return any(self.truth(operand) for operand in node.operands)
            case Not():
                return not self.truth(node.operand)
            case Constant() | Reference() | Access():
                return is_truthy(self.value(node))
            case _:
                assert_never(node)

    def value(self, node: Condition) -> JsonValue | Missing:
        if isinstance(node, Constant):
            return node.value
        self.budget.spend()
        if isinstance(node, Reference):
            value = evaluate(node.expression, self.scope)
            self.seen[str(node.expression)] = value
            return value
        if isinstance(node, Access):
            value = _step(self.value(node.operand), node.step)
            self.seen[str(node)] = value
            return value
        return self.truth(node)

    def reason(self, node: Condition) -> str:
        """Return in one sentence why a condition does not hold."""
        match node:
            case And():
                failed = next((operand for operand in node.operands if not self.truth(operand)), node.operands[0])
                return self.reason(failed)
            case Or():
                return "none of " + " || ".join(map(str, node.operands)) + " holds"
            case Comparison():
                return self._comparison_reason(node)
            case Not():
                return f"{node.operand} holds"
            case Constant() | Reference() | Access():
                return f"{node} is {preview(self.value(node))}"
            case _:
                assert_never(node)

    def _comparison_reason(self, node: Comparison) -> str:
        left, right = self.value(node.left), self.value(node.right)
        for side, value in ((node.left, left), (node.right, right)):
            if value is MISSING and node.operator not in ("==", "!="):
                return f"{side} is missing"
        if node.operator not in ("==", "!=") and compare(left, right, self.budget.spend) is None:
            return (
                f"cannot compare {type_name(left)} {node.operator} {type_name(right)} ({node.left} is {preview(left)})"
            )
        if isinstance(node.left, Constant) and not isinstance(node.right, Constant):
            return f"{node.right} is {preview(right)}, expected {node.left} {node.operator} it"
        expected = f"{node.operator} {preview(right)}"
        if not isinstance(node.right, Constant):
            expected += f" ({node.right})"
        return f"{node.left} is {preview(left)}, expected {expected}"


def compares(left: JsonValue, operator: str, right: JsonValue, spend: Callable[[int], None] = uncounted) -> bool:
    """Return whether `left operator right` holds in a simple condition; values without an order are never < or >."""
    if operator in ("==", "!="):
        return equal(left, right, spend) is (operator == "==")
    order = compare(left, right, spend)
    if order is None:
        return False
    if operator == "<":
        return order < 0
    if operator == "<=":
        return order <= 0
    return order > 0 if operator == ">" else order >= 0
