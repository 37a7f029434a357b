"""The options --checks and --check-requests of `run`: requests and responses against their descriptions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import click

from arazzo_runner.base.records import replace
from arazzo_runner.engine.options import LEVELS, RESPONSE_CHECKS, USUAL_CHECKS, CheckOptions
from arazzo_runner.errors import did_you_mean

Command = TypeVar("Command", bound=Callable[..., int])


def check_options(command: Command) -> Command:
    """Add --checks and --check-requests; the command gets them as `checks`, None when neither is given."""

    @functools.wraps(command)
    def gathered(*, checks: tuple[str, ...], check_requests: str | None, **options: Any) -> int:
        return command(checks=parsed_checks(checks, check_requests), **options)

    decorated: Any = click.option(
        "--check-requests",
        type=click.Choice(LEVELS),
        metavar="LEVEL",
        help="Parameters and bodies before they are sent: off, warn (default) or error.",
    )(gathered)
    decorated = click.option(
        "--checks",
        metavar="LEVELS",
        multiple=True,
        help="Responses against their description: off, warn (default) or error, for all or as "
        "NAME=LEVEL,… of status, content-type, headers, schema, undocumented, deep (the last two are off).",
    )(decorated)
    return cast(Command, decorated)


def parsed_checks(texts: Iterable[str], requests: str | None = None) -> CheckOptions | None:
    """Read `warn,schema=error`, left to right; a name alone gets the level given before it, else warn.

    >>> parsed_checks(["error,schema=warn,deep"]).status
    'error'
    """
    items = [item.strip() for text in texts for item in text.split(",") if item.strip()]
    if not items and requests is None:
        return None
    found: dict[str, str] = {} if requests is None else {"requests": requests}
    usual = "warn"
    for item in items:
        name, equals, level = item.partition("=")
        if not equals and name in LEVELS:
            usual = name
            found.update(dict.fromkeys(map(_field, USUAL_CHECKS), name))
            continue
        if name not in RESPONSE_CHECKS or (equals and level not in LEVELS):
            raise click.UsageError(_message(item, name, level), click.get_current_context(silent=True))
        found[_field(name)] = level if equals else usual.replace("off", "warn")
    changes: Any = found
    return replace(CheckOptions(), **changes)


def _field(name: str) -> str:
    return name.replace("-", "_")


def _message(item: str, name: str, level: str) -> str:
    if name in RESPONSE_CHECKS:
        return f'--checks {name}: "{level}" is not a level, expected {", ".join(LEVELS)}'
    guess = did_you_mean(name, [*RESPONSE_CHECKS, *LEVELS]) or f"expected {', '.join(LEVELS)}"
    return f'--checks: "{item}" is neither a level nor one of {", ".join(RESPONSE_CHECKS)}; {guess}'
