"""The options of durable runs, gathered into one argument; nothing heavy is imported here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from arazzo_runner.base.records import Record
from arazzo_runner.cli.options import option_group

STORE_HELP = "Where runs are kept: a file or postgresql://… (also: ARAZZO_STORE; default: your state directory)."


class DurableArguments(Record, kw_only=True):
    """What the command line said about durability."""

    durable: bool
    run_id: str | None
    store: str | None
    idempotency_keys: bool

    @property
    def wanted(self) -> bool:
        """Whether the run shall be durable."""
        return self.durable


def check_durable(given: DurableArguments, excluded: Iterable[str]) -> None:
    """Refuse options that contradict each other; `excluded` names what no durable run can be."""
    wrong = [f"--durable excludes {name}" for name in excluded] if given.durable else []
    if not given.durable:
        wrong += ["--run-id needs --durable"] if given.run_id else []
        wrong += ["--idempotency-keys needs --durable"] if given.idempotency_keys else []
    if wrong:
        raise click.UsageError(wrong[0], click.get_current_context())


durable_options = option_group(
    "durable",
    DurableArguments,
    click.option(
        "--durable",
        is_flag=True,
        help="Keep every answer on disk before it is used, so that a run that stopped can be resumed.",
    ),
    click.option("--run-id", metavar="ID", help="A name for the durable run (default: one is made)."),
    click.option("--store", metavar="URL", help=STORE_HELP),
    click.option(
        "--idempotency-keys",
        is_flag=True,
        help="Give every unsafe request an Idempotency-Key (default: where its description declares that header).",
    ),
)


def store_option(command: Any) -> Any:
    """Add --store."""
    return click.option("--store", metavar="URL", help=STORE_HELP)(command)
