"""The explanation of a failed run: step, criterion, value, response, curl; no secret in any of it."""

from __future__ import annotations

import json
import shlex
import subprocess

import pytest

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import NoResponse
from arazzo_runner.engine.results import Seen, WorkflowResult
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.curl import curl_line
from arazzo_runner.report.failure import failed_step, failure_diagnostics, render_failure
from tests.report.records import TOKEN, attempt, place, request, response, result, step, verdict

CURL = (
    "    curl -X POST 'https://***@api.example.com/auth?api_key=***&code=***' -H 'Content-Type: application/json'"
    " -H 'Authorization: Bearer ***' --data-raw"
    """ '{"refresh_token":"***","note":"it'"'"'s","password":"***"}'"""
)


def test_all_that_a_person_needs() -> None:
    assert render_failure(result()).splitlines() == [
        'error[criterion-failed]: step "refresh" failed: $statusCode is 401, expected == 200',
        " --> flow.yml:4:18",
        "4 |     - condition: $statusCode == 200",
        "  |                  ^^^^^^^^^^^^^^^^^^",
        "",
        "         expected            seen",
        "  fails  $statusCode == 200  $statusCode is 401",
        "",
        "  request:  POST https://***@api.example.com/auth?api_key=***&code=***",
        "  response: 401 Unauthorized, 31 ms, application/json, 57 bytes",
        '    | {"error":"invalid_grant","was":"***"}',
        "  to send it again:",
        CURL,
        "",
        'workflow "rotate" failed at step "refresh"',
    ]


def test_every_criterion_of_the_last_attempt_is_shown_with_its_values() -> None:
    holds = verdict(condition="$response.body#/ok", passed=True, reason=None, seen=(Seen(expression="$x", value=True),))
    long = verdict(condition=f"$y == '{'z' * 90}'", seen=(Seen(expression="$y", value=f"{'a' * 55}{TOKEN}"),))
    blind = verdict(condition="$nothing", seen=())
    shown = render_failure(result(steps=(step(attempts=(attempt(verdicts=(holds, long, blind)),)),))).splitlines()
    start = next(index for index, line in enumerate(shown) if line.startswith("         expected"))
    columns = [line.index("seen") if "seen" in line else line.index(" is ") for line in shown[start : start + 3]]
    assert [line[:7] for line in shown[start + 1 : start + 3]] == ["  holds", "  fails"]
    assert columns[0] < columns[1] == columns[2]
    assert shown[start + 3] == ""
    assert TOKEN[:6] not in "\n".join(shown)


def test_a_success_needs_no_explanation() -> None:
    assert render_failure(result(status="succeeded", steps=())) == ""


def test_values_are_shown_when_the_reason_lacks_them() -> None:
    query = verdict(
        type="jsonpath",
        reason="jsonpath $.a selects nothing in $response.body",
        seen=(Seen(expression="$response.body", value={"a": TOKEN, "list": [1, 2]}),),
    )
    text = render_failure(result(steps=(step(attempts=(attempt(verdicts=(query,)),)),)))
    assert '(seen: $response.body is {"a":"***","list":[1,2]})' in text


def test_a_long_secret_in_a_value_is_masked_before_it_is_cut() -> None:
    long = "S3CRET-" * 40
    seen = verdict(reason="no", seen=(Seen(expression="$response.body", value=long),))
    failed = result(steps=(step(attempts=(attempt(verdicts=(seen,)),)),), secrets=Secrets([long]))
    assert "S3CRET" not in render_failure(failed)


def test_a_secret_that_a_reason_cut_short_is_masked_too() -> None:
    long = "S3CRET-" * 40
    cut = f'$response.body#/x is "{long[:60]}…, expected == 1'
    failed = result(
        steps=(step(attempts=(attempt(verdicts=(verdict(reason=cut),)),), reason=cut),),
        reason=cut,
        secrets=Secrets([long]),
    )
    assert "S3CRET-S" not in render_failure(failed)


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (NoResponse("refused", "refused", sent=False), "no response: refused (nothing was sent)"),
        (NoResponse("timeout", "no answer after 30 s", sent=True), "no response: no answer after 30 s"),
    ],
)
def test_no_response(answer: NoResponse, line: str) -> None:
    text = render_failure(result(steps=(step(attempts=(attempt(response=answer, verdicts=()),)),)))
    assert text.startswith(f'error[no-response]: step "refresh" got no response: {answer.message}\n')
    assert f"  response: {line}\n" in text


def test_a_request_that_could_not_be_built_is_explained_by_its_own_diagnostic() -> None:
    why = Diagnostic(code="missing-value", severity=Severity.ERROR, message=f"x {TOKEN}", at=place("/steps/0"))
    text = render_failure(
        result(steps=(step(attempts=(attempt(request=None, response=None, verdicts=(), diagnostics=(why,)),)),))
    )
    assert text.startswith("error[missing-value]: x ***\n --> flow.yml:2:5")
    assert "request:" not in text


def test_a_failure_in_a_nested_workflow_names_the_step_inside() -> None:
    inner = step(step_id="inner")
    nested = WorkflowResult(workflow_id="sub", status="failed", steps=(inner,), reason="x")
    outer = step(step_id="outer", attempts=(attempt(request=None, response=None, verdicts=()),), workflow=nested)
    assert failed_step(result(steps=(outer,))) is inner


def test_a_failed_dependency_is_explained() -> None:
    before = WorkflowResult(workflow_id="first", status="failed", steps=(step(step_id="login"),), reason="x")
    failed = result(steps=(), dependencies=(before,), reason='workflow "first" failed')
    text = render_failure(failed)
    assert 'step "login" failed' in text
    assert text.endswith('workflow "rotate" failed at step "login": workflow "first" failed\n')


@pytest.mark.parametrize(
    ("status", "reason", "line"),
    [
        ("interrupted", "interrupted", 'workflow "rotate" was interrupted'),
        ("in_doubt", "", 'workflow "rotate" ended in doubt: the outcome of a request is unknown'),
        ("failed", "the loop a, b was left", 'workflow "rotate" failed: the loop a, b was left'),
    ],
)
def test_the_last_line_has_the_outcome(status: str, reason: str, line: str) -> None:
    assert render_failure(result(status=status, steps=(), reason=reason)) == line + "\n"


def test_retries_are_counted() -> None:
    text = render_failure(result(steps=(step(attempts=(attempt(), attempt(number=2), attempt(number=3))),)))
    assert "  attempts: 3 (2 retries, 93 ms)" in text


def test_every_failed_criterion_is_a_diagnostic() -> None:
    both = (verdict(), verdict(passed=True), verdict(reason="second"))
    found = failure_diagnostics(result(steps=(step(attempts=(attempt(verdicts=both),)),)))
    assert [each.code for each in found] == ["criterion-failed", "criterion-failed"]
    assert failure_diagnostics(result(status="succeeded")) == ()


def test_a_long_body_is_cut() -> None:
    page = ("<p>" + "x" * 500 + "\n").encode() * 50
    failed = attempt(response=response(500, page, "text/html"))
    text = render_failure(result(steps=(step(attempts=(failed,)),)))
    assert "… 39 more lines" in text
    assert max(map(len, text.splitlines())) < 400


def test_invalid_json_is_noted() -> None:
    why = Diagnostic(
        code="unreadable-body", severity=Severity.WARNING, message="the body is not JSON (why)", at=place("/steps/0")
    )
    failed = attempt(response=response(200, b"<html>"), diagnostics=(why,))
    assert "note:     the body is not JSON (why)" in render_failure(result(steps=(step(attempts=(failed,)),)))


# ------------------------------------------------------------------ curl


def sent_by(line: str) -> list[str]:
    """Return the arguments that bash passes to curl for a line."""
    script = "curl() { printf '%s\\0' \"$@\"; }; " + line
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True)
    return done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


@pytest.mark.parametrize(
    "body",
    [
        'it\'s $HOME `id` "x" \\ !',
        "two\nlines",
        "::error::x\n::y::",
        "\x1b[31mred\x07 \u202e ü",
        "##vso[x] '",
    ],
)
def test_curl_quotes_any_body_and_prints_nothing_raw(body: str) -> None:
    sent = request(method="PUT", url="http://h/a", headers=(("Content-Type", "text/plain"),), body=body.encode())
    line = curl_line(sent, Secrets())
    assert sent_by(line) == ["-X", "PUT", "http://h/a", "-H", "Content-Type: text/plain", "--data-raw", body]
    assert line.isprintable()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"method": "GET", "body": None}, ["curl", "http://h/a"], id="GET needs no -X"),
        pytest.param({"method": "HEAD", "body": None}, ["curl", "--head", "http://h/a"], id="HEAD is --head"),
        pytest.param(
            {"method": "GET", "body": None, "url": "http://h/a?b[]=1"},
            ["curl", "--globoff", "http://h/a?b[]=1"],
            id="brackets are not a glob",
        ),
        pytest.param(
            {"body": b"\xff\x00"},
            ["curl", "-X", "POST", "http://h/a", "--data-binary", "@body.bin"],
            id="bytes are a file",
        ),
        pytest.param(
            {"headers": (("Host", "h"), ("Content-Length", "2"), ("X-A", "1")), "body": b"{}"},
            ["curl", "-X", "POST", "http://h/a", "-H", "X-A: 1", "--data-raw", "{}"],
            id="headers that curl sets itself are left out",
        ),
    ],
)
def test_curl_words(changes: dict[str, object], words: list[str]) -> None:
    line = curl_line(request(**{"url": "http://h/a", "headers": (), **changes}), Secrets())
    assert shlex.split(line) == words


def test_curl_sends_the_bytes_that_were_sent_when_nothing_is_secret() -> None:
    body = b'{"b" : 1.0,\n "a":2}'
    sent = request(method="POST", url="http://h/a", headers=(("Content-Type", "application/json"),), body=body)
    assert sent_by(curl_line(sent, Secrets()))[-1] == body.decode()
    assert json.loads(body) == {"b": 1.0, "a": 2}
