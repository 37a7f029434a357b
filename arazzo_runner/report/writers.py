"""The reports of runs by kind, and how one is written; every kind is a module that is imported when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Final

from arazzo_runner.base.user_files import check_name, make_folders, open_pipe, write_text
from arazzo_runner.report.runs.records import RunsReport

KINDS: Final[Mapping[str, str]] = {
    "junit": "junit",
    "json": "json",
    "html": "html",
    "har": "har",
    "sarif": "sarif",
    "markdown": "markdown",
    "github": "github",
}
_SUFFIXES: Final[Mapping[str, str]] = {
    ".xml": "junit", ".json": "json", ".html": "html", ".htm": "html", ".har": "har", ".sarif": "sarif",
    ".md": "markdown",
}  # fmt: skip


def kind_of(path: str) -> str | None:
    """Return the kind that a file's name says: `report.html` is html."""
    return _SUFFIXES.get(os.path.splitext(path)[1].lower())


def render(kind: str, report: RunsReport) -> str:
    """Return a report as text, secrets masked."""
    return str(import_module(f"arazzo_runner.report.runs.{KINDS[kind]}").render(report))


class ReportFile:
    """A file that a report will be written to; `prepare` proves that it can be."""

    def __init__(self, kind: str, path: str) -> None:
        self.kind = kind
        self.path = path
        self._created = False
        self._pipe: int | None = None

    def prepare(self) -> None:
        """Make sure that the file can be written, creating it (and its folder) when it is not there; raises OSError."""
        folder = os.path.dirname(self.path)
        if folder:
            make_folders(folder)
        check_name(self.path)
        was_there = os.path.lexists(self.path)
        self._pipe = open_pipe(self.path)
        if self._pipe is not None:
            return
        with open(self.path, "ab"):
            self._created = not was_there

    def write(self, report: RunsReport) -> None:
        """Write the report; raises OSError."""
        text = render(self.kind, report)
        if self._pipe is None:
            write_text(self.path, text)
            return
        pipe, self._pipe = self._pipe, None
        with open(pipe, "wb") as file:
            file.write(text.encode("utf-8", "backslashreplace"))

    def discard(self) -> None:
        """Remove the file if it was made for a report that never came."""
        if self._created:
            os.unlink(self.path)
