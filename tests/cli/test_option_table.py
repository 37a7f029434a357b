"""The options of `arazzo validate` read without click mean what click makes of them."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys

import click
import pytest
from hypothesis import example, given, settings, strategies as st

from arazzo_runner.cli.commands.validate import command
from arazzo_runner.cli.group import run_command_line
from arazzo_runner.cli.lint_arguments import VALIDATE_OPTIONS
from arazzo_runner.cli.main import run
from arazzo_runner.cli.option_table import MAX_COUNT, read_options
from arazzo_runner.document.reading import MOST_DEPTH
from tests.lint.documents import CLEAN, project, with_criterion

FLAGS = [option.name for option in VALIDATE_OPTIONS if option.is_flag]
VALUED = [option.name for option in VALIDATE_OPTIONS if not option.is_flag]
NAMES = st.sampled_from([*FLAGS, *VALUED])
LIMITS = [0, 1, 2, MOST_DEPTH, MOST_DEPTH + 1, MAX_COUNT, MAX_COUNT + 1, 2**53, 2**53 + 1]
NUMBERS = st.one_of(
    st.sampled_from(LIMITS).map(str),
    st.integers().map(str),
    st.sampled_from(["007", " 7 ", "1_000", "+1", "1.0", "two", "\N{ARABIC-INDIC DIGIT THREE}", "1" * 5000]),
)
WORDS = st.sampled_from(
    ["text", "json", "sarif", "xml", "recommended", "strict", "a.yml", "a=b", "a b", "*.yml", "validate"]
)
ODD = st.sampled_from(
    ["", "-", "--", "-h", "--help", "-v", "-strict", "--stric", "--=", "--no-such", "=", " ", "---", "\udcff"]
)
VALUES = st.one_of(NUMBERS, WORDS, ODD, NAMES, st.text(max_size=5))
PIECES = st.one_of(
    WORDS.map(lambda word: [word]),
    NAMES.map(lambda name: [name]),
    st.tuples(NAMES, VALUES).map(lambda pair: [f"{pair[0]}={pair[1]}"]),
    st.tuples(NAMES, VALUES).map(list),
    st.tuples(st.sampled_from(VALUED), WORDS).map(list),
    ODD.map(lambda text: [text]),
)
LINES = st.lists(PIECES, max_size=6).map(lambda pieces: [text for piece in pieces for text in piece])


def through_click(arguments):
    """Return the values that click passes to the command; None where it prints help or an error instead."""
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            return command.make_context("validate", list(arguments)).params
        except (click.ClickException, click.exceptions.Exit):
            return None


@given(LINES)
@example([])
@example(["-"])
@example(["", " ", "a=b", "validate"])
@example([*FLAGS, *FLAGS])
@example(["--strict", "a.yml", "--no-cache", "b.yml", "a.yml"])
@example(["--", "-strange.yml", "--strict"])
@example(["--strict=1"])
@example(["--strict="])
@example(["--output"])
@example(["--output="])
@example(["--output", "--strict"])
@example(["--output=a=b"])
@example(["--format", "xml", "--format=text"])
@example(["--jobs", "0", "--jobs", "1"])
@example(["--max-document-depth", "200", "--max-document-size=9007199254740992"])
@example(["--select", "a,b", "--select=c", "--source", "x", "--allow-host", "h"])
@settings(max_examples=500, deadline=None)
def test_the_quick_reader_and_click_agree_on_every_command_line(arguments):
    assert read_options(arguments, VALIDATE_OPTIONS, "specs") == through_click(arguments)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        (["--source", "pets"], '--source expects NAME=PATH, found "pets"'),
        (["--root", "gone"], "--root: gone is not a folder"),
        (["--url-map", "gone.json"], "--url-map cannot be used"),
    ],
)
def test_a_value_that_cannot_be_used_is_reported_as_click_does(option, message, capsys):
    found = []
    for run_ in (run, run_command_line):
        assert run_(["validate", *option]) == 2
        found.append(capsys.readouterr().err)
    assert message in found[0]
    assert found[0] == found[1]


def test_findings_are_the_same_either_way(tmp_path, monkeypatch, capsys):
    project(tmp_path, bad__yml=with_criterion("$statusCode = 200"))
    monkeypatch.chdir(tmp_path)
    found = []
    for run_ in (run, run_command_line):
        code = run_(["validate", "bad.yml", "gone.yml", "--format", "json"])
        found.append((code, *capsys.readouterr()))
    assert found[0] == found[1]
    assert found[0][0] == 2


@pytest.mark.parametrize("run", [pytest.param(run, id="quick"), pytest.param(run_command_line, id="through click")])
def test_interrupted_while_checking(tmp_path, monkeypatch, capsys, run):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    project(tmp_path, clean__yml=CLEAN)
    monkeypatch.setattr("arazzo_runner.lint.checker.Checker.check", interrupted)
    assert run(["validate", "--no-cache", str(tmp_path / "clean.yml")]) == 130
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
