"""The documents that were read when the server began: which of their files have changed since."""

from __future__ import annotations

import os
from collections.abc import Iterable

from arazzo_runner.report.escaping import one_line
from arazzo_runner.sources.uris import is_remote, path_of


class Sources:
    """Documents as they were read. They are not read again: what a client was offered is what runs."""

    def __init__(self, uris: Iterable[str] = ()) -> None:
        paths = dict.fromkeys(path_of(uri) for uri in uris if not is_remote(uri))
        self._before = {path: _stamp(path) for path in paths}

    def changes(self) -> list[str]:
        """Return a note when a document has changed on disk."""
        changed = [os.path.basename(path) for path, before in self._before.items() if _stamp(path) != before]
        if not changed:
            return []
        return [one_line(f"Changed since this server began, which still runs what it read then: {', '.join(changed)}")]


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size
