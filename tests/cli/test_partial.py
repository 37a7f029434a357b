"""`arazzo run --step/--from/--until/--outputs-from`: two runs that make one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from arazzo_runner.cli.main import run

SEED = str(Path(__file__).parents[2] / "specs" / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml")
RUN = ["run", SEED, "-i", "refreshToken=old-refresh-token-1", "--mock", "-q"]


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_until_a_step_and_one_from_the_next_make_the_whole(capsys):
    assert run([*RUN, "--until", "refreshToken", "--output", "first.json"]) == 0
    first = json.loads(Path("first.json").read_text())
    assert list(first) == ["steps"]
    assert list(first["steps"]) == ["refreshToken"]
    shown = json.loads(capsys.readouterr().out)
    assert shown["steps"]["refreshToken"]["accessToken"] == "***"
    assert first["steps"]["refreshToken"]["accessToken"] != "***"
    assert run([*RUN, "--from", "validateToken", "--outputs-from", "first.json", "-vv"]) == 2  # -v and -q
    capsys.readouterr()
    arguments = [*RUN[:-1], "--from", "validateToken", "--outputs-from", "first.json", "--show-secrets", "-v"]
    assert run(arguments) == 0
    outcome = capsys.readouterr()
    assert json.loads(outcome.out)["accessToken"] == first["steps"]["refreshToken"]["accessToken"]
    assert "/auth/refresh" not in outcome.err
    assert first["steps"]["refreshToken"]["accessToken"] not in outcome.err


def test_one_step_runs_with_its_dependencies_and_reports_json(capsys):
    assert run([*RUN, "--step", "validateToken", "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert [(step["stepId"], step["status"]) for step in report["steps"]] == [
        ("refreshToken", "passed"),
        ("validateToken", "passed"),
        ("revokeOldToken", "skipped"),
    ]
    assert [each["code"] for each in report["diagnostics"] if each["code"] == "missing-output"] == []


def test_the_report_of_a_run_serves_as_outputs_unless_it_is_masked(capsys):
    assert run([*RUN, "--until", "validateToken", "--format", "json"]) == 0
    Path("report.json").write_text(capsys.readouterr().out)
    assert run([*RUN, "--from", "validateToken", "--outputs-from", "report.json"]) == 2
    assert 'output "accessToken" of step "refreshToken" is masked' in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "file", "message"),
    [
        pytest.param(["--from", "validateToken"], None, 'step "validateToken" needs step "refreshToken"', id="nothing given"),
        pytest.param(["--outputs-from", "given.yml"], "refreshToken: {a: 1}", "--outputs-from needs --from or --step", id="outputs of steps that all run"),
        pytest.param(["--step", "valdateToken"], None, 'did you mean "validateToken"', id="a slip of the pen"),
        pytest.param(["--step", "validateToken", "--until", "refreshToken"], None, "--step and --until exclude each other", id="a contradiction"),
        pytest.param(["--from", "validateToken", "--outputs-from", "gone.json"], None, "gone.json cannot be read", id="a file that is not there"),
        pytest.param(["--from", "validateToken", "--outputs-from", "given.yml"], "[1]", "must hold a mapping", id="a file that is a list"),
        pytest.param(["--from", "validateToken", "--outputs-from", "given.yml"], "refreshToken: 5", "the outputs of a step are a mapping", id="outputs that are a number"),
        pytest.param(["--from", "validateToken", "--outputs-from", "given.yml"], "steps: 5", "the outputs of a step are a mapping", id="steps that are a number"),
        pytest.param(["--from", "validateToken", "--outputs-from", "given.yml"], "nobody: {a: 1}", 'has no step "nobody"', id="an unknown step"),
    ],
)  # fmt: skip
def test_impossible_selections_are_refused_before_anything_is_sent(capsys, options, file, message, state):
    if file is not None:
        Path("given.yml").write_text(file)
    assert run([*RUN, *options]) == 2
    assert message in capsys.readouterr().err
    assert not (state / "state").exists()
