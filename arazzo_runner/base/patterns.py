"""Regular expressions that are compiled when they are first used: a short-lived command uses few of its hundred."""

from __future__ import annotations

import re
from typing import Any, cast


class _Later:
    """Stands for a pattern; everything asked of it is what the compiled one has, remembered for the next time."""

    def __init__(self, text: str, flags: int) -> None:
        self._made = (text, flags)

    def __getattr__(self, name: str) -> Any:
        found = getattr(re.compile(*self._made), name)  # `re` keeps what it has compiled
        setattr(self, name, found)
        return found


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled when it is first used; for constants of modules."""
    return cast("re.Pattern[str]", _Later(text, int(flags)))
