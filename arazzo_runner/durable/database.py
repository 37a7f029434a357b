"""The SQLite database: a private file with a write-ahead log; SQLite libraries that are too old are refused."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from types import ModuleType
from typing import Any

import sqlalchemy

from arazzo_runner.base.settings import STORE
from arazzo_runner.durable.errors import refusal, unusable
from arazzo_runner.durable.store import Store
from arazzo_runner.errors import InvalidUsage

OLDEST = (3, 42)
SECONDS_LOCKED = 30
_DBOS_TABLE = "dbos_migrations"


def sqlite_module() -> ModuleType:
    """Return the sqlite3 module to use; raises InvalidUsage if none is new enough.

    Python 3.12 and newer with a libsqlite before 3.42 (Debian 12 has both) cannot run DBOS's
    migrations; pysqlite3-binary has a library of its own.
    """
    import sqlite3

    if tuple(sys.version_info) < (3, 12) or sqlite3.sqlite_version_info >= OLDEST:
        return sqlite3
    try:
        import pysqlite3
    except ImportError:
        version = sqlite3.sqlite_version
        message = f"this Python has SQLite {version}, which is too old for durable runs"
        hint = f"pip install pysqlite3-binary, or name a PostgreSQL with {STORE}"
        raise refusal(message, code="old-sqlite", hint=hint) from None
    module: ModuleType = pysqlite3
    return module


def prepare_file(path: str, sqlite: Any) -> None:
    """Create the file (0600) and switch its write-ahead log on: checkpoints then cost a third to a fifth.

    `synchronous` stays FULL, so that a checkpoint is on disk when it returns. Raises InvalidUsage if
    the file cannot be used, or is another program's database, which is left unchanged.
    """
    try:
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with contextlib.closing(sqlite.connect(path, timeout=SECONDS_LOCKED)) as connection:
            _check_owner(path, connection)
            connection.execute("PRAGMA journal_mode=WAL")
    except OSError as problem:
        raise _not_opened(path, problem.strerror or str(problem)) from None
    except sqlite.DatabaseError as problem:
        reason = _why_not_opened(path)
        raise (_not_opened(path, reason) if reason else unusable(path, problem)) from None


def _why_not_opened(path: str) -> str | None:
    """Return why SQLite is "unable to open database file", None if the file can be read and written.

    The file must not be opened to find out: closing it would drop all locks that this process has on it
    (POSIX, fcntl), and another process could remove the write-ahead log under a run
    (https://sqlite.org/howtocorrupt.html §2.2).
    """
    try:
        mode = os.stat(path).st_mode
    except OSError as problem:
        return problem.strerror or str(problem)
    if not stat.S_ISREG(mode):
        return os.strerror(errno.EISDIR) if stat.S_ISDIR(mode) else "it is not a regular file"
    return None if os.access(path, os.R_OK | os.W_OK) else os.strerror(errno.EACCES)


def _not_opened(path: str, reason: str) -> InvalidUsage:
    hint = f"name a writable file of yours with {STORE}"
    return refusal(f"the store {path} cannot be opened: {reason}", code="invalid-store", hint=hint)


def _check_owner(path: str, connection: Any) -> None:
    """Refuse a database that has tables but not DBOS's, which must not be added to it."""
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if names and _DBOS_TABLE not in names:
        message = f"{path} is the database of another program"
        raise refusal(message, code="invalid-store", hint=f"name a new file with {STORE}")


def database(store: Store) -> Any:
    """Return a SQLAlchemy engine for a SQLite store, set up as by DBOS; None for PostgreSQL, where DBOS makes it."""
    if store.path is None:
        return None
    module = sqlite_module()
    prepare_file(store.path, module)
    engine = sqlalchemy.create_engine(store.url, module=module)
    sqlalchemy.event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: Any, record: Any) -> None:
    connection.isolation_level = "IMMEDIATE"
    for pragma in ("busy_timeout=30000", "foreign_keys=ON", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
