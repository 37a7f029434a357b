"""The reader of `$sourceDescriptions.<source>.<reference>`: every place that names a source goes through it."""

from __future__ import annotations

import pytest

from arazzo_runner.program.values import source_reference


@pytest.mark.parametrize(
    ("text", "sources", "expected"),
    [
        pytest.param("$sourceDescriptions.pets.getPet", ["pets"], ("pets", "getPet"), id="a declared source"),
        pytest.param("$sourceDescriptions.pets.a.b", ["pets"], ("pets", "a.b"), id="a reference with full stops"),
        pytest.param("$sourceDescriptions.a.b.c", ["a", "a.b"], ("a.b", "c"), id="the longest declared name wins"),
        pytest.param("$sourceDescriptions.petz.getPet", ["pets"], ("petz", "getPet"), id="an undeclared source"),
        pytest.param("$sourceDescriptions.pets", ["pets"], ("pets", ""), id="no reference"),
        pytest.param("$sourceDescriptions.", ["pets"], ("", ""), id="nothing named"),
        pytest.param("$sourceDescriptions", ["pets"], None, id="the bare root"),
        pytest.param("pets.getPet", ["pets"], None, id="a name without the root"),
        pytest.param("$inputs.pets", ["pets"], None, id="another expression"),
    ],
)
def test_sources_are_read(text, sources, expected):
    assert source_reference(text, sources) == expected
