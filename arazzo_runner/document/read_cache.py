"""Documents that many others name, such as one OpenAPI description below fifty workflows, are read once."""

from __future__ import annotations

from typing import Final

from arazzo_runner.document.cache import Reader
from arazzo_runner.document.source_map import Document, Limits, read
from arazzo_runner.errors import Diagnostic, Problems, Severity

_MOST_BYTES: Final = 64_000_000


class ReadCache:
    """`read`, remembered by name and content; what a text's reading found is told to everyone who reads it."""

    def __init__(self, reader: Reader = read) -> None:
        self._reader = reader
        self._found: dict[tuple[str, Severity], tuple[bytes, Document | None, tuple[Diagnostic, ...]]] = {}
        self._bytes = 0

    def read(
        self,
        data: bytes,
        uri: str,
        problems: Problems,
        *,
        limits: Limits | None = None,
        duplicates: Severity = Severity.ERROR,
        keep: bool = True,
    ) -> Document | None:
        """Read a document, see `source_map.read`; one of the same name and content is not read again.

        One that nobody else is known to name need not be kept: memory that stays takes time, too.
        """
        known = self._found.get((uri, duplicates))
        if known is None or known[0] != data:
            own = Problems()
            document = self._reader(data, uri, own, limits=limits, duplicates=duplicates)
            known = data, document, own.diagnostics
            if keep:
                self._keep((uri, duplicates), known)
        problems.repeat(known[2])
        return known[1]

    def _keep(self, key: tuple[str, Severity], known: tuple[bytes, Document | None, tuple[Diagnostic, ...]]) -> None:
        self._bytes += len(known[0])
        if self._bytes > _MOST_BYTES:
            self._found.clear()
            self._bytes = len(known[0])
        self._found[key] = known
