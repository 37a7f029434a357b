"""Ctrl-C and SIGTERM on the command line: what was had is printed and reported, exit 130, and a durable run goes on later."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.loopback import Loopback, Reply, Request, json_reply, serving
from tests.runtime.test_cancellation import API, HELD, PARALLEL, RETRIED, document, step

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals cannot be sent to one process there")


class Holding:
    """A server that holds /hold until it is let go; `waiting` is set when it does, or answers /busy."""

    def __init__(self) -> None:
        self.waiting, self.released = threading.Event(), threading.Event()
        self.asked: Counter[str] = Counter()

    @contextmanager
    def served(self) -> Iterator[Loopback]:
        with serving(self._answer) as server:
            try:
                yield server
            finally:
                self.released.set()

    def _answer(self, request: Request) -> Reply:
        name = request.target.removeprefix("/")
        self.asked[name] += 1
        if name in ("hold", "busy"):
            self.waiting.set()
        if name == "hold":
            self.released.wait(30)
        return Reply(503) if name == "busy" else json_reply({})


def written(folder: Path, steps: list[Any], *, method: str = "get") -> None:
    api = {**API, "paths": {path: {method: item["get"]} for path, item in API["paths"].items()}}
    (folder / "api.json").write_text(json.dumps(api))
    (folder / "w.json").write_text(json.dumps(document(steps)))
    (folder / "rows.jsonl").write_text("{}\n{}\n{}\n")


class Command:
    """The command line in a folder; `interrupt` sends a signal once the server waits."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, *arguments: str, feed: str | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "arazzo_runner", *arguments],
            cwd=self._folder,
            env={**os.environ, "XDG_STATE_HOME": str(self._folder / "state"), "HOME": str(self._folder)},
            stdin=None if feed is None else subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def interrupt(
        self, server: Holding, *arguments: str, number: int = signal.SIGINT, feed: str | None = None
    ) -> tuple[int, str, str]:
        process = self.start(*arguments, feed=feed)
        if feed is not None:
            assert process.stdin is not None
            process.stdin.write(feed)
            process.stdin.flush()
        assert server.waiting.wait(30), process.communicate(timeout=20)
        threading.Event().wait(0.3)  # the client waits for the response by now
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert "Traceback" not in err
        return process.returncode, out, err


@pytest.fixture
def command(tmp_path: Path) -> Command:
    return Command(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
@pytest.mark.parametrize(
    ("steps", "options"),
    [(HELD, []), (PARALLEL, ["--parallel", "8"]), (RETRIED, ["--max-retry-wait", "900", "--run-timeout", "1000"])],
    ids=["in order", "at the same time", "waiting for a retry"],
)
def test_one_run(tmp_path: Path, command: Command, steps: list[Any], options: list[str], number: int) -> None:
    written(tmp_path, steps)
    server = Holding()
    with server.served() as loopback:
        code, out, err = command.interrupt(
            server, "run", "w.json", "-w", "w", "--server", f"api={loopback.url}", *options,
            "--format", "json", "--report", "a.xml", "--report", "a.html", "--report", "a.json", number=number,
        )  # fmt: skip
    assert code == 130, err
    shown = json.loads(out)
    assert shown["status"] == "interrupted"
    assert [each["status"] for each in shown["steps"] if each["stepId"] == "before"] == ["passed"]
    assert "interrupted" in err
    for name in ("a.xml", "a.html", "a.json"):
        assert "interrupted" in (tmp_path / name).read_text(encoding="utf-8")
    assert server.asked["after"] == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
@pytest.mark.parametrize("many", [["-w", "*"], ["-w", "w", "--data", "rows.jsonl"]], ids=["-w *", "--data"])
def test_many_runs(tmp_path: Path, command: Command, many: list[str], jobs: str) -> None:
    written(tmp_path, HELD)
    server = Holding()
    with server.served() as loopback:
        code, out, err = command.interrupt(
            server, "run", "w.json", *many, "-j", jobs, "--server", f"api={loopback.url}", "--format", "json",
            "--report", "a.xml", "--report", "a.html",
        )  # fmt: skip
    assert code == 130, err
    statuses = [run["status"] for run in json.loads(out)["runs"]]
    assert statuses[: int(jobs)] == ["interrupted"] * int(jobs)
    assert set(statuses[int(jobs) :]) <= {"not_run"}
    assert all((tmp_path / name).read_text(encoding="utf-8") for name in ("a.xml", "a.html"))


@pytest.mark.parametrize("parallel", [[], ["--parallel", "8"]], ids=["in order", "at the same time"])
def test_a_durable_run_is_interrupted_twice_and_goes_on(tmp_path: Path, command: Command, parallel: list[str]) -> None:
    written(tmp_path, [step("before"), step("hold", dependsOn=["before"]), step("after", dependsOn=["hold"])])
    server = Holding()
    with server.served() as loopback:
        code, out, err = command.interrupt(
            server, "run", "w.json", "-w", "w", "--server", f"api={loopback.url}", *parallel,
            "--durable", "--run-id", "r1", "--format", "json",
        )  # fmt: skip
        assert (code, json.loads(out)["status"]) == (130, "interrupted"), err
        assert "continue it with: arazzo resume r1" in err
        server.waiting.clear()
        code, out, err = command.interrupt(server, "resume", "r1", "--format", "json")
        assert (code, json.loads(out)["status"]) == (130, "interrupted"), err
        server.released.set()
        code, out, err = command.run("resume", "r1", "--format", "json")
    assert (code, json.loads(out)["status"]) == (0, "succeeded"), err
    assert server.asked == {"before": 1, "hold": 3, "after": 1}


def test_a_durable_run_that_sends_nothing_twice(tmp_path: Path, command: Command) -> None:
    written(tmp_path, HELD, method="post")
    server = Holding()
    with server.served() as loopback:
        code, _, err = command.interrupt(
            server, "run", "w.json", "-w", "w", "--server", f"api={loopback.url}", "--durable", "--run-id", "r1"
        )
        assert code == 3, err
        assert "in doubt: hold" in err
        server.released.set()
        (tmp_path / "answer.json").write_text('{"status": 200}')
        code, _, err = command.run("resume", "r1", "--step", "hold", "--as", "answer.json")
    assert code == 0, err
    assert server.asked == {"before": 1, "hold": 1, "after": 1}


@pytest.mark.parametrize("feed", ["n\nn\nn\n", "c\n"], ids=["while a request is under way", "after continue"])
def test_the_debugger(tmp_path: Path, command: Command, feed: str) -> None:
    written(tmp_path, HELD)
    server = Holding()
    with server.served() as loopback:
        code, _, err = command.interrupt(
            server, "debug", "w.json", "-w", "w", "--server", f"api={loopback.url}", feed=feed
        )
    assert code == 130, err
    assert "interrupted while the request was under way" in err or "was interrupted" in err
    assert server.asked["after"] == 0


def test_the_debugger_at_its_prompt(tmp_path: Path, command: Command) -> None:
    written(tmp_path, HELD, method="post")
    server = Holding()
    with server.served() as loopback:
        process = command.start("debug", "w.json", "-w", "w", "--server", f"api={loopback.url}", feed="")
        assert process.stderr is not None
        seen = ""
        while "send?" not in seen:
            seen += process.stderr.read(1)
        threading.Event().wait(0.2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err  # not 3: the POST was not sent
    assert server.asked == {}
