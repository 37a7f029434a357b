"""The command line as a process of its own, whose lines on standard error are read as they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the environment of a process: nothing of the run of the tests, state in a folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARAZZO_", "PYTHON"))}
    return {**kept, "PYTHONPATH": str(ROOT), "ARAZZO_NO_CACHE": "1", "XDG_STATE_HOME": str(folder), **more}


class Process:
    """`arazzo WORD…` in a folder."""

    def __init__(self, folder: Path, *words: str, variables: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "arazzo_runner", *words],
            cwd=folder,
            env=environment(folder, **(variables or {})),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out = self.err = ""
        self._changed = threading.Condition()
        self._readers = [threading.Thread(target=self._read, args=(name,), daemon=True) for name in ("out", "err")]
        for reader in self._readers:
            reader.start()

    def wait_for(self, text: str) -> None:
        """Return when a text stands on standard error."""
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.err, PATIENCE), f"{text!r} does not come:\n{self.err}"

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait for its end and return its exit code."""
        code = self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def close(self) -> None:
        """End it at once, if it is still there."""
        self._process.kill()
        self.end()

    def _read(self, name: str) -> None:
        pipe = self._process.stdout if name == "out" else self._process.stderr
        assert pipe is not None
        with pipe:
            for line in pipe:
                with self._changed:
                    setattr(self, name, getattr(self, name) + line)
                    self._changed.notify_all()


@contextmanager
def started(folder: Path, *words: str, variables: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Run `arazzo WORD…` beside the block; it does not outlive it."""
    process = Process(folder, *words, variables=variables)
    try:
        yield process
    finally:
        process.close()
