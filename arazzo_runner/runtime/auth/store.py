"""The store of rotated refresh tokens: on disk before they are used, one owner at a time (security.md).

A refresh token that was given (environment, file, keyring) begins a chain: each use may replace it.
The chain's file says which token is the current one, and, from before the token is sent until its
answer is on disk, that the outcome of sending it is unknown: a token that was used up and is sent
again would make many servers revoke all of them (RFC 9700 §4.14.2).
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import json
import os
import sys
from typing import Any

from arazzo_runner.base.private_files import PrivateFile, make_private_folder, state_folder
from arazzo_runner.base.records import Record
from arazzo_runner.base.user_files import UnusableFile, json_of, read_file, text_of


class UnusableStore(Exception):
    """The store cannot be read or written; the message says why, without quoting it."""


class ChainState(Record):
    """The content of a chain's file: the current token, and whether it was sent with an unknown outcome."""

    refresh_token: str
    pending: bool = False


class TokenStore:
    """The chains of this user; `folder` is theirs (default: in the user's state directory)."""

    def __init__(self, folder: str | None = None) -> None:
        self._folder = folder

    def chain(self, token_url: str, client_id: str, given: str) -> Chain:
        """Return the chain of refresh tokens that began with this one at a server."""
        # The name must not reveal the token: it is a hash of the token and what belongs to it.
        text = json.dumps([token_url, client_id, given]).encode("utf-8", "surrogatepass")
        folder = self._folder or os.path.join(state_folder(), "credentials")
        return Chain(os.path.join(folder, hashlib.sha256(text).hexdigest()[:32]), given, token_url)


class Chain:
    """A refresh token and its successors; read and written only while it is locked."""

    def __init__(self, path: str, given: str, token_url: str) -> None:
        self.path = f"{path}.json"
        self._lock_path = f"{path}.lock"
        self._given = given
        self._token_url = token_url
        self._locked: int | None = None

    def try_lock(self) -> bool:
        """Lock the chain for this process and thread; return False when another has it; raises UnusableStore."""
        try:
            make_private_folder(os.path.dirname(self._lock_path))
            descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as problem:
            raise _unusable(self._lock_path, problem) from None
        try:
            taken = _lock(descriptor)
        except OSError as problem:
            os.close(descriptor)
            raise _unusable(self._lock_path, problem) from None
        if taken:
            self._locked = descriptor
            self._sweep()
        else:
            os.close(descriptor)
        return taken

    def _sweep(self) -> None:
        """Remove the unfinished files of a process that was killed."""
        for left in glob.glob(f"{glob.escape(self.path)}.*.new"):
            with contextlib.suppress(OSError):
                os.unlink(left)

    def unlock(self) -> None:
        """Unlock the chain; the end of the process unlocks it too."""
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None

    def read(self) -> ChainState:
        """Return the current token; raises UnusableStore when the file is not as it was written."""
        try:
            raw = json_of(text_of(read_file(self.path, regular=True)))
            return ChainState(_text(raw["refreshToken"]), bool(raw["pending"]))
        except UnusableFile as problem:
            if problem.number == errno.ENOENT:
                return ChainState(self._given)
            raise UnusableStore(f"{self.path}: {problem}") from None
        except (ValueError, KeyError, TypeError):
            raise UnusableStore(f"{self.path} is not as it was written") from None

    def write(self, kept: ChainState) -> None:
        """Replace the content of the file; on return it is on disk. Raises UnusableStore."""
        record = {"tokenUrl": self._token_url, "refreshToken": kept.refresh_token, "pending": kept.pending}
        try:
            PrivateFile(self.path).write(json.dumps(record) + "\n")
        except OSError as problem:
            raise _unusable(self.path, problem) from None


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("no text")
    return value


def _unusable(path: str, problem: OSError) -> UnusableStore:
    return UnusableStore(f"{path}: {(problem.strerror or str(problem)).lower()}")


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True
else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        # flock belongs to the open file, so it keeps threads of one process apart too.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
