"""What is wrong, where, and what to write instead: the one record every layer reports with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Protocol

from arazzo_runner.base.records import PartlyComparedRecord, Record, replace


class Severity(str, Enum):
    """How much a Diagnostic matters: an error stops a run, the others do not."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Span(Record):
    """Where a node begins and ends in a text; lines and columns count from 1, in characters."""

    line: int
    column: int
    end_line: int
    end_column: int


class Positions(Protocol):
    """Whatever can tell where in a text a JSON Pointer (RFC 6901) stands."""

    def key(self, pointer: str) -> Span | None:
        """Return the span of the mapping key that `pointer` ends in, None for array items and the root."""

    def value(self, pointer: str) -> Span | None:
        """Return the span of the value at `pointer`; None when there is none."""

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        """Return (line, column) of character `offset` inside the scalar text at `pointer`."""

    def line_text(self, line: int) -> str:
        """Return line number `line` (1-based) without its line break."""


class Location(PartlyComparedRecord):
    """A place in a document: its URI and a JSON Pointer, line and column looked up only when asked for.

    `on_key` points at the mapping key instead of the value; `offset` and `length` narrow
    the place to characters inside a scalar (an expression inside a longer text).
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
        """Line and column, looked up together."""
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
        """The column after the last character; a node of several lines ends with its first line."""
        line, column = self.start
        return None if line is None or column is None else self.end_after(line, column)

    def end_after(self, line: int, column: int) -> int | None:
        """Return `end_column`, when line and column are known already."""
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
        """The text of the line, to be shown above a caret."""
        line = self.line
        return None if line is None or self.positions is None else self.positions.line_text(line)

    def child(self, key: str | int) -> Location:
        """Return the place of a member or item of this place."""
        if isinstance(key, str) and ("~" in key or "/" in key):
            key = key.replace("~", "~0").replace("/", "~1")
        return Location(self.uri, f"{self.pointer}/{key}", self.positions)

    def at_key(self) -> Location:
        """Return this place, pointing at its mapping key."""
        return Location(self.uri, self.pointer, self.positions, True, self.offset, self.length)

    def within(self, offset: int, length: int = 1) -> Location:
        """Return the place `offset` characters into this scalar."""
        return Location(self.uri, self.pointer, self.positions, self.on_key, offset, length)

    def _span(self) -> Span | None:
        if self.positions is None:
            return None
        key = self.positions.key(self.pointer) if self.on_key else None
        return key or self.positions.value(self.pointer)


class Change(str, Enum):
    """What an Edit does: put a text in the place of something, take an entry away, put quotes around a scalar."""

    REPLACE = "replace"
    REMOVE = "remove"
    QUOTE = "quote"


class Edit(Record):
    """A change of a document in terms of its values; how that is spelt in YAML or JSON is decided when it is made.

    REPLACE puts `text` in the place of the scalar (or key) at `at`, or of the characters of it
    that `offset` and `length` of the place say; a place without a JSON Pointer, such as a comment, is
    replaced as it stands. REMOVE takes the member or list item at `at` away, QUOTE makes a text of
    a number, as it is written.
    """

    at: Location
    text: str = ""
    change: Change = Change.REPLACE


class Fix(Record):
    """How a finding is mended: all edits or none. A safe one keeps what the document does."""

    edits: tuple[Edit, ...]
    is_safe: bool = True


def replacing(at: Location, text: str, *, is_safe: bool = True) -> Fix:
    """Return the Fix that writes `text` at a place."""
    return Fix((Edit(at, text),), is_safe)


def removing(at: Location, *, is_safe: bool = True) -> Fix:
    """Return the Fix that takes a member or list item away."""
    return Fix((Edit(at, change=Change.REMOVE),), is_safe)


class Diagnostic(PartlyComparedRecord, kw_only=True):
    """One finding: `code` names its rule, `at` its place, `hint` what to write instead, `fix` how to mend it."""

    _ignored_in_eq = ("fix",)

    code: str
    severity: Severity
    message: str
    at: Location
    hint: str | None = None
    related: tuple[Location, ...] = ()
    fix: Fix | None = None

    def __hash__(self) -> int:
        return hash((self.code, self.at, self.message))

    def __str__(self) -> str:
        place = f"{self.at.uri}:{self.at.line}:{self.at.column}" if self.at.line else self.at.uri
        hint = f" (hint: {self.hint})" if self.hint else ""
        return f"{self.severity.value}[{self.code}] {place}: {self.message}{hint}"


class Problems:
    """Collects the Diagnostics of all stages, so that one run shows every mistake.

    With `strict` every warning is recorded as an error (semantics: `--strict`).
    """

    def __init__(self, *, strict: bool = False) -> None:
        self._found: dict[Diagnostic, None] = {}  # a dict keeps the order and drops repeats in O(1)
        self._strict = strict

    def error(
        self,
        code: str,
        message: str,
        at: Location,
        *,
        hint: str | None = None,
        related: tuple[Location, ...] = (),
        fix: Fix | None = None,
    ) -> None:
        """Record what must be mended before anything runs."""
        self._found.setdefault(
            Diagnostic(code=code, severity=Severity.ERROR, message=message, at=at, hint=hint, related=related, fix=fix)
        )

    def warn(
        self,
        code: str,
        message: str,
        at: Location,
        *,
        hint: str | None = None,
        related: tuple[Location, ...] = (),
        fix: Fix | None = None,
    ) -> None:
        """Record what works, but is not what the Specification says."""
        severity = Severity.ERROR if self._strict else Severity.WARNING
        self._found.setdefault(
            Diagnostic(code=code, severity=severity, message=message, at=at, hint=hint, related=related, fix=fix)
        )

    def info(self, code: str, message: str, at: Location, *, hint: str | None = None) -> None:
        """Record what a reader may want to know."""
        self.add(Diagnostic(code=code, severity=Severity.INFO, message=message, at=at, hint=hint))

    def add(self, diagnostic: Diagnostic) -> None:
        """Record a ready-made Diagnostic once."""
        self._found.setdefault(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record several."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def repeat(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record what another collection has found, as if it were found now (with `strict` warnings are errors)."""
        for found in diagnostics:
            is_raised = self._strict and found.severity is Severity.WARNING
            self.add(replace(found, severity=Severity.ERROR) if is_raised else found)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything recorded so far, in the order found."""
        return tuple(self._found)

    @property
    def has_errors(self) -> bool:
        """Whether anything recorded forbids running."""
        return any(found.severity is Severity.ERROR for found in self._found)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found)


class ArazzoError(Exception):
    """Something the caller must mend; `diagnostics` tell what, where and how."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(map(str, self.diagnostics)))


class InvalidDescription(ArazzoError):
    """The Arazzo Description, or a description it names, has errors."""


class InvalidInputs(ArazzoError):
    """The inputs given do not fit the workflow's inputs schema."""


class UnknownWorkflow(ArazzoError):
    """There is no workflow of that name, or no name was given and there are several."""


class InvalidUsage(ArazzoError):
    """An option or argument makes no sense for this document (an unknown source name, a file that cannot be opened)."""


def did_you_mean(word: str, known: Iterable[str], *, prefix: str = "did you mean ") -> str | None:
    """Return a hint that names the nearest known words, None when none is near.

    Example: `did_you_mean("getPetz", ["getPet"])` gives `did you mean "getPet"?`.
    """
    import difflib  # only mistakes need it, and it is one of the slower ones to import

    names = list(known)
    by_fold = {name.casefold(): name for name in names}
    near = difflib.get_close_matches(word.casefold(), by_fold, n=3, cutoff=0.6)
    if not near:
        return None
    return prefix + " or ".join(f'"{by_fold[name]}"' for name in near) + "?"
