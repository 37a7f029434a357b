"""Workers, queues and schedules: a small version of scripts/workers-proof."""

from __future__ import annotations

import json
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.durable.cluster import SPEC, Cluster, kill_one_of
from tests.durable.crash import Zygote
from tests.durable.notes_server import notes_server
from tests.durable.postgres import Postgres
from tests.durable.test_commands import Shell, shell

__all__ = ["shell"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")


def test_a_worker_is_killed_and_its_runs_are_adopted(tmp_path: Path, database: Postgres, zygote: Zygote) -> None:
    report = kill_one_of(tmp_path, database.new_database(), workers=2, runs=12, kill_after=9, concurrency=3, delay=0.05)
    assert report.twice == []
    assert report.adopted >= 1
    assert report.states.get("succeeded", 0) + report.states.get("in_doubt", 0) == 12
    assert report.states.get("in_doubt", 0) == report.doubtful_requests <= 3


def test_a_restarted_worker_continues_its_runs_and_doubts_are_decided(tmp_path: Path, zygote: Zygote) -> None:
    cluster = Cluster(tmp_path, str(tmp_path / "journal.db"), zygote)
    with notes_server(delay=2.0) as notes:
        cluster.arazzo("submit", SPEC, "-i", "text=hello", "--run-id", "r1", "--server", f"notes={notes.url}")
        again = cluster.arazzo("submit", SPEC, "-i", "text=hello", "--run-id", "r1", "--server", f"notes={notes.url}")
        assert again == "r1\n"
        worker = cluster.worker("w1", "-q")
        until = time.time() + 30
        while not notes.total:
            assert time.time() < until
            time.sleep(0.01)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
        notes.delay = 0.0
        assert cluster.worker("w1", "-q", "--drain").wait(60) == 0
        (run,) = cluster.runs()
        assert (run["state"], run["doubts"][0]["step"]) == ("in_doubt", "add")
        answer = tmp_path / "answer.json"
        answer.write_text(json.dumps({"status": 201, "body": {"id": 1}}))
        cluster.arazzo("resume", "r1", "--step", "add", "--as", str(answer))
        assert cluster.worker("w2", "-q", "--drain").wait(60) == 0
    (run,) = cluster.runs()
    assert run["state"] == "succeeded"
    assert (dict(notes.added), notes.twice()) == ({"hello": 1}, [])


def test_queues_schedules_and_refused_arguments(shell: Shell) -> None:
    def submit(*options: str) -> list[str]:
        return ["submit", SPEC, "-i", "text=x", "--server", "notes=http://127.0.0.1:1", *options]

    assert shell("queue", "configure", "bulk", "--concurrency", "5", "--rate", "100/60").code == 0
    assert shell("queue", "list").out == "queue bulk, concurrency 5, workerConcurrency 5, rate 100/60, poll 0.2\n"
    assert "is not a rate" in shell("queue", "configure", "bulk", "--rate", "fast").err
    assert "unknown-queue" in shell("queue", "remove", "blk").err

    rows = shell.folder / "rows.jsonl"
    rows.write_text('{"text": "a"}\n{"text": "b"}\n')
    done = shell(
        *submit("--input-file", str(rows), "--run-id", "j", "--queue", "bulk", "--count", "2", "--priority", "3")
    )
    assert done.out.split() == ["j-1", "j-2", "j-3", "j-4"]
    assert (
        "2 submitted to bulk, 4 were there already"
        in shell(*submit("--count", "6", "--run-id", "j", "--queue", "bulk")).err
    )
    assert "has unfinished runs" in shell("queue", "remove", "bulk").err
    states = [run["state"] for run in shell("runs", "list", "--format", "json").json["runs"]]
    assert states == ["queued"] * 6

    schedule = ["schedule", "add", "nightly", *submit()[1:]]
    assert "invalid-schedule" in shell(*schedule, "--cron", "at three").err
    assert "invalid-schedule" in shell(*schedule, "--cron", "0 3 * * *", "--timezone", "Mars/Olympus").err
    assert shell(*schedule, "--cron", "0 3 * * *", "--timezone", "Europe/Berlin").code == 0
    assert "invalid-schedule" in shell(*schedule, "--cron", "0 4 * * *").err
    assert shell("schedule", "list").out == "nightly  0 3 * * *  Europe/Berlin  note  queue default  last never\n"
    assert shell("schedule", "remove", "nightly").code == 0
    assert "unknown-schedule" in shell("schedule", "remove", "nightly").err
    assert "--name is needed" in shell("worker").err


def test_options_that_workers_would_not_obey_are_refused(shell: Shell) -> None:
    line = ["submit", SPEC, "-i", "text=x", "--server", "notes=http://127.0.0.1:1", "--count", "3", "--run-id", "j"]
    assert shell(*line).code == 0
    output = shell.folder / "out.json"
    for options in (["--output", str(output)], ["--show-secrets"], ["--format", "json"], ["-v"]):
        done = shell("resume", "j-1", *options)
        assert (done.code, f"{options[0]}" in done.out + done.err) == (2, True)
        assert "the workers of queue default continue this run" in done.out + done.err
    assert not output.exists()
    refused = shell("queue", "configure", "bulk", "--concurrency", "2", "--worker-concurrency", "3")
    assert (refused.code, "more than --concurrency" in refused.err) == (2, True)


def test_the_limit_of_a_list_counts_the_runs_in_the_state(shell: Shell) -> None:
    line = ["submit", SPEC, "-i", "text=x", "--server", "notes=http://127.0.0.1:1", "--count", "3", "--run-id", "j"]
    assert shell(*line).code == 0
    assert shell("runs", "cancel", "j-1").code == 0  # the oldest
    found = shell("runs", "list", "--state", "cancelled", "--limit", "1", "--format", "json").json["runs"]
    assert [run["runId"] for run in found] == ["j-1"]
    assert shell("runs", "list", "--limit", "1", "--format", "json").json["runs"][0]["state"] == "queued"


def test_a_schedule_starts_each_run_once_with_two_workers(tmp_path: Path, zygote: Zygote) -> None:
    cluster = Cluster(tmp_path, str(tmp_path / "journal.db"), zygote)
    with notes_server() as notes:
        options = ["-i", "text=tick", "--server", f"notes={notes.url}"]
        cluster.arazzo("schedule", "add", "tick", SPEC, *options, "--cron", "* * * * * *")
        workers = [cluster.worker(name, "-q") for name in ("w1", "w2")]
        until = time.time() + 30
        while notes.added.total() < 3:
            assert time.time() < until
            time.sleep(0.05)
        cluster.arazzo("schedule", "remove", "tick")
        for worker in workers:
            worker.send_signal(signal.SIGTERM)
        assert [worker.wait(60) for worker in workers] == [0, 0]
        begun = [run for run in cluster.runs() if run["state"] == "succeeded"]
        assert notes.added.total() == len(begun)
    assert {run["parent"] for run in begun} == {"tick"}
    assert len({run["runId"] for run in begun}) == len(begun)
