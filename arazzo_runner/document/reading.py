"""The state of reading one text: its limits, its positions and its errors."""

from __future__ import annotations

from typing import Final

from arazzo_runner.base.json_values import preview
from arazzo_runner.base.records import MutableRecord, Record
from arazzo_runner.base.settings import DOCUMENT_DEPTH, DOCUMENT_NODES
from arazzo_runner.document.positions import FixedPositions, TextPositions
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Diagnostic, Location, Severity

MOST_REPEATS: Final = 100
"""The number of repeated keys reported, so that a hostile document does not cause a million Diagnostics."""


MOST_DEPTH: Final = 200
"""The upper bound of `max_depth`: values are walked recursively, and Python allows 1,000 nested calls."""


class Limits(Record):
    """Limits of one document.

    - `max_bytes`: of its text (default 20 MB).
    - `max_depth`: of nested mappings and lists (default 100).
    - `max_nodes`: values in it, each alias counted with all that it repeats (default 1,000,000).
    """

    max_bytes: int = 20_000_000
    max_depth: int = 100
    max_nodes: int = 1_000_000


class Unreadable(Exception):
    """The text cannot be read; `place` is the line and column, counted from 1, of `length` characters."""

    def __init__(
        self, code: str, message: str, place: tuple[int, int] | None = None, hint: str | None = None, length: int = 1
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.place = place
        self.hint = hint
        self.length = length


class Reading(MutableRecord):
    """A text being read; `duplicates` is the severity of a repeated key."""

    text: str
    uri: str
    problems: Problems
    limits: Limits
    duplicates: Severity
    positions: TextPositions
    repeats: int = 0

    @property
    def is_strict(self) -> bool:
        """Return whether an author can be asked to correct the text: it is no description of an API."""
        return self.duplicates is not Severity.WARNING

    def place(self, line: int, column: int, pointer: str = "", length: int = 1) -> Location:
        """Return a location given by line and column, before the text has JSON Pointers."""
        return Location(self.uri, pointer, FixedPositions(self.positions, line, column, length))

    def refuse(self, problem: Unreadable) -> None:
        """Report why the text cannot be read."""
        at = Location(self.uri) if problem.place is None else self.place(*problem.place, "", problem.length)
        self.problems.error(problem.code, problem.message, at, hint=problem.hint)

    def second_document(self, at: Location) -> None:
        """Report a second YAML document, which is not read."""
        report = self.problems.warn if self.duplicates is Severity.WARNING else self.problems.tolerate
        message = "only the first YAML document of a file is read"
        report("second-document", message, at, hint="put it in a file of its own")

    def repeated_key(self, key: str, pointer: str, first: tuple[int, int], second: tuple[int, int]) -> None:
        """Report a repeated key of a mapping with both of its lines (semantics §1)."""
        self.repeats += 1
        if self.repeats > MOST_REPEATS:
            return
        lines = f"line {first[0]}" if first[0] == second[0] else f"lines {first[0]} and {second[0]}"
        message = f"the key {preview(key)} is duplicated in a mapping ({lines}); the last one counts"
        if self.repeats == MOST_REPEATS:
            message += "; further repeated keys are not listed"
        at, related = self.place(*second, pointer, len(key)), (self.place(*first, pointer, len(key)),)
        if self.duplicates is Severity.WARNING:
            self.problems.warn("duplicate-key", message, at, hint="remove one", related=related)
            return
        self.problems.add(
            Diagnostic(
                code="duplicate-key",
                severity=self.duplicates,
                message=message,
                at=at,
                hint="remove one",
                related=related,
            )
        )


def too_deep(limits: Limits, place: tuple[int, int] | None) -> Unreadable:
    """Return the error of a text nested deeper than the limit."""
    message = f"the document is nested deeper than {limits.max_depth}"
    return Unreadable("document-too-deep", message, place, f"raise {DOCUMENT_DEPTH} if you trust it")


def too_many_nodes(limits: Limits, place: tuple[int, int], *, aliases: bool) -> Unreadable:
    """Return the error of a text with too many nodes; `aliases`: they come from alias expansion."""
    hint = f"raise {DOCUMENT_NODES} if you trust it"
    if aliases:
        message = f"the document has more than {limits.max_nodes:,} nodes once its aliases are expanded"
        return Unreadable("alias-expansion", message, place, hint)
    message = f"the document has more than {limits.max_nodes:,} nodes"
    return Unreadable("document-too-large", message, place, hint)
