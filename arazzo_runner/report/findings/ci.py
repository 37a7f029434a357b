"""Findings for CI services: GitHub annotations, GitLab code quality, Checkstyle XML, JUnit XML, SARIF."""

from __future__ import annotations

import json
from collections.abc import Iterable

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.settings import as_options
from arazzo_runner.base.version import __version__
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.escaping import json_text, one_line
from arazzo_runner.report.findings.model import Findings, fingerprints, in_repository
from arazzo_runner.report.findings.text import place_text, render_diagnostic
from arazzo_runner.report.markup import xml_element, xml_text
from arazzo_runner.sources.uris import uri_of_path

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'

# ------------------------------------------------------------------ GitHub Actions

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github(findings: Findings) -> str:
    """Return a workflow command per finding, which GitHub shows at its line of a pull request."""
    placed = in_repository(findings)
    return "".join(f"{_command(each, placed)}\n" for each in placed.all)


def _command(found: Diagnostic, findings: Findings) -> str:
    at = found.at
    properties = {
        "file": findings.file(at.uri) if at.uri else None,
        "line": at.line,
        "col": at.column,
        "endColumn": at.end_column,
        "title": f"arazzo: {found.code}",
    }
    shown = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items() if value is not None)
    return f"::{_COMMANDS[found.severity]} {shown}::{_data(_text(found))}"


def _text(found: Diagnostic) -> str:
    """Return the message and the hint in one line."""
    hint = "" if found.hint is None else f" (hint: {one_line(as_options(found.hint))})"
    return one_line(found.message) + hint


def _data(text: str) -> str:
    # The escapes of actions/toolkit, core/src/command.ts.
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(one_line(text)).replace(":", "%3A").replace(",", "%2C")


# ------------------------------------------------------------------ GitLab

_GITLAB_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def gitlab(findings: Findings) -> str:
    """Return a code quality report (the subset of Code Climate's format that GitLab reads)."""
    findings = in_repository(findings)
    found = findings.all
    issues = [
        {
            "description": _text(each),
            "check_name": each.code,
            "fingerprint": fingerprint,  # by which GitLab tells new issues from old
            "severity": _GITLAB_SEVERITIES[each.severity],
            "location": {"path": findings.file(each.at.uri), "lines": {"begin": each.at.line or 1}},
        }
        for each, fingerprint in zip(found, fingerprints(found, findings.folder), strict=True)
    ]
    return json_text(json.dumps(issues, ensure_ascii=False, indent=2)) + "\n"


# ------------------------------------------------------------------ Checkstyle

_CHECKSTYLE_SEVERITIES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "info"}


def checkstyle(findings: Findings) -> str:
    """Return Checkstyle XML (Jenkins, TeamCity, reviewdog): a `file` per document or other file with findings."""
    by_file: dict[str, list[Diagnostic]] = {findings.file(name): [] for name in findings.documents}
    for each in findings.all:
        by_file.setdefault(findings.file(each.at.uri), []).append(each)
    files = "".join(f"\n  {_file(name, found)}" for name, found in by_file.items())
    return f"{_XML}{xml_element('checkstyle', {'version': '4.3'}, files + chr(10))}\n"


def _file(name: str, found: list[Diagnostic]) -> str:
    errors = "".join(f"\n    {_error(each)}" for each in found)
    return xml_element("file", {"name": name}, errors + "\n  " if errors else "")


def _error(found: Diagnostic) -> str:
    hint = "" if found.hint is None else f" (hint: {as_options(found.hint)})"
    return xml_element(
        "error",
        {
            "line": found.at.line or 1,
            "column": found.at.column,
            "severity": _CHECKSTYLE_SEVERITIES[found.severity],
            "message": found.message + hint,
            "source": f"arazzo.{found.code}",
        },
    )


# ------------------------------------------------------------------ JUnit


def junit(findings: Findings) -> str:
    """Return JUnit XML: a suite per document with a failed case per error, or one case that passed.

    Warnings and notes are output of a case.
    """
    suites = "".join(f"\n  {_suite(findings.file(name), found)}" for name, found in findings.documents.items())
    errors = findings.count(Severity.ERROR)
    tests = errors + sum(not _errors(found) for found in findings.documents.values())
    root = {"name": "arazzo validate", "tests": tests, "failures": errors, "errors": 0}
    return f"{_XML}{xml_element('testsuites', root, suites + chr(10))}\n"


def _suite(name: str, found: tuple[Diagnostic, ...]) -> str:
    errors = _errors(found)
    others = [each for each in found if each.severity is not Severity.ERROR]
    cases = [_failed(name, each) for each in errors] or [xml_element("testcase", {"classname": name, "name": "valid"})]
    if others:
        shown = "\n\n".join(map(render_diagnostic, others))
        cases.append(xml_element("system-out", {}, xml_text(shown)))
    counts = {"tests": max(1, len(errors)), "failures": len(errors), "errors": 0, "skipped": 0, "time": 0}
    return xml_element("testsuite", {"name": name, **counts}, "".join(f"\n    {case}" for case in cases) + "\n  ")


def _failed(name: str, found: Diagnostic) -> str:
    failure = xml_element("failure", {"type": found.code, "message": found.message}, xml_text(render_diagnostic(found)))
    case = {"classname": name, "name": f"{found.code} at {place_text(found.at)}", "line": found.at.line}
    return xml_element("testcase", case, failure)


def _errors(found: Iterable[Diagnostic]) -> list[Diagnostic]:
    return [each for each in found if each.severity is Severity.ERROR]


# ------------------------------------------------------------------ SARIF

_SARIF_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0-rtm.5.json"
_SARIF_ROOT = "%SRCROOT%"


def sarif(findings: Findings) -> str:
    """Return a SARIF 2.1.0 log, which code scanning and editors read: a result per finding, a rule per code."""
    findings = in_repository(findings)
    found = findings.all
    codes = sorted({each.code for each in found})
    marks = fingerprints(found, findings.folder)
    run = {
        "tool": {"driver": _driver(codes, findings)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_SARIF_ROOT: {"uri": uri_of_path(findings.folder).rstrip("/") + "/"}},
        "artifacts": [{"location": _artifact(name, findings)} for name in findings.documents],
        "results": [
            _result(each, codes.index(each.code), mark, findings) for each, mark in zip(found, marks, strict=True)
        ],
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(json.dumps(log, ensure_ascii=False, indent=2)) + "\n"


def _driver(codes: list[str], findings: Findings) -> dict[str, JsonValue]:
    rules: list[JsonValue] = [
        {
            "id": code,
            "shortDescription": {"text": findings.titles.get(code) or code},
            "help": {"text": f"arazzo explain {code}"},
        }
        for code in codes
    ]
    return {"name": "arazzo", "semanticVersion": __version__, "version": __version__, "rules": rules}


def _result(found: Diagnostic, index: int, mark: str, findings: Findings) -> dict[str, JsonValue]:
    result: dict[str, JsonValue] = {
        "ruleId": found.code,
        "ruleIndex": index,
        "level": _SARIF_LEVELS[found.severity],
        "message": {"text": _text(found)},
        "partialFingerprints": {"arazzo/v1": mark},
    }
    if found.at.uri:
        result["locations"] = [_location(found.at, findings)]
    if found.related:
        result["relatedLocations"] = [
            {**_location(place, findings), "id": number, "message": {"text": "see here"}}
            for number, place in enumerate(found.related)
        ]
    return result


def _location(at: Location, findings: Findings) -> dict[str, JsonValue]:
    physical: dict[str, JsonValue] = {"artifactLocation": _artifact(at.uri, findings)}
    if at.line is not None:
        region = {"startLine": at.line, "startColumn": at.column, "endColumn": at.end_column}
        physical["region"] = {name: value for name, value in region.items() if value is not None}
    location: dict[str, JsonValue] = {"physicalLocation": physical}
    if at.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": one_line(at.pointer)}]
    return location


def _artifact(uri: str, findings: Findings) -> dict[str, JsonValue]:
    named = findings.uri(uri)
    return {"uri": named} if ":" in named.partition("/")[0] else {"uri": named, "uriBaseId": _SARIF_ROOT}
