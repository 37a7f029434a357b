"""Crash a durable run, resume it until it ends, and let the server's log judge."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.durable.token_server import FIRST, Tokens, token_server

ROOT = Path(__file__).parents[2]
SPEC = str(ROOT / "fixtures" / "durable" / "rotate.arazzo.yml")
EXPECTED = ["/auth/refresh", "/me", "/me", "/notes", "/notes", "/auth/refresh", "/auth/revoke"]


class Zygote:
    """Starts processes that have everything imported already (tests/durable/zygote.py)."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.durable.zygote"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *problem: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def start(self, order: dict[str, Any]) -> int:
        """Start a process and return its pid."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._answer())

    def wait(self) -> int:
        """Wait for its end and return its exit code."""
        return int(self._answer())

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the zygote has died"
        return line


@dataclass
class Kill:
    """When a process is killed: at one of its own points, by the server in an exchange (path), or after some seconds."""

    point: str
    number: int = 1
    seconds: float = 0.0

    def __str__(self) -> str:
        return f"after {self.seconds:.3f} s" if self.point == "random" else f"{self.point} {self.number}"


@dataclass
class Verdict:
    """The outcome of one crashed run."""

    kills: int = 0
    doubts: int = 0
    resends: int = 0
    problems: list[str] = field(default_factory=list)


def crash_and_resume(
    zygote: Zygote, folder: Path, kills: list[Kill | None], *, store: str | None = None, asynchronous: bool = False
) -> Verdict:
    """Run the rotation, killed at every point in `kills` in turn, and check it against the server's log."""
    with token_server() as tokens:
        return _Case(zygote, folder, tokens, store, asynchronous).judge(kills)


class _Case:
    def __init__(self, zygote: Zygote, folder: Path, tokens: Tokens, store: str | None, asynchronous: bool) -> None:
        self._zygote = zygote
        self._folder = folder
        self._tokens = tokens
        self._asynchronous = asynchronous
        self._run_id = f"crash-{os.urandom(4).hex()}"
        self._verdict = Verdict()
        self._env = {"XDG_STATE_HOME": str(folder), "ARAZZO_INPUT_refreshToken": FIRST}
        if store is not None:
            # Several cases share a database, and a store has one key.
            self._env |= {"ARAZZO_STORE": store, "ARAZZO_JOURNAL_KEY": "A" * 43 + "="}

    def judge(self, kills: list[Kill | None]) -> Verdict:
        code = self._process(self._start(), kills.pop(0))
        for _ in range(40):
            if code == 2 and "run-in-use" in self._read("err"):
                time.sleep(0.2)  # until PostgreSQL notices that the killed process is gone
            elif code in (0, 1) or (code == 2 and not self._never_began()):
                break
            kill = kills.pop(0) if kills else None
            code = self._process(self._resumption(code), kill)
        self._check(code)
        return self._verdict

    def _start(self) -> list[str]:
        if self._asynchronous:
            return ["run", self._run_id, SPEC, self._tokens.url, FIRST]
        server = f"tokens={self._tokens.url}"
        return ["run", SPEC, "-w", "rotate", "--server", server, "--durable", "--run-id", self._run_id, "-q"]

    def _resumption(self, code: int) -> list[str]:
        """Resume; when the run waits for a decision, decide as a person does: by a look at the server."""
        if code == 2 and self._never_began():
            return self._start()
        if code != 3:
            return ["resume", self._run_id, *([] if self._asynchronous else ["-q"])]
        self._verdict.doubts += 1
        step, outcome = self._decision()
        option = [step, outcome] if self._asynchronous else ["--step", step, "--as", outcome, "-q"]
        return ["resume", self._run_id, *option]

    def _never_began(self) -> bool:
        return "there is no run" in self._read("err")

    def _decision(self) -> tuple[str, str]:
        doubt = self._shown()["doubts"][0]
        path = "/" + doubt["url"].partition("://")[2].partition("/")[2]
        seen = [each for each in self._tokens.log if each.path == path]
        number = {"first": 1, "second": 2, "revokeOld": 1, "write": int(doubt["key"].rpartition("#")[2])}[doubt["step"]]
        if len(seen) < number:
            self._verdict.resends += 1
            return doubt["step"], "resend"
        acted = seen[number - 1]
        answer = self._folder / "answer.json"
        answer.write_text(json.dumps({"status": acted.status, "body": acted.answer}))
        return doubt["step"], str(answer)

    def _process(self, argv: list[str], kill: Kill | None) -> int:
        """Run one process; killed or not, return its exit code."""
        order: dict[str, Any] = {"argv": argv, "env": self._env, "asynchronous": self._asynchronous}
        order |= {"out": str(self._folder / "out"), "err": str(self._folder / "err")}
        self._tokens.kill = None
        if kill is not None and kill.point.startswith("/"):
            self._tokens.kill = (kill.point, kill.number)
        elif kill is not None and kill.point != "random":
            order["kill"] = {"point": kill.point, "number": kill.number}
        self._tokens.client = pid = self._zygote.start(order)
        timer = None
        if kill is not None and kill.point == "random":
            timer = threading.Timer(kill.seconds, _kill, [pid])
            timer.start()
        code = self._zygote.wait()
        if timer is not None:
            timer.cancel()
        if code == -signal.SIGKILL:
            self._verdict.kills += 1
        return code

    def _check(self, code: int) -> None:
        verdict, tokens = self._verdict, self._tokens
        # Killed between its recorded end and its exit, a run has nothing to be resumed; what it gave is judged below.
        if code != 0 and "has ended (succeeded)" not in self._read("err"):
            verdict.problems.append(f"exit {code}: {self._read('err')}")
        if tokens.twice():
            verdict.problems.append(f"sent twice: {tokens.twice()}")
        if tokens.revoked:
            verdict.problems.append("the family was revoked: a spent token was sent again")
        given = self._shown()["outputs"].get("refreshToken")
        if given not in tokens.live:
            verdict.problems.append(f"the token was lost: {given} is not in {tokens.live}")
        acted = [each.path for each in tokens.log if each.method != "GET"]
        if acted != [path for path in EXPECTED if path != "/me"]:
            verdict.problems.append(f"the server acted on {acted}")

    def _shown(self) -> dict[str, Any]:
        out = self._folder / "shown"
        order = {"argv": ["runs", "show", self._run_id, "--show-secrets", "--format", "json"], "env": self._env}
        self._zygote.start({**order, "out": str(out), "err": str(self._folder / "err2")})
        self._zygote.wait()
        shown: dict[str, Any] = json.loads(out.read_text())
        return shown

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text()


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


FIXED: list[list[Kill | None]] = [
    [Kill("before-send", 1)],
    [Kill("/auth/refresh", 1)],
    [Kill("after-answer", 1)],
    [Kill("after-record", 2)],
    [Kill("before-record", 1)],
    [Kill("during-sleep", 1)],
    [Kill("during-sleep", 2)],
    [Kill("/me", 1)],
    [Kill("/notes", 1)],
    [Kill("/notes", 2)],
    [Kill("before-send", 4)],
    [Kill("after-answer", 4)],
    [Kill("after-record", 5), Kill("before-send", 1)],
    [Kill("/auth/refresh", 2), Kill("after-record", 1), Kill("/auth/revoke", 1)],
    [Kill("before-send", 1), None, Kill("before-send", 1)],
    [Kill("after-answer", 7)],
]
"""Fixed points: before and after send, after answer, after record, in a sleep, in the sub-workflow, in a retry.

None is a process that is let live: one that only finds out that it needs a decision."""


def random_kills(seed: int, number: int, longest: float) -> list[list[Kill | None]]:
    """Return kills at random moments, two in a row each."""
    chance = random.Random(seed)
    return [[Kill("random", seconds=chance.uniform(0.02, longest)) for _ in range(2)] for _ in range(number)]
