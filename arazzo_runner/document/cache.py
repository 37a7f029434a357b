"""Large YAML documents, read once and kept on disk as JSON, which is read twenty times as fast.

The cache is keyed by content: the SHA-256 of the text, of the limits it was read under and of
the version that read it. An entry is one JSON file with a checksum, nothing that could run.
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
from arazzo_runner.document.positions import YamlPositions
from arazzo_runner.document.source_map import Document, Limits, read
from arazzo_runner.errors import Location, Problems, Severity

Reader = Callable[..., Document | None]
"""`source_map.read`, or something with the same parameters that remembers."""

MIN_BYTES: Final = 64_000
MAX_BYTES: Final = 200_000_000
_SUFFIX: Final = ".json"
_BINARY: Final = getattr(os, "O_BINARY", 0)  # Windows would change line ends
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # nor wait for a pipe
_CLEAR: Final = "arazzo cache clear removes it; ARAZZO_CACHE_DIR names another folder"


class _Unusable(Exception):
    """An entry, or the folder, must not be used; the message says why."""


class Entries(Record):
    """What is in the cache: the paths of its entries, oldest use first, and their bytes together."""

    paths: tuple[str, ...]
    size: int


def cache_folder(environment: Mapping[str, str]) -> str | None:
    """Return where the cache is: ARAZZO_CACHE_DIR, else `arazzo` in the user's cache folder; None for nowhere.

    The user's cache folder is XDG_CACHE_HOME, else ~/.cache; LOCALAPPDATA on Windows.
    """
    stated = environment.get("ARAZZO_CACHE_DIR", "")
    if stated:
        return os.path.abspath(stated)
    if os.name == "nt":
        base = environment.get("LOCALAPPDATA", "")
        return os.path.join(base, "arazzo", "cache") if base else None
    base = environment.get("XDG_CACHE_HOME", "")
    if not os.path.isabs(base):  # XDG Base Directory Specification: relative paths are to be ignored
        home = environment.get("HOME", "")
        base = os.path.join(home, ".cache") if os.path.isabs(home) else ""
    return os.path.join(base, "arazzo") if base else None


def cached_reader(environment: Mapping[str, str], *, wanted: bool = True) -> Reader:
    """Return what reads documents: through the cache when it is wanted and there may be one, else `read` itself.

    ARAZZO_NO_CACHE with any value turns it off.
    """
    folder = cache_folder(environment) if wanted and not environment.get("ARAZZO_NO_CACHE") else None
    return read if folder is None else DiskCache(folder).read


class DiskCache:
    """The entries of one folder (0700, files 0600), at most `max_bytes` of them: the longest unused go first."""

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
        """Read a document, see `source_map.read`; a large YAML one that was read before comes from the cache.

        Only documents without any Diagnostic are kept. An entry that is damaged or not the user's
        own is not used, which a Diagnostic `cache-ignored` tells.
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
        problems.repeat(own.diagnostics)
        if document is not None and not own.diagnostics and is_ours:
            self._keep(path, document.value)
        return document

    def value(self, key: str) -> JsonValue:
        """Return what was kept under a key (64 hex digits); None when nothing usable was."""
        try:
            _check_owner(os.lstat(self.folder), "its folder")
            return _entry_value(_read_own(os.path.join(self.folder, key + _SUFFIX)))
        except (_Unusable, OSError):
            return None

    def keep(self, key: str, value: JsonValue) -> None:
        """Keep a value under a key (64 hex digits) in place of what was there; without a usable folder, nothing is."""
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
        """Write an entry; a cache that cannot be written is none."""
        try:
            payload = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        except (UnicodeEncodeError, ValueError, RecursionError):
            return
        if len(payload) > self._max_bytes // 2:
            return
        beside = f"{path[: -len(_SUFFIX)]}.{os.getpid()}.new"
        with contextlib.suppress(OSError):
            make_private_folder(self.folder)
            if not self._is_usable():
                return
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
            try:
                with os.fdopen(descriptor, "wb") as stream:
                    stream.write(_header(payload) + payload)
                os.replace(beside, path)
            except OSError:
                os.unlink(beside)
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
        """Return what is in the cache."""
        with contextlib.suppress(OSError):
            known = sorted((each.st_mtime, path, each.st_size) for path, each in self._own_files())
            return Entries(tuple(path for _, path, _ in known), sum(size for _, _, size in known))
        return Entries((), 0)

    def clear(self) -> Entries:
        """Remove all entries and return what they were; raises OSError when one cannot be removed."""
        found = self.entries()
        for path in found.paths:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        return found

    def _own_files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Yield the files of the folder that have names of ours; others are never touched."""
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
        raise _Unusable("it is no JSON") from None


def _read_own(path: str) -> bytes:
    """Read a file that is the user's own, and no link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _BINARY | _NO_LINK)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise _Unusable(problem.strerror or "it cannot be opened") from None
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise _Unusable("it is no file")
        _check_owner(found, "it")
        return stream.read()


def _check_owner(found: os.stat_result, what: str) -> None:
    """Raise _Unusable for what another user owns or may write."""
    if not hasattr(os, "geteuid"):  # Windows: the folder is the user's own by its place
        return
    if stat.S_ISLNK(found.st_mode):
        raise _Unusable(f"{what} is a link")
    if found.st_uid != os.geteuid():
        raise _Unusable(f"{what} belongs to another user")
    if found.st_mode & 0o022:
        raise _Unusable(f"others may write {what}")
