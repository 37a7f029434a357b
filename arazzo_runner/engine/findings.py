"""Misfits of a value as findings that people can read: the same misfit of many items is one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from arazzo_runner.sources.schema.mismatch import SchemaError

MOST: Final = 8


def summed_up(errors: Iterable[SchemaError]) -> list[str]:
    """Return one sentence for each kind of misfit, with how often it is there; at most 8, then how many more.

    >>> summed_up([SchemaError(f"/{n}/id", f'"{n}.id" must be integer, found null', "type") for n in range(3)])
    ['"0.id" must be integer, found null (and 2 more like it)']
    """
    kinds: dict[tuple[str, str, str], list[str]] = {}
    for error in errors:
        kinds.setdefault((_kind(error.pointer), error.keyword, _wanted(error)), []).append(error.message)
    sentences = [
        messages[0] if len(messages) == 1 else f"{messages[0]} (and {len(messages) - 1} more like it)"
        for messages in kinds.values()
    ]
    rest = len(sentences) - MOST
    return sentences if rest <= 0 else [*sentences[:MOST], f"{rest} more kinds of misfits"]


def _kind(pointer: str) -> str:
    """Return a pointer without the numbers of items."""
    return "/".join("*" if token.isdigit() else token for token in pointer.split("/"))


def _wanted(error: SchemaError) -> str:
    # Which member is lacking, or not allowed, makes a kind of its own; what was found does not.
    return error.message.partition('"')[2] if error.keyword in ("required", "additionalProperties") else ""
