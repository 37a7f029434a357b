"""Values, conditions and queries of a workflow as JavaScript expressions.

A script has the variables `inputs`, `steps` (outputs by stepId), `workflows`, `outputs`, `request` and `response`; a
value that is missing is `undefined`. What JavaScript cannot say raises Unsayable.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, assert_never

from arazzo_runner.base.json_values import JsonValue, ends_inside_string, pointer_tokens
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.export.js_queries import compiled_path, written_path
from arazzo_runner.export.js_text import enclosed, key, literal, member
from arazzo_runner.export.plan import Plan
from arazzo_runner.export.unsayable import Unsayable
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
    TextLanguage,
    WorkflowReference,
)
from arazzo_runner.expressions.queries.query import Pointer, Query
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

_STATUS: Final = "response.status"


class JsWriter(MutableRecord, kw_only=True):
    """Writes the values of one workflow; `helpers` and `used_inputs` collect what it used.

    `inputs` are the names of the workflow's inputs, `certain` those that always have a value; `outputs` the names of
    outputs by stepId, `later` the steps that a loop reaches after the one that is written.
    """

    plan: Plan
    inputs: Collection[str] = ()
    certain: Collection[str] = ()
    outputs: Mapping[str, Collection[str]] = field(default_factory=dict)
    later: Collection[str] = ()
    helpers: set[str] = field(default_factory=set)
    used_inputs: set[str] = field(default_factory=set)

    # ---- values

    def value(self, value: Value) -> str:
        """Return a value; inside structures, parts that are needed throw when they are missing."""
        match value:
            case Literal():
                return _constant(value.value)
            case ExpressionValue():
                return self.expression(value.expression)
            case TemplateValue():
                return self.template(value.template, value.language)
            case SelectorValue():
                return self._selected(value)
            case ObjectValue():
                return enclosed("{", [self._member(name, item, value.required) for name, item in value.members], "}")
            case ArrayValue():
                return enclosed("[", [self.needed(item) for item in value.items], "]")
            case _:
                assert_never(value)

    def needed(self, value: Value) -> str:
        """Return a value that throws when it is missing."""
        written = self.value(value)
        if not isinstance(value, (ExpressionValue, SelectorValue)) or self._is_certain(value):
            return written
        name = str(value.expression) if isinstance(value, ExpressionValue) else f"{value.query} of {value.context}"
        return f"{self._call('needed')}({written}, {literal(name)})"

    def text(self, value: Value) -> str:
        """Return a value as text."""
        written = self.value(value)
        if isinstance(value, TemplateValue) or (isinstance(value, Literal) and isinstance(value.value, str)):
            return written
        name = literal(str(value.expression)) if isinstance(value, ExpressionValue) else literal("its value")
        return f"{self._call('text')}({written}, {name})"

    def may_be_left_out(self, value: Value) -> bool:
        """Return whether a value that is missing is left out of a structure or request (semantics §3)."""
        if not isinstance(value, ExpressionValue):
            return False
        expression = value.expression
        if isinstance(expression, InputReference):
            return not self._is_certain(value)
        return isinstance(expression, StepReference) and expression.step_id in self.later

    def _is_certain(self, value: Value) -> bool:
        expression = value.expression if isinstance(value, ExpressionValue) else None
        if isinstance(expression, InputReference):
            return expression.name in self.certain and not expression.pointer and not expression.path
        return isinstance(expression, Keyword)

    def _member(self, name: str | Expression | Template, item: Value, required: frozenset[str]) -> str:
        if isinstance(name, str):
            must = name in required or not self.may_be_left_out(item)
            return f"{key(name)}: {self.needed(item) if must else self.value(item)}"
        if isinstance(name, Template):
            return f"[{self.template(name)}]: {self.needed(item)}"
        return f"[{self._call('text')}({self.expression(name)}, {literal(str(name))})]: {self.needed(item)}"

    # ---- expressions

    def expression(self, expression: Expression) -> str:
        """Return the value of a runtime expression, undefined when there is none."""
        match expression:
            case Keyword():
                return self._keyword(expression)
            case MessageReference():
                return self._message(expression)
            case InputReference():
                name = expression.name
                if name is None:
                    self.used_inputs.update(self.inputs)
                    return self._part("inputs", (), expression.pointer, expression.path)
                self.used_inputs.update(each for each in self.inputs if each == name or name.startswith(f"{each}."))
                return self._named("inputs", name, self.inputs, expression.pointer, expression.path)
            case StepReference():
                owner, known = member("steps", expression.step_id), self.outputs.get(expression.step_id, ())
                if expression.output is None:
                    return self._part(owner, (), expression.pointer, expression.path)
                return self._named(owner, expression.output, known, expression.pointer, expression.path)
            case OutputReference():
                return self._named("outputs", expression.name, (), expression.pointer, expression.path)
            case WorkflowReference():
                path = (expression.workflow_id, expression.field, expression.name)
                return self._part("workflows", path, expression.pointer, expression.path)
            case SourceReference():
                found = self.plan.sources.get(expression.source, {}).get(expression.reference)
                return "undefined" if found is None else _constant(found)
            case ComponentReference():
                raise Unsayable(f"{expression} is not evaluated")
            case _:
                assert_never(expression)

    def _keyword(self, expression: Keyword) -> str:
        names = {"url": "request.url", "method": "request.method", "statusCode": _STATUS}
        if expression.name == "self":
            return "undefined" if self.plan.self_uri is None else literal(self.plan.self_uri)
        return names[expression.name]

    def _message(self, expression: MessageReference) -> str:
        owner = expression.message
        if owner == "message":
            raise Unsayable("messages are not read")
        if expression.part == "header":
            return f"{owner}.header({literal(expression.name or '')})"
        if expression.part in ("query", "path"):
            return self._part(f"{owner}.{expression.part}", (expression.name or "",), None, ())
        return self._part(f"{owner}.body", (), expression.pointer, expression.path)

    def _named(self, owner: str, name: str, known: Collection[str], pointer: str | None, path: Path) -> str:
        """Return a named value; a name with full stops that is not known is a shorter one and its members."""
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            head = ".".join(parts[:count])
            if head in known and count < len(parts):
                inner = self._part(member(owner, head), tuple(parts[count:]), None, ())
                return self._part(inner, (), pointer, path)
            if head in known:
                break
        return self._part(member(owner, name), (), pointer, path)

    def _part(self, owner: str, first: Path, pointer: str | None, path: Path) -> str:
        tokens = (*map(str, first), *pointer_tokens(pointer or ""))
        written, rest = owner, list(tokens)
        for step in path:
            if step == "length":
                written, rest = f"{self._call('size')}({self._at(written, rest)})", []
            else:
                rest.append(str(step))
        return self._at(written, rest)

    def _at(self, owner: str, path: Iterable[str]) -> str:
        steps = ", ".join(literal(step) for step in path)
        return f"{self._call('at')}({owner}, {steps})" if steps else owner

    # ---- templates

    def template(self, template: Template, language: TextLanguage = "text") -> str:
        """Return a text with embedded values, which stay data in its language."""
        parts, inside = [], False
        for part in template.parts:
            if isinstance(part, str):
                parts.append(literal(part))
                inside = ends_inside_string(part, inside)
            else:
                parts.append(self._embedded(part, language, inside=inside, is_whole=template.is_whole))
        return " + ".join(parts) or '""'

    def _embedded(self, part: Expression, language: TextLanguage, *, inside: bool, is_whole: bool) -> str:
        written, name = self.expression(part), literal(str(part))
        if language == "text" or (is_whole and language != "json"):
            return f"{self._call('text')}({written}, {name})"
        needed = f"{self._call('needed')}({written}, {name})"
        if language == "json":
            return f"{self._call('inJson')}({needed})" if inside else f"JSON.stringify({needed})"
        if language == "form":
            return f"{self._call('encode')}({needed})"
        if language == "xml":
            return f"{self._call('xml')}({needed})"
        raise Unsayable(f"{part} in a query is not written")

    # ---- selectors

    def _selected(self, value: SelectorValue) -> str:
        context = self.expression(value.context)
        if value.kind == "xpath":
            raise Unsayable("an XPath is not evaluated")
        if isinstance(value.query, Query) and isinstance(value.query.compiled, Pointer):
            return self._at(context, pointer_tokens(value.query.compiled.pointer))
        if value.kind != "jsonpath":
            raise Unsayable(f"a {value.kind} with expressions is not evaluated")
        path, inserted = compiled_path(value.query, value.kind, value.version)
        return f"{self._call('only')}({written_path(path, context, self, inserted)})"

    # ---- criteria

    def criterion(self, criterion: CompiledCriterion) -> str:
        """Return a criterion as an expression that is true or false."""
        match criterion:
            case SimpleCriterion():
                return self.condition(criterion.condition)
            case ContextCriterion():
                return self._compared(self.expression(criterion.context), "==", _constant(criterion.expected))
            case QueryCriterion():
                return self._query(criterion)
            case _:
                assert_never(criterion)

    def _query(self, criterion: QueryCriterion) -> str:
        context = self.expression(criterion.context)
        if criterion.kind == "regex":
            return self._pattern(criterion, context)
        if criterion.kind != "jsonpath":
            raise Unsayable("an XPath is not evaluated")
        path, inserted = compiled_path(criterion.query, criterion.kind, criterion.version)
        return written_path(path, context, self, inserted, is_test=True)

    def _pattern(self, criterion: QueryCriterion, context: str) -> str:
        if isinstance(criterion.query, Template):
            return f'{self._call("matches")}({context}, {self.template(criterion.query)}, "u")'
        text, flags = criterion.query.text, "u"
        if criterion.query.tolerated and text.startswith("/^"):
            text, _, given = text[1:].rpartition("/")
            flags = "".join(flag for flag in "ims" if flag in given) + "u"
        return f'{self._call("matches")}({context}, {literal(text)}, "{flags}")'

    def condition(self, node: Condition) -> str:
        """Return a simple condition as an expression that is true or false, by the rules of Arazzo."""
        match node:
            case Comparison():
                return self._comparison(node)
            case And():
                return " && ".join(self._operand(each) for each in node.operands)
            case Or():
                return " || ".join(self._operand(each) for each in node.operands)
            case Not():
                return f"!{self._operand(node.operand, tight=True)}"
            case Constant() | Reference() | Access():
                return f"Boolean({self._condition_value(node)})"
            case _:
                assert_never(node)

    def _operand(self, node: Condition, *, tight: bool = False) -> str:
        written = self.condition(node)
        return f"({written})" if isinstance(node, (And, Or)) or (tight and isinstance(node, Comparison)) else written

    def _condition_value(self, node: Condition) -> str:
        match node:
            case Constant():
                return _constant(node.value)
            case Reference():
                return self.expression(node.expression)
            case Access():
                inner = self._condition_value(node.operand)
                return self._part(inner, (), None, (node.step,))
            case _:
                return f"({self.condition(node)})"

    def _comparison(self, node: Comparison) -> str:
        left, right = self._condition_value(node.left), self._condition_value(node.right)
        is_number = isinstance(node.right, Constant) and type(node.right.value) in (int, float)
        if left == _STATUS and is_number:
            operator = {"==": "===", "!=": "!=="}.get(node.operator, node.operator)
            return f"{left} {operator} {right}"
        return self._compared(left, node.operator, right)

    def _compared(self, left: str, operator: str, right: str) -> str:
        if operator in ("==", "!=") and right == "null":
            return f"{left} {operator} null"
        if operator in ("==", "!="):
            return f"{'' if operator == '==' else '!'}{self._call('equal')}({left}, {right})"
        return f"{self._call('order')}({left}, {right}) {operator} 0"

    # ---- helpers

    def _call(self, name: str) -> str:
        self.helpers.add(name)
        return name

    def use(self, name: str) -> str:
        """Return the name of a helper function, which the script then has."""
        return self._call(name)


def _constant(value: JsonValue) -> str:
    if isinstance(value, dict):
        return enclosed("{", [f"{key(str(name))}: {_constant(item)}" for name, item in value.items()], "}")
    if isinstance(value, list):
        return enclosed("[", [_constant(item) for item in value], "]")
    return literal(value)
