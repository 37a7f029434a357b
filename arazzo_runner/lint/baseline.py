"""The baseline: a file of known findings, so that only new ones fail. It does not depend on line numbers."""

from __future__ import annotations

import errno
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Literal, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.base.user_files import UnusableFile, read_file, read_json, text_of
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.lint.levels import hides_others
from arazzo_runner.lint.pipeline import Linted
from arazzo_runner.report.findings.model import fingerprint, relative

VERSION: Final = 1
_MOST_OF_A_KIND: Final = 2**31
_SEVERITIES: Final = tuple(each.value for each in Severity)
Looked: TypeAlias = Literal["looked", "other file", "not checked"]
"""Whether this check would have found an entry again: it belongs to another file, or to what was not checked in its."""


class Entry(Record, kw_only=True):
    """A known finding in `file`, and how often it is there; `document` was checked when it was found."""

    file: str
    document: str
    code: str
    severity: str
    message: str
    fingerprint: str
    count: int = 1

    def json(self) -> dict[str, JsonValue]:
        """Return the entry as it is written."""
        value: dict[str, JsonValue] = {"file": self.file}
        if self.document != self.file:
            value["document"] = self.document
        value |= {"code": self.code, "severity": self.severity}
        value |= {"message": self.message, "fingerprint": self.fingerprint}
        return value if self.count == 1 else {**value, "count": self.count}


class Baseline(MutableRecord):
    """Known findings; file names are relative to `folder`. `left` counts those not found yet, by fingerprint."""

    folder: str
    entries: tuple[Entry, ...] = ()
    left: Counter[str] = field(default_factory=Counter)

    def take(self, found: Diagnostic) -> bool:
        """Return whether a finding is in the baseline; each entry is taken once."""
        if hides_others(found):
            return False
        own = fingerprint(found, self.folder)
        if self.left[own] <= 0:
            return False
        self.left[own] -= 1
        return True

    def not_found(self, scope: Scope) -> Counter[Looked]:
        """Return the number of findings that were not found: those that are gone, and those not looked for."""
        amounts: Counter[Looked] = Counter()
        left = Counter(self.left)
        for entry in self.entries:
            amount = min(entry.count, left[entry.fingerprint])
            left[entry.fingerprint] -= amount
            amounts[scope.looked(entry)] += amount
        return +amounts


class Scope:
    """What was checked: the documents, and which findings of each would be reported.

    `reports(document, code, severity)` are the latter; `selects(path)` returns whether a file that no
    longer exists would have been checked.
    """

    def __init__(
        self,
        linted: Iterable[Linted],
        folder: str,
        *,
        reports: Callable[[str, str, str], bool],
        selects: Callable[[str], bool],
    ) -> None:
        self._documents = {relative(each.name, folder): each for each in linted}
        self._folder = folder
        self._reports = reports
        self._selects = selects

    def looked(self, entry: Entry) -> Looked:
        """Return whether an entry would have been found again."""
        checked = self._documents.get(entry.document)
        if checked is None:
            path = os.path.join(self._folder, entry.document)
            is_gone = not os.path.lexists(path) and self._selects(path)
            return "looked" if is_gone else "other file"
        reported = checked.is_complete and self._reports(checked.name, entry.code, entry.severity)
        return "looked" if reported else "not checked"


def read_baseline(path: str) -> Baseline:
    """Read a baseline file; raises InvalidUsage if it is unusable."""
    try:
        value = read_json(path)
    except UnusableFile as problem:
        if problem.number == errno.ENOENT:
            raise _unusable(path, "it does not exist", "--write-baseline makes one") from None
        line = _conflict(path)
        if line is not None:
            raise _unusable(path, f"it has the marks of a merge conflict in line {line}", _RESOLVE) from None
        raise _unusable(path, str(problem), _ANEW) from None
    entries = value.get("findings") if isinstance(value, dict) and value.get("version") == VERSION else None
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        raise _unusable(path, "it is not a baseline of this version", _ANEW)
    known = tuple(_entry(entry) for entry in entries)
    left: Counter[str] = Counter()
    for each in known:
        left[each.fingerprint] += each.count
    return Baseline(os.path.dirname(os.path.abspath(path)), known, left)


def entries_of(linted: Iterable[Linted], folder: str) -> tuple[Entry, ...]:
    """Return the entries of the findings that may be entered in a baseline in `folder`."""
    found: dict[str, Entry] = {}
    for each in linted:
        for one in each.findings:
            if hides_others(one):
                continue
            entry = _entry_for(one, each.name, folder)
            known = found.get(entry.fingerprint)
            found[entry.fingerprint] = entry if known is None else replace(known, count=known.count + 1)
    return tuple(found.values())


def updated(
    entries: Iterable[Entry], known: Iterable[Entry], scope: Scope
) -> tuple[tuple[Entry, ...], Counter[Looked]]:
    """Return the entries of a new baseline: those found now, and the known ones that were not looked for."""
    merged = {each.fingerprint: each for each in entries}
    kept: Counter[Looked] = Counter()
    for each in known:
        looked = scope.looked(each)
        now = merged.get(each.fingerprint)
        if looked == "looked" or (now is not None and now.count >= each.count):
            continue
        kept[looked] += each.count - (0 if now is None else now.count)
        merged[each.fingerprint] = each
    return tuple(merged.values()), kept


def baseline_text(entries: Iterable[Entry]) -> str:
    """Return the text of a baseline file; sorted, so that diffs are small."""
    ordered = sorted(entries, key=lambda each: (each.file, each.code, each.message, each.fingerprint))
    value = {"version": VERSION, "findings": [each.json() for each in ordered]}
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def apply_baseline(linted: Iterable[Linted], baseline: Baseline) -> Iterator[Linted]:
    """Remove the findings that are in a baseline."""
    for each in linted:
        left = tuple(found for found in each.findings if not baseline.take(found))
        yield replace(each, findings=left, baselined=len(each.findings) - len(left))


# ------------------------------------------------------------------ entries


def _entry_for(found: Diagnostic, document: str, folder: str) -> Entry:
    return Entry(
        file=relative(found.at.uri, folder),
        document=relative(document, folder),
        code=found.code,
        severity=found.severity.value,
        message=found.message,
        fingerprint=fingerprint(found, folder),
    )


def _entry(value: dict[str, Any]) -> Entry:
    file = value["file"]
    return Entry(
        file=file,
        document=value.get("document", file),
        code=value["code"],
        severity=value.get("severity", "error"),
        message=value["message"],
        fingerprint=value["fingerprint"],
        count=value.get("count", 1),
    )


def _is_entry(entry: JsonValue) -> bool:
    if not isinstance(entry, dict) or not all(
        isinstance(entry.get(name), str) for name in ("file", "code", "message", "fingerprint")
    ):
        return False
    count, document = entry.get("count", 1), entry.get("document", "")
    is_counted = isinstance(count, int) and 0 < count < _MOST_OF_A_KIND
    return is_counted and isinstance(document, str) and entry.get("severity", "error") in _SEVERITIES


def _conflict(path: str) -> int | None:
    """Return the line of the first mark of a merge conflict, None without one or if the file cannot be read again."""
    try:
        lines = text_of(read_file(path, regular=True)).splitlines()
    except UnusableFile:
        return None
    return next((number for number, line in enumerate(lines, start=1) if line.startswith("<<<<<<< ")), None)


_RESOLVE: Final = (
    "keep the entries of both sides, each in braces of its own; what is not found any more is stale, not an error"
)
_ANEW: Final = "delete it, and --write-baseline makes a new one"


def _unusable(path: str, reason: str, hint: str) -> InvalidUsage:
    message = f"the baseline {path} cannot be used: {reason}"
    at = Location(path)
    return InvalidUsage(
        [Diagnostic(code="unusable-baseline", severity=Severity.ERROR, message=message, at=at, hint=hint)]
    )
