"""Machine output: the contract's members, masked throughout."""

from __future__ import annotations

import json

import pytest

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import NoResponse
from arazzo_runner.engine.results import Seen, WorkflowResult
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.json import error_report, pretty, run_report, validate_report
from tests.report.records import TOKEN, attempt, place, request, result, step, verdict

WARNING = Diagnostic(
    code="odd", severity=Severity.WARNING, message=f"about {TOKEN}", at=place("/steps/0/stepId"), hint="write x"
)


def test_run_report_has_the_members_of_the_contract() -> None:
    report = run_report(result(diagnostics=(WARNING,)))
    assert report["status"] == "failed"
    assert report["workflowId"] == "rotate"
    [one] = report["steps"]
    assert (one["stepId"], one["status"]) == ("refresh", "failed")
    [tried] = one["attempts"]
    assert set(tried) == {"request", "response", "criteria", "diagnostics", "duration_ms", "wait"}
    assert tried["request"] == {
        "method": "POST",
        "url": "https://***@api.example.com/auth?api_key=***&code=***",
        "headers": {"Content-Type": "application/json", "Authorization": "Bearer ***"},
        "body": {"refresh_token": "***", "note": "it's", "password": "***"},
    }
    assert tried["response"] == {
        "status": 401,
        "headers": {"Content-Type": "application/json", "Set-Cookie": ["***"]},
        "body": {"error": "invalid_grant", "was": "***"},
        "elapsed_ms": 31.0,
    }
    [criterion] = tried["criteria"]
    assert criterion["seen"] == [{"expression": "$statusCode", "value": 401}]
    assert (criterion["file"], criterion["line"], criterion["column"]) == ("flow.yml", 4, 18)
    assert report["diagnostics"][0]["message"] == "about ***"
    assert TOKEN not in pretty(report)


def test_outputs_are_masked_unless_they_are_asked_for() -> None:
    done = result(
        status="succeeded",
        outputs={"accessToken": "short", "pin": 1234, "count": 3, "echo": f"x{TOKEN}"},
        missing_outputs=("gone",),
        secret_outputs=frozenset({"accessToken", "pin"}),
    )
    assert run_report(done)["outputs"] == {
        "accessToken": "***",
        "pin": "***",
        "count": 3,
        "echo": "x***",
        "gone": None,
    }
    shown = run_report(done, show_secrets=True)
    assert shown["outputs"]["accessToken"] == "short"
    assert TOKEN not in json.dumps(shown["steps"])


def test_a_missing_response_has_a_reason() -> None:
    lost = attempt(response=NoResponse("timeout", f"lost {TOKEN}", sent=True, elapsed_ms=5), verdicts=())
    report = run_report(result(steps=(step(attempts=(lost,)),)))
    assert report["steps"][0]["attempts"][0]["response"] == {
        "error": "timeout",
        "message": "lost ***",
        "sent": True,
        "elapsed_ms": 5,
    }


def test_values_without_a_json_form_get_one() -> None:
    odd = verdict(seen=(Seen(expression="$inputs.x", value=MISSING),))
    sent = request(headers=(("Content-Type", "application/octet-stream"),), body=b"\xff\xfe")
    report = run_report(result(steps=(step(attempts=(attempt(request=sent, verdicts=(odd,)),)),)))
    again = json.loads(pretty(report))
    tried = again["steps"][0]["attempts"][0]
    assert tried["criteria"][0]["seen"] == [{"expression": "$inputs.x", "value": None}]
    assert tried["request"]["body"] == "<2 bytes>"


def test_nested_workflows_and_dependencies_are_shown() -> None:
    nested = WorkflowResult(workflow_id="sub", status="failed", steps=(step(),), outputs={"token": "t"}, reason=TOKEN)
    report = run_report(result(steps=(step(workflow=nested),), dependencies=(nested,)))
    assert report["steps"][0]["workflow"]["outputs"] == {"token": "***"}
    assert report["dependencies"][0]["reason"] == "***"


def test_error_report_has_the_same_members() -> None:
    error = Diagnostic(code="usage", severity=Severity.ERROR, message="no", at=Location(""))
    report = error_report("rotate", [error])
    assert report.keys() == run_report(result()).keys()
    assert (report["status"], report["reason"], report["diagnostics"][0]["file"]) == ("error", "no", None)


def test_validate_report() -> None:
    report = validate_report([WARNING])
    assert report["summary"] == {"errors": 0, "warnings": 1, "infos": 0}
    assert report["diagnostics"][0] == {
        "code": "odd",
        "severity": "warning",
        "message": f"about {TOKEN}",
        "file": "flow.yml",
        "line": 2,
        "column": 13,
        "pointer": "/steps/0/stepId",
        "hint": "write x",
        "related": [],
        "fix": None,
    }


@pytest.mark.parametrize("secret", ['pa"ss\\wörd-1', "a/b+c=d?e&f", "line\nbreak-secret"])
def test_no_form_of_a_secret_survives(secret: str) -> None:
    sent = request(url="http://h/", body=json.dumps({"x": secret}).encode())
    report = run_report(result(steps=(step(attempts=(attempt(request=sent),)),), secrets=Secrets([secret])))
    assert json.dumps(secret)[1:-1] not in pretty(report)
    assert report["steps"][0]["attempts"][0]["request"]["body"] == {"x": "***"}
