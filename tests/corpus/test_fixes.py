"""`--fix` on real documents: they still load, fixed findings are gone, nothing else changes, and a second run changes nothing."""

from __future__ import annotations

import difflib
import json
import re
from collections import Counter

import pytest

from arazzo_runner.config.settings import Settings
from arazzo_runner.errors import Severity
from arazzo_runner.lint.fixes import fix_document
from arazzo_runner.lint.pipeline import Linter, LintOptions
from arazzo_runner.program.library import LoadOptions
from tests.corpus.test_corpus import CORPUS, INDEX

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the corpus is not here")

EVERY = 12  # a sample: benchmarks/fix_corpus.py mends all of them


def documents():
    return [entry["path"] for entry in json.loads(INDEX.read_text(encoding="utf-8"))["documents"]]


def reading(path):
    return LoadOptions(root=str(CORPUS / path.split("/")[0]), any_server=True, unchecked=True, offline=True)


def fix_all(path, *, unsafe=False, text=None):
    """Fix one document (or another text in its place) in memory; return it before and after, and the fixed findings."""
    name = str(CORPUS / path)
    linter = Linter([name], LintOptions(reading=reading(path), settings=Settings()))
    first = linted = linter.lint(name)
    if text is not None:
        linter.change(name, text.encode())
        first = linted = linter.lint(name)
    applied = []
    while linted.document is not None and len(applied) < 5000:
        fixed = fix_document(linted.document, linted.findings, unsafe=unsafe)
        if not fixed.fixed:
            break
        applied += fixed.fixed
        linter.change(name, fixed.text.encode())
        linted = linter.lint(name)
    return first, linted, applied


def lint_afresh(path, text):
    """Return the findings of a text in the place of a document, as a new command would find them."""
    name = str(CORPUS / path)
    options = LintOptions(reading=reading(path), settings=Settings(), contents={name: text.encode()})
    return Linter([name], options).lint(name).findings


@pytest.mark.parametrize("path", documents()[::EVERY] if INDEX.exists() else [])
def test_a_fixed_document_has_fewer_findings_and_is_otherwise_unchanged(path):
    first, last, applied = fix_all(path)
    if first.document is None:
        return
    assert last.document is not None
    assert last.findings == lint_afresh(path, last.document.text), "the findings that are left are reported"
    for severity in (Severity.ERROR, Severity.WARNING):
        codes = Counter(each.code for each in first.findings if each.severity is severity)
        assert Counter(each.code for each in last.findings if each.severity is severity) <= codes
    gone = Counter(each.code for each in first.findings) - Counter(each.code for each in last.findings)
    assert {each.code for each in applied} <= set(gone)
    changed = {each.at.line for each in applied}
    before, after = first.document.text.split("\n"), last.document.text.split("\n")
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for tag, start, end, start_after, end_after in matcher.get_opcodes():
        if tag != "equal":
            assert set(range(start + 1, end + 1)) & changed, (path, before[start:end])
            for line, new in zip(before[start:end], after[start_after:end_after], strict=False):
                assert re.match(r"\s*", line).group() == re.match(r"\s*", new).group(), (line, new)
                assert line.rpartition(" #")[1:] == new.rpartition(" #")[1:] or " #" not in line
