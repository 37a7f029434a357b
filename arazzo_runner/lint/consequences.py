"""Findings that follow from another one: they are left out, because correcting the other one corrects them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from arazzo_runner.errors import Diagnostic, Location

_NO_EXPRESSION: Final = frozenset({"doubtful-braces", "missing-dollar", "unquoted-braces"})
"""Codes of texts that are meant as an expression: as a text they fit nothing."""
CAUSES: Final = {
    "braces-make-text": _NO_EXPRESSION,
    "content-type-not-offered": frozenset({"invalid-content-type"}),
    "missing-action": frozenset({"missing-field"}),
    "parameter-mismatch": _NO_EXPRESSION | {"braces-make-text"},
    "payload-mismatch": _NO_EXPRESSION | {"braces-make-text"},
}
"""The codes of findings about a value, with those that explain them where they are about the same value."""


def without_consequences(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Return the findings, in their order, without those that another one about the same value explains."""
    found = list(found)
    codes = {each.code for each in found}
    if codes.isdisjoint(CAUSES):
        return found
    causes = {(each.code, place) for each in found if each.code in _ALL_CAUSES for place in _places(each.at)}
    return [each for each in found if not _follows(each, causes)]


_ALL_CAUSES: Final = frozenset().union(*CAUSES.values())


def _follows(found: Diagnostic, causes: Collection[tuple[str, object]]) -> bool:
    codes = CAUSES.get(found.code, ())
    return any((code, place) in causes for code in codes for place in _places(found.at))


def _places(at: Location) -> tuple[object, ...]:
    """Return by what a place is known: its pointer, and its line and column, which is all that a reader of YAML has."""
    position = (at.uri, at.line, at.column)
    return ((at.uri, at.pointer), position) if at.pointer else (position,)
