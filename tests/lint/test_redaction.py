"""Credentials in a document are shown in no report, whichever rule reports on their location."""

from __future__ import annotations

import pytest

from arazzo_runner.cli.main import run
from arazzo_runner.report.findings.formats import FORMATS

API = """\
openapi: 3.0.3
info: {title: t, version: "1"}
servers: [{url: https://x.test}]
paths:
  /a:
    post:
      operationId: a
      parameters: [{name: X-Api-Key, in: header, schema: {type: string, enum: [one, two]}}]
      requestBody:
        content:
          application/json:
            schema: {type: object, properties: {password: {enum: [x]}, token: {enum: [x]}}}
      responses: {"200": {description: ok}}
"""
DOCUMENT = """\
arazzo: 1.0.1
info: {title: t, version: "1"}
sourceDescriptions: [{name: api, url: api.yml, type: openapi}]
workflows:
  - workflowId: w
    inputs: {type: object, properties: {password: {type: integer, default: KEY-in-a-default}}}
    steps:
      - stepId: a
        operationId: a
        parameters: [{name: X-Api-Key, in: header, value: KEY-in-a-header}]
        requestBody:
          contentType: application/json
          payload: {password: KEY45, token: "KEY\\"in\\"quotes"}
"""


@pytest.fixture
def document(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.yml").write_text(API, "utf-8")
    (tmp_path / "doc.yml").write_text(DOCUMENT, "utf-8")
    return "doc.yml"


@pytest.mark.parametrize("format_", FORMATS)
def test_no_report_quotes_a_credential(document, format_, capsys):
    run(["validate", "--no-cache", "--format", format_, document])
    shown = "".join(capsys.readouterr())
    assert "hard-coded-password" in shown
    assert "KEY" not in shown


def test_the_other_findings_stay_where_they_are(document, capsys):
    run(["validate", "--no-cache", document])
    shown = capsys.readouterr().out
    assert (
        'warning[parameter-mismatch]: header parameter "X-Api-Key": the value must be one of "one", "two", '
        'found string "***"\n'
        "  --> doc.yml:10:59\n"
        "10 |         parameters: [{name: X-Api-Key, in: header, value: ***************}]\n"
        "   |                                                           ^^^^^^^^^^^^^^^\n"
        "   = help: see the parameter in"
    ) in shown


def test_a_document_checked_from_python_hides_them_too(document):
    from arazzo_runner import validate

    found = validate(document)
    assert "hard-coded-password" in {each.code for each in found}
    assert not any("KEY" in f"{each} {each.at.source_line}" for each in found)


@pytest.mark.parametrize("cached", [False, True], ids=["read anew", "asked twice"])
def test_credentials_are_redacted_when_their_rules_are_not_selected(document, cached, capsys):
    arguments = ["validate", "--select", "parameter-mismatch,invalid-default", document]
    for _ in range(2):
        run(arguments if cached else [*arguments, "--no-cache"])
        shown = capsys.readouterr().out
        assert "parameter-mismatch" in shown
        assert "invalid-default" in shown
        assert "hard-coded-password" not in shown
        assert "KEY" not in shown


def test_rules_chosen_in_python_are_the_only_ones_reported(document):
    from arazzo_runner import validate

    found = validate(document, rules=["parameter-mismatch"])
    assert [each.code for each in found] == ["parameter-mismatch"]
    assert "KEY" not in f"{found[0]} {found[0].at.source_line}"
