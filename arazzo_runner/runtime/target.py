"""The request target: what stands in the first line of a request, exactly as its URL was built."""

from __future__ import annotations

import re

_NOT_IN_TARGETS = re.compile(r"[^\x21-\x7e]")


def request_target(url: str) -> str:
    """Return path and query as they were built: httpx would resolve `/a/../b`.

    Raises ValueError for what RFC 9112 §3.2 has no place for (controls, space, non-ASCII): not
    every transport would, and a line break would begin another request.
    """
    _, mark, rest = url.partition("#")[0].partition("://")
    start = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = rest[start:] if rest[start : start + 1] == "/" else f"/{rest[start:]}"
    if target.find("?") == len(target) - 1:
        target = target[:-1]  # an empty query: not all transports would send its mark
    if not mark or _NOT_IN_TARGETS.search(target):
        raise ValueError("its URL has characters that must be percent-encoded")
    return target
