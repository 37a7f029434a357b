"""Ctrl-C and SIGTERM in the middle of many runs: results so far are reported, no further run is started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import junitparser
import pytest

from tests.e2e.test_many_runs import API, TWO
from tests.loopback import Reply, Request, serving

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to one process there")


@contextmanager
def slow_server() -> Iterator[tuple[str, threading.Event]]:
    """Answer /pets/1 immediately and everything else too late; the event is set when other requests wait."""
    waiting, over = threading.Event(), threading.Event()

    def answer(request: Request) -> Reply:
        if request.target != "/pets/1":
            waiting.set()
            over.wait(30)
        return Reply(200, b"{}")

    with serving(answer) as server:
        try:
            yield server.url, waiting
        finally:
            over.set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("jobs", "interrupted"), [("1", 1), ("2", 2)])
def test_interrupted(tmp_path: Path, number: int, jobs: str, interrupted: int) -> None:
    (tmp_path / "pets.yml").write_text(TWO)
    (tmp_path / "api.yml").write_text(API)
    (tmp_path / "rows.csv").write_text("id\n1\n2\n3\n4\n5\n")
    with slow_server() as (url, waiting):
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "arazzo_runner", "run", "pets.yml", "-w", "get-one", "--data", "rows.csv"),
                *("-j", jobs, "--server", f"pets={url}", "--report", "a.xml", "--format", "json"),
            ],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        )  # fmt: skip
        assert waiting.wait(30)
        time.sleep(0.3)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    statuses = [run["status"] for run in json.loads(out)["runs"]]
    assert statuses == ["succeeded"] + ["interrupted"] * interrupted + ["not_run"] * (4 - interrupted)
    suites = junitparser.JUnitXml.fromstring((tmp_path / "a.xml").read_bytes())
    assert (suites.errors, suites.skipped) == (interrupted, 4 - interrupted)
    assert "Traceback" not in err


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_signal_that_the_parent_ignores_stays_ignored(tmp_path: Path, jobs: str) -> None:
    (tmp_path / "pets.yml").write_text(TWO)
    (tmp_path / "api.yml").write_text(API)
    over = threading.Event()
    waiting = threading.Event()

    def answer(request: Request) -> Reply:
        waiting.set()
        over.wait(30)
        return Reply(200, b"{}")

    with serving(answer) as server:
        process = subprocess.Popen(
            [
                *("sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-m", "arazzo_runner", "run", "pets.yml"),
                *("-w", "get-one", "-i", "id=1", "--repeat", "1", "-j", jobs, "--server", f"pets={server.url}"),
            ],
            cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")},
        )  # fmt: skip
        assert waiting.wait(30)
        process.send_signal(signal.SIGHUP)
        over.set()
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0, err
