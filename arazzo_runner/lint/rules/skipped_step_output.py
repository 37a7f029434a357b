"""An output that is read though the step that gives it may have been skipped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import StepReference
from arazzo_runner.lint.analysis.flow import Dominance, Flow
from arazzo_runner.lint.analysis.references import pinpoint
from arazzo_runner.lint.analysis.uses import sent
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledStep

CODE = "skipped-step-output"
SEVERITY = Severity.INFO
GROUP = "flow"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Yield the values sent by a step that a goto around their step leaves without a value."""
    flows = {flow.workflow.key: flow for flow in program.flows if _has_goto(flow)}
    ways = {key: Dominance(flow.after) for key, flow in flows.items()}
    for workflow, step in program.compiled_steps:
        for expression, at, _ in sent(step) if workflow.key in ways else ():
            if not isinstance(expression, StepReference):
                continue
            giver, reader = expression.step_id, step.step_id
            if _may_be_skipped(giver, step, ways[workflow.key], workflow.positions):
                message = f'{expression} has no value when a goto leads to step "{reader}" around step "{giver}"'
                hint = f'lead every way to "{reader}" through "{giver}", or write a step of its own for the other way'
                at = pinpoint(expression, at, program.description.raw)
                yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _has_goto(flow: Flow) -> bool:
    steps = flow.workflow.steps
    return any(action.type == "goto" for step in steps for action in (*step.on_success, *step.on_failure))


def _may_be_skipped(name: str, reader: CompiledStep, ways: Dominance, positions: Mapping[str, int]) -> bool:
    index, giver = positions[reader.step_id], positions.get(name)
    if giver is None or giver == index or name in reader.later or not ways.is_walked(index):
        return False
    return not ways.passes(index, giver)
