"""`arazzo show`: what a workflow does: inputs, steps with their requests, actions, outputs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import assert_never

import click

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.describe import flat, input_lines, input_records, table, with_diagnostics
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import arazzo_command, color_option, format_option, reading_options
from arazzo_runner.cli.run.options import environment_option
from arazzo_runner.cli.run.prepare import open_spec, settings_of
from arazzo_runner.document.model import Selector, Step, Workflow
from arazzo_runner.program.message_links import senders_of
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    OperationCall,
    Program,
    Unlinked,
    WorkflowCall,
)
from arazzo_runner.program.security import given_by, is_given
from arazzo_runner.report.calls import address_text
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.json import pretty
from arazzo_runner.report.masking import masked_url
from arazzo_runner.report.terminal.console import Console, count, paint
from arazzo_runner.report.trace import value_text
from arazzo_runner.sources.operation import Operation

_HELP = """\
Every step is shown in the order of execution with the request or message it
sends or waits for, what must hold, what follows and what it gives. Secret values are marked, and the
credentials that no parameter gives (arazzo auth lists where they come from).

\b
Examples:
  arazzo show specs/arazzo/two-apis.yml
  arazzo show specs/arazzo/two-apis.yml -w restock --format json
"""


@arazzo_command("show", _HELP)
@click.argument("spec")
@click.option("-w", "--workflow", metavar="ID", help="Show this workflow only.")
@environment_option
@format_option
@reading_options
@color_option
def command(
    spec: str,
    workflow: str | None,
    env: str | None,
    format_: str,
    reading: ReadingArguments,
    no_color: bool,
) -> int:
    """Print the workflows of a linked document."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    program = open_spec(spec, workflow, reading, settings_of(spec, env))
    records = list(workflow_records(program, workflow))
    if format_ == "json":
        console.out(pretty(with_diagnostics({"workflows": records}, program.diagnostics)))
    else:
        console.words("\n\n".join(_text(record, color=console.color_out) for record in records) + "\n")
    return 0


# ------------------------------------------------------------------ records


def workflow_records(program: Program, workflow_id: str | None) -> Iterable[dict[str, JsonValue]]:
    """Yield what each workflow of a program does, as JSON; only that of one workflowId if there is one."""
    models = {workflow.workflow_id: workflow for workflow in program.description.workflows}
    for key, compiled in program.workflows.items():
        if key.document == program.base and workflow_id in (None, key.workflow_id):
            yield _workflow(compiled, models[key.workflow_id])


def _workflow(compiled: CompiledWorkflow, model: Workflow) -> dict[str, JsonValue]:
    steps = {step.step_id: step for step in model.steps}
    return {
        "workflowId": compiled.workflow_id,
        "summary": compiled.summary,
        "dependsOn": [key.workflow_id for key in compiled.depends_on],
        "inputs": input_records(compiled.inputs, compiled.document.raw, compiled.callback_inputs),
        "steps": [_step(step, steps[step.step_id], compiled.steps) for step in compiled.steps],
        "outputs": _outputs(model.outputs.items(), compiled.secret_outputs),
    }


def _step(compiled: CompiledStep, model: Step, steps: Sequence[CompiledStep]) -> dict[str, JsonValue]:
    criteria = [criterion.condition for criterion in model.success_criteria]
    return {
        "stepId": compiled.step_id,
        "description": compiled.description,
        **_call(compiled, steps),
        "dependsOn": list(compiled.depends_on),
        "successCriteria": criteria,
        "onSuccess": [_action(action) for action in compiled.on_success],
        "onFailure": [_action(action) for action in compiled.on_failure],
        "outputs": _outputs(model.outputs.items(), compiled.secret_outputs),
    }


def _call(step: CompiledStep, steps: Sequence[CompiledStep]) -> dict[str, JsonValue]:
    """Return what a step calls: a workflow, a channel, or an operation and the credentials that it asks for."""
    match step.call:
        case WorkflowCall(workflow=key):
            return {"calls": "workflow", "workflowId": key.workflow_id}
        case OperationCall(operation=operation, server=server, source=source):
            return {
                "calls": "operation",
                "method": operation.method,
                "path": operation.path,
                "server": server,
                "source": source,
                "operationId": operation.operation_id,
                **_credentials(step, operation),
            }
        case MessageCall() as call:
            return _channel(step, call) | (_awaited(step, call, steps) if call.action == "receive" else {})
        case Unlinked():
            raise AssertionError("a document with a step that is not linked is not loaded")
        case _:
            assert_never(step.call)


def _channel(step: CompiledStep, call: MessageCall) -> dict[str, JsonValue]:
    """Return where a step sends its message, or where it receives one."""
    return {
        "calls": "channel",
        "action": call.action,
        "channel": call.channel.key,
        "address": address_text(step, call),
        "protocol": call.protocol,
        "server": masked_url(call.url, Secrets()),
        "source": call.source,
        "operationId": None if call.operation is None else call.operation.id,
        "messages": [each.name for each in call.messages],
    }


def _awaited(step: CompiledStep, call: MessageCall, steps: Sequence[CompiledStep]) -> dict[str, JsonValue]:
    """Return which message a step waits for, how long, from where on, and the steps that cause it."""
    return {
        "correlationId": None if call.correlation is None else value_text(call.correlation),
        "correlationPlaces": [each.text for each in call.places],
        "timeout": step.timeout,
        "waitsFrom": step.waits_from,
        "comesAfter": [{"stepId": sender.step_id, "because": why} for sender, why in senders_of(step, steps)],
    }


def _credentials(step: CompiledStep, operation: Operation) -> dict[str, JsonValue]:
    """Return the alternatives of credentials that an operation asks for, and whether the step gives one itself."""
    if not operation.security:
        return {}
    given = is_given(operation.security, operation.security_schemes, given_by(step.parameters))
    return {"credentials": [list(each) for each in operation.security], "credentialsGiven": given}


def _action(action: CompiledAction) -> dict[str, JsonValue]:
    record: dict[str, JsonValue] = {"name": action.name, "type": action.type}
    if action.step_id is not None:
        record["stepId"] = action.step_id
    if action.workflow is not None:
        record["workflowId"] = action.workflow.workflow_id
    if action.type == "retry":
        record |= {"retryAfter": action.retry_after, "retryLimit": action.retry_limit}
    record["criteria"] = [criterion.text for criterion in action.criteria]
    return record


def _outputs(outputs: Iterable[tuple[str, str | Selector]], secret: frozenset[str]) -> list[JsonValue]:
    return [
        {
            "name": name,
            "value": f"{value.context} ▸ {value.selector}" if isinstance(value, Selector) else value,
            "secret": name in secret,
        }
        for name, value in outputs
    ]


# ------------------------------------------------------------------ text


def _text(record: dict[str, JsonValue], *, color: bool) -> str:
    lines = [f"{paint(one_line(record['workflowId']), 'bold', color=color)} ({count(len(record['steps']), 'step')})"]
    if record["summary"]:
        lines.append(f"  {flat(record['summary'])}")
    if record["dependsOn"]:
        lines.append(f"  runs first: {one_line(', '.join(record['dependsOn']))}")
    lines += _section("inputs", input_lines(record["inputs"], "    "))
    for number, step in enumerate(record["steps"], start=1):
        lines += ["", *_step_lines(number, step, color=color)]
    lines += _section("outputs", _output_lines(record["outputs"], "    "))
    return "\n".join(lines)


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", f"  {title}", *lines] if lines else []


def _step_lines(number: int, step: dict[str, JsonValue], *, color: bool) -> list[str]:
    if step["calls"] == "workflow":
        call = f"workflow {step['workflowId']}"
    elif step["calls"] == "channel":
        call = f"{step['action']} {step['address']}  ({step['source']}, {step['server']})"
    else:
        call = f"{step['method']} {step['path']}  ({step['source']})"
    lines = [f"  {number}. {paint(one_line(step['stepId']), 'bold', color=color)}  {one_line(call)}"]
    if step["description"]:
        lines.append(f"       {flat(step['description'])}")
    facts = [("after", ", ".join(step["dependsOn"]))] if step["dependsOn"] else []
    if "credentials" in step and not step["credentialsGiven"]:
        facts.append(("needs", " or ".join(" and ".join(each) or "nothing" for each in step["credentials"])))
    facts += list(_awaited_facts(step)) if step["calls"] == "channel" else []
    facts += [("passes if", flat(criterion)) for criterion in step["successCriteria"]]
    facts += [("then", _action_text(action)) for action in step["onSuccess"]]
    facts += [("else", _action_text(action)) for action in step["onFailure"]]
    lines += [f"       {word:<9}  {one_line(text)}" for word, text in facts]
    outputs = _output_lines(step["outputs"], "")
    return lines + [f"       {'gives':<9}  {line}" for line in outputs]


def _awaited_facts(step: dict[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Yield what is known of the message that a step sends or waits for."""
    if step["messages"]:
        yield ("message" if step["action"] == "send" else "waits for"), " or ".join(step["messages"])
    if step["action"] == "send":
        return
    if step["correlationId"] is not None:
        places = " or ".join(step["correlationPlaces"]) or "its correlation id"
        yield "with", f"{places} == {step['correlationId']}"
    if step["timeout"] is not None:
        since = f", from the turn of {step['waitsFrom']}" if step["waitsFrom"] is not None else ""
        yield "at most", f"{step['timeout']:g} s{since}"
    elif step["waitsFrom"] is not None:
        yield "from", f"the turn of {step['waitsFrom']}"
    for each in step["comesAfter"]:
        what = {"reply": "the reply to", "channel": "on the channel of", "correlation": "with the id of"}
        yield "comes", f"{what[each['because']]} {each['stepId']}"


def _action_text(action: dict[str, JsonValue]) -> str:
    text = str(action["type"])
    target = action.get("stepId") or action.get("workflowId")
    if action["type"] == "retry":
        limit, after = action["retryLimit"], action["retryAfter"]
        text += f" up to {limit} times" if limit != 1 else " once"
        text += f" after {after:g} s" if after else ""
        text += f", {target} first" if target else ""
    elif target:
        text += f" {target}"
    condition = " and ".join(map(flat, action["criteria"]))
    return f"{text} if {condition}" if condition else text


def _output_lines(outputs: list[JsonValue], indent: str) -> list[str]:
    rows = [
        (one_line(each["name"]), one_line(str(each["value"])) + (" (secret)" if each["secret"] else ""))
        for each in outputs
    ]
    return table(rows, indent)
