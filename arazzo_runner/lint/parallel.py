"""Lint many documents in several processes, if there is enough work to pay for starting them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.errors import Diagnostic, Location, Span
from arazzo_runner.lint.pipeline import Linted, Linter, LintOptions

_MOST_PROCESSES: Final = 61  # the limit of Windows
_BYTES_FOR_A_PROCESS: Final = 2_000_000  # a process checks fewer in the time that another takes to start


class FixedSpan(Record):
    """The position of one finding without its document, so that it can be sent to another process."""

    span: Span | None
    text: str
    inside: tuple[int, int] | None

    def key(self, pointer: str) -> Span | None:
        """Return the one position that is known."""
        return self.span

    def value(self, pointer: str) -> Span | None:
        """Return the one position that is known."""
        return self.span

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return the position inside a text."""
        return self.inside

    def line_text(self, line: int) -> str:
        """Return the one line that is known."""
        return self.text


def processes(documents: Sequence[str], requested: int | None) -> int:
    """Return how many processes to use: as many as requested, else as many as have enough work."""
    if requested is not None:
        return max(1, min(requested, len(documents), _MOST_PROCESSES))
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if available < 2 or len(documents) < 8:
        return 1
    total = sum(os.path.getsize(name) for name in documents if os.path.isfile(name))
    return max(1, min(available, total // _BYTES_FOR_A_PROCESS))


def lint_in_parallel(
    names: Sequence[str], documents: Sequence[str], options: LintOptions, number: int
) -> tuple[dict[str, Linted], dict[str, JsonValue]]:
    """Lint some of the documents in several processes; return results by name, and those for the result cache.

    Documents without a result, because the system has no more processes, files or memory, are left to the caller.
    """
    import multiprocessing  # lazily, as the next: most validations are of a few documents
    from concurrent.futures import ProcessPoolExecutor
    from concurrent.futures.process import BrokenProcessPool

    settings = Linter(documents, replace(options, use_cache=False))
    for name in names:
        settings.settings_for(name)  # raises for an invalid configuration before any process is started
    # Neighbouring documents often share a description, so each process takes a range of them.
    size = -(-len(names) // (number * 4))
    chunks = [names[start : start + size] for start in range(0, len(names), size)]
    context = multiprocessing.get_context("spawn")
    found: dict[str, Linted] = {}
    new_results: dict[str, JsonValue] = {}
    # Without semaphores (no /dev/shm) the import raises ImportError, or creating one OSError.
    broken = contextlib.suppress(OSError, ImportError, BrokenProcessPool)
    with broken, ProcessPoolExecutor(number, mp_context=context) as pool:
        for results, new in pool.map(_lint_chunk, chunks, [documents] * len(chunks), [options] * len(chunks)):
            found.update((linted.name, linted) for linted in results)
            new_results.update(new)
    return found, new_results


def _lint_chunk(
    chunk: Sequence[str], documents: Sequence[str], options: LintOptions
) -> tuple[list[Linted], dict[str, JsonValue]]:
    """Lint some of the documents, in a worker process."""
    linter = Linter(documents, options)
    linted = [linter.lint(name) for name in chunk]
    sent = [replace(each, findings=tuple(map(_without_document, each.findings)), document=None) for each in linted]
    return sent, linter.new_results


def _without_document(found: Diagnostic) -> Diagnostic:
    fix = found.fix
    if fix is not None:
        fix = replace(fix, edits=())  # only whether there is a fix is reported
    return replace(found, at=_place(found.at), related=tuple(map(_place, found.related)), fix=fix)


def _place(at: Location) -> Location:
    if at.positions is None:
        return at
    line, column, end = at.line, at.column, at.end_column
    span = None if line is None or column is None else Span(line, column, line, end or column + 1)
    inside = None if at.offset is None or line is None or column is None else (line, column)
    positions: Any = FixedSpan(span, at.source_line or "", inside)
    return replace(at, positions=positions)
