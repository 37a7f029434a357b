"""Examples exported for k6 and run, with a shim in place of its modules: the same requests and outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.test_examples import EXAMPLES
from tests.export.runners import NODE, Example, run_itself, run_k6, same

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")

_NO = {
    "a file outside of the working directory is not sent",  # k6 reads the files that it is given
    "without cookies nobody is signed in",  # k6 keeps cookies
}
RUNS = [pytest.param(*row.values[:2], id=row.id) for row in EXAMPLES if row.id not in _NO]


@pytest.mark.parametrize(("name", "arguments"), RUNS)
def test_an_example_does_the_same(name: str, arguments: str, tmp_path: Path) -> None:
    example = Example.of(name, arguments)
    same(example, run_itself(example), run_k6(example, tmp_path))
