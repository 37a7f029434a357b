"""Text for a terminal: wrapped between words at any width, cut and aligned by columns; not wrapped elsewhere."""

from __future__ import annotations

import io
import os
import re
import sys
from pathlib import Path

import pytest

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.main import run
from arazzo_runner.engine.results import Seen, Verdict
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.failure import side_by_side
from arazzo_runner.report.findings.text import print_diagnostics, render_diagnostic
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.report.terminal.wrapping import beginning, columns, padded, wrapped

ROOT = Path(__file__).parents[2]
TEXTS = {
    "words": "the quick brown fox jumps over the lazy dog, again and again and again",
    "a word that is too long": "see https://example.com/a/very/long/address/that/cannot/be/parted/anywhere for more",
    "wide characters": "契約を読み取る非常に長い名前のステップです契約を読み取る",
    "wide characters and words": "the step 契約を読み取る非常に長い名前のステップです was not found",
    "emoji": "🎉🎉🎉🎉 party 🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉🎉",
    "combining characters": "e\u0301e\u0301e\u0301 " * 12,
    "styles": "\x1b[1;31mred words that go on\x1b[0m and plain words that go on as well",
    "nothing": "",
}


@pytest.mark.parametrize("width", [30, 40, 80])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_lines_fit_and_no_word_is_parted(text, width):
    lines = wrapped(text, width, first="error: ", rest="    ")
    for line in lines:
        assert columns(line) <= width or " " not in line.removeprefix("error: ").strip()
    assert lines[0].startswith("error: ")
    assert all(line.startswith("    ") for line in lines[1:])
    shown = " ".join([lines[0].removeprefix("error: "), *(line.strip() for line in lines[1:])])
    assert re.sub(r"\s", "", shown) == re.sub(r"\s", "", text)
    assert [word for word in text.split() if columns(word) == len(word) and word not in shown] == []


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_without_a_width_a_text_is_one_line(text):
    assert wrapped(text, None, first="a ", rest="b ") == [f"a {text}"]


@pytest.mark.parametrize(
    ("text", "width"),
    [("abc", 3), ("名前", 4), ("e\u0301", 1), ("🎉", 2), ("☎\ufe0f", 1), ("\x1b[31mred\x1b[0m", 3), ("", 0)],
)
def test_columns_are_those_of_a_terminal(text, width):
    assert columns(text) == width
    assert columns(padded(text, 10)) == 10


def test_a_beginning_does_not_end_in_the_middle_of_a_wide_character():
    assert [beginning("a名前", width) for width in range(6)] == ["", "a", "a", "a名", "a名", "a名前"]


# ------------------------------------------------------------------ diagnostics


def diagnostic(**changes) -> Diagnostic:
    facts = {"message": TEXTS["words"], "hint": TEXTS["words"], "at": Location("")}
    return Diagnostic(code="a-code", severity=Severity.ERROR, **{**facts, **changes})


def test_a_hint_is_wrapped_below_itself():
    assert render_diagnostic(diagnostic(message="m"), width=40).splitlines() == [
        "error[a-code]: m",
        "  = help: the quick brown fox jumps over",
        "          the lazy dog, again and again",
        "          and again",
    ]


def test_a_secret_of_several_words_is_masked_before_it_is_wrapped():
    err = io.StringIO()
    console = Console(io.StringIO(), err)
    console.secrets = Secrets(["correct horse battery staple"])
    os.environ["COLUMNS"] = "40"
    try:
        print_diagnostics(console, [diagnostic(message="the password is correct horse battery staple, sir")])
    finally:
        del os.environ["COLUMNS"]
    assert not re.search("horse|battery|staple", err.getvalue())


def documents() -> list[Path]:
    return sorted((ROOT / "fixtures" / "documents").glob("*/wrong.yml"))


@pytest.mark.parametrize("width", [30, 40, 80])
def test_findings_of_every_rule_fit_a_terminal(width, monkeypatch, capsys):
    monkeypatch.chdir(ROOT / "fixtures" / "documents")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    run(["validate", "--no-cache", *(str(path.relative_to(Path.cwd())) for path in documents())])
    wide = [line for line in capsys.readouterr().out.splitlines() if columns(line) > width]
    assert len(documents()) > 100
    # What is left are names of places, and words that are longer than a line.
    assert [
        line
        for line in wide
        if " --> " not in line and "see " not in line and " " in re.sub("^.*?(: |= help: |  +)", "", line).strip()
    ] == []


def test_a_pipe_is_not_wrapped(monkeypatch, capsys):
    monkeypatch.delenv("COLUMNS", raising=False)
    assert Console(io.StringIO(), io.StringIO()).text_width is None
    assert Console(sys.stdout, sys.stderr).text_width_out is None


@pytest.mark.parametrize(
    ("given", "width"), [("80", 80), ("7", 30), ("0", None), ("x", None), ("-5", None), ("9" * 99, None)]
)
def test_the_variable_columns_sets_the_width(monkeypatch, given, width):
    monkeypatch.setenv("COLUMNS", given)
    assert Console(io.StringIO(), io.StringIO()).text_width == width


@pytest.mark.parametrize("command", ["list", "show", "auth", "trace", "graph", "validate"])
@pytest.mark.parametrize("width", [40, 80])
def test_commands_that_describe_a_document_fit_a_terminal(command, width, monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("NO_COLOR", "1")
    printed = {}
    for columns_ in ("", str(width)):
        monkeypatch.setenv("COLUMNS", columns_)
        run([command, "specs/arazzo/order-with-credentials.yml"])
        printed[columns_] = capsys.readouterr().out
    lines = printed[str(width)].splitlines()
    assert [line for line in lines if columns(line) > width and " " in line.strip()] == []
    assert printed[""].split() == printed[str(width)].split()


# ------------------------------------------------------------------ the table of criteria


def verdict(condition: str, value: str, *, passed: bool = False) -> Verdict:
    seen = (Seen(expression="$response.body#/name", value=value),)
    return Verdict(condition=condition, type="simple", passed=passed, seen=seen, at=Location(""))


def test_criteria_with_wide_characters_are_aligned():
    lines = side_by_side([verdict("$a == '名前'", "x"), verdict("$abc == 'name'", "y")], Secrets(), color=False)
    places = [columns(line[: re.search("seen|\\$response", line).start()]) for line in lines[:3]]
    assert len(set(places)) == 1


def test_criteria_that_do_not_fit_beside_what_was_seen_are_above_it():
    lines = side_by_side([verdict("$response.body#/name == 'Rex'", "Tom")], Secrets(), color=False, width=40)
    assert lines == [
        "  fails  $response.body#/name == 'Rex'",
        "         seen: $response.body#/name is",
        '           "Tom"',
        "",
    ]
