"""Console, through which all terminal and pipe output goes, its live line; colours, durations and counts in text."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Final, TextIO

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.report.terminal.wrapping import beginning, below_itself

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "dim": "2", "bold": "1"}
STEP_STYLES = {"passed": "green", "recovered": "yellow", "failed": "red", "skipped": "dim"}


def paint(text: str, style: str, *, color: bool) -> str:
    """Return text in a style (`red`, `bold red`), unchanged without `color`."""
    if not color or not text:
        return text
    codes = ";".join(_CODES[name] for name in style.split())
    return f"\x1b[{codes}m{text}\x1b[0m"


def duration(milliseconds: float) -> str:
    """Return a duration for people: `31 ms`, `2.4 s`, `3 min 20 s`."""
    if milliseconds < 1000:
        return f"{milliseconds:.0f} ms"
    seconds = milliseconds / 1000
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def count(number: int, noun: str) -> str:
    """Return `1 error`, `2 errors`, `2 retries`."""
    if number == 1:
        return f"{number} {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("try") else f"{number} {noun}s"


STDOUT: Final = "<stdout>"
TICK_SECONDS = 0.1
_LEAST_WIDTH = 30
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_FRAMES = "|/-\\"

LiveText = Callable[[float], str]
"""The text of a live line after so many seconds; NUL in it is replaced by the spinner."""


class Console:
    """Writes to stdout and stderr (which is masked), in any encoding; a closed pipe is not an error.

    `color` and `live` say whether stderr takes colours and a live line.
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
        """The number of characters that fit in a live line."""
        return max(20, _terminal_width(self._err) or 80)

    @property
    def text_width(self) -> int | None:
        """The columns that text on stderr is wrapped to: COLUMNS, or those of a terminal; None where nothing wraps."""
        return _text_width(self._err)

    @property
    def text_width_out(self) -> int | None:
        """The columns that text on stdout is wrapped to."""
        return _text_width(self._out)

    def out(self, text: str) -> None:
        """Write a result, which the caller has masked, to stdout.

        Raises InvalidUsage if that fails, unless the reader has closed the pipe (`| head`).
        """
        self._write_out(text if self._out is None else _encodable(text, self._out))

    def words(self, text: str) -> None:
        """Write text for people to stdout like `out`, its lines wrapped between words to the width of stdout."""
        width = self.text_width_out
        self.out(text if width is None else "\n".join(below_itself(line, width) for line in text.split("\n")))

    def document(self, text: str) -> None:
        """Write a document to stdout as UTF-8, whatever the encoding of stdout; raises as `out` does."""
        self._write_out(text.encode("utf-8", "surrogatepass"))

    def deliver(self, content: str | bytes) -> bool:
        """Write a result to stdout like `out`, bytes as they are, but return False if that fails for any reason."""
        if self._out is None:
            return False
        text = content if isinstance(content, bytes) else _encodable(content, self._out)
        self._out, problem = _write(self._out, text)
        return problem is None

    def err(self, text: str) -> None:
        """Write to stderr, with the secrets of the run masked."""
        if self._err is not None:
            self._err, _ = _write(self._err, _encodable(self.secrets.mask(text), self._err))

    def _write_out(self, text: str | bytes) -> None:
        self._out, problem = (None, None) if self._out is None else _write(self._out, text)
        if problem is None or isinstance(problem, BrokenPipeError):
            return
        message = f"standard output cannot be written: {(problem.strerror or str(problem)).lower()}"
        raise InvalidUsage(
            [Diagnostic(code="cannot-write-output", severity=Severity.ERROR, message=message, at=Location(STDOUT))]
        )


def _write(stream: TextIO, text: str | bytes) -> tuple[TextIO | None, OSError | None]:
    """Write and flush; return None instead of the stream, and the problem, if that fails."""
    try:
        if isinstance(text, str):
            stream.write(text)
        else:
            stream.buffer.write(text)
        stream.flush()
    except OSError as problem:
        _redirect_to_null(stream)
        return None, problem
    return stream, None


def _encodable(text: str, stream: TextIO) -> str:
    """Return a text with characters that the stream cannot encode as JSON escapes, which JSON readers undo."""
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeError:
        found = (each if each.isascii() or _can_encode(encoding, each) else json.dumps(each)[1:-1] for each in text)
        return "".join(found)
    return text


def _can_encode(encoding: str, character: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeError:
        return False
    return True


def _redirect_to_null(stream: TextIO) -> None:
    # The rest of the buffer would be flushed at exit and fail again.
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
    """Return whether to use colours, by NO_COLOR, FORCE_COLOR and whether it is a terminal."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return _is_terminal(stream)


def _text_width(stream: TextIO | None) -> int | None:
    given = os.environ.get("COLUMNS", "")
    found = int(given) if given.isdecimal() and len(given) < 6 else _terminal_width(stream)
    return max(_LEAST_WIDTH, found) if found else None


def _terminal_width(stream: TextIO | None) -> int | None:
    try:
        return os.get_terminal_size(stream.fileno()).columns if stream is not None else None
    except (OSError, ValueError):
        return None


def _is_utf8(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().replace("-", "") == "utf8"


# ------------------------------------------------------------------ the live line


class LiveLine:
    """The last line of a terminal, redrawn ten times a second; nothing is shown elsewhere.

    Lines above it must be printed through it. Without `ticking` it changes only when `show` is called.
    """

    def __init__(self, console: Console, *, ticking: bool = False) -> None:
        import threading  # lazily: the HTTP library imports it anyway

        self._console = console
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threading = threading if ticking and console.live else None
        self._ticker: threading.Thread | None = None
        self._text: LiveText | None = None
        self._since = 0.0

    @property
    def shown(self) -> bool:
        """Whether the line is shown now."""
        return self._text is not None

    def show(self, text: LiveText) -> None:
        """Show the line from now on."""
        if not self._console.live:
            return
        with self._lock:
            self._text = text
            self._since = time.monotonic()
            self._draw("…" if self._console.unicode else ".", 0.0)
        if self._threading is not None and self._ticker is None:
            self._ended.clear()
            self._ticker = self._threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def line(self, text: str, *, keep: bool = False) -> None:
        """Print a permanent line; the live line is removed, or redrawn below it with `keep`."""
        with self._lock:
            start = "" if self._text is None else "\r\x1b[2K"
            self._console.err(f"{start}{text}\n")
            if keep and self._text is not None:
                self._draw("…" if self._console.unicode else ".", time.monotonic() - self._since)
            else:
                self._text = None

    def close(self) -> None:
        """Remove the line, because other text follows."""
        self._ended.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        with self._lock:
            if self._text is not None:
                self._text = None
                self._console.err("\r\x1b[2K")

    def _tick(self) -> None:
        frames = _FRAMES if self._console.unicode else _PLAIN_FRAMES
        number = 0
        while not self._ended.wait(TICK_SECONDS):
            number += 1
            with self._lock:
                if self._text is not None:
                    self._draw(frames[number % len(frames)], time.monotonic() - self._since)

    def _draw(self, mark: str, elapsed: float) -> None:
        assert self._text is not None
        text = self._text(elapsed).replace("\0", mark, 1)
        # A line that wraps could not be erased.
        text = beginning(self._console.secrets.mask(text), self._console.width - 1)
        self._console.err(f"\r\x1b[2K{text}")


def elapsed_text(seconds: float) -> str:
    """Return an elapsed time as text, empty in the first second."""
    return f"  {duration(seconds * 1000)}" if seconds >= 1 else ""
