"""One owner per run: an operating system's lock on a file, which a process that dies lets go of.

The file is there as long as its run has not ended; its text says what the run is of.
"""

from __future__ import annotations

import contextlib
import os
import sys

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


# Windows locks bytes, and nobody else can read those: one far behind the text.
_FAR = 1 << 30


class FileLock:
    """A lock that the operating system lets go of when the process ends, however it ends."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self, text: str) -> bool:
        """Take the lock and write `text` into its file; False when another process has it. Raises OSError."""
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _lock(descriptor)
            except OSError:
                os.close(descriptor)
                return False
            if self._is_the_file(descriptor):
                break
            os.close(descriptor)  # whoever had it has removed it meanwhile: the name means another file now
        self._descriptor = descriptor
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.ftruncate(descriptor, 0)
        os.write(descriptor, text.encode("utf-8", "backslashreplace"))
        return True

    def _is_the_file(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(self.path))
        except OSError:
            return False

    def let_go(self, *, ended: bool) -> None:
        """Give the lock back; the file goes with it when what it stands for has `ended`."""
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

    def abandoned_by(self, text: str) -> bool:
        """Whether the file says `text` and no process has its lock."""
        try:
            with open(self.path, encoding="utf-8") as file:
                return file.read() == text and not self.held
        except (OSError, ValueError):
            return False
