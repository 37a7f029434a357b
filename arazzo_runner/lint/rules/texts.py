"""Texts: those that look like expressions but are sent as they are; descriptions, summaries, fields worth having."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.patterns import pattern
from arazzo_runner.document.model import Workflow
from arazzo_runner.errors import replacing
from arazzo_runner.lint.analysis.schemas import follow, property_of, types_of
from arazzo_runner.lint.analysis.text_index import is_value_place
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import declares
from arazzo_runner.program.schemas import input_names

_LONE: Final = pattern(r"\{\$inputs\.([\w.\-]+)\}")


@rule("braces-make-text", "language", trigger=Trigger(parts=("{$inputs.",)))
def braces_make_text(inspection: Inspection) -> Iterator[Finding]:
    """Report payload members such as `"{$inputs.count}"` that send a number or boolean as text."""
    lone = [text for text in inspection.texts.distinct if text.startswith("{$inputs.") and _LONE.fullmatch(text)]
    for text, pointer, _ in inspection.texts.placed(lone):
        if "/requestBody/" not in pointer or not is_value_place(pointer):
            continue
        found = _LONE.fullmatch(text)
        workflow = inspection.workflow_at(pointer)
        if found is None or workflow is None:
            continue
        schema = property_of(workflow.inputs, found.group(1), inspection.description.raw)
        followed = follow(schema, inspection.description.raw)
        types = types_of(followed) if isinstance(followed, dict) else ()
        if types and "string" not in types:
            message = f'{text} gives a text, but input "{found.group(1)}" is of type {" or ".join(types)}'
            at, hint = inspection.at(pointer), f"write $inputs.{found.group(1)} without braces"
            fix = replacing(at, text[1:-1], is_safe=False)
            yield Finding(message, at, hint, fix=fix)


_ROOT: Final = r"(?P<root>inputs|steps|workflows|outputs)\.(?P<rest>(?P<name>[\w\-]+)[\w.\-#/]*)"
_BRACES: Final = pattern(
    rf"(?:(?P<double>\{{\{{)|(?P<shell>\$\{{)|\{{)\s*(?P<dollar>\$)?{_ROOT}\s*(?(double)\}}\}}|\}})"
)


@rule("doubtful-braces", "language", trigger=Trigger(parts=("{",)))
def doubtful_braces(inspection: Inspection) -> Iterator[Finding]:
    """Report braces of other template languages around declared names, in texts that are values."""
    braced = [text for text in inspection.texts.distinct if "{" in text and _BRACES.search(text)]
    for text, pointer, is_key in inspection.texts.placed(braced):
        if is_key or not is_value_place(pointer):
            continue
        for found in _BRACES.finditer(text):
            expression = f"{{${found['root']}.{found['rest']}}}"
            is_expression = found["dollar"] or inspection.is_declared(pointer, found["root"], found["name"])
            is_price = found["shell"] and found["dollar"]  # `${$inputs.amount}`: a dollar sign and an expression
            if found.group() == expression or not is_expression or is_price:
                continue
            message = f"{found.group()} is no embedded expression; it is sent with these braces"
            at = inspection.at(pointer).within(found.start(), len(found.group()))
            hint = f"write {expression}"
            fix = replacing(at, expression, is_safe=False)
            yield Finding(message, at, hint, fix=fix)


_ROOTS: Final = ("inputs.", "steps.", "workflows.")
_LIKE_EXPRESSION: Final = pattern(r"(?P<root>inputs|steps|workflows)\.(?P<name>[\w\-]+)[\w.\-#/]*")


@rule("missing-dollar", "language", trigger=Trigger(parts=("\ninputs.", "\nsteps.", "\nworkflows.")))
def missing_dollar(inspection: Inspection) -> Iterator[Finding]:
    """Report values that are an expression without its `$`: `inputs.pet` with a declared input."""
    bare = [text for text in inspection.texts.distinct if text.startswith(_ROOTS)]
    for text, pointer, is_key in inspection.texts.placed(bare):
        found = _LIKE_EXPRESSION.fullmatch(text) if not is_key else None
        if found is None or not inspection.is_declared(pointer, found["root"], found["name"]):
            continue
        if not is_value_place(pointer):
            continue
        message = f"{preview(text, 60)} is sent as this text; an expression begins with $"
        hint = f"write ${text}"
        at = inspection.at(pointer)
        fix = replacing(at, f"${text}", is_safe=False)
        yield Finding(message, at, hint, fix=fix)


_NAME: Final = r"[\w\-]+(?:\.[\w\-]+)*"
_UNBRACED: Final = pattern(
    rf"(?<![{{$\w])\$(?:inputs\.(?P<input>{_NAME})|steps\.(?P<step>[\w\-]+)\.outputs\.(?P<output>{_NAME}))"
)


@rule("undeclared-in-text", "references", trigger=Trigger(parts=("$inputs.", "$steps.")))
def undeclared_in_text(inspection: Inspection) -> Iterator[Finding]:
    """Report undeclared inputs and outputs in texts without braces: they are sent as text (semantics §3)."""
    reported = {each.at.pointer for each in inspection.diagnostics}
    named = {*inspection.texts.holding("$inputs."), *inspection.texts.holding("$steps.")}
    mixed = [text for text in named if not _UNBRACED.fullmatch(text)]  # whole expressions are checked by the loader
    for text, pointer, is_key in inspection.texts.placed(mixed):
        if is_key or pointer in reported or not is_value_place(pointer):
            continue
        for found in _UNBRACED.finditer(text):
            workflow = inspection.workflow_at(pointer)
            what = None if workflow is None else _unknown(inspection, workflow, found)
            if what is not None:
                message = f"{found.group()} names no {what}; it is sent as this text"
                at = inspection.at(pointer).within(found.start(), len(found.group()))
                hint = f"declare it, and write {{{found.group()}}}"
                yield Finding(message, at, hint)


def _unknown(inspection: Inspection, workflow: Workflow, found: re.Match[str]) -> str | None:
    """Return the kind of name that is not declared in a workflow; None if it is declared, or not known."""
    if found["input"] is not None:
        declared = input_names(workflow.inputs, inspection.description.raw)
        return None if declared is None or declares(declared, found["input"]) else "input"
    step = next((each for each in workflow.steps if each.step_id == found["step"]), None)
    if step is None:
        return "step"
    is_open = step.workflow_id is not None
    return None if is_open or declares(step.outputs, found["output"]) else f'output of step "{step.step_id}"'


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
