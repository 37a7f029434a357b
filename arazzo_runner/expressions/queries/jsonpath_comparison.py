"""`$.records.length > 0`: comparisons in a JSONPath condition, which RFC 9535 does not have (semantics §4)."""

from __future__ import annotations

import json
from collections.abc import Callable

from arazzo_runner.expressions.nodes import ExpressionSyntaxError, Slip
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    AllOf,
    AnyOf,
    Compare,
    Constant,
    Count,
    Exists,
    Not,
    Operand,
    Operator,
    Path,
    ScriptLength,
    Test,
    ValueOf,
)
from arazzo_runner.expressions.queries.jsonpath_tests import Dialect, TestParser, value_of


def parse_comparison(text: str, parse_path: Callable[[str], Path]) -> tuple[Test, Slip] | None:
    """Parse `PATH op VALUE` joined by `&&` and `||`; None when the text compares nothing.

    `parse_path` reads a PATH in the query's own version. What is missing compares as null.
    Raises ExpressionSyntaxError for a text that compares but is not in the grammar.
    """
    if not any(sign in text for sign in "=<>"):
        return None
    texts: dict[Path, str] = {}
    parser = TestParser(text, 0, _dialect(parse_path, texts))
    try:
        test = parser.parse()
    except ExpressionSyntaxError:
        if parser.compared:
            raise
        return None
    if not parser.compared:
        return None
    message = "a comparison is not an RFC 9535 query"
    canonical = _canonical(test, texts)
    if canonical is None:
        message += "; RFC 9535 cannot test the root itself, a simple condition can"
    return test, Slip("jsonpath-comparison", message, 0, len(text), canonical)


def _dialect(parse_path: Callable[[str], Path], texts: dict[Path, str]) -> Dialect:
    def path(text: str, offset: int) -> Path:
        try:
            parsed = parse_path(text)
        except ExpressionSyntaxError as problem:
            raise ExpressionSyntaxError(
                problem.message, offset + problem.offset, problem.length, problem.hint
            ) from None
        texts.setdefault(parsed, text)
        return parsed

    def compare(left: Operand, operator: Operator, right: Operand) -> Compare:
        for side in (left, right):
            if isinstance(side, ValueOf) and not side.path.singular:
                message = f'"{texts[side.path]}" may select several values, which do not compare'
                hint = "write $.items[?@.status == 'x'] to ask for items, or add .length to count them"
                raise ExpressionSyntaxError(message, 0, 1, hint)
        return Compare(left, operator, right, "absent-is-null")

    return Dialect("$", path, value_of, _length, _bare, compare)


def _length(path: Path) -> Operand:
    return ScriptLength(path) if path.singular else Count(path)


def _bare(operand: Operand) -> Test:
    if isinstance(operand, ValueOf):
        return Exists(operand.path)
    return Compare(operand, "!=", Constant(0), "absent-is-null")


# ------------------------------------------------------------------ the spelling of RFC 9535


def _canonical(test: Test, texts: dict[Path, str]) -> str | None:
    """Return the query that says the same, None when the root itself is tested: a filter sees its children."""
    if any(not path.segments for path in texts):
        return None
    written = _written(test, texts)
    return f"$[?{written}]"


def _written(test: Test, texts: dict[Path, str]) -> str:
    if isinstance(test, AllOf):
        return " && ".join(_grouped(part, texts, (AnyOf,)) for part in test.tests)
    if isinstance(test, AnyOf):
        return " || ".join(_written(part, texts) for part in test.tests)
    if isinstance(test, Not):
        return "!" + _grouped(test.test, texts, (AnyOf, AllOf, Compare))
    if isinstance(test, Exists):
        return texts[test.path]
    assert isinstance(test, Compare)
    return _comparison(test, texts)


def _grouped(test: Test, texts: dict[Path, str], loose: tuple[type, ...]) -> str:
    written = _written(test, texts)
    return f"({written})" if isinstance(test, loose) or (" || " in written and isinstance(test, Compare)) else written


def _comparison(test: Compare, texts: dict[Path, str]) -> str:
    left, right = _operand_text(test.left, texts), _operand_text(test.right, texts)
    plain = f"{left} {test.operator} {right}"
    if test.right == Constant(None) and isinstance(test.left, ValueOf):
        # RFC 9535: what is missing is "nothing", which is not null.
        if test.operator == "!=":
            return f"{left} && {plain}"
        if test.operator == "==":
            return f"!{left} || {plain}"
    return plain


def _operand_text(operand: Operand, texts: dict[Path, str]) -> str:
    if isinstance(operand, Constant):
        return json.dumps(operand.value, ensure_ascii=False) if not isinstance(operand.value, str) else _quoted(operand)
    if isinstance(operand, Count):
        return f"count({texts[operand.path]})"
    assert isinstance(operand, (ScriptLength, ValueOf))
    text = texts[operand.path]
    return f"length({text})" if isinstance(operand, ScriptLength) else text


def _quoted(constant: Constant) -> str:
    written = json.dumps(constant.value, ensure_ascii=False)
    return "'" + written[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
