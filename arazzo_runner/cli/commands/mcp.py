"""`arazzo mcp`: workflows as tools of an agent."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from typing import Any

import click

from arazzo_runner.cli.commands.run import check_options
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.options import (
    arazzo_command,
    channel_address_option,
    input_option,
    mock_lenient_option,
    mock_option,
    mock_options,
    reading_options,
    server_option,
    server_variable_option,
    store_option,
)
from arazzo_runner.cli.run.environments import environment_files
from arazzo_runner.cli.run.options import (
    credential_options,
    environment_file_option,
    environment_option,
    idempotency_option,
    limit_options,
    transport_options,
)
from arazzo_runner.errors import InvalidUsage

_PACKAGE = "'mcp>=2,<3'"  # not by the name `arazzo`, which an index may give to anybody

_HELP = """\
SPEC is an Arazzo document: a file or an http(s) URL. Each of its workflows is
a tool. An agent starts this command and speaks the Model Context Protocol
over its standard input and output; --http serves it on a port instead.

\b
Examples:
  arazzo mcp specs/arazzo/look-up-an-address.yml --mock
  arazzo mcp specs/arazzo/two-apis.yml --deny-unsafe
  arazzo mcp specs/arazzo/two-apis.yml --http 127.0.0.1:8765 --confirm

\b
Secrets stay here. Inputs that are secret, and those given with -i, are no
arguments of the tools; their values come from -i, --input-file and the
environment (refreshToken from ARAZZO_INPUT_REFRESH_TOKEN), credentials as for
arazzo run. Results show secrets as ***.

\b
docs/mcp.md shows the configuration of Claude, VS Code, Cursor and Codex.
"""


@arazzo_command("mcp", _HELP)
@click.argument("specs", metavar="SPEC...", nargs=-1, required=True)
@click.option("--only", metavar="ID", multiple=True, help="Offer this workflow only; repeatable, globs allowed.")
@click.option("--deny-unsafe", is_flag=True, help="Offer only workflows that change nothing.")
@click.option("--confirm", is_flag=True, help="Ask the agent's user before a call sends its first unsafe request.")
@click.option("--http", "http", metavar="HOST:PORT", help="Serve streamable HTTP here instead of standard input.")
@input_option("An input that the agent may not choose; repeatable, as with arazzo run.")
@click.option("--input-file", metavar="FILE", help="A YAML or JSON mapping of inputs that the agent may not choose.")
@server_option
@server_variable_option
@channel_address_option
@click.option(
    "--include", metavar="FILE", multiple=True, help="Another Arazzo document, found by its $self; repeatable."
)
@environment_option
@environment_file_option
@reading_options
@mock_option
@mock_lenient_option
@mock_options
@click.option("--sample-inputs", is_flag=True, help="Make up the inputs that nobody gives.")
@limit_options
@check_options
@credential_options
@transport_options
@click.option("--durable", is_flag=True, help="Begin durable runs: a tool returns a run id at once.")
@store_option
@idempotency_option
@click.option("--authoring", is_flag=True, help="Offer tools to write workflows with: validate_text, show, dry_run …")
def command(
    env_files: tuple[str, ...], deny_unsafe: bool, confirm: bool, authoring: bool, http: str | None, **given: Any
) -> int:
    """Serve until the client closes standard input, or Ctrl-C."""
    _check_installed()
    from arazzo_runner.cli.mcp_offers import ServeArguments
    from arazzo_runner.cli.mcp_session import ServerArguments, serve

    _check_standard_input([*env_files, given["input_file"], *(text for _, text in given["inputs"])], http)
    how = ServerArguments(http=http, deny_unsafe=deny_unsafe, confirm=confirm, authoring=authoring)
    with environment_files(env_files):
        return serve(ServeArguments(**given), how, os.environ)


def _check_standard_input(named: Iterable[str | None], http: str | None) -> None:
    """Refuse to read inputs from standard input, which carries the protocol."""
    if http is None and any(each in ("-", "@-") for each in named):
        raise click.UsageError(
            "standard input carries the protocol, and an option reads it", click.get_current_context()
        )


def _check_installed() -> None:
    """Raise InvalidUsage where the SDK is missing, or is of another version."""
    try:
        importlib.import_module("mcp_types")
        importlib.import_module("mcp.server.lowlevel.server")
    except ImportError:
        message = "arazzo mcp needs the library mcp, version 2, which is not installed"
        raise InvalidUsage([usage_error(message, code="mcp-not-installed", hint=f"pip install {_PACKAGE}")]) from None
