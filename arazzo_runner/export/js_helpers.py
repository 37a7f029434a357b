"""The functions that exported JavaScript needs, by name; a script has those that it uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from arazzo_runner.export.js_query_helpers import QUERIES
from arazzo_runner.export.js_request_helpers import REQUESTS
from arazzo_runner.export.js_value_helpers import VALUES

_SOURCES: Final = {**VALUES, **QUERIES, **REQUESTS}


def helper_names() -> frozenset[str]:
    """Return the names of all helper functions, which variables of a script must not have."""
    return frozenset(_SOURCES)


def sources_of(names: Iterable[str]) -> list[str]:
    """Return the source texts of helper functions and of those that they call, in the order of definition."""
    wanted: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += _SOURCES[name][0]
    return [text for name, (_, text) in _SOURCES.items() if name in wanted]
