"""A short soak: runs of every kind in one process leave no memory, connection, thread or file (benchmarks/soak.py: 2,000)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.soak import figures

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="/proc tells what a process holds")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def server():
    command = [sys.executable, str(ROOT / "benchmarks" / "server.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def test_nothing_stays_behind(server, tmp_path):
    for figure in figures(tmp_path, server, 60):
        # So few runs give the allocator's steps too much weight: ten times what the long soak allows.
        assert figure.value <= (10 * figure.target if figure.name.startswith("KB per run") else figure.target), figure
