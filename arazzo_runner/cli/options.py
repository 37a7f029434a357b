"""Options that several commands share, and the reading of NAME=VALUE."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import click

from arazzo_runner.document.source_map import Limits

Command = TypeVar("Command", bound=Callable[..., int])
Decorator = Callable[[Command], Command]

_LIMITS = (
    ("nodes", "N", "The most values of a document, aliases expanded (default 1,000,000)."),
    ("depth", "N", "How deep a document may be nested (default 100)."),
    ("size", "BYTES", "The largest document (default 20 MB)."),
)
_TRANSPORT = (
    ("--proxy", "proxies", "[HOST=]URL", "Send through a proxy (also: HTTPS_PROXY, NO_PROXY …); direct for none."),
    ("--insecure-host", "insecure_hosts", "HOST", "Do not check this server's certificate; repeatable."),
    ("--cacert", "cacerts", "[HOST=]FILE", "Trust the authorities in a PEM file instead of the usual; repeatable."),
    ("--cert", "certs", "[HOST=]FILE[,KEY]", "A client certificate (PEM), for a host or for all; repeatable."),
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


def reading_options(command: Command) -> Command:
    """Add the options of every command that reads an Arazzo document."""
    command = click.option(
        "--source",
        "sources",
        metavar="NAME=PATH",
        multiple=True,
        help="Read the source description NAME from another file or URL.",
    )(command)
    command = click.option(
        "--root", metavar="DIR", help="The folder that files named by $ref must be in (default: the repository)."
    )(command)
    for name, metavar, text in _LIMITS:
        command = click.option(f"--max-document-{name}", type=click.IntRange(min=1), metavar=metavar, help=text)(
            command
        )
    return click.option("--strict", is_flag=True, help="Treat deviations from the Specification as errors.")(command)


def limits_of(size: int | None, depth: int | None, nodes: int | None) -> Limits:
    """Return the limits of documents: what the options say, else the defaults."""
    default = Limits()
    return Limits(size or default.max_bytes, depth or default.max_depth, nodes or default.max_nodes)


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


def transport_options(command: Command) -> Command:
    """Add the options that say how requests reach their servers."""
    text = "Offer HTTP/2, or never do (default: where it is installed)."
    command = click.option("--http2/--no-http2", default=None, help=text)(command)
    for option, name, metavar, text in _TRANSPORT:
        command = click.option(option, name, metavar=metavar, multiple=True, help=text)(command)
    return command
