"""The last line of a terminal, which changes while something goes on: what, how long already, how long still."""

from __future__ import annotations

import time
from collections.abc import Callable

from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.style import duration

TICK_SECONDS = 0.1
_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN_FRAMES = "|/-\\"

Told = Callable[[float], str]
"""What the line says after so many seconds."""


class LiveLine:
    """A line that is drawn anew ten times a second, where stderr is a terminal; elsewhere nothing is shown.

    Lines above it are printed through it, so that the two do not mix. Without `ticking` it only
    changes when it is told to.
    """

    def __init__(self, console: Console, *, ticking: bool = False) -> None:
        import threading  # lazily: the HTTP library imports it anyway

        self._console = console
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._threading = threading if ticking and console.live else None
        self._ticker: threading.Thread | None = None
        self._told: Told | None = None
        self._since = 0.0

    @property
    def shown(self) -> bool:
        """Whether there is such a line now."""
        return self._told is not None

    def show(self, told: Told) -> None:
        """Show a line from now on."""
        if not self._console.live:
            return
        with self._lock:
            self._told = told
            self._since = time.monotonic()
            self._draw("…" if self._console.unicode else ".", 0.0)
        if self._threading is not None and self._ticker is None:
            self._ended.clear()
            self._ticker = self._threading.Thread(target=self._tick, daemon=True)
            self._ticker.start()

    def line(self, text: str, *, keep: bool = False) -> None:
        """Print a line for good; the changing one goes away, or comes back below with `keep`."""
        with self._lock:
            start = "" if self._told is None else "\r\x1b[2K"
            self._console.err(f"{start}{text}\n")
            if keep and self._told is not None:
                self._draw("…" if self._console.unicode else ".", time.monotonic() - self._since)
            else:
                self._told = None

    def close(self) -> None:
        """Take the line away: other text follows."""
        self._ended.set()
        if self._ticker is not None:
            self._ticker.join()
            self._ticker = None
        with self._lock:
            if self._told is not None:
                self._told = None
                self._console.err("\r\x1b[2K")

    def _tick(self) -> None:
        frames = _FRAMES if self._console.unicode else _PLAIN_FRAMES
        number = 0
        while not self._ended.wait(TICK_SECONDS):
            number += 1
            with self._lock:
                if self._told is not None:
                    self._draw(frames[number % len(frames)], time.monotonic() - self._since)

    def _draw(self, mark: str, elapsed: float) -> None:
        assert self._told is not None
        text = self._told(elapsed).replace("\0", mark, 1)
        # A line that wraps could not be taken back.
        text = self._console.secrets.mask(text)[: self._console.width - 1]
        self._console.err(f"\r\x1b[2K{text}")


def elapsed_text(seconds: float) -> str:
    """Return how long something has gone on; nothing in its first second."""
    return f"  {duration(seconds * 1000)}" if seconds >= 1 else ""
