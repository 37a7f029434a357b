"""Where durable runs are kept: a SQLite file in the user's state directory, or what --store names.

Standard library only: `arazzo run` looks for unfinished runs without importing anything heavier.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from urllib.parse import urlsplit, urlunsplit

from arazzo_runner.durable.locks import FileLock
from arazzo_runner.durable.refusal import refusal
from arazzo_runner.private_files import make_private_folder, state_folder
from arazzo_runner.records import record

STORE_VARIABLE = "ARAZZO_STORE"


@record(frozen=True, slots=True)
class Store:
    """Where runs are kept: `path` is that of a SQLite file, None for PostgreSQL."""

    url: str
    path: str | None

    @property
    def locks(self) -> str:
        """The folder with one file for each run that has not ended, locked while a process has it."""
        if self.path is not None:
            return f"{self.path}.runs"
        return os.path.join(state_folder(), f"store-{sha256(self.url.encode()).hexdigest()[:16]}.runs")

    @property
    def key_file(self) -> str:
        """Where the journal key is when it is neither in the environment nor in the keyring."""
        return f"{os.path.splitext(self.locks)[0]}.key"

    @property
    def shown(self) -> str:
        """The store as messages name it: without a password."""
        if self.path is not None:
            return self.path
        parts = urlsplit(self.url)
        return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))

    def lock_of(self, name: str) -> FileLock:
        """Return the lock of a run or worker (not yet taken)."""
        return FileLock(os.path.join(self.locks, f"{name}.lock"))

    def prepare(self) -> None:
        """Make the folders, readable by their owner only; raises OSError."""
        if self.path is not None:
            make_private_folder(os.path.dirname(self.path))
        make_private_folder(self.locks)


def store_of(given: str | None, environment: Mapping[str, str]) -> Store:
    """Return the store that --store names, else ARAZZO_STORE, else the user's own; raises InvalidUsage."""
    named = given or environment.get(STORE_VARIABLE)
    if not named:
        path = os.path.join(state_folder(), "journal.db")
        return Store(_sqlite_url(path), path)
    scheme, separator, rest = named.partition(":")
    if scheme in ("postgresql", "postgres") and rest.startswith("//"):
        return Store(f"postgresql:{rest}", None)
    if scheme == "sqlite" and rest.startswith("///"):
        path = os.path.abspath(rest[3:])
        return Store(_sqlite_url(path), path)
    if separator and rest.startswith("//"):
        message = f'"{scheme}" is no kind of store'
        raise refusal(message, code="invalid-store", hint="write a path, sqlite:///PATH or postgresql://…")
    path = os.path.abspath(named)
    return Store(_sqlite_url(path), path)


def _sqlite_url(path: str) -> str:
    return "sqlite:///" + path.replace(os.sep, "/")


def unfinished_runs(folder: str, document: str) -> Iterator[str]:
    """Name the runs of a document (as their lock files call it) that nobody carries on."""
    try:
        files = sorted(os.listdir(folder))
    except OSError:
        return
    for file in files:
        name, suffix = os.path.splitext(file)
        if suffix == ".lock" and FileLock(os.path.join(folder, file)).abandoned_by(document):
            yield name
