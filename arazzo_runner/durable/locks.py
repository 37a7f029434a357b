"""One owner per run or worker: a file lock on this machine and, with PostgreSQL, a lock that every machine sees.

The operating system and the server release these locks when the process ends, however it ends. The
file of a run exists until the run has ended; its text names the run's document.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from arazzo_runner.base.settings import STORE
from arazzo_runner.durable.errors import refusal, unreachable
from arazzo_runner.durable.store import Store

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


_FAR = 1 << 30  # Windows locks bytes, which nobody else can read then: lock one far behind the text
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,140}")


class Ownership:
    """The exclusive right to carry out a run, or to be a worker, of a `name`."""

    def __init__(self, store: Store, name: str) -> None:
        self._file = _file_lock(store, name)
        self._shown = store.shown
        self._everywhere = None if store.path is not None else _AdvisoryLock(store.connection, name)

    def take(self, text: str) -> bool:
        """Take it and write `text` into the lock file; return False if another process has it."""
        try:
            if not self._file.take(text):
                return False
        except OSError as problem:
            message = f"{self._file.path} cannot be written: {problem.strerror or problem}"
            raise refusal(message, code="invalid-store", hint=f"name a writable path with {STORE}") from None
        if self._everywhere is None:
            return True
        try:
            taken = self._everywhere.take()
        except OSError as problem:
            self._file.release(ended=True)
            raise unreachable(self._shown, problem) from None
        if not taken:
            self._file.release(ended=False)
        return taken

    def release(self, *, ended: bool) -> None:
        """Release it; `ended` removes the lock file, because the run or worker has ended."""
        if self._everywhere is not None:
            self._everywhere.release()
        self._file.release(ended=ended)

    @property
    def held(self) -> bool:
        """Whether a living process has it."""
        if self._everywhere is None:
            return self._file.held
        try:
            return self._everywhere.held
        except OSError as problem:
            raise unreachable(self._shown, problem) from None


def _file_lock(store: Store, name: str) -> _FileLock:
    """Return the lock file of a run or worker; a name read from the store cannot lead out of the lock folder."""
    if not _FILE_NAME.fullmatch(name):
        name = f"x-{sha256(name.encode('utf-8', 'backslashreplace')).hexdigest()}"
    return _FileLock(os.path.join(store.locks, f"{name}.lock"))


def unfinished_runs(folder: str, document: str) -> Iterator[str]:
    """Yield the ids of a document's unfinished runs that no process carries out, by their lock files."""
    try:
        files = sorted(os.listdir(folder))
    except OSError:
        return
    for file in files:
        name, suffix = os.path.splitext(file)
        if suffix == ".lock" and _FileLock(os.path.join(folder, file)).is_abandoned(document):
            yield name


class _FileLock:
    """An operating system lock on a file."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self, text: str) -> bool:
        """Take the lock and write `text` into its file; return False if another process has it. Raises OSError."""
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _lock(descriptor)
            except OSError:
                os.close(descriptor)
                return False
            if self._is_current(descriptor):
                break
            os.close(descriptor)  # its owner removed it meanwhile: the name means another file now
        self._descriptor = descriptor
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, text.encode("utf-8", "backslashreplace"))
        return True

    def _is_current(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except OSError:
            return False

    def release(self, *, ended: bool) -> None:
        """Release the lock; `ended` removes its file."""
        if self._descriptor is None:
            return
        if ended and sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.unlink(self.path)
        os.close(self._descriptor)
        self._descriptor = None
        if ended and sys.platform == "win32":
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    @property
    def held(self) -> bool:
        """Whether some process has the lock now."""
        try:
            descriptor = os.open(self.path, os.O_RDWR)
        except OSError:
            return False
        try:
            _lock(descriptor)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def is_abandoned(self, text: str) -> bool:
        """Return whether the file contains `text` and no process has its lock."""
        try:
            with open(self.path, encoding="utf-8") as file:
                return file.read() == text and not self.held
        except (OSError, ValueError):
            return False


class _AdvisoryLock:
    """A lock of a PostgreSQL connection, which ends with it."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._number = int.from_bytes(sha256(f"arazzo {name}".encode()).digest()[:8], "big", signed=True)
        self._connection: Any = None

    def take(self) -> bool:
        """Take the lock; return False if it is taken. Raises OSError if the server cannot be reached."""
        import psycopg  # lazily: SQLite stores do not need it

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

    def release(self) -> None:
        """Release the lock."""
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
        self.release()
        return False
