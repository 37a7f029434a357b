"""Which documents are selected by files, folders and globs."""

from __future__ import annotations

import os

import pytest

from arazzo_runner.lint.documents import is_arazzo, matches, select_documents
from tests.lint.documents import CLEAN, PETS


@pytest.fixture
def tree(tmp_path, monkeypatch):
    names = {
        "a.yml": CLEAN, "pets.yml": PETS, "sub/b.json": '{"info": {}, "arazzo": "1.0.1"}', "sub/deep/c.YAML": CLEAN,
        ".hidden/d.yml": CLEAN, "node_modules/e.yml": CLEAN, "env/pyvenv.cfg": "", "env/f.yml": CLEAN,
        "sub/g.txt": CLEAN, "sub/h[1].yml": CLEAN, "sub/other.json": '{"x": {"arazzo": 1}}', "built/i.yml": CLEAN,
    }  # fmt: skip
    for name, text in names.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def selected(*names, exclude=()):
    return [path.replace(os.sep, "/") for path in select_documents(names, exclude).documents]


@pytest.mark.parametrize(
    ("names", "exclude", "expected"),
    [
        pytest.param(["."], [], ["a.yml", "built/i.yml", "sub/b.json", "sub/deep/c.YAML", "sub/h[1].yml"], id="a folder is searched by content"),
        pytest.param(["sub"], ["sub/deep"], ["sub/b.json", "sub/h[1].yml"], id="a folder without what is excluded"),
        pytest.param(["sub/deep/c.YAML"], ["sub/**"], ["sub/deep/c.YAML"], id="a named file is never excluded"),
        pytest.param(["*.yml"], [], ["a.yml", "pets.yml"], id="a glob means what it matches, whatever it is"),
        pytest.param(["**/*.yml"], ["built", "env", "node_modules"], ["a.yml", "pets.yml", "sub/h[1].yml"], id="two stars go through folders"),
        pytest.param(["./sub/*.json"], [], ["./sub/b.json", "./sub/other.json"], id="a glob with a folder before it"),
        pytest.param(["sub/h[1].yml"], [], ["sub/h[1].yml"], id="a file whose name looks like a glob"),
        pytest.param(["sub/[bh]*"], [], ["sub/b.json", "sub/h[1].yml"], id="one of several characters"),
        pytest.param(["a.yml", ".", "a.yml"], [], ["a.yml", "built/i.yml", "sub/b.json", "sub/deep/c.YAML", "sub/h[1].yml"], id="each once, in order"),
        pytest.param([".hidden"], [], [".hidden/d.yml"], id="a hidden folder that is named"),
        pytest.param(["gone.yml", "-", "https://h/x.yml"], [], ["gone.yml", "-", "https://h/x.yml"], id="what is no file is left to the reader"),
    ],
)  # fmt: skip
def test_selection(tree, names, exclude, expected):
    assert selected(*names, exclude=exclude) == expected


def test_patterns_without_documents_are_reported(tree):
    (tree / "empty").mkdir()
    assert select_documents(["empty", "x*.yml", "a.yml"]).nothing == ("empty", "x*.yml")


def test_gitignore_is_obeyed_inside_a_repository(tree):
    (tree / ".gitignore").write_text("built/\nsub/*.json\n!sub/b.json\n# a.yml\n", encoding="utf-8")
    (tree / "sub" / ".gitignore").write_text("/deep\n", encoding="utf-8")
    assert selected(".") == ["a.yml", "sub/b.json", "sub/h[1].yml"]
    assert "sub/deep/c.YAML" in selected("sub/deep")  # no repository: the rules above do not hold
    (tree / ".git").mkdir()
    assert selected("sub/deep") == []


def test_a_cycle_of_links_ends(tree):
    try:
        (tree / "sub" / "loop").symlink_to(tree)
    except OSError:
        pytest.skip("no symbolic links here")
    assert selected("sub") == ["sub/b.json", "sub/deep/c.YAML", "sub/h[1].yml"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("arazzo: 1.0.1\n", True), ('"arazzo": 1.0.1\n', True), ("\ufeffinfo: {}\narazzo : 1.1.0\n", True),
        ("x:\n  arazzo: 1\n", False), ('{"arazzo": "1.0.1"', True), ('[{"arazzo": 1}]', False), ("", False),
        ('{arazzo: 1.0.1, info: {}}', True), ("# arazzo: no\n", False),
    ],
)  # fmt: skip
def test_documents_are_known_by_their_root(tmp_path, text, expected):
    path = tmp_path / "x.yml"
    path.write_text(text, encoding="utf-8")
    assert is_arazzo(str(path)) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("a/*.yml", "a/b.yml", True), ("a/*.yml", "a/b/c.yml", False), ("a/**/*.yml", "a/c.yml", True),
        ("a/**", "a/b/c.yml", True), ("*.yml", "x/y/a.yml", True), ("/*.yml", "x/a.yml", False), ("a", "x/a/b.yml", True),
        ("a/b", "x/a/b", False), ("./a", "a", True), ("[!a].yml", "b.yml", True), ("[!a].yml", "a.yml", False),
        ("?.yml", "ab.yml", False), ("a.yml", "a-yml", False), ("**", "x", True),
    ],
)  # fmt: skip
def test_globs(pattern, path, expected):
    assert matches(pattern, path) is expected
