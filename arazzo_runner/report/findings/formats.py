"""What `arazzo validate` found, as reports take it, and the names of the reports."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Final

from arazzo_runner.base.records import Record, field
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.findings.fingerprints import relative
from arazzo_runner.sources.uris import is_remote, uri_of_path

FORMATS: Final = ("text", "json", "sarif", "junit", "github", "gitlab", "checkstyle")
_MODULES: Final = {
    "sarif": "sarif", "junit": "junit", "github": "annotations", "gitlab": "code_quality",
    "checkstyle": "checkstyle",
}  # fmt: skip


class Findings(Record, kw_only=True):
    """The findings of each document, in order; `titles` say what a code is about.

    `folder` is where files are named from. `notes` are counts for the summary, such as `{"ignored": 2}`.
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
        """Return a file as reports name it: from `folder` with `/` when it is below, else absolute."""
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


def render(format_: str, findings: Findings) -> str:
    """Return a report in one of the formats that are not for people."""
    module = import_module(f"arazzo_runner.report.findings.{_MODULES[format_]}")
    return str(module.render(findings))
