"""What stays the same of a finding when lines above it come and go: for baselines and for the reports of CI."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Diagnostic, Location
from arazzo_runner.sources.uris import is_remote

_LINES: Final = pattern(r"\blines? \d+(?: and \d+)?")


def fingerprint(found: Diagnostic, base: str = ".") -> str:
    """Return 16 hex digits of a finding's code, file (from the folder `base`), message and marked text.

    Line numbers are no part of it, also where they stand in the message.
    """
    import hashlib  # lazily: reports for people need no fingerprints

    parts = (found.code, relative(found.at.uri, base), _LINES.sub("line", found.message), marked_text(found.at))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def fingerprints(findings: Iterable[Diagnostic], base: str = ".") -> list[str]:
    """Return a fingerprint for each of several findings; equal ones are numbered, so that all differ."""
    seen: dict[str, int] = {}
    made = []
    for found in findings:
        own = fingerprint(found, base)
        seen[own] = seen.get(own, 0) + 1
        made.append(own if seen[own] == 1 else f"{own}-{seen[own]}")
    return made


def relative(uri: str, base: str) -> str:
    """Return a file as seen from a folder, with `/`; a URL, or a file on another drive, as it is."""
    if not uri or is_remote(uri):
        return uri
    try:
        return os.path.relpath(uri, base).replace(os.sep, "/")
    except ValueError:  # another drive
        return uri.replace(os.sep, "/")


def marked_text(at: Location) -> str:
    """Return the characters that a finding's carets stand under."""
    source, column, end = at.source_line, at.column, at.end_column
    return "" if source is None or column is None or end is None else source[column - 1 : end - 1][:200]
