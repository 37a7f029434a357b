"""A parameter of a workflow call that the workflow does not declare as an input."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.model import CompiledWorkflow, WorkflowCall
from arazzo_runner.program.schemas import input_names

CODE = "undeclared-call-input"
SEVERITY = Severity.WARNING
GROUP = "flow"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """Compare the parameters of every call of a workflow with the inputs it declares."""
    for workflow, step in program.compiled_steps:
        shared = workflow.at.pointer + "/parameters/"  # of the workflow: meant for the steps that know them
        own = tuple(each for each in step.parameters if not each.at.pointer.startswith(shared))
        calls = [(step.call.workflow, own)] if isinstance(step.call, WorkflowCall) else []
        actions = (*step.on_success, *step.on_failure)
        calls += [(action.workflow, action.parameters) for action in actions if action.workflow is not None]
        for key, parameters in calls:
            target = program.workflows.get(key)
            known = _declared(target) if target is not None else None
            for parameter in parameters if known is not None else ():
                if parameter.name not in (known or ()):
                    message = f'workflow "{key.workflow_id}" declares no input "{parameter.name}"'
                    hint = names_hint(parameter.name, known or ()) or "it declares no inputs; leave the parameter out"
                    at = parameter.at.child("name")
                    yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _declared(target: CompiledWorkflow) -> frozenset[str] | None:
    """Return the names of a workflow's inputs, None when any name may be meant."""
    if target.inputs is None:
        return frozenset()
    names = input_names(target.inputs, target.document.raw)
    is_open = isinstance(target.inputs, dict) and target.inputs.get("additionalProperties") not in (None, False)
    return None if is_open or not names else names
