"""Replacements carried out at export: only those whose places do not depend on values of the run."""

from __future__ import annotations

import pytest

from arazzo_runner.errors import Location
from arazzo_runner.export.folding import folded
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.expressions.queries.query import compile_query
from arazzo_runner.program.model import ArrayValue, CompiledReplacement, ExpressionValue, Literal, ObjectValue, Value

AT = Location("flow.yml")
GIVEN = ExpressionValue(InputReference("given"), AT)
LINES = ArrayValue(
    (
        ObjectValue((("gift", Literal(False)), ("count", Literal(1)))),
        ObjectValue((("gift", GIVEN), ("count", Literal(2)))),
    )
)
PAYLOAD = ObjectValue((("lines", LINES),))

CASES = [
    pytest.param("jsonpointer", "/lines/1/count", True, id="a pointer"),
    pytest.param("jsonpointer", "/lines/1/gift", True, id="a pointer to a computed value"),
    pytest.param("jsonpointer", "/lines/1/gift/sort", False, id="a pointer into a computed value"),
    pytest.param("jsonpath", "$.lines[*].count", True, id="a query without a filter"),
    pytest.param("jsonpath", "$.lines[?@.count == 2].count", True, id="a filter on constants"),
    pytest.param("jsonpath", "$.lines[?@.gift != false].count", False, id="a filter on a computed value"),
    pytest.param("jsonpath", "$.lines[?@.gift > 5].count", False, id="a filter on the order of a computed value"),
    pytest.param("jsonpath", "$.lines[?length(@.gift) > 0].count", False, id="a filter on the length of one"),
    pytest.param("jsonpath", "$.lines[?search(@.gift, 'a')].count", False, id="a pattern on a computed value"),
    pytest.param("jsonpath", "$.lines[?@[*]].count", False, id="a filter on any member"),
    pytest.param("jsonpath", "$.nothing", False, id="a query that selects nothing"),
]


@pytest.mark.parametrize(("kind", "target", "is_folded"), CASES)
def test_replacements_are_folded(kind: str, target: str, is_folded: bool) -> None:
    value: Value = Literal("new")
    change = CompiledReplacement(target=compile_query(target, kind), value=value, at=AT)
    assert (folded(PAYLOAD, [change], "json") is not None) is is_folded
