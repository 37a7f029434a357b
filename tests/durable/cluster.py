"""Several workers on one store, one of them killed in the middle; the server's log counts every request."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.durable.crash import Zygote
from tests.durable.notes_server import notes_server

ROOT = Path(__file__).parents[2]
SPEC = str(ROOT / "fixtures" / "durable" / "note.arazzo.yml")


@dataclass
class Report:
    """The outcome of the runs: states, doubts, and the requests that the server received."""

    states: dict[str, int] = field(default_factory=dict)
    doubtful_requests: int = 0
    adopted: int = 0
    twice: list[str] = field(default_factory=list)
    requests: int = 0
    seconds: float = 0.0
    submit_seconds: float = 0.0


class Cluster:
    """Command lines of one store; a zygote makes the short ones quicker."""

    def __init__(self, folder: Path, store: str, zygote: Zygote | None = None) -> None:
        self._folder = folder
        self._own = {"XDG_STATE_HOME": str(folder), "ARAZZO_STORE": store}
        self._env = {**os.environ, **self._own}
        self._zygote = zygote

    def arazzo(self, *arguments: str) -> str:
        """Run a command to its end and return its stdout."""
        if self._zygote is not None:
            out, err = self._folder / "out", self._folder / "err"
            order = {"argv": list(arguments), "env": self._own, "out": str(out), "err": str(err)}
            self._zygote.start(order)
            assert self._zygote.wait() == 0, err.read_text()
            return out.read_text()
        command = [sys.executable, "-m", "arazzo_runner", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self._env, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def worker(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        """Start a worker."""
        command = [sys.executable, "-m", "arazzo_runner", "worker", "--name", name, *options]
        log = open(self._folder / f"{name}.log", "wb")  # noqa: SIM115
        with log:
            return subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)

    def runs(self) -> list[dict[str, Any]]:
        """Return the states of all runs."""
        found: list[dict[str, Any]] = json.loads(self.arazzo("runs", "list", "--limit", "100000", "--format", "json"))[
            "runs"
        ]
        return found


def kill_one_of(
    folder: Path,
    store: str,
    *,
    workers: int,
    runs: int,
    kill_after: int,
    concurrency: int = 5,
    delay: float = 0.01,
    zygote: Zygote | None = None,
) -> Report:
    """Submit runs of three requests, kill the first worker after so many requests, let the others adopt its runs."""
    report, cluster = Report(), Cluster(folder, store, zygote)
    rows = folder / "rows.jsonl"
    rows.write_text("".join(json.dumps({"text": f"note {number}"}) + "\n" for number in range(runs)))
    with notes_server(delay) as notes:
        cluster.arazzo("queue", "configure", "default", "--worker-concurrency", str(concurrency), "--poll", "0.1")
        began = time.time()
        cluster.arazzo("submit", SPEC, "--input-file", str(rows), "--run-id", "load", "--server", f"notes={notes.url}")
        report.submit_seconds = time.time() - began
        began = time.time()
        processes = [cluster.worker("w1", "-q", "--drain")]
        _wait(lambda: notes.total >= 1, 120)  # the one that is killed has something to lose
        processes += [cluster.worker(f"w{number}", "-q", "--drain") for number in range(2, workers + 1)]
        _wait(lambda: notes.total >= kill_after, 120)
        processes[0].send_signal(signal.SIGKILL)
        processes[0].wait(10)
        report.adopted = len(cluster.arazzo("worker", "adopt", "w1").split())
        for process in processes[1:]:
            process.wait(600)
        report.seconds = time.time() - began
        for run in cluster.runs():
            report.states[run["state"]] = report.states.get(run["state"], 0) + 1
            report.doubtful_requests += len(run["doubts"])
        report.requests, report.twice = notes.total, notes.twice()
    return report


def _wait(ready: Any, seconds: float) -> None:
    until = time.time() + seconds
    while not ready():
        assert time.time() < until, "it takes too long"
        time.sleep(0.005)
