"""Command lines of `arazzo validate` that are read without click mean what click makes of them."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys

import pytest

from arazzo_runner.cli import plain
from arazzo_runner.cli.commands.validate import command
from arazzo_runner.cli.group import group
from arazzo_runner.cli.lint_arguments import LintArguments
from arazzo_runner.cli.main import run
from arazzo_runner.cli.plain import Plain, read_plain
from arazzo_runner.cli.reading_arguments import ReadingArguments
from tests.lint.documents import CLEAN, project, with_criterion


@pytest.fixture
def through_click(monkeypatch):
    """Return what click makes of the arguments of `arazzo validate`."""
    said = []

    def noted(specs, given, reading, *, no_color):
        said.append(Plain(specs, given, reading, no_color))
        return 0

    def read(arguments):
        group.main(["validate", *arguments], prog_name="arazzo", standalone_mode=False)
        return said.pop()

    monkeypatch.setattr("arazzo_runner.cli.commands.validate.lint", noted)
    return read


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing at all"),
        pytest.param(["a.yml"], id="one document"),
        pytest.param(["b.yml", "a.yml", "b.yml"], id="documents in their order, repeated ones too"),
        pytest.param(["-"], id="standard input"),
        pytest.param(["", " ", "a=b", "validate"], id="strange names"),
        *[pytest.param([flag], id=f"{flag} alone") for flag in plain._FLAGS],
        pytest.param([*plain._FLAGS, *plain._FLAGS], id="every flag twice"),
        pytest.param(["--strict", "a.yml", "--no-cache", "b.yml"], id="options between documents"),
        pytest.param(["--format", "json", "a.yml"], id="a format"),
        pytest.param(["a.yml", "--format=sarif"], id="a format behind an equals sign"),
        pytest.param(["--format", "json", "--format=text"], id="the last of two formats holds"),
        pytest.param(["--output", "report.json"], id="an output"),
        pytest.param(["--output=a=b"], id="only the first equals sign counts"),
        pytest.param(["--config", "arazzo.toml"], id="a configuration"),
        pytest.param(["--jobs", "2", "--max-warnings=0"], id="numbers"),
        pytest.param(["--jobs", "007"], id="a number with zeros before it"),
    ],
)
def test_a_plain_command_line_means_what_click_makes_of_it(through_click, arguments):
    assert read_plain(arguments) == through_click(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--help"], id="help"),
        pytest.param(["a.yml", "-h"], id="short help"),
        pytest.param(["--", "-strange.yml"], id="the end of options"),
        pytest.param(["--frobnicate"], id="an option there is not"),
        pytest.param(["--stric"], id="half an option"),
        pytest.param(["--strict=1"], id="a flag with a value"),
        pytest.param(["--format"], id="no format"),
        pytest.param(["--format", "xml"], id="a format there is not"),
        pytest.param(["--format", "--strict"], id="an option for a format"),
        pytest.param(["--output"], id="no output"),
        pytest.param(["--output", "-"], id="an output that looks like an option"),
        pytest.param(["--output="], id="an empty output"),
        pytest.param(["--jobs", "0"], id="too few processes"),
        pytest.param(["--jobs", "two"], id="a number that is none"),
        pytest.param(["--max-warnings", "-1"], id="too few warnings"),
        pytest.param(["--max-warnings", "٣"], id="a number in other digits"),
        pytest.param(["--select", "unknown-*"], id="an option that is rare"),
    ],
)
def test_all_others_are_left_to_click(arguments):
    assert read_plain(arguments) is None


def test_plain_options_are_options_of_the_command():
    known = {name for option in command.params for name in option.opts}
    assert {*plain._FLAGS, *plain._VALUES} <= known


def test_the_records_hold_what_click_gives_without_options(through_click):
    assert through_click([]) == Plain((), LintArguments(), ReadingArguments(), no_color=False)
    assert set(inspect.signature(LintArguments).parameters) <= {option.name for option in command.params}


def test_what_is_wrong_is_said_in_the_same_words(tmp_path, monkeypatch, capsys):
    project(tmp_path, bad__yml=with_criterion("$statusCode = 200"))
    monkeypatch.chdir(tmp_path)
    told = []
    for more in ([], ["--preset", "recommended"]):
        code = run(["validate", "bad.yml", "gone.yml", "--format", "json", *more])
        told.append((code, *capsys.readouterr()))
    assert told[0] == told[1]
    assert told[0][0] == 2


@pytest.mark.parametrize(
    "more", [pytest.param([], id="plain"), pytest.param(["--preset", "strict"], id="through click")]
)
def test_interrupted_while_checking(tmp_path, monkeypatch, capsys, more):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    project(tmp_path, clean__yml=CLEAN)
    monkeypatch.setattr("arazzo_runner.lint.checker.Checker.check", interrupted)
    assert run(["validate", "--no-cache", str(tmp_path / "clean.yml"), *more]) == 130
    assert capsys.readouterr().err.startswith("\nerror[interrupted]: interrupted before anything was sent\n")


@pytest.mark.parametrize(
    ("arguments", "asks", "answer"),
    [
        ([], {"_ARAZZO_COMPLETE": "bash_source"}, "_arazzo_completion() {\n"),
        ([], {"_ARAZZO_COMPLETE": "bash_complete", "COMP_WORDS": "arazzo val", "COMP_CWORD": "1"}, "plain,validate\n"),
        (["validate"], {"_ARAZZO_COMPLETE": "bash_complete", "COMP_WORDS": "arazzo validate --off", "COMP_CWORD": "2"}, "plain,--offline\n"),
    ],
)  # fmt: skip
def test_a_shell_that_asks_for_completions_is_answered_by_click(arguments, asks, answer):
    line = [sys.executable, "-m", "arazzo_runner", *arguments]
    done = subprocess.run(line, capture_output=True, text=True, check=True, env={**os.environ, **asks})
    assert done.stdout.startswith(answer)
