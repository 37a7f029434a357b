"""Options of every command that reads an Arazzo document; free of click."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.records import Record, field_names
from arazzo_runner.base.user_files import UnusableFile, read_json
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.option_table import Option, WrongValue
from arazzo_runner.document.reading import MOST_DEPTH
from arazzo_runner.document.source_map import Limits
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.program.library import LoadOptions

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
