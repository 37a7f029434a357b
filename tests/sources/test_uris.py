"""URIs and file paths: joined, and converted into each other."""

from __future__ import annotations

import os
from urllib.parse import quote, unquote, urlsplit

import pytest
from hypothesis import given, strategies as st

from arazzo_runner.sources.uris import join, path_of, uri_of_path

SEGMENTS = st.sampled_from(
    ["", ".", "..", "...", "a", "b.yml", "c-d_~", ".hidden", "é", "a b", "%41", "x?y", "x#y", "a:b"]
)
PATHS = st.lists(SEGMENTS, max_size=6).map("/".join)


@pytest.mark.skipif(os.sep != "/", reason="paths of POSIX")
@given(PATHS)
def test_a_path_and_its_uri_are_as_urllib_parse_has_them(path):
    full = os.path.abspath("/" + path)
    assert uri_of_path("/" + path) == "file://" + quote(full, safe="/:~@!$&'()*+,;=")
    assert path_of(uri_of_path(full)) == full
    assert path_of(f"file:///{path}") == unquote(urlsplit(f"file:///{path}").path)


@pytest.mark.parametrize(
    ("base", "reference", "joined"),
    [
        pytest.param("file:///w/arazzo/a.yml", "../openapi/b.yml", "file:///w/openapi/b.yml", id="a folder beside"),
        pytest.param("file:///w/a.yml", "./b.yml", "file:///w/b.yml", id="this folder"),
        pytest.param("file:///w/a.yml", "b c.yml", "file:///w/b%20c.yml", id="a space"),
        pytest.param("file:///w/a.yml", "https://api.test/b.yml", "https://api.test/b.yml", id="another host"),
        pytest.param("https://api.test/w/a.yml", "../b.yml", "https://api.test/b.yml", id="a remote base"),
        pytest.param("file:///w/a.yml", "http://[", "http://[", id="no URI at all"),
    ],
)
def test_join(base, reference, joined):
    assert join(base, reference) == joined
