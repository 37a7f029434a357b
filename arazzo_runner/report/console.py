"""The one writer: everything that reaches a terminal or a pipe goes through a Console."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from arazzo_runner.secrets import Secrets


class Console:
    """Writes to stdout and stderr: masked (stderr, by value), in any encoding, and unmoved by a closed pipe.

    `color` and `live` tell whether stderr is a terminal that takes colours and a line that changes.
    """

    def __init__(self, out: TextIO, err: TextIO, *, color: bool | None = None) -> None:
        self._out: TextIO | None = out
        self._err: TextIO | None = err
        self.secrets = Secrets()
        self.live = _is_terminal(err)
        self.color = _wants_color(err) if color is None else color
        self.color_out = _wants_color(out) if color is None else color
        self.unicode = _is_utf8(err)

    @property
    def width(self) -> int:
        """How many characters a live line may have."""
        try:
            return max(20, os.get_terminal_size(self._err.fileno() if self._err else 2).columns)
        except (OSError, ValueError):
            return 80

    def out(self, text: str) -> bool:
        """Write a result to stdout as it is (the caller has masked it); False when it did not arrive."""
        self._out, arrived = _write(self._out, text)
        return arrived

    def err(self, text: str) -> None:
        """Write to stderr, secrets of the run masked once more."""
        self._err, _ = _write(self._err, self.secrets.mask(text))


def _write(stream: TextIO | None, text: str) -> tuple[TextIO | None, bool]:
    """Write and flush; a stream whose reader is gone or whose disk is full is given up."""
    if stream is None:
        return None, False
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError:
        _give_up(stream)
        return None, False
    return stream, True


def _give_up(stream: TextIO) -> None:
    # What is left in the buffer would be flushed at exit and fail once more: let it go nowhere.
    try:
        descriptor = stream.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
    except (OSError, ValueError):
        return


def _is_terminal(stream: TextIO) -> bool:
    # A Windows console without virtual-terminal mode would show the control sequences.
    able = sys.platform != "win32" or "WT_SESSION" in os.environ
    return able and stream.isatty() and os.environ.get("TERM") != "dumb"


def _wants_color(stream: TextIO) -> bool:
    """Decide by the customs of NO_COLOR, FORCE_COLOR and terminals."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return _is_terminal(stream)


def _is_utf8(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"
