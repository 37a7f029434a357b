"""`arazzo validate`."""

from __future__ import annotations

import functools
from typing import Any

import click

from arazzo_runner.cli.lint_arguments import VALIDATE_OPTIONS
from arazzo_runner.cli.lint_session import lint
from arazzo_runner.cli.options import add_options, arazzo_command

_HELP = """\
SPEC is a file, a folder (searched for Arazzo documents), a glob, a URL, or -
for standard input (default: the files that arazzo.toml includes, else this
folder). Checks the structure, expressions, conditions, references and the
rules that `arazzo explain` lists; every step's operation is looked up in the
descriptions. Local descriptions are read, remote ones are not. Documents given
together may refer to each other by their $self.

\b
Examples:
  arazzo validate specs/arazzo/two-apis.yml
  arazzo validate specs/             # all documents in a folder
  arazzo validate 'specs/arazzo/*.yml' --select 'unknown-*' --max-warnings 0
  arazzo validate specs/arazzo/two-apis.yml --format json | jq .summary
  arazzo validate specs/ --format sarif --output arazzo.sarif
  arazzo validate - --stdin-filename specs/arazzo/two-apis.yml \\
      < specs/arazzo/two-apis.yml

\b
Exit codes:
  0  no errors (there may be warnings)
  1  there are errors, or more warnings than --max-warnings
  2  a file cannot be read, or the options are wrong
"""


@arazzo_command("validate", _HELP)
@click.argument("specs", metavar="[SPEC]...", nargs=-1)
@functools.partial(add_options, options=VALIDATE_OPTIONS)
def command(**values: Any) -> int:
    """Validate documents and print the findings."""
    return lint(values)
