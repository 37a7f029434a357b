"""Files with secrets: readable by their owner only, and never half written."""

from __future__ import annotations

import contextlib
import os
import stat
from typing import Final

from arazzo_runner.base.user_files import check_name, make_folders, open_pipe

_LONGEST_NAME: Final = 255  # bytes, of nearly all file systems


class PrivateFile:
    """A file of mode 0600 that is replaced atomically.

    `prepare` checks that it can be written, before anything depends on it.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._created = False
        self._special = False
        self._pipe: int | None = None
        self.moved_for: OSError | None = None
        self._begun = False

    @classmethod
    def prepare(cls, path: str) -> PrivateFile:
        """Return a file that can be written, created empty if missing; raises OSError."""
        file = cls(path)
        check_name(path)
        if os.path.isdir(path):
            raise IsADirectoryError(21, "it is a directory", path)
        if os.path.exists(path) and not stat.S_ISREG(os.stat(path).st_mode):
            file._special = True  # a pipe or /dev/null cannot be replaced, only written
            file._pipe = open_pipe(path)
            return file
        if os.path.lexists(path):
            os.unlink(file._new_beside(b""))
        else:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            file._created = True
        return file

    @property
    def is_replaceable(self) -> bool:
        """Whether it can be written more than once, unlike a pipe or device."""
        return not self._special

    def write(self, content: str | bytes) -> None:
        """Replace the content; on return it is on disk."""
        data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
        if self._special:
            pipe, self._pipe = self._pipe, None
            with open(self.path if pipe is None else pipe, "wb") as stream:
                stream.write(data)
            return
        temporary = self._new_beside(data)
        try:
            os.replace(temporary, self.path)
        except OSError:
            os.unlink(temporary)
            raise
        _sync_folder(os.path.dirname(os.path.abspath(self.path)))

    def write_somewhere(self, content: str | bytes) -> OSError | None:
        """Write like `write`; if that fails, switch to a new file in the folder for temporary files.

        `path` is then that of the new file, and this and all later calls return the failure. Raises
        OSError if the new file cannot be written either.
        """
        try:
            self.write(content)
        except OSError as problem:
            import tempfile  # lazily: only for a full disk

            name, suffix = os.path.splitext(os.path.basename(self.path))
            descriptor, path = tempfile.mkstemp(suffix, f"{name}-")  # mode 0600, and a unique name
            os.close(descriptor)
            moved = PrivateFile(path)
            moved._created = True
            try:
                moved.write(content)
            except OSError:
                moved.discard()
                raise
            self.discard()
            self.path, self._created, self._special = path, True, False
            self.moved_for = problem
        return self.moved_for

    def append(self, text: str) -> None:
        """Append text; the first call discards the previous content."""
        if not self._begun:
            self._begun = True
            if not self._special:
                self.write("")
        with open(self.path if self._pipe is None else self._pipe, "ab", closefd=self._pipe is None) as stream:
            stream.write(text.encode("utf-8", "backslashreplace"))
            stream.flush()
            if not self._special:
                os.fsync(stream.fileno())

    def discard(self) -> None:
        """Remove the file if `prepare` created it, because it is not needed."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if self._created:
            with contextlib.suppress(OSError):
                os.unlink(self.path)

    def _name_beside(self) -> str:
        folder, name = os.path.split(self.path)
        suffix = f".{os.getpid()}.new"
        # Cut the name, so that the suffix fits into the longest possible name.
        return os.path.join(folder, os.fsdecode(os.fsencode(name)[: _LONGEST_NAME - len(suffix)]) + suffix)

    def _new_beside(self, data: bytes) -> str:
        temporary = self._name_beside()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError:
            os.unlink(temporary)
            raise
        return temporary


def _sync_folder(folder: str) -> None:
    # A new name is on disk only once its folder is; Windows cannot open folders, and need not.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def state_folder() -> str:
    """Return the user's state directory for arazzo: XDG_STATE_HOME, else ~/.local/state; LOCALAPPDATA on Windows."""
    if os.name == "nt" and os.environ.get("LOCALAPPDATA"):
        return os.path.join(os.environ["LOCALAPPDATA"], "arazzo")
    base = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(base):  # XDG Base Directory Specification: ignore relative paths
        base = os.path.join(os.path.expanduser("~"), ".local", "state")
    return os.path.join(base, "arazzo")


def make_private_folder(path: str) -> None:
    """Create a folder (0700) and its missing parents; raises OSError."""
    parent = os.path.dirname(path)
    if parent and not os.path.isdir(parent):
        make_folders(parent, 0o700)
    make_folders(path, 0o700)
