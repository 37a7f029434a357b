"""JSONPath: RFC 9535 through jsonpath-rfc9535, with linear-time match() and search().

Also the comparisons that documents write although RFC 9535 has none (`$.records.length > 0`):
sources of a warning, evaluated as they are meant (semantics §4). Goessner's draft is in
goessner.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from arazzo_runner.expressions.condition import parse_condition
from arazzo_runner.expressions.evaluate import holds
from arazzo_runner.expressions.nodes import (
    Access,
    And,
    Comparison,
    Condition,
    ExpressionSyntaxError,
    Not,
    Or,
    Reference,
    Slip,
)
from arazzo_runner.expressions.regex import RegexTimeout, search_pattern
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.expressions.selectors import Selection
from arazzo_runner.values import JsonValue

MAX_DEPTH: Final = 500
GOESSNER: Final = "draft-goessner-dispatch-jsonpath-00"


@dataclass(frozen=True, slots=True)
class Path:
    """A query of RFC 9535; `filters_root` says that it begins with a filter on the root."""

    query: Any
    filters_root: bool = False


@dataclass(frozen=True, slots=True)
class PathComparison:
    """`PATH op VALUE`, joined by && and ||: a simple condition whose inputs are queries' results."""

    condition: Condition
    paths: tuple[tuple[str, Any, bool], ...]


def compile_jsonpath(text: str, version: str) -> tuple[Any, tuple[Slip, ...]]:
    """Parse a query; raises ExpressionSyntaxError with the offset of what is wrong."""
    if version == GOESSNER:
        from arazzo_runner.expressions.goessner import parse_goessner

        return parse_goessner(text), ()
    try:
        query = _parse(text)
    except ExpressionSyntaxError as problem:
        comparison = _comparison(text)
        if comparison is None:
            raise problem from None
        slip = Slip("jsonpath-comparison", "RFC 9535 has no comparison outside a filter", 0, len(text), None)
        return comparison, (slip,)
    compact = text.replace(" ", "")
    filters_root = compact.startswith("$[?")
    slips: tuple[Slip, ...] = ()
    if filters_root and compact.endswith(("!=null]", "!=null)]")):
        message = "this filter passes for every object, whether the member is there or not"
        slips = (Slip("jsonpath-null-filter", message, 0, len(text), None),)
    return Path(query, filters_root), slips


def select_jsonpath(compiled: Any, value: JsonValue) -> Selection:
    """Apply a compiled query to JSON data."""
    if isinstance(compiled, PathComparison):
        return _compared(compiled, value)
    if not isinstance(compiled, Path):
        return Selection("nodes", tuple(compiled.select(value)))
    try:
        found = _values(compiled.query, value)
        if not found and compiled.filters_root and isinstance(value, dict):
            # The Specification's own example filters an object: tried once more on the list of it.
            found = _values(compiled.query, [_counted(value)])
    except RegexTimeout as problem:
        return Selection("failed", reason=str(problem))
    except _library().JSONPathError as problem:
        return Selection("failed", reason=f"JSONPath: {problem}")
    except RecursionError:
        return Selection("failed", reason="the value is nested too deep for this query")
    return Selection("nodes", found)


def _values(query: Any, value: JsonValue) -> tuple[JsonValue, ...]:
    return tuple(node.value for node in query.finditer(value))


class _Many(list):  # type: ignore[type-arg]
    """An array that count() counts by its items in the second try on an object root."""


def _counted(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {key: _Many(item) if type(item) is list else item for key, item in value.items()}


# ------------------------------------------------------------------ the library


@lru_cache(maxsize=1)
def _library() -> Any:
    import jsonpath_rfc9535

    return jsonpath_rfc9535


@lru_cache(maxsize=1)
def _environment() -> Any:
    """The library's environment with match and search of our own (its own may run away)."""
    library = _library()
    from jsonpath_rfc9535 import function_extensions as extensions

    class Matching(extensions.FilterFunction):  # type: ignore[misc, name-defined]
        arg_types = [extensions.ExpressionType.VALUE, extensions.ExpressionType.VALUE]  # noqa: RUF012
        return_type = extensions.ExpressionType.LOGICAL

        def __init__(self, whole: bool) -> None:
            self.whole = whole

        def __call__(self, text: object, pattern: object) -> bool:
            if not isinstance(text, str) or not isinstance(pattern, str):
                return False
            return search_pattern(_iregexp(pattern, whole=self.whole), text)

    class Counting(extensions.FilterFunction):  # type: ignore[misc, name-defined]
        arg_types = [extensions.ExpressionType.NODES]  # noqa: RUF012
        return_type = extensions.ExpressionType.VALUE

        def __call__(self, nodes: Any) -> int:
            values = [node.value for node in nodes]
            if len(values) == 1 and isinstance(values[0], _Many):
                return len(values[0])
            return len(values)

    class Environment(library.JSONPathEnvironment):  # type: ignore[misc, name-defined]
        max_recursion_depth = MAX_DEPTH

        def setup_function_extensions(self) -> None:
            super().setup_function_extensions()
            self.function_extensions["match"] = Matching(True)
            self.function_extensions["search"] = Matching(False)
            self.function_extensions["count"] = Counting()

    return Environment()


def _parse(text: str) -> Any:
    try:
        return _environment().compile(text)
    except _library().JSONPathError as problem:
        token = getattr(problem, "token", None)
        offset = getattr(token, "index", 0) or 0
        message = str(problem).partition(", line")[0].splitlines()[0]
        raise ExpressionSyntaxError(f"this is no JSONPath: {message}", min(offset, len(text)), 1) from None
    except (RecursionError, ValueError) as problem:
        raise ExpressionSyntaxError(f"this is no JSONPath: {problem}") from None


def _iregexp(pattern: str, *, whole: bool) -> str:
    """I-Regexp (RFC 9485) → our dialect: `.` matches all but line ends, match() is anchored."""
    written: list[str] = []
    inside = escaped = False
    for character in pattern:
        if escaped or character == "\\":
            escaped = not escaped
        elif character == "[":
            inside = True
        elif character == "]":
            inside = False
        elif character == "." and not inside:
            written.append(r"[^\n\r]")
            continue
        written.append(character)
    body = "".join(written)
    return rf"\A(?:{body})\z" if whole else body


# ------------------------------------------------------------------ tolerated comparisons


def _comparison(text: str) -> PathComparison | None:
    """Read `$.a.b == 1 && $.c.length > 0`: each path becomes an input of a simple condition."""
    paths: list[tuple[str, Any, bool]] = []
    written: list[str] = []
    position = 0
    while position < len(text):
        character = text[position]
        if character in "'\"":
            close = text.find(character, position + 1)
            if close < 0:
                return None
            inner = text[position + 1 : close].replace("'", "''")
            written.append(f"'{inner}'")
            position = close + 1
        elif character == "$" or (character == "@" and text[position + 1 : position + 2] in (".", "[")):
            end = _path_end(text, position)
            entry = _path_entry("$" + text[position + 1 : end])
            if entry is None:
                return None
            name = f"p{len(paths)}"
            paths.append((name, *entry))
            written.append(f"$inputs.{name}")
            position = end
        else:
            written.append(character)
            position += 1
    return _as_comparison("".join(written), paths)


def _as_comparison(text: str, paths: list[tuple[str, Any, bool]]) -> PathComparison | None:
    try:
        condition = parse_condition(text.replace("===", "==")).node
    except ExpressionSyntaxError:
        return None
    return PathComparison(condition, tuple(paths)) if paths and _compares(condition) else None


def _compares(node: Condition) -> bool:
    if isinstance(node, (And, Or)):
        return all(_compares(operand) or isinstance(operand, (Reference, Not)) for operand in node.operands)
    if isinstance(node, Not):
        return _compares(node.operand) or isinstance(node.operand, Reference)
    return isinstance(node, Comparison) and any(
        isinstance(side, (Reference, Access)) for side in (node.left, node.right)
    )


def _path_end(text: str, start: int) -> int:
    depth, end = 0, start
    while end < len(text):
        character = text[end]
        if character in "([":
            depth += 1
        elif character in ")]":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and (character.isspace() or character in "=!<>&|"):
            break
        end += 1
    return end


def _path_entry(path: str) -> tuple[Any, bool] | None:
    """Return (query, wants its length) of a path such as `$.records.length`."""
    length = path.endswith((".length", ".length()", ".size()"))
    plain = path.rpartition(".")[0] if length else path
    try:
        return _parse(plain), length
    except ExpressionSyntaxError:
        return None


def _compared(comparison: PathComparison, value: JsonValue) -> Selection:
    inputs: dict[str, JsonValue] = {}
    for name, query, wants_length in comparison.paths:
        found = _values(query, value)
        if wants_length:
            own = next((item["length"] for item in found if isinstance(item, dict) and "length" in item), None)
            measured = [len(item) for item in found if isinstance(item, (list, str, dict))]
            if own is not None or measured:
                inputs[name] = own if own is not None else measured[0]
        elif found:
            inputs[name] = found[0] if len(found) == 1 else list(found)
    judgement = holds(comparison.condition, Scope(inputs=inputs))
    return Selection("value", (judgement.passed,), None if judgement.passed else _reason(comparison, inputs))


def _reason(comparison: PathComparison, inputs: dict[str, JsonValue]) -> str:
    from arazzo_runner.values import preview

    seen = [f"{query}{'.length' if length else ''} is {preview(inputs[name]) if name in inputs else 'missing'}"
            for name, query, length in comparison.paths]  # fmt: skip
    return "; ".join(seen)
