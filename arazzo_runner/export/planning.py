"""Makes the Plan of an export from a Program."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final, assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.names import words_of
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.engine.inputs import flattened
from arazzo_runner.export.plan import Call, Input, Plan, Request, Server, Step, Unsupported, Workflow
from arazzo_runner.export.plan_request import planned_request
from arazzo_runner.program.model import (
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    OperationCall,
    Program,
    Unlinked,
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.program.schemas import secret_input_names

INPUT: Final = "ARAZZO_INPUT_"
SERVER: Final = "ARAZZO_SERVER_"


def make_plan(program: Program, document: str = "") -> Plan:
    """Return the plan of the program's workflow; raises UnknownWorkflow for a program of several workflows."""
    entry = program.workflow
    servers = _Servers()
    workflows = tuple(_workflow(each, servers) for each in _reached(program, entry.key))
    requests = [step.does for each in workflows for step in each.steps if isinstance(step.does, Request)]
    credentials = dict.fromkeys((each.source, each.scheme) for request in requests for each in request.credentials)
    by_name = {(each.source, each.scheme): each for request in requests for each in request.credentials}
    return Plan(
        document=document or os.path.basename(program.base),
        workflow=workflows[-1],
        workflows=workflows,
        servers=tuple(servers.by_url.values()),
        credentials=tuple(by_name[name] for name in credentials),
        sources=entry.document.sources,
        self_uri=entry.document.self_uri,
    )


def _reached(program: Program, key: WorkflowKey) -> Iterator[CompiledWorkflow]:
    """Yield the workflows that one reaches, each after those that it calls unless they call each other."""
    seen: set[WorkflowKey] = set()

    def visit(each: WorkflowKey) -> Iterator[CompiledWorkflow]:
        seen.add(each)
        workflow = program.workflows[each]
        for other in _next(workflow):
            if other not in seen and other in program.workflows:
                yield from visit(other)
        yield workflow

    yield from visit(key)


def _next(workflow: CompiledWorkflow) -> Iterator[WorkflowKey]:
    yield from workflow.depends_on
    for step in workflow.steps:
        if step.called_workflow is not None:
            yield step.called_workflow
        yield from (each.workflow for each in (*step.on_success, *step.on_failure) if each.workflow is not None)


class _Servers(MutableRecord):
    """The servers so far; two of one source get variables of their own."""

    by_url: dict[tuple[str, str], Server] = field(default_factory=dict)

    def of(self, call: OperationCall) -> Server:
        key = (call.source, call.server)
        if key not in self.by_url:
            name = f"{SERVER}{words(call.source)}"
            same = sum(each.variable == name or each.variable.startswith(f"{name}_") for each in self.by_url.values())
            self.by_url[key] = Server(name if not same else f"{name}_{same + 1}", call.server)
        return self.by_url[key]


def words(name: str) -> str:
    """Return a name as a part of the name of an environment variable.

    >>> words("refreshToken"), words("X-Api-Key"), words("é")
    ('REFRESH_TOKEN', 'X_API_KEY', 'X')
    """
    return "_".join(words_of(name)).upper() or "X"


# ------------------------------------------------------------------ workflows


def _workflow(workflow: CompiledWorkflow, servers: _Servers) -> Workflow:
    return Workflow(
        key=workflow.key,
        at=workflow.at,
        summary=workflow.summary or "",
        inputs=tuple(_inputs(workflow)),
        steps=tuple(_step(step, servers) for step in workflow.steps),
        outputs=workflow.outputs,
        secret_outputs=workflow.secret_outputs,
        before=workflow.depends_on,
    )


def _inputs(workflow: CompiledWorkflow) -> Iterator[Input]:
    root = workflow.document.raw
    schema = flattened(workflow.inputs, root)
    whole: dict[str, Any] = schema if isinstance(schema, dict) else {}
    properties = whole.get("properties")
    required = whole.get("required")
    secret = secret_input_names(workflow.inputs, root)
    taken: set[str] = set()
    for name, own in (properties if isinstance(properties, dict) else {}).items():
        merged = flattened(own, root)
        part: Mapping[str, JsonValue] = merged if isinstance(merged, dict) else {}
        variable = f"{INPUT}{words(name)}"
        while variable in taken:
            variable += "_"
        taken.add(variable)
        yield Input(
            name=name,
            variable=variable,
            schema=part,
            type=_type(part),
            required=_is_required(name, part, required, is_secret=name in secret),
            default=MISSING if name in secret else part.get("default", MISSING),
            is_secret=name in secret,
            description=str(part.get("description") or ""),
            at=workflow.at.child("inputs").child("properties").child(name),
        )


def _is_required(name: str, schema: Mapping[str, JsonValue], required: JsonValue, *, is_secret: bool) -> bool:
    """Return whether an input must be given: also a secret one whose default is left out of the text."""
    if "default" in schema:
        return is_secret
    return isinstance(required, list) and name in required


def _type(schema: Mapping[str, JsonValue]) -> str:
    kind = schema.get("type")
    first = kind[0] if isinstance(kind, list) and kind else kind
    return first if isinstance(first, str) else "any"


def _step(step: CompiledStep, servers: _Servers) -> Step:
    return Step(
        step_id=step.step_id,
        does=_does(step, servers),
        at=step.at,
        description=step.description or "",
        criteria=step.criteria,
        outputs=step.outputs,
        secret_outputs=step.secret_outputs,
        on_success=step.on_success,
        on_failure=step.on_failure,
        timeout=step.timeout,
        later=step.later,
    )


def _does(step: CompiledStep, servers: _Servers) -> Request | Call | Unsupported:
    match step.call:
        case OperationCall() as call:
            return planned_request(step, call, servers.of(call))
        case WorkflowCall(workflow=key):
            return Call(workflow=key, inputs=tuple((each.name, each.value) for each in step.parameters))
        case MessageCall(action=action, protocol=protocol):
            verb = "sends" if action == "send" else "receives"
            return Unsupported(f'step "{step.step_id}" {verb} a message over {protocol or "a broker"}')
        case Unlinked():
            return Unsupported(f'step "{step.step_id}" calls an operation that was not found')
        case _:
            assert_never(step.call)
