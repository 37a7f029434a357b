"""`arazzo run --watch`: run, wait until a file that was read changes, run again with every file read anew."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable

from arazzo_runner.cli.errors import EXIT_INTERRUPTED
from arazzo_runner.cli.run.options import RunArguments
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.terminal.console import Console, count, paint
from arazzo_runner.sources.fetch import DocumentSnapshot
from arazzo_runner.sources.uris import is_remote, path_of

POLL_SECONDS = 0.3
Stamps = dict[str, tuple[int, int] | None]


def watch(given: RunArguments, run: Callable[[DocumentSnapshot], int], *, poll: float = POLL_SECONDS) -> int:
    """Run again after every change until interrupted; returns 130. `run` stores the documents it reads."""
    console = Console(sys.stdout, sys.stderr, color=False if given.no_color else None)
    stamps: Stamps = {}
    try:
        while True:
            before = _stamps(stamps)
            snapshot = DocumentSnapshot.opened(os.environ)
            code = run(snapshot)
            if code == EXIT_INTERRUPTED:
                return code
            # Compared with what was known before the run, so that a change during the run is not missed.
            stamps = {**_stamps(_files(given, snapshot)), **{path: each for path, each in before.items() if each}}
            _say(console, f"watching {count(len(stamps), 'file')} (Ctrl-C ends)")
            changed = _wait(stamps, poll)
            _say(console, f"{one_line(os.path.relpath(changed))} changed")
    except KeyboardInterrupt:
        console.err("\n")
        return EXIT_INTERRUPTED


def _say(console: Console, text: str) -> None:
    clock = time.strftime("%H:%M:%S")
    console.err(paint(f"── {clock} {text}", "dim", color=console.color) + "\n")


def _wait(stamps: Stamps, poll: float) -> str:
    """Return the first file that has changed, appeared or disappeared."""
    while True:
        now = _stamps(stamps)
        for path, stamp in stamps.items():
            if now[path] != stamp:
                time.sleep(poll / 3)  # an editor may still be writing
                return path
        time.sleep(poll)


def _files(given: RunArguments, snapshot: DocumentSnapshot) -> list[str]:
    """Return the files that a run depends on: documents, descriptions, inputs, rows, settings."""
    named = [*given.specs, *given.include, *given.files]
    named += [path_of(uri) for uri in snapshot.documents if not is_remote(uri)]
    local = (os.path.abspath(path) for path in named if path and not is_remote(path))
    return list(dict.fromkeys(local))


def _stamps(paths: Iterable[str]) -> Stamps:
    return {path: _stamp(path) for path in paths}


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
