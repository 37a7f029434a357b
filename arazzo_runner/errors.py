"""Diagnostics, their locations and fixes, the exceptions that carry them, and suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Protocol

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.records import PartlyComparedRecord, Record, replace


class Severity(str, Enum):
    """The severity of a Diagnostic; only an error prevents a run."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Judge(str, Enum):
    """By what a document is judged: by the Specification (VALIDATE), by whether it can be run (RUN), or STRICT.

    STRICT makes every warning an error; RUN makes a warning of every error with one clear meaning.
    """

    VALIDATE = "validate"
    RUN = "run"
    STRICT = "strict"


class Span(Record):
    """Where a node begins and ends in a text; lines and columns count from 1, in characters."""

    line: int
    column: int
    end_line: int
    end_column: int


class Positions(Protocol):
    """The positions of JSON Pointers (RFC 6901) in a text."""

    def key(self, pointer: str) -> Span | None:
        """Return the span of the mapping key that `pointer` ends in, None for array items and the root."""

    def value(self, pointer: str) -> Span | None:
        """Return the span of the value at `pointer`; None when there is none."""

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return (line, column) of character `offset` inside the scalar text at `pointer`."""

    def line_text(self, line: int) -> str:
        """Return line number `line` (1-based) without its line break."""


class Location(PartlyComparedRecord):
    """A location in a document: its URI and a JSON Pointer; line and column are computed on demand.

    `on_key` selects the mapping key instead of the value; `offset` and `length` select characters
    inside a scalar (an expression in a longer text).
    """

    _hidden_in_repr = ("positions",)
    _ignored_in_eq = ("positions",)

    uri: str
    pointer: str = ""
    positions: Positions | None = None
    on_key: bool = False
    offset: int | None = None
    length: int = 1

    def __hash__(self) -> int:
        return hash((self.uri, self.pointer, self.offset))

    @property
    def line(self) -> int | None:
        """The line, counted from 1; None when the document has no text."""
        return self.start[0]

    @property
    def column(self) -> int | None:
        """The column, counted from 1 in characters."""
        return self.start[1]

    @property
    def start(self) -> tuple[int | None, int | None]:
        """Line and column."""
        if self.positions is None:
            return None, None
        if self.offset is not None:
            inside = self.positions.scalar_column(self.pointer, self.offset)
            if inside is not None:
                return inside
        span = self._span()
        return (None, None) if span is None else (span.line, span.column)

    @property
    def end_column(self) -> int | None:
        """The column after the last character in the first line of the node."""
        line, column = self.start
        return None if line is None or column is None else self.end_after(line, column)

    def end_after(self, line: int, column: int) -> int | None:
        """Return `end_column`, given line and column."""
        if self.positions is None:
            return None
        if self.offset is not None:
            return column + max(1, self.length)
        span = self._span()
        if span is not None and span.end_line == line:
            return max(span.end_column, column + 1)
        return max(column + 1, len(self.positions.line_text(line).rstrip()) + 1)

    @property
    def source_line(self) -> str | None:
        """The text of the line."""
        line = self.line
        return None if line is None or self.positions is None else self.positions.line_text(line)

    def child(self, key: str | int) -> Location:
        """Return the location of a member or item."""
        token = escaped(key) if isinstance(key, str) else key
        return Location(self.uri, f"{self.pointer}/{token}", self.positions)

    def at_key(self) -> Location:
        """Return the location of this value's mapping key."""
        return Location(self.uri, self.pointer, self.positions, True, self.offset, self.length)

    def within(self, offset: int, length: int = 1) -> Location:
        """Return the location of characters in this scalar."""
        return Location(self.uri, self.pointer, self.positions, self.on_key, offset, length)

    def _span(self) -> Span | None:
        if self.positions is None:
            return None
        key = self.positions.key(self.pointer) if self.on_key else None
        return key or self.positions.value(self.pointer)


class Change(str, Enum):
    """The kinds of an Edit: replace a text, remove an entry, put a scalar in quotes, write a mapping in its place."""

    REPLACE = "replace"
    REMOVE = "remove"
    QUOTE = "quote"
    NEST = "nest"


class Edit(Record):
    """A change of a value in a document, written as YAML or JSON when it is applied.

    REPLACE writes `text` instead of the scalar or key at `at`, or of its characters given by `offset`
    and `length`; a location without a JSON Pointer (a comment) is replaced literally. REMOVE removes
    the member or list item at `at`, QUOTE turns a number into a text, NEST writes a mapping of texts, which `text` is
    as JSON, instead of a scalar.
    """

    at: Location
    text: str = ""
    change: Change = Change.REPLACE


class Fix(Record):
    """The edits that fix a finding, all of them or none; a safe fix keeps the document's behaviour."""

    edits: tuple[Edit, ...]
    is_safe: bool = True


def replacing(at: Location, text: str, *, is_safe: bool = True) -> Fix:
    """Return the Fix that writes `text` at a location."""
    return Fix((Edit(at, text),), is_safe)


def removing(at: Location, *, is_safe: bool = True) -> Fix:
    """Return the Fix that removes a member or list item."""
    return Fix((Edit(at, change=Change.REMOVE),), is_safe)


class Diagnostic(PartlyComparedRecord, kw_only=True):
    """One finding: `code` names its rule, `at` its location, `hint` what to write instead, `fix` the edits that do.

    `is_tolerated`: it is an error of the document that a run goes on over, with a warning.
    """

    _ignored_in_eq = ("fix", "is_tolerated")

    code: str
    severity: Severity
    message: str
    at: Location
    hint: str | None = None
    related: tuple[Location, ...] = ()
    fix: Fix | None = None
    is_tolerated: bool = False

    def __hash__(self) -> int:
        return hash((self.code, self.at, self.message))

    def __str__(self) -> str:
        place = f"{self.at.uri}:{self.at.line}:{self.at.column}" if self.at.line else self.at.uri
        hint = f" (hint: {self.hint})" if self.hint else ""
        return f"{self.severity.value}[{self.code}]{place and f' {place}'}: {self.message}{hint}"


def judged(found: Diagnostic, judge: Judge) -> Diagnostic:
    """Return a finding with the severity that a judge gives it."""
    if judge is Judge.STRICT:
        return replace(found, severity=Severity.ERROR) if found.severity is Severity.WARNING else found
    if judge is Judge.RUN and found.is_tolerated and found.severity is Severity.ERROR:
        return replace(found, severity=Severity.WARNING)
    return found


class ArazzoError(Exception):
    """An error that the caller must fix, as `diagnostics` describe."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


class InvalidDescription(ArazzoError):
    """The Arazzo Description, or one of its source descriptions, has errors."""


class InvalidInputs(ArazzoError):
    """The inputs do not match the workflow's inputs schema."""


class UnknownWorkflow(ArazzoError):
    """There is no workflow of that name, or no name is given and there are several."""


class InvalidUsage(ArazzoError):
    """An option or argument makes no sense for this document (an unknown source name, a file that cannot be opened)."""


# ---- Suggestions for misspelt names.


def did_you_mean(word: str, known: Iterable[str], *, prefix: str = "did you mean ") -> str | None:
    """Return a hint with the most similar known words, None when none is similar.

    Example: `did_you_mean("getPetz", ["getPet"])` gives `did you mean "getPet"?`.
    """
    import difflib  # lazily: it is slow to import, and only errors need it

    names = list(known)
    by_fold = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), by_fold, n=3, cutoff=0.6)
    if not near:
        return None
    return prefix + " or ".join(f'"{by_fold[name]}"' for name in near) + "?"


def similar_or_all(name: str, known: Iterable[str]) -> str | None:
    """Return a hint with the most similar known names, with all of them when none is similar, None without any.

    Example: `similar_or_all("dog", ["cat"])` gives `available: cat`.
    """
    names = list(known)
    return did_you_mean(name, names) or (f"available: {', '.join(names)}" if names else None)
