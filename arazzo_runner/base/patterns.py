"""Regular expressions compiled on first use: a command uses few of the hundred constants of its modules.

Compiling them all at import costs 7 % of the instructions of a first `validate`, 2 % of a run.
"""

from __future__ import annotations

import re
from typing import Any, cast


class _Later:
    """Stand-in for a compiled pattern, whose attributes it copies when they are first used."""

    def __init__(self, text: str, flags: int) -> None:
        self._made = (text, flags)

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._made), name)  # `re` caches what it has compiled
        setattr(self, name, found)
        return found


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled on first use, for module constants."""
    return cast("re.Pattern[str]", _Later(text, int(flags)))
