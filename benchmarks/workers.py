"""What a run of three requests costs a worker and its PostgreSQL, in CPU time: the figures of docs/scale.md.

    python -m benchmarks.workers [runs]

CPU time, because it is the same on a busy machine: the worker's own (waited for), and that of all
processes of a PostgreSQL started for the occasion. Needs Linux and Debian's PostgreSQL.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.durable.cluster import SPEC, Cluster
from tests.durable.notes_server import notes_server
from tests.durable.postgres import postgres

IDLE = 10


def main() -> int:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 150
    with tempfile.TemporaryDirectory() as name, postgres(Path(name)) as server, notes_server() as notes:
        if server is None:
            print("no PostgreSQL here")
            return 1
        folder = Path(name)
        cluster = Cluster(folder, server.new_database())
        rows = folder / "rows.jsonl"
        rows.write_text("".join(json.dumps({"text": f"note {number}"}) + "\n" for number in range(runs)))
        cluster.arazzo("queue", "configure", "default", "--worker-concurrency", "10", "--poll", "0.1")
        _cost(lambda: cluster.worker("idle", "-q", "--drain").wait(), server.port)
        idle, idle_base = _cost(lambda: cluster.worker("idle", "-q", "--drain").wait(), server.port)[:2]
        options = ["--input-file", str(rows), "--run-id", "b", "--server", f"notes={notes.url}"]
        submit, submit_base, _ = _cost(lambda: cluster.arazzo("submit", SPEC, *options), server.port)
        watch = Connections(server.url)
        work, base, seconds = _cost(lambda: cluster.worker("w1", "-q", "--drain").wait(), server.port)
        connections = watch.most()
        waiting, waiting_base, _ = _cost(lambda: _wait(cluster.worker("w1", "-q")), server.port)
        waiting, waiting_base = waiting - idle, waiting_base - idle_base
        assert notes.total == 3 * runs
    print(f"{runs} runs of 3 requests (2 unsafe), 5 checkpoints each")
    print(f"submitting: {submit / runs * 1000:.1f} ms CPU a run, PostgreSQL {submit_base / runs * 1000:.1f} ms")
    own, store = (work - idle) / runs * 1000, (base - idle_base) / runs * 1000
    print(f"working: {own:.1f} ms CPU a run, PostgreSQL {store:.1f} ms")
    print(f"an idle start and stop: {idle:.2f} s CPU; the whole took {seconds:.1f} s")
    print(f"a worker that waits {IDLE} s, asking every 0.1 s: {waiting:.2f} s CPU, PostgreSQL {waiting_base:.2f} s")
    print(f"a busy worker had up to {connections} connections")
    return 0


class Connections:
    """Counts the connections of a server, again and again, in a thread."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._most = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def most(self) -> int:
        """Return the largest number there was, without our own."""
        self._stop.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        import psycopg

        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._stop.wait(0.1):
                query = "SELECT count(*) - 1 FROM pg_stat_activity WHERE backend_type = 'client backend'"
                row = connection.execute(query).fetchone()
                self._most = max(self._most, row[0] if row else 0)


def _wait(worker: subprocess.Popen[bytes]) -> None:
    time.sleep(IDLE)
    worker.send_signal(signal.SIGTERM)
    worker.wait()


def _cost(work: Callable[[], object], port: int) -> tuple[float, float, float]:
    """Return the CPU seconds of the processes that `work` waits for and of PostgreSQL, and the time it took."""
    own, base, began = _children(), _postgres(port), time.time()
    work()
    return _children() - own, _postgres(port) - base, time.time() - began


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _postgres(port: int) -> float:
    """Return the CPU seconds of a PostgreSQL's processes, those that have ended included."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if f"\0{port}\0".encode() in command and b"postgres\0-D" in command:
            ticks += sum(map(int, fields[11:15]))  # its own and those of the backends it has waited for
            ticks += sum(_ticks_of(child) for child in _children_of(path))
    return ticks / os.sysconf("SC_CLK_TCK")


def _children_of(path: Path) -> list[Path]:
    try:
        return [Path("/proc") / pid for pid in (path / "task" / path.name / "children").read_text().split()]
    except OSError:
        return []


def _ticks_of(path: Path) -> int:
    try:
        fields = (path / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return sum(map(int, fields[11:13]))


if __name__ == "__main__":
    sys.exit(main())
