"""Where inputs come from, and which of them wins."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner import File, LoadOptions, Program, load
from arazzo_runner.cli.options import pair
from arazzo_runner.cli.run.inputs import given_inputs, with_files_placed
from arazzo_runner.errors import InvalidUsage

API = """\
openapi: 3.1.0
info: {title: t, version: "1"}
servers: [{url: "http://api.test"}]
paths: {/a: {get: {operationId: a}}}
"""


def program(properties: dict[str, Any], folder: Path) -> Program:
    """Return a program whose workflow declares these inputs."""
    (folder / "api.yml").write_text(API)
    document = {
        "arazzo": "1.0.1",
        "info": {"title": "t", "version": "1"},
        "sourceDescriptions": [{"name": "api", "url": str(folder / "api.yml")}],
        "workflows": [
            {
                "workflowId": "w",
                "inputs": {"type": "object", "properties": properties},
                "steps": [{"stepId": "a", "operationId": "a"}],
            }
        ],
    }
    return load(document, load_options=LoadOptions(root=str(folder)))


@pytest.mark.parametrize(
    ("arguments", "texts"),
    [
        pytest.param(["a=b=c"], {"a": "b=c"}, id="only the first = counts"),
        pytest.param(["a=x,y"], {"a": "x,y"}, id="a comma is text"),
        pytest.param(["a="], {"a": ""}, id="an empty text is a text"),
        pytest.param(["a=[1, 2]"], {"a": "[1, 2]"}, id="JSON is left to the schema"),
        pytest.param(["a= x "], {"a": " x "}, id="blanks are kept"),
        pytest.param(["a=1", "a=2"], {"a": "2"}, id="the last one wins"),
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
    given = given_inputs([("a", f"@{tmp_path / 't'}")], None, (), {})
    assert with_files_placed(given, program({"a": {"type": "string"}}, tmp_path)).texts == {"a": text}


def test_a_text_from_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"tok\n")))
    given = given_inputs([("a", "@-")], None, (), {})
    assert with_files_placed(given, program({}, tmp_path)).texts == {"a": "tok"}


@pytest.mark.parametrize("argument", [r"a=\@home", "a=@@home"])
def test_two_at_signs_begin_a_text_with_one(argument: str) -> None:
    assert given_inputs([pair(argument, "-i")], None, (), {}).values == {"a": "@home"}


FILE = {"type": "string", "format": "binary"}
PNG = b"\x89PNG"


@pytest.mark.parametrize(
    ("schema", "content", "found"),
    [
        pytest.param({"type": "string"}, b"tok\n", "tok", id="a text is a text"),
        pytest.param({"type": "string"}, PNG, File(PNG, "f.png"), id="what is no text is a file"),
        pytest.param(FILE, b"tok\n", File(b"tok\n", "f.png"), id="an input that is declared as a file gets the file"),
        pytest.param({"contentMediaType": "image/png"}, PNG, File(PNG, "f.png"), id="by contentMediaType"),
        pytest.param({"type": "array", "items": FILE}, PNG, [File(PNG, "f.png")], id="an array of files gets a list"),
    ],
)
def test_a_file_becomes_what_the_input_is_declared_to_be(
    schema: dict[str, Any], content: bytes, found: object, tmp_path: Path
) -> None:
    (tmp_path / "f.png").write_bytes(content)
    given = given_inputs([("a", f"@{tmp_path / 'f.png'}")], None, (), {})
    placed = with_files_placed(given, program({"a": schema}, tmp_path))
    value = {**placed.values, **placed.texts}["a"]
    assert repr(value) == repr(found)
    assert value == found


@pytest.mark.parametrize("source", ["file", "standard input"])
@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        pytest.param({"type": "string"}, "it has more than 20,000,000 bytes", id="a text may not"),
        pytest.param(FILE, None, id="a declared file may"),
        pytest.param({"type": "array", "items": FILE}, None, id="each of several declared files may"),
    ],
)
def test_what_may_be_larger_than_a_text(
    schema: dict[str, Any], problem: str | None, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "large").open("wb") as large:
        large.truncate(20_000_001)
    argument = f"@{tmp_path / 'large'}" if source == "file" else "@-"
    with (tmp_path / "large").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        known = [program({"a": schema}, tmp_path)]
        if problem is None:
            assert [len(each) for each in given_inputs([("a", argument)], None, (), {}, known).files["a"]] == [
                20_000_001
            ]
            return
        with pytest.raises(InvalidUsage) as caught:
            given_inputs([("a", argument)], None, (), {}, known)
    [diagnostic] = caught.value.diagnostics
    assert diagnostic.code == "document-too-large"
    assert problem in diagnostic.message
    assert diagnostic.hint == "declare the input as a file, format: binary, which may have 1,000,000,000 bytes"


def test_several_files_of_one_name_are_the_list_that_is_declared(tmp_path: Path) -> None:
    (tmp_path / "f.png").write_bytes(PNG)
    (tmp_path / "g.txt").write_bytes(b"g")
    given = given_inputs([("a", f"@{tmp_path / each}") for each in ("f.png", "g.txt")], None, (), {})
    listed = with_files_placed(given, program({"a": {"type": "array", "items": FILE}}, tmp_path))
    assert [each.filename for each in listed.values["a"]] == ["f.png", "g.txt"]
    assert listed.warnings == ()
    single = with_files_placed(given, program({"a": FILE}, tmp_path))
    assert single.values["a"].filename == "g.txt"
    assert [each.code for each in single.warnings] == ["repeated-input"]


@pytest.mark.parametrize(
    ("schema", "text", "found"),
    [
        pytest.param(FILE, "@cat.png", {"path": "cat.png"}, id="of a file it is read when it is sent"),
        pytest.param(FILE, "@@cat", "@cat", id="two at signs are one"),
        pytest.param({"type": "string"}, "@cat", "@cat", id="of a text it is a text, as in a table of user names"),
    ],
)
def test_an_at_sign_in_the_environment_or_a_table(
    schema: dict[str, Any], text: str, found: object, tmp_path: Path
) -> None:
    given = given_inputs([], None, ("a",), {"ARAZZO_INPUT_A": text})
    placed = with_files_placed(given, program({"a": schema}, tmp_path))
    assert {**placed.values, **placed.texts} == {"a": found}


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
    assert "@@" in diagnostic.hint


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
