"""Options that several commands share, and the reading of NAME=VALUE."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import click

from arazzo_runner.base.records import field_names, replace
from arazzo_runner.cli.option_table import Option, WrongValue, split_pairs
from arazzo_runner.cli.reading_arguments import COLOR_OPTION, READING_OPTIONS, reading_arguments
from arazzo_runner.cli.run.parameters import Count

Command = TypeVar("Command", bound=Callable[..., int])
Decorator = Callable[[Command], Command]

SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def pairs(texts: Iterable[str], option: str, form: str = "NAME=VALUE") -> dict[str, str]:
    """Read repeated `NAME=VALUE` arguments; only the first `=` counts, the last of a name wins."""
    try:
        return split_pairs(texts, option, form)
    except WrongValue as problem:
        raise click.UsageError(str(problem), click.get_current_context(silent=True)) from None


def add_options(command: Command, options: Iterable[Option]) -> Command:
    """Add the options of a table, in the order of the help."""
    decorated: Any = command
    for option in reversed(tuple(options)):
        decorated = _as_click(option)(decorated)
    return cast(Command, decorated)


def _as_click(option: Option) -> Decorator[Any]:
    if option.is_flag:
        return click.option(option.name, option.key, is_flag=True, help=option.help)
    kind: Any = None
    if option.choices:
        kind = click.Choice(option.choices)
    elif option.minimum is not None:
        kind = Count(option.minimum, option.maximum)
    return click.option(
        option.name,
        option.key,
        type=kind,
        metavar=option.metavar,
        multiple=option.repeatable,
        default=option.default,
        show_default=option.default is not None and bool(option.choices),
        help=option.help,
    )


def option_group(name: str, group: type[Any], *options: Callable[[Any], Any]) -> Decorator[Command]:
    """Return a decorator that adds options; the command gets them together, as a record called `name`.

    The record's fields are named like the options. Give the class of a `record`, so that a command
    with a hundred options has a dozen arguments.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def gathered(**given: Any) -> int:
            own = group(**{name: given.pop(name) for name in field_names(group)})
            return command(**{name: own}, **given)

        decorated: Any = gathered
        for option in reversed(options):
            decorated = option(decorated)
        return cast(Command, decorated)

    return decorate


def format_option(command: Command) -> Command:
    """Add --format."""
    return click.option(
        "--format",
        "format_",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="What stdout holds; json is a documented contract, printed in every case.",
    )(command)


def reading_options(command: Command, *, allow_host: str | None = None) -> Command:
    """Add the options of every command that reads an Arazzo document; it gets them as `reading`.

    `allow_host` is another help text of --allow-host.
    """

    @functools.wraps(command)
    def gathered(**options: Any) -> int:
        values = {option.key: options.pop(option.key) for option in READING_OPTIONS}
        try:
            reading = reading_arguments(values)
        except WrongValue as problem:
            raise click.UsageError(str(problem), click.get_current_context(silent=True)) from None
        return command(reading=reading, **options)

    *table, last = READING_OPTIONS
    return add_options(
        cast(Command, gathered), [*table, last if allow_host is None else replace(last, help=allow_host)]
    )


def color_option(command: Command) -> Command:
    """Add --no-color."""
    return add_options(command, [COLOR_OPTION])


def mock_options(command: Command) -> Command:
    """Add the options that say how a mock behaves."""
    command = click.option(
        "--scenario",
        metavar="FILE",
        help="A scenario file: state and answers that examples and schemas cannot tell.",
    )(command)
    return click.option(
        "--switch", "switches", metavar="NAME", multiple=True, help="Turn on a switch of the scenario; repeatable."
    )(command)
