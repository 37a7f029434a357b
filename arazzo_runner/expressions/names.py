"""The names that a workflow declares, and the memo of the parsers, whose results depend on them."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping
from functools import lru_cache, wraps
from typing import Final, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

LONGEST_MEMOISED: Final = 500
"""Longer texts are parsed anew each time: few are repeated, and memory is bounded."""
LONGEST_NAME: Final = 1_000
"""The length of a declared name that is looked for where the grammar has none."""
_PLAIN_NAMES: Final = re.compile(r"\$(?:inputs|steps\.[\w-]+\.outputs)\.[\w-]+", re.ASCII)


class Declared:
    """The names a text may refer to; None means "not known", an empty set "there are none".

    `steps` maps a stepId to its output names, `workflows` a workflowId to its output names.
    Compared and hashed by identity: a workflow has one, which never changes.
    """

    __slots__ = ("inputs", "steps", "workflows")

    def __init__(
        self,
        inputs: frozenset[str] | None = None,
        steps: Mapping[str, frozenset[str] | None] | None = None,
        workflows: Mapping[str, frozenset[str] | None] | None = None,
    ) -> None:
        self.inputs: Final = inputs
        self.steps: Final = steps or {}
        self.workflows: Final = workflows or {}


NOTHING_DECLARED: Final = Declared()


def depends_on_names(text: str) -> bool:
    """Return whether the meaning of a text may depend on the names that its workflow declares."""
    return "$inputs" in text or "$steps" in text or "$workflows" in text


def memoised(parse: Callable[[str, Declared, *Ts], T]) -> Callable[[str, Declared, *Ts], T]:
    """Return a parser that keeps its results for texts of ordinary length."""
    kept = lru_cache(maxsize=4096)(parse)

    @wraps(parse)
    def parse_once(text: str, declared: Declared, *options: *Ts) -> T:
        if len(text) > LONGEST_MEMOISED:
            return parse(text, declared, *options)
        # Plain names are read in one way, whatever is declared: saves 3 % of `validate` of many documents.
        is_shared = not depends_on_names(text) or _PLAIN_NAMES.fullmatch(text) is not None
        return kept(text, NOTHING_DECLARED if is_shared else declared, *options)

    return parse_once


def longest_name_before(follow: str, text: str, start: int, known: Container[str]) -> str | None:
    """Return the longest known name that begins at `start` and is followed by `follow`."""
    found = None
    end = text.find(follow, start, start + LONGEST_NAME)
    while end >= 0:
        if text[start:end] in known:
            found = text[start:end]
        end = text.find(follow, end + 1, start + LONGEST_NAME)
    return found


def longest_name_at(text: str, start: int, known: frozenset[str]) -> str | None:
    """Return the longest known name that begins at `start` and ends at a full stop, bracket, `#` or the end."""
    most = min(len(text), start + _longest_of(known), start + LONGEST_NAME)
    for end in range(most, start, -1):
        if (end == len(text) or text[end] in ".#[") and text[start:end] in known:
            return text[start:end]
    return None


@lru_cache(maxsize=256)
def _longest_of(names: frozenset[str]) -> int:
    return max(map(len, names), default=0)
