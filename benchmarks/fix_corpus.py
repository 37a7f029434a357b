"""python -m benchmarks.fix_corpus [--unsafe]: mends every document of the corpus in memory and says what came of it.

Every mended document is read again; what must hold is counted: its mended findings are gone, no
new errors or warnings, a second time changes nothing, and only lines with a mended finding changed.
"""

from __future__ import annotations

import sys
from collections import Counter
from typing import Any

from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.lint.pipeline import Linted
from tests.corpus import test_fixes

fixes: Any = test_fixes  # tests are not annotated


def failures(first: Linted, last: Linted, mended: list[Diagnostic], again: int) -> list[str]:
    """Return what does not hold of one mended document."""
    if first.document is None or last.document is None:
        return ["unreadable"] if first.document is not None else []
    found = []
    for severity in (Severity.ERROR, Severity.WARNING):
        before, after = (
            Counter(each.code for each in one.findings if each.severity is severity) for one in (first, last)
        )
        found += [f"new {code}" for code in after - before]
    if again:
        found.append("a second time changes something")
    changed = {each.at.line for each in mended}
    lines, new = first.document.text.split("\n"), last.document.text.split("\n")
    if len(lines) == len(new):
        others = [
            n for n, pair in enumerate(zip(lines, new, strict=True), 1) if pair[0] != pair[1] and n not in changed
        ]
        found += ["another line changed"] * bool(others)
    return found


def _codes(linted: Linted, severity: Severity) -> Counter[str]:
    return Counter(each.code for each in linted.findings if each.severity is severity)


def main() -> None:
    """Mend everything and print counts."""
    unsafe = "--unsafe" in sys.argv[1:]
    codes: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    changed = 0
    paths = fixes.documents()
    for path in paths:
        first, last, mended = fixes.mend(path, unsafe=unsafe)
        _, _, again = fixes.mend(path, text=last.document.text if last.document is not None else None, unsafe=unsafe)
        codes.update(each.code for each in mended)
        changed += bool(mended)
        for problem in failures(first, last, mended, len(again)):
            wrong[problem] += 1
            print(f"{path}: {problem}")
    print(f"{changed} of {len(paths)} documents changed, {codes.total()} findings mended, {wrong.total()} failures")
    for code, count in codes.most_common():
        print(f"{count:>6} {code}")


if __name__ == "__main__":
    main()
