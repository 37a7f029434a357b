"""Many documents in several processes, when there is so much to do that starting them pays."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.errors import Diagnostic, Location, Span
from arazzo_runner.lint.pipeline import Linted, Linter, LintOptions

_MOST_PROCESSES: Final = 61  # Windows waits for no more
_BYTES_FOR_A_PROCESS: Final = 2_000_000  # what one checks in the time that another takes to start, with some to spare


class Settled(Record):
    """The place of one finding without the document it is in: what can be sent from process to process."""

    span: Span | None
    text: str
    inside: tuple[int, int] | None

    def key(self, pointer: str) -> Span | None:
        """Return the place, whatever is asked for."""
        return self.span

    def value(self, pointer: str) -> Span | None:
        """Return the place, whatever is asked for."""
        return self.span

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return the place inside a text."""
        return self.inside

    def line_text(self, line: int) -> str:
        """Return the one line that is known."""
        return self.text


def processes(documents: Sequence[str], asked: int | None) -> int:
    """Return how many processes to use: as many as asked for, else as many as have enough to do."""
    if asked is not None:
        return max(1, min(asked, len(documents), _MOST_PROCESSES))
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if available < 2 or len(documents) < 8:
        return 1
    total = sum(os.path.getsize(name) for name in documents if os.path.isfile(name))
    return max(1, min(available, total // _BYTES_FOR_A_PROCESS))


def lint_in_parallel(
    names: Sequence[str], documents: Sequence[str], options: LintOptions, number: int
) -> tuple[dict[str, Linted], dict[str, JsonValue]]:
    """Lint some of the documents in several processes; return what was found, and what is to be remembered of it.

    What is not found because the system has no more processes, files, semaphores or memory is left to the caller.
    """
    import multiprocessing  # lazily, as the next: most validations are of a few documents
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    settings = Linter(documents, replace(options, remembers=False))
    for name in names:
        settings.settings_for(name)  # raises for mistakes in a configuration, before any process is started
    # Neighbours often share a description: each process takes a run of them.
    size = -(-len(names) // (number * 4))
    chunks = [names[start : start + size] for start in range(0, len(names), size)]
    context = multiprocessing.get_context("spawn")
    found: dict[str, Linted] = {}
    learned: dict[str, JsonValue] = {}
    # Without semaphores (no /dev/shm) the import says ImportError, or making one OSError.
    broken = contextlib.suppress(OSError, ImportError, BrokenProcessPool)
    with broken, ProcessPoolExecutor(number, mp_context=context) as pool:
        for results, news in pool.map(_lint_chunk, chunks, [documents] * len(chunks), [options] * len(chunks)):
            found.update((linted.name, linted) for linted in results)
            learned.update(news)
    return found, learned


def _lint_chunk(
    chunk: Sequence[str], documents: Sequence[str], options: LintOptions
) -> tuple[list[Linted], dict[str, JsonValue]]:
    """Lint some of the documents; this runs in a process of its own."""
    linter = Linter(documents, options)
    linted = [linter.lint(name) for name in chunk]
    settled = [replace(each, findings=tuple(map(_settled, each.findings)), document=None) for each in linted]
    return settled, linter.learned


def _settled(found: Diagnostic) -> Diagnostic:
    fix = found.fix
    if fix is not None:
        fix = replace(fix, edits=())  # only whether there is one is told
    return replace(found, at=_place(found.at), related=tuple(map(_place, found.related)), fix=fix)


def _place(at: Location) -> Location:
    if at.positions is None:
        return at
    line, column, end = at.line, at.column, at.end_column
    span = None if line is None or column is None else Span(line, column, line, end or column + 1)
    inside = None if at.offset is None or line is None or column is None else (line, column)
    positions: Any = Settled(span, at.source_line or "", inside)
    return replace(at, positions=positions)
