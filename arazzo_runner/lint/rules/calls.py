"""What steps call: deprecated operations and their credentials; workflows, their inputs, calls without end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from arazzo_runner.base.json_values import resolve_pointer
from arazzo_runner.errors import Location, Severity
from arazzo_runner.expressions.nodes import WorkflowReference
from arazzo_runner.lint.analysis.flow import BrokenPlaces, is_unconditional
from arazzo_runner.lint.analysis.partial import mismatches
from arazzo_runner.lint.analysis.schema_types import Found, SchemaType, expanded, lookup, required_names
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.program.context import names_hint, pinpoint
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, MessageCall, WorkflowKey
from arazzo_runner.program.schemas import input_names
from arazzo_runner.sources.operation import Operation


@rule("deprecated-operation", "openapi", trigger=Trigger(needs="operations"))
def deprecated_operation(inspection: Inspection) -> Iterator[Finding]:
    """Report calls of operations that are marked as deprecated (OpenAPI §Operation Object)."""
    for _, step, call in inspection.operation_steps():
        operation = call.operation
        raw = resolve_pointer(call.description.document.value, operation.pointer)
        if isinstance(raw, dict) and raw.get("deprecated") is True:
            message = f"{operation.method} {operation.path} is deprecated"
            at = step.at.child(_field(inspection, step))
            hint = "call the operation that takes its place; the description may name it"
            yield Finding(message, at, hint)


def _field(inspection: Inspection, step: CompiledStep) -> str:
    raw = resolve_pointer(inspection.description.raw, step.at.pointer)
    return "operationId" if isinstance(raw, dict) and "operationId" in raw else "operationPath"


@rule("description-contract", "openapi", default=False, trigger=Trigger(needs="operations"))
def description_contract(inspection: Inspection) -> Iterator[Finding]:
    """Report what openapi-spec-validator finds in the operations that steps call, and in the schemas they use."""
    calls = (call for _, _, call in inspection.operation_steps())
    called = {(call.operation.uri, call.operation.pointer): call for call in calls}
    if not called:
        return
    from arazzo_runner.sources.description_check import check_description  # lazily: openapi-spec-validator is heavy

    for call in called.values():
        operation = call.operation
        problems, unchecked = check_description(operation, call.description.version)
        name = f"{operation.method} {operation.path}"
        for problem in problems:
            hint = "correct the description, or ask its authors"
            yield Finding(f"{name} {problem}", operation.at, hint)
        if unchecked is not None:
            message = f"{name} was not checked: {unchecked}"
            yield Finding(message, operation.at, severity=Severity.INFO)


@rule("missing-credential", "openapi", severity=Severity.INFO, trigger=Trigger(needs="operations"))
def missing_credential(inspection: Inspection) -> Iterator[Finding]:
    """Report, once for each source, security schemes that its operations require and nothing describes or provides."""
    reported: set[tuple[str, frozenset[str]]] = set()
    for _, step, call in inspection.operation_steps():
        operation, source = call.operation, call.source
        if not operation.security:
            continue
        unknown = [frozenset(each) - operation.security_schemes.keys() for each in operation.security]
        key = (source, frozenset[str]().union(*unknown))
        if not all(unknown) or key in reported or _is_given(step, operation):
            continue
        reported.add(key)
        names = ", ".join(sorted(key[1]))
        message = f'operations of source "{source}" require security schemes that it does not define: {names}'
        hint = "define the scheme in components/securitySchemes, or add a parameter such as Authorization"
        yield Finding(message, step.at.child("stepId"), hint)


def _is_given(step: CompiledStep, operation: Operation) -> bool:
    """Return whether a parameter of the step is a credential: Authorization, or an API key of a scheme."""
    keys = {("authorization", "header")}
    for scheme in operation.security_schemes.values():
        if isinstance(scheme, Mapping) and scheme.get("type") == "apiKey":
            keys.add((str(scheme.get("name")).lower(), str(scheme.get("in"))))
    return any((each.name.lower(), each.location) in keys for each in step.parameters)


@rule(
    "prefer-operation-id",
    "style",
    default=False,
    trigger=Trigger(words=("operationPath", "channelPath"), needs="exchanges"),
)
def prefer_operation_id(inspection: Inspection) -> Iterator[Finding]:
    """Report steps that name by path an operation that has an operationId, or a channel that has one operation."""
    for _, step, call in inspection.operation_steps():
        written = inspection.step_at(step.at.pointer)
        if call.operation.operation_id is not None and written is not None and written.operation_path is not None:
            message = f'step "{step.step_id}" names its operation by path'
            hint = f"write operationId: {_reference(inspection, call.source, call.operation.operation_id)}"
            yield Finding(message, step.at.child("operationPath"), hint)
    for _, step, on_channel in inspection.message_steps():
        only = _only_operation(on_channel)
        if on_channel.operation is None and only is not None:
            message = f'step "{step.step_id}" names its channel by path, which one operation is described for'
            hint = f"write operationId: {_reference(inspection, on_channel.source, only)}"
            yield Finding(message, step.at.child("channelPath"), hint)


def _reference(inspection: Inspection, source: str, operation_id: str) -> str:
    several = len(inspection.description.source_descriptions) > 1
    return f"$sourceDescriptions.{source}.{operation_id}" if several else operation_id


def _only_operation(call: MessageCall) -> str | None:
    """Return the name of the operation on a step's channel, None when there is none or are several."""
    found = [call.description.operation(name) for name in call.description.operation_ids]
    known = [each for each in found if each is not None and each.channel.pointer == call.channel.pointer]
    return known[0].id if len(known) == 1 else None


@rule("call-input-mismatch", "flow", trigger=Trigger(needs="calls"))
def call_input_mismatch(inspection: Inspection) -> Iterator[Finding]:
    """Report values passed to a workflow that do not fit the schema of its inputs."""
    for call in inspection.workflow_calls():
        inputs = _inputs_type(inspection, call.target)
        for parameter in call.parameters if inputs is not None else ():
            found = lookup((inputs,), (parameter.name,)) if inputs is not None else None
            if not isinstance(found, Found) or found.alternatives is None or len(found.alternatives) != 1:
                continue
            value = inspection.response_types.partial(parameter.value, call.workflow, call.step)
            for error in mismatches(value, found.alternatives[0])[:1]:
                message = f'input "{parameter.name}" of workflow "{call.target.workflow_id}": {error.message}'
                hint = "pass a value of that kind, or change the schema of the input"
                yield Finding(message, parameter.at.child("value"), hint)


def _inputs_type(inspection: Inspection, key: WorkflowKey) -> SchemaType | None:
    target = inspection.workflows.get(key)
    return None if target is None else inspection.response_types.inputs(target)


@rule("missing-call-input", "flow", severity=Severity.ERROR, trigger=Trigger(needs="calls"))
def missing_call_input(inspection: Inspection) -> Iterator[Finding]:
    """Report required inputs that a step or action calling a workflow does not pass."""
    for call in inspection.workflow_calls():
        given = {each.name for each in call.parameters}
        severity = Severity.ERROR
        if call.action is not None:  # the workflow inherits the inputs of this one by name (semantics §5)
            given |= input_names(call.workflow.inputs, call.workflow.document.raw) or frozenset()
            severity = Severity.WARNING
        for name in _missing(inspection, call.target, given):
            message = f'workflow "{call.target.workflow_id}" requires the input "{name}", which this call does not pass'
            yield Finding(message, call.at, f"add a parameter with name: {name}", severity=severity)


def _missing(inspection: Inspection, key: WorkflowKey, given: Iterable[str]) -> list[str]:
    """Return the required inputs of a workflow that are neither given nor have a default."""
    inputs = _inputs_type(inspection, key)
    if inputs is None:
        return []
    needed = required_names(inputs) - set(given) - inspection.workflows[key].callback_inputs
    return [name for name in sorted(needed) if not _has_default(inputs, name)]


def _has_default(schema_type: SchemaType, name: str) -> bool:
    found = lookup((schema_type,), (name,))
    alternatives = found.alternatives if isinstance(found, Found) else None
    parts = (part.schema for each in alternatives or () for part in expanded(each))
    return any(isinstance(schema, dict) and "default" in schema for schema in parts)


@rule("undeclared-call-input", "flow", trigger=Trigger(needs="calls"))
def undeclared_call_input(inspection: Inspection) -> Iterator[Finding]:
    """Report parameters of calls that the called workflow does not declare as inputs."""
    for call in inspection.workflow_calls():
        target = inspection.workflows.get(call.target)
        known = _declared(target) if target is not None else None
        if known is None:
            continue
        for parameter in call.parameters:
            if parameter.name not in known and not parameter.is_inherited:
                message = f'workflow "{call.target.workflow_id}" declares no input "{parameter.name}"'
                hint = names_hint(parameter.name, known) or "it declares no inputs; leave the parameter out"
                yield Finding(message, parameter.at.child("name"), hint)


def _declared(target: CompiledWorkflow) -> frozenset[str] | None:
    """Return the names of a workflow's inputs, None if it accepts any name."""
    if target.inputs is None:
        return frozenset()
    names = input_names(target.inputs, target.document.raw)
    is_open = isinstance(target.inputs, dict) and target.inputs.get("additionalProperties") not in (None, False)
    return None if is_open or not names else names


@rule("workflow-not-run", "flow", trigger=Trigger(parts=("$workflows",)))
def workflow_not_run(inspection: Inspection) -> Iterator[Finding]:
    """Report `$workflows.<id>…` of a workflow that no run with this workflow executes, so that it has no value."""
    uses = [use for use in inspection.uses if isinstance(use.expression, WorkflowReference)]
    targets = {key: _targets_of(workflow) for key, workflow in inspection.workflows.items()} if uses else {}
    runs = [_reached(key, targets) for key in targets]
    in_one_run: dict[tuple[WorkflowKey, WorkflowKey], bool] = {}
    for use in uses:
        assert isinstance(use.expression, WorkflowReference)
        reader = use.workflow.key
        wanted = WorkflowKey(reader.document, use.expression.workflow_id)
        if (reader, wanted) not in in_one_run:
            in_one_run[reader, wanted] = any(reader in run and wanted in run for run in runs)
        if wanted not in targets or in_one_run[reader, wanted]:
            continue
        message = f'workflow "{wanted.workflow_id}" does not run before this one: {use.expression} has no value'
        hint = f"write dependsOn: [{wanted.workflow_id}], or call it in a step with workflowId"
        at = pinpoint(use.expression, use.at, inspection.description.raw)
        yield Finding(message, at, hint)


def _targets_of(workflow: CompiledWorkflow) -> frozenset[WorkflowKey]:
    """Return the workflows that a workflow depends on, calls or goes to."""
    found = set(workflow.depends_on)
    for step in workflow.steps:
        if step.called_workflow is not None:
            found.add(step.called_workflow)
        found.update(each.workflow for each in (*step.on_success, *step.on_failure) if each.workflow is not None)
        found.update(key for key, _ in step.foreign_steps)
    return frozenset(found)


def _reached(start: WorkflowKey, targets: Mapping[WorkflowKey, frozenset[WorkflowKey]]) -> set[WorkflowKey]:
    found, waiting = {start}, [start]
    while waiting:
        for key in targets.get(waiting.pop(), frozenset()) - found:
            found.add(key)
            waiting.append(key)
    return found


@rule("endless-recursion", "flow", severity=Severity.ERROR, trigger=Trigger(needs="calls"))
def endless_recursion(inspection: Inspection) -> Iterator[Finding]:
    """Report workflows that call each other, or themselves, without a condition."""
    calls = {key: tuple(_certain_calls(each, inspection.broken)) for key, each in inspection.workflows.items()}
    for cycle, at in _cycles(calls):
        if at.uri != inspection.description.at.uri:
            continue
        path = " → ".join(key.workflow_id for key in (*cycle, cycle[0]))
        message = f"workflows call each other endlessly ({path}): only a failure ends it"
        hint = "let the call depend on something: put an action with criteria and type: end above it"
        yield Finding(message, at, hint)


def _certain_calls(workflow: CompiledWorkflow, broken: BrokenPlaces) -> Iterator[tuple[WorkflowKey, Location]]:
    """Yield the workflows that are called whenever no step fails: those before the first branch."""
    index, seen = 0, set[int]()
    while index < len(workflow.steps) and index not in seen:
        seen.add(index)
        step = workflow.steps[index]
        if step.called_workflow is not None:
            yield step.called_workflow, step.at.child("workflowId")
        if broken.inside(step.at, "onSuccess") or broken.inside(workflow.at, "successActions"):
            return
        action = next(iter(step.on_success), None)
        if action is None:
            index += 1
        elif not is_unconditional(action, broken) or action.type == "end":
            return
        elif action.workflow is not None:
            yield action.workflow, action.at.child("workflowId")
            return
        else:
            index = workflow.positions[action.step_id or ""]


def _cycles(
    calls: Mapping[WorkflowKey, tuple[tuple[WorkflowKey, Location], ...]],
) -> Iterator[tuple[tuple[WorkflowKey, ...], Location]]:
    """Yield (workflows in a cycle, location of the call that closes it), by a depth-first walk."""
    finished: set[WorkflowKey] = set()
    for start in calls:
        path: dict[WorkflowKey, Iterator[tuple[WorkflowKey, Location]]] = {}
        if start not in finished:
            path[start] = iter(calls[start])
        while path:
            key, following = next(reversed(path.items()))
            called = next(following, None)
            if called is None:
                finished.add(key)
                del path[key]
            elif called[0] in path:
                names = list(path)
                yield tuple(names[names.index(called[0]) :]), called[1]
            elif called[0] not in finished and called[0] in calls:
                path[called[0]] = iter(calls[called[0]])
