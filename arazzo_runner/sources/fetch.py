"""Reading documents: the one place that opens files, and has descriptions fetched (security: choke point).

What may be read is decided in policy.py; here it is done, with limits counted while reading.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from arazzo_runner.base.records import replace
from arazzo_runner.base.user_files import TooLarge, UnusableFile
from arazzo_runner.base.user_files import read_file as read_named_file
from arazzo_runner.sources.dependency_tracker import Watch
from arazzo_runner.sources.document_snapshot import Kept
from arazzo_runner.sources.policy import (
    FetchError,
    Policy,
    check_below_root,
    check_reference,
    check_source,
    too_large,
    widened,
)
from arazzo_runner.sources.uris import is_remote, path_of

__all__ = ["DocumentFetch", "Fetch", "FetchError", "Policy", "ReferenceFetch", "make_fetch", "repository_root"]


class Fetch(Protocol):
    """Reads the document at an absolute URI; raises FetchError."""

    def __call__(self, uri: str) -> bytes:
        """Return the document's bytes."""


class ReferenceFetch(Protocol):
    """Reads what a `$ref` leads to; raises FetchError."""

    def referenced(self, uri: str, base: str) -> bytes:
        """Return the bytes of the document at `uri`, which the one at `base` names."""


class DocumentFetch:
    """Fetches the documents of one load by its Policy; `entry_uri` is what the load begins with.

    `url_map` says which URLs are files at hand; the user has named them, so any file will do.
    """

    def __init__(self, policy: Policy, entry_uri: str, url_map: Mapping[str, str] | None = None) -> None:
        self.policy = policy
        self.entry_uri = entry_uri
        self.url_map = url_map or {}

    def __call__(self, uri: str, base: str | None = None, stated: str | None = None) -> bytes:
        """Read a source description.

        `base` is the document that names it and `stated` the url as it is written there; without
        them it counts as named by the user.
        """
        mapped = mapped_path(uri, self.url_map)
        if mapped is not None:
            return read_file(mapped, self.policy.max_bytes)
        check_source(uri, base or "", stated, self.policy)
        if base is None and is_remote(self.entry_uri) and not is_remote(uri):
            check_below_root(path_of(uri), self.policy)
        data = self._read(uri, self.entry_uri if base is None else base)
        if self.policy.widens and not is_remote(uri):
            root = widened(self.policy.root, path_of(uri), os.path.expanduser("~"))
            self.policy = replace(self.policy, root=root)
        return data

    def exists(self, uri: str) -> bool:
        """Tell whether a file is there; of what is remote only reading it tells."""
        return is_remote(uri) or os.path.isfile(path_of(uri))

    def entry(self, uri: str) -> bytes:
        """Read what the user named: any file, or a URL on any host."""
        if is_remote(uri) and self.policy.offline:
            raise FetchError("remote documents are not read here")
        return self._read(uri, uri)

    def referenced(self, uri: str, base: str) -> bytes:
        """Read what a `$ref` in the document at `base` leads to: files only from files, below the root."""
        mapped = mapped_path(uri, self.url_map)
        if mapped is not None:
            return read_file(mapped, self.policy.max_bytes)
        check_reference(uri, base, self.policy)
        return self._read(uri, base)

    def _read(self, uri: str, base: str) -> bytes:
        if is_remote(uri):
            from arazzo_runner.sources.download import download  # lazily: most loads read only files

            return download(uri, base, self.policy)
        return read_file(path_of(uri), self.policy.max_bytes)


class WatchedFetch(DocumentFetch):
    """Fetches as always and notes in a Watch what it looked at."""

    def __init__(self, policy: Policy, entry_uri: str, url_map: Mapping[str, str] | None, watch: Watch) -> None:
        super().__init__(policy, entry_uri, url_map)
        self._watch = watch

    def exists(self, uri: str) -> bool:
        """Tell whether a file is there."""
        found = super().exists(uri)
        if not found:
            self._watch.missing.add(uri)
        return found

    def __call__(self, uri: str, base: str | None = None, stated: str | None = None) -> bytes:
        """Read a source description."""
        return self._noted(uri, lambda: super(WatchedFetch, self).__call__(uri, base, stated))

    def referenced(self, uri: str, base: str) -> bytes:
        """Read what a `$ref` leads to."""
        return self._noted(uri, lambda: super(WatchedFetch, self).referenced(uri, base))

    def _noted(self, uri: str, read: Callable[[], bytes]) -> bytes:
        if is_remote(uri):  # also one that a file stands for: what the URL map says is not ours to follow
            self._watch.repeatable = False
        try:
            data = self._watch.read[uri] = read()
        except FetchError:
            self._watch.repeatable = False
            raise
        return data


class KeepingFetch(DocumentFetch):
    """Fetches as always and keeps the bytes of all it read."""

    def __init__(self, policy: Policy, entry_uri: str, kept: Kept, url_map: Mapping[str, str] | None) -> None:
        super().__init__(policy, entry_uri, url_map)
        self._kept = kept
        kept.entry = entry_uri

    def __call__(self, uri: str, base: str | None = None, stated: str | None = None) -> bytes:
        """Read a source description."""
        return self._taken(uri, super().__call__(uri, base, stated))

    def entry(self, uri: str) -> bytes:
        """Read what the user named."""
        return self._taken(uri, super().entry(uri))

    def referenced(self, uri: str, base: str) -> bytes:
        """Read what a `$ref` leads to."""
        return self._taken(uri, super().referenced(uri, base))

    def _taken(self, uri: str, data: bytes) -> bytes:
        self._kept.documents[uri] = data
        return data


class KeptFetch(DocumentFetch):
    """Gives the bytes that were kept; what may be read was decided when they were."""

    def __init__(self, policy: Policy, kept: Kept) -> None:
        super().__init__(policy, kept.entry)
        self._kept = kept

    def exists(self, uri: str) -> bool:
        """Tell whether a document was kept."""
        return uri in self._kept.documents

    def __call__(self, uri: str, base: str | None = None, stated: str | None = None) -> bytes:
        """Return a source description."""
        return self._read(uri, uri)

    def entry(self, uri: str) -> bytes:
        """Return the document that the load begins with."""
        return self._read(uri, uri)

    def referenced(self, uri: str, base: str) -> bytes:
        """Return what a `$ref` leads to."""
        return self._read(uri, base)

    def _read(self, uri: str, base: str) -> bytes:
        if uri not in self._kept.documents:
            raise FetchError(f"{uri} was not read when the run began")
        return self._kept.documents[uri]


def make_fetch(
    entry: str,
    *,
    root: str | None = None,
    offline: bool = False,
    allow_remote: bool = False,
    allow_hosts: Iterable[str] = (),
    url_map: Mapping[str, str] | None = None,
    kept: Kept | None = None,
    repositories: Repositories | None = None,
    watch: Watch | None = None,
) -> DocumentFetch:
    """Return the Fetch for a load that begins with `entry` (a URI); the root defaults to its repository.

    What it reads goes into `kept` or, when that is closed, comes from it. `repositories` knows
    what was found for other loads; `watch` is told what this one looks at.
    """
    start = os.path.dirname(path_of(entry)) if not is_remote(entry) else os.getcwd()
    repository = None if root else (repositories or Repositories()).above(start)
    found = os.path.abspath(root) if root else repository or os.path.abspath(start)
    hosts = frozenset(host.lower() for host in allow_hosts)
    widens = not root and repository is None
    policy = Policy(found, offline, allow_remote, hosts, widens=widens)
    if kept is None:
        return DocumentFetch(policy, entry, url_map) if watch is None else WatchedFetch(policy, entry, url_map, watch)
    return KeptFetch(policy, kept) if kept.closed else KeepingFetch(policy, entry, kept, url_map)


def mapped_path(uri: str, url_map: Mapping[str, str]) -> str | None:
    """Return the file that stands for a URL; a key that ends in / maps everything below it.

    >>> mapped_path("https://h/a/b.yml", {"https://h/a/": "vendor"}) == os.path.join("vendor", "b.yml")
    True
    """
    if not url_map:
        return None
    plain = uri.partition("#")[0]
    if plain in url_map:
        return url_map[plain]
    below = [key for key in url_map if key.endswith("/") and plain.startswith(key)]
    if not below:
        return None
    key = max(below, key=len)
    rest = plain[len(key) :].split("/")
    return None if ".." in rest else os.path.join(url_map[key], *rest)


def repository_root(folder: str) -> str:
    """Return the nearest folder above that holds a repository, else `folder` itself."""
    return Repositories().above(folder) or os.path.abspath(folder)


class Repositories:
    """Which repository a folder lies in; each folder is looked into once, so many documents cost little."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def above(self, folder: str) -> str | None:
        """Return the folder itself or the nearest one above it that holds a repository; None where none does."""
        return self._above(os.path.abspath(folder))

    def _above(self, folder: str) -> str | None:
        passed, found = [], None
        while folder not in self._known:
            passed.append(folder)
            parent = os.path.dirname(folder)
            if _is_repository(folder) or parent == folder:
                found = folder if _is_repository(folder) else None
                break
            folder = parent
        else:
            found = self._known[folder]
        self._known.update(dict.fromkeys(passed, found))
        return found


def _is_repository(folder: str) -> bool:
    return any(os.path.exists(os.path.join(folder, mark)) for mark in (".git", ".hg", "pyproject.toml"))


# ------------------------------------------------------------------ files


def read_file(path: str, max_bytes: int) -> bytes:
    """Return a regular file's bytes, no more than `max_bytes`; raises FetchError."""
    try:
        return read_named_file(path, max_bytes, regular=True)
    except TooLarge:
        raise too_large(max_bytes) from None
    except UnusableFile as problem:
        if problem.number == errno.ENOENT:
            raise FetchError(f"{path} does not exist") from None
        if problem.number == errno.EISDIR:
            raise FetchError(f"{path} is a directory", "name a file") from None
        raise FetchError(f"{path} cannot be read: {problem}") from None
