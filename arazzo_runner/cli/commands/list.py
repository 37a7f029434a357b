"""`arazzo list`: the workflows of a document and their inputs."""

from __future__ import annotations

import sys

import click

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.cli.describe import input_lines, input_records, read_description, with_diagnostics
from arazzo_runner.cli.options import arazzo_command, color_option, format_option
from arazzo_runner.document.model import ArazzoDescription
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.json import pretty
from arazzo_runner.report.terminal.console import Console, count, paint

_HELP = """\
Reads the document alone: the descriptions it names need not be there.

\b
Examples:
  arazzo list specs/arazzo/two-apis.yml
  arazzo list specs/arazzo/two-apis.yml --format json | jq .workflows
"""


@arazzo_command("list", _HELP)
@click.argument("spec")
@format_option
@color_option
def command(spec: str, format_: str, no_color: bool) -> int:
    """Print the workflows."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    description, diagnostics = read_description(spec)
    records = workflow_records(description)
    if format_ == "json":
        console.out(pretty(with_diagnostics({"workflows": records}, diagnostics)))
    else:
        console.words("\n\n".join(_text(record, color=console.color_out) for record in records) + "\n")
    return 0


def workflow_records(description: ArazzoDescription) -> list[dict[str, JsonValue]]:
    """Return one record per workflow: its id, summary, number of steps and inputs."""
    return [
        {
            "workflowId": workflow.workflow_id,
            "summary": workflow.summary,
            "steps": len(workflow.steps),
            "inputs": input_records(workflow.inputs, description.raw),
        }
        for workflow in description.workflows
    ]


def _text(record: dict[str, JsonValue], *, color: bool) -> str:
    head = paint(one_line(record["workflowId"]), "bold", color=color)
    lines = [f"{head} ({count(record['steps'], 'step')})"]
    if record["summary"]:
        lines.append(f"  {one_line(' '.join(record['summary'].split()))}")
    return "\n".join([*lines, *input_lines(record["inputs"], "  -i ")])
