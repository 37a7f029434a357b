"""Every code has a page; codes of documents have a folder of fixtures, all others a test case."""

from __future__ import annotations

import ast
import contextlib
import functools
import os
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.lint.pages import pages as explanations
from arazzo_runner.lint.rules.catalogue import LOADER, checks
from arazzo_runner.report.findings.text import render_diagnostics

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
OF_RUNS = {"no-address", "no-server", "cache-ignored", "password-in-url"}
# Where the codes of runs, the command line and configuration have their case.
CASES = {
    "cannot-keep-secrets": "tests/e2e/test_run.py",
    "cannot-write-output": "tests/e2e/test_run.py",
    "configuration-syntax": "tests/config/test_reading.py",
    "criterion-failed": "tests/report/test_failure.py",
    "dependency-not-run": "tests/engine/test_partial.py",
    "exposed-credentials": "tests/runtime/test_auth_sources.py",
    "ignore-without-reason": "tests/lint/test_suppressions.py",
    "internal-error": "tests/cli/test_main.py",
    "interrupted": "tests/cli/test_main.py",
    "invalid-credentials": "tests/runtime/test_auth_sources.py",
    "invalid-input": "fixtures/cases/flows/requests.yaml",
    "invalid-setting": "tests/config/test_reading.py",
    "listener-failed": "tests/engine/test_listeners.py",
    "message-header": "fixtures/cases/messages/sending.yaml",
    "message-schema": "fixtures/cases/messages/sending.yaml",
    "missing-input": "tests/e2e/test_run.py",
    "missing-output": "tests/cli/test_partial.py",
    "missing-value": "tests/report/test_failure.py",
    "no-receiver": "fixtures/cases/messages/sending.yaml",
    "no-response": "tests/report/test_failure.py",
    "not-subscribed": "fixtures/cases/messages/subscribing.yaml",
    "not-upgraded": "tests/lint/test_upgrade.py",
    "outcome-differs": "tests/e2e/test_cassettes.py",
    "password-in-url": "tests/brokers/test_web_runs.py",
    "port-not-usable": "tests/e2e/test_mock_and_explain.py",
    "redirected": "tests/sources/test_fetch.py",
    "refresh-in-doubt": "tests/e2e/test_credentials.py",
    "repeated-input": "tests/cli/test_inputs.py",
    "request-content-type": "tests/engine/test_checks.py",
    "request-contract": "tests/engine/test_checks.py",
    "request-differs": "fixtures/golden/replay/differences.txt",
    "request-schema": "tests/engine/test_checks.py",
    "request-unplayed": "tests/e2e/test_cassettes.py",
    "request-unrecorded": "tests/e2e/test_cassettes.py",
    "response-contract": "tests/engine/test_checks.py",
    "response-header": "tests/engine/test_checks.py",
    "response-schema": "tests/engine/test_checks.py",
    "system-error": "tests/hostile/test_absurd_surroundings.py",
    "text-for-file": "tests/e2e/test_files.py",
    "token-request-failed": "tests/e2e/test_credentials.py",
    "undocumented-content-type": "tests/engine/test_checks.py",
    "undocumented-status": "tests/engine/test_checks.py",
    "unknown-code": "fixtures/golden/explain/pages.txt",
    "unknown-format": "tests/engine/test_formats.py",
    "unknown-input": "tests/e2e/test_many_runs.py",
    "unknown-setting": "tests/config/test_reading.py",
    "unreadable-body": "fixtures/golden/bad-input/non-json-answer.txt",
    "unreadable-file": "tests/e2e/test_run.py",
    "value-format": "tests/engine/test_formats.py",
    "unusable-baseline": "tests/lint/test_baseline.py",
    "unusable-certificate": "tests/e2e/test_transport.py",
    "unusable-credential": "tests/e2e/test_credentials.py",
    "unusable-http-library": "tests/e2e/test_transport.py",
    "unusable-proxy": "tests/e2e/test_transport.py",
    "unusable-token-store": "tests/runtime/test_auth.py",
    "unused-ignore": "tests/lint/test_suppressions.py",
    "usage": "tests/e2e/test_run.py",
}


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


@functools.cache
def findings(code, name):
    with contextlib.chdir(FIXTURES / code):
        return arazzo_runner.validate(name, load_options=LoadOptions(root=str(FIXTURES.parent)))


@pytest.mark.parametrize("code", LINKED)
def test_the_wrong_document_has_this_finding_only(code):
    found = findings(code, "wrong.yml")
    assert {each.code for each in found} == {code}, render_diagnostics(found)
    assert all(each.hint for each in found), render_diagnostics(found)


@pytest.mark.parametrize("code", LINKED)
def test_the_right_document_has_no_finding(code):
    assert findings(code, "right.yml") == ()


@pytest.mark.parametrize("code", LINKED)
def test_the_text_is_the_golden_one(code):
    text = render_diagnostics(findings(code, "wrong.yml"), color=False)
    path = FIXTURES / code / "expected.txt"
    if os.environ.get("ARAZZO_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", CASES)
def test_codes_that_no_document_gives_have_their_case_elsewhere(code):
    assert code not in CODES
    assert code in (ROOT / CASES[code]).read_text(encoding="utf-8")


@pytest.mark.parametrize("package", ["document", "expressions", "program", "sources"])
def test_codes_reported_while_loading_are_listed(package):
    reported = set()
    for path in (ROOT / "arazzo_runner" / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                given = (
                    node.args[:1]
                    if name in ("error", "warn", "info", "_tolerate", "ToleratedSyntax", "Unreadable")
                    else []
                )
                reported |= {each.value for each in given if isinstance(each, ast.Constant)}
    known = set(CODES) | OF_RUNS
    assert {each for each in reported if isinstance(each, str) and each in explanations()} <= known
