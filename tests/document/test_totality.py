"""For any document, read and build return diagnostics, quickly, and never raise."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from arazzo_runner.document.build import build
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.errors import Severity
from arazzo_runner.report.findings.text import render_diagnostics
from tests.document.test_build import changed

SEED = Path(__file__).parents[2] / "specs" / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml"


def shown(data):
    """Return what a user sees of a document, places and all."""
    problems = Problems()
    document = read(data, "doc.yml", problems)
    if document is not None:
        model = build(document, problems)
        assert repr(model)
    assert document is not None or problems.has_errors
    return render_diagnostics(problems.diagnostics)


@settings(max_examples=60, deadline=None)
@given(st.text() | st.text("{}[]\"':,-&*!|>%@?# \n\tabc01.~x$"))
def test_no_text_raises(text):
    shown(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_change_to_a_real_document_raises(data):
    text = SEED.read_text(encoding="utf-8")
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 60)))
    insert = data.draw(st.text("{}[]\"':,-&*!|>? \n\tab1$", max_size=8))
    shown((text[:start] + insert + text[end:]).encode())


@pytest.mark.parametrize("value", [None, 7, -1, True, "", [], {}, [None], ["x"], {"a": 1}, {"$ref": "#/x"}], ids=repr)
@pytest.mark.parametrize(
    "place",
    ["/info", "/components", "/workflows/0/steps", "/workflows/0/inputs", "/components/inputs/i"]
    + [
        f"/workflows/0/steps/0/{name}"
        for name in ("parameters", "requestBody", "timeout", "successCriteria", "onFailure", "dependsOn", "outputs")
    ]
    + ["/workflows/0/steps/0/parameters/0", "/workflows/0/steps/0/onFailure/0", "/workflows/0/steps/0/stepId"],
)
def test_every_error_has_a_hint(place, value):
    import json

    problems = Problems()
    document = read(json.dumps(changed(place, value)).encode(), "doc.json", problems)
    build(document, problems)
    assert all(found.hint and found.at.line for found in problems if found.severity is Severity.ERROR)


HOSTILE = {
    "repeated keys in JSON": b"{" + b'"a":1,' * 20_000 + b'"b":1}',
    "repeated keys": b"a: 1\n" * 20_000,
    "unknown fields": b'{"arazzo": "1.0.1", ' + b",".join(b'"stepz%d":1' % n for n in range(10_000)) + b"}",
    "an endless tag": b"!" * 500_000,
    "an endless name": b"arazzo: 1.0.1\n" + b"a" * 500_000 + b": 1\n",
    "open brackets": b"[" * 500_000,
    "open braces": b"{" * 500_000,
    "nested dashes": b"- " * 500_000,
    "anchors": b"".join(b"- &a%d x\n" % n for n in range(10_000)),
    "blanks before what needs quotes": b"arazzo: a" + b" " * 500_000 + b"b: c\n",
    "empty lines": b"\n" * 500_000 + b"a: [",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_answered_soon_and_shortly(name):
    begin = time.process_time()
    text = shown(HOSTILE[name])
    assert time.process_time() - begin < 60  # a guard against quadratic work, which would take hours
    assert len(text) < 40_000
