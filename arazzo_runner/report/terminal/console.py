"""The one writer: everything that reaches a terminal or a pipe goes through a Console."""

from __future__ import annotations

import json
import os
import sys
from typing import Final, TextIO

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity

STDOUT: Final = "<stdout>"


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

    def out(self, text: str) -> None:
        """Write a result to stdout as it is (the caller has masked it).

        Raises InvalidUsage when it could not be written; a reader who has read enough (`| head`) is no error.
        """
        self._told(text if self._out is None else _fitting(text, self._out))

    def document(self, text: str) -> None:
        """Write a document to stdout as the UTF-8 that it is in a file; raises as `out` does."""
        self._told(text.encode("utf-8", "surrogatepass"))

    def deliver(self, text: str) -> bool:
        """Write a result to stdout like `out`; False when it did not arrive, for whatever reason."""
        if self._out is None:
            return False
        self._out, problem = _write(self._out, _fitting(text, self._out))
        return problem is None

    def err(self, text: str) -> None:
        """Write to stderr, secrets of the run masked once more."""
        if self._err is not None:
            self._err, _ = _write(self._err, _fitting(self.secrets.mask(text), self._err))

    def _told(self, text: str | bytes) -> None:
        self._out, problem = (None, None) if self._out is None else _write(self._out, text)
        if problem is None or isinstance(problem, BrokenPipeError):
            return
        message = f"standard output cannot be written: {(problem.strerror or str(problem)).lower()}"
        raise InvalidUsage(
            [Diagnostic(code="cannot-write-output", severity=Severity.ERROR, message=message, at=Location(STDOUT))]
        )


def _write(stream: TextIO, text: str | bytes) -> tuple[TextIO | None, OSError | None]:
    """Write and flush; a stream whose reader is gone or whose disk is full is given up."""
    try:
        if isinstance(text, str):
            stream.write(text)
        else:
            stream.buffer.write(text)
        stream.flush()
    except OSError as problem:
        _give_up(stream)
        return None, problem
    return stream, None


def _fitting(text: str, stream: TextIO) -> str:
    """Return a text with what the encoding of a stream lacks as JSON escapes: within JSON they mean the same."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeError:
        found = (each if each.isascii() or _has(encoding, each) else json.dumps(each)[1:-1] for each in text)
        return "".join(found)
    return text


def _has(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeError:
        return False
    return True


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
