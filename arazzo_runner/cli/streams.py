"""The standard streams of a process that was started without them (`2>&-`)."""

from __future__ import annotations

import os
import sys

_NAMES = ("stdin", "stdout", "stderr")


def open_missing_streams() -> None:
    """Open the standard streams that are closed, so that using them fails like that of a full disk.

    Python leaves None in their place, and the next file that is opened would get their descriptor:
    what belongs on standard error would be written into a document.
    """
    for number, name in enumerate(_NAMES):
        if getattr(sys, name) is not None:
            continue
        # Opened the other way round: what is read or written here is refused (EBADF), not lost unseen.
        opened = os.open(os.devnull, os.O_WRONLY if name == "stdin" else os.O_RDONLY)
        if opened != number and not _is_open(number):
            os.dup2(opened, number)
            os.close(opened)
            opened = number
        mode = "r" if name == "stdin" else "w"
        setattr(sys, name, open(opened, mode, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
