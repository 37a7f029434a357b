"""Raw JSON of a document → compiled Values and criteria, each text parsed once; the expressions in them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Final, assert_never, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.model import Criterion
from arazzo_runner.document.parts import SELECTOR_TYPES
from arazzo_runner.errors import Change, Edit, Fix, Location, removing, replacing
from arazzo_runner.expressions.condition import COMPARISONS, parse_condition
from arazzo_runner.expressions.nodes import (
    Constant,
    Expression,
    ExpressionSyntaxError,
    Reference,
    StepReference,
    Template,
)
from arazzo_runner.expressions.parser import parse_expression, with_dollar
from arazzo_runner.expressions.queries.query import Query, compile_query
from arazzo_runner.expressions.template import BARE_ROOTS, parse_template
from arazzo_runner.program.context import Context
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledAction,
    CompiledCriterion,
    CompiledStep,
    ContextCriterion,
    ExpressionValue,
    Literal,
    MessageCall,
    ObjectValue,
    QueryCriterion,
    SelectorValue,
    SimpleCriterion,
    TemplateValue,
    TextValue,
    Value,
)

_FIRST_OPERAND: Final = pattern(r"[^\s=<>!&|()]+")
SELECTOR_FIELDS = frozenset({"context", "selector", "type"})


def compile_value(
    raw: JsonValue, at: Location, context: Context, *, required: frozenset[str] = frozenset(), selectors: bool = True
) -> Value:
    """Compile a parameter value, payload, replacement value or output.

    `required` names the members of an object that must not be left out.
    """
    if isinstance(raw, str):
        return compile_text(raw, at, context)
    if isinstance(raw, dict):
        if selectors and is_selector(raw):
            return _selector(raw, at, context)
        return _object(raw, at, context, required)
    if isinstance(raw, list):
        items = tuple(compile_value(item, at.child(index), context) for index, item in enumerate(raw))
        return Literal(raw) if all(isinstance(item, Literal) for item in items) else ArrayValue(items)
    return Literal(raw)


def compile_field(
    raw: JsonValue, of: Location, name: str, context: Context, *, required: frozenset[str] = frozenset()
) -> Value:
    """Compile the field `name` of the object at `of`, as compile_value does; constants need no Location."""
    if isinstance(raw, str):
        return compile_text(raw, of.child(name), context) if "$" in raw else Literal(raw)
    if isinstance(raw, (dict, list)):
        return compile_value(raw, of.child(name), context, required=required)
    return Literal(raw)


def compile_text(text: str, at: Location, context: Context) -> TextValue:
    """Compile a text: plain, one whole expression, or with embedded expressions (semantics §3)."""
    if "$" not in text:
        return Literal(text)
    try:
        parsed = parse_template(text, context.declared)
    except ExpressionSyntaxError as problem:
        context.syntax_error(problem, at)
        return Literal(None)
    if parsed.tolerated:
        context.report_tolerated(parsed.tolerated, at)
    node = parsed.node
    if isinstance(node, str):
        return Literal(node)
    if isinstance(node, Template):
        for part in node.parts:
            if not isinstance(part, str):
                context.check(part, at)
        return TemplateValue(node, at)
    context.check(node, at)
    return ExpressionValue(node, at)


def compile_expression(text: str, at: Location, context: Context) -> Expression | None:
    """Compile a text that must be one runtime expression; None, reported, when it is not."""
    bare = text[1:-1] if text.startswith("{$") and text.endswith("}") else text
    try:
        node, tolerated = parse_expression(bare, context.declared)
    except ExpressionSyntaxError as problem:
        context.syntax_error(problem, at)
        return None
    if bare is not text:
        message = f'"{text}" is one whole expression'
        context.problems.tolerate("braced-expression", message, at, hint=f"write {node}", fix=replacing(at, bare))
    context.report_tolerated(tolerated if bare is text else (each.moved(1) for each in tolerated), at)
    context.check(node, at)
    return node


def compile_query_text(
    text: str, kind: str, version: str | None, at: Location, context: Context
) -> Query | Template | None:
    """Compile a query, to a Template if it has embedded expressions; None, reported, when it is invalid."""
    try:
        # `$inputs.x` without braces is not JSONPath, so it is read as an expression (semantics §3).
        bare = kind == "jsonpath" and any(root in text for root in BARE_ROOTS)
        parsed = parse_template(text, context.declared, bare=bare) if bare or "{$" in text else None
        if parsed is not None and isinstance(parsed.node, Template):
            context.report_tolerated(parsed.tolerated, at)
            for part in parsed.node.parts:
                if not isinstance(part, str):
                    context.check(part, at)
            from arazzo_runner.program.query_samples import tolerated_in_samples  # lazily: few queries have expressions

            context.report_tolerated(tolerated_in_samples(parsed.node, kind, version), at)
            return parsed.node
        query = compile_query(text, kind, version)
    except ExpressionSyntaxError as problem:
        context.syntax_error(_simple_meant(text, kind, at) or problem, at, f"{kind}-syntax")
        return None
    context.report_tolerated(query.tolerated, at)
    return query


def _simple_meant(text: str, kind: str, at: Location) -> ExpressionSyntaxError | None:
    """Return what to say of the condition `statusCode == 200` with type jsonpath."""
    first = _FIRST_OPERAND.match(text)
    meant = with_dollar(first.group()) if first is not None else None
    if meant is None or first is None or kind != "jsonpath" or not at.pointer.endswith("/condition"):
        return None
    hint = f"did you mean the simple condition {meant}{text[first.end() :]}, without type?"
    return ExpressionSyntaxError(f"{first.group()} does not begin a JSONPath", 0, first.end(), hint)


def is_selector(raw: dict[str, JsonValue]) -> bool:
    """Return whether a mapping is a Selector Object (Arazzo 1.1): its three fields, the context an expression."""
    if raw.keys() != SELECTOR_FIELDS:
        return False
    context, selector, kind = raw["context"], raw["selector"], raw["type"]
    name = kind.get("type") if isinstance(kind, dict) else kind
    return isinstance(context, str) and context.startswith("$") and isinstance(selector, str) and name in SELECTOR_TYPES


def compile_selector(
    context_text: str, selector: str, kind: str, version: str | None, at: Location, context: Context
) -> Value:
    """Compile the parts of a Selector Object; an invalid one is reported and compiles to null."""
    expression = compile_expression(context_text, at.child("context"), context)
    query = compile_query_text(selector, kind, version, at.child("selector"), context)
    if expression is None or query is None:
        return Literal(None)
    return SelectorValue(expression, query, kind, version, at)


def _selector(raw: dict[str, JsonValue], at: Location, context: Context) -> Value:
    kind, version = raw["type"], None
    if context.document.description.minor == 0:
        message = "Selector Objects came with Arazzo 1.1; this document says 1.0"
        context.problems.warn("newer-field", message, at, hint="write arazzo: 1.1.0")
    if isinstance(kind, dict):
        kind, version = raw["type"]["type"], raw["type"].get("version")
    return compile_selector(raw["context"], raw["selector"], cast(str, kind), version, at, context)


def _object(raw: dict[str, JsonValue], at: Location, context: Context, required: frozenset[str]) -> Value:
    members: list[tuple[str | Expression | Template, Value]] = []
    is_constant = True
    for name, item in raw.items():
        key = _key(name, at.child(name).at_key(), context) if "$" in name else name
        value = compile_field(item, at, name, context)
        is_constant = is_constant and isinstance(value, Literal) and isinstance(key, str)
        members.append((key, value))
    return Literal(raw) if is_constant else ObjectValue(tuple(members), required)


def _key(name: str, at: Location, context: Context) -> str | Expression | Template:
    value = compile_text(name, at, context)
    node: Expression | Template
    match value:
        case ExpressionValue(expression=node) | TemplateValue(template=node):
            pass
        case Literal():
            return name
        case _:
            assert_never(value)
    context.problems.warn("expression-as-key", f'the key "{name}" is computed', at, hint="use a fixed key")
    return node


# ------------------------------------------------------------------ criteria


def compile_criteria(criteria: tuple[Criterion, ...], context: Context) -> tuple[CompiledCriterion, ...]:
    """Compile a list of criteria; invalid ones are reported and left out."""
    compiled = [_criterion(criterion, context) for criterion in criteria]
    return tuple([criterion for criterion in compiled if criterion is not None])


def _criterion(criterion: Criterion, context: Context) -> CompiledCriterion | None:
    if criterion.type is None or criterion.type.type == "simple":
        return _simple(criterion, context)
    if criterion.context is None:
        return None  # already reported when the document was read
    expression = compile_expression(criterion.context, criterion.at.child("context"), context)
    at = criterion.at.child("condition")
    kind, version = criterion.type.type, criterion.type.version
    query = compile_query_text(criterion.condition, kind, version, at, context)
    if expression is None or query is None:
        return None
    return QueryCriterion(criterion.condition, kind, version, expression, query, at)


def _simple(criterion: Criterion, context: Context) -> CompiledCriterion | None:
    at = criterion.at.child("condition")
    if criterion.context is not None:
        compared = _context_comparison(criterion, context)
        if compared is not None:
            return compared
    try:
        parsed = parse_condition(criterion.condition, context.declared)
    except ExpressionSyntaxError as problem:
        context.syntax_error(_lone_operator(criterion) or problem, at, "condition-syntax")
        return None
    if criterion.context is not None:
        _report_ignored_context(criterion, context)
    if parsed.tolerated:
        context.report_tolerated(parsed.tolerated, at)
    for expression in parsed.references:
        context.check(expression, at)
    return SimpleCriterion(criterion.condition, parsed.node, at, parsed.references)


def _lone_operator(criterion: Criterion) -> ExpressionSyntaxError | None:
    """Return what to say of `context: $statusCode` with `condition: ==`."""
    operator = criterion.condition.strip()
    if criterion.context is None or operator not in COMPARISONS:
        return None
    hint = f"write condition: {criterion.context} {operator} <value>, without context"
    return ExpressionSyntaxError("the condition is an operator without its operands", 0, len(operator), hint)


def _report_ignored_context(criterion: Criterion, context: Context) -> None:
    hint = "add type: regex, jsonpath or xpath, or remove context"
    message = "a simple condition has no context; this one is ignored"
    place = criterion.at.child("context")
    context.problems.warn("ignored-field", message, place, hint=hint, fix=removing(place, is_safe=False))


def _context_comparison(criterion: Criterion, context: Context) -> ContextCriterion | None:
    """Compile a `context` with a JSON value as its condition: the two are compared (semantics §4)."""
    text = criterion.condition.strip()
    try:
        expected = json.loads(text)
    except (ValueError, RecursionError):
        return None
    assert criterion.context is not None
    expression = compile_expression(criterion.context, criterion.at.child("context"), context)
    if expression is None:
        return None
    at = criterion.at.child("condition")
    _report_context_comparison(criterion, expression, expected, context)
    return ContextCriterion(criterion.condition, expression, expected, at)


def _report_context_comparison(
    criterion: Criterion, expression: Expression, expected: JsonValue, context: Context
) -> None:
    at, place = criterion.at.child("condition"), criterion.at.child("context")
    fix = None
    if isinstance(expected, (dict, list)):
        member = f"{'' if '#' in str(expression) else '#'}/{'0' if isinstance(expected, list) else '<name>'}"
        hint = f"compare its members one by one, as in {expression}{member} == <value>"
    else:
        written = f"{Reference(expression)} == {Constant(expected)}"
        hint = f"write condition: {written if len(written) <= 60 else written[:59] + '…'}, without context"
        fix = Fix((Edit(at, written), Edit(place, change=Change.REMOVE)))
    message = "a simple condition has no context; here the two are compared"
    context.problems.tolerate("context-comparison", message, at, hint=hint, fix=fix)


# ---- References: `$sourceDescriptions.…` in a document's texts, and the expressions inside compiled values.

_QUALIFIER: Final = "$sourceDescriptions."


def source_reference(text: str, sources: Collection[str]) -> tuple[str, str] | None:
    """Return (source, reference) of a text `$sourceDescriptions.<source>.<reference>`; None for any other text.

    `sources` are the declared names, which may hold full stops: the longest that fits is taken. When
    none does, the source is what precedes the first full stop.

    >>> source_reference("$sourceDescriptions.pets.v2.getPet", ["pets", "pets.v2"])
    ('pets.v2', 'getPet')
    >>> source_reference("$sourceDescriptions.petz.getPet", ["pets"]), source_reference("getPet", ["pets"])
    (('petz', 'getPet'), None)
    """
    if not text.startswith(_QUALIFIER):
        return None
    rest = text[len(_QUALIFIER) :]
    declared = max((name for name in sources if rest.startswith(name + ".")), key=len, default=None)
    if declared is not None:
        return declared, rest[len(declared) + 1 :]
    source, _, reference = rest.partition(".")
    return source, reference


def value_references(value: Value) -> Iterator[Expression]:
    """Yield every expression inside a value, in document order."""
    match value:
        case Literal():
            return
        case ExpressionValue():
            yield value.expression
        case TemplateValue():
            yield from template_references(value.template)
        case SelectorValue():
            yield value.context
            if isinstance(value.query, Template):
                yield from template_references(value.query)
        case ObjectValue():
            for name, item in value.members:
                if isinstance(name, Template):
                    yield from template_references(name)
                elif not isinstance(name, str):
                    yield name
                yield from value_references(item)
        case ArrayValue():
            for item in value.items:
                yield from value_references(item)
        case _:
            assert_never(value)


def placed(value: Value, at: Location) -> Iterator[tuple[Expression, Location]]:
    """Yield the expressions inside a value with the location of their text; `at` if it is unknown."""
    match value:
        case Literal():
            return
        case ExpressionValue():
            yield value.expression, value.at
        case TemplateValue():
            yield from ((each, value.at) for each in template_references(value.template))
        case SelectorValue():
            yield value.context, value.at.child("context")
            if isinstance(value.query, Template):
                yield from ((each, value.at.child("selector")) for each in template_references(value.query))
        case ObjectValue():
            for name, item in value.members:
                if isinstance(name, Template):
                    yield from ((each, at) for each in template_references(name))
                elif not isinstance(name, str):
                    yield name, at
                yield from placed(item, at)
        case ArrayValue():
            for item in value.items:
                yield from placed(item, at)
        case _:
            assert_never(value)


def template_references(template: Template) -> Iterator[Expression]:
    """Yield the expressions embedded in a template."""
    return (part for part in template.parts if not isinstance(part, str))


def criterion_references(criterion: CompiledCriterion) -> tuple[Expression, ...]:
    """Return the expressions of a criterion."""
    match criterion:
        case SimpleCriterion():
            return criterion.references
        case QueryCriterion(query=Template() as query):
            return criterion.context, *template_references(query)
        case QueryCriterion() | ContextCriterion():
            return (criterion.context,)
        case _:
            assert_never(criterion)


def placed_in_criterion(criterion: CompiledCriterion) -> Iterator[tuple[Expression, Location]]:
    """Yield the expressions of a criterion with the location of their text: its `context` or its `condition`."""
    match criterion:
        case SimpleCriterion():
            yield from ((each, criterion.at) for each in criterion.references)
        case QueryCriterion() | ContextCriterion():
            above = criterion.at.pointer.rpartition("/")[0]
            yield criterion.context, Location(criterion.at.uri, f"{above}/context", criterion.at.positions)
            if isinstance(criterion, QueryCriterion) and isinstance(criterion.query, Template):
                yield from ((each, criterion.at) for each in template_references(criterion.query))
        case _:
            assert_never(criterion)


def placed_references(step: CompiledStep) -> Iterator[tuple[Expression, Location]]:
    """Yield every expression of a step with the location of its text, its actions' included."""
    for parameter in step.parameters:
        yield from placed(parameter.value, parameter.at)
    if step.body is not None:
        if step.body.payload is not None:
            yield from placed(step.body.payload, step.body.at)
        for replacement in step.body.replacements:
            yield from placed(replacement.value, replacement.at)
        if step.body.key is not None:
            yield from placed(step.body.key, step.body.at)
    if isinstance(step.call, MessageCall) and step.call.correlation is not None:
        yield from placed(step.call.correlation, step.at)
    for criterion in step.criteria:
        yield from placed_in_criterion(criterion)
    for action in (*step.on_success, *step.on_failure):
        for criterion in action.criteria:
            yield from placed_in_criterion(criterion)
        for parameter in action.parameters:
            yield from placed(parameter.value, parameter.at)
    for _, value in step.outputs:
        yield from placed(value, step.at)


def action_references(action: CompiledAction) -> Iterator[Expression]:
    """Yield the expressions of an action's criteria and parameters."""
    for criterion in action.criteria:
        yield from criterion_references(criterion)
    for parameter in action.parameters:
        yield from value_references(parameter.value)


def steps_read(expressions: Iterable[Expression]) -> frozenset[str]:
    """Return the steps that expressions refer to: implicit dependencies (Arazzo 1.1 §Tool Behavior)."""
    return frozenset([expression.step_id for expression in expressions if isinstance(expression, StepReference)])
