"""Criteria: conditions that are constant, impossible or contradictory; regular expressions, JSONPath, XPath."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, pointer_tokens, preview, to_number
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Severity
from arazzo_runner.expressions.nodes import (
    Access,
    And,
    Comparison,
    Condition,
    Constant,
    Expression,
    Keyword,
    MessageReference,
    Not,
    Or,
    Reference,
)
from arazzo_runner.lint.analysis.conditions import Atom, never_all_hold
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.model import (
    CompiledCriterion,
    ContextCriterion,
    OperationCall,
    QueryCriterion,
    SimpleCriterion,
)
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.references import ReferenceFailure


@rule("constant-condition", "language")
def constant_condition(inspection: Inspection) -> Iterator[Finding]:
    """Report conditions, and parts of them, with a constant value: `200 == 200`, `$statusCode == 200 || 201`."""
    for criteria in inspection.compiled_criteria:
        for criterion in criteria:
            if isinstance(criterion, SimpleCriterion) and not inspection.broken.inside(criterion.at):
                part = _constant_part(criterion.condition)
                if part is not None:
                    message = f"{part} is the same for every response"
                    hint = _hint(criterion.condition, part)
                    yield Finding(message, criterion.at, hint)


def _constant_part(condition: Condition) -> Condition | None:
    """Return the first part with a constant value."""
    waiting = [condition]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Constant):
            return part
        if isinstance(part, Comparison) and (
            part.left == part.right or _is_constant(part.left) is _is_constant(part.right) is True
        ):
            return part
        if isinstance(part, (And, Or)):
            waiting += reversed(part.operands)
        elif isinstance(part, Not):
            waiting.append(part.operand)
    return None


def _is_constant(condition: Condition) -> bool:
    return isinstance(condition, Constant) or (isinstance(condition, Access) and _is_constant(condition.operand))


def _hint(whole: Condition, part: Condition) -> str:
    if isinstance(whole, Or) and isinstance(part, Constant):
        first = next((each for each in whole.operands if isinstance(each, Comparison)), None)
        if first is not None:
            return f"write {first.left} {first.operator} {part}"
    return "compare something of the response, as in $statusCode == 200"


@rule("contradicting-criteria", "language", severity=Severity.ERROR)
def contradicting_criteria(inspection: Inspection) -> Iterator[Finding]:
    """Report criteria that no value satisfies: such a step always fails, such an action is never taken (a warning)."""
    own = {id(step.criteria) for _, step in inspection.compiled_steps}
    for criteria in inspection.compiled_criteria:
        culprits = never_all_hold(criteria)
        if culprits is not None and not _is_reported_otherwise(culprits):
            severity = Severity.ERROR if id(criteria) in own else Severity.WARNING
            yield _finding(culprits, severity)


def _is_reported_otherwise(culprits: tuple[Atom, ...]) -> bool:
    """Return whether another rule reports it: a constant condition, or an equality with an impossible status."""
    return len(culprits) == 1 and (not culprits[0].subjects or "==" in culprits[0].text)


def _finding(culprits: tuple[Atom, ...], severity: Severity) -> Finding:
    last = culprits[-1]
    if len(culprits) == 1:
        message, hint = f"{last.text} never holds", "compare with a value that it can have"
    else:
        texts = " and ".join(each.text for each in culprits[:4])
        message = f"{texts} never hold together, and all criteria must hold"
        hint = f"join them, if either will do: {' || '.join(each.text for each in culprits[:4])}"
    related = tuple(dict.fromkeys(each.at for each in culprits[:-1] if each.at != last.at))
    return Finding(message, last.at, hint, severity=severity, related=related)


_STATUS: Final = Keyword("statusCode")


@rule("impossible-status", "language")
def impossible_status(inspection: Inspection) -> Iterator[Finding]:
    """Report comparisons of `$statusCode` with something that is not a status from 100 to 599 (RFC 9110 §15)."""
    for criteria in inspection.compiled_criteria:
        for criterion in criteria:
            for value in _compared(criterion):
                if not _is_status(value):
                    message = f"$statusCode is never {preview(value)}: a status is a number from 100 to 599"
                    hint = "write a status such as 200, or a range: $statusCode >= 200 && $statusCode < 300"
                    yield Finding(message, criterion.at, hint)


def _is_status(value: JsonValue) -> bool:
    number = to_number(value)
    return number is not None and 100 <= number <= 599 and number == int(number)


def _compared(criterion: CompiledCriterion) -> Iterator[JsonValue]:
    """Yield the constants that $statusCode is compared with for equality."""
    if isinstance(criterion, ContextCriterion) and criterion.context == _STATUS:
        yield criterion.expected
    waiting = [criterion.condition] if isinstance(criterion, SimpleCriterion) else []
    while waiting:
        part = waiting.pop()
        if isinstance(part, (And, Or)):
            waiting += part.operands
        elif isinstance(part, Not):
            waiting.append(part.operand)
        elif isinstance(part, Comparison) and part.operator in ("==", "!="):
            for one, other in ((part.left, part.right), (part.right, part.left)):
                if isinstance(one, Reference) and one.expression == _STATUS and isinstance(other, Constant):
                    yield other.value


@rule("filter-on-object", "language", trigger=Trigger(parts=("$[?",), needs="operations"))
def filter_on_object(inspection: Inspection) -> Iterator[Finding]:
    """Report JSONPath filters of an object: `$[?@.status == 'free']` tests its members, not the object itself."""
    for _, step, call in inspection.operation_steps():
        for criterion in step.criteria:
            if not isinstance(criterion, QueryCriterion) or criterion.kind != "jsonpath":
                continue
            # `$[?$.status == 'free']` tests the object itself.
            is_about_members = criterion.text.startswith("$[?") and "@" in criterion.text
            if is_about_members and _is_object(criterion.context, call):
                message = f"{criterion.context} is an object: the filter tests each of its members, not the object"
                at = criterion.at.within(0, 3)
                hint = "test the object itself in a simple condition, or filter a list in it: $.items[?…]"
                yield Finding(message, at, hint)


def _is_object(expression: Expression, call: OperationCall) -> bool:
    """Return whether the context of a criterion is an object in every documented success response."""
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


_SLOW_FORMS: Final = (
    (
        pattern(r"\((?:\?:|\?<\w+>)?(?:[^()\\|]|\\.){0,80}[*+]\)[*+](?![?])"),
        "repeats what repeats itself: on some texts a backtracking engine never ends",
        "repeat once: (a+)+ is a+",
    ),
    (
        pattern(r"\(\?<?[=!]"),
        "looks around, which no linear-time engine can do; it is searched under a time limit",
        "test it with a second criterion",
    ),
    (
        pattern(r"(?<!\\)(?:\\\\)*\\(?:[1-9]|k<)"),
        "refers back to a group, which no linear-time engine can do; it is searched under a time limit",
        "compare the parts with criteria of their own",
    ),
)
"""(form, what it does, what to write instead)"""


@rule("regex-not-linear", "language", trigger=Trigger(words=("regex",)))
def regex_not_linear(inspection: Inspection) -> Iterator[Finding]:
    """Report patterns that may take exponential time: nested repetition, lookaround and back references."""
    for criteria in inspection.compiled_criteria:
        for criterion in criteria:
            if not isinstance(criterion, QueryCriterion) or criterion.kind != "regex":
                continue
            for form, what, hint in _SLOW_FORMS:
                found = form.search(criterion.text)
                if found is not None:
                    at = criterion.at.within(found.start(), len(found.group()))
                    message = f"{found.group()} {what}"
                    yield Finding(message, at, hint)
                    break


_LOCAL_FORMS: Final = (
    (pattern(r"\(\?P<[A-Za-z_]\w*>"), "a group name as Python writes it", "write (?<name>…)"),
    (
        pattern(r"\(\?[ims]*(?:-[ims]+)?[:)](?<!\(\?:)"),
        "a modifier that only the newest engines of ECMA-262 know",
        "write both cases, as in [Ee]rror",
    ),
    (
        pattern(r"\[\[:\^?[a-z]+:\]"),
        "a class of POSIX, which ECMA-262 reads as single characters",
        "write [A-Za-z] or \\\\d",
    ),
)
"""(form, what it is, what to write instead)"""


@rule("regex-not-portable", "language", trigger=Trigger(words=("regex",)))
def regex_not_portable(inspection: Inspection) -> Iterator[Finding]:
    """Report patterns that some engines of ECMA-262 reject or read differently."""
    for criteria in inspection.compiled_criteria:
        for criterion in criteria:
            if not isinstance(criterion, QueryCriterion) or criterion.kind != "regex":
                continue
            for form, what, hint in _LOCAL_FORMS:
                found = form.search(criterion.text)
                if found is not None:
                    message = f"{found.group()} is {what}"
                    at = criterion.at.within(found.start(), len(found.group()))
                    yield Finding(message, at, hint)
                    break


@rule("xpath-criterion", "style", default=False, trigger=Trigger(words=("xpath",)))
def xpath_criterion(inspection: Inspection) -> Iterator[Finding]:
    """Report criteria in XPath, which not every tool supports."""
    for criteria in inspection.criteria_lists:
        for criterion in criteria:
            if criterion.type is not None and criterion.type.type == "xpath":
                message, hint = "not every tool knows XPath", "test the status, or a header, in a simple condition"
                at = criterion.type.at
                yield Finding(message, at, hint)
