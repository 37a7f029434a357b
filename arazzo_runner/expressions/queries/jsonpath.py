"""RFC 9535 JSONPath: text → nodes; what is not of the plainest form is parsed and type-checked by jsonpath-rfc9535."""

from __future__ import annotations

from typing import cast

from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Slip
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
    Operator,
    Path,
    Segment,
    Selector,
    Slice,
    Test,
    ValueOf,
    Wildcard,
    operand_path,
)
from arazzo_runner.expressions.queries.jsonpath_plain import plain_path


def parse_jsonpath(text: str) -> Path:
    """Parse an RFC 9535 query; raises ExpressionSyntaxError with the offset of what does not fit."""
    return plain_path(text) or parse_with_library(text)


def parse_with_library(text: str) -> Path:
    """Parse any RFC 9535 query; raises ExpressionSyntaxError with the offset of what does not fit."""
    from jsonpath_rfc9535 import JSONPathEnvironment
    from jsonpath_rfc9535.exceptions import JSONPathError

    try:
        return _path(JSONPathEnvironment().compile(text), absolute=True)
    except JSONPathError as problem:
        message = str(problem.args[0]) if problem.args else "not a JSONPath"
        offset = 0 if problem.token is None else min(max(0, problem.token.index), len(text))
        raise ExpressionSyntaxError(f"not an RFC 9535 JSONPath: {message}", offset) from None
    except RecursionError:
        raise ExpressionSyntaxError("the JSONPath is nested too deeply") from None
    except (ValueError, OverflowError, IndexError) as problem:
        if isinstance(problem, ExpressionSyntaxError):
            raise
        raise ExpressionSyntaxError(f"not an RFC 9535 JSONPath: {problem}") from None


def passes_anything(path: Path) -> Slip | None:
    """Return the warning for `$[?@.x != null]`, which passes whatever an object root holds (semantics §4).

    The filter looks at the members of the object, and a member that has no `x` is not null
    but nothing, which RFC 9535 §2.3.5.2.2 takes as different from null.
    """
    test = root_filter(path)
    for part in test.tests if isinstance(test, AllOf) else (test,):
        if not isinstance(part, Compare) or part.operator != "!=":
            continue
        for one, other in ((part.left, part.right), (part.right, part.left)):
            tested = operand_path(one)
            if other == Constant(None) and isinstance(one, ValueOf) and tested is not None and not tested.absolute:
                message = "a value that is absent differs from null, so this filter passes any object"
                return Slip("filter-passes-anything", f"{message}; test first that it exists", 0, 1)
    return None


def root_filter(path: Path) -> Test | None:
    """Return the test of `$[?test]`, None for every other query."""
    if len(path.segments) != 1 or path.segments[0].descendant or len(path.segments[0].selectors) != 1:
        return None
    selector = path.segments[0].selectors[0]
    return selector.test if isinstance(selector, Filter) else None


def _path(query: object, *, absolute: bool) -> Path:
    from jsonpath_rfc9535.query import JSONPathQuery
    from jsonpath_rfc9535.segments import JSONPathRecursiveDescentSegment

    segments = []
    for segment in cast(JSONPathQuery, query).segments:
        selectors = tuple(map(_selector, segment.selectors))
        segments.append(Segment(selectors, isinstance(segment, JSONPathRecursiveDescentSegment)))
    return Path(tuple(segments), absolute)


def _selector(selector: object) -> Selector:
    from jsonpath_rfc9535 import selectors

    if isinstance(selector, selectors.NameSelector):
        return Name(selector.name)
    if isinstance(selector, selectors.IndexSelector):
        return Index(selector.index)
    if isinstance(selector, selectors.SliceSelector):
        return Slice(selector.slice.start, selector.slice.stop, selector.slice.step)
    if isinstance(selector, selectors.FilterSelector):
        return Filter(_test(selector.expression.expression))
    return Wildcard()


def _test(expression: object) -> Test:
    from jsonpath_rfc9535 import filter_expressions as rfc

    if isinstance(expression, rfc.LogicalExpression):
        return _chain(expression, expression.operator)
    if isinstance(expression, rfc.PrefixExpression):
        return Not(_test(expression.right))
    if isinstance(expression, rfc.ComparisonExpression):
        # The library types the operator as str; its lexer makes only the six.
        operator = cast(Operator, expression.operator)
        return Compare(_operand(expression.left), operator, _operand(expression.right))
    if isinstance(expression, rfc.FilterQuery):
        return Exists(_filter_path(expression))
    if isinstance(expression, rfc.FunctionExtension) and expression.name in ("match", "search"):
        text, pattern = map(_operand, expression.args)
        return Matches(text, pattern, expression.name == "match")
    raise _misplaced(expression, "is a value, not a test: compare it with something")


def _chain(expression: object, operator: str) -> AllOf | AnyOf:
    """`a && b && c`, which the library nests to the left, as one node."""
    from jsonpath_rfc9535.filter_expressions import LogicalExpression

    tests: list[Test] = []
    while isinstance(expression, LogicalExpression) and expression.operator == operator:
        tests.append(_test(expression.right))
        expression = expression.left
    tests.append(_test(expression))
    tests.reverse()
    return AllOf(tuple(tests)) if operator == "&&" else AnyOf(tuple(tests))


def _operand(expression: object) -> Operand:
    from jsonpath_rfc9535 import filter_expressions as rfc

    if isinstance(expression, rfc.IntegerLiteral):
        return Constant(_integer(expression.token.value, expression.value))
    if isinstance(expression, rfc.FilterExpressionLiteral):
        return Constant(expression.value)
    if isinstance(expression, rfc.FilterQuery):
        return ValueOf(_filter_path(expression))
    if isinstance(expression, rfc.FunctionExtension) and expression.name in ("length", "count", "value"):
        argument = expression.args[0]
        if expression.name == "length":
            return Length(_operand(argument))
        assert isinstance(argument, rfc.FilterQuery)  # the library has checked the types
        path = _filter_path(argument)
        return Count(path) if expression.name == "count" else ValueOf(path)
    raise _misplaced(expression, "is a test, not a value that can be compared")


def _filter_path(query: object) -> Path:
    from jsonpath_rfc9535.filter_expressions import FilterQuery, RootFilterQuery

    return _path(cast(FilterQuery, query).query, absolute=isinstance(query, RootFilterQuery))


def _integer(text: str, value: int) -> int:
    # The library reads integers through float, which loses digits above 2**53.
    digits = text.removeprefix("-")
    return int(text) if digits.isdigit() and len(digits) < 400 else value


def _misplaced(expression: object, what: str) -> ExpressionSyntaxError:
    from jsonpath_rfc9535.filter_expressions import Expression

    offset = expression.token.index if isinstance(expression, Expression) else 0
    return ExpressionSyntaxError(f"not an RFC 9535 JSONPath: this {what}", max(0, offset))
