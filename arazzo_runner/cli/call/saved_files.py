"""The file that a call is saved in: locked, read, and written atomically."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.user_files import MOST_BYTES, UnusableFile, check_name, read_file, reason_of
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.rewriting import replace_file
from arazzo_runner.errors import InvalidUsage

_BOM: Final = b"\xef\xbb\xbf"
_LONGEST_WAIT: Final = 5.0
"""Seconds to wait for another call that saves in the same file."""


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Keep other calls from saving in the same file while the block runs; raises InvalidUsage if one does for long."""
    target = os.path.realpath(path)
    lock = os.path.join(os.path.dirname(target), f".{os.path.basename(target)[:100]}.arazzo-lock")
    deadline = time.monotonic() + _LONGEST_WAIT
    while True:
        try:
            os.close(os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            break
        except FileExistsError:
            if time.monotonic() > deadline:
                message = f"another call is saving in {path}, so nothing is added to it"
                raise refused(message, f"remove {lock} if none is", path) from None
            time.sleep(0.02)
        except OSError as problem:
            raise unwritable(path, problem) from None
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(lock)


def content_of(path: str) -> bytes | None:
    """Return the bytes of a file, None when there is none; raises InvalidUsage."""
    if not os.path.lexists(path):
        return None
    try:
        return read_file(path, MOST_BYTES, regular=True)
    except UnusableFile as problem:
        raise refused(f"{path} cannot be read: {problem}", "name another file with --save", path) from None


def write_file(path: str, text: str, before: bytes | None) -> None:
    """Write a text in a file, unless that is no longer as it was before (None: no file); raises InvalidUsage."""
    data = text.encode("utf-8", "surrogatepass")
    if before is not None and before.startswith(_BOM):
        data = _BOM + data
    if content_of(path) != before:
        message = f"{path} was changed while the call was made, so nothing is added to it"
        raise refused(message, "call again to save the step", path)
    target = os.path.realpath(path)
    try:
        if before is None:
            _create(target, data)
        else:
            replace_file(target, data)
    except FileExistsError:
        message = f"{path} was made while the call was made, so nothing is written"
        raise refused(message, "call again to save the step", path) from None
    except OSError as problem:
        raise unwritable(path, problem) from None


def check_writable(path: str) -> None:
    """Raise InvalidUsage for a file that could not be written, before anything is sent."""
    folder = os.path.dirname(os.path.realpath(path)) or "."
    try:
        check_name(path)
        if os.path.isdir(path):
            raise IsADirectoryError(21, "it is a directory", path)
        descriptor, temporary = tempfile.mkstemp(dir=folder, prefix=".arazzo-")
        os.close(descriptor)
        os.unlink(temporary)
    except (OSError, ValueError) as problem:
        raise unwritable(path, problem) from None


def _create(target: str, data: bytes) -> None:
    with open(target, "xb") as file:
        file.write(data)


def unwritable(path: str, problem: OSError | ValueError) -> InvalidUsage:
    return refused(f"{path} cannot be written: {reason_of(problem)}", "name another file with --save", path)


def refused(message: str, hint: str, path: str, *, code: str = "cannot-write-output") -> InvalidUsage:
    return InvalidUsage([usage_error(message, code=code, hint=hint, file=path)])
