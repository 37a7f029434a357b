"""Options that several commands share, and the reading of NAME=VALUE."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, cast

import click

from arazzo_runner.base.records import field_names
from arazzo_runner.cli.reading_arguments import ReadingArguments
from arazzo_runner.cli.run.parameters import Bytes, Count
from arazzo_runner.document.reading import MOST_DEPTH
from arazzo_runner.document.source_map import Limits

Command = TypeVar("Command", bound=Callable[..., int])
Decorator = Callable[[Command], Command]

_LIMITS = (
    ("nodes", "N", Bytes(), "The most values of a document, aliases expanded (default 1,000,000)."),
    ("depth", "N", Count(most=MOST_DEPTH), f"How deep a document may be nested (default 100, at most {MOST_DEPTH})."),
    ("size", "BYTES", Bytes(), "The largest document (default 20 MB)."),
)
_ALLOW_HOST = "Read descriptions from this host although it is private or another document's; repeatable."
_READING_OPTIONS = (
    click.option("--allow-remote", is_flag=True, help="Read remote descriptions wherever documents lead."),
    click.option("--no-cache", is_flag=True, help="Take nothing from the cache, and keep nothing in it."),
    click.option("--offline", is_flag=True, help="Read no remote descriptions."),
    click.option(
        "--root", metavar="DIR", help="The folder that files named by $ref must be in (default: the repository)."
    ),
    click.option(
        "--source",
        "sources",
        metavar="NAME=PATH",
        multiple=True,
        help="Read the source description NAME from another file or URL.",
    ),
    click.option(
        "--url-map", metavar="FILE", help="Read remote descriptions from files: a JSON object of URLs and paths."
    ),
)
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def pairs(texts: Iterable[str], option: str, form: str = "NAME=VALUE") -> dict[str, str]:
    """Read repeated `NAME=VALUE` arguments; only the first `=` counts, the last of a name wins."""
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f'{option} expects {form}, found "{text}"', click.get_current_context(silent=True))
        found[name] = value
    return found


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
        sources=pairs(options.pop("sources"), "--source", "NAME=PATH"),
        url_map=_url_map(options.pop("url_map")),
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


def _url_map(path: str | None) -> dict[str, str]:
    if path is None:
        return {}
    from arazzo_runner.cli.url_map import read_url_map  # lazily: few runs need it

    return read_url_map(path)


def color_option(command: Command) -> Command:
    """Add --no-color."""
    return click.option("--no-color", is_flag=True, help="Write no colours (also: NO_COLOR=1).")(command)


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
