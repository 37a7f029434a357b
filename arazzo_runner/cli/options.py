"""What the options of several commands have in common: the types of their values, and the options themselves."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar, cast

import click
from click.core import ParameterSource

from arazzo_runner.base.records import field_names, replace
from arazzo_runner.cli.combinations import problem_of
from arazzo_runner.cli.commands import COMMANDS
from arazzo_runner.cli.option_table import (
    COLOR_OPTION,
    MAX_BYTES,
    MAX_COUNT,
    READING_OPTIONS,
    Option,
    WrongValue,
    reading_arguments,
    split_pair,
)
from arazzo_runner.engine.options import MOST_SECONDS

Command = TypeVar("Command", bound=Callable[..., int])
Decorator = Callable[[Command], Command]

SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
MOST_RUNS: Final = 1_000_000
_LONGEST_NAME: Final = 200


# ------------------------------------------------------------------ commands


class ValuedFlag(click.Option):
    """An option that is a flag, and takes a value after `=` only: `--mock SPEC` does not take SPEC as its value."""


class ArazzoCommand(click.Command):
    """A command; its options may be flags with a value."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse arguments, each bare flag with its usual value."""
        usual = {name: each.flag_value for each in self.params if isinstance(each, ValuedFlag) for name in each.opts}
        end = args.index("--") if "--" in args else len(args)
        written = [f"{each}={usual[each]}" if each in usual else each for each in args[:end]]
        return super().parse_args(ctx, [*written, *args[end:]])

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command, unless its options exclude each other or lack what they need."""
        problem = problem_of(ctx.command_path.partition(" ")[2], given_options(ctx))
        above = sorted(given_options(ctx.parent), key=len) if ctx.parent is not None else []
        if above:  # only the group itself would read it
            problem = f"{above[-1]} is no option of {ctx.command_path}: write it without {ctx.info_name}"
        if problem is not None:
            raise click.UsageError(problem, ctx)
        return super().invoke(ctx)


class ArazzoGroup(click.Group):
    """A command with subcommands."""

    command_class = ArazzoCommand


def given_options(context: click.Context) -> set[str]:
    """Return every spelling of the options that the command line has, not of those that have their defaults."""
    return {
        spelling
        for parameter in context.command.params
        if isinstance(parameter, click.Option)
        and context.get_parameter_source(parameter.name or "") is ParameterSource.COMMANDLINE
        for spelling in (*parameter.opts, *parameter.secondary_opts)
    }


def arazzo_command(name: str, details: str) -> Callable[[Callable[..., int]], click.Command]:
    """Return the decorator of a command; its help is its summary of `arazzo --help`, then `details`."""
    summary = COMMANDS[name]
    text = f"{summary}\n\n{details}"
    return click.command(name, ArazzoCommand, help=text, short_help=summary, context_settings=SETTINGS)


def arazzo_group(
    name: str, details: str, *, invoke_without_command: bool = False
) -> Callable[[Callable[..., Any]], click.Group]:
    """Return the decorator of a command that has subcommands."""
    summary = COMMANDS[name]
    return click.group(
        name,
        ArazzoGroup,
        help=f"{summary}\n\n{details}",
        short_help=summary,
        context_settings=SETTINGS,
        invoke_without_command=invoke_without_command,
    )


# ------------------------------------------------------------------ types of values


class Seconds(click.FloatRange):
    """A length of time; `min_open` refuses 0."""

    def __init__(self, least: float = 0, *, min_open: bool = False) -> None:
        super().__init__(min=least, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number of seconds; nan, which passes every comparison of the base class, is refused."""
        found = super().convert(value, param, ctx)
        if not found <= MOST_SECONDS:
            self.fail(f"{value} is not a number of seconds up to {MOST_SECONDS:,.0f}", param, ctx)
        return found


class Count(click.IntRange):
    """A number of things, at most `most`: by default what fits into 32 bits, the limit of databases."""

    def __init__(self, least: int = 1, most: int = MAX_COUNT) -> None:
        super().__init__(min=least)
        self._most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        found = super().convert(value, param, ctx)
        if found > self._most:
            self.fail(f"{value} is more than {self._most:,}", param, ctx)
        return found


class Bytes(Count):
    """A size in bytes."""

    def __init__(self) -> None:
        super().__init__(most=MAX_BYTES)


class Name(click.types.StringParamType):
    """A name that is stored and shown: one line of UTF-8 without control characters."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name."""
        found = super().convert(value, param, ctx)
        if not found.isprintable() or not found.strip() or len(found) > _LONGEST_NAME:
            self.fail(f"a name is printable text, at most {_LONGEST_NAME} characters of it", param, ctx)
        return found


class Pair(click.types.StringParamType):
    """`NAME=VALUE` as a pair of texts; `form` is how messages write it."""

    def __init__(self, form: str = "NAME=VALUE") -> None:
        self._form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the name and the value."""
        return pair(value, "" if param is None else param.opts[0], self._form, ctx)


def pair(text: str, option: str, form: str = "NAME=VALUE", context: click.Context | None = None) -> tuple[str, str]:
    """Split a text at its first `=`; raises click.UsageError, which names the option.

    >>> pair("note=a=b", "-i")
    ('note', 'a=b')
    """
    try:
        return split_pair(text, option, form)
    except WrongValue as problem:
        raise click.UsageError(str(problem), context) from None


def table_option(flag: str, name: str, form: str, help_: str, *others: str) -> Callable[[Any], Any]:
    """Return a repeatable option of pairs that gives the command a dict; the last value of a name wins.

    `others` are further spellings of it.
    """
    return click.option(
        flag, *others, name, type=Pair(form), metavar=form, multiple=True, callback=as_table, help=help_
    )


def as_table(context: click.Context, parameter: click.Parameter, pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the values of a repeated option of pairs as a dict (a callback of click)."""
    return dict(pairs)


def input_option(help_: str) -> Callable[[Any], Any]:
    """Return the option -i; the command gets `inputs`, the pairs in their order."""
    return click.option("-i", "--input", "inputs", type=Pair(), metavar="NAME=VALUE", multiple=True, help=help_)


def _folders(context: click.Context, parameter: click.Parameter, paths: tuple[str, ...]) -> tuple[str, ...]:
    """Return folders as absolute paths (a run may be resumed from another folder); raises click.BadParameter."""
    for path in paths:
        try:
            is_folder = os.path.isdir(path)
        except ValueError:
            is_folder = False
        if not is_folder:
            raise click.BadParameter(f'"{path}" is not a folder', context, parameter)
    return tuple(map(os.path.abspath, paths))


def file_root_option(command: Command) -> Command:
    """Add --file-root; the command gets `file_roots`, absolute paths."""
    return click.option(
        "--file-root",
        "file_roots",
        metavar="DIR",
        multiple=True,
        callback=_folders,
        help="Let requests send files of this folder too, not only of the working directory; repeatable.",
    )(command)


# ------------------------------------------------------------------ groups of options


def option_group(name: str, group: type[Any], *options: Callable[[Any], Any]) -> Decorator[Command]:
    """Return a decorator that adds options; the command gets them together, as a record called `name`.

    `group` is the class of the record; its fields have the names of the options.
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


def only(group: Decorator[Command], *names: str) -> Decorator[Command]:
    """Return a decorator that adds only some options of a group; the others have their defaults."""

    def decorate(command: Command) -> Command:
        before = list(getattr(command, "__click_params__", ()))
        decorated: Any = group(command)
        added = [each for each in decorated.__click_params__ if each not in before]
        left_out = [each for each in added if each.name not in names]
        decorated.__click_params__ = [each for each in decorated.__click_params__ if each not in left_out]

        @functools.wraps(decorated)
        def completed(**given: Any) -> int:
            defaults = click.Command("none", params=left_out, add_help_option=False).make_context("none", []).params
            code: int = decorated(**defaults, **given)
            return code

        return cast(Command, completed)

    return decorate


# ------------------------------------------------------------------ options of several commands


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


def store_option(command: Command) -> Command:
    """Add --store."""
    text = "Where runs are kept: a file or postgresql://… (also: ARAZZO_STORE; default: your state directory)."
    return click.option("--store", metavar="URL", help=text)(command)


def credentials_file_option(command: Command) -> Command:
    """Add --credentials; the command gets it as `credentials_file`."""
    return click.option(
        "--credentials",
        "credentials_file",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False),
        help="A YAML file of credentials, readable only by you (default: ~/.config/arazzo/credentials.yml).",
    )(command)


def unknown_columns_option(command: Command) -> Command:
    """Add --allow-unknown-columns."""
    text = "Ignore columns of a file of rows that are no inputs."
    return click.option("--allow-unknown-columns", is_flag=True, help=text)(command)


def server_option(command: Command) -> Command:
    """Add --server; the command gets `servers`, URLs by source."""
    text = "Call the source NAME at another URL, which may be that of a broker."
    return cast(Command, table_option("--server", "servers", "NAME=URL", text, "--broker")(command))


def server_variable_option(command: Command) -> Command:
    """Add --server-var; the command gets `server_variables`, texts by name."""
    text = "Set a variable of server URLs."
    return cast(Command, table_option("--server-var", "server_variables", "NAME=VALUE", text)(command))


def channel_address_option(command: Command) -> Command:
    """Add --channel-address; the command gets `channel_addresses`, texts by name."""
    text = "Set the address of an AsyncAPI channel, where its description leaves it open."
    return cast(Command, table_option("--channel-address", "channel_addresses", "KEY=ADDRESS", text)(command))


STATEFUL: Final = "stateful"


def _mock(context: click.Context, parameter: click.Parameter, text: str | None) -> bool | str:
    return STATEFUL if text == STATEFUL else text is not None


def mock_option(command: Command) -> Command:
    """Add --mock; the command gets False, True or "stateful"."""
    return click.option(
        "--mock",
        cls=ValuedFlag,
        type=click.Choice(["examples", STATEFUL]),
        is_flag=False,
        flag_value="examples",
        metavar="[=stateful]",
        callback=_mock,
        help="Answer from the descriptions, on a local mock server; a stateful one remembers what is created.",
    )(command)


def mock_lenient_option(command: Command) -> Command:
    """Add --mock-lenient."""
    return click.option(
        "--mock-lenient",
        is_flag=True,
        help="Let the mock answer with statuses that steps expect and descriptions lack.",
    )(command)


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


# ------------------------------------------------------------------ options described in tables


def add_options(command: Command, options: Iterable[Option]) -> Command:
    """Add the options of a table, in the order of the help."""
    decorated: Any = command
    for option in reversed(tuple(options)):
        decorated = _as_click(option)(decorated)
    return cast(Command, decorated)


def _as_click(option: Option) -> Callable[[Any], Any]:
    if option.is_flag:
        return click.option(option.name, option.key, is_flag=True, help=option.help)
    if option.is_mapping:
        return table_option(option.name, option.key, option.metavar or "", option.help)
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


def color_option(command: Command) -> Command:
    """Add --no-color."""
    return add_options(command, [COLOR_OPTION])


def reading_options(command: Command, *, allow_host: str | None = None, without: str = "") -> Command:
    """Add the options of every command that reads an Arazzo document; it gets them as `reading`.

    `allow_host` is another help text of --allow-host; `without` is a repeatable option that the command lacks.
    """

    @functools.wraps(command)
    def gathered(**options: Any) -> int:
        values = {each.key: {} if each.name == without else options.pop(each.key) for each in READING_OPTIONS}
        try:
            reading = reading_arguments(values)
        except WrongValue as problem:
            raise click.UsageError(str(problem), click.get_current_context(silent=True)) from None
        return command(reading=reading, **options)

    *table, last = READING_OPTIONS
    last = last if allow_host is None else replace(last, help=allow_host)
    return add_options(cast(Command, gathered), [each for each in (*table, last) if each.name != without])
