"""Diagnostics as text: the form of house.md to the letter, and its edge cases."""

from __future__ import annotations

import pytest

from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.findings.text import render_diagnostic, render_diagnostics, summary

TEXT = """\
steps:
  - stepId: refresh
    successCriteria:
    - condition: $statusCod == 200
"""


def document(text: str, uri: str = "specs/arazzo/rotate.yml") -> Document:
    found = read(text.encode(), uri, Problems())
    assert found is not None
    return found


def diagnostic(at: Location, **changes: object) -> Diagnostic:
    values: dict[str, object] = {
        "code": "unknown-expression",
        "severity": Severity.ERROR,
        "message": '"$statusCod" is not a runtime expression',
        "at": at,
        "hint": "did you mean $statusCode?",
    }
    return Diagnostic(**{**values, **changes})  # type: ignore[arg-type]


CRITERION = "/steps/0/successCriteria/0/condition"


def test_the_documented_form() -> None:
    at = document("\n" * 37 + TEXT).at(CRITERION).within(0, len("$statusCod"))
    assert render_diagnostic(diagnostic(at)) == (
        'error[unknown-expression]: "$statusCod" is not a runtime expression\n'
        "  --> specs/arazzo/rotate.yml:41:18\n"
        "41 |     - condition: $statusCod == 200\n"
        "   |                  ^^^^^^^^^^\n"
        "   = help: did you mean $statusCode?"
    )


def test_without_a_hint_only_carets_are_shown() -> None:
    shown = render_diagnostic(diagnostic(document(TEXT).at(CRITERION), hint=None))
    assert shown.splitlines()[-1] == "  |                  ^^^^^^^^^^^^^^^^^"


def test_related_places_follow() -> None:
    source = document(TEXT)
    shown = render_diagnostic(diagnostic(source.at(CRITERION), related=(source.at("/steps/0/stepId"),)))
    assert shown.splitlines()[-3:] == [
        " see specs/arazzo/rotate.yml:2:13",
        "2 |   - stepId: refresh",
        "  |             ^^^^^^^",
    ]


@pytest.mark.parametrize(
    ("at", "lines"),
    [
        pytest.param(Location("a.yml"), ["  --> a.yml", "  = help: h"], id="a file without a known line"),
        pytest.param(Location("a.yml", "/x/0"), ["  --> a.yml#/x/0", "  = help: h"], id="a mapping has pointers only"),
        pytest.param(Location(""), ["  = help: h"], id="the command line has no place"),
    ],
)
def test_places_without_text(at: Location, lines: list[str]) -> None:
    assert render_diagnostic(diagnostic(at, hint="h")).splitlines()[1:] == lines


def test_wide_characters_move_the_caret() -> None:
    source = document('a: {"名前": $x}\n')
    shown = render_diagnostic(diagnostic(source.at("/a/名前"), hint=None)).splitlines()
    assert shown[-2:] == ['1 | a: {"名前": $x}', "  |             ^^"]


def test_a_tab_takes_one_column_and_a_control_character_its_escape() -> None:
    source = document('{"a":\t"x\\u0007", "b":\t"\u0085y"}')
    shown = render_diagnostic(diagnostic(source.at("/b"), hint=None)).splitlines()
    assert "\t" not in shown[-2]
    assert shown[-2].index('"\\x85y"') == shown[-1].index("^")


def test_a_minified_line_is_cut_around_the_place() -> None:
    source = document('{"a":"' + "x" * 5000 + '","b":17,"c":"' + "y" * 5000 + '"}')
    shown = render_diagnostic(diagnostic(source.at("/b"), hint=None)).splitlines()
    assert len(shown[-2]) < 200
    start = shown[-1].index("^")
    assert shown[-2][start : start + shown[-1].count("^")] == "17"
    assert shown[-2].startswith("1 | …")
    assert shown[-2].endswith("…")


def test_messages_are_foreign_text_too() -> None:
    shown = render_diagnostic(diagnostic(Location(""), message="found \x1b[31m\n::error::x", hint="use \u202e"))
    assert shown.splitlines() == ["error[unknown-expression]: found \\e[31m\\n::error::x", "  = help: use \\u202e"]


@pytest.mark.parametrize(
    ("severities", "text"),
    [
        (["error", "warning", "error"], "2 errors, 1 warning"),
        (["warning", "info"], "1 warning, 1 note"),
        ([], "no problems"),
    ],
)
def test_summary(severities: list[str], text: str) -> None:
    assert summary(diagnostic(Location("a"), severity=Severity(each)) for each in severities) == text


def test_all_together() -> None:
    found = [diagnostic(Location("a.yml")), diagnostic(Location("b.yml"), severity=Severity.WARNING, hint=None)]
    text = render_diagnostics(found)
    assert text.count("\n\n") == 2
    assert text.endswith("\n\n1 error, 1 warning\n")
    assert render_diagnostics([]) == ""
    assert "\x1b[1;31merror[unknown-expression]\x1b[0m" in render_diagnostics(found, color=True)
