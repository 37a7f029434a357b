"""Reading of documents: the one place that opens files or has descriptions downloaded (a security choke point).

policy.py decides what may be read. A load may also be recorded into a DocumentSnapshot, replayed
from one, or tracked.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol

from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.base.user_files import TooLarge, UnusableFile, read_file as read_named_file
from arazzo_runner.sources.policy import (
    FetchError,
    Policy,
    Repositories,
    check_below_root,
    check_reference,
    check_source,
    too_large,
    widened,
)
from arazzo_runner.sources.uris import is_remote, path_of

__all__ = ["DocumentFetch", "Fetch", "FetchError", "Policy", "ReferenceFetch", "make_fetch"]


class Fetch(Protocol):
    """Reads the document at an absolute URI; raises FetchError."""

    def __call__(self, uri: str) -> bytes:
        """Return the document's bytes."""


class ReferenceFetch(Protocol):
    """Reads the document that a `$ref` refers to; raises FetchError."""

    def referenced(self, uri: str, base: str) -> bytes:
        """Return the bytes of the document at `uri`, which the one at `base` names."""


class DocumentFetch:
    """Fetches the documents of one load by its Policy; `entry_uri` is the document it begins with.

    `url_map` maps URLs to local files; the user has named them, so they may be anywhere.
    """

    def __init__(self, policy: Policy, entry_uri: str, url_map: Mapping[str, str] | None = None) -> None:
        self.policy = policy
        self.entry_uri = entry_uri
        self.url_map = url_map or {}

    def __call__(self, uri: str, base: str | None = None, stated: str | None = None) -> bytes:
        """Read a source description.

        `base` is the document that names it and `stated` the url as written there; without them
        the user has named it.
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
        """Return whether a file exists; always true for a remote document, which is not requested."""
        return is_remote(uri) or os.path.isfile(path_of(uri))

    def entry(self, uri: str) -> bytes:
        """Read the document that the user named: any file, or a URL on any host."""
        if is_remote(uri) and self.policy.offline:
            raise FetchError("remote documents are not read here")
        return self._read(uri, uri)

    def referenced(self, uri: str, base: str) -> bytes:
        """Read what a `$ref` in the document at `base` refers to: files only from files, below the root."""
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


# ------------------------------------------------------------------ recorded and replayed


class DocumentSnapshot(MutableRecord):
    """All that a load depended on, so that it can be repeated later, on any machine.

    `documents` are bytes by URI; `entry` is the URI of the first document, `folder` the working
    directory, `variables` the environment's values of server variables. A load fills an open
    snapshot, and reads from a `closed` one only.
    """

    documents: dict[str, bytes] = field(default_factory=dict)
    entry: str = ""
    folder: str = field(default_factory=os.getcwd)
    variables: dict[str, str] = field(default_factory=dict)
    closed: bool = False

    @classmethod
    def opened(cls, environment: Mapping[str, str]) -> DocumentSnapshot:
        """Return an empty snapshot with the server variables of an environment."""
        return cls(variables={k: v for k, v in environment.items() if k.startswith("ARAZZO_SERVER_VAR_")})


class RecordingFetch(DocumentFetch):
    """Fetches documents and adds them to a snapshot."""

    def __init__(
        self, policy: Policy, entry_uri: str, snapshot: DocumentSnapshot, url_map: Mapping[str, str] | None
    ) -> None:
        super().__init__(policy, entry_uri, url_map)
        self._snapshot = snapshot
        snapshot.entry = entry_uri

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
        self._snapshot.documents[uri] = data
        return data


class SnapshotFetch(DocumentFetch):
    """Reads the documents of a closed snapshot; the policy was applied when it was made."""

    def __init__(self, policy: Policy, snapshot: DocumentSnapshot) -> None:
        super().__init__(policy, snapshot.entry)
        self._snapshot = snapshot

    def exists(self, uri: str) -> bool:
        """Return whether the snapshot has a document."""
        return uri in self._snapshot.documents

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
        if uri not in self._snapshot.documents:
            raise FetchError(f"{uri} was not read when the run began")
        return self._snapshot.documents[uri]


# ------------------------------------------------------------------ tracked


class DependencyTracker(MutableRecord):
    """The dependencies of one load, which decide whether its result is still valid.

    `read` are the bytes of documents by URI, `missing` the URIs without a file, `given` the
    locations of given documents (None: not given) by the URIs asked for. A load is not `repeatable`
    if something was remote or could not be read.
    """

    read: dict[str, bytes] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    given: dict[str, str | None] = field(default_factory=dict)
    repeatable: bool = True


class TrackedLocations(Mapping[str, str]):
    """Locations by URI that record each lookup in a DependencyTracker."""

    def __init__(self, locations: Mapping[str, str], tracker: DependencyTracker) -> None:
        self._locations = locations
        self._tracker = tracker

    def __getitem__(self, uri: str) -> str:
        found = self._tracker.given[uri] = self._locations.get(uri)
        if found is None:
            raise KeyError(uri)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._locations)

    def __len__(self) -> int:
        return len(self._locations)


class TrackingFetch(DocumentFetch):
    """Fetches documents and records the dependencies in a DependencyTracker."""

    def __init__(
        self, policy: Policy, entry_uri: str, url_map: Mapping[str, str] | None, tracker: DependencyTracker
    ) -> None:
        super().__init__(policy, entry_uri, url_map)
        self._tracker = tracker

    def exists(self, uri: str) -> bool:
        """Return whether a file exists."""
        found = super().exists(uri)
        if not found:
            self._tracker.missing.add(uri)
        return found

    def __call__(self, uri: str, base: str | None = None, stated: str | None = None) -> bytes:
        """Read a source description."""
        return self._noted(uri, lambda: super(TrackingFetch, self).__call__(uri, base, stated))

    def referenced(self, uri: str, base: str) -> bytes:
        """Read what a `$ref` leads to."""
        return self._noted(uri, lambda: super(TrackingFetch, self).referenced(uri, base))

    def _noted(self, uri: str, read: Callable[[], bytes]) -> bytes:
        if is_remote(uri):  # also if the URL map names a file for it: the map is not tracked
            self._tracker.repeatable = False
        try:
            data = self._tracker.read[uri] = read()
        except FetchError:
            self._tracker.repeatable = False
            raise
        return data


# ------------------------------------------------------------------ making one


def make_fetch(
    entry: str,
    *,
    root: str | None = None,
    offline: bool = False,
    allow_remote: bool = False,
    allow_hosts: Iterable[str] = (),
    url_map: Mapping[str, str] | None = None,
    snapshot: DocumentSnapshot | None = None,
    repositories: Repositories | None = None,
    tracker: DependencyTracker | None = None,
) -> DocumentFetch:
    """Return the Fetch for a load that begins with `entry` (a URI); the root defaults to its repository.

    It records into `snapshot` or, if that is closed, reads from it. `repositories` caches the
    repositories of other loads; `tracker` records the dependencies.
    """
    start = os.path.dirname(path_of(entry)) if not is_remote(entry) else os.getcwd()
    repository = None if root else (repositories or Repositories()).above(start)
    found = os.path.abspath(root) if root else repository or os.path.abspath(start)
    hosts = frozenset(host.lower() for host in allow_hosts)
    widens = not root and repository is None
    policy = Policy(found, offline, allow_remote, hosts, widens=widens)
    if snapshot is not None:
        return SnapshotFetch(policy, snapshot) if snapshot.closed else RecordingFetch(policy, entry, snapshot, url_map)
    if tracker is not None:
        return TrackingFetch(policy, entry, url_map, tracker)
    return DocumentFetch(policy, entry, url_map)


def mapped_path(uri: str, url_map: Mapping[str, str]) -> str | None:
    """Return the file that a URL is mapped to; a key that ends in / maps everything below it.

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


# ------------------------------------------------------------------ files


def read_file(path: str, max_bytes: int, *, only_opened: bool = False) -> bytes:
    """Return a regular file's bytes, no more than `max_bytes`, none if it is `only_opened`; raises FetchError."""
    try:
        return read_named_file(path, max_bytes, regular=True, only_opened=only_opened)
    except TooLarge:
        raise too_large(max_bytes) from None
    except UnusableFile as problem:
        if problem.number == errno.ENOENT:
            raise FetchError(f"{path} does not exist") from None
        if problem.number == errno.EISDIR:
            raise FetchError(f"{path} is a directory", "name a file") from None
        raise FetchError(f"{path} cannot be read: {problem}") from None
