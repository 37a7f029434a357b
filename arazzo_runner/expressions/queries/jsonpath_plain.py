"""The JSONPath that most documents write, read without the library: importing that takes longer than a small run.

A path of names, places and wildcards, with a filter that tests one path, or compares it with a
constant, at its end: every such text is in RFC 9535, and means the same there (a test compares
the two on generated ones). All else is left to the library.
"""

from __future__ import annotations

from typing import Final, cast

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.expressions.queries.jsonpath_nodes import (
    Compare,
    Constant,
    Exists,
    Filter,
    Index,
    Name,
    Operator,
    Path,
    Segment,
    ValueOf,
    Wildcard,
)

_NUMBER: Final = r"0|[1-9][0-9]{0,14}"
_TEXT: Final = r"'[ -&(-\[\]-~]*'|\"[ !#-\[\]-~]*\""  # printable ASCII without escapes
_STEP: Final = rf"\.[A-Za-z_][A-Za-z0-9_]*|\.\*|\[(?:\*|-?[1-9][0-9]{{0,14}}|0|{_TEXT})\]"
_STEPS: Final = pattern(_STEP)
_TESTED: Final = pattern(rf"@((?:{_STEP})*)(?: ?(==|!=|<=|>=|<|>) ?({_NUMBER}|{_TEXT}|true|false|null))?")
_WORDS: Final[dict[str, JsonValue]] = {"true": True, "false": False, "null": None}


def plain_path(text: str) -> Path | None:
    """Return a query of the plain form, None for every other text, right or wrong."""
    steps, bracket, test = text[1:].partition("[?")
    segments = _segments(steps)
    if segments is None or text[:1] != "$":
        return None
    if not bracket:
        return Path(segments)
    tested = _test(test[1:-2] if test[:1] == "(" and test[-2:] == ")]" else test[:-1]) if test[-1:] == "]" else None
    return None if tested is None else Path((*segments, Segment((Filter(tested),))))


def _test(text: str) -> Compare | Exists | None:
    found = _TESTED.fullmatch(text)
    segments = None if found is None else _segments(found[1])
    if found is None or segments is None:
        return None
    path = Path(segments, absolute=False)
    if found[2] is None:
        return Exists(path)
    if not path.singular:
        return None  # which the library refuses best
    return Compare(ValueOf(path), cast(Operator, found[2]), Constant(_constant(found[3])))


def _segments(text: str) -> tuple[Segment, ...] | None:
    steps = _STEPS.findall(text)
    return tuple(Segment((_selector(step),)) for step in steps) if "".join(steps) == text else None


def _selector(step: str) -> Name | Index | Wildcard:
    inner = step[1:] if step[0] == "." else step[1:-1]
    if inner == "*":
        return Wildcard()
    if step[0] == ".":
        return Name(inner)
    return Name(inner[1:-1]) if inner[0] in "'\"" else Index(int(inner))


def _constant(text: str) -> JsonValue:
    if text in _WORDS:
        return _WORDS[text]
    return text[1:-1] if text[0] in "'\"" else int(text)
