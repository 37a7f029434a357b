"""A short, bounded round of every fuzz target: the whole corpus, and mutations of it (scripts/fuzz runs for longer)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.fuzz.mutation import CORPUS, mutations
from tests.fuzz.targets import TARGETS, tried

EXAMPLES = {"document": 30, "openapi": 30, "response": 60, "store": 60, "cassette": 40}


@pytest.mark.parametrize(
    ("target", "name"),
    [(path.parent.name, path.name) for path in sorted(CORPUS.glob("*/*")) if path.parent.name in TARGETS],
    ids=str,
)
def test_the_corpus_passes(target, name):
    tried(target, (CORPUS / target / name).read_bytes())


@pytest.mark.parametrize("target", TARGETS)
def test_mutations_pass(target):
    @settings(max_examples=EXAMPLES.get(target, 150), deadline=None, suppress_health_check=list(HealthCheck))
    @given(mutations(target))
    def passes(data):
        tried(target, data)

    passes()


@pytest.mark.parametrize(
    "target", ["expression", "condition", "query", "xpath", "jsonpath", "regex", "pattern", "yaml", "json"]
)
def test_random_text_passes(target):
    @settings(max_examples=100, deadline=None)
    @given(st.binary(max_size=60))
    def passes(data):
        tried(target, data)

    passes()
