"""Find the configuration file of a document: the nearest one above it, within its repository."""

from __future__ import annotations

import os
from typing import Final

from arazzo_runner.base.user_files import UnusableFile, read_file

OWN_FILE: Final = "arazzo.toml"
SHARED_FILE: Final = "pyproject.toml"
_TABLE: Final = b"[tool.arazzo"


def find_configuration(start: str) -> str | None:
    """Return the path of the configuration file for a file or folder, None without one.

    Looks for `arazzo.toml`, then for a pyproject.toml with a table `tool.arazzo`, in each folder
    upwards as far as that of the repository (`.git`).
    """
    return Configurations().above(start)


class Configurations:
    """The configuration files of folders; each folder is searched once, however many documents it has."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def above(self, start: str) -> str | None:
        """Return the path that `find_configuration` returns."""
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
    if os.path.lexists(own):  # also a folder or a broken link: reading it reports the error
        return own
    shared = os.path.join(folder, SHARED_FILE)
    return shared if _has_table(shared) else None


def _has_table(path: str) -> bool:
    # Nearly every Python project has a pyproject.toml: parse it only if it contains the table.
    try:
        return _TABLE in read_file(path, regular=True).replace(b" ", b"")
    except UnusableFile:
        return False
