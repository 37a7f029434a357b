"""The interpreter: runs a compiled workflow inside a World (Arazzo §Workflow Object, §Step Object).

`run_workflow` runs the steps in turn, `visit_step` tries one until it passes or an action other
than a retry follows, `_follow` returns the step that this action leads to. Flow rules: semantics §5.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Final, assert_never

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.base.settings import MAX_DEPTH, MAX_STEPS
from arazzo_runner.engine.actions import choose_action, not_ready
from arazzo_runner.engine.attempt import Tried, try_operation
from arazzo_runner.engine.criteria import judge, judge_all
from arazzo_runner.engine.inputs import call_inputs, checked_inputs, inherited_inputs
from arazzo_runner.engine.options import DEEPEST
from arazzo_runner.engine.outcome import End, finished, step_result
from arazzo_runner.engine.outputs import evaluated
from arazzo_runner.engine.rehearsal import repeats, way_on
from arazzo_runner.engine.resolve import CannotBuild
from arazzo_runner.engine.results import (
    Attempt,
    AttemptFinished,
    PollScheduled,
    RetryScheduled,
    StepFinished,
    StepResult,
    StepStarted,
    Wait,
    WorkflowFinished,
    WorkflowResult,
    WorkflowStarted,
)
from arazzo_runner.engine.state import INTERRUPTED, Frame, Run, Stop
from arazzo_runner.engine.turns import Turns, Visit
from arazzo_runner.engine.waits import has_waited, is_awaited, poll_wait, retry_wait, too_long
from arazzo_runner.expressions.scope import WorkflowScope
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledCriterion,
    CompiledStep,
    MessageCall,
    OperationCall,
    Unlinked,
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.program.schemas import secret_values

MAX_REPAIRS: Final = 20  # retries of retries of retries … nest like workflows do


async def run_workflow(
    run: Run,
    key: WorkflowKey,
    inputs: dict[str, JsonValue],
    depth: int = 0,
    prefix: str = "",
    outer: Frame | None = None,
) -> WorkflowResult:
    """Run one workflow with checked inputs and return its result; nothing a server does raises.

    `outer` is the state of the workflow that calls it, if one does.
    """
    workflow = run.program.workflows[key]
    frame = Frame(workflow, dict(inputs) if workflow.callback_inputs else inputs, depth, prefix, outer=outer)
    for secret in secret_values(inputs, workflow.inputs, workflow.document.raw):
        run.secrets.declare(secret)
    if run.root is None:
        run.root = frame
        _use_given_outputs(run, frame)
    run.report(WorkflowStarted(workflow.workflow_id, len(workflow.steps), depth))
    deepest = min(run.options.max_depth, DEEPEST)
    if depth > deepest:
        end = _stop(run, f"workflows are nested deeper than {deepest} ({MAX_DEPTH.key})")
    else:
        end = await _dependencies(run, frame) or await _walk(run, frame)
    result = finished(run, frame, end)
    run.finished[key] = result
    scope = WorkflowScope(inputs=result.inputs, outputs=result.outputs)
    run.scopes.setdefault(key.document, {})[key.workflow_id] = scope
    run.report(WorkflowFinished(result, depth))
    return result


def _use_given_outputs(run: Run, frame: Frame) -> None:
    """Make the outputs of steps of an earlier run visible to the steps of this one."""
    frame.selection = run.selection
    for name, outputs in frame.selection.given.items():
        frame.outputs[name] = dict(outputs)
        for output in frame.workflow.steps[frame.workflow.positions[name]].secret_outputs:
            run.secrets.add(outputs.get(output))


async def _dependencies(run: Run, frame: Frame) -> End | None:
    """Run the workflows this one depends on, each once per run (Arazzo §Workflow Object, dependsOn)."""
    if run.options.parallel > 1 and frame.workflow.depends_on:
        await _concurrent_dependencies(run, frame)
    for key in frame.workflow.depends_on:
        result = run.finished.get(key)
        if result is None:
            try:
                inputs = _dependency_inputs(run, frame, key)
            except CannotBuild as problem:
                return End("failed", problem.diagnostic.message)
            result = await _dependency(run, frame, (key,), inputs)
            run.dependencies.append(result)
        if run.interrupted:
            return End(INTERRUPTED.status, INTERRUPTED.reason)
        if result.status != "succeeded":
            return End(result.status, f'workflow "{key.workflow_id}", which this one depends on, did not succeed')
    return None


def _dependency_inputs(run: Run, frame: Frame, key: WorkflowKey) -> dict[str, JsonValue]:
    target = run.program.workflows[key]
    inherited = inherited_inputs(target, run.inputs)
    return checked_inputs(target, inherited, frame.workflow.at, run.options.checks.formats)[0]


def _dependency(
    run: Run, frame: Frame, path: tuple[WorkflowKey, ...], inputs: dict[str, JsonValue]
) -> Coroutine[object, object, WorkflowResult]:
    """Run the last workflow of a path of dependencies, with the effect keys and the depth that the path gives."""
    prefix = frame.prefix + "".join(f"{_dependency_name(run, each)}/" for each in path)
    return run_workflow(run, path[-1], inputs, frame.depth + len(path), prefix)


def _dependency_name(run: Run, key: WorkflowKey) -> str:
    # Workflows of one name, in several documents, may run at the same time: their effects have different keys.
    same = [each for each in run.program.workflows if each.workflow_id == key.workflow_id]
    return f"{key.workflow_id}!" if same[0] == key else f"{key.workflow_id}!{same.index(key) + 1}"


async def _concurrent_dependencies(run: Run, frame: Frame) -> None:
    """Run the workflows that this one depends on, independent ones at the same time, until one does not succeed.

    The rest is left to `_dependencies`, which reports why.
    """

    def begin(branch: Run, path: tuple[WorkflowKey, ...]) -> Coroutine[object, object, WorkflowResult] | None:
        try:
            return _dependency(branch, frame, path, _dependency_inputs(run, frame, path[-1]))
        except CannotBuild:
            return None

    from arazzo_runner.engine.dependencies import Dependencies  # lazily, as below: few runs have parallel steps

    await Dependencies(run, frame.workflow.key, begin).run()


async def _walk(run: Run, frame: Frame) -> End:
    """Run the steps one after the other; independent ones ahead of their turn with `parallel`."""
    turns = _turns(run, frame)
    try:
        end = await _walk_on(run, frame, turns)
    finally:
        turns.close()
    await _disarm(run, frame)
    return end


async def _arm_ready(run: Run, frame: Frame) -> None:
    from arazzo_runner.engine.arming import arm_ready  # lazily: workflows over HTTP alone have none

    await arm_ready(run, frame)


async def _disarm(run: Run, frame: Frame) -> None:
    if frame.taps:
        from arazzo_runner.engine.arming import disarm

        await disarm(run, frame)


def _turns(run: Run, frame: Frame) -> Turns:
    if run.options.parallel == 1 or run.is_dry:  # a dry run shows the steps in their order
        return Turns(run, frame, visit_step)
    from arazzo_runner.engine.ahead import Ahead

    return Ahead(run, frame, visit_step)


async def _walk_on(run: Run, frame: Frame, turns: Turns) -> End:
    steps, part = frame.workflow.steps, frame.selection
    index = part.start
    while index < len(steps) and (part.last is None or index <= part.last):
        if part.chosen is not None and index not in part.chosen:
            index += 1
            continue
        if run.visits.left <= 0:
            _stop(run, _loop_text(frame))
        run.visits.left -= 1
        if frame.workflow.arms:
            await _arm_ready(run, frame)
        visit = None if run.stop is not None else await turns.visit(index)
        if visit is not None:
            _record(run, frame, visit)
        await turns.go_on(index, _forward(run, frame, index, visit))
        after = _follow_once if run.is_dry else _follow
        follow = None if visit is None or run.stop is not None else await after(run, frame, index, visit)
        if run.interrupted:
            for visit in await turns.rest():
                _record(run, frame, visit)
        if run.stop is not None:
            return End(run.stop.status, run.stop.reason)
        if isinstance(follow, End):
            return follow
        assert follow is not None
        index = follow
    return _end_of_part(frame)


def _forward(run: Run, frame: Frame, index: int, visit: Visit | None) -> int | None:
    """Return the index of the step that follows; None when the walk ends or goes back."""
    if visit is None or run.stop is not None:
        return None
    if visit.leads_on:
        return index + 1
    if visit.action is None or visit.action.type != "goto" or visit.action.step_id is None:
        return None
    target = _target(frame, visit.action.step_id)
    return target if target > index else None


def _target(frame: Frame, step_id: str) -> int:
    """Return the index of the step that a goto leads to: of one that waits for that to come, if there is one."""
    return frame.workflow.entrance(step_id, lambda step: is_awaited(frame, step))


def _end_of_part(frame: Frame) -> End:
    last = frame.selection.last
    if last is None or any(each.step_id == frame.workflow.steps[last].step_id for each in frame.results):
        return End("succeeded")
    return End("failed", f'step "{frame.workflow.steps[last].step_id}" was not reached')


def _record(run: Run, frame: Frame, visit: Visit) -> None:
    """Make a visit's outputs visible to the steps after it."""
    made = visit.made
    if made is not None:
        frame.outputs[visit.result.step_id] = made
    frame.results.append(visit.result)
    run.report(StepFinished(frame.workflow.workflow_id, visit.result, frame.depth))


async def _follow(run: Run, frame: Frame, index: int, visit: Visit) -> int | End:
    """Return the index of the next step, or the End (semantics §5)."""
    action = visit.action
    if action is None:
        return index + 1 if visit.passed else End("failed", visit.result.reason)
    if action.type == "end":
        return End("succeeded") if visit.passed else End("failed", visit.result.reason)
    if action.workflow is not None:
        return await _transfer(run, frame, action, visit)
    assert action.step_id is not None
    target = _target(frame, action.step_id)
    if action.step_id == visit.result.step_id and not run.is_dry and not has_waited(visit.tried.attempt):
        await _pause(run, frame, visit)
    return target


async def _follow_once(run: Run, frame: Frame, index: int, visit: Visit) -> int | End:
    """Return the index of the next step of a dry run, which visits each step once, or the End."""
    action = visit.action
    is_retry = action is not None and action.type == "retry"
    follow = index + 1 if is_retry else await _follow(run, frame, index, visit)
    visited = {frame.workflow.positions[each.step_id] for each in frame.results}
    if isinstance(follow, End) or (follow not in visited and not is_retry):
        return follow
    if action is not None:
        frame.results[-1] = replace(frame.results[-1], repeats=repeats(frame, frame.workflow.steps[index], action))
    return follow if follow not in visited else way_on(frame)


async def _pause(run: Run, frame: Frame, visit: Visit) -> None:
    # A goto back to the same step is polling.
    assert visit.action is not None
    step_id = visit.result.step_id
    wait = poll_wait(run, frame, step_id, visit.action, visit.tried)
    refused = too_long(run, wait)
    if refused is not None:
        run.stop = Stop("failed", refused)
        return
    if wait.seconds > 0:
        frame.results[-1] = _waited(frame.results[-1], wait)
        run.report(PollScheduled(frame.workflow.workflow_id, step_id, wait, frame.depth))
    await run.sleep(f"{frame.prefix}{step_id}", wait.seconds)


def _waited(result: StepResult, wait: Wait) -> StepResult:
    """Return the result of a visit whose last attempt was followed by a wait."""
    return replace(result, attempts=(*result.attempts[:-1], replace(result.attempts[-1], wait=wait)))


async def _transfer(run: Run, frame: Frame, action: CompiledAction, visit: Visit) -> End:
    """Transfer control to another workflow, whose result becomes that of this workflow."""
    await _disarm(run, frame)  # there is no way back
    try:
        result = await _call(run, frame, action, visit.tried, f"{frame.prefix}{visit.result.step_id}>{action.name}/")
    except CannotBuild as problem:
        return End("failed", problem.diagnostic.message)
    return End(result.status, result.reason, transferred=result)


async def _call(run: Run, frame: Frame, action: CompiledAction, tried: Tried, prefix: str) -> WorkflowResult:
    assert action.workflow is not None
    target = run.program.workflows[action.workflow]
    inherited = inherited_inputs(target, frame.inputs)
    formats = run.options.checks.formats
    if action.parameters:
        inputs, _ = call_inputs(target, action.parameters, tried.scope, action.at, formats)
        inputs = {**inherited, **inputs}
    else:
        inputs, _ = checked_inputs(target, inherited, action.at, formats)
    return await run_workflow(run, action.workflow, inputs, frame.depth + 1, prefix, frame)


# ------------------------------------------------------------------ one step


async def visit_step(run: Run, frame: Frame, step: CompiledStep, *, within: tuple[str, ...] = ()) -> Visit:
    """Try a step until it passes or no retry is left.

    `within` are the steps whose retry actions named this one, outermost first: its own retries
    apply then, its goto and end do not.
    """
    run.report(StepStarted(frame.workflow.workflow_id, step.step_id, frame.depth))
    attempts: list[Attempt] = []
    used: dict[str, int] = {}
    nested: WorkflowResult | None = None
    while True:
        tried, nested = await _try(run, frame, step, len(attempts) + 1)
        attempts.append(tried.attempt)
        if tried.unknown:
            frame.unknown_outcomes.add(step.step_id)
        workflow_id = frame.workflow.workflow_id
        event = AttemptFinished(workflow_id, step.step_id, tried.attempt, frame.depth, tried.outputs)
        run.report(event)
        action, wait = await _settle(run, frame, step, tried, used, within)
        if wait is not None:
            attempts[-1] = replace(attempts[-1], wait=wait)
        if action is None or action.type != "retry" or run.is_dry:
            break
    return Visit(step_result(step, attempts, tried, action, nested, run.stop), action, tried)


async def _try(run: Run, frame: Frame, step: CompiledStep, number: int) -> tuple[Tried, WorkflowResult | None]:
    refused = not_ready(run, frame, step)
    if refused is not None:
        attempt = Attempt(number=number, started=run.now, diagnostics=(refused,))
        final = refused.code == "outcome-unknown"
        return Tried(attempt, frame.scope(run), {}, built=False, final=final), None
    if frame.unheard:
        from arazzo_runner.engine.arming import why_unheard

        refused = await why_unheard(run, frame, step, number)
        if refused is not None:
            attempt = Attempt(number=number, started=run.now, diagnostics=(refused,))
            return Tried(attempt, frame.scope(run), {}, built=False, again=True), None
    match step.call:
        case OperationCall() as call:
            return await try_operation(run, frame, step, call, number), None
        case MessageCall() as call:
            # Lazily: workflows over HTTP alone need none of it.
            from arazzo_runner.engine.message_attempt import try_message

            return await try_message(run, frame, step, call, number), None
        case WorkflowCall() as call:
            return await _try_workflow(run, frame, step, call.workflow, number)
        case Unlinked():
            raise AssertionError("a program with unlinked steps has errors and is not run")
        case _:
            assert_never(step.call)


async def _try_workflow(
    run: Run, frame: Frame, step: CompiledStep, key: WorkflowKey, number: int
) -> tuple[Tried, WorkflowResult | None]:
    """Run the workflow of a `workflowId` step once: it passes when that succeeds and its criteria hold."""
    effect_key = frame.key(step.step_id)
    started = await run.tick(effect_key)
    scope = frame.scope(run, later=step.later)
    try:
        target, formats = run.program.workflows[key], run.options.checks.formats
        inputs, notes = call_inputs(target, step.parameters, scope, step.at, formats)
    except CannotBuild as problem:
        attempt = Attempt(number=number, started=started, diagnostics=(problem.diagnostic,))
        return Tried(attempt, scope, {}, built=False), None
    nested = run_workflow(run, key, inputs, frame.depth + 1, f"{effect_key}/", frame)
    result = await _within(run, step.timeout, nested)
    ended = await run.tick(f"{effect_key}/end")
    scope = frame.scope(run, outputs=dict(result.outputs))
    own = evaluated(
        step.outputs, scope, run.secrets, step.secret_outputs,
        owner=f'step "{step.step_id}"', at=step.at.child("outputs"),
    )  # fmt: skip
    verdicts = judge_all(step.criteria, scope, run.options.criterion_timeout)
    passed = result.status == "succeeded" and all(verdict.passed for verdict in verdicts)
    attempt = Attempt(
        number=number,
        started=started,
        verdicts=verdicts,
        diagnostics=notes + (own.findings if passed else ()),
        duration_ms=max(0.0, (ended - started) * 1000),
        passed=passed,
    )
    outputs = {**result.outputs, **own.values}
    missing = (*(name for name in result.missing_outputs if name not in outputs), *own.missing)
    return Tried(attempt, scope, outputs, missing, unknown=result.status == "in_doubt"), result


async def _within(run: Run, seconds: float | None, call: Coroutine[object, object, WorkflowResult]) -> WorkflowResult:
    """Run a nested workflow under the step's own deadline, when that comes before the run's."""
    outer = run.deadline
    own = None if seconds is None else run.now + seconds
    if own is None or (outer is not None and outer <= own):
        return await call
    run.deadline = own
    result = await call
    run.deadline = outer
    if run.stop is not None and run.stop.limit == own:
        run.stop = None
        return replace(result, reason="the step's timeout was reached")
    return result


# ------------------------------------------------------------------ actions of a step


async def _settle(
    run: Run, frame: Frame, step: CompiledStep, tried: Tried, used: dict[str, int], within: tuple[str, ...]
) -> tuple[CompiledAction | None, Wait | None]:
    """Return the action that follows an attempt, and the wait before it.

    When it is a retry, the next attempt may begin at once. A retry whose repair (its step or workflow) fails is
    used up: the next matching action is taken.
    """
    wait: Wait | None = None
    while run.stop is None and not tried.final:
        action = _choose(run, step, tried, used, alone=bool(within))
        if action is None or action.type != "retry" or run.is_dry:
            return action, wait
        used[action.name] = used.get(action.name, 0) + 1
        wait = await _wait_to_retry(run, frame, step, action, tried, used[action.name]) or wait
        if run.stop is None and await _repair(run, frame, step, action, tried, (*within, step.step_id)):
            return action, wait
        used[action.name] = action.retry_limit
    return None, wait


def _choose(run: Run, step: CompiledStep, tried: Tried, used: dict[str, int], *, alone: bool) -> CompiledAction | None:
    def holds(criterion: CompiledCriterion) -> bool:
        return judge(criterion, tried.scope, run.options.criterion_timeout).passed

    if tried.attempt.passed:
        return None if alone else choose_action(step.on_success, holds, used)
    return choose_action(list(_possible(step.on_failure, tried, alone=alone)), holds, used)


def _possible(actions: Iterable[CompiledAction], tried: Tried, *, alone: bool) -> Iterable[CompiledAction]:
    """Leave out retries of a request whose outcome is unknown, or that could not be built and would not change."""
    for action in actions:
        if action.type != "retry":
            if not alone:
                yield action
        elif not tried.unknown and (tried.built or tried.again or action.step_id or action.workflow is not None):
            yield action


async def _wait_to_retry(
    run: Run, frame: Frame, step: CompiledStep, action: CompiledAction, tried: Tried, retry: int
) -> Wait | None:
    """Wait and return the wait, None if there is none; sets `run.stop` when it is too long."""
    wait = retry_wait(run, action, tried, retry)
    refused = too_long(run, wait)
    if refused is not None:
        run.stop = Stop("failed", refused)
        return None
    if run.visits.left <= 0:
        _stop(run, _loop_text(frame))
        return None
    run.visits.left -= 1
    shown = wait if wait.seconds > 0 else None
    workflow_id, limit = frame.workflow.workflow_id, action.retry_limit
    event = RetryScheduled(workflow_id, step.step_id, action.name, retry, limit, wait.seconds, frame.depth, shown)
    run.report(event)
    await run.sleep(f"{frame.prefix}{step.step_id}#{frame.attempts.get(step.step_id, 0)}", wait.seconds)
    return shown


async def _repair(
    run: Run, frame: Frame, step: CompiledStep, action: CompiledAction, tried: Tried, within: tuple[str, ...]
) -> bool:
    """Run the step or workflow that a retry action names; return whether there is none or it succeeded.

    A retry that names its own step is a plain retry. Of steps that repair each other the inner one is not begun.
    """
    if action.workflow is not None:
        number = frame.attempts.get(step.step_id, 0)
        try:
            result = await _call(run, frame, action, tried, f"{frame.prefix}{step.step_id}#{number}>{action.name}/")
        except CannotBuild:
            return False
        return result.status == "succeeded"
    if action.step_id is not None and action.step_id != step.step_id:
        if action.step_id in within or len(within) > MAX_REPAIRS:
            return False
        target = frame.workflow.steps[frame.workflow.positions[action.step_id]]
        run.visits.left -= 1
        visit = await visit_step(run, frame, target, within=within)
        _record(run, frame, visit)
        return visit.passed
    return True


def _stop(run: Run, reason: str) -> End:
    run.stop = run.stop or Stop("failed", reason)
    return End(run.stop.status, run.stop.reason)


def _loop_text(frame: Frame) -> str:
    names = list(dict.fromkeys(result.step_id for result in frame.results[-20:]))
    return f"the budget of step visits is used up ({MAX_STEPS.key}); the run goes round {' → '.join(names)}"
