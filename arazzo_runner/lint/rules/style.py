"""Style: descriptions, summaries and fields that the Specification does not require."""

from __future__ import annotations

from collections.abc import Iterator

from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule


@rule("info-description", "style", default=False)
def info_description(inspection: Inspection) -> Iterator[Finding]:
    """Report an info without description."""
    info = inspection.description.info
    if not (info.description or "").strip():
        message, hint = "info has no description", "add description: and say what the document is for"
        yield Finding(message, info.at, hint)


@rule("info-summary", "style", default=False)
def info_summary(inspection: Inspection) -> Iterator[Finding]:
    """Report an info without summary."""
    info = inspection.description.info
    if not (info.summary or "").strip():
        message, hint = "info has no summary", "add summary: with one short sentence"
        yield Finding(message, info.at, hint)


@rule("input-description", "style", default=False, trigger=Trigger(words=("properties",)))
def input_description(inspection: Inspection) -> Iterator[Finding]:
    """Report inputs without description, unless they refer to another schema."""
    for workflow in inspection.description.workflows:
        properties = workflow.inputs.get("properties") if isinstance(workflow.inputs, dict) else None
        for name, schema in properties.items() if isinstance(properties, dict) else ():
            if isinstance(schema, dict) and not schema.keys() & {"description", "title", "$ref"}:
                message, hint = f'input "{name}" has no description', "add description: and say what to give"
                at = workflow.at.child("inputs").child("properties").child(name).at_key()
                yield Finding(message, at, hint)


@rule("no-success-criteria", "style", default=False)
def no_success_criteria(inspection: Inspection) -> Iterator[Finding]:
    """Report steps without success criteria, unless they call a workflow."""
    for _, step in inspection.steps:
        if step.workflow_id is None and not step.success_criteria:
            message = f'step "{step.step_id}" does not say when it succeeds'
            at, hint = step.at.child("stepId"), "add successCriteria: with condition: $statusCode == 200"
            yield Finding(message, at, hint)


@rule("source-without-type", "style", default=False)
def source_without_type(inspection: Inspection) -> Iterator[Finding]:
    """Report source descriptions without type."""
    for source in inspection.description.source_descriptions:
        if source.type is None:
            message, hint = f'source "{source.name}" has no type', "add type: openapi (or arazzo, asyncapi)"
            yield Finding(message, source.at, hint)


@rule("step-description", "style", default=False)
def step_description(inspection: Inspection) -> Iterator[Finding]:
    """Report steps without description."""
    for _, step in inspection.steps:
        if not (step.description or "").strip():
            message = f'step "{step.step_id}" has no description'
            at, hint = step.at.child("stepId"), "add description: and say what the step is for"
            yield Finding(message, at, hint)


@rule("workflow-description", "style", default=False)
def workflow_description(inspection: Inspection) -> Iterator[Finding]:
    """Report workflows without description."""
    for workflow in inspection.description.workflows:
        if not (workflow.description or "").strip():
            message = f'workflow "{workflow.workflow_id}" has no description'
            at, hint = workflow.at.child("workflowId"), "add description: and say what it is for"
            yield Finding(message, at, hint)


@rule("workflow-summary", "style", default=False)
def workflow_summary(inspection: Inspection) -> Iterator[Finding]:
    """Report workflows without summary."""
    for workflow in inspection.description.workflows:
        if not (workflow.summary or "").strip():
            message = f'workflow "{workflow.workflow_id}" has no summary'
            at, hint = workflow.at.child("workflowId"), "add summary: and say what it is for"
            yield Finding(message, at, hint)
