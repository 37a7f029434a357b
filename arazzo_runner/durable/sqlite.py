"""The SQLite file: made readable by its owner only, with a write-ahead log; libraries too old are refused."""

from __future__ import annotations

import os
import sys
from types import ModuleType
from typing import Any

from arazzo_runner.durable.refusal import refusal

OLDEST = (3, 42)


def sqlite_module() -> ModuleType:
    """Return the sqlite3 module to use; raises InvalidUsage when none will do.

    Python 3.12 and newer with a libsqlite before 3.42 cannot run DBOS's migrations (Debian 12 has
    both); pysqlite3-binary brings a library of its own.
    """
    import sqlite3

    if tuple(sys.version_info) < (3, 12) or sqlite3.sqlite_version_info >= OLDEST:
        return sqlite3
    try:
        import pysqlite3
    except ImportError:
        version = sqlite3.sqlite_version
        message = f"this Python has SQLite {version}, which is too old for durable runs"
        hint = "pip install pysqlite3-binary, or name a PostgreSQL with --store"
        raise refusal(message, code="old-sqlite", hint=hint) from None
    module: ModuleType = pysqlite3
    return module


def prepare_file(path: str, sqlite: Any) -> None:
    """Make the file (0600) and turn its write-ahead log on: checkpoints cost a third to a fifth then.

    `synchronous` stays FULL: a checkpoint is on disk when the engine says so. Raises OSError.
    """
    if not os.path.exists(path):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    connection = sqlite.connect(path, timeout=30)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    except sqlite.DatabaseError as problem:
        raise refusal(f"{path} cannot be used as a store: {problem}", code="invalid-store") from None
    finally:
        connection.close()
