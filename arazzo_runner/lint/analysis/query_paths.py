"""The members that a query certainly reads: the beginning of its path, as tokens."""

from __future__ import annotations

from arazzo_runner.base.json_values import pointer_tokens
from arazzo_runner.expressions.nodes import Template
from arazzo_runner.expressions.queries.query import Query
from arazzo_runner.lint.analysis.schema_types import ANY


def query_tokens(query: Query | Template) -> tuple[str, ...] | None:
    """Return the tokens of a query that selects one value by its path, None for any other query."""
    paths = query_paths(query)
    if isinstance(query, Template) or len(paths) != 1 or not paths[0][1]:
        return None
    return paths[0][0]


def query_paths(query: Query | Template) -> list[tuple[tuple[str, ...], bool]]:
    """Return (tokens, whether they are the whole path and select one value) of each path at the root of a query."""
    from arazzo_runner.expressions.queries.jsonpath_nodes import Path, operand_path, operands  # lazily: as queries are
    from arazzo_runner.expressions.queries.query import Pointer

    if isinstance(query, Template):
        return []
    compiled = query.compiled
    if isinstance(compiled, Pointer):
        return [(pointer_tokens(compiled.pointer), True)]
    if query.kind != "jsonpath":
        return []
    if isinstance(compiled, Path):
        return [_tokens(compiled)]
    paths = [operand_path(operand) for operand in operands(compiled)]  # type: ignore[arg-type]
    return [_tokens(path) for path in paths if path is not None and path.absolute]


def _tokens(path: object) -> tuple[tuple[str, ...], bool]:
    from arazzo_runner.expressions.queries.jsonpath_nodes import Index, Name, Path

    assert isinstance(path, Path)
    tokens: list[str] = []
    for segment in path.segments:
        if segment.descendant or len(segment.selectors) != 1:
            return tuple(tokens), False
        selector = segment.selectors[0]
        tokens.append(selector.name if isinstance(selector, Name) else ANY)
        if not isinstance(selector, (Name, Index)) and len(tokens) == 1:
            return (), False  # a filter on the root: of a list, or of an object as its only item (semantics §4)
    return tuple(tokens), path.singular
