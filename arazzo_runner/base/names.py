"""Names that are made of others: their words, and a number where a name is taken."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_BETWEEN: Final = re.compile(r"[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def words_of(name: str) -> list[str]:
    """Return the words of a name, of ASCII letters and digits, as they are written.

    >>> words_of("refreshToken"), words_of("X-Api-Key"), words_of("HTTPServer2"), words_of("é")
    (['refresh', 'Token'], ['X', 'Api', 'Key'], ['HTTP', 'Server2'], [])
    """
    return [word for word in _BETWEEN.split(name) if word]


def unused_name(wanted: str, taken: Iterable[str], mark: str = "") -> str:
    """Return a name that is not taken: the wanted one, else with the first free number after it.

    >>> unused_name("a", ["b"]), unused_name("a", ["a", "a2"]), unused_name("a", {"a"}, "_")
    ('a', 'a3', 'a_2')
    """
    used = taken if isinstance(taken, (set, frozenset, dict)) else set(taken)
    name, number = wanted, 1
    while name in used:
        number += 1
        name = f"{wanted}{mark}{number}"
    return name
