"""render_report: a report of one run or several, for callers of the Python API."""

from __future__ import annotations

from collections.abc import Mapping

from arazzo_runner.engine.results import RunResult
from arazzo_runner.program.model import Program
from arazzo_runner.report.runs.records import RunRecord, RunsReport
from arazzo_runner.report.shared_secrets import with_shared_secrets
from arazzo_runner.report.writers import KINDS, render


def render_report(kind: str, runs: RunResult | Mapping[str, RunResult], *, program: Program | None = None) -> str:
    """Return a report as text, secrets masked: call it to show or keep what a run came to.

    `kind` is junit, json, html, har, sarif, markdown or github. `runs` is a result, or results by
    name. With the `program` that was run, the HTML page draws the workflow and reports name the
    document. Raises ValueError for an unknown kind.

    >>> from arazzo_runner import run
    >>> result = run("specs/arazzo/prismatic-rotate-refresh-token-workflow.yml",
    ...              inputs={"refreshToken": "demo-refresh-token-1"}, mock=True)
    >>> render_report("junit", result)[:38]
    '<?xml version="1.0" encoding="UTF-8"?>'
    """
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
            started=started_at(result),
        )
        for name, result in named.items()
    )
    return render(
        kind,
        RunsReport(
            runs=with_shared_secrets(records),
            started=min((each.started for each in records), default=0.0),
            duration_ms=sum(result.duration_ms for result in named.values()),
            many=not isinstance(runs, RunResult),
        ),
    )


def started_at(result: RunResult) -> float:
    """Return when the first attempt of a run began, 0 when none was made."""
    steps = [step for workflow in result.dependencies for step in workflow.steps] + list(result.steps)
    return min((each.started for step in steps for each in step.attempts if each.started), default=0.0)
