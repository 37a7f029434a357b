"""Reading documents: the one place that opens files and fetches descriptions (security: choke point)."""

from __future__ import annotations

import os
import stat
from typing import Final, Protocol
from urllib.parse import urlsplit

from arazzo_runner.records import record
from arazzo_runner.sources.uris import is_remote, path_of

MAX_DESCRIPTION_BYTES: Final = 50_000_000
SUFFIXES: Final = (".yaml", ".yml", ".json")


class FetchError(Exception):
    """A document cannot be had; `message` quotes nothing of it, `hint` says what helps."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Fetch(Protocol):
    """Reads the document at an absolute URI; raises FetchError."""

    def __call__(self, uri: str) -> bytes:
        """Return the document's bytes."""


@record(frozen=True, slots=True)
class Policy:
    """What may be read: `root` bounds files that `$ref`s lead to, `offline` forbids the network.

    `allow_private` lets remote documents lead to private and loopback addresses.
    """

    root: str
    offline: bool = False
    allow_private: bool = False
    max_bytes: int = MAX_DESCRIPTION_BYTES


@record(frozen=True, slots=True)
class DocumentFetch:
    """Fetches the documents of one load by its Policy."""

    policy: Policy

    def __call__(self, uri: str) -> bytes:
        """Read a source description: a file with a usual suffix anywhere, or a URL."""
        if is_remote(uri):
            return self._remote(uri)
        path = path_of(uri)
        if not path:
            raise FetchError(f"{urlsplit(uri).scheme}: URLs are not read", "give a file or an http(s) URL")
        if not path.lower().endswith(SUFFIXES):
            raise FetchError(f"{os.path.basename(path)} is no .yaml, .yml or .json file")
        return self._file(path)

    def entry(self, uri: str) -> bytes:
        """Read what the user named: any file, or a URL."""
        return self._remote(uri) if is_remote(uri) else self._file(path_of(uri))

    def referenced(self, uri: str, base: str) -> bytes:
        """Read what a `$ref` in the document at `base` leads to: files only from files, below the root."""
        if is_remote(uri):
            return self._remote(uri)
        if is_remote(base):
            raise FetchError("a remote document must not lead to a file")
        path = path_of(uri)
        if not is_below(path, self.policy.root):
            raise FetchError(f"{os.path.basename(path)} is outside of {self.policy.root}", "allow it with --root DIR")
        return self(uri)

    def _file(self, path: str) -> bytes:
        try:
            mode = os.stat(path).st_mode
            if stat.S_ISDIR(mode):
                raise FetchError(f"{path} is a directory", "name a file")
            if not stat.S_ISREG(mode):
                raise FetchError(f"{path} is no regular file")
            with open(path, "rb") as file:
                data = file.read(self.policy.max_bytes + 1)
        except FileNotFoundError:
            raise FetchError(f"{path} does not exist") from None
        except (OSError, ValueError) as problem:
            reason = problem.strerror if isinstance(problem, OSError) else "its name is not usable"
            raise FetchError(f"{path} cannot be read: {reason}") from None
        return _limited(data, self.policy.max_bytes)

    def _remote(self, uri: str) -> bytes:
        if self.policy.offline:
            raise FetchError("remote documents are not read here")
        host = urlsplit(uri).hostname or ""
        if not self.policy.allow_private and leads_inside(host):
            raise FetchError(f"{host} is a private or loopback address", "allow it with --allow-remote")
        return _download(uri, self.policy.max_bytes)


def make_fetch(
    entry: str, *, root: str | None = None, offline: bool = False, allow_private: bool = False
) -> DocumentFetch:
    """Return the Fetch for a load that begins with `entry` (a URI); the root defaults to its repository."""
    start = os.path.dirname(path_of(entry)) if not is_remote(entry) else os.getcwd()
    return DocumentFetch(Policy(os.path.abspath(root) if root else repository_root(start), offline, allow_private))


def repository_root(folder: str) -> str:
    """Return the nearest folder above that holds a repository, else `folder` itself."""
    current = os.path.abspath(folder)
    while True:
        if any(os.path.exists(os.path.join(current, mark)) for mark in (".git", ".hg", "pyproject.toml")):
            return current
        parent = os.path.dirname(current)
        if parent == current:
            return os.path.abspath(folder)
        current = parent


def is_below(path: str, root: str) -> bool:
    """Tell whether a path, links followed, is inside a folder."""
    real, base = os.path.realpath(path), os.path.realpath(root)
    return real == base or real.startswith(base.rstrip(os.sep) + os.sep)


def leads_inside(host: str) -> bool:
    """Tell whether a host name is, or resolves to, an address that is not public."""
    import ipaddress  # lazily: only remote documents need it
    import socket

    try:
        addresses = {str(info[4][0]) for info in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False  # the download then says that the host is unknown
    return any(not ipaddress.ip_address(address.partition("%")[0]).is_global for address in addresses)


def _download(uri: str, max_bytes: int) -> bytes:
    from arazzo_runner.sources.httpx_import import httpx  # lazily: most loads read only files

    client = httpx()
    try:
        with client.stream("GET", uri, follow_redirects=False, timeout=30.0) as response:
            if response.status_code != 200:
                raise FetchError(f"{uri} answers with status {response.status_code}")
            data = bytearray()
            for chunk in response.iter_bytes():
                data += chunk
                if len(data) > max_bytes:
                    break
    except (client.HTTPError, client.InvalidURL) as problem:
        raise FetchError(f"{uri} cannot be fetched: {problem or type(problem).__name__}") from None
    return _limited(bytes(data), max_bytes)


def _limited(data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise FetchError(f"it has more than {max_bytes:,} bytes", "raise --max-document-size if you trust it")
    return data
