"""Reading the files that request bodies send: which of them may be read, and how large they may be."""

from __future__ import annotations

import os
from typing import Final

from arazzo_runner.engine.effects import NoFile
from arazzo_runner.sources.fetch import FetchError, read_file
from arazzo_runner.sources.policy import is_below

MAX_UPLOAD_BYTES: Final = 1_000_000_000


def read_upload(path: str) -> bytes | NoFile:
    """Return the content of a file below the working directory, or why it is not sent."""
    return read_below(os.getcwd(), path)


def read_below(folder: str, path: str) -> bytes | NoFile:
    """Return the content of a regular file below a folder.

    Links are followed before the place is checked. A hidden name on the way (`.env`, `.git/…`) is
    refused: it may hold credentials.
    """
    full = os.path.join(folder, path)
    if "\0" in path or not is_below(full, folder):
        return NoFile(f'the file "{path}" is outside of {folder}: only files below it are sent')
    inside = os.path.relpath(os.path.realpath(full), os.path.realpath(folder))
    if any(part.startswith(".") for part in inside.split(os.sep)):
        return NoFile(f'the file "{path}" is hidden: such files are not sent')
    try:
        return read_file(full, MAX_UPLOAD_BYTES)
    except FetchError as problem:
        return NoFile(f'the file "{path}" cannot be sent: {problem.message}')
