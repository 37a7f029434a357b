"""Finding the configuration file of a document: the nearest one above it, within its repository."""

from __future__ import annotations

import os
from typing import Final

from arazzo_runner.base.user_files import UnusableFile, read_file

OWN_FILE: Final = "arazzo.toml"
SHARED_FILE: Final = "pyproject.toml"
_TABLE: Final = b"[tool.arazzo"


def find_configuration(start: str) -> str | None:
    """Return the path of the configuration file that holds for a file or folder; None when there is none.

    In each folder upwards `arazzo.toml` is looked for, then a pyproject.toml with a table
    `tool.arazzo`; the search ends at the folder of a repository (`.git`).
    """
    return Configurations().above(start)


class Configurations:
    """Which configuration file holds where; each folder is looked into once, so many documents cost little."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def above(self, start: str) -> str | None:
        """Return what `find_configuration` does."""
        folder = os.path.abspath(start)
        return self._of(folder if os.path.isdir(folder) else os.path.dirname(folder))

    def _of(self, folder: str) -> str | None:
        passed: list[str] = []
        while folder not in self._known:
            passed.append(folder)
            found, parent = _in_folder(folder), os.path.dirname(folder)
            if found is not None or parent == folder or os.path.exists(os.path.join(folder, ".git")):
                break
            folder = parent
        else:
            found = self._known[folder]
        self._known.update(dict.fromkeys(passed, found))
        return found


def _in_folder(folder: str) -> str | None:
    own = os.path.join(folder, OWN_FILE)
    if os.path.lexists(own):  # a folder or a broken link too: who reads it says what is wrong
        return own
    shared = os.path.join(folder, SHARED_FILE)
    return shared if _has_table(shared) else None


def _has_table(path: str) -> bool:
    # Nearly every Python project has a pyproject.toml: it is parsed only when it speaks of us.
    try:
        return _TABLE in read_file(path, regular=True).replace(b" ", b"")
    except UnusableFile:
        return False
