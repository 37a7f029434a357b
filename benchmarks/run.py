"""python benchmarks/run.py: the project's figures, as CPU ratios against baselines in the same run.

Processes are run in turn (A B A B …) after a warm-up; the figures are medians of user plus
system CPU time of whole processes, so a busy machine does not change them much.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from benchmarks.generate import big_description, big_workflow, steps_document
from benchmarks.many_runs import CONCURRENT, STEPS
from benchmarks.measure import Figure, alternate, cpu, memory, show

HERE = Path(__file__).parent
SEED = HERE.parent / "specs" / "arazzo" / "prismatic-rotate-refresh-token-workflow.yml"
PYTHON = sys.executable
RUNS = 15


def arazzo(*arguments: str) -> list[str]:
    """Return the command a user runs."""
    return [str(Path(PYTHON).with_name("arazzo")), *arguments]


def cold_run(base: str) -> Figure:
    """A cold run of the seed against the bare script."""
    ours = arazzo("run", str(SEED), "-i", "refreshToken=bench-refresh-token", "--server", f"prismaticGraphqlApi={base}")
    bare = [PYTHON, str(HERE / "bare_httpx.py"), base, "bench-refresh-token"]
    first, second = alternate(ours, bare, RUNS)
    return Figure(
        "cold run of the seed / bare httpx script", first / second, 1.3, f"{first * 1e3:.0f} / {second * 1e3:.0f} ms"
    )


_CSAFE = "import sys, yaml; yaml.load(open(sys.argv[1], 'rb'), Loader=yaml.CSafeLoader)"


def big_runs(base: str, folder: Path) -> list[Figure]:
    """Runs of one step of a 5 MB, 2,000-operation YAML: CPU without and with a warm cache, and memory."""
    description = big_description(folder)
    document = str(big_workflow(folder, description))
    load = [PYTHON, "-c", _CSAFE, str(description)]
    seed = arazzo("run", str(SEED), "-i", "refreshToken=bench-refresh-token", "--server", f"prismaticGraphqlApi={base}")
    ours = arazzo("run", document, "--server", f"things={base}", "-q")
    cache = folder / "cache"
    os.environ["ARAZZO_CACHE_DIR"] = str(cache)
    costs = []
    for _ in range(5):
        shutil.rmtree(cache, ignore_errors=True)
        costs.append([cpu(command) for command in (load, seed, ours, ours)])
    loading, seeding, cold, warm = (statistics.median(each) for each in zip(*costs, strict=True))
    loading -= cpu([PYTHON, "-c", "import yaml"])
    size = f"{description.stat().st_size / 1e6:.1f} MB"
    name = f"run with a {size} YAML"
    detail = f"cold {cold * 1e3:.0f}, warm {warm * 1e3:.0f}, seed {seeding * 1e3:.0f}, load {loading * 1e3:.0f} ms"
    peak = float(memory(ours))
    shutil.rmtree(cache)
    peak = max(peak, memory(ours)) / 1024
    return [
        Figure(f"{name}, no cache / CSafeLoader", cold / loading, 0.5, detail),
        Figure("the same, warm cache, less the seed's run", (warm - seeding) / loading, 0.1, ""),
        Figure("memory of it (MB)", peak, 120.0, ""),
    ]


def help_start() -> Figure:
    """`arazzo --help` against `python -c pass`."""
    first, second = alternate(arazzo("--help"), [PYTHON, "-c", "pass"], RUNS)
    return Figure("arazzo --help / python -c pass", first / second, 2.0, f"{first * 1e3:.0f} / {second * 1e3:.0f} ms")


def slope(base: str, folder: Path, *, jsonpath: bool) -> Figure:
    """CPU per step between 100 and 1000 steps against the bare script's CPU per post."""
    commands = []
    for count in (100, 1000):
        document = steps_document(folder, count, jsonpath=jsonpath)
        commands.append(arazzo("run", str(document), "--server", f"things={base}", "-q"))
    bare = [[PYTHON, str(HERE / "bare_httpx.py"), base, "--posts", str(count)] for count in (100, 1000)]
    ours, theirs = [], []
    for _ in range(5):
        ours.append((cpu(commands[1]) - cpu(commands[0])) / 900)
        theirs.append((cpu(bare[1]) - cpu(bare[0])) / 900)
    mine, yours = statistics.median(ours), statistics.median(theirs)
    name = "per step with a JSONPath criterion" if jsonpath else "per step"
    return Figure(
        f"{name} / bare httpx post", mine / yours, 2.5 if jsonpath else 2.0, f"{mine * 1e6:.0f} / {yours * 1e6:.0f} µs"
    )


def many_runs(base: str, folder: Path) -> Figure:
    """CPU per request of 50 runs at once in one AsyncWorld against bare aiohttp at the same concurrency."""
    document = str(steps_document(folder, STEPS))
    script = str(HERE / "many_runs.py")
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(5):
        for name, found in (("arazzo", ours), ("aiohttp", theirs)):
            costs = [cpu([PYTHON, script, name, base, document, str(rounds)]) for rounds in (1, 5)]
            found.append((costs[1] - costs[0]) / (4 * CONCURRENT * STEPS))
    mine, yours = statistics.median(ours), statistics.median(theirs)
    title = f"per request, {CONCURRENT} runs at once / bare aiohttp"
    return Figure(title, mine / yours, 5.0, f"{mine * 1e6:.0f} / {yours * 1e6:.0f} µs")


def step_memory(base: str, folder: Path) -> Figure:
    """Peak memory per step between 100 and 1000 steps."""
    small, large = (steps_document(folder, count) for count in (100, 1000))
    peaks = [memory(arazzo("run", str(path), "--server", f"things={base}", "-q")) for path in (small, large)]
    return Figure("memory per step (KB)", (peaks[1] - peaks[0]) / 900, 15.0, f"{peaks[0]} → {peaks[1]} KB")


def main() -> None:
    """Measure everything and print a table."""
    server = subprocess.Popen([PYTHON, str(HERE / "server.py")], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    base = f"http://127.0.0.1:{server.stdout.readline().strip()}"
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            figures = [
                cold_run(base),
                help_start(),
                slope(base, folder, jsonpath=False),
                slope(base, folder, jsonpath=True),
                step_memory(base, folder),
                *big_runs(base, folder),
            ]
            if find_spec("aiohttp"):
                figures.append(many_runs(base, folder))
            else:
                print("50 runs at once: not measured, aiohttp is not installed (pip install 'aiohttp>=3.11')")
    finally:
        server.kill()
        server.wait()
    show(figures)


if __name__ == "__main__":
    main()
