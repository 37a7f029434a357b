"""`arazzo run`: options in, one workflow run, outputs out."""

from __future__ import annotations

import os
from collections.abc import Iterator

import click

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.cli.credential_options import credential_options
from arazzo_runner.cli.durable_options import check_durable, durable_options
from arazzo_runner.cli.options import (
    SETTINGS,
    color_option,
    format_option,
    mock_options,
    pairs,
    reading_options,
)
from arazzo_runner.cli.run.arguments import RunArguments, has_wildcard, is_glob, reads_stdin
from arazzo_runner.cli.run.check_options import check_options
from arazzo_runner.cli.run.options import limit_options, many_options, part_options, transport_options
from arazzo_runner.cli.run.session import run_session
from arazzo_runner.sources.document_snapshot import Kept

_HELP = """Run a workflow and print its outputs.

SPEC is an Arazzo document: a file, a glob or an http(s) URL. Nothing but the
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
  arazzo run pets.yml -i petId=7 --durable        can be resumed when it stopped
  arazzo run 'tests/**/*.yml' -w '*' --jobs 4     every workflow of many documents
  arazzo run pets.yml --data pets.csv --fail-fast one run per row of inputs

\b
Inputs: a text given with -i becomes the type that the inputs schema says.
Inputs given by neither -i nor --input-file are looked up in the environment:
refreshToken in ARAZZO_INPUT_REFRESH_TOKEN or ARAZZO_INPUT_refreshToken.

\b
Credentials of security schemes are looked up in the environment, a file and
the keyring, never given here: arazzo auth SPEC says what is needed and where.

\b
Many runs (several documents or workflows, --data, --repeat) print one JSON
object a line: {"run", "workflowId", "status", "outputs"}; with --format json
one object with all of them and a summary. The exit code is the worst one.

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
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@click.option(
    "-w",
    "--workflow",
    "workflows",
    metavar="ID",
    multiple=True,
    help="The workflow to run (needed when there are several); repeatable, globs allowed.",
)
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
@click.option(
    "--report",
    "reports",
    metavar="KIND=FILE",
    multiple=True,
    help="Write a report: junit, json, html, har, sarif or markdown; github for annotations; repeatable.",
)
@many_options
@limit_options
@part_options
@click.option("--record", metavar="FILE", help="Write the conversation, without secrets, for arazzo replay.")
@check_options
@credential_options
@transport_options
@durable_options
def command(**options: JsonValue) -> int:
    """Read the options and run."""
    arguments = RunArguments(**options)
    _check(arguments)
    if not arguments.many.watch:
        return _run(arguments)
    from arazzo_runner.cli.run.watch import watch  # lazily: it is for people at work

    return watch(arguments, lambda kept: _run(arguments, kept))


def _run(given: RunArguments, read: Kept | None = None) -> int:
    """Run once; `read` takes in what is read."""
    if given.many.env_files:
        from arazzo_runner.cli.environments import environment_files  # lazily: few runs need it

        with environment_files(given.many.env_files):
            return _dispatched(given, read)
    return _dispatched(given, read)


def _dispatched(given: RunArguments, read: Kept | None) -> int:
    if not is_many(given):
        return run_session(given, os.environ, read)
    from arazzo_runner.cli.run.many import run_many  # lazily: a single run needs none of it

    return run_many(given, os.environ, read)


def is_many(given: RunArguments) -> bool:
    """Tell whether the command line asks for several runs, by its form alone: what it prints depends on that."""
    return (
        len(given.specs) > 1
        or len(given.workflows) > 1
        or given.many.data is not None
        or given.many.repeat is not None
        or is_glob(given.specs[0])
        or any(map(has_wildcard, given.workflows))
    )


def _check(arguments: RunArguments) -> None:
    """Refuse options that contradict each other."""
    part, transport = arguments.part, arguments.transport
    contradictions = (
        (arguments.mock and arguments.dry_run, "--mock and --dry-run exclude each other"),
        (arguments.reports and arguments.dry_run, "--report and --dry-run exclude each other"),
        (arguments.many.watch and reads_stdin(arguments), "--watch cannot read standard input again"),
        (arguments.record and arguments.dry_run, "--record and --dry-run exclude each other"),
        (arguments.record and is_many(arguments), "--record writes down one run, and several are asked for"),
        (arguments.scenario and not arguments.mock, "--scenario needs --mock"),
        (transport.max_redirects and not transport.follow_redirects, "--max-redirects needs --follow-redirects"),
        (arguments.switches and not arguments.mock, "--switch needs --mock"),
        (arguments.verbose and arguments.quiet, "-v and -q exclude each other"),
        (
            part.step and (part.from_step or part.until),
            "--step excludes --from and --until",
        ),
        (arguments.output == "-", "--output needs a file; --show-secrets prints secrets to standard output"),
    )
    for wrong, message in contradictions:
        if wrong:
            raise click.UsageError(message, click.get_current_context())
    check_durable(arguments.durable, _not_durable(arguments))
    pairs(arguments.inputs, "-i")
    pairs(arguments.servers, "--server", "NAME=URL")
    pairs(arguments.server_variables, "--server-var")


def _not_durable(given: RunArguments) -> Iterator[str]:
    """Name what was asked for and makes no sense for a durable run."""
    part = given.part
    excluded = (
        (given.mock, "--mock (arazzo mock serves it, --server names it)"),
        (given.dry_run, "--dry-run"),
        (given.record, "--record"),
        (part.step or part.from_step or part.until, "--step, --from and --until"),
        (given.many.watch, "--watch"),
        (given.many.rate, "--rate"),
        (is_many(given), "several runs (arazzo submit is for those)"),
    )
    yield from (name for wrong, name in excluded if wrong)
