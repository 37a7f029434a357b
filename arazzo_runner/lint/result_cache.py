"""On-disk cache of lint results, invalidated when any input changes.

The inputs of a result are the version of the program, the settings, every document that was read,
every file that was looked for and not found, and which given document each URI means. Lines of
documents are not stored, locations read them from the files; messages may quote values, so nothing
is stored for a document that contains a credential.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.base.version import __version__
from arazzo_runner.document.cache import DiskCache
from arazzo_runner.document.positions import FixedPositions, TextPositions
from arazzo_runner.errors import Diagnostic, Fix, Location, Severity
from arazzo_runner.lint.checker import Checker
from arazzo_runner.program.library import display
from arazzo_runner.sources.fetch import DependencyTracker
from arazzo_runner.sources.uris import path_of

_OTHER_BREAKS: Final = ("\x85".encode(), "\u2028".encode(), "\u2029".encode())  # line breaks of YAML 1.1


class CachedResult(Record):
    """The findings of one document, including those reported for other documents already."""

    findings: tuple[Diagnostic, ...]
    ignored: int
    is_complete: bool


class ResultCache:
    """The results of one working directory, in one entry of the disk cache.

    `new_results` are those to be written by location, None for a document whose result is not reusable.
    """

    def __init__(self, cache: DiskCache) -> None:
        self._cache = cache
        self._key = _digest(f"lint\0{__version__}\0{_code()}\0{os.getcwd()}".encode())
        found = cache.value(self._key)
        self._results: dict[str, Any] = found if isinstance(found, dict) else {}
        self._read: dict[str, tuple[str, TextPositions]] = {}
        self._found: dict[str, CachedResult | None] = {}
        self.new_results: dict[str, JsonValue] = {}

    def find(self, location: str, settings: str, checker: Checker) -> CachedResult | None:
        """Return the result of a document under the same settings; None if there is none, or an input has changed."""
        if location not in self._found:
            self._found[location] = self._find(location, settings, checker)
        return self._found[location]

    def _find(self, location: str, settings: str, checker: Checker) -> CachedResult | None:
        entry = self._results.get(location)
        if entry is None:
            return None
        try:
            if entry["settings"] != _digest(settings.encode()) or entry["bounds"] != checker.bounds(location):
                return None
            if not self._is_valid(entry, checker):
                return None
            findings = tuple(self._finding(each) for each in entry["findings"])
            return CachedResult(findings, int(entry["ignored"]), bool(entry["complete"]))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return None  # not an entry of this cache, although its checksum is right

    def drop(self, location: str) -> None:
        """Remove the result of a document."""
        self.new_results[location] = None

    def put(
        self, location: str, settings: str, checker: Checker, result: CachedResult, tracker: DependencyTracker
    ) -> None:
        """Add the result of a document, unless linting it again with the same inputs may give another one."""
        uris = {display(uri): uri for uri in tracker.read}
        places = (at.uri for found in result.findings for at in (found.at, *found.related))
        if not (_is_repeatable(tracker) and all(uri in uris for uri in places)):
            self.drop(location)
            return
        self.new_results[location] = {
            "settings": _digest(settings.encode()),
            "bounds": checker.bounds(location),
            "read": {uri: _digest(data) for uri, data in tracker.read.items()},
            "missing": sorted(tracker.missing),
            "given": tracker.given,
            "findings": [_described(each, uris) for each in result.findings],
            "ignored": result.ignored,
            "complete": result.is_complete,
        }

    def save(self) -> None:
        """Write the new results, if any; results of files that no longer exist are dropped."""
        if all(entry is None and uri not in self._results for uri, entry in self.new_results.items()):
            return
        found = self._cache.value(self._key)  # read again: another process may have written it
        results = {**(found if isinstance(found, dict) else {}), **self.new_results}
        kept = {uri: entry for uri, entry in results.items() if entry is not None and os.path.isfile(path_of(uri))}
        self._cache.keep(self._key, kept)

    # ------------------------------------------------------------------ validity

    def _is_valid(self, entry: Any, checker: Checker) -> bool:
        if any(os.path.isfile(path_of(uri)) for uri in entry["missing"]):
            return False
        if any(checker.identified(uri) != location for uri, location in entry["given"].items()):
            return False
        return all(self._digest_now(uri, checker) == digest for uri, digest in entry["read"].items())

    def _digest_now(self, uri: str, checker: Checker) -> str | None:
        """Return the digest of a document as it is now, None when it cannot be read."""
        if uri not in self._read:
            data = checker.bytes_of(uri)
            if data is None:
                return None
            self._read[uri] = _digest(data), TextPositions(data.decode("utf-8", "replace").removeprefix("\ufeff"))
        return self._read[uri][0]

    def _finding(self, described: Any) -> Diagnostic:
        code, severity, message, hint, at, related, is_safe = described
        return Diagnostic(
            code=str(code),
            severity=Severity(severity),
            message=str(message),
            at=self._place(at),
            hint=hint,
            related=tuple(self._place(each) for each in related),
            fix=None if is_safe is None else Fix((), is_safe=bool(is_safe)),
        )

    def _place(self, described: Any) -> Location:
        name, pointer, on_key, offset, length, uri, line, column, width = described
        positions = None if uri is None else FixedPositions(self._read[uri][1], int(line), int(column), int(width))
        return Location(str(name), str(pointer), positions, bool(on_key), offset, int(length))


def _described(found: Diagnostic, uris: Mapping[str, str]) -> JsonValue:
    is_safe = None if found.fix is None else found.fix.is_safe
    related = [_place(each, uris) for each in found.related]
    return [found.code, found.severity.value, found.message, found.hint, _place(found.at, uris), related, is_safe]


def _place(at: Location, uris: Mapping[str, str]) -> JsonValue:
    """Return a location as JSON; `uris` are those of the documents that were read, by their displayed names."""
    line, column = at.start
    uri = None if line is None else uris[at.uri]
    width = 0 if column is None else (at.end_column or column + 1) - column
    return [at.uri, at.pointer, at.on_key, at.offset, at.length, uri, line, column, width]


def _is_repeatable(tracker: DependencyTracker) -> bool:
    """Return whether a load can be repeated, and its documents have no line breaks of YAML 1.1."""
    return tracker.repeatable and not any(each in data for data in tracker.read.values() for each in _OTHER_BREAKS)


def _digest(data: bytes) -> str:
    import hashlib  # lazily: without a cache nothing is compared

    return hashlib.sha256(data).hexdigest()


def _code() -> str:
    """Return what identifies the code that lints: the Python, its packages and the state of this one."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    record = None
    packages = [f"{sys.version_info[0]}.{sys.version_info[1]}"]
    for folder in sys.path:
        if os.path.basename(folder) not in ("site-packages", "dist-packages") or not os.path.isdir(folder):
            continue
        names = sorted(
            name for name in os.listdir(folder) if name.endswith(".dist-info")
        )  # the names contain the versions
        packages += names
        if folder == os.path.dirname(package):  # this one is installed: its record has the hashes of all its files
            own = (name for name in names if name.startswith("arazzo-"))
            record = next((_bytes(os.path.join(folder, name, "RECORD")) for name in own), None)
    state = str(_newest(package)) if record is None else _digest(record)
    return "\0".join([*packages, state])


def _bytes(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def _newest(folder: str) -> int:
    """Return when the newest module below a folder was changed."""
    newest = 0
    with os.scandir(folder) as found:
        for each in found:
            if each.name.endswith(".py"):
                newest = max(newest, each.stat().st_mtime_ns)
            elif "." not in each.name and each.name != "__pycache__" and each.is_dir():
                newest = max(newest, _newest(each.path))
    return newest
