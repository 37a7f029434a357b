"""`arazzo eval`: canonical spellings, values, verdicts and carets."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from pathlib import Path

import pytest

from arazzo_runner.cli.main import run

CONTEXT = {
    "inputs": {"id": 7, "token": "abc"},
    "statusCode": 201,
    "response": {"header": {"X": ["1", "2"]}, "body": {"ok": True, "items": [{"p": 1}, {"p": 20}]}},
    "message": {"header": {"Request-Id": "a"}, "payload": {"orders": [7]}},
}


@pytest.fixture
def context(tmp_path):
    path = tmp_path / "seen.json"
    path.write_text(json.dumps(CONTEXT))
    return str(path)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        pytest.param(["$inputs.id"], 0, {"canonical": "$inputs.id", "value": 7}, id="an expression"),
        pytest.param(["$response.header.x"], 0, {"value": "1, 2"}, id="a repeated header"),
        pytest.param(["$response.body.items[1].p"], 0, {"canonical": "$response.body#/items/1/p", "value": 20}, id="a slip"),
        pytest.param(["$message.payload#/orders/0"], 0, {"value": 7}, id="the payload of a message"),
        pytest.param(["$message.header.request-id"], 0, {"value": "a"}, id="a header of a message"),
        pytest.param(["$message.payload#/order"], 1, {"reason": 'there is no "order" in the payload of the message, only "orders"'}, id="no such member of a message"),
        pytest.param(["$inputs.gone"], 1, {"missing": "$inputs.gone", "reason": 'there is no "gone" in the inputs, only "id", "token"'}, id="no such value"),
        pytest.param(["$response.body#/item/0"], 1, {"reason": 'there is no "item" in the body of the response, only "ok", "items"'}, id="no such member"),
        pytest.param(["Bearer $inputs.token"], 0, {"canonical": "Bearer {$inputs.token}", "value": "Bearer abc"}, id="a template"),
        pytest.param(["x{$inputs.gone}"], 1, {"missing": "$inputs.gone", "reason": 'there is no "gone" in the inputs, only "id", "token"'}, id="a template with a gap"),
        pytest.param(["plain"], 0, {"value": "plain"}, id="plain text"),
        pytest.param(["$statusCode==201", "--as", "condition"], 0, {"canonical": "$statusCode == 201", "passed": True}, id="a condition"),
        pytest.param(["$statusCode == 200", "--as", "condition"], 1, {"passed": False, "reason": "$statusCode is 201, expected == 200"}, id="a condition that does not hold"),
        pytest.param(["$.items[?@.p > 10].p", "--as", "jsonpath"], 0, {"passed": True, "selected": [20]}, id="a JSONPath"),
        pytest.param(["/items/0/p", "--as", "pointer"], 0, {"passed": True, "selected": [1]}, id="a pointer"),
        pytest.param(["ok", "--as", "regex"], 0, {"passed": True}, id="a regular expression"),
    ],
)  # fmt: skip
def test_a_text_is_evaluated_in_its_context(capsys, context, arguments, code, expected):
    assert run(["eval", *arguments, "--context", context, "--format", "json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert {name: found.get(name) for name in expected} == expected


def test_text_output_and_parse_only(capsys, monkeypatch):
    assert run(["eval", "$statusCode", "--parse-only"]) == 0
    assert capsys.readouterr().out == ""
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(CONTEXT)))
    assert run(["eval", "$statusCode", "--context", "-"]) == 0
    assert capsys.readouterr().out == "kind       expression\ncanonical  $statusCode\nvalue      201\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["$statusCod"],
        ["$response.body.a", "--strict"],
        ["Bearer $inputs.token", "--strict"],
        ["1 ==", "--as", "condition"],
    ],
)
def test_a_mistake_is_shown_at_its_character(capsys, context, arguments):
    assert run(["eval", *arguments, "--parse-only", "--context", context]) == 1
    assert "^" in capsys.readouterr().err
    assert run(["eval", *arguments, "--context", context, "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["mistakes"][0]["message"]


@pytest.mark.parametrize("text", ["[1]", "{", '{"statuscode": 1}'])
def test_an_unusable_context_is_a_usage_error(capsys, tmp_path, text):
    path = tmp_path / "c.json"
    path.write_text(text)
    assert run(["eval", "$url", "--context", str(path)]) == 2
    assert run(["eval", "$url", "--context", str(tmp_path / "gone.json")]) == 2
    assert "error[" in capsys.readouterr().err


# ------------------------------------------------------------------ reports of runs

SPEC = str(Path(__file__).parents[2] / "specs" / "arazzo" / "two-apis.yml")
INPUTS = ["-i", "sku=LAMP-1", "-i", "apiKey=demo-key-1", "--mock", "-q"]


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """The report of one run as stdout, of the same as a file, and of two runs."""
    folder = tmp_path_factory.mktemp("reports")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert run(["run", SPEC, *INPUTS, "--format", "json", "--report", f"json={folder}/file.json"]) == 0
        assert run(["run", SPEC, *INPUTS, "--repeat", "2", "--report", f"json={folder}/two.json"]) == 0
    report, _ = json.JSONDecoder().raw_decode(printed.getvalue())
    (folder / "printed.json").write_text(json.dumps(report))
    return folder


@pytest.mark.parametrize("name", ["printed.json", "file.json", "two.json --run 'restock #2'"])
@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        pytest.param(["$steps.look.outputs.count"], 0, {"value": 3}, id="an output of a step"),
        pytest.param(["$outputs.order"], 0, {"value": "/orders/o-9"}, id="an output of the workflow"),
        pytest.param(["$statusCode"], 0, {"value": 201}, id="the last response"),
        pytest.param(["$response.header.location"], 0, {"value": "/orders/o-9"}, id="a header of it"),
        pytest.param(["$request.body#/sku"], 0, {"value": "LAMP-1"}, id="the last request"),
        pytest.param(["$request.header.X-Api-Key"], 0, {"value": "***"}, id="a secret stays masked"),
        pytest.param(["$method"], 0, {"value": "POST"}, id="its method"),
        pytest.param(["$response.body#/minimum", "--step", "look"], 0, {"value": 10}, id="the response of another step"),
        pytest.param(["$statusCode == 200", "--as", "condition", "--step", "look"], 0, {"passed": True}, id="a condition on it"),
        pytest.param(["$.supplier", "--as", "jsonpath", "--step", "look"], 0, {"selected": ["s-4"]}, id="a JSONPath on it"),
        pytest.param(["$inputs.sku"], 1, {"missing": "$inputs.sku"}, id="a report has no inputs"),
    ],
)  # fmt: skip
def test_the_report_of_a_run_is_a_context(capsys, reports, name, arguments, code, expected):
    file, *chosen = shlex.split(name)
    assert run(["eval", *arguments, "--context", str(reports / file), *chosen, "--format", "json"]) == code
    found = json.loads(capsys.readouterr().out)
    assert {each: found.get(each) for each in expected} == expected


@pytest.mark.parametrize(
    ("file", "arguments", "said"),
    [
        pytest.param("two.json", [], "say which with --run NAME: restock #1, restock #2", id="several runs"),
        pytest.param("two.json", ["--run", "restock #3"], 'no run "restock #3"', id="a run that is not there"),
        pytest.param("printed.json", ["--step", "lok"], 'did you mean "look"?', id="a step that is not there"),
    ],
)
def test_a_report_that_leaves_open_what_is_meant_is_refused(capsys, reports, file, arguments, said):
    assert run(["eval", "$statusCode", "--context", str(reports / file), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_a_context_that_is_no_report_has_no_steps_to_choose_from(capsys, context):
    assert run(["eval", "$statusCode", "--context", context, "--step", "look"]) == 2
    assert "--run and --step choose from the report of a run" in capsys.readouterr().err


@pytest.mark.parametrize(
    "run_", [None, [], {}, {"stepId": 1}, {"stepId": "a", "attempts": [{"request": 1}], "workflow": {}}]
)
def test_a_damaged_report_is_no_bug_of_ours(capsys, tmp_path, run_):
    path = tmp_path / "c.json"
    for report in (
        {"steps": [run_]},
        {"runs": [run_]},
        {"runs": [{"steps": [run_]}]},
        {"steps": [], "dependencies": [run_]},
    ):
        path.write_text(json.dumps(report))
        assert run(["eval", "$statusCode", "--context", str(path)]) in (1, 2)
    assert "internal-error" not in capsys.readouterr().err


CHANNELS = """\
asyncapi: 3.0.0
info: {title: Orders, version: '1'}
servers: {local: {host: 'broker.test:1883', protocol: mqtt}}
channels:
  confirmed:
    address: orders/confirmed
    messages:
      confirmed:
        headers: {type: object, properties: {region: {type: string, const: eu}}, required: [region]}
        payload: {type: object, properties: {orderId: {type: integer, const: 7}}, required: [orderId]}
operations:
  confirm: {action: receive, channel: {$ref: '#/channels/confirmed'}}
"""
FLOW = """\
arazzo: 1.1.0
info: {title: Order, version: '1'}
sourceDescriptions: [{name: orders, url: channels.yml, type: asyncapi}]
workflows:
- workflowId: order
  steps: [{stepId: confirm, operationId: confirm, action: receive}]
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("$message.payload#/orderId", 7, id="the payload"),
        pytest.param("$message.header.region", "eu", id="a header"),
    ],
)
def test_the_message_of_a_run_is_in_the_context_of_its_report(tmp_path, capsys, text, value):
    (tmp_path / "channels.yml").write_text(CHANNELS)
    (tmp_path / "flow.yml").write_text(FLOW)
    report = tmp_path / "seen.json"
    assert run(["run", str(tmp_path / "flow.yml"), "--mock", "--quiet", "--report", f"json={report}"]) == 0
    capsys.readouterr()
    assert run(["eval", text, "--context", str(report), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == value
