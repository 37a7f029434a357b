"""What checks have in common: mismatches as sentences, and the candidates for the value of a text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.sources.schema.check import SchemaCheck, SchemaError

WRONG_FORMAT: Final = "value-format"
UNKNOWN_FORMAT: Final = "unknown-format"
NOTHING: Final = SchemaCheck(())
"""The check of a value that fits, or that is not checked."""
MAX_SENTENCES: Final = 8


def summarised(errors: Iterable[SchemaError]) -> list[str]:
    """Return one sentence per kind of mismatch, with its count; at most 8, then how many more there are.

    >>> summarised([SchemaError(f"/{n}/id", f'"{n}.id" must be integer, found null', "type") for n in range(3)])
    ['"0.id" must be integer, found null (and 2 more like it)']
    """
    return [sentence for sentence, _ in grouped(errors)]


def grouped(errors: Iterable[SchemaError]) -> list[tuple[str, SchemaError]]:
    """Return the sentences of `summarised`, each with the first mismatch that it is about."""
    kinds: dict[tuple[str, str, str], list[SchemaError]] = {}
    for error in errors:
        kinds.setdefault((_without_indexes(error.pointer), error.keyword, _expected(error)), []).append(error)
    found = [
        (alike[0].message if len(alike) == 1 else f"{alike[0].message} (and {len(alike) - 1} more like it)", alike[0])
        for alike in kinds.values()
    ]
    rest = len(found) - MAX_SENTENCES
    if rest <= 0:
        return found
    return [*found[:MAX_SENTENCES], (f"{rest} more kinds of mismatches", SchemaError("", "", ""))]


def _without_indexes(pointer: str) -> str:
    """Return a pointer with `*` for the indexes of items."""
    return "/".join("*" if token.isdigit() else token for token in pointer.split("/"))


def _expected(error: SchemaError) -> str:
    # Mismatches about different members are of different kinds; those with different values found are not.
    return error.message.partition('"')[2] if error.keyword in ("required", "additionalProperties") else ""


def without_texts_of(files: Collection[str], check: SchemaCheck) -> SchemaCheck:
    """Return a check without what it says of the texts at some JSON Pointers, which stand for files."""
    if not files:
        return check
    errors = (each for each in check.errors if each.pointer not in files or each.keyword in ("type", "$work"))
    formats = (each for each in check.formats if each.pointer not in files)
    return replace(check, errors=tuple(errors), formats=tuple(formats))


def fitting(candidates: Iterable[JsonValue], check: Callable[[JsonValue], SchemaCheck]) -> SchemaCheck:
    """Return the check of the first candidate that fits, else of the first; nothing when the schema is unusable."""
    first: SchemaCheck | None = None
    for each in candidates:
        found = check(each)
        if not found.errors or found.is_about_schema:
            return NOTHING if found.errors else found
        first = first or found
    return first or NOTHING
