"""What durability costs: a checkpoint of `--durable`, against a raw SQLite commit (WAL, synchronous FULL), in one run.

    python -m benchmarks.durable

A workflow of unsafe requests runs durably in a World that answers at once, so that the checkpoints
are all there is. After each of them the same bytes are committed to a SQLite file of one table: both
meet the same disk and the same neighbours. The figure is the median over rounds of the ratio of sums.
"""

from __future__ import annotations

import os
import sqlite3
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

STEPS = 60
ROUNDS = 9
LIMIT = 4.0


class Prompt:
    """A World that answers every request at once."""

    async def perform(self, effect: Any, /) -> Any:
        """Answer."""
        from arazzo_runner.engine.effects import HttpResponse, Now, SendRequest

        if isinstance(effect, SendRequest):
            return HttpResponse(201, (("Content-Type", "application/json"),), b'{"id": 7}', 0.1)
        return time.time() if isinstance(effect, Now) else None


class Performer:
    """Carries out jobs in the Prompt World."""

    def perform(self, job: Any) -> Any:
        """Run, blocking."""
        from arazzo_runner import api

        return api.run(
            job.program,
            inputs=job.spec.inputs,
            world=Prompt(),
            around=lambda world: job.wrap(job.program, world),
            options=job.spec.options,
        )


class Meter:
    """Stands where checkpoints are made: measures each, and a raw commit of the same bytes after it."""

    def __init__(self, real: Any, codec: Any, path: str) -> None:
        self._real = real
        self._codec = codec
        self._raw = sqlite3.connect(path, isolation_level=None)
        self._raw.execute("PRAGMA journal_mode=WAL")
        self._raw.execute("PRAGMA synchronous=FULL")
        self._raw.execute("CREATE TABLE entries (run TEXT, number INTEGER, value TEXT, PRIMARY KEY (run, number))")
        self.durable: list[float] = []
        self.raw: list[float] = []
        self.sizes: list[int] = []

    def __call__(self, name: str, sealed: Any) -> Any:
        """Make a checkpoint and a raw commit."""
        began = time.perf_counter()
        recorded = self._real(name, sealed)
        between = time.perf_counter()
        text = self._codec.serialize(sealed)
        before = time.perf_counter()
        self._raw.execute("BEGIN IMMEDIATE")
        self._raw.execute("INSERT INTO entries VALUES (?, ?, ?)", ("run", len(self.raw), text))
        self._raw.execute("COMMIT")
        self.raw.append(time.perf_counter() - before)
        self.durable.append(between - began)
        self.sizes.append(len(text))
        return recorded


def document(steps: int) -> dict[str, Any]:
    """Return a workflow of so many unsafe requests."""
    made = [
        {
            "stepId": f"add{number}",
            "operationId": "addNote",
            "requestBody": {"contentType": "application/json", "payload": {"text": f"note {number}"}},
            "outputs": {"id": "$response.body#/id"},
        }
        for number in range(steps)
    ]
    return {
        "arazzo": "1.0.1",
        "info": {"title": "Many", "version": "1"},
        "sourceDescriptions": [{"name": "notes", "url": "notes.openapi.yml", "type": "openapi"}],
        "workflows": [{"workflowId": "many", "steps": made}],
    }


def measure(folder: str, rounds: int, steps: int) -> list[Meter]:
    """Run durably this often; the first round, which pays for imports and tables, is left out."""
    from arazzo_runner import api, durable_runs
    from arazzo_runner.durable import dbos_engine
    from arazzo_runner.engine.options import NO_CHECKS, RunOptions
    from arazzo_runner.program.library import LoadOptions

    os.environ["XDG_STATE_HOME"] = folder
    source = Path(__file__).parents[1] / "fixtures" / "durable" / "notes.openapi.yml"
    program, bundle = durable_runs.load_bundled(document(steps), None, LoadOptions(sources={"notes": str(source)}))
    program = api.choose_workflow(program, None)
    spec = durable_runs.spec_of(program, bundle, {}, RunOptions(run_timeout=None, checks=NO_CHECKS))
    real, meters = dbos_engine.checkpoint, []
    try:
        with durable_runs.opened() as runtime:
            runtime.performer = Performer()
            for number in range(rounds + 1):
                meters.append(Meter(real, runtime.codec, os.path.join(folder, f"raw-{number}.db")))
                dbos_engine.checkpoint = meters[-1]
                outcome = runtime.start(spec, bundle, run_id=f"run-{number}", on_event=_ignore, program=program)
                assert outcome.result.status == "succeeded", outcome.result.reason
    finally:
        dbos_engine.checkpoint = real
    return meters[1:]


def _ignore(event: Any, secrets: Any) -> None:
    """Nobody watches."""


def ratio_of(meters: list[Meter]) -> float:
    """Return the median over rounds of what checkpoints cost, in raw commits."""
    return statistics.median(sum(each.durable) / sum(each.raw) for each in meters)


def main() -> int:
    """Measure, print, and return 1 when a checkpoint costs more than LIMIT raw commits."""
    meters = measure(tempfile.mkdtemp(prefix="arazzo-bench-"), ROUNDS, STEPS)
    durable = statistics.median(each for meter in meters for each in meter.durable) * 1000
    raw = statistics.median(each for meter in meters for each in meter.raw) * 1000
    ratio = ratio_of(meters)
    size = statistics.mean(meters[0].sizes)
    print(f"{len(meters[0].sizes)} checkpoints a run, {size:.0f} bytes each, {len(meters)} rounds")
    print(f"raw commit {raw:.2f} ms, durable checkpoint {durable:.2f} ms (medians)")
    print(f"ratio {ratio:.2f} (limit {LIMIT:g})")
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
