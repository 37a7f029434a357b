"""Connections with bytes behind an answer are not used again: the rest would be read as the next answer.

A body longer than its Content-Length leaves such bytes (by mistake, or to forge the answer to
another request). The HTTP library looks at the socket only, not at what it has read already. A
transport without the attributes used below keeps its connections as it will.
"""

from __future__ import annotations

from typing import Any

_INNER = ("_httpcore_stream", "_stream", "_connection")


def kept_with_leftovers(response: Any) -> Any:
    """Return the connection of an answer that is read, when more came on it than the answer; else None.

    To be called after the response is closed; the caller closes the connection.
    """
    found = getattr(response, "stream", None)
    while found is not None:
        state = getattr(found, "_h11_state", None)
        if state is not None:
            return found if state.trailing_data[0] else None
        found = next((getattr(found, name) for name in _INNER if hasattr(found, name)), None)
    return None
