"""`arazzo init`: the files of a new project, with which runs and checks work at once."""

from __future__ import annotations

import io
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from arazzo_runner.cli.main import run

SPECS = Path(__file__).parents[2] / "specs"
STOCK = str(SPECS / "openapi" / "stock.yml")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory; standard input is no terminal."""
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "files"),
    [
        pytest.param(["--yes"], ["arazzo.toml", "tasks.arazzo.yml", "tasks.openapi.yml"], id="an example"),
        pytest.param([STOCK], ["arazzo.toml", "stock.arazzo.yml"], id="a description"),
        pytest.param(
            [STOCK, "--operation", "getItem", "-o", "flow.yml", "--ci", "gitlab"],
            [".gitlab-ci.yml", "arazzo.toml", "flow.yml"],
            id="all options",
        ),
        pytest.param(
            [STOCK, "--ci", "github"],
            [".github/workflows/arazzo.yml", "arazzo.toml", "stock.arazzo.yml"],
            id="a CI service with a folder of its own",
        ),
    ],
)
def test_what_is_written_is_valid_and_the_next_command_works(
    arguments: list[str], files: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", *arguments]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sorted(line.removeprefix("wrote ") for line in lines if line.startswith("wrote ")) == files
    assert sorted(str(each.relative_to(folder)) for each in folder.rglob("*") if each.is_file()) == files
    assert run(["validate", "--strict"]) == 0
    assert run(shlex.split(lines[-1].removeprefix("next: arazzo "))) == 0


@pytest.mark.parametrize("kind", ["github", "gitlab"])
def test_the_commands_of_the_ci_file_work(kind: str, folder: Path) -> None:
    assert run(["init", "--yes", "-o", "my flow.yml", "--ci", kind]) == 0
    file = {"github": ".github/workflows/arazzo.yml", "gitlab": ".gitlab-ci.yml"}[kind]
    job = yaml.safe_load((folder / file).read_text())
    script = (
        job["arazzo"]["script"]
        if kind == "gitlab"
        else [each.get("run", "") for each in job["jobs"]["arazzo"]["steps"]]
    )
    commands = [each.removeprefix("arazzo ") for each in script if each.startswith("arazzo ")]
    assert [run(shlex.split(each)) for each in commands] == [0, 0]


def test_no_file_is_overwritten(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "arazzo.toml").write_text("# mine\n")
    (folder / ".gitlab-ci.yml").write_text("# mine\n")
    assert run(["init", "--yes", "--ci", "gitlab"]) == 0
    assert "kept arazzo.toml, which exists" in capsys.readouterr().out
    before = {each: each.read_text() for each in folder.iterdir() if each.is_file()}
    assert run(["init", "--yes"]) == 2
    assert "tasks.arazzo.yml exists, and is not overwritten" in capsys.readouterr().err
    assert run(["init", "--yes", "-o", "other.yml"]) == 2
    assert "tasks.openapi.yml exists" in capsys.readouterr().err
    assert {each: each.read_text() for each in folder.iterdir() if each.is_file()} == before
    assert (folder / "arazzo.toml").read_text() == (folder / ".gitlab-ci.yml").read_text() == "# mine\n"


def test_an_empty_description_is_refused_with_what_to_name(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "empty.yml").write_text("")
    assert run(["init", "empty.yml", "--yes"]) == 2
    assert "help: name an OpenAPI description" in capsys.readouterr().err
    assert not (folder / "empty.arazzo.yml").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "nothing can be asked", id="no terminal and no options"),
        pytest.param(["none.yml"], "none.yml", id="no such file"),
        pytest.param(["."], "directory", id="a folder"),
        pytest.param([STOCK, "-o", "no/flow.yml"], "there is no folder no", id="no such folder for the workflow"),
        pytest.param([STOCK, "-o", "-"], "-o names the file", id="standard output"),
        pytest.param([STOCK, "--operation", "nope"], "nope", id="no such operation"),
        pytest.param([str(SPECS / "arazzo" / "two-apis.yml")], "this is no OpenAPI description", id="another document"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_nothing_is_written(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["init", *arguments]) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.err.count("error[") == 1
    assert [each.name for each in folder.iterdir()] == [".git"]


class _Terminal:
    """Standard input of a person who types these lines."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def isatty(self) -> bool:
        return True

    def readline(self, most: int = -1) -> str:
        return self._lines.pop(0) if self._lines else ""


@pytest.mark.parametrize(
    ("answers", "files"),
    [
        pytest.param([], ["arazzo.toml", "tasks.arazzo.yml", "tasks.openapi.yml"], id="the end of the input"),
        pytest.param(
            [STOCK, "getItem", "a.yml", "what", "gitlab"], [".gitlab-ci.yml", "a.yml", "arazzo.toml"], id="all"
        ),
    ],
)
def test_a_terminal_is_asked(
    answers: list[str],
    files: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", _Terminal([f"{each}\n" for each in answers]))
    assert run(["init"]) == 0
    assert "OpenAPI description, a path or URL [an example]: " in capsys.readouterr().err
    assert sorted(each.name for each in folder.iterdir() if each.is_file()) == files
