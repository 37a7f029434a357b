"""Globs over paths with `/`, the same on every system: `*` and `?` within a folder, `**` through folders."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from arazzo_runner.base.patterns import pattern as lazy_pattern

MAGIC: Final = lazy_pattern(r"[*?\[]")


def matches(pattern: str, path: str) -> bool:
    """Tell whether a path matches a pattern, or lies below a folder that does.

    A pattern without a slash means a name in any folder.

    >>> matches("drafts/*.yml", "drafts/a.yml"), matches("drafts", "x/drafts/y/a.yml"), matches("/drafts", "x/drafts/a")
    (True, True, False)
    """
    return _compiled(pattern).fullmatch(path) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    pattern = pattern.replace("\\", "/").removeprefix("./")
    anywhere = "/" not in pattern.rstrip("/")
    body = translated(pattern.strip("/"))
    return re.compile(f"(?:.*/)?{body}(?:/.*)?" if anywhere else f"{body}(?:/.*)?", re.DOTALL)


def translated(pattern: str) -> str:
    """Return a glob as a regular expression; every part is linear in the length of the path."""
    parts, at = [], 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            parts.append("(?:[^/]+/)*")
            at += 3
        elif pattern.startswith("**", at):
            parts.append(".*")
            at += 2
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            inside = pattern[at + 1 : end].replace("\\", "\\\\")
            parts.append(f"[^{inside[1:]}]" if inside[0] in "!^" else f"[{inside}]")
            at = end + 1
        else:
            parts.append({"*": "[^/]*", "?": "[^/]"}.get(pattern[at]) or re.escape(pattern[at]))
            at += 1
    return "".join(parts)
