"""`arazzo state`: the files that keep secret outputs are listed, removed and told of; a successful mock run keeps none."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from arazzo_runner.cli.main import run

SEED = Path(__file__).parents[2] / "specs" / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml"
DAY = 24 * 3600


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    return tmp_path / "arazzo"


def keep(folder, name, record, days=0.0):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(record if isinstance(record, str) else json.dumps(record), encoding="utf-8")
    then = time.time() - days * DAY
    os.utime(folder / name, (then, then))
    return name


RECORD = {
    "workflowId": "rotate",
    "status": "succeeded",
    "outputs": {"token": "tk-secret-1"},
    "steps": {"refresh": {"access": "tk-secret-2"}},
}
OLD, NEW, BROKEN = "rotate-20260101T000000-7.json", "rotate-20261101T000000-8-1.json", "other-20261101T000000-9.json"


@pytest.fixture
def three(folder):
    keep(folder, OLD, RECORD, days=40.5)
    keep(folder, NEW, {**RECORD, "status": "failed"}, days=2.5)
    keep(folder, BROKEN, "{", days=1.5)
    keep(folder, "runs.sqlite3", "not ours to list")
    return folder


def test_the_files_are_listed_without_a_value(three, capsys):
    assert run(["state", "list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        str(three),
        f"{OLD}     40 days  succeeded    token, refresh.access",
        f"{NEW}    2 days  failed       token, refresh.access",
        f"{BROKEN}        1 day  unreadable",
    ]
    assert run(["state", "list", "--format", "json"]) == 0
    printed = capsys.readouterr().out
    assert [each["name"] for each in json.loads(printed)["files"]] == [OLD, NEW, BROKEN]
    assert "tk-secret" not in printed


ODD = {
    "no status": {"outputs": {}},
    "a status that is not a string": {"status": 7},
    "a list": [],
}


@pytest.mark.parametrize("record", ODD.values(), ids=ODD)
def test_a_file_that_no_run_wrote_so_is_listed_as_unreadable(folder, capsys, record):
    keep(folder, OLD, record)
    assert run(["state", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split() == [OLD, "now", "unreadable"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_of_such_a_name_is_not_read(folder, capsys):
    folder.mkdir()
    os.mkfifo(folder / OLD)
    assert run(["state", "list"]) == 0
    assert OLD not in capsys.readouterr().out


def test_no_folder_is_an_empty_list(folder, capsys):
    assert run(["state", "list"]) == 0
    assert capsys.readouterr().out == f"no secret outputs are kept in {folder}\n"


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        pytest.param([OLD], {NEW, BROKEN}, id="by name"),
        pytest.param(["--older-than", "30"], {NEW, BROKEN}, id="by age"),
        pytest.param(["--all"], set(), id="all, and nothing else in the folder"),
    ],
)
def test_files_are_removed(three, capsys, chosen, left):
    assert run(["state", "remove", *chosen]) == 0
    assert {path.name for path in three.iterdir()} == left | {"runs.sqlite3"}
    assert capsys.readouterr().out.endswith(f" from {three}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "say which files", id="none chosen"),
        pytest.param([OLD, "--all"], "say which files", id="chosen twice"),
        pytest.param(["runs.sqlite3"], 'there is no kept file "runs.sqlite3"', id="a file of something else"),
        pytest.param(["../arazzo/" + OLD], "there is no kept file", id="a path"),
    ],
)
def test_a_wrong_choice_removes_nothing(three, capsys, arguments, message):
    assert run(["state", "remove", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert len(list(three.iterdir())) == 4


def test_a_successful_run_against_the_mock_keeps_nothing(folder, capsys):
    assert run(["run", str(SEED), "-i", "refreshToken=demo-refresh-token-1", "--mock"]) == 0
    assert not folder.exists() or not list(folder.iterdir())
    assert "secret outputs are kept" not in capsys.readouterr().err


def test_a_failed_run_against_the_mock_keeps_what_it_had_and_tells_of_older_files(folder, capsys):
    keep(folder, "rotate-refresh-token-20260101T000000-7.json", RECORD)
    arguments = ["run", str(SEED), "-i", "refreshToken=demo-refresh-token-1", "--mock", "--max-steps", "1"]
    assert run(arguments) == 1
    kept = [path for path in folder.iterdir() if "20260101" not in path.name]
    assert len(kept) == 1
    assert json.loads(kept[0].read_text(encoding="utf-8"))["steps"]
    assert "(1 older file of this workflow: arazzo state list)" in capsys.readouterr().err
