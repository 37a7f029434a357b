"""Examples exported as .http files and run with httpyac: the same requests and outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_examples import EXAMPLES
from tests.export.runners import Example, module, run_itself, run_http

pytestmark = pytest.mark.skipif(module("httpyac/bin/httpyac.js") is None, reason="httpyac is not installed")

_NO = {
    "a file outside of the working directory is not sent": "k6 reads the files that it is given",
    "without cookies nobody is signed in": "k6 keeps cookies",
}
RUNS = [pytest.param(*row.values[:2], id=row.id) for row in EXAMPLES if row.id not in _NO]


@pytest.mark.parametrize(("name", "arguments"), RUNS)
def test_an_example_does_the_same(name: str, arguments: str, tmp_path: Path) -> None:
    example = Example.of(name, arguments)
    expected, ran = run_itself(example), run_http(example, tmp_path)
    assert (ran.requests, ran.succeeded) == (expected.requests, expected.succeeded), ran.text
    if name == "read-xml-with-xpath":
        assert ran.outputs == {}  # a .http file has no XPath: each of its uses is a warning
    elif expected.succeeded:
        assert masked(ran.outputs, name) == masked(expected.outputs, name)


def masked(outputs: Any, name: str) -> Any:
    return {key: "***" if key == "accessToken" else value for key, value in outputs.items()}
