"""Options as plain data, a reader that understands them as click does without importing it, and the options of
every command that reads a document.

`cli.options.add_options` gives the same table to click, so that each option is described once.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

from arazzo_runner.base.records import Record, field_names
from arazzo_runner.base.user_files import UnusableFile, read_json
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.document.reading import MOST_DEPTH
from arazzo_runner.document.source_map import Limits
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.program.library import LoadOptions

MAX_COUNT: Final = 2**31 - 1
"""The largest number that most options take: 32 bits, for databases take no more."""


class WrongValue(ValueError):
    """An option's value cannot be used; the message names the option."""


class Option(Record):
    """One option: a flag unless it has `metavar` or `choices`.

    With `minimum` its value is a whole number; with `is_mapping` it is repeatable, its value a dict of `NAME=VALUE`.
    """

    name: str
    help: str
    metavar: str | None = None
    parameter: str = ""
    choices: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int = MAX_COUNT
    repeatable: bool = False
    is_mapping: bool = False
    default: str | None = None

    @property
    def key(self) -> str:
        """The name under which a command gets the value."""
        return self.parameter or self.name.removeprefix("--").replace("-", "_")

    @property
    def is_flag(self) -> bool:
        """Whether the option takes no value."""
        return self.metavar is None and not self.choices

    def value(self, given: list[str]) -> Any:
        """Return what a command gets for all occurrences of the option; raises ValueError as click refuses."""
        if self.is_flag:
            return bool(given)
        if self.is_mapping:
            return dict(split_pair(text, self.name, self.metavar or "") for text in given)
        if self.repeatable:
            return tuple(map(self._converted, given))
        return self._converted(given[-1]) if given else self.default

    def _converted(self, text: str) -> str | int:
        if self.choices and text not in self.choices:
            raise ValueError(text)
        if self.minimum is None:
            return text
        number = int(text)
        if not self.minimum <= number <= self.maximum:
            raise ValueError(text)
        return number


def read_options(arguments: Iterable[str], options: Iterable[Option], operands: str) -> dict[str, Any] | None:
    """Return what click would pass to a command: the values of its options, and the other arguments as `operands`.

    Returns None where click would print help or an error.
    """
    known = {option.name: option for option in options}
    given: dict[str, list[str]] = {name: [] for name in known}
    others: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            others += rest
            break
        if argument == "-" or not argument.startswith("-"):
            others.append(argument)
            continue
        name, equals, text = argument.partition("=")
        option = known.get(name)
        value = "" if option is not None and option.is_flag else text if equals else next(rest, None)
        if option is None or value is None or (option.is_flag and equals):
            return None
        given[name].append(value)
    try:
        values = {option.key: option.value(given[name]) for name, option in known.items()}
    except ValueError:
        return None
    return {**values, operands: tuple(others)}


def split_pair(text: str, option: str, form: str) -> tuple[str, str]:
    """Split a text at its first `=`; raises WrongValue, which names the option and the form of its values.

    >>> split_pair("note=a=b", "-i", "NAME=VALUE")
    ('note', 'a=b')
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        meant = ": NAME is that of a source description" if form == "NAME=URL" and "://" in text else ""
        raise WrongValue(f'{option} expects {form}, found "{text}"{meant}')
    return name, value


MAX_BYTES: Final = 2**53

READING_OPTIONS: Final = (
    Option("--strict", "Treat deviations from the Specification as errors."),
    Option("--max-document-size", "The largest document (default 20 MB).", "BYTES", minimum=1, maximum=MAX_BYTES),
    Option(
        "--max-document-depth",
        f"How deep a document may be nested (default 100, at most {MOST_DEPTH}).",
        "N",
        minimum=1,
        maximum=MOST_DEPTH,
    ),
    Option(
        "--max-document-nodes",
        "The most values of a document, aliases expanded (default 1,000,000).",
        "N",
        minimum=1,
        maximum=MAX_BYTES,
    ),
    Option("--url-map", "Read remote descriptions from files: a JSON object of URLs and paths.", "FILE"),
    Option(
        "--source",
        "Read the source description NAME from another file or URL.",
        "NAME=PATH",
        parameter="sources",
        is_mapping=True,
    ),
    Option("--root", "The folder that files named by $ref must be in (default: the repository).", "DIR"),
    Option("--offline", "Read no remote descriptions."),
    Option("--no-cache", "Neither read nor write the cache."),
    Option("--allow-remote", "Read the remote descriptions that documents refer to."),
    Option(
        "--allow-host",
        "Read descriptions from this host even if it is private or another document's; repeatable.",
        "HOST",
        parameter="allow_hosts",
        repeatable=True,
    ),
)
COLOR_OPTION: Final = Option("--no-color", "Write no colours (also: NO_COLOR=1).")


class ReadingArguments(Record, kw_only=True):
    """The values of READING_OPTIONS, named as the API names them."""

    strict: bool
    root: str | None
    sources: dict[str, str]
    url_map: dict[str, str]
    limits: Limits
    offline: bool
    allow_remote: bool
    allow_hosts: tuple[str, ...]
    cache: bool

    def load_options(self, **more: Any) -> LoadOptions:
        """Return the options of `load`; `more` are further fields."""
        own: dict[str, Any] = {name: getattr(self, name) for name in field_names(self)}
        return LoadOptions(**own, **more)


def reading_arguments(values: Mapping[str, Any]) -> ReadingArguments:
    """Convert the values of READING_OPTIONS; raises WrongValue for --root, InvalidUsage for --url-map."""
    default = Limits()
    root = values["root"]
    if root is not None and not os.path.isdir(root):
        raise WrongValue(f"--root: {root} is not a folder")
    return ReadingArguments(
        strict=values["strict"],
        root=root,
        sources=values["sources"],
        url_map={} if values["url_map"] is None else _url_map(values["url_map"]),
        limits=Limits(
            values["max_document_size"] or default.max_bytes,
            values["max_document_depth"] or default.max_depth,
            values["max_document_nodes"] or default.max_nodes,
        ),
        offline=values["offline"],
        allow_remote=values["allow_remote"],
        allow_hosts=values["allow_hosts"],
        cache=not values["no_cache"],
    )


def _url_map(path: str) -> dict[str, str]:
    """Return the files of a `--url-map` by URL; their paths are relative to the map's folder."""
    try:
        value = read_json(path)
    except UnusableFile as problem:
        raise _unusable(path, str(problem)) from None
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise _unusable(path, "it is not an object of URLs and paths")
    folder = os.path.dirname(os.path.abspath(path))
    return {url: os.path.normpath(os.path.join(folder, file)) for url, file in value.items()}


def _unusable(path: str, reason: str) -> InvalidUsage:
    hint = 'write {"https://host/openapi.yml": "path/from/this/file.yml"}'
    error = usage_error(f"--url-map cannot be used: {reason}", code="unreadable-file", hint=hint, file=path)
    return InvalidUsage([error])
