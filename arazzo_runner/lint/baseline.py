"""The baseline: a file of known findings, so that only new ones fail. It does not depend on line numbers."""

from __future__ import annotations

import errno
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, field, replace
from arazzo_runner.base.user_files import UnusableFile, read_json
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.lint.pipeline import Linted
from arazzo_runner.report.findings.model import fingerprint, relative

VERSION = 1
_MOST_OF_A_KIND = 2**31


class Baseline(MutableRecord):
    """The number of known findings by fingerprint; `left` counts those that were not found yet."""

    folder: str
    left: Counter[str] = field(default_factory=Counter)

    def take(self, found: Diagnostic) -> bool:
        """Return whether a finding is in the baseline; each entry is taken once."""
        own = fingerprint(found, self.folder)
        if self.left[own] <= 0:
            return False
        self.left[own] -= 1
        return True

    @property
    def stale(self) -> int:
        """The number of entries that were not found."""
        return sum(self.left.values())


def read_baseline(path: str) -> Baseline:
    """Read a baseline file; raises InvalidUsage if it is unusable."""
    try:
        value = read_json(path)
    except UnusableFile as problem:
        if problem.number == errno.ENOENT:
            raise _unusable(path, "it does not exist", "--write-baseline makes one") from None
        raise _unusable(path, str(problem), "--write-baseline makes a new one") from None
    entries = value.get("findings") if isinstance(value, dict) and value.get("version") == VERSION else None
    if not isinstance(entries, list) or not all(_is_entry(entry) for entry in entries):
        raise _unusable(path, "it is not a baseline of this version", "--write-baseline makes a new one")
    left: Counter[str] = Counter()
    for entry in entries:
        left[entry["fingerprint"]] += entry.get("count", 1)
    return Baseline(os.path.dirname(os.path.abspath(path)), left)


def baseline_text(findings: Iterable[Diagnostic], folder: str) -> str:
    """Return the text of a baseline file in `folder` with these findings; sorted, so that diffs are small."""
    found = list(findings)
    marks = [fingerprint(each, folder) for each in found]
    counts = Counter(marks)
    entries: dict[str, dict[str, JsonValue]] = {}
    for own, each in zip(marks, found, strict=True):
        entry: dict[str, JsonValue] = {
            "file": relative(each.at.uri, folder),
            "code": each.code,
            "message": each.message,
            "fingerprint": own,
        }
        entries.setdefault(own, entry if counts[own] == 1 else {**entry, "count": counts[own]})
    ordered = sorted(entries.values(), key=lambda entry: [str(entry[name]) for name in ("file", "code", "message")])
    return json.dumps({"version": VERSION, "findings": ordered}, indent=2, ensure_ascii=False) + "\n"


def apply_baseline(linted: Iterable[Linted], baseline: Baseline) -> Iterator[Linted]:
    """Remove the findings that are in a baseline."""
    for each in linted:
        left = tuple(found for found in each.findings if not baseline.take(found))
        yield replace(each, findings=left, baselined=len(each.findings) - len(left))


def _is_entry(entry: JsonValue) -> bool:
    if not isinstance(entry, dict) or not isinstance(entry.get("fingerprint"), str):
        return False
    count = entry.get("count", 1)
    return isinstance(count, int) and 0 < count < _MOST_OF_A_KIND


def _unusable(path: str, reason: str, hint: str) -> InvalidUsage:
    message = f"the baseline {path} cannot be used: {reason}"
    at = Location(path)
    return InvalidUsage(
        [Diagnostic(code="unusable-baseline", severity=Severity.ERROR, message=message, at=at, hint=hint)]
    )
