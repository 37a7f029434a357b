"""Running a Program: `run_program` is the interpreter as a coroutine, `drive` runs it without an event loop."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import Access, World
from arazzo_runner.engine.interpreter import run_workflow
from arazzo_runner.engine.interruption import carry
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.outcome import End, finished
from arazzo_runner.engine.results import RunResult, StopRun, WorkflowFinished, WorkflowResult
from arazzo_runner.engine.selection import select
from arazzo_runner.engine.state import INTERRUPTED, Emit, Run, Visits
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.program.model import Program


async def run_program(
    program: Program,
    inputs: dict[str, JsonValue],
    world: World,
    options: RunOptions,
    *,
    emit: Emit,
    secrets: Secrets,
    notes: tuple[Diagnostic, ...] = (),
    access: Access | None = None,
    interrupts: tuple[type[BaseException], ...] = (KeyboardInterrupt, SystemExit),
    is_dry: bool = False,
    unwaited: str | None = None,
) -> RunResult:
    """Run the program's entry workflow with checked inputs, the workflows it depends on first.

    Raises InvalidUsage when the options ask for a part of it that cannot be run alone; whatever
    servers do is in the result. `notes` are findings about the inputs, added to the result's
    diagnostics. `access` returns requests as the result shows them. The exceptions `interrupts`
    end the run as `interrupted` and are raised again, with the results so far (see `partial_result`); so
    does whatever the World raises.
    `is_dry` visits each step once.
    `unwaited` says in a word why the World does not wait ("mock").
    """
    workflow = program.workflow
    selection = select(workflow, options)
    budget = options.max_steps or max(1000, 20 * len(workflow.steps))
    run = Run(
        program, world, options, emit, interrupts, Visits(budget),
        secrets=secrets, inputs=inputs, selection=selection, access=access or Access(), is_dry=is_dry,
        unwaited=unwaited,
    )  # fmt: skip
    started = await run.tick("run")
    if options.run_timeout is not None:
        run.deadline = started + options.run_timeout
    try:
        result = await run_workflow(run, workflow.key, inputs)
    except StopRun as stop:
        if run.taps:
            await run.unsubscribe("disarm", sorted(run.taps))
        result = _partial_result(run, End("failed", str(stop)))
    except interrupts as stop:  # between two effects
        if run.root is None:
            raise
        run.interrupted_by(stop)
        result = _partial_result(run, End("interrupted", INTERRUPTED.reason))
        run.report(WorkflowFinished(result, 0))
    ended = run.now if run.stop is not None else await run.tick("run/end")
    outcome = _run_result(run, result, notes, max(0.0, (ended - started) * 1000))
    if run.interrupted:
        carry(run.interrupted[0], outcome)
        raise run.interrupted.pop()
    return outcome


def _run_result(run: Run, result: WorkflowResult, notes: tuple[Diagnostic, ...], milliseconds: float) -> RunResult:
    """Return the result of a run: that of its entry workflow, with the findings about all that belongs to it."""
    return RunResult(
        status=result.status,
        workflow_id=result.workflow_id,
        outputs=result.outputs,
        missing_outputs=result.missing_outputs,
        steps=result.steps,
        dependencies=tuple(run.dependencies),
        diagnostics=(*run.program.diagnostics, *notes, *result.diagnostics, *run.failures.values()),
        reason=result.reason,
        duration_ms=milliseconds,
        secret_outputs=run.program.workflow.secret_outputs,
        secrets=run.secrets,
    )


def _partial_result(run: Run, end: End) -> WorkflowResult:
    """Return the result of a run that was stopped between two effects."""
    assert run.root is not None
    return finished(run, run.root, end)


Result = TypeVar("Result")


def drive(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that never suspends to its end, without an event loop, and return its value.

    Raises InvalidUsage when it suspends: an asynchronous World was given to a blocking run.
    """
    try:
        coroutine.send(None)
        coroutine.throw(_suspended())
    except StopIteration as done:
        value: Result = done.value
        return value
    coroutine.close()
    raise _suspended()


def _suspended() -> InvalidUsage:
    message = "the World of a blocking run must not wait for an event loop, and this one does"
    hint = "run it with arun(…), or give run a World that blocks, such as BlockingWorld()"
    found = Diagnostic(code="usage", severity=Severity.ERROR, message=message, at=Location(""), hint=hint)
    return InvalidUsage([found])
