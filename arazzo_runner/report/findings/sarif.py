"""SARIF 2.1.0, read by code scanning (GitHub, Azure) and editors."""

from __future__ import annotations

import json

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.version import __version__
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.escaping import json_text, one_line
from arazzo_runner.report.findings.model import Findings, fingerprints
from arazzo_runner.sources.uris import uri_of_path

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0-rtm.5.json"
_ROOT = "%SRCROOT%"


def render(findings: Findings) -> str:
    """Return a log with one run: a result per finding, a rule per code."""
    found = findings.all
    codes = sorted({each.code for each in found})
    marks = fingerprints(found, findings.folder)
    run = {
        "tool": {"driver": _driver(codes, findings)},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"uri": uri_of_path(findings.folder).rstrip("/") + "/"}},
        "artifacts": [{"location": _artifact(name, findings)} for name in findings.documents],
        "results": [
            _result(each, codes.index(each.code), mark, findings) for each, mark in zip(found, marks, strict=True)
        ],
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
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
    hint = "" if found.hint is None else f" (hint: {one_line(found.hint)})"
    result: dict[str, JsonValue] = {
        "ruleId": found.code,
        "ruleIndex": index,
        "level": _LEVELS[found.severity],
        "message": {"text": one_line(found.message) + hint},
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
    return {"uri": named} if ":" in named.partition("/")[0] else {"uri": named, "uriBaseId": _ROOT}
