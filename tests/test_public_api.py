"""The public names: every name of __all__ exists, is sorted, and has a docstring."""

from __future__ import annotations

import ast
from pathlib import Path

import arazzo_runner


def test_all_is_sorted_and_importable():
    assert arazzo_runner.__all__ == sorted(arazzo_runner.__all__)
    assert [name for name in arazzo_runner.__all__ if not hasattr(arazzo_runner, name)] == []


def test_every_public_name_has_a_docstring():
    assert [name for name in arazzo_runner.__all__ if not (getattr(arazzo_runner, name).__doc__ or "").strip()] == []


def test_type_checkers_see_the_same_names():
    tree = ast.parse(Path(arazzo_runner.__file__).read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    imported = [alias.asname for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert sorted(name or "" for name in imported) == arazzo_runner.__all__
