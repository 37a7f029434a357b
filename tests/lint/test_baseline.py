"""Baselines: old findings are suppressed even if lines move, new ones are not."""

from __future__ import annotations

import json

import pytest

from arazzo_runner.cli.main import run
from tests.lint.documents import CLEAN, project, with_criterion

BAD = with_criterion("$statusCode = 200")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    project(tmp_path, w__yml=BAD)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(*arguments, capsys):
    code = run(["validate", "--select", "condition-syntax", *arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_findings_of_the_baseline_are_suppressed_wherever_they_move(folder, capsys):
    assert validate("w.yml", "--write-baseline", "b.json", capsys=capsys) == (0, "", "1 finding written to b.json\n")
    moved = "# a comment\n\n" + BAD
    (folder / "w.yml").write_text(moved, encoding="utf-8")
    assert validate("w.yml", "--baseline", "b.json", capsys=capsys) == (
        0,
        "it is valid: no problems (1 in the baseline)\n",
        "",
    )
    two = moved + moved.splitlines()[-1] + "\n"
    (folder / "w.yml").write_text(two, encoding="utf-8")
    code, out, _ = validate("w.yml", "--baseline", "b.json", capsys=capsys)
    assert code == 1
    assert out.endswith("1 error (1 in the baseline)\n")


def test_a_baseline_holds_from_every_folder(folder, capsys, monkeypatch):
    run(["validate", "--select", "condition-syntax", "w.yml", "--write-baseline", "b.json"])
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder / "sub")
    capsys.readouterr()
    assert validate("../w.yml", "--baseline", "../b.json", capsys=capsys)[0] == 0


def test_stale_entries_are_reported(folder, capsys):
    run(["validate", "--select", "condition-syntax", "w.yml", "--write-baseline", "b.json"])
    (folder / "w.yml").write_text(CLEAN, encoding="utf-8")
    capsys.readouterr()
    code, out, err = validate("w.yml", "--baseline", "b.json", capsys=capsys)
    assert (code, out) == (0, "it is valid: no problems\n")
    assert err == "1 baseline entry is stale; update the file with --write-baseline\n"


def test_the_configuration_may_name_a_baseline_and_equal_findings_are_counted(folder, capsys):
    (folder / "w.yml").write_text(BAD + BAD.splitlines()[-1] + "\n", encoding="utf-8")
    (folder / "arazzo.toml").write_text('[validate]\nbaseline = "b.json"\n', encoding="utf-8")
    run(["validate", "--select", "condition-syntax", "w.yml", "--write-baseline", "b.json"])
    (entry,) = json.loads((folder / "b.json").read_text(encoding="utf-8"))["findings"]
    assert (entry["file"], entry["code"], entry["count"]) == ("w.yml", "condition-syntax", 2)
    capsys.readouterr()
    assert validate("w.yml", capsys=capsys)[0] == 0
    assert validate("w.yml", "--no-config", capsys=capsys)[0] == 1


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 2, "findings": []}', '{"version": 1, "findings": [{}]}', '{"version": 1, "findings": [{"fingerprint": "x", "count": "2"}]}'])  # fmt: skip
def test_a_file_that_is_no_baseline_is_refused(folder, capsys, text):
    (folder / "b.json").write_text(text, encoding="utf-8")
    code, out, err = validate("w.yml", "--baseline", "b.json", capsys=capsys)
    assert (code, out) == (2, "")
    assert "error[unusable-baseline]: the baseline b.json cannot be used" in err
