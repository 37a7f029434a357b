"""Step → CompiledStep: parameters and actions merged with the workflow's, every expression parsed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal as OneOf, assert_never, cast

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.document.model import (
    ExpressionType,
    FailureAction,
    Parameter,
    PayloadReplacement,
    RequestBody,
    Selector,
    Step,
    SuccessAction,
    Workflow,
)
from arazzo_runner.errors import Location, did_you_mean, removing, replacing
from arazzo_runner.expressions.nodes import ExpressionSyntaxError
from arazzo_runner.expressions.parser import with_dollar
from arazzo_runner.expressions.queries.query import compile_query
from arazzo_runner.program.actions import ActionCompiler
from arazzo_runner.program.context import Context, names_hint, reused_parameter
from arazzo_runner.program.languages import parameter_in_language, payload_in_language
from arazzo_runner.program.library import LoadedDocument
from arazzo_runner.program.link import Linker, choose_server
from arazzo_runner.program.link_sources import LinkedMessage
from arazzo_runner.program.model import (
    Call,
    CompiledBody,
    CompiledCriterion,
    CompiledParameter,
    CompiledReplacement,
    CompiledStep,
    Literal,
    MessageCall,
    OperationCall,
    Unlinked,
    Value,
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.program.values import (
    compile_criteria,
    compile_field,
    compile_selector,
    compile_text,
    criterion_references,
    source_reference,
    steps_read,
    value_references,
)
from arazzo_runner.sources.http_media.media_types import best_match, is_xml, usual_content_type
from arazzo_runner.sources.operation import MediaType, Operation

Place = OneOf["path", "query", "querystring", "header", "cookie"]

_KEY: Final = "x-kafka-key"
_LONGEST_TIMEOUT: Final = 10**12  # milliseconds; sockets do not accept much more


class StepCompiler(Record):
    """Compiles the steps of one workflow; invalid parts are reported and left out."""

    workflow: Workflow
    linker: Linker
    context: Context
    actions: ActionCompiler

    def compile(self, step: Step) -> CompiledStep:
        """Return the step ready to run; `call` is Unlinked when its target is not found."""
        call = self._call(step)
        operation = _operation_of(call)
        parameters = self._parameters(step, operation, call if isinstance(call, MessageCall) else None)
        body = self._body(step.request_body, operation, step, call) if step.request_body is not None else None
        criteria = compile_criteria(step.success_criteria, self.context) if step.success_criteria else ()
        on_success = self.actions.of_step(step.on_success, self.workflow.success_actions, SuccessAction)
        on_failure = self.actions.of_step(step.on_failure, self.workflow.failure_actions, FailureAction)
        outputs = compile_outputs(step.outputs, step.at, self.context)
        if operation is not None:
            self._report_faults(operation, parameters)
            self._check_path(operation, parameters, step)
        elif isinstance(call, MessageCall):
            from arazzo_runner.program.compile_message import check_address  # lazily: few documents have messages

            check_address(call, parameters, step, self.context.problems)
        depends_on, foreign_steps = self._dependencies(step) if step.depends_on else ((), ())
        reads = _reads(parameters, body, criteria, outputs, call)
        reads.update(on_success.reads, on_failure.reads)
        reads.discard(step.step_id)
        return CompiledStep(
            step.step_id,
            call,
            step.at,
            step.description,
            parameters,
            body,
            criteria,
            on_success.compiled,
            on_failure.compiled,
            outputs,
            None if step.timeout is None else min(step.timeout, _LONGEST_TIMEOUT) / 1000,
            depends_on,
            frozenset(reads),
            foreign_steps,
        )

    # -------------------------------------------------------------- the target

    def _call(self, step: Step) -> Call:
        if step.workflow_id is not None:
            key = self.linker.workflow(step.workflow_id, step.at.child("workflowId"))
            return Unlinked() if key is None else WorkflowCall(workflow=key)
        linked = self.linker.target(step)
        if linked is None:
            return Unlinked()
        if isinstance(linked, LinkedMessage):
            from arazzo_runner.program.compile_message import message_call  # lazily: few documents have messages

            return message_call(linked, step, self.workflow.steps, self.linker.library.options, self.context)
        if step.correlation_id is not None:
            message = "step: correlationId does not apply to a step that calls an operation over HTTP"
            at = step.at.child("correlationId")
            self.context.problems.error("exclusive-fields", message, at, hint="remove correlationId", fix=removing(at))
        server = choose_server(linked, self.linker.library.options, self.context.problems, step.at)
        return OperationCall(
            operation=linked.operation, source=linked.source, description=linked.description, server=server or ""
        )

    # -------------------------------------------------------------- parameters

    def _parameters(
        self, step: Step, operation: Operation | None, call: MessageCall | None
    ) -> tuple[CompiledParameter, ...]:
        """Merge the workflow's parameters with the step's, which override them by name and location."""
        if not (step.parameters or self.workflow.parameters):
            return ()
        merged: dict[tuple[str, str | None], CompiledParameter] = {}
        inherited = len(self.workflow.parameters)
        for index, item in enumerate((*self.workflow.parameters, *step.parameters)):
            parameter = item if isinstance(item, Parameter) else reused_parameter(item, self.context)
            if parameter is None or not parameter.name:
                continue
            if parameter.in_ == "channel" and index < inherited and call is None and step.workflow_id is None:
                continue  # it is for the steps with messages
            if call is not None:
                compiled = self._message_parameter(parameter, call)
            else:
                compiled = self._parameter(parameter, operation, step)
            key = (compiled.name.lower() if compiled.location == "header" else compiled.name, compiled.location)
            merged[key] = replace(compiled, is_inherited=True) if index < inherited else compiled
        return tuple(merged.values())

    def _parameter(self, parameter: Parameter, operation: Operation | None, step: Step) -> CompiledParameter:
        value = compile_field(parameter.value, parameter.at, "value", self.context)
        calls_operation = step.operation_id is not None or step.operation_path is not None
        if parameter.in_ is None and calls_operation and not parameter.is_misplaced:
            message = f'parameter "{parameter.name}" has no "in"'
            hint = _location_hint(parameter.name, operation)
            self.context.problems.error("missing-field", message, parameter.at, hint=hint)
        if parameter.in_ is None or operation is None:
            if parameter.in_ is not None and step.workflow_id is not None:
                self._report_ignored_place(parameter, step)
            return CompiledParameter(parameter.name, None, value, parameter.at)
        if parameter.in_ == "channel":
            message = "parameter: in: channel applies only to a step that sends or receives messages"
            hint = "write where the operation takes it: path, query, header or cookie"
            self.context.problems.error("invalid-value", message, parameter.at.child("in"), hint=hint)
            return CompiledParameter(parameter.name, None, value, parameter.at)
        declared = operation.given(parameter.name, parameter.in_)
        if declared is None:
            self._undeclared(parameter, operation)
        place = declared.location if declared is not None else cast(Place, parameter.in_)
        value = parameter_in_language(value, place, declared)
        return CompiledParameter(parameter.name, place, value, parameter.at, declared)

    def _message_parameter(self, parameter: Parameter, call: MessageCall) -> CompiledParameter:
        value = compile_field(parameter.value, parameter.at, "value", self.context)
        place = "path" if parameter.in_ == "channel" else parameter.in_
        if place is None and not parameter.is_misplaced:
            message = f'parameter "{parameter.name}" has no "in"'
            hint = "write in: path" if f"{{{parameter.name}}}" in call.address else "write in: header"
            self.context.problems.error("missing-field", message, parameter.at, hint=hint)
        return CompiledParameter(parameter.name, cast(Place | None, place), value, parameter.at)

    def _report_ignored_place(self, parameter: Parameter, step: Step) -> None:
        """Report the "in" of a step's own parameter; one that is inherited may be for other steps, which need it."""
        place = parameter.at.child("in")
        if place.pointer.startswith(step.at.pointer + "/"):
            message = f'parameter "{parameter.name}" of a workflow step has "in", which is ignored'
            self.context.problems.warn("ignored-in", message, place, hint="leave it out", fix=removing(place))

    def _undeclared(self, parameter: Parameter, operation: Operation) -> None:
        if parameter.in_ == "path":
            if f"{{{parameter.name}}}" in operation.path:
                return  # not declared, but the path template names it
            message = f'"{operation.path}" has no path parameter "{parameter.name}"'
            known = [declared.name for declared in operation.parameters if declared.location == "path"]
            hint = names_hint(parameter.name, known) or "remove it, or write where the operation takes it"
            self.context.problems.error("unknown-path-parameter", message, parameter.at, hint=hint)
            return
        if parameter.in_ == "header" and parameter.name.lower() in ("authorization", "accept", "content-type"):
            return  # OpenAPI §Parameter Object forbids declaring these
        if _is_credential(parameter, operation) or operation.faults:
            return  # declared by a security scheme, or perhaps by a part that cannot be read, which is reported
        name = operation.operation_id or f"{operation.method} {operation.path}"
        message = f'operation {name} declares no {parameter.in_} parameter "{parameter.name}"; it is sent anyway'
        known = [declared.name for declared in operation.parameters if declared.location == parameter.in_]
        if not operation.parameters:
            message = f'operation {name} declares no parameters; "{parameter.name}" is sent anyway'
        self.context.problems.warn(
            "undeclared-parameter", message, parameter.at, hint=names_hint(parameter.name, known)
        )

    def _report_faults(self, operation: Operation, parameters: Sequence[CompiledParameter]) -> None:
        """Report what is wrong with the parts of the operation that this call needs."""
        for fault in operation.faults:
            given = fault.parameter is None or any((each.name, each.location) == fault.parameter for each in parameters)
            if not fault.is_of_servers:
                report = self.context.problems.error if given else self.context.problems.warn
                report(fault.problem.code, fault.problem.message, fault.problem.at, hint=fault.problem.hint)

    def _check_path(self, operation: Operation, parameters: Sequence[CompiledParameter], step: Step) -> None:
        """Report each variable of the path that no parameter gives a value (semantics §2)."""
        given = {parameter.name for parameter in parameters if parameter.location == "path"}
        for name in template_names(operation.path):
            if name not in given and not self._is_misplaced(name, operation, parameters, step):
                message = f'path parameter "{name}" of {operation.method} {operation.path} has no value'
                hint = f"add a parameter with name: {name}, in: path"
                self.context.problems.error("missing-path-parameter", message, step.at, hint=hint)

    def _is_misplaced(
        self, name: str, operation: Operation, parameters: Sequence[CompiledParameter], step: Step
    ) -> bool:
        """Return whether a mistake in the step's parameters is reported that explains the missing value."""
        for each in parameters:
            is_unknown = each.location == "path" and each.name not in template_names(operation.path)
            if (each.location is None and each.name == name) or (is_unknown and did_you_mean(each.name, [name])):
                return True
        return self.context.problems.has_error(step.at.child("parameters"), "wrong-type")

    # -------------------------------------------------------------- body

    def _body(self, body: RequestBody, operation: Operation | None, step: Step, call: Call) -> CompiledBody | None:
        if operation is None and step.workflow_id is not None:
            message = "a step that calls a workflow has no requestBody"
            self.context.problems.error("exclusive-fields", message, body.at, hint="pass parameters instead")
            return None
        # Without an operation (it was not found, which is reported) the expressions are still checked.
        content_type = body.content_type or _message_type(call) or _content_type(operation, body.payload)
        required = frozenset(_required_members(operation, content_type))
        payload: Value | None = None
        if body.payload is not MISSING:
            payload = compile_field(body.payload, body.at, "payload", self.context, required=required)
            payload = payload_in_language(payload, content_type, _media_type(operation, content_type))
        replacements = tuple(
            compiled
            for replacement in body.replacements
            if (compiled := self._replacement(replacement, content_type)) is not None
        )
        return CompiledBody(content_type, payload, body.at, replacements, self._key(body, call))

    def _key(self, body: RequestBody, call: Call) -> Value | None:
        """Return the key of the message that a step sends, which `x-kafka-key` gives."""
        if not isinstance(call, MessageCall) or _KEY not in body.extensions:
            return None
        return compile_field(body.extensions[_KEY], body.at, _KEY, self.context)

    def _replacement(self, replacement: PayloadReplacement, content_type: str) -> CompiledReplacement | None:
        """Compile a replacement; the payload decides the target's language when none is named.

        Arazzo 1.1 §Payload Replacement Object.
        """
        kind: ExpressionType | None = replacement.target_selector_type
        name = kind.type if kind is not None else _target_language(replacement.target, content_type)
        at = replacement.at.child("target")
        try:
            target = compile_query(replacement.target, name, None if kind is None else kind.version)
        except ExpressionSyntaxError as problem:
            self.context.syntax_error(problem, at, f"{name}-syntax")
            return None
        self.context.report_tolerated(target.tolerated, at)
        if kind is None and name == "jsonpath":
            message = f'target "{replacement.target}" is a JSONPath'
            hint = "say so with targetSelectorType: jsonpath, or write a JSON Pointer"
            self.context.problems.warn("target-language", message, at, hint=hint)
        value = compile_field(replacement.value, replacement.at, "value", self.context)
        return CompiledReplacement(target=target, value=value, at=replacement.at)

    # -------------------------------------------------------------- dependencies

    def _dependencies(self, step: Step) -> tuple[tuple[str, ...], tuple[tuple[WorkflowKey, str], ...]]:
        """Return the steps of this workflow and those of others that `dependsOn` names."""
        own: list[str] = []
        foreign: list[tuple[WorkflowKey, str]] = []
        for index, text in enumerate(step.depends_on):
            at = step.at.child("dependsOn").child(index)
            if text.startswith("$workflows.") or source_reference(text, ()) is not None:
                found = self._foreign_step(text, at)
                foreign += [found] if found is not None else []
                continue
            name = text
            if text.startswith("$steps."):
                name = text.removeprefix("$steps.")
                message, fix = f'dependsOn takes a stepId, found "{text}"', replacing(at, name)
                self.context.problems.tolerate("depends-on-form", message, at, hint=f"write {name}", fix=fix)
            if name == step.step_id:
                own_hint = "name the step that must come before it"
                self.context.problems.error("dependency-cycle", f'step "{name}" depends on itself', at, hint=own_hint)
            elif name in self.context.declared.steps:
                own.append(name)
            else:
                hint = names_hint(name, self.context.declared.steps)
                self.context.problems.error("unknown-step", f'there is no step "{name}"', at, hint=hint)
        return tuple(own), tuple(foreign)

    def _foreign_step(self, text: str, at: Location) -> tuple[WorkflowKey, str] | None:
        workflow_text, separator, step_id = text.partition(".steps.")
        local = workflow_text.removeprefix("$workflows.")
        key = self.linker.workflow(local if local != workflow_text else workflow_text, at) if separator else None
        if not separator:
            hint = "write a stepId, or $workflows.<workflowId>.steps.<stepId>"
            self.context.problems.error("unknown-step", f'"{text}" does not name a step', at, hint=hint)
        if key is None:
            return None
        workflow = self._workflow_of(key)
        steps = [step.step_id for step in workflow.steps] if workflow is not None else [step_id]
        if step_id not in steps:
            message = f'workflow "{key.workflow_id}" has no step "{step_id}"'
            self.context.problems.error("unknown-step", message, at, hint=names_hint(step_id, steps))
            return None
        return key, step_id

    def _workflow_of(self, key: WorkflowKey) -> Workflow | None:
        opened = (each for each in self.context.document.opened.values() if isinstance(each, LoadedDocument))
        documents = (self.context.document, *opened)
        return next((each.workflows.get(key.workflow_id) for each in documents if each.base == key.document), None)


def _message_type(call: Call) -> str | None:
    """Return the content type of the first message of a channel that says one."""
    messages = call.messages if isinstance(call, MessageCall) else ()
    return next((each.content_type for each in messages if each.content_type is not None), None)


def compile_outputs(
    outputs: Mapping[str, str | Selector], at: Location, context: Context
) -> tuple[tuple[str, Value], ...]:
    """Compile the outputs of a step or workflow."""
    if not outputs:
        return ()
    compiled = []
    above = at.child("outputs")
    for name, output in outputs.items():
        place = above.child(name)
        value: Value
        if isinstance(output, str):
            value = compile_text(output, place, context)
            if isinstance(value, Literal) and value.value is not None:
                _report_constant(name, output, place, context)
        else:
            kind = output.type
            value = compile_selector(output.context, output.selector, kind.type, kind.version, place, context)
        compiled.append((name, value))
    return tuple(compiled)


def _report_constant(name: str, output: str, at: Location, context: Context) -> None:
    meant, fix = with_dollar(output.strip("{}")), None
    hint = "write a runtime expression, such as $response.body#/id"
    if meant is not None:
        hint, fix = f"did you mean {meant}?", replacing(at, meant, is_safe=False)
    if output.startswith("$") and ("[?" in output or "[*" in output):
        hint = "a filter cannot be written here; use a Selector Object (1.1)"
    context.problems.warn("constant-output", f'output "{name}" is the constant text "{output}"', at, hint=hint, fix=fix)


def template_names(path: str) -> list[str]:
    """Return the variable names of a path template, `["id"]` for `/pets/{id}`."""
    plain = path.partition("?")[0]  # in `/a?b={b}`, which some descriptions write, b is a query parameter
    return [part.partition("}")[0] for part in plain.split("{")[1:] if "}" in part]


def _operation_of(call: Call) -> Operation | None:
    match call:
        case OperationCall(operation=operation):
            return operation
        case MessageCall() | WorkflowCall() | Unlinked():
            return None
        case _:
            assert_never(call)


def _is_credential(parameter: Parameter, operation: Operation) -> bool:
    """Return whether a parameter is an API key of the operation's security schemes."""
    for name in {name for alternative in operation.security for name in alternative}:
        scheme = operation.security_schemes.get(name)
        if not isinstance(scheme, Mapping) or scheme.get("type") != "apiKey" or scheme.get("in") != parameter.in_:
            continue
        key = str(scheme.get("name"))
        if parameter.name == key or (parameter.in_ == "header" and parameter.name.lower() == key.lower()):
            return True
    return False


def _reads(
    parameters: Sequence[CompiledParameter],
    body: CompiledBody | None,
    criteria: Iterable[CompiledCriterion],
    outputs: Iterable[tuple[str, Value]],
    call: Call,
) -> set[str]:
    """Return the steps whose outputs a step refers to."""
    values = [value for _, value in outputs]
    values += [each.value for each in parameters]
    if body is not None:
        values += [] if body.payload is None else [body.payload]
        values += [each.value for each in body.replacements]
        values += [] if body.key is None else [body.key]
    if isinstance(call, MessageCall) and call.correlation is not None:
        values.append(call.correlation)
    found = [expression for value in values for expression in value_references(value)]
    found += [expression for criterion in criteria for expression in criterion_references(criterion)]
    return set(steps_read(found))


def _content_type(operation: Operation | None, payload: JsonValue) -> str:
    body = operation.request_body if operation is not None else None
    return usual_content_type(body.content if body is not None else {}, payload)


def _media_type(operation: Operation | None, content_type: str) -> MediaType | None:
    body = operation.request_body if operation is not None else None
    return best_match(body.content, content_type) if body is not None else None


def _required_members(operation: Operation | None, content_type: str) -> Iterable[str]:
    body = operation.request_body if operation is not None else None
    media_type = body.content.get(content_type) if body is not None else None
    schema = media_type.schema if media_type is not None else None
    required = schema.get("required") if isinstance(schema, dict) else None
    return (name for name in required if isinstance(name, str)) if isinstance(required, list) else ()


def _target_language(target: str, content_type: str) -> str:
    if is_xml(content_type):
        return "xpath"
    return "jsonpath" if target.startswith("$") else "jsonpointer"


def _location_hint(name: str, operation: Operation | None) -> str:
    declared = operation.parameters if operation is not None else ()
    places = [each.location for each in declared if each.name == name]
    return f"add in: {places[0]}" if len(places) == 1 else "add in: path, query, header or cookie"
