"""The status of a run, from DBOS's record, the end of the journal, and whether its owner is alive."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

from arazzo_runner.durable.codec import ForeignRecord
from arazzo_runner.durable.dbos_engine import OWN_QUEUE
from arazzo_runner.durable.errors import REFUSED_RECORDS, foreign
from arazzo_runner.durable.journal import BEGUN, Entry, open_doubts
from arazzo_runner.durable.locks import Ownership
from arazzo_runner.durable.records import RunState, RunStatus, step_of
from arazzo_runner.durable.rows import Rows
from arazzo_runner.durable.store import Store
from arazzo_runner.errors import InvalidUsage

WORKER = "worker-"
_FINISHED = ("SUCCESS", "ERROR")
_STATUSES = (*_FINISHED, "PENDING", "ENQUEUED", "DELAYED", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
_YEAR_10000 = 253_402_300_800_000


def status_of(row: Any, rows: Rows, store: Store) -> RunStatus:
    """Return the status of a run; its journal is read only if it has not ended."""
    spec = rows.spec(row)
    if row.status not in _STATUSES:
        raise foreign(ForeignRecord("it is not a status of DBOS"), "the status of run", row.workflow_id, store.shown)
    entries = [] if row.status in (*_FINISHED, "ENQUEUED", "DELAYED") else rows.entries(row.workflow_id, spec)
    output = rows.output(row, spec)
    state, wakes = _state(row, output, entries, store)
    owner = row.executor_id if row.status == "PENDING" else None
    return RunStatus(
        run_id=row.workflow_id,
        state=state,
        workflow_id=spec.workflow_id,
        document=spec.document,
        current_step=step_of(entries[-1].key) if entries else None,
        started=_seconds(row.created_at),
        ended=_ended(row, state),
        owner=owner.removeprefix(WORKER) if owner else None,
        parent=_parent(row),
        queue=spec.queue,
        doubts=open_doubts(entries) if state == "in_doubt" else (),
        wakes=wakes,
        reason=f"the run could not be carried out: {rows.error(row)}" if row.status == "ERROR" else _reason(output),
    )


def listed_status(row: Any, rows: Rows, store: Store) -> RunStatus:
    """Return the status of a run for a list: `unreadable`, with the problem, if its records are refused."""
    try:
        return status_of(row, rows, store)
    except InvalidUsage as problem:
        [found] = problem.diagnostics
        if found.code not in REFUSED_RECORDS:
            raise
        return RunStatus(
            run_id=row.workflow_id,
            state="unreadable",
            started=_seconds(row.created_at),
            reason=found.message,
            problem=found,
        )


def _reason(output: Any) -> str | None:
    return output.get("reason") if isinstance(output, dict) else None


def _ended(row: Any, state: RunState) -> float | None:
    ended = row.status in _FINISHED or state == "cancelled"
    return _seconds(row.completed_at) if ended else None


def _seconds(milliseconds: Any) -> float | None:
    """Return a time of the store in seconds since the epoch, None if it is not a valid time."""
    known = isinstance(milliseconds, (int, float)) and 0 <= milliseconds < _YEAR_10000
    return milliseconds / 1000 if known else None


def _parent(row: Any) -> str | None:
    parent: str | None = row.parent_workflow_id
    return None if parent is None else parent.removeprefix("sched-").rpartition("-20")[0] or parent


def _state(row: Any, output: Any, entries: Sequence[Entry], store: Store) -> tuple[RunState, float | None]:
    if row.status == "SUCCESS":
        return cast(RunState, output["status"] if isinstance(output, dict) else "failed"), None
    if row.status == "ERROR":
        return "failed", None
    if row.status == "CANCELLED" and (row.attributes or {}).get("cancelled"):
        return "cancelled", None
    if row.status in ("ENQUEUED", "DELAYED") and not (row.queue_name or "").startswith(OWN_QUEUE):
        return "queued", None
    if row.status != "CANCELLED" and is_alive(row, store):
        wakes = _wakes(entries)
        return ("running", None) if wakes is None else ("waiting", wakes)
    return ("in_doubt" if open_doubts(entries) else "interrupted"), None


def is_alive(row: Any, store: Store) -> bool:
    """Return whether the process that owns a run is alive."""
    executor = row.executor_id or ""
    return Ownership(store, executor if executor.startswith(WORKER) else row.workflow_id).held


def _wakes(entries: Sequence[Entry]) -> float | None:
    """Return when a waiting run goes on, None if it is not waiting."""
    if not entries or entries[-1].kind != BEGUN:
        return None
    until = entries[-1].value.get("until")
    return until if until is not None and until > time.time() else None
