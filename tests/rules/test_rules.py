"""Every rule has a page and a folder of fixtures: it reports the wrong document, and not the right one."""

from __future__ import annotations

import contextlib
import functools
import os
import re
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.lint.rules.catalogue import RULES
from arazzo_runner.report.findings.text import render_diagnostics

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures" / "documents"
PACKAGE = ROOT / "arazzo_runner" / "lint"
BY_CODE = {rule.code: rule for rule in RULES}
ON_REQUEST = {"description-contract", "unused-output"}
"""Rules that are off by default though they are no matter of style."""
COMPANIONS = {"insecure-source": {"not-checked"}}
"""What cannot but be found along with a code."""
HEADINGS = ["## Why", "## Wrong", "## Right", "## Options"]


@functools.cache
def findings(code, name):
    """Validate a document from its folder, with its rule switched on."""
    chosen = {rule.code for rule in RULES if rule.is_default or code == rule.code}
    with contextlib.chdir(FIXTURES / code):
        return arazzo_runner.validate(name, load_options=LoadOptions(root=str(FIXTURES.parent)), rules=chosen)


def test_codes_are_unique():
    assert len(BY_CODE) == len(RULES)


def test_every_module_is_listed():
    modules = {path.stem for path in (PACKAGE / "rules").glob("*.py")} - {"__init__", "catalogue", "rule"}
    assert modules == {rule.check.__module__.rpartition(".")[2] for rule in RULES}


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_the_rule_describes_itself(code):
    rule = BY_CODE[code]
    assert rule.check.__doc__
    assert rule.check.__name__ == code.replace("-", "_")
    assert rule.is_default is (rule.group != "style" and code not in ON_REQUEST)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_the_page_explains_the_rule(code):
    page = Path(BY_CODE[code].page).read_text(encoding="utf-8")
    assert re.findall("^#+ .*$", page, re.MULTILINE) == [f"# {code}", *HEADINGS]
    assert page.splitlines()[2].startswith("Reports ")
    assert len(page.splitlines()[2]) < 130


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_the_wrong_document_has_this_finding_only(code):
    found = findings(code, "wrong.yml")
    assert {each.code for each in found} - COMPANIONS.get(code, set()) == {code}, render_diagnostics(found)
    assert all(each.hint and each.at.line for each in found)
    assert {each.severity for each in found if each.code == code} == {BY_CODE[code].severity}


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_the_right_document_has_no_finding(code):
    found = findings(code, "right.yml")
    assert {each.code for each in found} <= COMPANIONS.get(code, set()), render_diagnostics(found)


@pytest.mark.parametrize("code", sorted(BY_CODE))
def test_the_text_is_the_golden_one(code):
    text = render_diagnostics(findings(code, "wrong.yml"), color=False)
    path = FIXTURES / code / "expected.txt"
    if os.environ.get("ARAZZO_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
