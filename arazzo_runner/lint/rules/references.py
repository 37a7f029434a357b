"""References to what does not exist, and declarations that nothing refers to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, assert_never

from arazzo_runner.base.json_values import escaped, pointer_tokens
from arazzo_runner.base.patterns import pattern
from arazzo_runner.errors import Severity
from arazzo_runner.expressions.nodes import InputReference, MessageReference, SourceReference, WorkflowReference
from arazzo_runner.lint.analysis.schemas import follow, property_of
from arazzo_runner.lint.analysis.uses import BEFORE, Use
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import declares, names_hint
from arazzo_runner.program.library import LoadedDocument
from arazzo_runner.program.model import CompiledStep, MessageCall, OperationCall, Unlinked, WorkflowCall
from arazzo_runner.program.schemas import input_names


@rule("unknown-input-property", "references", trigger=Trigger(parts=("$inputs",)))
def unknown_input_property(inspection: Inspection) -> Iterator[Finding]:
    """Report expressions that read a property which the schema of the input does not have."""
    for use in inspection.uses:
        expression = use.expression
        if not isinstance(expression, InputReference) or expression.name is None:
            continue
        steps = [*pointer_tokens(expression.pointer or ""), *map(str, expression.path)]
        if steps:
            yield from _follow(use, expression, expression.name, steps)


def _follow(use: Use, expression: InputReference, name: str, steps: list[str]) -> Iterator[Finding]:
    root = use.workflow.document.raw
    schema = property_of(use.workflow.inputs, name, root)
    for number, step in enumerate(steps):
        if schema is True or schema is None:
            return
        found = property_of(schema, step, root)
        if found is None:
            way = "/".join([name, *steps[:number]])
            message = f'{expression} reads "{step}", which the schema of {way} does not have'
            known = follow(schema, root)
            hint = names_hint(step, known.get("properties", ())) or "declare it in the inputs"
            yield Finding(message, use.at, hint)
            return
        schema = found


_AUTOMATIC: Final = frozenset(
    ("authorization", "accept", "accept-encoding", "content-type", "content-length", "user-agent", "host", "cookie",
     "connection", "transfer-encoding")
)  # fmt: skip


@rule("unknown-request-part", "references", trigger=Trigger(parts=("$request",), needs="operations"))
def unknown_request_part(inspection: Inspection) -> Iterator[Finding]:
    """Report `$request.…` of parameters and bodies that the step does not send."""
    for use, step, call in inspection.operation_uses():
        expression = use.expression
        if not isinstance(expression, MessageReference) or expression.message != "request" or use.role in BEFORE:
            continue
        if not _is_sent(expression, step, call):
            message = f'step "{step.step_id}" sends no {_what(expression)}, so {expression} has no value'
            hint = names_hint(expression.name or "", _sent(step, expression.part)) or "read what the step sends"
            yield Finding(message, use.at, hint)


def _is_sent(expression: MessageReference, step: CompiledStep, call: OperationCall) -> bool:
    name = expression.name or ""
    if expression.part in ("body", "payload"):
        return step.body is not None
    if expression.part == "header":
        own = {each.lower() for each in _sent(step, "header")}
        keys = (scheme.get("name") for scheme in call.operation.security_schemes.values() if isinstance(scheme, dict))
        return name.lower() in own | _AUTOMATIC | {str(key).lower() for key in keys}
    sent = _sent(step, expression.part)
    return name in sent or any(parameter.location == "querystring" for parameter in step.parameters)


def _sent(step: CompiledStep, part: str) -> list[str]:
    return [parameter.name for parameter in step.parameters if parameter.location == part]


def _what(expression: MessageReference) -> str:
    return "body" if expression.part in ("body", "payload") else f'{expression.part} parameter "{expression.name}"'


_FIELDS: Final = ("name", "url", "type")


@rule("unknown-source-field", "references", trigger=Trigger(parts=("$sourceDescriptions",)))
def unknown_source_field(inspection: Inspection) -> Iterator[Finding]:
    """Report expressions that read a field of a source description other than `name`, `url` and `type`."""
    for use in inspection.uses:
        expression = use.expression
        if isinstance(expression, SourceReference) and expression.reference not in _FIELDS:
            message = f'a source description has no value "{expression.reference}"'
            hint = _hint(expression)
            yield Finding(message, use.at, hint)


def _hint(expression: SourceReference) -> str:
    if ".outputs." in expression.reference:
        return "call the workflow in a step, and read $steps.<stepId>.outputs.<name>"
    return f"write $sourceDescriptions.{expression.source}.url; operations are called with operationId"


@rule("unknown-workflow-input", "references", trigger=Trigger(parts=("$workflows",)))
def unknown_workflow_input(inspection: Inspection) -> Iterator[Finding]:
    """Report `$workflows.<id>.inputs.<name>` of inputs that the workflow does not declare."""
    declared = {
        workflow.workflow_id: input_names(workflow.inputs, inspection.description.raw)
        for workflow in inspection.description.workflows
    }
    for use in inspection.uses:
        expression = use.expression
        if not isinstance(expression, WorkflowReference) or expression.field != "inputs":
            continue
        names = declared.get(expression.workflow_id)
        if names is not None and not declares(names, expression.name):
            message = f'workflow "{expression.workflow_id}" declares no input "{expression.name}"'
            hint = names_hint(expression.name, names) or "declare it in the inputs of that workflow"
            yield Finding(message, use.at, hint)


_MENTION: Final = pattern(r"[$#]/?components[./](\w+)[./]([^/#\s\"'{}]+)")


@rule("unused-component", "names", trigger=Trigger(words=("components",)))
def unused_component(inspection: Inspection) -> Iterator[Finding]:
    """Report components that no Reusable Object, expression or `$ref` refers to."""
    components = inspection.description.components
    used = set(_MENTION.findall("\n".join([text for text in inspection.texts.distinct if "components" in text])))
    if inspection.root is not inspection.description.raw:  # by `$id`, and from other documents
        used |= set(_MENTION.findall(json.dumps([inspection.root, [each.inputs for each in inspection.compiled]])))
    texts = inspection.texts.distinct if inspection.texts.has_any_word(("$anchor",)) else ()
    anchors = {text[1:] for text in texts if text.startswith("#") and text[1:2] != "/"}
    by_kind: dict[str, Mapping[str, object]] = {
        "inputs": components.inputs,
        "parameters": components.parameters,
        "successActions": components.success_actions,
        "failureActions": components.failure_actions,
    }
    for kind, named in by_kind.items():
        for name, component in named.items():
            anchor = component.get("$anchor") if isinstance(component, dict) else None
            if (kind, name) in used or (kind, escaped(name)) in used or anchor in anchors:
                continue
            at = components.at.child(kind).child(name).at_key()
            hint = f"remove it, or refer to it with {_reference(kind, name)}"
            yield Finding(f'component "{name}" is never used', at, hint)


def _reference(kind: str, name: str) -> str:
    return f"$ref: '#/components/inputs/{name}'" if kind == "inputs" else f"reference: $components.{kind}.{name}"


_WHOLE: Final = ""
_INPUT_READ: Final = pattern(r"\$inputs(?:\.([\w.\-]+)|)")
_PLAIN: Final = pattern(r"[\w.\-]+")


@rule("unused-input", "names", trigger=Trigger(words=("properties",)))
def unused_input(inspection: Inspection) -> Iterator[Finding]:
    """Report inputs that neither their workflow nor a component reads; schemas behind a `$ref` are not checked."""
    shared = _inputs_read(inspection.texts.by_part.get("/components", ()))
    from_outside = inspection.texts.holding("$workflows.")
    for workflow in inspection.description.workflows:
        properties = workflow.inputs.get("properties") if isinstance(workflow.inputs, dict) else None
        if not isinstance(properties, dict):
            continue
        texts = inspection.texts.by_part.get(workflow.at.pointer, ())
        read = shared | _inputs_read(texts)
        for name in properties:
            if name in read or _WHOLE in read or _is_read_otherwise(name, texts, from_outside):
                continue
            message = f'input "{name}" of workflow "{workflow.workflow_id}" is never read'
            at = workflow.at.child("inputs").child("properties").child(name).at_key()
            hint = f"remove it, or read it with $inputs.{name}"
            yield Finding(message, at, hint)


def _inputs_read(texts: Iterable[str]) -> frozenset[str]:
    """Return every name that `$inputs.…` may read: `a.b` may be the input a.b, or b of the input a."""
    found = set(_INPUT_READ.findall("\n".join(texts)))
    for written in [name for name in found if "." in name]:
        while "." in written:
            written = written.rpartition(".")[0]
            found.add(written)
    return frozenset(found)


def _is_read_otherwise(name: str, texts: Iterable[str], from_outside: Iterable[str]) -> bool:
    """Return whether an input is read by a name with special characters, or as `$workflows.W.inputs.name`."""
    if not _PLAIN.fullmatch(name) and any(f"$inputs.{name}" in text for text in texts):
        return True
    return any(f".inputs.{name}" in text for text in from_outside)


_OUTPUT_READ: Final = pattern(r"\$steps\.([\w\-]+)\.outputs(?:\.([\w.\-]+)|)")


@rule("unused-output", "names", severity=Severity.INFO, default=False, trigger=Trigger(words=("outputs",)))
def unused_output(inspection: Inspection) -> Iterator[Finding]:
    """Report outputs of steps that no text of their workflow names."""
    for workflow in inspection.description.workflows:
        read = _outputs_read(inspection.texts.by_part.get(workflow.at.pointer, ()))
        for step in workflow.steps:
            for name in step.outputs:
                if (step.step_id, name) in read or (step.step_id, "") in read:
                    continue
                message = f'output "{name}" of step "{step.step_id}" is never read'
                hint = f"remove it, or read it with $steps.{step.step_id}.outputs.{name}"
                at = step.at.child("outputs").child(name).at_key()
                yield Finding(message, at, hint)


def _outputs_read(texts: Iterable[str]) -> set[tuple[str, str]]:
    """Return (step, output) for every name that may be read; output "" for all outputs of a step."""
    found = set[tuple[str, str]]()
    for text in texts:
        for step_id, written in _OUTPUT_READ.findall(text) if "$steps." in text else ():
            parts = written.split(".")
            found.update((step_id, ".".join(parts[:count])) for count in range(1, len(parts) + 1))
    return found


_NAMED: Final = pattern(r"\$sourceDescriptions\.([^#{}\s]+)")


@rule("unused-source", "names")
def unused_source(inspection: Inspection) -> Iterator[Finding]:
    """Report sources that no step calls and no text names, unless a bare operationId was not found."""
    sources = inspection.description.source_descriptions
    if len(sources) < 2 or any(_may_mean_any(inspection, step) for _, step in inspection.compiled_steps):
        return
    called = {call.source for _, _, call in inspection.operation_steps()}
    named = set(_NAMED.findall(inspection.texts.joined))
    for source in sources:
        prefixes = {source.name, *(each for each in named if each.startswith(f"{source.name}."))}
        if source.name in called or prefixes & named or _is_identity(inspection, source.name):
            continue
        message = f'source "{source.name}" is never used'
        hint = "remove it, or call one of its operations"
        yield Finding(message, source.at.child("name"), hint)


def _may_mean_any(inspection: Inspection, step: CompiledStep) -> bool:
    """Return whether a step's operation was not found and may be in any source."""
    match step.call:
        case OperationCall() | MessageCall() | WorkflowCall():
            return False
        case Unlinked():
            written = inspection.step_at(step.at.pointer)
            target = None if written is None else written.operation_id or written.operation_path or written.channel_path
            return target is not None and "$sourceDescriptions." not in target
        case _:
            assert_never(step.call)


def _is_identity(inspection: Inspection, name: str) -> bool:
    """Return whether workflows of a source are called without its name (by `$self`)."""
    opened = inspection.sources.get(name)
    return isinstance(opened, LoadedDocument) and any(key.document == opened.base for key in inspection.workflows)
