"""JSONPath queries as JavaScript: calls of the helper functions `select`, `named`, `where` and others."""

from __future__ import annotations

from typing import Protocol, assert_never

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.export.js_text import literal
from arazzo_runner.export.unsayable import Unsayable
from arazzo_runner.expressions.nodes import Expression, ExpressionSyntaxError, Template
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    Count,
    Exists,
    Filter,
    Index,
    Length,
    Matches,
    Name,
    Not,
    Operand,
    Path,
    ScriptLength,
    Segment,
    Selector,
    Slice,
    Test,
    Truthy,
    ValueOf,
    Wildcard,
    root_filter,
)
from arazzo_runner.expressions.queries.query import Query, compile_query
from arazzo_runner.expressions.text_languages import writer_of
from arazzo_runner.expressions.text_writers import Unwritable

Inserted = dict[str, tuple[Expression, bool]]
"""The expressions in a query by their mark, and whether each is inside a string."""


class ExpressionWriter(Protocol):
    """What writes the expressions in a query, and notes the helper functions that are used."""

    def expression(self, expression: Expression) -> str:
        """Return the value of a runtime expression."""

    def use(self, name: str) -> str:
        """Return the name of a helper function, which the script then has."""


def compiled_path(query: Query | Template, kind: str, version: str | None) -> tuple[Path | Test, Inserted]:
    """Return the nodes of a JSONPath; embedded expressions are in it as marks."""
    inserted: Inserted = {}
    if isinstance(query, Template):
        query = _marked(query, kind, version, inserted)
    compiled = query.compiled
    if query.version != "rfc9535" or not isinstance(compiled, (Path, Exists, Compare, Not, AllOf, AnyOf, Matches)):
        raise Unsayable("a JSONPath of Goessner's draft is not evaluated")
    return compiled, inserted


def _marked(template: Template, kind: str, version: str | None, inserted: Inserted) -> Query:
    writer, parts = writer_of("jsonpath"), []
    assert writer is not None
    try:
        for part in template.parts:
            if isinstance(part, str):
                parts.append(writer.text(part))
                continue
            mark = f"\ue000{len(inserted)}\ue001"
            written = writer.value(mark)
            inserted[mark] = part, written == mark
            parts.append(written)
        return compile_query("".join(parts) + writer.end(), kind, version)
    except (Unwritable, ExpressionSyntaxError) as problem:
        raise Unsayable("a JSONPath with expressions in such places is not evaluated") from problem


def written_path(
    path: Path | Test, context: str, writer: ExpressionWriter, inserted: Inserted, *, is_test: bool = False
) -> str:
    """Return the list of nodes that a path selects; with `is_test`, whether it passes as a criterion."""
    written = _Queries(writer, inserted, context)
    if not isinstance(path, Path):
        test = written.test(path)
        return f"{context} != null && ({test})" if is_test else f"{context} == null ? [] : [{test}]"
    nodes = written.path(path, context)
    if not is_test:
        return nodes
    whole = root_filter(path)
    if whole is None:
        return f"{nodes}.length > 0"
    # `$[?count(@.pets) > 0]` is a test of the object itself where none of its members passes (semantics §4).
    itself = _Queries(writer, inserted, context, count_is_length=True).test(whole)
    is_object = f'{context} != null && typeof {context} === "object" && !Array.isArray({context})'
    return f"{nodes}.length > 0 || ({is_object} && [{context}].some((here) => {itself}))"


class _Queries:
    """Writes the parts of one query; `root` is the expression of its context."""

    def __init__(
        self, writer: ExpressionWriter, inserted: Inserted, root: str, *, count_is_length: bool = False
    ) -> None:
        self._writer = writer
        self._inserted = inserted
        self._root = root
        self._count_is_length = count_is_length

    def path(self, path: Path, context: str) -> str:
        segments = [context, *map(self._segment, path.segments)]
        return f"{self._use('select')}({', '.join(segments)})"

    def _segment(self, segment: Segment) -> str:
        selectors = [self._selector(each) for each in segment.selectors]
        written = selectors[0] if len(selectors) == 1 else f"{self._use('either')}({', '.join(selectors)})"
        return f"{self._use('deep')}({written})" if segment.descendant else written

    def _selector(self, selector: Selector) -> str:
        match selector:
            case Name():
                return f"{self._use('named')}({self._constant(selector.name)})"
            case Index():
                return f"{self._use('item')}({selector.index})"
            case Slice():
                bounds = ", ".join("null" if each is None else str(each) for each in (selector.start, selector.stop))
                return f"{self._use('items')}({bounds}, {1 if selector.step is None else selector.step})"
            case Wildcard():
                return self._use("children")
            case Filter():
                return f"{self._use('where')}((here) => {self.test(selector.test)})"
            case _:
                assert_never(selector)

    def test(self, test: Test) -> str:
        match test:
            case Exists():
                return f"{self._nodes(test.path)}.length > 0"
            case Compare():
                return self._compare(test)
            case Not():
                return f"!({self.test(test.test)})"
            case AllOf():
                return " && ".join(self._inner(each) for each in test.tests)
            case AnyOf():
                return " || ".join(self._inner(each) for each in test.tests)
            case Matches():
                return self._matches(test)
            case Truthy():
                raise Unsayable("a JSONPath of Goessner's draft is not evaluated")
            case _:
                assert_never(test)

    def _inner(self, test: Test) -> str:
        written = self.test(test)
        return f"({written})" if isinstance(test, (AllOf, AnyOf)) else written

    def _compare(self, test: Compare) -> str:
        if test.rules == "script":
            raise Unsayable("a JSONPath of Goessner's draft is not evaluated")
        left, right = self._operand(test.left), self._operand(test.right)
        if test.rules == "absent-is-null":
            raise Unsayable("a JSONPath that compares missing values is not evaluated")
        same, before = f"{self._use('same')}({left}, {right})", self._use("before")
        match test.operator:
            case "==":
                return same
            case "!=":
                return f"!{same}"
            case "<":
                return f"{before}({left}, {right})"
            case ">":
                return f"{before}({right}, {left})"
            case "<=":
                return f"({before}({left}, {right}) || {same})"
            case ">=":
                return f"({before}({right}, {left}) || {same})"
            case _:
                assert_never(test.operator)

    def _matches(self, test: Matches) -> str:
        text, pattern = self._operand(test.text), test.pattern
        if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
            raise Unsayable("a JSONPath with a computed pattern is not evaluated")
        if any(mark in pattern.value for mark in self._inserted):
            raise Unsayable("a JSONPath with a computed pattern is not evaluated")
        written = literal(f"^(?:{pattern.value})$" if test.whole else pattern.value)
        return f'[{text}].some((it) => typeof it === "string" && new RegExp({written}, "u").test(it))'

    def _operand(self, operand: Operand) -> str:
        match operand:
            case Constant():
                return self._constant(operand.value)
            case ValueOf():
                return f"{self._use('single')}({self._nodes(operand.path)})"
            case Length():
                return f"{self._use('extent')}({self._operand(operand.operand)})"
            case Count():
                if self._count_is_length:
                    return f"{self._use('extent')}({self._use('single')}({self._nodes(operand.path)}))"
                return f"{self._nodes(operand.path)}.length"
            case ScriptLength():
                return f"{self._use('size')}({self._use('single')}({self._nodes(operand.path)}))"
            case _:
                assert_never(operand)

    def _nodes(self, path: Path) -> str:
        return self.path(path, self._root if path.absolute else "here")

    def _constant(self, value: JsonValue) -> str:
        if not isinstance(value, str):
            return literal(value)
        whole = self._inserted.get(value)
        if whole is not None and not whole[1]:
            return self._writer.expression(whole[0])
        parts, rest = [], value
        for mark, (expression, _) in self._inserted.items():
            before, found, after = rest.partition(mark)
            if found:
                name = literal(str(expression))
                parts += [literal(before), f"{self._use('text')}({self._writer.expression(expression)}, {name})"]
                rest = after
        return " + ".join([*(part for part in parts if part != '""'), *([literal(rest)] if rest or not parts else [])])

    def _use(self, name: str) -> str:
        return self._writer.use(name)
