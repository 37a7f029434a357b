"""Queues of many workers: limits, submitted runs, schedules, runs of dead workers."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from dbos import error

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.base.settings import FORCE, WORKER_CONCURRENCY as OF_WORKER
from arazzo_runner.durable.codec import Sealed, schedule_seal
from arazzo_runner.durable.dbos_engine import OWN_QUEUE, SCHEDULED
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.locks import Ownership
from arazzo_runner.durable.records import RunSpec
from arazzo_runner.durable.runtime import Runtime
from arazzo_runner.durable.status import WORKER
from arazzo_runner.errors import Diagnostic, InvalidUsage

DEFAULT_QUEUE = "default"
WORKER_CONCURRENCY = 10
POLL_SECONDS = 0.2


class QueueLimits(Record, kw_only=True):
    """The limits of a queue; None means no limit.

    `concurrency` bounds the simultaneous runs of all workers, `worker_concurrency` those of each
    worker; at most `rate` runs start in any `period` seconds. Workers poll every `poll` seconds.
    """

    name: str
    concurrency: int | None = None
    worker_concurrency: int | None = WORKER_CONCURRENCY
    rate: int | None = None
    period: float | None = None
    poll: float = POLL_SECONDS


class Schedule(Record, kw_only=True):
    """A run that is submitted repeatedly: `cron` has five fields, or six with seconds first."""

    name: str
    cron: str
    queue: str
    workflow_id: str
    document: str
    timezone: str | None = None
    last: str | None = None
    problem: Diagnostic | None = None


class Queues:
    """The queues, submitted runs and schedules of a store; its methods raise InvalidUsage."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        runtime.make_tables()

    # ------------------------------------------------------------------ queues

    def configure(self, limits: QueueLimits) -> None:
        """Create a queue or change its limits, which workers notice at their next poll."""
        if limits.name.startswith(OWN_QUEUE):
            raise refusal(
                f'"{limits.name}" is not a valid queue name', code="invalid-queue", hint="use one without a colon"
            )
        every, each = limits.concurrency, limits.worker_concurrency
        if every is not None and each is not None and each > every:
            message = f"the limit of each worker ({each}) is above the limit of the queue ({every})"
            raise refusal(message, code="invalid-queue", hint=f"set {OF_WORKER} to {every} or less")
        rows = self._runtime.rows
        with rows.store_errors():
            rows.client.register_queue(
                limits.name,
                global_concurrency=every,
                worker_concurrency=each,
                limiter=None if limits.rate is None else {"limit": limits.rate, "period": limits.period or 1.0},
                polling_interval_sec=limits.poll,
            )

    def queues(self) -> list[QueueLimits]:
        """Return the limits of all queues, without those of single processes."""
        return [self._limits(queue) for queue in self._found()]

    def _found(self) -> list[Any]:
        rows = self._runtime.rows
        with rows.store_errors():
            found = rows.client.list_queues()
        return [queue for queue in found if isinstance(queue.name, str) and not queue.name.startswith(OWN_QUEUE)]

    def queue(self, name: str) -> QueueLimits | None:
        """Return the limits of a queue, None if there is none of that name."""
        return next((self._limits(queue) for queue in self._found() if queue.name == name), None)

    def _limits(self, queue: Any) -> QueueLimits:
        """Return the limits of a queue; raises InvalidUsage if they are not numbers, which would end DBOS's thread."""
        limits = _limits(queue)
        given = (limits.concurrency, limits.worker_concurrency, limits.rate, limits.period, limits.poll)
        if any(each is not None and (not isinstance(each, (int, float)) or each < 0) for each in given):
            message = f'the limits of queue "{queue.name}" in {self._runtime.store.shown} are not numbers'
            hint = f"set them again: arazzo queue configure {shlex.quote(queue.name)}"
            raise refusal(message, code="invalid-queue", hint=hint)
        return limits

    def make_queue(self, name: str) -> None:
        """Create a queue with default limits, unless there is one of that name."""
        if self.queue(name) is None:
            self.configure(QueueLimits(name=name))

    def remove_queue(self, name: str) -> None:
        """Delete a queue that has no unfinished runs."""
        if all(queue.name != name for queue in self._found()):
            raise self._unknown_queue(name)
        if self._runtime.rows.rows(queue_name=name, status=["ENQUEUED", "PENDING", "DELAYED"], limit=1):
            message = f'the queue "{name}" has unfinished runs'
            raise refusal(message, code="invalid-queue", hint="let a worker finish them, or cancel them")
        self._runtime.rows.drop_queue(name)

    def _unknown_queue(self, name: str) -> Any:
        known = ", ".join(queue.name for queue in self._found()) or "none"
        return refusal(f'there is no queue "{name}"', code="unknown-queue", hint=f"available: {known}")

    # ------------------------------------------------------------------ runs

    def submit(self, runs: Sequence[tuple[str, RunSpec]], *, priority: int | None = None) -> int:
        """Put runs into their queues and return the number of new ones; ids that exist are skipped.

        Their bundles must be stored already (Runtime.keep).
        """
        rows = self._runtime.rows
        known = {row.workflow_id for row in rows.rows([name for name, _ in runs], load_input=False, load_output=False)}
        for queue in sorted({spec.queue or DEFAULT_QUEUE for _, spec in runs}):
            self.make_queue(queue)
        for name, spec in runs:
            if name not in known:
                rows.enqueue(name, spec.to_json(), spec.queue or DEFAULT_QUEUE, priority)
        return len({name for name, _ in runs} - known)

    def adopt(self, name: str, *, force: bool = False) -> tuple[list[str], list[Diagnostic]]:
        """Put the runs of a dead worker back into their queues; return their ids, and errors of those left out.

        With `force` also those of a worker that still has its lock (on a machine out of reach).
        """
        if not force and Ownership(self._runtime.store, WORKER + name).held:
            message = f'the worker "{name}" is alive'
            raise refusal(
                message, code="worker-in-use", hint=f"stop it first; {FORCE} when its machine is out of reach"
            )
        adopted: list[str] = []
        refused: list[Diagnostic] = []
        for row in self._runtime.rows.rows(status="PENDING", executor_id=WORKER + name, load_output=False):
            try:
                spec = self._runtime.rows.spec(row)
            except InvalidUsage as problem:
                refused += problem.diagnostics
                continue
            self._runtime.rows.hand_over([row.workflow_id], spec.queue or DEFAULT_QUEUE)
            adopted.append(row.workflow_id)
        return adopted, refused

    # ------------------------------------------------------------------ schedules

    def add_schedule(self, name: str, cron: str, spec: RunSpec, *, timezone: str | None = None) -> None:
        """Add a schedule: workers submit the run at every time of a cron expression, each time once."""
        queue = spec.queue or DEFAULT_QUEUE
        self.make_queue(queue)
        if any(each.name == name for each in self.schedules()):
            message = f'there is already a schedule "{name}"'
            raise refusal(message, code="invalid-schedule", hint=f"arazzo schedule remove {name}")
        rows = self._runtime.rows
        context: JsonValue = {"queue": queue, "spec": spec.to_json(), "cron": cron, "timezone": timezone}
        try:
            with rows.store_errors():
                rows.client.create_schedule(
                    schedule_name=name,
                    workflow_name=SCHEDULED,
                    schedule=cron,
                    context=Sealed(schedule_seal(name), context),
                    cron_timezone=timezone,
                    queue_name=queue,
                )
        except error.DBOSException as problem:
            hint = "write five fields, such as '*/5 * * * *', and a timezone such as Europe/Berlin"
            raise refusal(_reason(problem), code="invalid-schedule", hint=hint) from None

    def schedules(self) -> list[Schedule]:
        """Return the schedules; those with a refused record have a `problem`."""
        return [self._schedule(each) for each in self._runtime.rows.schedules()]

    def _schedule(self, row: Any) -> Schedule:
        try:
            context, problem = self._runtime.rows.scheduled(row), None
        except InvalidUsage as refused:
            context, [problem] = {"spec": {}}, refused.diagnostics
        return _schedule(row, context["spec"], problem)

    def remove_schedule(self, name: str) -> None:
        """Delete a schedule, but not the runs that it has submitted."""
        known = [each.name for each in self.schedules()]
        if name not in known:
            hint = f"available: {', '.join(known) or 'none'}"
            raise refusal(f'there is no schedule "{name}"', code="unknown-schedule", hint=hint)
        rows = self._runtime.rows
        with rows.store_errors():
            rows.client.delete_schedule(name)


def _limits(queue: Any) -> QueueLimits:
    limiter = queue.limiter or {}
    return QueueLimits(
        name=queue.name,
        concurrency=queue.global_concurrency,
        worker_concurrency=queue.worker_concurrency,
        rate=limiter.get("limit"),
        period=limiter.get("period"),
        poll=queue.polling_interval_sec,
    )


def _schedule(found: Any, spec: Any, problem: Diagnostic | None) -> Schedule:
    return Schedule(
        name=found["schedule_name"],
        cron=found["schedule"],
        queue=found["queue_name"] or DEFAULT_QUEUE,
        workflow_id=spec.get("workflowId", ""),
        document=spec.get("document", ""),
        timezone=found["cron_timezone"],
        last=_moment(found["last_fired_at"]),
        problem=problem,
    )


def _moment(text: str | None) -> str | None:
    try:
        return None if text is None else datetime.fromisoformat(text).strftime("%Y-%m-%dT%H:%M:%S%z")
    except (TypeError, ValueError):
        return None


def _reason(problem: Exception) -> str:
    text = str(getattr(problem, "message", problem))
    return text[:1].lower() + text[1:]
