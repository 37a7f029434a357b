"""What the options of several commands have in common: the types of their values, and the options themselves."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import click

from arazzo_runner.base.records import field_names
from arazzo_runner.base.user_files import UnusableFile, read_json
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.reading_arguments import ReadingArguments
from arazzo_runner.document.reading import MOST_DEPTH
from arazzo_runner.document.source_map import Limits
from arazzo_runner.engine.option_numbers import MOST_SECONDS
from arazzo_runner.errors import InvalidUsage

Command = TypeVar("Command", bound=Callable[..., int])
Decorator = Callable[[Command], Command]

SETTINGS: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
MOST_RUNS: Final = 1_000_000
_LONGEST_NAME: Final = 200


# ------------------------------------------------------------------ types of values


class Seconds(click.FloatRange):
    """A length of time; `min_open` refuses 0."""

    def __init__(self, least: float = 0, *, min_open: bool = False) -> None:
        super().__init__(min=least, min_open=min_open)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return a number of seconds; nan, which passes every comparison of the base class, is refused."""
        found = super().convert(value, param, ctx)
        if not found <= MOST_SECONDS:
            self.fail(f"{value} is no number of seconds up to {MOST_SECONDS:,.0f}", param, ctx)
        return found


class Count(click.IntRange):
    """A number of things, at most `most`: by default what fits into 32 bits, the limit of databases."""

    def __init__(self, least: int = 1, most: int = 2**31 - 1) -> None:
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
        super().__init__(most=2**53)


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
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.UsageError(f'{option} expects {form}, found "{text}"', context)
    return name, value


def table_option(flag: str, name: str, form: str, help_: str) -> Callable[[Any], Any]:
    """Return a repeatable option of pairs that gives the command a dict; the last value of a name wins."""
    return click.option(flag, name, type=Pair(form), metavar=form, multiple=True, callback=as_table, help=help_)


def as_table(context: click.Context, parameter: click.Parameter, pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """Return the values of a repeated option of pairs as a dict (a callback of click)."""
    return dict(pairs)


def input_option(help_: str) -> Callable[[Any], Any]:
    """Return the option -i; the command gets `inputs`, the pairs in their order."""
    return click.option("-i", "--input", "inputs", type=Pair(), metavar="NAME=VALUE", multiple=True, help=help_)


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


def color_option(command: Command) -> Command:
    """Add --no-color."""
    return click.option("--no-color", is_flag=True, help="Write no colours (also: NO_COLOR=1).")(command)


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


def server_option(command: Command) -> Command:
    """Add --server; the command gets `servers`, URLs by source."""
    text = "Call the source NAME at another URL."
    return cast(Command, table_option("--server", "servers", "NAME=URL", text)(command))


def server_variable_option(command: Command) -> Command:
    """Add --server-var; the command gets `server_variables`, texts by name."""
    text = "Set a variable of server URLs."
    return cast(Command, table_option("--server-var", "server_variables", "NAME=VALUE", text)(command))


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


# ------------------------------------------------------------------ how documents are read


_LIMITS: Final = (
    ("nodes", "N", Bytes(), "The most values of a document, aliases expanded (default 1,000,000)."),
    ("depth", "N", Count(most=MOST_DEPTH), f"How deep a document may be nested (default 100, at most {MOST_DEPTH})."),
    ("size", "BYTES", Bytes(), "The largest document (default 20 MB)."),
)
_ALLOW_HOST: Final = "Read descriptions from this host although it is private or another document's; repeatable."
_READING_OPTIONS: Final = (
    click.option("--allow-remote", is_flag=True, help="Read remote descriptions wherever documents lead."),
    click.option("--no-cache", is_flag=True, help="Take nothing from the cache, and keep nothing in it."),
    click.option("--offline", is_flag=True, help="Read no remote descriptions."),
    click.option(
        "--root", metavar="DIR", help="The folder that files named by $ref must be in (default: the repository)."
    ),
    table_option("--source", "sources", "NAME=PATH", "Read the source description NAME from another file or URL."),
    click.option(
        "--url-map", metavar="FILE", help="Read remote descriptions from files: a JSON object of URLs and paths."
    ),
)


def reading_options(command: Command, *, allow_host: str = _ALLOW_HOST) -> Command:
    """Add the options of every command that reads an Arazzo document; it gets them as `reading`.

    `allow_host` is the help text of --allow-host.
    """

    @functools.wraps(command)
    def gathered(**options: Any) -> int:
        reading = _reading(options)
        return command(reading=reading, **options)

    decorated: Any = click.option("--allow-host", "allow_hosts", metavar="HOST", multiple=True, help=allow_host)(
        gathered
    )
    for option in _READING_OPTIONS:
        decorated = option(decorated)
    for name, metavar, kind, text in _LIMITS:
        decorated = click.option(f"--max-document-{name}", type=kind, metavar=metavar, help=text)(decorated)
    strict = click.option("--strict", is_flag=True, help="Treat deviations from the Specification as errors.")
    return cast(Command, strict(decorated))


def _reading(options: dict[str, Any]) -> ReadingArguments:
    """Take the reading options out of a command's arguments."""
    default = Limits()
    limits = Limits(
        options.pop("max_document_size") or default.max_bytes,
        options.pop("max_document_depth") or default.max_depth,
        options.pop("max_document_nodes") or default.max_nodes,
    )
    return ReadingArguments(
        strict=options.pop("strict"),
        root=_folder(options.pop("root")),
        sources=options.pop("sources"),
        url_map=_read_url_map(options.pop("url_map")),
        limits=limits,
        offline=options.pop("offline"),
        allow_remote=options.pop("allow_remote"),
        allow_hosts=options.pop("allow_hosts"),
        cache=not options.pop("no_cache"),
    )


def _folder(path: str | None) -> str | None:
    if path is not None and not os.path.isdir(path):
        raise click.UsageError(f"--root: {path} is no folder", click.get_current_context(silent=True))
    return path


def _read_url_map(path: str | None) -> dict[str, str]:
    """Return the files by URL, their paths resolved from the folder of the map; raises InvalidUsage."""
    if path is None:
        return {}
    try:
        value = read_json(path)
    except UnusableFile as problem:
        raise _unusable_url_map(path, str(problem)) from None
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise _unusable_url_map(path, "it is no object of URLs and paths")
    folder = os.path.dirname(os.path.abspath(path))
    return {url: os.path.normpath(os.path.join(folder, place)) for url, place in value.items()}


def _unusable_url_map(path: str, reason: str) -> InvalidUsage:
    hint = 'write {"https://host/openapi.yml": "path/from/this/file.yml"}'
    error = usage_error(f"--url-map cannot be used: {reason}", code="unreadable-file", hint=hint, file=path)
    return InvalidUsage([error])
