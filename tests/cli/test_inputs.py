"""Where inputs come from, and which of them wins."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from arazzo_runner.cli.options import pair
from arazzo_runner.cli.run.inputs import given_inputs
from arazzo_runner.errors import InvalidUsage


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        pytest.param(["a=b=c"], {"a": "b=c"}, id="only the first = counts"),
        pytest.param(["a=x,y"], {"a": "x,y"}, id="a comma is text"),
        pytest.param(["a="], {"a": ""}, id="an empty text is a text"),
        pytest.param(["a=[1, 2]"], {"a": "[1, 2]"}, id="JSON is left to the schema"),
        pytest.param(["a= x "], {"a": " x "}, id="blanks are kept"),
        pytest.param(["a=1", "a=2"], {"a": "2"}, id="the last one wins"),
        pytest.param([r"a=\@home"], {"a": "@home"}, id="a backslash makes @ text"),
        pytest.param([r"a=\n"], {"a": r"\n"}, id="other backslashes are text"),
    ],
)
def test_texts(arguments: list[str], texts: dict[str, str]) -> None:
    assert given_inputs([pair(each, "-i") for each in arguments], None, (), {}).texts == texts


def test_a_repeated_name_is_warned() -> None:
    [warning] = given_inputs([("a", "1"), ("b", "1"), ("a", "2")], None, (), {}).warnings
    assert warning.code == "repeated-input"
    assert warning.message == 'input "a" is given 2 times; the last one is used'


@pytest.mark.parametrize(
    ("content", "text"), [(b"tok\n", "tok"), (b"tok\r\n", "tok"), (b"a\n\n", "a\n"), (b"\xef\xbb\xbftok", "tok")]
)
def test_a_text_from_a_file(content: bytes, text: str, tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(content)
    assert given_inputs([("a", f"@{tmp_path / 't'}")], None, (), {}).texts == {"a": text}


def test_a_text_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"tok\n")))
    assert given_inputs([("a", "@-")], None, (), {}).texts == {"a": "tok"}


def test_values_from_a_file_keep_their_types(tmp_path: Path) -> None:
    (tmp_path / "in.yml").write_text("a: 1\nb: [x, {y: null}]\nc: 'no'\n")
    given = given_inputs([("a", "7")], str(tmp_path / "in.yml"), (), {})
    assert given.values == {"b": ["x", {"y": None}], "c": "no"}
    assert given.texts == {"a": "7"}


@pytest.mark.parametrize("content", [b"", b"  \n"])
def test_an_empty_file_gives_no_inputs(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert given_inputs([], "-", (), {}).values == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "the input file must hold a mapping of names to values, found array"),
        ("a: 1\na: 2\n", '"a"'),
        ("a: [", "YAML"),
    ],
)
def test_a_file_that_holds_no_inputs(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "in.yml").write_text(content)
    with pytest.raises(InvalidUsage) as raised:
        given_inputs([], str(tmp_path / "in.yml"), (), {})
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("a=@nowhere.txt", "nowhere.txt cannot be read: no such file or directory"),
        ("a=@.", "cannot be read: is a directory"),
        ("a=@", "the file without a name cannot be read"),
        ("a=@x\0y", "its name is not usable"),
    ],
)
def test_a_file_that_cannot_be_read(argument: str, message: str) -> None:
    with pytest.raises(InvalidUsage) as raised:
        given_inputs([pair(argument, "-i")], None, (), {})
    [diagnostic] = raised.value.diagnostics
    assert message in diagnostic.message
    assert diagnostic.hint is not None
    assert r"\@" in diagnostic.hint


def test_a_binary_file_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidUsage, match="is not UTF-8 text"):
        given_inputs([("a", f"@{tmp_path / 't'}")], None, (), {})


@pytest.mark.parametrize(
    ("environment", "texts"),
    [
        ({"ARAZZO_INPUT_refreshToken": "x"}, {"refreshToken": "x"}),
        ({"ARAZZO_INPUT_REFRESH_TOKEN": "x"}, {"refreshToken": "x"}),
        ({"ARAZZO_INPUT_REFRESHTOKEN": "x"}, {"refreshToken": "x"}),
        ({"ARAZZO_INPUT_refreshToken": "x", "ARAZZO_INPUT_REFRESH_TOKEN": "y"}, {"refreshToken": "x"}),
        ({"ARAZZO_INPUT_OTHER": "x", "REFRESH_TOKEN": "y"}, {}),
    ],
)
def test_the_environment(environment: dict[str, str], texts: dict[str, str]) -> None:
    assert given_inputs([], None, ["refreshToken"], environment).texts == texts


def test_precedence(tmp_path: Path) -> None:
    (tmp_path / "in.yml").write_text("a: file\nb: file\n")
    environment = {f"ARAZZO_INPUT_{name}": "environment" for name in "abc"}
    given = given_inputs([("a", "argument")], str(tmp_path / "in.yml"), "abc", environment)
    assert (given.texts, given.values) == ({"a": "argument", "c": "environment"}, {"b": "file"})
