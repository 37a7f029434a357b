"""`arazzo call`: one operation of an OpenAPI description, called as a step of a workflow is."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from arazzo_runner.cli.call.opening import operation_lines, operation_records
from arazzo_runner.cli.call.prepare import CallArguments, call_session, open_called
from arazzo_runner.cli.commands.run import check_options
from arazzo_runner.cli.option_table import READING_OPTIONS
from arazzo_runner.cli.options import (
    Pair,
    arazzo_command,
    color_option,
    format_option,
    mock_lenient_option,
    mock_option,
    mock_options,
    only,
    reading_options,
    server_variable_option,
    table_option,
)
from arazzo_runner.cli.run.environments import environment_files
from arazzo_runner.cli.run.options import (
    DurableArguments,
    PartArguments,
    RunArguments,
    credential_options,
    limit_options,
    many_options,
    transport_options,
)
from arazzo_runner.report.json import pretty
from arazzo_runner.report.terminal.console import Console

_HELP = """\
API is an OpenAPI description: a file or an http(s) URL. OPERATION is an
operationId, or "METHOD /path" of an operation without one; without OPERATION
all operations are listed. The body of the response goes to standard output:
JSON indented on a terminal, else as it came.

\b
Examples:
  arazzo call specs/openapi/orders.yml
  arazzo call specs/openapi/stock.yml getItem -p sku=LAMP-1 --mock
  arazzo call specs/openapi/stock.yml getItem -p sku=LAMP-1 --dry-run
  arazzo call specs/openapi/claims.yml openClaim --mock -i \\
      -d policy=P-100 -d what='A broken window' -d tags=glass -d tags=storm
  arazzo call specs/openapi/members.yml signIn --mock \\
      -d '{"email": "ada@example.com", "password": "correct-horse"}'

\b
Parameters: -p NAME=VALUE finds out where the parameter belongs; one that is
in several places is written -p path:NAME=VALUE. Texts become what the schema
asks for; objects are JSON; lists are JSON, or -p repeated. @FILE is the text
of a file, @- standard input, @@ begins a text with @.

\b
Bodies: -d takes JSON, another text, @FILE, or - for standard input. Fields of
a form, and members of a JSON object, are -d NAME=VALUE each; -d NAME=@FILE
sends a file where a file is described, else its text.

\b
Saving: --save FLOW adds the call to the last workflow of an Arazzo document,
which is made if there is none. Values become constants, secrets inputs. A
value may be an expression of that workflow; then --dry-run is needed:
  arazzo call specs/openapi/claims.yml openClaim --mock --save flow.yml \\
      -d policy=P-100 -d what=Glass
  arazzo call specs/openapi/claims.yml addFiles --save flow.yml --dry-run \\
      -p id='$steps.openClaim.outputs.id' -d note=x \\
      -d photo=@specs/files/window.png

\b
Credentials of security schemes are looked up in the environment, a file and
the keyring, never given here: docs/credentials.md.

\b
Secrets of the response are shown as ***; --show-secrets prints them, and
-o FILE writes the body as it came, readable only by you.

\b
Exit codes:
  0    the response is a 2xx, or the one of --expect
  1    another response, or none
  2    nothing was sent: the operation, the values or the options are wrong
  3    in doubt: the outcome of an unsafe request is unknown
  130  interrupted
  70   a bug in arazzo
"""


@arazzo_command("call", _HELP)
@click.argument("api")
@click.argument("operation", required=False)
@click.option(
    "-p",
    "--param",
    "parameters",
    type=Pair(),
    metavar="NAME=VALUE",
    multiple=True,
    help="A parameter, or LOCATION:NAME=VALUE; repeatable.",
)
@click.option(
    "-d",
    "--body",
    "bodies",
    metavar="DATA",
    multiple=True,
    help="The body: JSON or another text, @FILE, - for standard input, or a field NAME=VALUE (repeatable).",
)
@click.option("--content-type", metavar="TYPE", help="The content type of the body (default: the one that fits).")
@click.option("--expect", type=click.IntRange(100, 599), metavar="STATUS", help="The status of success (default: 2xx).")
@click.option("-i", "--include", is_flag=True, help="Print the status and the headers before the body.")
@click.option("-o", "--output", metavar="FILE", help="Write the body to FILE, as it came, readable only by you.")
@click.option("--force", is_flag=True, help="Let -o replace a file.")
@click.option("--save", metavar="FLOW", help="Add the call as a step to a workflow of this file.")
@click.option("--workflow", "-w", metavar="ID", help="The workflow that gets the step (default: the last one).")
@click.option("--step-id", metavar="ID", help="The stepId (default: the operationId).")
@table_option("--capture", "captures", "NAME=EXPRESSION", "An output of the saved step, such as $response.body#/id.")
@click.option("--server", metavar="URL", help="Call the API at another URL; also NAME=URL, as messages write it.")
@server_variable_option
@only(reading_options, *(each.key for each in READING_OPTIONS if each.key not in ("strict", "sources")))
@mock_option
@mock_lenient_option
@mock_options
@click.option("--dry-run", is_flag=True, help="Print the request instead of sending it.")
@click.option("-v", "--verbose", count=True, help="Show request and response; -vv with headers and bodies.")
@click.option("-q", "--quiet", is_flag=True, help="Show no progress and no warnings, only the reason of a failure.")
@format_option
@click.option("--show-secrets", is_flag=True, help="Print secrets of the response in clear.")
@color_option
@click.option(
    "--report",
    "reports",
    metavar="KIND=FILE",
    multiple=True,
    help="Write a report: junit, json, html, har, sarif or markdown; github for annotations; repeatable.",
)
@only(many_options, "env", "env_files")
@only(limit_options, "timeout", "max_response_size", "file_roots")
@click.option("--record", metavar="FILE", help="Record what is sent and received, without secrets.")
@check_options
@credential_options
@only(transport_options, "certificates", "ca_files", "insecure_hosts", "proxies", "http2", "follow_redirects",
      "max_redirects")  # fmt: skip
def command(api: str, **options: Any) -> int:
    """List the operations of a description, or call one."""
    own = {name: options.pop(name) for name in _OWN}
    given = CallArguments(api=api, **own)
    run = RunArguments(
        specs=(api,),
        workflows=(),
        inputs=(),
        input_file=None,
        servers={},
        channel_addresses={},
        include=(),
        sample_inputs=False,
        part=PartArguments(step=None, from_step=None, until=None, outputs_from=None),
        durable=DurableArguments(durable=False, run_id=None, store=None, idempotency_keys=False),
        **options,
    )
    with environment_files(run.many.env_files):
        return _listed(given, run) if given.operation is None else call_session(given, run, os.environ)


_OWN = ("operation", "parameters", "bodies", "content_type", "expect", "include", "force", "server", "save", "workflow",
        "step_id", "captures")  # fmt: skip


def _listed(given: CallArguments, run: RunArguments) -> int:
    """Print the operations of a description."""
    unused = {"-p": given.parameters, "-d": given.bodies, "--save": given.save, "--dry-run": run.dry_run}
    wrong = next((name for name, value in unused.items() if value), None)
    if wrong is not None:
        raise click.UsageError(f"{wrong} needs OPERATION", click.get_current_context())
    console = Console(sys.stdout, sys.stderr, color=False if run.no_color else None)
    opened, _ = open_called(given, run)
    records = operation_records(opened.description)
    if run.as_json:
        console.out(pretty({"operations": records}))
    else:
        console.out("".join(f"{line}\n" for line in operation_lines(records)))
        if not records:
            console.err(f"{given.api} has no operations\n")
    return 0
