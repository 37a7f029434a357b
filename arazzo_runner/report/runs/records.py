"""RunRecord and RunsReport: what every report of one run or of many is made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from arazzo_runner.base.records import Record
from arazzo_runner.engine.results import RunResult, StepResult
from arazzo_runner.errors import Diagnostic
from arazzo_runner.program.model import Program

Status: TypeAlias = Literal["succeeded", "failed", "in_doubt", "interrupted", "error", "not_run"]
STATUSES: tuple[Status, ...] = ("succeeded", "failed", "in_doubt", "interrupted", "error", "not_run")
# Which status tells most about several runs: what is in doubt must be looked at before all else.
_WORST: tuple[Status, ...] = ("in_doubt", "interrupted", "error", "failed", "not_run", "succeeded")
WORDS: Mapping[str, str] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "in_doubt": "in doubt",
    "interrupted": "interrupted",
    "error": "error",
    "not_run": "not run",
}


class RunRecord(Record, kw_only=True):
    """One run: `result` is None when it was not begun (after a failure with --fail-fast, or an interrupt).

    `document` is the Arazzo document as it was named; `program` lets a report draw the workflow;
    `started` is seconds since the epoch; `diagnostics` are findings that are not in the result.
    """

    _hidden_in_repr = ("program",)

    name: str
    document: str = ""
    workflow_id: str | None = None
    result: RunResult | None = None
    program: Program | None = None
    started: float = 0.0
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def shown_name(self) -> str:
        """The name as it may be shown: a row of data may call a run by a secret."""
        return self.name if self.result is None else self.result.secrets.mask(self.name)

    @property
    def status(self) -> Status:
        """How it ended."""
        return "not_run" if self.result is None else self.result.status


class RunsReport(Record, kw_only=True):
    """All runs of one command, in the order planned; `many` says that the command line asked for several."""

    runs: tuple[RunRecord, ...]
    started: float = 0.0
    duration_ms: float = 0.0
    many: bool = False

    @property
    def status(self) -> Status:
        """The status that counts: the worst."""
        return worst(each.status for each in self.runs)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many runs ended how; every status is there."""
        found = Counter(each.status for each in self.runs)
        return {status: found[status] for status in STATUSES}


def worst(statuses: Iterable[Status]) -> Status:
    """Return the status that stands for all: `succeeded` when there are none."""
    return min(statuses, key=_WORST.index, default="succeeded")


class Visit(Record):
    """One visit of a step: `path` are the workflows that led to it inside the run, `name` is unique in the run."""

    name: str
    path: tuple[str, ...]
    step: StepResult


def visits(result: RunResult) -> tuple[Visit, ...]:
    """Return every visit of a step of a run in order: dependencies first, nested ones after the step that called."""
    found: list[tuple[tuple[str, ...], StepResult]] = []
    for workflow in result.dependencies:
        _collect(workflow.steps, (workflow.workflow_id,), found)
    _collect(result.steps, (), found)
    seen: Counter[str] = Counter()
    made = []
    for path, step in found:
        name = "/".join((*path, step.step_id))
        seen[name] += 1
        made.append(Visit(name if seen[name] == 1 else f"{name} ({seen[name]})", path, step))
    return tuple(made)


def _collect(
    steps: Iterable[StepResult], path: tuple[str, ...], found: list[tuple[tuple[str, ...], StepResult]]
) -> None:
    for step in steps:
        found.append((path, step))
        if step.workflow is not None:
            _collect(step.workflow.steps, (*path, step.workflow.workflow_id), found)
