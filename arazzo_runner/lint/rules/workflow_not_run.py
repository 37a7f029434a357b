"""What is read of another workflow that no run runs before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import WorkflowReference
from arazzo_runner.lint.analysis.references import pinpoint
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.model import CompiledWorkflow, WorkflowCall, WorkflowKey

CODE = "workflow-not-run"
SEVERITY = Severity.WARNING
GROUP = "flow"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`$workflows.<id>…` has a value when a run of this workflow, or of one that leads to both, runs that workflow."""
    uses = [use for use in program.uses if isinstance(use.expression, WorkflowReference)]
    leads = {key: _leads_to(workflow) for key, workflow in program.workflows.items()} if uses else {}
    runs = [_reached(key, leads) for key in leads]
    together: dict[tuple[WorkflowKey, WorkflowKey], bool] = {}
    for use in uses:
        assert isinstance(use.expression, WorkflowReference)
        reader = use.workflow.key
        wanted = WorkflowKey(reader.document, use.expression.workflow_id)
        if (reader, wanted) not in together:
            together[reader, wanted] = any(reader in run and wanted in run for run in runs)
        if wanted not in leads or together[reader, wanted]:
            continue
        message = f'workflow "{wanted.workflow_id}" is not run before: {use.expression} has no value'
        hint = f"write dependsOn: [{wanted.workflow_id}], or call it in a step with workflowId"
        at = pinpoint(use.expression, use.at, program.description.raw)
        yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=at, hint=hint)


def _leads_to(workflow: CompiledWorkflow) -> frozenset[WorkflowKey]:
    """Return the workflows that a workflow depends on, calls or goes to."""
    found = set(workflow.depends_on)
    for step in workflow.steps:
        if isinstance(step.call, WorkflowCall):
            found.add(step.call.workflow)
        found.update(each.workflow for each in (*step.on_success, *step.on_failure) if each.workflow is not None)
        found.update(key for key, _ in step.foreign_steps)
    return frozenset(found)


def _reached(start: WorkflowKey, leads: Mapping[WorkflowKey, frozenset[WorkflowKey]]) -> set[WorkflowKey]:
    found, waiting = {start}, [start]
    while waiting:
        for key in leads.get(waiting.pop(), frozenset()) - found:
            found.add(key)
            waiting.append(key)
    return found
