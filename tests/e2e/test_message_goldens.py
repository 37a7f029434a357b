"""What `arazzo validate` says of documents with one kind of mistake in many places."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions
from arazzo_runner.report.findings.text import render_diagnostics
from tests.e2e.golden import assert_golden

DOCUMENTS = Path(__file__).parents[2] / "fixtures" / "messages"


@pytest.mark.parametrize("name", sorted(path.stem for path in DOCUMENTS.glob("*.yml")))
def test_the_text_is_the_golden_one(name):
    with contextlib.chdir(DOCUMENTS):
        found = arazzo_runner.validate(f"{name}.yml", load_options=LoadOptions(root=str(DOCUMENTS.parent)))
    assert_golden(f"messages/{name}", render_diagnostics(found, color=False))
