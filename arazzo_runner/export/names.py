"""Names for things of a document that are distinct in a text of another language."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from arazzo_runner.base.names import unused_name

T = TypeVar("T")


def distinct(things: Iterable[T], name_of: Callable[[T], str], taken: Iterable[str] = ()) -> dict[T, str]:
    """Return a name for each thing, numbered where two would have the same.

    >>> distinct(["a-b", "a.b"], lambda each: each[0] + each[2])
    {'a-b': 'ab', 'a.b': 'ab2'}
    """
    names: dict[T, str] = {}
    used = set(taken)
    for thing in things:
        names[thing] = unused_name(name_of(thing), used)
        used.add(names[thing])
    return names
