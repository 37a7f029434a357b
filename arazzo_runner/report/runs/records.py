"""RunRecord and RunsReport: the input of every report of one run or many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal, TypeAlias

from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import RunResult, StepResult
from arazzo_runner.errors import Diagnostic
from arazzo_runner.program.model import Program

Status: TypeAlias = Literal["succeeded", "failed", "in_doubt", "interrupted", "error", "not_run"]
STATUSES: tuple[Status, ...] = ("succeeded", "failed", "in_doubt", "interrupted", "error", "not_run")
# The status of several runs is the first of these that occurs: doubts must be looked at first.
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
    """One run: `result` is None if it was not started (after a failure with --fail-fast, or an interrupt).

    `document` is the name of the Arazzo document; `program` is needed to draw the workflow;
    `started` is seconds since the epoch; `diagnostics` are those that the result does not have.
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
        """The name with secrets masked: a row of data may name a run by a secret."""
        return self.name if self.result is None else self.result.secrets.mask(self.name)

    @property
    def status(self) -> Status:
        """The status of the run."""
        return "not_run" if self.result is None else self.result.status


class RunsReport(Record, kw_only=True):
    """All runs of one command in plan order; `many` if the command line asked for several."""

    runs: tuple[RunRecord, ...]
    started: float = 0.0
    duration_ms: float = 0.0
    many: bool = False

    @property
    def status(self) -> Status:
        """The worst status of the runs."""
        return worst(each.status for each in self.runs)

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of runs by status, with every status as a key."""
        found = Counter(each.status for each in self.runs)
        return {status: found[status] for status in STATUSES}


def worst(statuses: Iterable[Status]) -> Status:
    """Return the worst status, `succeeded` if there are none."""
    return min(statuses, key=_WORST.index, default="succeeded")


class Visit(Record):
    """A visit of a step: `path` are the enclosing workflows within the run, `name` is unique in the run."""

    name: str
    path: tuple[str, ...]
    step: StepResult


def visits(result: RunResult) -> tuple[Visit, ...]:
    """Return the visits of steps in order: dependencies first, nested visits after the calling step."""
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


def with_shared_secrets(records: tuple[RunRecord, ...]) -> tuple[RunRecord, ...]:
    """Return records that each mask the secrets of all of them."""
    results = [record.result for record in records if record.result is not None]
    if len(results) < 2:
        return records
    shared = Secrets()
    for result in results:
        shared.include(result.secrets)
    return tuple(
        record if record.result is None else replace(record, result=replace(record.result, secrets=shared))
        for record in records
    )
