"""The JSONPath that most documents write, read without the library: importing that takes longer than a small run.

A path of names, places and wildcards, with a filter that tests one path, or compares it with a
constant, at its end: every such text is in RFC 9535, and means the same there (a test compares
the two on generated ones). All else is left to the library.
"""

from __future__ import annotations

from typing import Final, cast

from arazzo_runner.expressions.jsonpath_nodes import (
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
from arazzo_runner.patterns import pattern
from arazzo_runner.values import JsonValue

_NUMBER: Final = r"0|[1-9][0-9]{0,14}"
_TEXT: Final = r"'[ -&(-\[\]-~]*'|\"[ !#-\[\]-~]*\""  # printable ASCII without escapes
_STEP: Final = rf"\.[A-Za-z_][A-Za-z0-9_]*|\.\*|\[(?:\*|-?[1-9][0-9]{{0,14}}|0|{_TEXT})\]"
_TESTED: Final = rf"@((?:{_STEP})*)(?: ?(==|!=|<=|>=|<|>) ?({_NUMBER}|{_TEXT}|true|false|null))?"
_STEPS: Final = pattern(_STEP)
_PLAIN: Final = pattern(rf"\$((?:{_STEP})*)(?:\[\?(?:\({_TESTED}\)|{_TESTED})\])?")
_WORDS: Final[dict[str, JsonValue]] = {"true": True, "false": False, "null": None}


def plain_path(text: str) -> Path | None:
    """Return a query of the plain form, None for every other text, right or wrong."""
    found = _PLAIN.fullmatch(text)
    if found is None:
        return None
    segments = _segments(found[1])
    tested = found.groups()[1:4] if found[2] is not None else found.groups()[4:7]
    if tested[0] is None:
        return Path(segments)
    test = _test(*tested)
    return None if test is None else Path((*segments, Segment((Filter(test),))))


def _test(steps: str, operator: str | None, constant: str) -> Compare | Exists | None:
    path = Path(_segments(steps), absolute=False)
    if operator is None:
        return Exists(path)
    if not path.singular:
        return None  # which the library refuses best
    return Compare(ValueOf(path), cast(Operator, operator), Constant(_constant(constant)))


def _segments(steps: str) -> tuple[Segment, ...]:
    return tuple(Segment((_selector(step),)) for step in _STEPS.findall(steps))


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
