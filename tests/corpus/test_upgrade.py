"""`arazzo upgrade` on real documents: their Programs stay the same, and `validate` finds nothing new."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest

from arazzo_runner.config.settings import Settings
from arazzo_runner.lint.pipeline import Linter, LintOptions
from arazzo_runner.lint.upgrade import upgrade
from arazzo_runner.program.equivalence import difference
from tests.corpus.test_corpus import CORPUS, INDEX
from tests.corpus.test_fixes import lint_afresh, reading

pytestmark = pytest.mark.skipif(not INDEX.exists(), reason="the corpus is not here")

SEEDS = ("from the lists", "of the folders", "by the version")
EACH = 25  # of 905


def documents(seed):
    entries = json.loads(INDEX.read_text(encoding="utf-8"))["documents"] if INDEX.exists() else []
    old = [entry["path"] for entry in entries if str(entry["version"]).startswith("1.0")]
    return random.Random(seed).sample(old, EACH) if old else []


def linter(path, text=None):
    name = str(CORPUS / path)
    contents = {} if text is None else {name: text.encode()}
    return Linter([name], LintOptions(reading=reading(path), settings=Settings(), contents=contents))


@pytest.mark.parametrize("seed", SEEDS)
def test_an_upgraded_document_does_the_same_and_has_no_new_findings(seed):
    changed = 0
    for path in documents(seed):
        name = str(CORPUS / path)
        found = upgrade(linter(path), name)
        if found.refused:
            own = [each for each in linter(path).lint(name).findings if each.severity.value == "error"]
            assert {each.code for each in found.refused} <= {each.code for each in own}, path
            continue
        changed += 1
        assert found.is_changed, path
        one, other = linter(path).program(name), linter(path, found.after).program(name)
        assert one is not None
        assert other is not None
        assert difference(one, other) is None, path
        assert other.description.arazzo == "1.1.0"
        before, after = (Counter(each.code for each in lint_afresh(path, text)) for text in (found.before, found.after))
        assert not after - before, path
        again = upgrade(linter(path, found.after), name)
        assert (again.is_changed, again.refused) == (False, ()), path
    assert changed > EACH / 2
