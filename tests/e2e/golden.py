"""Golden files: the expected output of commands, compared exactly.

`ARAZZO_UPDATE_GOLDEN=1 pytest tests/e2e` rewrites them; read the diff before committing.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"


def assert_golden(name: str, text: str) -> None:
    """Compare with fixtures/golden/<name>.txt; a difference is shown as a unified diff."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("ARAZZO_UPDATE_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    expected = path.read_text(encoding="utf-8") if path.exists() else ""
    if text != expected:
        difference = difflib.unified_diff(
            expected.splitlines(), text.splitlines(), f"golden/{name}.txt", "now", lineterm=""
        )
        raise AssertionError("\n".join(difference))


def settled(text: str, *replacements: tuple[str, str]) -> str:
    """Return output with what differs from run to run (ports, durations, folders) replaced."""
    for found, name in replacements:
        text = text.replace(found, name)
    text = re.sub(r"\b\d+(\.\d+)? (ms|s)\b(?! after)", "N ms", text)
    text = re.sub(r"  (←|<-) slowest$", "", text, flags=re.MULTILINE)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT", text)
