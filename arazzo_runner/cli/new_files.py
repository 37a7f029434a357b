"""Files that a command makes: never over one that exists, unless that is asked for, and never half written."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat

from arazzo_runner.base.user_files import check_name, reason_of, write_text
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.errors import InvalidUsage


def check_new(path: str, *, overwrite: bool) -> None:
    """Raise InvalidUsage if a file exists and must not be replaced, or if its folder does not exist."""
    try:
        check_name(path)
        status = os.stat(path) if os.path.lexists(path) else None
    except OSError as problem:
        raise _unwritable(path, reason_of(problem)) from None
    if status is not None and stat.S_ISDIR(status.st_mode):
        raise _unwritable(path, "it is a directory")
    if status is not None and stat.S_ISREG(status.st_mode) and not overwrite:
        raise _unwritable(path, "it exists", "name another file, or add --overwrite")
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        raise _unwritable(path, f"there is no folder {folder}", "create the folder first")


def write_new(path: str, text: str, *, overwrite: bool) -> None:
    """Write a file in one go; raises InvalidUsage as `check_new` does, and if it cannot be written."""
    check_new(path, overwrite=overwrite)
    try:
        if os.path.exists(path) and not os.path.isfile(path):
            write_text(path, text)  # a pipe or a device cannot be replaced
        else:
            _replace(os.path.realpath(path), text.encode("utf-8", "backslashreplace"))
    except OSError as problem:
        raise _unwritable(path, reason_of(problem)) from None


def _replace(path: str, data: bytes) -> None:
    temporary = os.path.join(os.path.dirname(path), f".arazzo-{os.getpid()}.new")
    try:
        with open(temporary, "xb") as file:
            file.write(data)
        if os.path.exists(path):
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise


def _unwritable(path: str, reason: str, hint: str = "name another file") -> InvalidUsage:
    message = f"{path} cannot be written: {reason}"
    return InvalidUsage([usage_error(message, code="cannot-write-output", hint=hint)])
