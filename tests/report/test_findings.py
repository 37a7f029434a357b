"""Reports of `validate`: parsed by their readers; documents cannot inject anything."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import junitparser
import pytest

from arazzo_runner.document.positions import FixedPositions, TextPositions
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.findings.formats import FORMATS, render, render_findings
from arazzo_runner.report.findings.json import findings_report
from arazzo_runner.report.findings.model import Findings

SARIF = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8"))
HOSTILE = 'a "b" <c> & ]]> \x00\x1b[2J\n::error::x\r\u202e%0A ##[x] \ud800'
SOURCE = "first line\n  second: 'line' & \x07<more>\n"
MACHINE = [name for name in FORMATS if name not in ("text", "json")]


def finding(code="a-code", severity=Severity.ERROR, message="it is wrong", uri="w.yml", line=2, hint="mend it", **more):
    at = Location(uri, "/workflows/0", FixedPositions(TextPositions(SOURCE), line, 3, 6))
    return Diagnostic(code=code, severity=severity, message=message, at=at, hint=hint, **more)


def findings(*found, names=("w.yml", "clean.yml")):
    documents = {name: tuple(each for each in found if each.at.uri == name) for name in names}
    return Findings(documents=documents, titles={"a-code": "Reports what is wrong."})


MIXED = findings(
    finding(related=(Location("w.yml", "/info", FixedPositions(TextPositions(SOURCE), 1, 1, 5)),)),
    finding(),
    finding("b-code", Severity.WARNING, hint=None),
    finding("c-code", Severity.INFO),
    names=("w.yml", "clean.yml"),
)
NASTY = findings(
    finding(message=HOSTILE, hint=HOSTILE, uri="we ird,:%<&>\n.yml"),
    Diagnostic(code="a-code", severity=Severity.ERROR, message="no place", at=Location("")),
    names=("we ird,:%<&>\n.yml", ""),
)
ALL = [pytest.param(MIXED, id="usual"), pytest.param(NASTY, id="hostile"), pytest.param(findings(), id="none")]


@pytest.mark.parametrize("found", ALL)
def test_sarif_matches_its_official_schema(found):
    log = json.loads(render("sarif", found))
    jsonschema.Draft4Validator(SARIF).validate(log)
    results = log["runs"][0]["results"]
    assert len(results) == len(found.all)
    marks = [each["partialFingerprints"]["arazzo/v1"] for each in results]
    assert len(set(marks)) == len(marks)


def test_sarif_has_position_rule_and_level():
    run = json.loads(render("sarif", MIXED))["runs"][0]
    assert [each["level"] for each in run["results"]] == ["error", "error", "warning", "note"]
    first = run["results"][0]
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "w.yml", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 2, "startColumn": 3, "endColumn": 9}
    assert first["locations"][0]["logicalLocations"] == [{"fullyQualifiedName": "/workflows/0"}]
    assert run["tool"]["driver"]["rules"][first["ruleIndex"]]["shortDescription"]["text"] == "Reports what is wrong."
    assert first["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] == 1


def test_junit_is_read_by_junitparser():
    suites = list(junitparser.JUnitXml.fromstring(render("junit", MIXED).encode()))
    assert [(suite.name, suite.tests, suite.failures) for suite in suites] == [("w.yml", 2, 2), ("clean.yml", 1, 0)]
    cases = list(suites[0])
    assert [case.result[0].type for case in cases] == ["a-code", "a-code"]
    assert "it is wrong" in cases[0].result[0].message
    assert next(iter(suites[1])).is_passed


@pytest.mark.parametrize("found", ALL)
@pytest.mark.parametrize("format_", ["junit", "checkstyle"])
def test_xml_is_well_formed_whatever_a_document_holds(format_, found):
    ElementTree.fromstring(render(format_, found))


def test_checkstyle_has_a_file_for_each_document():
    root = ElementTree.fromstring(render("checkstyle", MIXED))
    assert [len(file) for file in root] == [4, 0]
    assert root[0][0].attrib == {
        "line": "2", "column": "3", "severity": "error", "message": "it is wrong (hint: mend it)", "source": "arazzo.a-code",
    }  # fmt: skip


def test_github_annotations_are_one_command_each():
    lines = render("github", NASTY).splitlines()
    assert len(lines) == len(NASTY.all)
    assert all(re.match(r"::(error|warning|notice) [^\x00-\x1f]*::", line) for line in lines)
    properties = lines[0].split("::")[1]
    assert "we ird%2C%3A%25<&>\\n.yml" in properties
    assert properties.count(",") == 4


def test_gitlab_issues_have_the_required_fields():
    issues = json.loads(render("gitlab", MIXED))
    assert [issue["severity"] for issue in issues] == ["major", "major", "minor", "info"]
    assert len({issue["fingerprint"] for issue in issues}) == 4
    assert all(issue["location"]["lines"]["begin"] == 2 for issue in issues)


@pytest.mark.parametrize("format_", MACHINE)
def test_no_control_character_reaches_a_report(format_):
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e\ud800]", render(format_, NASTY))


def test_json_keeps_its_contract_and_counts_documents():
    contract = json.loads((Path(__file__).parents[2] / "docs/schemas/validate.schema.json").read_text(encoding="utf-8"))
    for found in (MIXED, NASTY, findings()):
        report = json.loads(json.dumps(findings_report(found)))
        jsonschema.Draft202012Validator(contract).validate(report)
        assert report["summary"]["documents"] == len(found.documents)


def test_the_text_ends_with_a_summary():
    assert render_findings(MIXED).endswith("\n\n2 errors, 1 warning, 1 note in 1 of 2 documents\n")
    assert render_findings(findings()) == "all 2 are valid: no problems\n"
    noted = Findings(documents={"w.yml": ()}, notes={"ignored": 2, "in the baseline": 0})
    assert render_findings(noted) == "it is valid: no problems (2 ignored)\n"
    assert "\x1b" not in render_findings(NASTY)
    assert "\x1b[1;31m" in render_findings(MIXED, color=True)
