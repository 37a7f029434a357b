"""Where a document already has errors: what stands there is not judged a second time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from arazzo_runner.diagnostics import Diagnostic, Location, Severity


class BrokenPlaces:
    """The places of the errors found before; parts of a document that have none were compiled whole."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self._pointers: dict[str, list[str]] = {}
        for found in diagnostics:
            if found.severity is Severity.ERROR:
                self._pointers.setdefault(found.at.uri, []).append(found.at.pointer + "/")
        for pointers in self._pointers.values():
            pointers.sort()

    @property
    def is_empty(self) -> bool:
        """Whether the documents have no errors."""
        return not self._pointers

    def inside(self, at: Location) -> bool:
        """Tell whether there is an error at a place or below it."""
        pointers = self._pointers.get(at.uri, [])
        prefix = at.pointer + "/"
        index = bisect_left(pointers, prefix)
        return index < len(pointers) and pointers[index].startswith(prefix)
