"""Every run of these tests shows that the interpreter is pure (tests/purity.py)."""

from __future__ import annotations

import pytest

from arazzo_runner.engine.run import run_program
from tests.purity import watched


@pytest.fixture(autouse=True)
def pure_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everything that reaches outside of the interpreter raise."""
    monkeypatch.setattr("arazzo_runner.api.run_program", watched(run_program))
