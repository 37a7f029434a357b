"""Findings: what `arazzo validate` found, and fingerprints that survive edits of other lines."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Final

from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.sources.uris import is_remote, uri_of_path

_LINES: Final = pattern(r"\blines? \d+(?: and \d+)?")
_MARKS: Final = (".git", ".hg")
_NAME_FILES: Final = frozenset({"source-kind", "source-moved", "source-not-found", "source-not-readable"})
"""Codes whose messages name files relative to the working directory."""


class Findings(Record, kw_only=True):
    """The findings of each document, in order.

    File names are relative to `folder`. `titles` are the titles of codes; `notes` are counts for the
    summary, such as `{"ignored": 2}`.
    """

    documents: Mapping[str, tuple[Diagnostic, ...]]
    folder: str = field(default_factory=os.getcwd)
    titles: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        """All findings, document after document."""
        return tuple(found for findings in self.documents.values() for found in findings)

    def count(self, severity: Severity) -> int:
        """Return how many findings of a severity there are."""
        return sum(found.severity is severity for found in self.all)

    def file(self, uri: str) -> str:
        """Return a file name for reports: relative to `folder` with `/` when below it, else absolute."""
        named = relative(os.path.abspath(uri) if uri and not is_remote(uri) else uri, self.folder)
        return named if not named.startswith("../") else os.path.abspath(uri).replace(os.sep, "/")

    def uri(self, uri: str) -> str:
        """Return a file as a URI reference: relative when it is below `folder`."""
        named = self.file(uri)
        is_absolute = named.startswith("/") or named[1:2] == ":"
        if is_absolute:
            return uri_of_path(named)
        from urllib.parse import quote  # lazily: reports for people hold no URIs

        return named if is_remote(named) else quote(named, safe="/~@!$&'()*+,;=", errors="replace")


def in_repository(findings: Findings) -> Findings:
    """Return findings whose files are named from their repository: so services find them, wherever arazzo was run."""
    folder = os.path.abspath(findings.folder)
    while not any(os.path.exists(os.path.join(folder, mark)) for mark in _MARKS):
        below, folder = folder, os.path.dirname(folder)
        if below == folder:
            return findings
    return replace(findings, folder=folder)


# ------------------------------------------------------------------ fingerprints


def fingerprint(found: Diagnostic, base: str = ".") -> str:
    """Return 16 hex digits of a finding's code, file (from the folder `base`), message and marked text.

    It depends neither on the numbers of lines nor on the working directory.
    """
    import hashlib  # lazily: reports for people need no fingerprints

    message = "" if found.code in _NAME_FILES else _LINES.sub("line", found.message)
    parts = (found.code, relative(found.at.uri, base), message, _lasting(marked_text(found.at)))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _lasting(marked: str) -> str:
    """Return what identifies the marked text: nothing of a mapping or list, of which another part may be edited."""
    return "" if marked.startswith(("{", "[")) and not marked.startswith("{$") else marked


def fingerprints(findings: Iterable[Diagnostic], base: str = ".") -> list[str]:
    """Return one fingerprint per finding; equal ones are numbered, so that all differ."""
    seen: dict[str, int] = {}
    made = []
    for found in findings:
        own = fingerprint(found, base)
        seen[own] = seen.get(own, 0) + 1
        made.append(own if seen[own] == 1 else f"{own}-{seen[own]}")
    return made


def relative(uri: str, base: str) -> str:
    """Return a file name relative to a folder, with `/`; a URL, or a file on another drive, unchanged."""
    if not uri or is_remote(uri):
        return uri
    try:
        named = os.path.relpath(uri, base).replace(os.sep, "/")
        if named.startswith("../"):  # below the folder all the same, if one of them is reached by a link
            real = os.path.relpath(os.path.realpath(uri), os.path.realpath(base)).replace(os.sep, "/")
            return named if real.startswith("../") else real
    except ValueError:  # another drive
        return uri.replace(os.sep, "/")
    return named


def marked_text(at: Location) -> str:
    """Return the source text that a finding's carets underline, at most 200 characters."""
    source, column, end = at.source_line, at.column, at.end_column
    return "" if source is None or column is None or end is None else source[column - 1 : end - 1][:200]
