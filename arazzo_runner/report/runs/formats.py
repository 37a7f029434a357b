"""The formats of reports of runs (`--report KIND=FILE`), the files they are written to, and `render_report`.

To add a format, write a module with `render(report) -> str` and name it in _FORMATS.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib import import_module
from typing import Final

from arazzo_runner.base.kinds import faults, instance_of
from arazzo_runner.base.user_files import check_name, make_folders, open_pipe, write_text
from arazzo_runner.engine.results import RunResult
from arazzo_runner.program.model import Program
from arazzo_runner.report.runs.records import RunRecord, RunsReport, with_shared_secrets

# Kind → module (of this package) and function, imported when asked for; suffixes of file names that mean it.
_FORMATS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "junit": ("junit.render", (".xml",)),
    "json": ("json.render", (".json",)),
    "html": ("html.render", (".html", ".htm")),
    "har": ("har.render", (".har",)),
    "sarif": ("findings.sarif", (".sarif",)),
    "markdown": ("markdown.render", (".md",)),
    "github": ("findings.github", ()),
}
KINDS: Final = tuple(_FORMATS)
_ARGUMENTS: Final = {
    "runs": instance_of(RunResult, Mapping, words="a RunResult, or a mapping of names to them"),
    "program": instance_of(Program, words="the Program that was run", optional=True),
}


def kind_of(path: str) -> str | None:
    """Return the kind that a file name's suffix means: `report.html` is html."""
    suffix = os.path.splitext(path)[1].lower()
    return next((kind for kind, (_, suffixes) in _FORMATS.items() if suffix in suffixes), None)


def render(kind: str, report: RunsReport) -> str:
    """Return a report as text, secrets masked."""
    module, _, function = _FORMATS[kind][0].partition(".")
    return str(getattr(import_module(f"arazzo_runner.report.runs.{module}"), function)(report))


def render_report(kind: str, runs: RunResult | Mapping[str, RunResult], *, program: Program | None = None) -> str:
    """Return a report as text, secrets masked.

    `kind` is junit, json, html, har, sarif, markdown or github. `runs` is a result, or results by
    name. With the `program` that was run, the HTML page draws the workflow and reports name the
    document. Raises ValueError for an unknown kind, TypeError for what is no result.

    >>> from arazzo_runner import run
    >>> result = run("specs/arazzo/prismatic-rotate-refresh-token-workflow.yml",
    ...              inputs={"refreshToken": "demo-refresh-token-1"}, mock=True)
    >>> render_report("junit", result)[:38]
    '<?xml version="1.0" encoding="UTF-8"?>'
    """
    for fault in faults({"runs": runs, "program": program}, _ARGUMENTS):
        raise TypeError(fault)
    if kind not in KINDS:
        raise ValueError(f'there is no report "{kind}"; kinds are {", ".join(KINDS)}')
    named = {runs.workflow_id or "run": runs} if isinstance(runs, RunResult) else runs
    document = "" if program is None else program.description.at.uri
    records = tuple(
        RunRecord(
            name=name,
            document=document,
            workflow_id=result.workflow_id,
            result=result,
            program=program,
            started=_started_at(result),
        )
        for name, result in named.items()
    )
    report = RunsReport(
        runs=with_shared_secrets(records),
        started=min((each.started for each in records), default=0.0),
        duration_ms=sum(result.duration_ms for result in named.values()),
        many=not isinstance(runs, RunResult),
    )
    return render(kind, report)


def _started_at(result: RunResult) -> float:
    """Return when the first attempt of a run began, 0 when none was made."""
    steps = [step for workflow in result.dependencies for step in workflow.steps] + list(result.steps)
    return min((each.started for step in steps for each in step.attempts if each.started), default=0.0)


class ReportFile:
    """A file that a report will be written to. `prepare` checks that it can be, before anything is sent."""

    def __init__(self, kind: str, path: str) -> None:
        self.kind = kind
        self.path = path
        self._created = False
        self._pipe: int | None = None

    def prepare(self) -> None:
        """Check that the file can be written; create it and its folder when missing. Raises OSError."""
        folder = os.path.dirname(self.path)
        if folder:
            make_folders(folder)
        check_name(self.path)
        existed = os.path.lexists(self.path)
        self._pipe = open_pipe(self.path)
        if self._pipe is not None:
            return
        with open(self.path, "ab"):
            self._created = not existed

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
        """Remove the file if `prepare` created it."""
        if self._created:
            os.unlink(self.path)
