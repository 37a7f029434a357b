"""Problems: the collection of Diagnostics that reading, linking and compiling share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.errors import Diagnostic, Fix, Judge, Location, Severity, judged


class Problems:
    """Collects Diagnostics, so that one run reports every error; `judge` decides how severe deviations are."""

    def __init__(self, judge: Judge = Judge.VALIDATE) -> None:
        self._found: dict[Diagnostic, None] = {}  # a dict keeps the order and drops repeats in O(1)
        self._judge = judge

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

    def tolerate(
        self,
        code: str,
        message: str,
        at: Location,
        *,
        hint: str | None = None,
        related: tuple[Location, ...] = (),
        fix: Fix | None = None,
    ) -> None:
        """Record an error of the document that has one clear meaning: a run goes on, and warns."""
        found = Diagnostic(
            code=code,
            severity=Severity.ERROR,
            message=message,
            at=at,
            hint=hint,
            related=related,
            fix=fix,
            is_tolerated=True,
        )
        self.add(found)

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
        """Record a warning: something works, but is against a SHOULD or likely a mistake."""
        found = Diagnostic(
            code=code, severity=Severity.WARNING, message=message, at=at, hint=hint, related=related, fix=fix
        )
        self.add(found)

    def info(self, code: str, message: str, at: Location, *, hint: str | None = None) -> None:
        """Record an information."""
        self.add(Diagnostic(code=code, severity=Severity.INFO, message=message, at=at, hint=hint))

    def has_error(self, at: Location, code: str) -> bool:
        """Return whether an error of this code is recorded at a location."""
        return any(each.code == code and each.at == at for each in self._found)

    def add(self, diagnostic: Diagnostic) -> None:
        """Record a Diagnostic, unless it is recorded already."""
        self._found.setdefault(judged(diagnostic, self._judge))

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Record several Diagnostics."""
        for diagnostic in diagnostics:
            self.add(diagnostic)

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
