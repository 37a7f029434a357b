"""Every code of this package has a wrong document, a right one, the text a user sees, and a page."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

import arazzo_runner.document
from arazzo_runner.document.build import build
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Limits, read
from arazzo_runner.report.findings.text import render_diagnostics

FIXTURES = Path(__file__).parents[2] / "fixtures" / "documents"
PACKAGE = Path(arazzo_runner.document.__file__).parent
PAGES = PACKAGE.parent / "lint" / "rules" / "pages"
LIMITS = {"document-too-large": Limits(max_bytes=400)}


def raised_codes():
    """Return every code that a call in this package names."""
    found = set()
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return {each for each in found if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", each)} - NO_CODES


NO_CODES = {"utf-8", "utf-8-sig", "draft-goessner-dispatch-jsonpath-00", "xpath-10", "xpath-20", "xpath-30", "xpath-31"}
OWN = sorted(raised_codes() - {"cache-ignored"})  # of a run's cache, not of a document


def findings(code, name):
    problems = Problems()
    limits = LIMITS.get(code, Limits())
    document = read((FIXTURES / code / name).read_bytes(), name, problems, limits=limits)
    if document is not None:
        build(document, problems)
    return problems.diagnostics


@pytest.mark.parametrize("code", OWN)
def test_the_wrong_document_has_this_finding_only(code):
    assert {found.code for found in findings(code, "wrong.yml")} == {code}
    assert all(found.hint for found in findings(code, "wrong.yml"))


@pytest.mark.parametrize("code", OWN)
def test_the_right_document_has_no_findings(code):
    assert findings(code, "right.yml") == ()


@pytest.mark.parametrize("code", OWN)
def test_the_text_is_the_golden_one(code):
    text = render_diagnostics(findings(code, "wrong.yml"), color=False)
    path = FIXTURES / code / "expected.txt"
    if os.environ.get("ARAZZO_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", OWN)
def test_the_page_explains_the_code(code):
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    headings = re.findall("^#+ .*$", page, re.MULTILINE)
    assert headings == [f"# {code}", "## Why", "## Wrong", "## Right", "## Options"]
    assert len(page.splitlines()[2]) < 130
