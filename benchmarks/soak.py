"""python benchmarks/soak.py [RUNS]: many runs in one process; memory, connections, threads and files must stay.

RUNS (2,000) runs of five steps each, that is 10,000 steps, in each of several ways, against a
loopback server in a process of its own. Memory is the slope of the resident size over the
runs after a warm-up (least squares); one run of 10,000 step visits shows what its record costs.
"""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import arazzo_runner
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.program.model import Program
from benchmarks.generate import steps_document
from benchmarks.measure import Figure, show

HERE = Path(__file__).parent
STEPS = 5
AT_ONCE = 50
SAMPLES = 12
LOOP = """\
arazzo: 1.0.1
info: {title: Loop, version: 1.0.0}
sourceDescriptions: [{name: things, url: ./things.openapi.yml, type: openapi}]
workflows:
- workflowId: round
  steps:
  - stepId: again
    operationId: addThing
    requestBody: {contentType: application/json, payload: {a: 1}}
    onSuccess: [{name: on, type: goto, stepId: other, criteria: [{condition: $statusCode == 200}]}]
  - stepId: other
    operationId: addThing
    requestBody: {contentType: application/json, payload: {a: 1}}
    onSuccess: [{name: back, type: goto, stepId: again, criteria: [{condition: $statusCode == 200}]}]
"""


@dataclass(frozen=True, slots=True)
class Soaked:
    """What a soak came to: KB of memory per run, and how many threads and open files came to stay."""

    slope: float
    threads: int
    files: int
    first: int
    last: int


def soak(work: Callable[[int], None], runs: int) -> Soaked:
    """Do `runs` runs (`work(n)` does n of them) after a warm-up of a quarter more, and measure on the way."""
    work(max(1, runs // 4))
    threads, files = threading.active_count(), open_files()
    sizes = []
    part = max(1, runs // SAMPLES)
    for _ in range(SAMPLES):
        work(part)
        gc.collect()
        sizes.append(resident())
    slope = _slope([(index + 1) * part for index in range(SAMPLES)], sizes)
    return Soaked(slope, threading.active_count() - threads, open_files() - files, sizes[0], sizes[-1])


def resident() -> int:
    """Return the resident memory of this process in KB (Linux)."""
    for line in Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def open_files() -> int:
    """Return how many files and connections this process has open."""
    return len(os.listdir("/proc/self/fd"))


def _slope(runs: Sequence[int], sizes: Sequence[int]) -> float:
    mean_run, mean_size = sum(runs) / len(runs), sum(sizes) / len(sizes)
    spread = sum((run - mean_run) ** 2 for run in runs)
    return sum((run - mean_run) * (size - mean_size) for run, size in zip(runs, sizes, strict=True)) / spread


# ------------------------------------------------------------------ ways to run


def blocking(program: Program, *, parallel: int = 1, status: str = "succeeded") -> Callable[[int], None]:
    """One run after the other, each with a World of its own."""
    options = RunOptions(parallel=parallel, timeout=2.0)

    def work(runs: int) -> None:
        for _ in range(runs):
            assert arazzo_runner.run(program, options=options).status == status

    return work


def at_once(program: Program) -> Callable[[int], None]:
    """Many runs at the same time in one AsyncWorld."""

    async def some(runs: int) -> None:
        async with arazzo_runner.AsyncWorld() as world:
            for start in range(0, runs, AT_ONCE):
                going = (arazzo_runner.arun(program, world=world) for _ in range(min(AT_ONCE, runs - start)))
                assert {result.status for result in await asyncio.gather(*going)} == {"succeeded"}

    return lambda runs: asyncio.run(some(runs))


def loading(path: Path, server: str) -> Callable[[int], None]:
    """The document read, linked and run anew each time."""

    def work(runs: int) -> None:
        for _ in range(runs):
            assert arazzo_runner.run(path, servers={"things": server}).status == "succeeded"

    return work


def long_run(folder: Path, server: str, visits: int) -> Figure:
    """One run of many step visits: what its record costs, and that all of it is given back."""
    path = folder / "loop.yml"
    path.write_text(LOOP, encoding="utf-8")
    program = arazzo_runner.load(path, servers={"things": server})
    arazzo_runner.run(program, options=RunOptions(max_steps=200))
    gc.collect()
    before = resident()
    result = arazzo_runner.run(program, options=RunOptions(max_steps=visits, run_timeout=None))
    during = resident()
    assert len(result.steps) >= visits, result.reason
    del result
    gc.collect()
    detail = f"{before} → {during} KB, afterwards {resident()} KB"
    return Figure(f"KB per visit, one run of {visits:,} steps", (during - before) / visits, 15.0, detail)


# ------------------------------------------------------------------ the whole


def main() -> None:
    """Soak in every way and print a table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    server = subprocess.Popen([sys.executable, str(HERE / "server.py")], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
    try:
        with tempfile.TemporaryDirectory() as name:
            show(figures(Path(name), url, runs))
    finally:
        server.kill()
        server.wait()


def figures(folder: Path, url: str, runs: int) -> list[Figure]:
    """Return the figures of all ways."""
    path = steps_document(folder, STEPS)
    program = arazzo_runner.load(path, servers={"things": url})
    nobody = arazzo_runner.load(path, servers={"things": "http://127.0.0.1:1"})
    ways = {
        "one after the other": (blocking(program), runs),
        f"{AT_ONCE} at once": (at_once(program), runs),
        "steps in rounds": (blocking(program, parallel=4), runs // 4),
        "failing": (blocking(nobody, status="failed"), runs // 2),
        "loaded anew": (loading(path, url), runs // 4),
    }
    found = [long_run(folder, url, 5 * runs)]
    for name, (work, count) in ways.items():
        started = time.perf_counter()
        soaked = soak(work, count)
        seconds = time.perf_counter() - started
        detail = f"{soaked.first} → {soaked.last} KB, {count:,} runs, {seconds:.0f} s"
        found.append(Figure(f"KB per run, {name}", soaked.slope, 0.5, detail))
        left = f"{soaked.threads} threads, {soaked.files} files"
        found.append(Figure(f"threads and files that stay, {name}", soaked.threads + soaked.files, 0.0, left))
    return found


if __name__ == "__main__":
    main()
