"""Several processes find what one finds, in the same order."""

from __future__ import annotations

import pytest

from arazzo_runner.cli.main import run
from arazzo_runner.lint.parallel import processes
from arazzo_runner.report.findings.formats import FORMATS
from tests.lint.documents import CLEAN, project, with_criterion


@pytest.fixture
def folder(tmp_path, monkeypatch):
    project(tmp_path)
    monkeypatch.chdir(tmp_path)
    for number in range(9):
        bad = with_criterion("$statusCode = 200") if number % 3 == 0 else with_criterion('$statusCode == "200"')
        (tmp_path / f"w{number}.yml").write_text(CLEAN if number == 4 else bad, encoding="utf-8")
    # A description with a mistake that every document names is told once.
    broken = (
        (tmp_path / "pets.yml")
        .read_text(encoding="utf-8")
        .replace("schema: {type: integer}", "schema: {$ref: '#/gone'}")
    )
    (tmp_path / "pets.yml").write_text(broken, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("format_", [name for name in FORMATS if name in ("text", "sarif")])
def test_the_report_is_the_same(folder, capsys, format_):
    names = [f"w{number}.yml" for number in range(9)]
    codes = [run(["validate", *names, "--format", format_, "--jobs", jobs]) for jobs in ("1", "3")]
    out = capsys.readouterr().out
    assert codes == [1, 1]
    assert out[: len(out) // 2] == out[len(out) // 2 :]
    assert out.count("points to nothing") in (0, 2, 4)


def test_processes_are_started_only_when_it_pays(folder, monkeypatch):
    small = [f"w{number}.yml" for number in range(9)]
    assert processes(small, None) == 1
    assert processes(small, 4) == 4
    assert processes(small[:2], 4) == 2
    monkeypatch.setattr("arazzo_runner.lint.parallel._BYTES_FOR_A_PROCESS", 1000)
    assert processes(small, None) >= 1


def test_an_error_in_the_configuration_is_reported_once(folder, capsys):
    (folder / "sub").mkdir()
    (folder / "sub" / "w.yml").write_text(CLEAN, encoding="utf-8")
    (folder / "sub" / "arazzo.toml").write_text("[validate]\nx = 1\n", encoding="utf-8")
    assert run(["validate", "w0.yml", "sub/w.yml", "--jobs", "2"]) == 2
    assert "error[unknown-setting]" in capsys.readouterr().err
