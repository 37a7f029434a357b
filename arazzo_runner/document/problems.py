"""Problems: the collection of Diagnostics that reading, linking and compiling share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.base.records import replace
from arazzo_runner.errors import Diagnostic, Fix, Location, Severity


class Problems:
    """Collects Diagnostics, so that one run reports every error; with `strict` warnings become errors."""

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
        """Record an error, which prevents a run."""
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
        """Record a warning: something works, but deviates from the Specification."""
        severity = Severity.ERROR if self._strict else Severity.WARNING
        self._found.setdefault(
            Diagnostic(code=code, severity=severity, message=message, at=at, hint=hint, related=related, fix=fix)
        )

    def info(self, code: str, message: str, at: Location, *, hint: str | None = None) -> None:
        """Record an information."""
        self.add(Diagnostic(code=code, severity=Severity.INFO, message=message, at=at, hint=hint))

    def add(self, diagnostic: Diagnostic) -> None:
        """Record a Diagnostic, unless it is recorded already."""
        self._found.setdefault(diagnostic)

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record several Diagnostics."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

    def repeat(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record Diagnostics of another collection; with `strict` their warnings become errors."""
        for found in diagnostics:
            is_raised = self._strict and found.severity is Severity.WARNING
            self.add(replace(found, severity=Severity.ERROR) if is_raised else found)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The Diagnostics recorded so far, in order."""
        return tuple(self._found)

    @property
    def has_errors(self) -> bool:
        """Whether an error is recorded."""
        return any(found.severity is Severity.ERROR for found in self._found)

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(self._found)
