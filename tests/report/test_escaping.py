"""Untrusted text must not control a terminal or a CI log."""

from __future__ import annotations

import json

import pytest

from arazzo_runner.report.escaping import json_text, lines, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("plain – text ✓", "plain – text ✓", id="harmless text stays"),
        pytest.param("a\tb", "a\tb", id="a tab stays"),
        pytest.param("\x1b[2J\x1b]0;x\x07", "\\e[2J\\e]0;x\\x07", id="terminal sequences are shown as escapes"),
        pytest.param("a\r\nb\0", "a\\r\\nb\\0", id="line breaks are shown as escapes"),
        pytest.param("\x9b31m", "\\x9b31m", id="C1 controls are shown as escapes"),
        pytest.param("user\u202egnp.exe", "user\\u202egnp.exe", id="bidirectional overrides are shown as escapes"),
        pytest.param("a\u2028b\ufeff", "a\\u2028b\\ufeff", id="separators and invisible characters are shown"),
        pytest.param("\ud800", "\\ud800", id="a lone surrogate is shown as an escape"),
        pytest.param("::error::no", ": :error::no", id="a GitHub command is not a command any more"),
        pytest.param("  ::set-env name=x::y", "  : :set-env name=x::y", id="leading blanks do not save a command"),
        pytest.param("##[error]x ##vso[task]y", "# #[error]x # #vso[task]y", id="Azure commands are split"),
        pytest.param("Module::name", "Module::name", id="colons inside a line stay"),
    ],
)
def test_one_line(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_every_line_is_made_harmless() -> None:
    assert lines("a\r\n::warning::x\n\x1b[1m") == ["a", ": :warning::x", "\\e[1m"]


def test_json_keeps_its_meaning() -> None:
    value = {"a": "\x7f\x9b\u202e##[error] ::x::", "b": ["\U000e0041", "ü\n"]}
    text = json_text(json.dumps(value, ensure_ascii=False, indent=2))
    assert json.loads(text) == value
    assert not any(character in text for character in "\x7f\x9b\u202e\U000e0041")
    assert "##[" not in text
    assert "ü" in text
