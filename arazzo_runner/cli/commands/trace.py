"""`arazzo trace`: the origin of every value that a step sends, checks and outputs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import click

from arazzo_runner import api
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.cli.describe import facts_text, input_records
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import arazzo_command, color_option, format_option, reading_options
from arazzo_runner.cli.run.prepare import open_spec
from arazzo_runner.errors import InvalidUsage, similar_or_all
from arazzo_runner.program.model import (
    CompiledStep,
    CompiledWorkflow,
    Program,
)
from arazzo_runner.report.calls import call_text
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.json import pretty
from arazzo_runner.report.terminal.console import Console, paint
from arazzo_runner.report.trace import Origin, Slot, Tracer

_HELP = """\
Each parameter, member of the payload, criterion and output is traced back
to the inputs, responses and constants that it is made of.

\b
Examples:
  arazzo trace specs/arazzo/two-apis.yml --step order
  arazzo trace specs/arazzo/two-apis.yml -w restock               # every step
  arazzo trace specs/arazzo/two-apis.yml --step order --format json
"""


@arazzo_command("trace", _HELP)
@click.argument("spec")
@click.option("-w", "--workflow", metavar="ID", help="The workflow (needed when there are several).")
@click.option("--step", metavar="ID", help="Show this step only.")
@format_option
@reading_options
@color_option
def command(
    spec: str,
    workflow: str | None,
    step: str | None,
    format_: str,
    reading: ReadingArguments,
    no_color: bool,
) -> int:
    """Print the origins of a step's values."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    program = open_spec(spec, workflow, reading, any_server=True)
    program = api.choose_workflow(program, workflow)
    chosen = program.workflow
    steps = chosen.steps if step is None else (_step(chosen, step),)
    traced = [(each, tuple(_tracer(program).step(each))) for each in steps]
    if format_ == "json":
        console.out(pretty({"workflowId": chosen.workflow_id, "steps": [_record(*each) for each in traced]}))
    else:
        texts = ("\n".join(_lines(each, slots, color=console.color_out)) for each, slots in traced)
        console.words("\n\n".join(texts) + "\n")
    return 0


def _tracer(program: Program) -> Tracer:
    workflow = program.workflow
    inputs = input_records(workflow.inputs, workflow.document.raw, workflow.callback_inputs)
    return Tracer(program, workflow, {each["name"]: facts_text(each) for each in inputs})


def _step(workflow: CompiledWorkflow, step_id: str) -> CompiledStep:
    if step_id in workflow.positions:
        return workflow.steps[workflow.positions[step_id]]
    names = [each.step_id for each in workflow.steps]
    hint = similar_or_all(step_id, names)
    raise InvalidUsage([usage_error(f'--step: there is no step "{step_id}"', code="unknown-step", hint=hint)])


def _lines(step: CompiledStep, slots: Iterable[Slot], *, color: bool) -> Iterator[str]:
    yield f"{paint(one_line(step.step_id), 'bold', color=color)}  {one_line(call_text(step))}".rstrip()
    for slot in slots:
        mark = "" if slot.place in ("passes if", "comes after") else "= "
        yield f"  {one_line(slot.place)} {mark}{one_line(slot.text)}"
        yield from _origin_lines(slot.origins, slot.text, "    ")


def _origin_lines(origins: Iterable[Origin], written: str, indent: str) -> Iterator[str]:
    """Show where a value comes from; an expression that was just `written` is not repeated."""
    for origin in origins:
        name = "" if origin.text == written else f"{one_line(origin.text)} "
        yield f"{indent}← {name}{one_line(origin.says)}"
        yield from _origin_lines(
            origin.origins, origin.says.rpartition(": ")[2].removesuffix(", secret"), indent + "  "
        )


def _record(step: CompiledStep, slots: Iterable[Slot]) -> JsonValue:
    values = [{"place": slot.place, "value": slot.text, "origins": _origins(slot.origins)} for slot in slots]
    return {"stepId": step.step_id, "calls": call_text(step), "values": values}


def _origins(origins: Iterable[Origin]) -> list[JsonValue]:
    return [{"expression": each.text, "is": each.says, "origins": _origins(each.origins)} for each in origins]
