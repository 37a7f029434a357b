"""Values and criteria as jq programs, which never have a single quote: a shell can quote them."""

from __future__ import annotations

import json
from typing import Final, assert_never

from arazzo_runner.base.json_values import JsonValue, pointer_tokens, to_text
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.errors import Location
from arazzo_runner.export.jq_paths import MARK, translated
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Plan, Request, Workflow, sent_value
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
    Reference,
    SourceReference,
    StepReference,
    Template,
    WorkflowReference,
)
from arazzo_runner.expressions.queries.query import Query
from arazzo_runner.expressions.text_writers import JsonPath
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledCriterion,
    ContextCriterion,
    ExpressionValue,
    Literal,
    ObjectValue,
    QueryCriterion,
    SelectorValue,
    SimpleCriterion,
    TemplateValue,
    Value,
)

EMPTY: Final = "empty"


def quoted(value: JsonValue) -> str:
    r"""Return a JSON value as jq, without a single quote.

    >>> print(quoted("it's \\(x)"))
    "it\u0027s \\(x)"
    """
    return json.dumps(value, ensure_ascii=True).replace("'", "\\u0027").replace("\\u0000", "\\u0000")


class Here(Record, kw_only=True):
    """Where an expression is: its workflow, its request, and whether it may refer to outputs of a called workflow."""

    workflow: Workflow
    request: Request | None = None
    has_outputs: bool = False


class JqValues(MutableRecord):
    """Writes values and criteria as jq; `comments` say what is impossible."""

    plan: Plan
    notes: Notes
    comments: list[str] = field(default_factory=list)

    def of(self, value: Value, here: Here) -> str:
        """Return a value; where it has none, the program fails."""
        match value:
            case Literal():
                return quoted(value.value)
            case ExpressionValue():
                return self.expression(value.expression, here, value.at)
            case TemplateValue():
                return self.text_of(value.template, here, value.at, value.language)
            case SelectorValue():
                return self._selector(value, here)
            case ObjectValue():
                return self._object(value, here)
            case ArrayValue():
                return f"[{', '.join(self.of(item, here) for item in value.items)}]"
            case _:
                assert_never(value)

    def maybe(self, value: Value, here: Here) -> str:
        """Return a value; where it has none, the program gives nothing."""
        code = self.of(value, here)
        return code if isinstance(value, Literal) else f"({code})?"

    def _object(self, value: ObjectValue, here: Here) -> str:
        certain: list[tuple[str, str]] = []
        optional: list[str] = []
        for name, item in value.members:
            at = here.workflow.at
            if isinstance(name, str):
                key = quoted(name)
            else:
                one = TemplateValue(name, at) if isinstance(name, Template) else ExpressionValue(name, at)
                key = f"({self.as_text(one, here)})"
            if _is_input(item) and name not in value.required:
                optional.append(f"({{{key}: {self.of(item, here)}}})?")
            else:
                certain.append((key, self.of(item, here)))
        written = "{" + ", ".join(f"{key}: {code}" for key, code in certain) + "}"
        return f"([{', '.join([written, *optional])}] | add)" if optional else written

    def members(self, outputs: tuple[tuple[str, Value], ...], here: Here) -> str:
        """Return an object of outputs, without those that have no value."""
        each = ", ".join(f"({{{quoted(name)}: {self.of(value, here)}}})?" for name, value in outputs)
        return f"[{each}] | add // {{}}" if each else "{}"

    def as_text(self, value: Value, here: Here) -> str:
        """Return a value as text."""
        if isinstance(value, Literal):
            return quoted(to_text(value.value))
        if isinstance(value, TemplateValue):
            return self.of(value, here)
        return f"({self.of(value, here)} | text)"

    def text_of(self, template: Template, here: Here, at: Location, language: str = "text") -> str:
        """Return a template as text."""
        after = {"xml": " | @html", "form": " | @uri"}.get(language, "")
        parts = [
            quoted(part) if isinstance(part, str) else f"({self.expression(part, here, at)} | text{after})"
            for part in template.parts
        ]
        return f"({' + '.join(parts)})" if len(parts) != 1 else parts[0]

    # -------------------------------------------------------------- expressions

    def expression(self, expression: Expression, here: Here, at: Location) -> str:
        """Return the value of an expression."""
        match expression:
            case InputReference(name=name, pointer=pointer, path=path):
                start = ".inputs" if name is None else f"input_of({quoted(name)})"
                return _walked(start, pointer, path)
            case StepReference(step_id=step_id, output=output, pointer=pointer, path=path):
                start = f"(.steps | at({quoted(step_id)}))"
                start = start if output is None else f"output_of({quoted(step_id)}; {quoted(output)})"
                return _walked(start, pointer, path)
            case OutputReference(name=name, pointer=pointer, path=path):
                if not here.has_outputs:
                    return self._none(expression, at)
                return _walked(f"(.outputs | at({quoted(name)}))", pointer, path)
            case MessageReference():
                return self._message(expression, here, at)
            case Keyword(name="statusCode"):
                return "status"
            case Keyword(name="method") if here.request is not None:
                return quoted(here.request.method)
            case Keyword(name="self") if self.plan.self_uri:
                return quoted(self.plan.self_uri)
            case SourceReference(source=source, reference=reference):
                found = self.plan.sources.get(source, {}).get(reference)
                return self._none(expression, at) if found is None else quoted(found)
            case Keyword() | WorkflowReference() | ComponentReference():
                return self._none(expression, at)
            case _:
                assert_never(expression)

    def _message(self, reference: MessageReference, here: Here, at: Location) -> str:
        if reference.message == "request":
            sent = None if here.request is None else sent_value(here.request, reference)
            return self._none(reference, at) if sent is None else self.of(sent, here)
        if reference.message == "message":
            return self._none(reference, at)
        if reference.part == "header":
            return f"header({quoted((reference.name or '').lower())})"
        return _walked("body", reference.pointer, reference.path)

    def _none(self, expression: Expression, at: Location) -> str:
        self.comments.append(self.notes.cannot(at, f"{expression} has no value in the script"))
        return EMPTY

    # -------------------------------------------------------------- queries

    def _selector(self, value: SelectorValue, here: Here) -> str:
        context = self.expression(value.context, here, value.at)
        if value.kind == "jsonpointer" and isinstance(value.query, Query):
            return _walked(f"({context})", value.query.text, ())
        found = self._query(value.query, value.kind, context, here, value.at.child("selector"))
        return EMPTY if found is None else f"one({found})"

    def _query(self, query: Query | Template, kind: str, context: str, here: Here, at: Location) -> str | None:
        """Return what a query finds in a context, one value after the other; None, with a comment, if impossible."""
        text = query.text if isinstance(query, Query) else self._marked(query)
        found = None if kind != "jsonpath" or text is None else translated(text)
        if found is None:
            self.comments.append(self.notes.cannot(at, f"jq does not evaluate this {kind}: {query}"))
            return None
        if isinstance(query, Template):
            inner = [part for part in query.parts if not isinstance(part, str)]
            for number, part in enumerate(inner):
                found = found.replace(
                    quoted(f"{MARK}{number}"), f"($all | {self.expression(part, here, at)} | literal)"
                )
        return f". as $all | {context} | {found}"

    def _marked(self, query: Template) -> str | None:
        writer, texts, number = JsonPath(), list[str](), 0
        for part in query.parts:
            if isinstance(part, str):
                writer.text(part)
                texts.append(part)
            elif writer.open or (texts and texts[-1].endswith(".")):
                return None
            else:
                texts.append(f'"{MARK}{number}"')
                number += 1
        return "".join(texts)

    # -------------------------------------------------------------- criteria

    def criterion(self, criterion: CompiledCriterion, here: Here) -> str:
        """Return a criterion as a program that gives true or false."""
        match criterion:
            case SimpleCriterion():
                return self._truth(criterion.condition, here, criterion.at)
            case ContextCriterion():
                context = self.expression(criterion.context, here, criterion.at)
                return f"equal({_or_null(context)}; {quoted(criterion.expected)})"
            case QueryCriterion():
                return self._query_criterion(criterion, here)
            case _:
                assert_never(criterion)

    def _query_criterion(self, criterion: QueryCriterion, here: Here) -> str:
        context = self.expression(criterion.context, here, criterion.at)
        if criterion.kind == "regex":
            query = criterion.query
            text = quoted(query.text) if isinstance(query, Query) else self.text_of(query, here, criterion.at)
            return f"matches({_or_null(context)}; {text})"
        found = self._query(criterion.query, criterion.kind, context, here, criterion.at)
        return "true" if found is None else f"([{found}] != [])"

    def all_of(self, criteria: tuple[CompiledCriterion, ...], here: Here) -> str:
        """Return criteria, all of which must hold."""
        written = [self.criterion(each, here) for each in criteria]
        return " and ".join(f"({each})" if len(written) > 1 else each for each in written) or "true"

    def _truth(self, condition: Condition, here: Here, at: Location) -> str:
        match condition:
            case And():
                return " and ".join(f"({self._truth(each, here, at)})" for each in condition.operands)
            case Or():
                return " or ".join(f"({self._truth(each, here, at)})" for each in condition.operands)
            case Not():
                return f"({self._truth(condition.operand, here, at)} | not)"
            case Comparison():
                return self._comparison(condition, here, at)
            case Constant() | Reference() | Access():
                return f"holds({self._operand(condition, here, at)})"
            case _:
                assert_never(condition)

    def _comparison(self, condition: Comparison, here: Here, at: Location) -> str:
        left, right = (self._operand(each, here, at) for each in (condition.left, condition.right))
        operator = condition.operator
        is_plain = left == _or_null("status") and isinstance(condition.right, Constant)
        if is_plain and type(condition.right) is Constant and type(condition.right.value) is int:
            return f"status {operator} {right}" if operator in ("==", "!=") else f"(status {operator} {right})"
        if operator in ("==", "!="):
            return f"equal({left}; {right})" + (" | not" if operator == "!=" else "")
        return f"compare({left}; {quoted(operator)}; {right})"

    def _operand(self, condition: Condition, here: Here, at: Location) -> str:
        match condition:
            case Constant():
                return quoted(condition.value)
            case Reference():
                return _or_null(self.expression(condition.expression, here, at))
            case Access():
                return _or_null(f"({self._operand(condition.operand, here, at)} | at({quoted(condition.step)}))")
            case Not() | Comparison() | And() | Or():
                return f"({self._truth(condition, here, at)})"
            case _:
                assert_never(condition)


def _walked(start: str, pointer: str | None, path: tuple[str | int, ...]) -> str:
    tokens = (*pointer_tokens(pointer or ""), *path)
    if not tokens:
        return start
    return f"({start} | {' | '.join(f'at({quoted(token)})' for token in tokens)})"


def _or_null(code: str) -> str:
    return code if code.startswith("or_null(") else f"or_null({code})"


def _is_input(value: Value) -> bool:
    return isinstance(value, ExpressionValue) and isinstance(value.expression, InputReference)
