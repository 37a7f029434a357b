"""`arazzo graph`: a workflow drawn as Mermaid, DOT, SVG or an outline, also with the path of a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping

import click

from arazzo_runner import api
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import arazzo_command, color_option, reading_options
from arazzo_runner.cli.run.inputs import read_mapping
from arazzo_runner.cli.run_reports import is_report, run_of
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.report.graph.drawing import svg
from arazzo_runner.report.graph.model import Visited, with_path, workflow_graph
from arazzo_runner.report.graph.text import dot, mermaid, outline
from arazzo_runner.report.terminal.console import Console

_HELP = """\
Solid lines lead on after success, dashed ones after failure. With --run the
steps are coloured by the outcome of a run, and the path it took is bold.

\b
Examples:
  arazzo graph specs/arazzo/two-apis.yml
  arazzo graph specs/arazzo/two-apis.yml --format mermaid > restock.mmd
  arazzo graph specs/arazzo/two-apis.yml --format svg > restock.svg
  arazzo graph specs/arazzo/two-apis.yml --format dot | dot -Tpng > dot.png
  arazzo run specs/arazzo/two-apis.yml --mock --sample-inputs --report r.json
  arazzo graph specs/arazzo/two-apis.yml -w restock --run r.json
"""

_HINT = "write it with arazzo run --format json"


@arazzo_command("graph", _HELP)
@click.argument("spec")
@click.option("-w", "--workflow", metavar="ID", help="Draw this workflow only.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "mermaid", "dot", "svg"]),
    default="text",
    show_default=True,
    help="The format of the drawing.",
)
@click.option("--run", "run_report", metavar="FILE", help="Show the path of a run: the output of run --format json.")
@reading_options
@color_option
def command(
    spec: str,
    workflow: str | None,
    format_: str,
    run_report: str | None,
    reading: ReadingArguments,
    no_color: bool,
) -> int:
    """Draw the workflows of a linked document."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    run = {} if run_report is None else _read_run(run_report)
    chosen = workflow or run.get("workflowId")
    program = api.open_program(spec, chosen, load_options=reading.load_options(any_server=True))
    graphs = [
        workflow_graph(each)
        for key, each in program.workflows.items()
        if key.document == program.base and chosen in (None, key.workflow_id)
    ]
    if run:
        graphs = [with_path(graph, visited(run), str(run.get("status"))) for graph in graphs]
    if format_ == "text":
        console.words(outline(graphs, color=console.color_out))
    else:
        console.out({"mermaid": mermaid, "dot": dot, "svg": svg}[format_](graphs))
    return 0


def _read_run(name: str) -> Mapping[str, JsonValue]:
    report = read_mapping(name, "the report of the run", hint="write it with --format json")
    return run_of(report, choice="write the report of one") if is_report(report) else report


def visited(run: Mapping[str, JsonValue]) -> list[Visited]:
    """Return the steps of the JSON report of a run; raises InvalidUsage when it is something else."""
    try:
        return [
            Visited(
                step_id=step["stepId"],
                status=step["status"],
                action=step.get("action"),
                retries=max(0, len(step["attempts"]) - 1),
            )
            for step in run["steps"]
        ]
    except (KeyError, TypeError, AttributeError):
        shown = json.dumps(sorted(run))[:80]
        message = f"this is not the report of a run: it has {shown}"
        raise InvalidUsage([usage_error(message, hint=_HINT)]) from None
