"""A document with planted defects: every one is found in its line, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import arazzo_runner
from arazzo_runner import LoadOptions

FOLDER = Path(__file__).parents[2] / "fixtures" / "planted"
DOCUMENT = FOLDER / "shop.arazzo.yml"


def planted():
    found = {}
    for number, line in enumerate(DOCUMENT.read_text(encoding="utf-8").splitlines()[1:], start=2):
        code, hash_mark, comment = line.partition("  # ")
        for name in comment.split() if hash_mark else ():
            found[(name, number)] = code
    return found


@pytest.fixture(scope="module")
def findings():
    return arazzo_runner.validate(DOCUMENT, load_options=LoadOptions(root=str(FOLDER)))


PLANTED = planted()


def test_there_are_many():
    assert len(PLANTED) >= 30


@pytest.mark.parametrize(("code", "line"), PLANTED, ids=lambda value: str(value))
def test_every_planted_defect_is_found_in_its_line(code, line, findings):
    places = [each.at for each in findings if (each.code, each.at.line) == (code, line)]
    assert places, [(each.code, each.at.line) for each in findings if each.at.line == line]
    text = PLANTED[(code, line)]
    assert all(1 <= place.column <= len(text) for place in places)


def test_nothing_else_is_found(findings):
    assert {(each.code, each.at.line) for each in findings} == set(PLANTED)
