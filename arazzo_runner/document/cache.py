"""Caches of documents: large YAML ones on disk, as JSON, and those of several loads in memory.

Reading the JSON is twenty times as fast. The key is the SHA-256 of the text, the limits and the
version of this program; an entry is a JSON file with a checksum, never executable.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.private_files import make_private_folder
from arazzo_runner.base.records import Record
from arazzo_runner.base.version import __version__
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, Limits, read
from arazzo_runner.document.yaml_positions import YamlPositions
from arazzo_runner.errors import Diagnostic, Location, Severity

Reader = Callable[..., Document | None]
"""`source_map.read`, or a caching function with the same parameters."""

MIN_BYTES: Final = 64_000
MAX_BYTES: Final = 200_000_000
_SUFFIX: Final = ".json"
_BINARY: Final = getattr(os, "O_BINARY", 0)  # no conversion of line ends on Windows
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # follow no link, wait for no pipe
_CLEAR: Final = "arazzo cache clear removes it; ARAZZO_CACHE_DIR names another folder"


class _Unusable(Exception):
    """The folder or an entry must not be used; the message gives the reason."""


class Entries(Record):
    """The entries of the cache: their paths, least recently used first, and their total size in bytes."""

    paths: tuple[str, ...]
    size: int


def cache_folder(environment: Mapping[str, str]) -> str | None:
    """Return the cache folder: ARAZZO_CACHE_DIR, else `arazzo` in the user's cache folder; None if there is none.

    The user's cache folder is XDG_CACHE_HOME, else ~/.cache; LOCALAPPDATA on Windows.
    """
    stated = environment.get("ARAZZO_CACHE_DIR", "")
    if stated:
        return os.path.abspath(stated)
    if os.name == "nt":
        base = environment.get("LOCALAPPDATA", "")
        return os.path.join(base, "arazzo", "cache") if base else None
    base = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # XDG Base Directory Specification: relative paths are ignored
        home = environment.get("HOME", "")
        base = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    return os.path.join(base, "arazzo") if base else None


def cached_reader(environment: Mapping[str, str], *, wanted: bool = True) -> Reader:
    """Return a reader that uses the on-disk cache if it is wanted and there is a folder for it, else `read`.

    ARAZZO_NO_CACHE with any value turns it off.
    """
    folder = cache_folder(environment) if wanted and not environment.get("ARAZZO_NO_CACHE") else None
    return read if folder is None else DiskCache(folder).read


class DiskCache:
    """A cache in one folder (0700, files 0600) of at most `max_bytes`; the least recently used entries go first."""

    def __init__(self, folder: str, *, max_bytes: int = MAX_BYTES) -> None:
        self.folder = folder
        self._max_bytes = max_bytes

    def read(
        self,
        data: bytes,
        uri: str,
        problems: Problems,
        *,
        limits: Limits | None = None,
        duplicates: Severity = Severity.ERROR,
    ) -> Document | None:
        """Read a document as `source_map.read` does, large YAML ones from the cache if possible.

        Only documents without any Diagnostic are cached. An entry that is damaged or not the user's
        own is ignored, with a Diagnostic `cache-ignored`.
        """
        limits = limits or Limits()
        if not MIN_BYTES <= len(data) <= limits.max_bytes or data[:200].lstrip()[:1] in (b"{", b"["):
            return read(data, uri, problems, limits=limits, duplicates=duplicates)
        path = os.path.join(self.folder, _key(data, limits) + _SUFFIX)
        try:
            return self._kept(path, data, uri)
        except FileNotFoundError:
            is_ours = True
        except (_Unusable, OSError) as problem:
            is_ours = not isinstance(problem, _Unusable) or self._is_usable()
            message = f"a cached document is not used: {problem}"
            problems.info("cache-ignored", message, Location(path), hint=_CLEAR)
        own = Problems()
        document = read(data, uri, own, limits=limits, duplicates=duplicates)
        problems.extend(own.diagnostics)
        if document is not None and not own.diagnostics and is_ours:
            self._keep(path, document.value)
        return document

    def value(self, key: str) -> JsonValue:
        """Return the value stored under a key (64 hex digits); None when there is no usable entry."""
        try:
            _check_owner(os.lstat(self.folder), "its folder")
            return _entry_value(_read_own(os.path.join(self.folder, key + _SUFFIX)))
        except (_Unusable, OSError):
            return None

    def keep(self, key: str, value: JsonValue) -> None:
        """Store a value under a key (64 hex digits), if the folder is usable."""
        self._keep(os.path.join(self.folder, key + _SUFFIX), value)

    # ------------------------------------------------------------------ entries

    def _kept(self, path: str, data: bytes, uri: str) -> Document:
        """Return the document of an entry; raises FileNotFoundError, _Unusable or OSError."""
        _check_owner(os.lstat(self.folder), "its folder")
        value = _entry_value(_read_own(path))
        with contextlib.suppress(OSError):
            os.utime(path)
        text = data.removeprefix(b"\xef\xbb\xbf").decode()
        return Document(uri, value, YamlPositions(text))

    def _is_usable(self) -> bool:
        try:
            _check_owner(os.lstat(self.folder), "its folder")
        except (OSError, _Unusable):
            return False
        return True

    def _keep(self, path: str, value: JsonValue) -> None:
        """Write an entry; failures are ignored."""
        try:
            payload = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except (UnicodeEncodeError, ValueError, RecursionError):
            return
        if len(payload) > self._max_bytes // 2:
            return
        temporary = f"{path[: -len(_SUFFIX)]}.{os.getpid()}.new"
        with contextlib.suppress(OSError):
            make_private_folder(self.folder)
            if not self._is_usable():
                return
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(_header(payload) + payload)
                os.replace(temporary, path)
            except OSError:
                os.unlink(temporary)
                raise
            self._make_room()

    def _make_room(self) -> None:
        found = self.entries()
        left = found.size
        for path in found.paths:
            if left <= self._max_bytes:
                return
            left -= os.path.getsize(path)
            os.unlink(path)

    def entries(self) -> Entries:
        """Return the entries of the cache."""
        with contextlib.suppress(OSError):
            known = sorted((each.st_mtime, path, each.st_size) for path, each in self._own_files())
            return Entries(tuple(path for _, path, _ in known), sum(size for _, _, size in known))
        return Entries((), 0)

    def clear(self) -> Entries:
        """Remove all entries and return them; raises OSError when one cannot be removed."""
        found = self.entries()
        for path in found.paths:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return found

    def _own_files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the files in the folder that are named like entries; others are never touched."""
        with os.scandir(self.folder) as found:
            for each in found:
                name = each.name.partition(".")[0]
                is_named = len(name) == 64 and not name.strip("0123456789abcdef")
                if is_named and each.name.endswith((_SUFFIX, ".new")) and each.is_file(follow_symlinks=False):
                    yield each.path, each.stat(follow_symlinks=False)


# ------------------------------------------------------------------ one entry


def _key(data: bytes, limits: Limits) -> str:
    import hashlib  # lazily: few documents are large

    digest = hashlib.sha256(f"{__version__}\0{limits.max_bytes}\0{limits.max_depth}\0{limits.max_nodes}\0".encode())
    digest.update(data)
    return digest.hexdigest()


def _header(payload: bytes) -> bytes:
    from binascii import crc32

    return f'{{"arazzo-cache":1,"bytes":{len(payload)},"crc32":{crc32(payload)}}}\n'.encode()


def _entry_value(text: bytes) -> JsonValue:
    header, _, payload = text.partition(b"\n")
    if header + b"\n" != _header(payload):
        raise _Unusable("it is damaged")
    try:
        return json.loads(payload)
    except (ValueError, RecursionError):
        raise _Unusable("it is not JSON") from None


def _read_own(path: str) -> bytes:
    """Return the bytes of a regular file that the user owns; raises _Unusable for any other."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _BINARY | _NO_LINK)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise _Unusable(problem.strerror or "it cannot be opened") from None
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _Unusable("it is not a file")
        _check_owner(found, "it")
        return stream.read()


def _check_owner(found: os.stat_result, what: str) -> None:
    """Raise _Unusable for a file or folder that another user owns or may write."""
    if not hasattr(os, "geteuid"):  # Windows: the folder is in the user's profile
        return
    if stat.S_ISLNK(found.st_mode):
        raise _Unusable(f"{what} is a link")
    if found.st_uid != os.geteuid():
        raise _Unusable(f"{what} belongs to another user")
    if found.st_mode & 0o022:
        raise _Unusable(f"others may write {what}")


# ------------------------------------------------------------------ in memory

_MOST_BYTES: Final = 64_000_000


class ReadCache:
    """A cache in memory, by name and content: one description of fifty documents is read once.

    The Diagnostics of reading a document are repeated to each of its readers.
    """

    def __init__(self, reader: Reader = read) -> None:
        self._reader = reader
        self._found: dict[tuple[str, Severity], tuple[bytes, Document | None, tuple[Diagnostic, ...]]] = {}
        self._bytes = 0

    def read(
        self,
        data: bytes,
        uri: str,
        problems: Problems,
        *,
        limits: Limits | None = None,
        duplicates: Severity = Severity.ERROR,
        keep: bool = True,
    ) -> Document | None:
        """Read a document as `source_map.read` does, unless it was read before; `keep` stores it."""
        known = self._found.get((uri, duplicates))
        if known is None or known[0] != data:
            own = Problems()
            document = self._reader(data, uri, own, limits=limits, duplicates=duplicates)
            known = data, document, own.diagnostics
            if keep:
                self._keep((uri, duplicates), known)
        problems.extend(known[2])
        return known[1]

    def _keep(self, key: tuple[str, Severity], known: tuple[bytes, Document | None, tuple[Diagnostic, ...]]) -> None:
        self._bytes += len(known[0])
        if self._bytes > _MOST_BYTES:
            self._found.clear()
            self._bytes = len(known[0])
        self._found[key] = known
