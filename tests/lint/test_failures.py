"""A failing step shows what `validate` finds about it: in Python, in every report and on the terminal, once."""

from __future__ import annotations

import asyncio
import copy
import json
import xml.etree.ElementTree as ElementTree

import pytest
import yaml

import arazzo_runner
from arazzo_runner import render_report
from arazzo_runner.cli.main import run
from arazzo_runner.lint import failures

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {
        "/things/{id}": {
            "get": {
                "operationId": "get",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "description": "d",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "properties": {"name": {"type": "string"}},
                                }
                            }
                        },
                    }
                },
            }
        }
    },
}
STEP = {
    "stepId": "get",
    "operationId": "get",
    "parameters": [{"name": "id", "in": "path", "value": "7"}],
    "successCriteria": [{"condition": "$statusCode == 200"}],
}
BRACES = {"parameters": [{"name": "id", "in": "path", "value": "{{$inputs.id}}"}]}
UNKNOWN = {"successCriteria": [{"condition": "$response.body#/nmae == 'x'"}]}
STATUS = {"successCriteria": [{"condition": "$statusCode == 201"}]}
FAILING = {"successCriteria": [{"condition": "$response.header.X-None == 'x'"}]}


def written(tmp_path, *steps, text=None):
    """Write a document of these steps; return its path."""
    (tmp_path / "api.yml").write_text(yaml.safe_dump(API))
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.yml", "type": "openapi"}],
        "workflows": [
            {
                "workflowId": "w",
                "inputs": {"type": "object", "properties": {"id": {"type": "string"}}},
                "steps": [{**copy.deepcopy(STEP), **each} for each in steps],
            }
        ],
    }
    path = tmp_path / "w.yml"
    path.write_text(text(yaml.safe_dump(document)) if text else yaml.safe_dump(document))
    return path


def codes(step):
    return [each.code for each in step.findings]


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        pytest.param({**BRACES, **FAILING}, ["doubtful-braces"], id="double braces"),
        pytest.param(UNKNOWN, ["unknown-response-member"], id="a member that the body does not have"),
        pytest.param(STATUS, ["status-not-documented"], id="a status that the description lacks"),
        pytest.param(FAILING, [], id="nothing is wrong with the document"),
    ],
)
@pytest.mark.parametrize("way", ["run", "arun"])
def test_the_failed_step_has_what_validate_finds(tmp_path, step, expected, way):
    path, arguments = written(tmp_path, step), {"inputs": {"id": "7"}, "mock": True}
    if way == "run":
        result = arazzo_runner.run(path, **arguments)
    else:
        result = asyncio.run(arazzo_runner.arun(path, **arguments))
    assert result.status == "failed"
    assert codes(result.steps[0]) == expected


def test_a_step_that_passes_has_no_findings(tmp_path):
    unused = {**STEP, "stepId": "second", **UNKNOWN}
    result = arazzo_runner.run(written(tmp_path, BRACES, unused), inputs={"id": "7"}, mock=True)
    assert [(each.status, codes(each)) for each in result.steps] == [
        ("passed", []),
        ("failed", ["unknown-response-member"]),
    ]


def test_a_hint_says_which_member_is_meant(tmp_path):
    [found] = arazzo_runner.run(written(tmp_path, UNKNOWN), mock=True).steps[0].findings
    assert (found.hint, found.at.line is not None) == ('did you mean "name"?', True)


def test_a_run_that_succeeds_runs_no_rule(tmp_path):
    program = arazzo_runner.load(written(tmp_path, BRACES))
    assert arazzo_runner.run(program, inputs={"id": "7"}, mock=True).status == "succeeded"
    assert program.origin.findings == {}


def test_runs_of_one_program_look_once(tmp_path):
    program = arazzo_runner.load(written(tmp_path, UNKNOWN))
    first, second = (arazzo_runner.run(program, mock=True) for _ in range(2))
    assert first.steps[0].findings[0] is second.steps[0].findings[0]


def test_a_comment_hides_a_finding_here_too(tmp_path):
    comment = "# arazzo-ignore-file: unknown-response-member -- the server sends it\n"
    path = written(tmp_path, UNKNOWN, text=lambda text: comment + text)
    assert codes(arazzo_runner.run(path, mock=True).steps[0]) == []


def test_a_credential_in_the_document_is_not_quoted(tmp_path):
    secret = "sk-live-0123456789abcdef"
    step = {"parameters": [*STEP["parameters"], {"name": "Authorization", "in": "header", "value": f"Bearer {secret}"}]}
    result = arazzo_runner.run(written(tmp_path, {**step, **UNKNOWN}), mock=True)
    assert codes(result.steps[0]) == ["unknown-response-member"]
    assert secret not in "".join(str(each) for each in result.steps[0].findings)


def test_a_document_given_as_a_mapping_has_findings_without_a_text(tmp_path):
    document = yaml.safe_load(written(tmp_path, UNKNOWN).read_text())
    document["sourceDescriptions"][0]["url"] = (tmp_path / "api.yml").as_uri()
    options = arazzo_runner.LoadOptions(root=str(tmp_path))
    assert codes(arazzo_runner.run(document, mock=True, load_options=options).steps[0]) == ["unknown-response-member"]


def test_a_step_of_a_called_workflow_is_explained(tmp_path):
    path = written(tmp_path, UNKNOWN)
    document = yaml.safe_load(path.read_text())
    outer = {"workflowId": "outer", "steps": [{"stepId": "call", "workflowId": "w"}]}
    document["workflows"].append(outer)
    path.write_text(yaml.safe_dump(document))
    result = arazzo_runner.run(path, "outer", mock=True)
    assert codes(result.steps[0].workflow.steps[0]) == ["unknown-response-member"]


def test_a_fault_of_a_rule_does_not_cost_the_result(tmp_path, monkeypatch):
    def broken(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(failures, "documents_of", broken)
    program = arazzo_runner.load(written(tmp_path, UNKNOWN, {"stepId": "second"}), load_options=None)
    result = arazzo_runner.run(program, mock=True)
    assert (result.status, result.steps[0].status) == ("failed", "failed")


@pytest.mark.parametrize("name", ["json", "markdown", "html", "junit", "sarif", "github"])
def test_every_report_has_the_finding(tmp_path, name):
    text = render_report(name, arazzo_runner.run(written(tmp_path, UNKNOWN), mock=True))
    assert "unknown-response-member" in text
    if name == "junit":
        [failure] = ElementTree.fromstring(text).iter("failure")
        assert "arazzo validate has 1 finding about this step" in failure.text


@pytest.fixture
def arazzo(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))

    def call(*arguments):
        code = run([*map(str, arguments)])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


@pytest.mark.parametrize("more", [(), ("-w", "*"), ("-q",)], ids=["one run", "many runs", "quiet"])
def test_the_terminal_shows_it_once_after_the_failure(tmp_path, arazzo, more):
    code, _, shown = arazzo("run", written(tmp_path, UNKNOWN), "--mock", *more)
    assert code == 1
    assert shown.count("unknown-response-member") == 1
    assert shown.index("criterion-failed") < shown.index("unknown-response-member")


def test_what_was_printed_before_the_run_is_not_repeated(tmp_path, arazzo):
    bare = {"parameters": [{"name": "id", "in": "path", "value": "x $inputs.id"}], **FAILING}
    path = written(tmp_path, bare)
    for more in ((), ("-w", "*")):
        _, _, shown = arazzo("run", path, "--mock", "-i", "id=7", *more)
        assert shown.count("[bare-expression]") == 1
    assert codes(arazzo_runner.run(path, inputs={"id": "7"}, mock=True).steps[0]) == ["bare-expression"]


def test_what_the_run_says_itself_is_not_said_again(tmp_path, arazzo):
    api = copy.deepcopy(API)
    api["paths"]["/things/{id}"]["get"]["parameters"][0]["schema"] = {"type": "integer"}
    step = {"parameters": [{"name": "id", "in": "path", "value": "cat"}]}
    path = written(tmp_path, step)
    (tmp_path / "api.yml").write_text(yaml.safe_dump(api))
    _, _, shown = arazzo("run", path, "--mock", "--check-requests", "error")
    assert "must be integer" in shown
    assert "parameter-mismatch" not in shown


def test_json_has_it_at_the_step_and_among_the_diagnostics(tmp_path, arazzo):
    _, out, _ = arazzo("run", written(tmp_path, UNKNOWN), "--mock", "--format", "json")
    report = json.loads(out)
    assert [each["code"] for each in report["steps"][0]["findings"]] == ["unknown-response-member"]
    assert [each["code"] for each in report["diagnostics"]].count("unknown-response-member") == 1
