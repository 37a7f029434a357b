"""Every code has its page; every code of a document its folder; every other one a case somewhere."""

from __future__ import annotations

import ast
import functools
import os
import re
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner.lint.codes import pages as explanations
from arazzo_runner.report.text import render_diagnostics
from arazzo_runner.validation.catalogue import LOADER, checks

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures" / "documents"
CODES = [each.code for each in checks()]
# The others, of reading and shape, are checked without sources: tests/document/test_fixtures.py.
LINKED = sorted(
    each.code
    for each in LOADER
    if "../../sources/" in (FIXTURES / each.code / "right.yml").read_text(encoding="utf-8", errors="replace")
    or len(list((FIXTURES / each.code).iterdir())) > 3
)
# Codes that a run or the command line gives though a document is at fault, in packages that load documents.
OF_RUNS = {"no-server"}
# Codes of runs and of the command line whose cases assert what happens, not the code: to become fewer.
WITHOUT_CASE = {
    "invalid-cassette", "invalid-scenario", "left-out", "masked-output", "no-server", "nothing-to-serve",
    "outcome-unknown", "redirect-refused", "step-failed", "undocumented-member", "unusable-body", "unusable-rows",
    "unusable-value", "wrong-root",
}  # fmt: skip


def test_codes_are_unique():
    assert len(CODES) == len(set(CODES))


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_folder_and_a_page(code):
    folder = FIXTURES / code
    assert {"wrong.yml", "right.yml", "expected.txt"} <= {path.name for path in folder.iterdir()}
    page = explanations()[code].read_text(encoding="utf-8")
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == [f"# {code}", "## Why", "## Wrong", "## Right", "## Options"]


def test_every_folder_is_of_a_code():
    assert {path.name for path in FIXTURES.iterdir()} == set(CODES)


def findings(code, name, monkeypatch):
    monkeypatch.chdir(FIXTURES / code)
    return arazzo_runner.validate(name, root=str(FIXTURES.parent))


@pytest.mark.parametrize("code", LINKED)
def test_the_wrong_document_has_this_finding_only(code, monkeypatch):
    found = findings(code, "wrong.yml", monkeypatch)
    assert {each.code for each in found} == {code}, render_diagnostics(found)
    assert all(each.hint for each in found), render_diagnostics(found)


@pytest.mark.parametrize("code", LINKED)
def test_the_right_document_has_no_finding(code, monkeypatch):
    assert findings(code, "right.yml", monkeypatch) == ()


@pytest.mark.parametrize("code", LINKED)
def test_the_text_is_what_users_were_shown(code, monkeypatch):
    text = render_diagnostics(findings(code, "wrong.yml", monkeypatch), color=False)
    path = FIXTURES / code / "expected.txt"
    if os.environ.get("ARAZZO_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@functools.cache
def words_of_cases():
    """Return every word of tests, cases and golden files that may be a code."""
    suffixes = (".py", ".txt", ".yml", ".yaml", ".json")
    places = [*(ROOT / "tests").rglob("*.*"), *(ROOT / "fixtures").rglob("*.*")]
    paths = (path for path in places if path.suffix in suffixes and path != Path(__file__) and path.is_file())
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in paths)
    return {word for text in texts for word in re.findall(r"(?<![\w-])[a-z][a-z0-9]*(?:-[a-z0-9]+)*(?![\w-])", text)}


@pytest.mark.parametrize("code", sorted(set(explanations()) - set(CODES)))
def test_every_other_code_has_a_case(code):
    assert code in WITHOUT_CASE or code in words_of_cases()


@pytest.mark.parametrize("package", ["document", "expressions", "program", "sources"])
def test_what_loading_reports_is_listed(package):
    reported = set()
    for path in (ROOT / "arazzo_runner" / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                given = node.args[:1] if name in ("error", "warn", "info", "slip", "Slip", "Unreadable") else []
                reported |= {each.value for each in given if isinstance(each, ast.Constant)}
    known = set(CODES) | OF_RUNS
    assert {each for each in reported if isinstance(each, str) and each in explanations()} <= known
