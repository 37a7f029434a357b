"""An expression that reads an input that another workflow does not declare."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.nodes import WorkflowReference
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.program.context import declares, names_hint
from arazzo_runner.program.schemas import input_names

CODE = "unknown-workflow-input"
SEVERITY = Severity.WARNING
GROUP = "references"
DEFAULT = True


def check(program: Inspection) -> Iterator[Diagnostic]:
    """`$workflows.<id>.inputs.<name>`: the name is declared in the inputs of that workflow."""
    declared = {
        workflow.workflow_id: input_names(workflow.inputs, program.description.raw)
        for workflow in program.description.workflows
    }
    for use in program.uses:
        expression = use.expression
        if not isinstance(expression, WorkflowReference) or expression.field != "inputs":
            continue
        names = declared.get(expression.workflow_id)
        if names is not None and not declares(names, expression.name):
            message = f'workflow "{expression.workflow_id}" declares no input "{expression.name}"'
            hint = names_hint(expression.name, names) or "declare it in the inputs of that workflow"
            yield Diagnostic(code=CODE, severity=SEVERITY, message=message, at=use.at, hint=hint)
