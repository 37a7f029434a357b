"""`arazzo upgrade`: what it writes, prints and returns."""

from __future__ import annotations

import sys
from io import BytesIO, TextIOWrapper

import pytest

from arazzo_runner.cli.main import run
from tests.lint.documents import CLEAN, project, with_criterion

NEW = CLEAN.replace("arazzo: 1.0.1", "arazzo: 1.1.0")
SLIP = with_criterion('$statusCode == "200"')
FIXED = with_criterion("$statusCode == '200'").replace("arazzo: 1.0.1", "arazzo: 1.1.0")
BROKEN = CLEAN.replace("getPet", "getDog")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(project(tmp_path, old__yml=CLEAN, new__yml=NEW, slip__yml=SLIP, broken__yml=BROKEN))
    return tmp_path


def texts(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_documents_are_written_and_each_change_is_a_line(folder, capsys):
    before = texts(folder)
    assert run(["upgrade", "old.yml", "slip.yml", "new.yml"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "upgraded old.yml from 1.0.1 to 1.1.0",
        "upgraded slip.yml from 1.0.1 to 1.1.0; fixed: double-quotes",
        "3 documents: 2 upgraded, 1 up to date",
    ]
    assert texts(folder) == {**before, "old.yml": NEW.encode(), "slip.yml": FIXED.encode()}
    assert run(["upgrade", "old.yml", "slip.yml", "new.yml"]) == 0
    assert capsys.readouterr().out == "3 documents: 3 up to date\n"
    assert run(["upgrade", "new.yml"]) == 0
    assert capsys.readouterr().out == "new.yml is up to date (Arazzo 1.1.0)\n"


def test_check_writes_nothing_and_fails_if_something_would_change(folder, capsys):
    before = texts(folder)
    assert run(["upgrade", "old.yml", "new.yml", "--check"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "would upgrade old.yml from 1.0.1 to 1.1.0",
        "2 documents: 1 to upgrade, 1 up to date",
    ]
    assert run(["upgrade", "new.yml", "--check"]) == 0
    assert texts(folder) == before


@pytest.mark.parametrize("options", [["--diff"], ["--diff", "--check"]], ids=" ".join)
def test_a_diff_is_all_that_is_on_stdout(folder, capsys, options):
    before = texts(folder)
    assert run(["upgrade", "slip.yml", "new.yml", *options]) == 1
    printed = capsys.readouterr()
    assert printed.out.startswith("--- slip.yml\n+++ slip.yml\n@@ -1,4 +1,4 @@\n-arazzo: 1.0.1\n+arazzo: 1.1.0\n")
    assert "\n+          - condition: $statusCode == '200'\n" in printed.out
    assert "would upgrade slip.yml" in printed.err
    assert texts(folder) == before
    assert run(["upgrade", "new.yml", "--diff"]) == 0
    assert capsys.readouterr().out == ""


def test_a_broken_document_stays_and_the_others_are_upgraded(folder, capsys):
    assert run(["upgrade", "."]) == 1
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == "4 documents: 1 refused, 1 up to date, 2 upgraded"
    assert printed.err.startswith("error[unknown-operation]")
    assert printed.err.endswith("broken.yml was not changed\n")
    assert (folder / "broken.yml").read_text() == BROKEN
    assert (folder / "old.yml").read_text() == NEW


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        pytest.param([], 2, "missing argument 'SPEC...'", id="nothing"),
        pytest.param(["none.yml"], 2, "does not exist", id="a file that is not there"),
        pytest.param(["none.yml", "old.yml"], 2, "does not exist", id="one of two is not there"),
        pytest.param(["https://pets.example/flow.yml"], 2, "is a URL; only files can be upgraded", id="a URL"),
        pytest.param(["empty"], 2, "there is no Arazzo document in empty", id="a folder without documents"),
        pytest.param(["*.txt"], 2, "there is no Arazzo document in *.txt", id="a glob that matches nothing"),
        pytest.param(["pets.yml"], 1, "error[not-arazzo]", id="another description"),
        pytest.param(["binary.yml"], 1, "error[not-utf8]", id="no text"),
        pytest.param(["old.yml", "--to", "1.0"], 2, "invalid value for '--to'", id="another version"),
        pytest.param(["old.yml", "--source", "cats=pets.yml"], 2, "cats", id="a source that the document has not"),
        pytest.param(["old.yml", "--source", "pets=none.yml"], 2, "error[source-not-found]", id="a source that is not where it is said to be"),
        pytest.param(["old.yml", "--source", "pets"], 2, "expects NAME=PATH", id="a source without a path"),
        pytest.param(["old.yml", "--root", "none"], 2, "--root: none is not a folder", id="a root that is not there"),
        pytest.param(["old.yml", "--offline", "--allow-remote"], 2, "exclude each other", id="options that exclude each other"),
    ],
)  # fmt: skip
def test_wrong_inputs_get_one_message(folder, capsys, arguments, code, message):
    (folder / "empty").mkdir()
    (folder / "binary.yml").write_bytes(b"\xff\xfe\x00arazzo")
    assert run(["upgrade", *arguments]) == code
    printed = capsys.readouterr()
    assert printed.err.count("error[") == 1
    assert message in printed.err


def test_standard_input_is_upgraded_to_standard_output(folder, capsys, monkeypatch):
    def given(data, *options):
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
        code = run(["upgrade", "-", *options])
        return code, *capsys.readouterr()

    assert given(SLIP.encode()) == (0, FIXED, "upgraded stdin.yml from 1.0.1 to 1.1.0; fixed: double-quotes\n")
    assert given(NEW.encode()) == (0, NEW, "stdin.yml is up to date (Arazzo 1.1.0)\n")
    assert given(b"\xef\xbb\xbf" + CLEAN.encode())[:2] == (0, f"\ufeff{NEW}")
    assert given(CLEAN.encode(), "--check") == (1, "", "would upgrade stdin.yml from 1.0.1 to 1.1.0\n")
    assert given(CLEAN.encode(), "--diff", "--stdin-filename", "a.yml")[1].startswith("--- a.yml\n")
    code, out, err = given(BROKEN.encode())
    assert (code, out) == (1, "")
    assert err.endswith("stdin.yml was not changed\n")
    assert "stdin.yml" not in texts(folder)


def test_byte_order_mark_line_ends_mode_and_links_stay(folder):
    path = folder / "old.yml"
    path.write_bytes(b"\xef\xbb\xbf" + CLEAN.replace("\n", "\r\n").encode())
    path.chmod(0o640)
    (folder / "link.yml").symlink_to(path)
    assert run(["upgrade", "link.yml"]) == 0
    assert path.read_bytes() == b"\xef\xbb\xbf" + NEW.replace("\n", "\r\n").encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert (folder / "link.yml").is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="folders of Windows have no such mode")
def test_a_file_that_cannot_be_written_is_reported(folder, capsys, monkeypatch):
    import os

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    assert run(["upgrade", "old.yml"]) == 2
    assert "error[cannot-write-output]: old.yml cannot be written: Permission denied" in capsys.readouterr().err
    assert (folder / "old.yml").read_text() == CLEAN
    assert not [path for path in folder.iterdir() if path.name.startswith(".arazzo-")]


def test_descriptions_that_were_not_read_are_said(folder, capsys):
    project(folder, old__yml=CLEAN.replace("./pets.yml", "https://pets.example/api.yml"))
    assert run(["upgrade", "old.yml", "--check"]) == 1
    expected = "; 1 step was compared as written, without a description\n"
    assert capsys.readouterr().out.endswith(expected)
    assert run(["upgrade", "old.yml", "--check", "--source", "pets=pets.yml"]) == 1
    assert capsys.readouterr().out == "would upgrade old.yml from 1.0.1 to 1.1.0\n"
