"""Watch: what a load depended on, so that it can be told later whether doing it again would end the same way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from arazzo_runner.base.records import MutableRecord, field


class Watch(MutableRecord):
    """What one load looked at.

    `read` are the bytes of documents by URI, `missing` the URIs at which no file was, `meant` the
    given documents (their location; None: none) that a URI was found to mean. It is not
    `repeatable` when something was remote or could not be read.
    """

    read: dict[str, bytes] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    meant: dict[str, str | None] = field(default_factory=dict)
    repeatable: bool = True


class WatchedLocations(Mapping[str, str]):
    """Locations by URI; what is asked of them is noted."""

    def __init__(self, locations: Mapping[str, str], watch: Watch) -> None:
        self._locations = locations
        self._watch = watch

    def __getitem__(self, uri: str) -> str:
        found = self._watch.meant[uri] = self._locations.get(uri)
        if found is None:
            raise KeyError(uri)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._locations)

    def __len__(self) -> int:
        return len(self._locations)
