"""Where durable runs are kept: a SQLite file in the user's state directory, or what --store names.

Standard library only: `arazzo run` looks for unfinished runs without importing anything heavier.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from urllib.parse import urlsplit, urlunsplit

from arazzo_runner.base.private_files import make_private_folder, state_folder
from arazzo_runner.base.records import Record
from arazzo_runner.durable.locks import FileLock
from arazzo_runner.durable.refusal import refusal

STORE_VARIABLE = "ARAZZO_STORE"
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,140}")
_SECONDS_TO_CONNECT = 10


class Store(Record):
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

    @property
    def connection(self) -> str:
        """The URL to connect to: a PostgreSQL that does not answer is given up after a while."""
        if self.path is not None or "connect_timeout" in self.url:
            return self.url
        return f"{self.url}{'&' if '?' in self.url else '?'}connect_timeout={_SECONDS_TO_CONNECT}"

    def lock_of(self, name: str) -> FileLock:
        """Return the (unlocked) lock file of a run or worker; no name from the store leaves the lock folder."""
        if not _FILE_NAME.fullmatch(name):
            name = f"x-{sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()}"
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
        return _in_file(os.path.join(state_folder(), "journal.db"))
    scheme, separator, rest = named.partition(":")
    if scheme in ("postgresql", "postgres") and rest.startswith("//"):
        return Store(_postgresql_url(rest), None)
    if scheme == "sqlite" and rest.startswith("///"):
        return _in_file(rest[3:])
    if separator and rest.startswith("//"):
        message = f'"{scheme}" is no kind of store'
        raise refusal(message, code="invalid-store", hint="write a path, sqlite:///PATH or postgresql://…")
    return _in_file(named)


def _in_file(path: str) -> Store:
    """Return the store in a SQLite file; raises InvalidUsage when SQLite can open no file of that name."""
    path = os.path.abspath(path)
    if "\0" in path or not _is_unicode(path):
        what = "holds a NUL" if "\0" in path else "is not UTF-8"
        hint = "name another place with --store or ARAZZO_STORE"
        raise refusal(f"the path of the store, {path!r}, {what}", code="invalid-store", hint=hint)
    return Store("sqlite:///" + path.replace(os.sep, "/"), path)


def _is_unicode(text: str) -> bool:
    """Return whether a text came from valid UTF-8: Python stands surrogates for other bytes (PEP 383)."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _postgresql_url(rest: str) -> str:
    """Return the URL of a PostgreSQL; raises InvalidUsage when it names no database (RFC 3986, libpq's 34.1.1)."""
    url = f"postgresql:{rest}"
    try:
        parts = urlsplit(url)
        complete = parts.path.strip("/") != "" and parts.port != 0 and "\0" not in url and _is_unicode(url)
    except ValueError:
        complete = False
    if not complete:
        hint = "write postgresql://USER@HOST:PORT/DATABASE"
        raise refusal("the store's URL names no PostgreSQL database", code="invalid-store", hint=hint)
    return url


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
