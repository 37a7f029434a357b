"""The conformance table is complete: every sentence of the Specification has a row, every row has a case, and the page is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.cases import FOLDER, groups, read_list, requirements
from tests.conformance.sentences import keyword_sentences
from tests.conformance.table import PAGE, page, pinned

# The fields of a case besides id, spec, pins and expect: a comma in an unquoted sentence would add a field.
FIELDS = {
    "expressions": {"expression", "context"},
    "templates": {"text", "context"},
    "conditions": {"condition", "context"},
    "criteria": {"criteria", "context"},
    "documents": {"document", "whole", "text", "workflow", "step", "name", "files", "together", "strict", "rules"},
    "flows": {"document", "workflow", "inputs", "options", "conversation"},
}
COMMON = {"id", "spec", "pins", "expect"}
ROOT = Path(__file__).parents[2]
TEXTS = ROOT.parent / "shared" / "spec"
ASKED = requirements("specification")
DECIDED = requirements("decisions")
FILES = [path for group in groups() for path in sorted((FOLDER / group).glob("*.yaml"))]


def test_every_requirement_has_a_case():
    cases = pinned()
    assert [row["id"] for row in ASKED if row["id"] not in cases] == []


def test_every_decision_has_a_case_or_a_test():
    cases = pinned()
    assert [row["id"] for row in DECIDED if row["id"] not in cases and not row.get("tests")] == []


def test_every_pin_is_a_row_and_rows_are_unique():
    rows = [row["id"] for row in (*ASKED, *DECIDED)]
    assert sorted(set(rows)) == sorted(rows)
    assert sorted(set(pinned()) - set(rows)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_case_has_a_unique_id_and_names_its_section(path):
    cases = read_list(path)
    names = [case["id"] for case in cases]
    assert sorted(set(names)) == sorted(names)
    assert [case["id"] for case in cases if not case.get("spec")] == []
    known = FIELDS.get(path.parent.name)
    assert known is None or [name for case in cases for name in case.keys() - known - COMMON] == []


def test_tests_named_by_decisions_exist():
    named = [test for row in DECIDED for test in row.get("tests", ())]
    missing = [
        test for test in named if f"def {test.partition('::')[2]}(" not in (ROOT / test.partition("::")[0]).read_text()
    ]
    assert missing == []


def test_the_page_is_up_to_date():
    stale = PAGE.read_text(encoding="utf-8") != page()
    assert not stale, "run scripts/conformance"


@pytest.mark.skipif(not TEXTS.is_dir(), reason="the texts of the Specification are not part of this repository")
@pytest.mark.parametrize(("version", "file"), [("1.0", "arazzo-1.0.1.md"), ("1.1", "arazzo-1.1.0.md")])
def test_every_sentence_of_the_specification_has_a_row(version, file):
    sentences = {each.fingerprint: each for each in keyword_sentences((TEXTS / file).read_text(encoding="utf-8"))}
    rows = {print_ for row in ASKED if version in row["versions"] for print_ in row["sentences"]}
    forgotten = [f"{each.section}: {each.text}" for key, each in sentences.items() if key not in rows]
    assert forgotten == []
    others = {print_ for row in ASKED if row["versions"] == [version] for print_ in row["sentences"]} - set(sentences)
    assert others == set()
