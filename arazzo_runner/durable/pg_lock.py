"""One owner per run on PostgreSQL: an advisory lock, held by a connection; it ends when the process does."""

from __future__ import annotations

from hashlib import sha256
from typing import Any


class AdvisoryLock:
    """A lock that all machines of one PostgreSQL see."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._number = int.from_bytes(sha256(f"arazzo {name}".encode()).digest()[:8], "big", signed=True)
        self._connection: Any = None

    def take(self) -> bool:
        """Take the lock; False when somebody has it. Raises OSError when the server cannot be reached."""
        import psycopg

        try:
            connection = psycopg.connect(self._url, autocommit=True, application_name="arazzo lock")
        except psycopg.Error as problem:
            raise ConnectionError(str(problem)) from None
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", (self._number,)).fetchone()
        if row is None or not row[0]:
            connection.close()
            return False
        self._connection = connection
        return True

    def let_go(self) -> None:
        """Give the lock back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def held(self) -> bool:
        """Whether some process has the lock now."""
        if self._connection is not None:
            return True
        if not self.take():
            return True
        self.let_go()
        return False
