"""Durable calls: a tool begins a run that outlives its request and even the server, and answers with its id.

`run_status` tells how it goes, `run_cancel` ends it. A run that the end of the server interrupts stays in the store, to
be resumed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.durable.records import RunSpec
from arazzo_runner.durable_runs import run_id_of, spec_of
from arazzo_runner.engine.results import Event
from arazzo_runner.errors import ArazzoError
from arazzo_runner.mcp.answers import Answer, answer_of, in_text, in_words
from arazzo_runner.mcp.kept import Shelf
from arazzo_runner.mcp.offers import Offer
from arazzo_runner.mcp.tools import Tool, object_of
from arazzo_runner.report.masking import masked_url

_RUN_ID = {"type": "string", "minLength": 1, "maxLength": 120, "description": "As the tool that began it said."}
_WAIT = {"type": "number", "minimum": 0, "maximum": 60, "description": "Seconds to wait for its end (default 0)."}
_AFTER_DOUBT = (
    "The outcome of a request is unknown. Do not begin the run again: the person who runs this server finds out "
    "whether the server acted on it, and decides for step {step} with: arazzo resume {run_id}"
)


class DurableRuns:
    """The durable runs that clients begin, in one store."""

    def __init__(self, runtime: Any, log: Callable[[str], None], *, idempotency_keys: bool) -> None:
        self._runtime = runtime
        self._log = log
        self._idempotency_keys = idempotency_keys
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._refused: dict[str, str] = {}
        self._secrets: dict[str, Secrets] = {}

    def begin(self, offer: Offer, inputs: Mapping[str, JsonValue]) -> Answer:
        """Begin a run and answer with its id."""
        run_id = run_id_of(None, offer.workflow_id)
        spec = replace(
            spec_of(offer.program, offer.bundle, inputs, offer.options),
            idempotency_keys=self._idempotency_keys,
            credential_names=offer.credential_names,
        )
        self._tasks[run_id] = asyncio.create_task(self._carried_out(run_id, spec, offer))
        structured: dict[str, Any] = {
            "status": "running",
            "workflowId": offer.workflow_id,
            "runId": run_id,
            "outputs": {},
            "steps": [],
            "notes": ["Ask run_status for its outcome; run_cancel ends it."],
        }
        return Answer(structured=structured, text=in_text(structured))

    async def _carried_out(self, run_id: str, spec: RunSpec, offer: Offer) -> None:
        def remember(event: Event, secrets: Secrets) -> None:
            # The store has no credentials: what is read from it does not know that they are secret.
            self._secrets[run_id] = secrets

        try:
            outcome = await self._runtime.astart(
                spec, offer.bundle, run_id=run_id, on_event=remember, program=offer.program
            )
        except asyncio.CancelledError:
            self._log(f"durable run {run_id} is stored; continue it with: arazzo resume {run_id}")
            raise
        except ArazzoError as problem:
            found = "; ".join(map(in_words, problem.diagnostics))
            self._refused[run_id] = found
            self._log(f"durable run {run_id}: {found}")
        except Exception as problem:  # nobody else would ever hear of it
            self._refused[run_id] = f"this is a bug in arazzo: {type(problem).__name__}"
            self._log(f"durable run {run_id}: {self._refused[run_id]}")
        else:
            self._log(f"durable run {run_id}: {'in doubt' if outcome.doubts else outcome.result.status}")

    async def aclose(self) -> None:
        """Interrupt what is under way; it stays in the store."""
        for task in self._tasks.values():
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values())

    # ------------------------------------------------------------------ tools

    def tools(self, shelf: Shelf) -> tuple[Tool, ...]:
        """Return the tools about runs; large outputs go to the shelf."""

        async def status(arguments: Mapping[str, Any]) -> dict[str, Any]:
            return await self._status(arguments["runId"], float(arguments.get("wait", 0)), shelf)

        async def cancel(arguments: Mapping[str, Any]) -> dict[str, Any]:
            return await self._cancel(arguments["runId"], shelf)

        return (
            Tool(
                name="run_status",
                title="Status of a durable run",
                description="Return how a run goes that a tool of this server began: its state, outputs and steps.",
                schema=object_of(("runId",), runId=_RUN_ID, wait=_WAIT),
                call=status,
            ),
            Tool(
                name="run_cancel",
                title="Cancel a durable run",
                description="End a run that a tool of this server began. A request under way is not called back.",
                schema=object_of(("runId",), runId=_RUN_ID),
                call=cancel,
                is_read_only=False,
            ),
        )

    async def _status(self, run_id: str, wait: float, shelf: Shelf) -> dict[str, Any]:
        task = self._tasks.get(run_id)
        if task is None:
            return _unknown()
        if wait:
            await asyncio.wait([task], timeout=wait)
        try:
            shown = await asyncio.to_thread(self._runtime.show, run_id)
        except ArazzoError as problem:
            if not task.done():  # it is not in the store yet
                return {"status": "running", "runId": run_id, "outputs": {}, "steps": []}
            reason = self._refused.get(run_id) or "; ".join(map(in_words, problem.diagnostics))
            return {"isError": True, "runId": run_id, "reason": reason}
        if run_id in self._secrets:
            shown.result.secrets.include(self._secrets[run_id])
        answer = answer_of(shown.result, shelf)
        found = {**answer.structured, "runId": run_id, "status": shown.status.state}
        if shown.status.state in ("running", "waiting", "queued", "succeeded"):
            found.pop("failure", None)
        if shown.status.doubts:
            found["inDoubt"] = [
                {
                    "stepId": doubt.step_id,
                    "request": shown.result.secrets.mask(
                        f"{doubt.method} {masked_url(doubt.url, shown.result.secrets)}"
                    ),
                    "toDo": _AFTER_DOUBT.format(run_id=run_id, step=doubt.step_id),
                }
                for doubt in shown.status.doubts
            ]
        return found

    async def _cancel(self, run_id: str, shelf: Shelf) -> dict[str, Any]:
        task = self._tasks.get(run_id)
        if task is None:
            return _unknown()
        try:
            await asyncio.to_thread(self._runtime.cancel, run_id)
        except ArazzoError as problem:
            return {"isError": True, "runId": run_id, "reason": "; ".join(map(in_words, problem.diagnostics))}
        task.cancel()
        await asyncio.wait([task])
        return await self._status(run_id, 0, shelf)


def _unknown() -> dict[str, Any]:
    return {"isError": True, "reason": "no tool of this server began a run of this id"}
