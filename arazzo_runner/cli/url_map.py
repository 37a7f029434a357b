"""`--url-map FILE`: which remote descriptions are files at hand."""

from __future__ import annotations

import os

from arazzo_runner.base.user_files import UnusableFile, read_json
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.errors import InvalidUsage


def read_url_map(path: str) -> dict[str, str]:
    """Return the files by URL; their paths are meant from the map's folder. Raises InvalidUsage."""
    try:
        value = read_json(path)
    except UnusableFile as problem:
        raise _unusable(path, str(problem)) from None
    if not isinstance(value, dict) or not all(isinstance(each, str) for each in value.values()):
        raise _unusable(path, "it is no object of URLs and paths")
    folder = os.path.dirname(os.path.abspath(path))
    return {url: os.path.normpath(os.path.join(folder, place)) for url, place in value.items()}


def _unusable(path: str, reason: str) -> InvalidUsage:
    hint = 'write {"https://host/openapi.yml": "path/from/this/file.yml"}'
    error = usage_error(f"--url-map cannot be used: {reason}", code="unreadable-file", hint=hint, file=path)
    return InvalidUsage([error])
