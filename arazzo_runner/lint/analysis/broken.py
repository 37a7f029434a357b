"""Where a document already has errors: what stands there is not judged a second time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from arazzo_runner.errors import Diagnostic, Location, Severity


class BrokenPlaces:
    """The places of the errors found before; parts of a document that have none were compiled whole."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        self._pointers: dict[str, list[str]] = {}
        for found in diagnostics:
            if found.severity is Severity.ERROR:
                self._pointers.setdefault(found.at.uri, []).append(found.at.pointer + "/")
        for pointers in self._pointers.values():
            pointers.sort()

    def inside(self, at: Location, field: str = "") -> bool:
        """Tell whether there is an error at a place, or at a field of it, or below."""
        pointers = self._pointers.get(at.uri)
        if pointers is None:
            return False
        prefix = f"{at.pointer}/{field}/" if field else f"{at.pointer}/"
        index = bisect_left(pointers, prefix)
        return index < len(pointers) and pointers[index].startswith(prefix)
