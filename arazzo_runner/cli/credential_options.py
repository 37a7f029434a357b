"""The options that say where credentials are, and the credentials of the runs of one command line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

import click

from arazzo_runner import api
from arazzo_runner.base.records import Record
from arazzo_runner.cli.options import option_group
from arazzo_runner.engine.access import CredentialsGiven
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.errors import Diagnostic
from arazzo_runner.program.model import Program
from arazzo_runner.program.security import secured_steps


class CredentialArguments(Record, kw_only=True):
    """The credentials file that was named, and whether a missing credential refuses the run."""

    credentials_file: str | None
    require_credentials: bool

    def as_options(self) -> dict[str, Any]:
        """Return them as fields of RunOptions; a run that is resumed elsewhere still finds the file."""
        file = None if self.credentials_file is None else os.path.abspath(self.credentials_file)
        return {"credentials_file": file, "require_credentials": self.require_credentials}


credential_options = option_group(
    "credentials",
    CredentialArguments,
    click.option(
        "--credentials",
        "credentials_file",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="A YAML file of credentials, readable only by you (default: ~/.config/arazzo/credentials.yml).",
    ),
    click.option(
        "--require-credentials",
        is_flag=True,
        help="Send nothing when a credential that an operation asks for is missing (default: warn).",
    ),
)


def credentials_of(
    given: CredentialArguments, programs: Iterable[Program], names: Mapping[str, str] | None = None
) -> CredentialsGiven:
    """Return what the runs of these programs share; None, nothing read and imported, where none is needed.

    `names` are the entries to use for others, `{"petstore.oauth": "staging.oauth"}`.
    """
    if not any(next(secured_steps(program), None) for program in programs):
        return None
    from arazzo_runner.runtime.auth.sources import Credentials

    return Credentials(file=given.credentials_file, names=names)


def missing_credentials(
    programs: Iterable[Program], credentials: CredentialsGiven, options: RunOptions
) -> tuple[Diagnostic, ...]:
    """Return what is missing, each once; raises InvalidUsage where the options say so, or for what is unusable."""
    if credentials is None:
        return ()
    found = (api.check_credentials(program, credentials, options) for program in programs)
    return tuple(dict.fromkeys(each for missing in found for each in missing))
