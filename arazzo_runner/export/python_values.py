"""Values and criteria as Python expressions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable
from typing import Final, assert_never

from arazzo_runner.base.json_values import MISSING as NO_VALUE, pointer_tokens, to_text
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.errors import Location
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Plan, Request, Workflow, sent_value
from arazzo_runner.export.python_layout import (
    Code,
    Group,
    Prefixed,
    call,
    constant,
    flat,
    inside,
    mapping,
    quote_for,
    quoted,
)
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

MISSING: Final = "MISSING"
_TEXT_TYPES: Final = ("string",)
_SIMPLE: Final = ("string", "integer", "number", "boolean")


class Around(Record, kw_only=True):
    """Where an expression is: its workflow, and the variables of a response or of the outputs of a called workflow.

    `may_lack_response`: the variable may be None, after a request without an answer. `request` is that of the step.
    """

    workflow: Workflow
    request: Request | None = None
    response: str | None = None
    may_lack_response: bool = False
    outputs: str | None = None


class Values(MutableRecord):
    """Writes values and criteria; `used` are the helpers and imports that they need."""

    plan: Plan
    notes: Notes
    used: set[str] = field(default_factory=set)
    comments: list[str] = field(default_factory=list)

    # -------------------------------------------------------------- values

    def of(self, value: Value, around: Around, *, lenient: bool = False) -> Code:
        """Return a value; without one, the code raises LookupError, or (`lenient`) gives MISSING."""
        match value:
            case Literal():
                return constant(value.value)
            case ExpressionValue():
                return self.expression(value.expression, around, value.at, lenient=lenient)
            case TemplateValue():
                return self.text_of(value.template, around, value.at, value.language)
            case SelectorValue():
                return self._selector(value, around)
            case ObjectValue():
                return self._object(value, around)
            case ArrayValue():
                return Group("[", tuple(self.of(item, around) for item in value.items), "]")
            case _:
                assert_never(value)

    def _object(self, value: ObjectValue, around: Around) -> Code:
        members: list[tuple[str, Code]] = []
        has_optional = False
        for name, item in value.members:
            if isinstance(name, str):
                key = quoted(name)
            elif isinstance(name, Template):
                key = flat(self.text_of(name, around, around.workflow.at))
            else:
                key = flat(self.as_text(ExpressionValue(name, around.workflow.at), around))
            lenient = self._may_be_missing(item, around) and name not in value.required
            has_optional = has_optional or lenient
            members.append((key, self.of(item, around, lenient=lenient)))
        return self.present(members) if has_optional else mapping(members)

    def present(self, members: Iterable[tuple[str, Code]]) -> Code:
        """Return a mapping without the members that have no value."""
        self.used.add("present")
        return call("present", mapping(members))

    def _may_be_missing(self, value: Value, around: Around) -> bool:
        """Return whether a value is an input that need not be given."""
        if not isinstance(value, ExpressionValue) or not isinstance(value.expression, InputReference):
            return False
        name = value.expression.name
        found = next((each for each in around.workflow.inputs if each.name == name), None)
        return found is None or not (found.required or found.default is not NO_VALUE)

    def type_of(self, value: Value, around: Around) -> str:
        """Return the type that a value is known to have, "any" when it is not known."""
        if isinstance(value, TemplateValue):
            return "string"
        if isinstance(value, Literal):
            kinds = {bool: "boolean", int: "integer", float: "number", str: "string"}
            return kinds.get(type(value.value), "any")
        if isinstance(value, ExpressionValue) and isinstance(value.expression, InputReference):
            reference = value.expression
            plain = reference.pointer is None and not reference.path
            found = (each.type for each in around.workflow.inputs if each.name == reference.name and plain)
            return next(found, "any")
        return "any"

    def is_simple(self, value: Value, around: Around) -> bool:
        """Return whether a value is known to be no list and no mapping."""
        return self.type_of(value, around) in _SIMPLE

    def as_text(self, value: Value, around: Around) -> Code:
        """Return a value as text: structures as JSON."""
        if isinstance(value, Literal):
            return quoted(to_text(value.value))
        code = self.of(value, around)
        if self.type_of(value, around) in _TEXT_TYPES:
            return code
        self.used.add("text")
        return call("text", code)

    def text_of(self, template: Template, around: Around, at: Location, language: str = "text") -> Code:
        """Return a template as text."""
        parts: list[str | Code] = []
        for part in template.parts:
            if isinstance(part, str):
                parts.append(quoted(part))
                continue
            code = self.as_text(ExpressionValue(part, at), around)
            if language == "xml":
                self.used.add("from html import escape")
                code = call("escape", code)
            elif language == "form":
                self.used.add("from urllib.parse import quote")
                code = call("quote", code, safe=quoted(""))
            parts.append(code)
        return joined(parts)

    # -------------------------------------------------------------- expressions

    def expression(self, expression: Expression, around: Around, at: Location, *, lenient: bool) -> Code:
        """Return the value of an expression."""
        match expression:
            case InputReference(name=name, pointer=pointer, path=path):
                base = ("inputs", *(() if name is None else (name,)))
                return self._walked(base, pointer, path, lenient=lenient)
            case StepReference(step_id=step_id, output=output, pointer=pointer, path=path):
                base = ("steps", step_id, *(() if output is None else (output,)))
                return self._walked(base, pointer, path, lenient=lenient)
            case OutputReference(name=name, pointer=pointer, path=path):
                if around.outputs is None:
                    return self._none(expression, at)
                return self._walked((around.outputs, name), pointer, path, lenient=lenient)
            case MessageReference():
                return self._message(expression, around, at, lenient=lenient)
            case Keyword():
                return self._keyword(expression, around, at)
            case SourceReference(source=source, reference=reference):
                found = self.plan.sources.get(source, {}).get(reference)
                return self._none(expression, at) if found is None else constant(found)
            case WorkflowReference() | ComponentReference():
                return self._none(expression, at)
            case _:
                assert_never(expression)

    def _walked(
        self, base: tuple[str, ...], pointer: str | None, path: tuple[str | int, ...], *, lenient: bool
    ) -> Code:
        tokens: tuple[str | int, ...] = (*base[1:], *_tokens(pointer, path))
        if not lenient and not pointer and not path:
            return base[0] + "".join(f"[{quoted(token)}]" for token in base[1:])
        return self.got(base[0], tokens, lenient=lenient)

    def got(self, base: str, tokens: tuple[str | int, ...], *, lenient: bool) -> Code:
        """Return a member at a path, which may be missing."""
        if not tokens:
            return base
        name = "get" if lenient else "need"
        self.used.add(name)
        return call(name, base, *(constant(token) for token in tokens))

    def _message(self, reference: MessageReference, around: Around, at: Location, *, lenient: bool) -> Code:
        if reference.message == "request":
            sent = None if around.request is None else sent_value(around.request, reference)
            return self._none(reference, at) if sent is None else self.of(sent, around, lenient=lenient)
        if reference.message == "message" or around.response is None:
            return self._none(reference, at)
        if reference.part == "header":
            self.used.add("header")
            return call("header", around.response, quoted(reference.name or ""))
        self.used.add("content")
        return self.got(f"content({around.response})", _tokens(reference.pointer, reference.path), lenient=lenient)

    def _keyword(self, keyword: Keyword, around: Around, at: Location) -> Code:
        if keyword.name == "self":
            return constant(self.plan.self_uri) if self.plan.self_uri else self._none(keyword, at)
        if keyword.name == "method" and around.request is not None:
            return quoted(around.request.method)
        if around.response is None or keyword.name == "method":
            return self._none(keyword, at)
        if keyword.name == "url":
            return MISSING if around.may_lack_response else f"str({around.response}.request.url)"
        if not around.may_lack_response:
            return f"{around.response}.status_code"
        self.used.add("status")
        return f"status({around.response})"

    def _none(self, expression: Expression, at: Location) -> Code:
        self.comments.append(self.notes.cannot(at, f"{expression} has no value in the script"))
        self.used.add("MISSING")
        return MISSING

    # -------------------------------------------------------------- queries

    def _selector(self, value: SelectorValue, around: Around) -> Code:
        context = self.expression(value.context, around, value.at, lenient=True)
        if value.kind == "jsonpointer" and isinstance(value.query, Query):
            base, tokens = _taken(context)
            return self.got(base, (*tokens, *map(_index, pointer_tokens(value.query.text))), lenient=True)
        query = self._query(value.query, value.kind, value.version, around, value.at.child("selector"))
        if query is None or value.kind not in ("jsonpath", "xpath"):
            if query is not None:
                self.comments.append(self.notes.cannot(value.at, f"a selector of type {value.kind}"))
            self.used.add("MISSING")
            return MISSING
        self.used |= {value.kind, "one"}
        return call("one", call(value.kind, context, query))

    def _query(
        self, query: Query | Template, kind: str, version: str | None, around: Around, at: Location
    ) -> Code | None:
        """Return the text of a query, its values as literals of its language; None, with a comment, if impossible."""
        if isinstance(query, Query):
            if kind == "jsonpath" and not _is_plain_jsonpath(query.text):
                self.comments.append(self.notes.cannot(at, f"the JSONPath {query.text} is not of RFC 9535"))
                return None
            return quoted(query.text)
        if kind == "regex":
            return self.text_of(query, around, at)
        writer, parts = JsonPath(), list[Code]()
        for part in query.parts:
            if isinstance(part, str):
                writer.text(part)
                parts.append(quoted(part))
                continue
            if kind != "jsonpath" or writer.open or (parts and flat(parts[-1]).endswith('."')):
                self.comments.append(self.notes.cannot(at, f"an expression inside a text of the {kind} {query}"))
                return None
            self.used.add("literal")
            parts.append(call("literal", self.of(ExpressionValue(part, at), around)))
        return joined(parts)

    # -------------------------------------------------------------- criteria

    def criterion(self, criterion: CompiledCriterion, around: Around) -> Code:
        """Return a criterion as an expression that is true or false."""
        match criterion:
            case SimpleCriterion():
                return self._truth(criterion.condition, around, criterion.at)
            case ContextCriterion():
                self.used.add("equal")
                context = self.expression(criterion.context, around, criterion.at, lenient=True)
                return call("equal", context, constant(criterion.expected))
            case QueryCriterion():
                return self._query_criterion(criterion, around)
            case _:
                assert_never(criterion)

    def _query_criterion(self, criterion: QueryCriterion, around: Around) -> Code:
        context = self.expression(criterion.context, around, criterion.at, lenient=True)
        kind = criterion.kind
        query = self._query(criterion.query, kind, criterion.version, around, criterion.at)
        if kind == "regex" and query is not None:
            if isinstance(criterion.query, Query) and not _is_regex(criterion.query.text):
                self.comments.append(self.notes.cannot(criterion.at, "the pattern is none that Python knows"))
                return "True"
            self.used.add("matches")
            return call("matches", context, query)
        if query is None or kind not in ("jsonpath", "xpath"):
            if query is not None:
                self.comments.append(self.notes.cannot(criterion.at, f"a criterion of type {kind}"))
            return "True"
        self.used.add(kind)
        found = call(kind, context, query)
        return call("any", found) if kind == "xpath" else call("bool", found)

    def all_of(self, criteria: tuple[CompiledCriterion, ...], around: Around) -> list[str]:
        """Return criteria, all of which must hold, as operands of `and`."""
        return [self._operand_of_and(each, around) for each in criteria] or ["True"]

    def _operand_of_and(self, criterion: CompiledCriterion, around: Around) -> str:
        text = flat(self.criterion(criterion, around))
        is_or = isinstance(criterion, SimpleCriterion) and isinstance(criterion.condition, Or)
        return f"({text})" if is_or else text

    def _truth(self, condition: Condition, around: Around, at: Location) -> Code:
        match condition:
            case And():
                return " and ".join(self._wrapped(each, around, at, (Or,)) for each in condition.operands)
            case Or():
                return " or ".join(self._wrapped(each, around, at, ()) for each in condition.operands)
            case Not():
                return f"not {self._wrapped(condition.operand, around, at, (And, Or, Comparison))}"
            case Comparison():
                return self._comparison(condition, around, at)
            case Constant() | Reference() | Access():
                self.used.add("holds")
                return call("holds", self._operand(condition, around, at))
            case _:
                assert_never(condition)

    def _wrapped(self, condition: Condition, around: Around, at: Location, bracketed: tuple[type, ...]) -> str:
        text = flat(self._truth(condition, around, at))
        return f"({text})" if isinstance(condition, bracketed) else text

    def _comparison(self, condition: Comparison, around: Around, at: Location) -> Code:
        left, right = (self._operand(each, around, at) for each in (condition.left, condition.right))
        operator = condition.operator
        if _is_status(condition.left) and _is_number(condition.right) and not around.may_lack_response:
            return f"{flat(left)} {operator} {flat(right)}"
        if operator in ("==", "!="):
            self.used.add("equal")
            equal = call("equal", left, right)
            return equal if operator == "==" else Prefixed("not ", equal)
        self.used.add("compare")
        return call("compare", left, quoted(operator), right)

    def _operand(self, condition: Condition, around: Around, at: Location) -> Code:
        match condition:
            case Constant():
                return constant(condition.value)
            case Reference():
                return self.expression(condition.expression, around, at, lenient=True)
            case Access():
                base, tokens = _taken(self._operand(condition.operand, around, at))
                return self.got(base, (*tokens, condition.step), lenient=True)
            case Not() | Comparison() | And() | Or():
                return f"({flat(self._truth(condition, around, at))})"
            case _:
                assert_never(condition)


def _tokens(pointer: str | None, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    return (*map(_index, pointer_tokens(pointer or "")), *path)


def _index(token: str) -> str | int:
    return int(token) if re.fullmatch("0|[1-9][0-9]{0,8}", token) else token


def _taken(code: Code) -> tuple[str, tuple[str | int, ...]]:
    """Return what a `get` gets from, and its path, so that another can go on from there."""
    if isinstance(code, Group) and code.opening in ("get(", "need("):
        base, *tokens = code.items
        if all(isinstance(each, str) for each in tokens):
            return flat(base), tuple(ast.literal_eval(str(each)) for each in tokens)
    return flat(code), ()


def _is_status(condition: Condition) -> bool:
    return isinstance(condition, Reference) and condition.expression == Keyword("statusCode")


def _is_number(condition: Condition) -> bool:
    return isinstance(condition, Constant) and type(condition.value) in (int, float)


def _is_regex(text: str) -> bool:
    try:
        re.compile(text)
    except (re.error, RecursionError, OverflowError):
        return False
    return True


def _is_plain_jsonpath(text: str) -> bool:
    from arazzo_runner.expressions.nodes import ExpressionSyntaxError
    from arazzo_runner.expressions.queries.jsonpath_parser import parse_jsonpath

    try:
        parse_jsonpath(text, goessner=False)
    except ExpressionSyntaxError:
        return False
    return True


def joined(parts: list[Code]) -> Code:
    """Return texts one after the other: an f-string where that is possible, else a sum."""
    if len(parts) == 1:
        return parts[0]
    texts = [flat(part) for part in parts]
    inner = [each for each in texts if not is_text(each)]
    if not inner or any(set(each) & set("\\'{#") for each in inner):
        return " + ".join(texts) or '""'
    known = [ast.literal_eval(each) if is_text(each) else None for each in texts]
    quote = quote_for(*filter(None, known))
    written = (
        f"{{{code.replace(chr(34), chr(39)) if quote == chr(34) else code}}}"
        if text is None
        else inside(text, quote).replace("{", "{{").replace("}", "}}")
        for code, text in zip(texts, known, strict=True)
    )
    return f"f{quote}{''.join(written)}{quote}"


def is_text(code: str) -> bool:
    """Return whether code is nothing but a literal text."""
    return code[:1] in ("'", '"')
