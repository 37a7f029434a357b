"""`arazzo eval`: canonical spellings, values, verdicts and carets."""

from __future__ import annotations

import io
import json

import pytest

from arazzo_runner.cli.main import run

CONTEXT = {
    "inputs": {"id": 7, "token": "abc"},
    "statusCode": 201,
    "response": {"header": {"X": ["1", "2"]}, "body": {"ok": True, "items": [{"p": 1}, {"p": 20}]}},
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
        pytest.param(["$inputs.gone"], 1, {"missing": "$inputs.gone"}, id="no such value"),
        pytest.param(["Bearer $inputs.token"], 0, {"canonical": "Bearer {$inputs.token}", "value": "Bearer abc"}, id="a template"),
        pytest.param(["x{$inputs.gone}"], 1, {"missing": "$inputs.gone"}, id="a template with a gap"),
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
