"""`arazzo run`: options in, one workflow run, outputs out."""

from __future__ import annotations

import os

import click

from arazzo_runner.cli.check_options import check_options
from arazzo_runner.cli.options import (
    SETTINGS,
    color_option,
    format_option,
    mock_options,
    pairs,
    reading_options,
    transport_options,
)
from arazzo_runner.cli.session import RunArguments, run_session
from arazzo_runner.engine.options import DEEPEST
from arazzo_runner.values import JsonValue

_SECONDS = click.FloatRange(min=0, min_open=True)
_WAIT = click.FloatRange(min=0)
_COUNT = click.IntRange(min=1)
_DEPTH = click.IntRange(min=1, max=DEEPEST)

_HELP = """Run a workflow and print its outputs.

SPEC is an Arazzo document: a file or an http(s) URL. Nothing but the
workflow's outputs goes to standard output; progress, warnings and failures
go to standard error. Secrets are masked in both.

\b
Examples:
  arazzo run pets.yml                             the document's only workflow
  arazzo run pets.yml -w adopt -i petId=7 -i note='a=b'
  arazzo run pets.yml -i token=@token.txt         the text of a file
  pass show api | arazzo run pets.yml -i token=@-
  arazzo run pets.yml --input-file inputs.yml --server petstore=http://localhost:8080
  arazzo run pets.yml -i petId=7 --mock -vv       against a mock, everything shown
  arazzo run pets.yml -i petId=7 --dry-run        the requests, nothing is sent
  arazzo run pets.yml --format json | jq .outputs

\b
Inputs: a text given with -i becomes the type that the inputs schema says.
Inputs given by neither -i nor --input-file are looked up in the environment:
refreshToken in ARAZZO_INPUT_REFRESH_TOKEN or ARAZZO_INPUT_refreshToken.

\b
Secret outputs are shown as ***. Unless --show-secrets or --output says where
they should go, they are kept in a file only you can read, below
$XDG_STATE_HOME/arazzo (~/.local/state/arazzo), and standard error names it.

\b
Exit codes:
  0    the workflow succeeded          3    in doubt: the outcome of a request is unknown
  1    the workflow failed             130  interrupted
  2    nothing was sent: the document, the inputs or the options are wrong
  70   a bug in arazzo
"""


@click.command("run", help=_HELP, short_help="Run a workflow and print its outputs.", context_settings=SETTINGS)
@click.argument("spec")
@click.option("-w", "--workflow", metavar="ID", help="The workflow to run (needed when there are several).")
@click.option(
    "-i",
    "--input",
    "inputs",
    metavar="NAME=VALUE",
    multiple=True,
    help="An input; repeatable. @FILE reads a file, @- standard input, \\@ begins a text with @.",
)
@click.option("--input-file", metavar="FILE", help="A YAML or JSON mapping of inputs; - is standard input.")
@click.option("--server", "servers", metavar="NAME=URL", multiple=True, help="Call the source NAME at another URL.")
@click.option(
    "--server-var", "server_variables", metavar="NAME=VALUE", multiple=True, help="Set a variable of server URLs."
)
@click.option(
    "--include",
    metavar="FILE",
    multiple=True,
    help="Another Arazzo document that references may mean by its $self; repeatable.",
)
@reading_options
@click.option("--mock", is_flag=True, help="Answer from the descriptions' examples, on a local mock server.")
@mock_options
@click.option("--dry-run", is_flag=True, help="Print the requests instead of sending them.")
@click.option("-v", "--verbose", count=True, help="Show requests and responses; -vv with headers and bodies.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no warnings, only why it failed.")
@format_option
@click.option("--output", metavar="FILE", help="Write the outputs to FILE, secrets in clear, readable only by you.")
@click.option("--show-secrets", is_flag=True, help="Print secret outputs in clear.")
@color_option
@click.option("--timeout", type=_SECONDS, metavar="S", help="Seconds for one exchange (default 30).")
@click.option("--run-timeout", type=_SECONDS, metavar="S", help="Seconds for the whole run (default 600).")
@click.option("--max-steps", type=_COUNT, metavar="N", help="Visits of steps before a loop is given up.")
@click.option("--max-depth", type=_DEPTH, metavar="N", help="Nesting of workflows (default 32).")
@click.option("--max-retry-wait", type=_WAIT, metavar="S", help="The longest Retry-After to obey (default 300).")
@click.option("--poll-interval", type=_WAIT, metavar="S", help="Seconds before a step goes to itself (default 1).")
@click.option("--max-response-size", type=_COUNT, metavar="BYTES", help="The largest response (default 10 MiB).")
@click.option("--criterion-timeout", type=_SECONDS, metavar="S", help="Seconds for one criterion's query (default 1).")
@click.option(
    "--cookies", type=click.Choice(["host", "domain", "off"]), help="Which cookies of responses are sent back."
)
@click.option(
    "--parallel",
    type=_COUNT,
    is_flag=False,
    flag_value=8,
    metavar="[N]",
    help="Run up to N (8) independent steps at the same time, in rounds.",
)
@click.option("--step", metavar="ID", help="Run one step, and before it the steps it needs.")
@click.option("--from", "from_step", metavar="ID", help="Begin at a step (with --outputs-from for what it needs).")
@click.option("--until", metavar="ID", help="End after a step and print the outputs of all steps.")
@click.option(
    "--outputs-from", metavar="FILE", help="Outputs of steps that ran before, as --until and --step write them."
)
@click.option("--record", metavar="FILE", help="Write the conversation, without secrets, for arazzo replay.")
@check_options
@transport_options
@click.option("--resend-unknown", is_flag=True, help="Allow a retry although an unsafe request may have been acted on.")
def command(**options: JsonValue) -> int:
    """Read the options and run."""
    arguments = RunArguments(**options)
    _check(arguments)
    return run_session(arguments, os.environ)


def _check(arguments: RunArguments) -> None:
    """Refuse options that contradict each other."""
    contradictions = (
        (arguments.mock and arguments.dry_run, "--mock and --dry-run exclude each other"),
        (arguments.record and arguments.dry_run, "--record and --dry-run exclude each other"),
        (arguments.scenario and not arguments.mock, "--scenario needs --mock"),
        (arguments.max_redirects and not arguments.follow_redirects, "--max-redirects needs --follow-redirects"),
        (arguments.switches and not arguments.mock, "--switch needs --mock"),
        (arguments.verbose and arguments.quiet, "-v and -q exclude each other"),
        (arguments.step and (arguments.from_step or arguments.until), "--step excludes --from and --until"),
        (arguments.output == "-", "--output needs a file; --show-secrets prints secrets to standard output"),
    )
    for wrong, message in contradictions:
        if wrong:
            raise click.UsageError(message, click.get_current_context())
    pairs(arguments.inputs, "-i")
    pairs(arguments.servers, "--server", "NAME=URL")
    pairs(arguments.server_variables, "--server-var")
