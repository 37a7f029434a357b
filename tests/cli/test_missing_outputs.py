"""Outputs without a value on the command line: at their lines, once, for one run and for many."""

from __future__ import annotations

import json

import pytest
import yaml

from arazzo_runner.cli.main import run
from tests.e2e.server import Answer, conversation

API = {
    "openapi": "3.1.0",
    "info": {"title": "t", "version": "1"},
    "servers": [{"url": "http://api.test"}],
    "paths": {"/a": {"get": {"operationId": "a", "responses": {"200": {"description": "d"}}}}},
}
STEP = {"stepId": "s", "operationId": "a", "outputs": {"token": "$response.body#/tokn"}}
LINE = 'output "token" of step "s" has no value: $response.body#/tokn: there is no "tokn" in the body of the response'


@pytest.fixture
def arazzo(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "api.yml").write_text(yaml.safe_dump(API))
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": "api.yml", "type": "openapi"}],
        "workflows": [
            {"workflowId": name, "steps": [STEP], "outputs": {"all": "$steps.s.outputs.token"}} for name in ("v", "w")
        ],
    }
    (tmp_path / "flow.yml").write_text(yaml.safe_dump(document))

    def call(*arguments):
        with conversation({"GET /a": [Answer(200, {"token": "t"})] * 4}) as server:
            code = run(["run", "flow.yml", "--server", f"api={server.url}", *arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return call


def test_one_run_shows_the_step_s_output_as_it_happens_and_the_workflow_s_at_its_end(arazzo):
    code, out, err = arazzo("-w", "w")
    assert (code, json.loads(out)) == (0, {"all": None})
    assert err.count(LINE) == 1
    assert 'did you mean "token"?' in err
    assert "(flow.yml:" in err
    assert err.count('output "all" of workflow "w" has no value: $steps.s.outputs.token: there is no "token"') == 1
    assert "  --> flow.yml:" in err


@pytest.mark.parametrize("more", [(), ("-v",), ("--jobs", "2")], ids=["as it is", "verbose", "at the same time"])
def test_many_runs_show_both_too(arazzo, more):
    code, _, err = arazzo("-w", "*", *more)
    assert code == 0
    assert err.count(LINE) == 2
    assert err.count('output "all" of workflow') == 2


def test_rows_of_one_workflow_do_not_repeat_them(arazzo, tmp_path):
    (tmp_path / "rows.json").write_text("[{}, {}, {}]")
    _, _, err = arazzo("-w", "w", "--data", "rows.json")
    assert err.count(LINE) == 1


def test_quiet_shows_neither(arazzo):
    for more in (("-w", "w", "-q"), ("-w", "*", "-q")):
        _, _, err = arazzo(*more)
        assert "missing-output" not in err


def test_json_and_a_part_of_the_run(arazzo):
    report = json.loads(arazzo("-w", "w", "--format", "json")[1])
    found = [each for each in report["diagnostics"] if each["code"] == "missing-output"]
    assert [(each["severity"], each["pointer"], each["line"] is not None) for each in found] == [
        ("warning", "/workflows/1/outputs/all", True),
        ("warning", "/workflows/1/steps/0/outputs/token", True),
    ]
    part = json.loads(arazzo("-w", "w", "--until", "s", "--format", "json")[1])
    codes = [(each["code"], each["pointer"]) for each in part["diagnostics"]]
    assert codes == [("missing-output", "/workflows/1/steps/0/outputs/token")]
