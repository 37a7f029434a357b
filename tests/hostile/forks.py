"""python -m tests.hostile.forks: command lines in forked processes, several at a time, each in surroundings of its own.

Reads batches of orders, a JSON list a line; prints how each ended, a JSON list a line. The imports are paid once.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from tests.warm import warm_up

ROOT = Path(__file__).parents[2]
AT_ONCE = 12
MOST_MEMORY = 2**31
NOT_ENDED = "it does not end"


class Forks:
    """The process that forks; a context manager."""

    def __enter__(self) -> Forks:
        command = [sys.executable, "-m", "tests.hostile.forks"]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *error: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(20)
        self._process.stdout.close()

    def ended(self, orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Execute orders and return the outcome of each: `code` (a text if it did not end), `out`, `err`, `memory`.

        An order has `arguments`, `state` (a folder of its own for what it prints and leaves) and, if wanted:
        `folder`, `environment` (None removes a variable), `stdin` (a path, or "closed"), `stdout` and `stderr`
        ("closed" or "full"), `umask`, `most_files`, `most_bytes` (of a file), `seconds`, `gone` (the folder is
        removed once it is the working directory), `nested` (the document goes into so many folders), `shell`
        (what writes its standard input).
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(orders) + "\n")
        self._process.stdin.flush()
        found: list[dict[str, Any]] = json.loads(self._process.stdout.readline())
        for order, each in zip(orders, found, strict=True):
            for name in ("out", "err"):
                path = Path(order["state"]) / name
                each[name] = path.read_bytes().decode("utf-8", "replace") if path.exists() else ""
        return found


# ------------------------------------------------------------------ the process that forks


def _carried_out(orders: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{} for _ in orders]
    waiting = list(range(len(orders)))
    running: dict[int, tuple[int, float]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            number = waiting.pop(0)
            running[_forked(orders[number])] = number, time.monotonic() + orders[number].get("seconds", 20)
        for child, (number, latest) in list(running.items()):
            ended, status, used = os.wait4(child, os.WNOHANG)
            if ended:
                found[number].setdefault("code", os.waitstatus_to_exitcode(status))
                found[number]["memory"] = used.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
                del running[child]
            elif time.monotonic() > latest and "code" not in found[number]:
                found[number]["code"] = NOT_ENDED
                os.kill(child, signal.SIGKILL)
        time.sleep(0.002)
    return found


def _forked(order: dict[str, Any]) -> int:
    os.makedirs(order["state"], exist_ok=True)
    child = os.fork()
    if child == 0:
        code = 99
        try:
            _surround(order)
            code = _run(order["arguments"])
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(AttributeError, OSError, ValueError):
                sys.stderr.flush()
            os._exit(code)
    return child


def _surround(order: dict[str, Any]) -> None:
    state = order["state"]
    os.chdir(order.get("folder", state))
    if "nested" in order:
        _nest(order["nested"])
    if order.get("gone"):
        os.rmdir(os.getcwd())
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    os.environ.update({"XDG_STATE_HOME": state, "XDG_CONFIG_HOME": state, "HOME": state})
    tempfile.tempdir = None
    os.environ["TMPDIR"] = state
    for name, value in order.get("environment", {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    _streams(order, state)
    os.umask(order.get("umask", 0o022))
    if "most_files" in order:
        resource.setrlimit(resource.RLIMIT_NOFILE, (order["most_files"],) * 2)
    if "most_bytes" in order:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # as Python has it
        resource.setrlimit(resource.RLIMIT_FSIZE, (order["most_bytes"],) * 2)


def _nest(levels: int) -> None:
    """Put the document, by relative names, deeper than a path may be long."""
    here = os.open(".", os.O_RDONLY)
    data = Path("workflow.yml").read_bytes()
    for _ in range(levels):
        with contextlib.suppress(FileExistsError):
            os.mkdir("d")
        os.chdir("d")
    Path("workflow.yml").write_bytes(data)
    os.fchdir(here)
    os.close(here)


def _streams(order: dict[str, Any], state: str) -> None:
    places = {"closed": None, "full": "/dev/full", "kept": ""}
    stdin = places.get(order.get("stdin", "kept"), order.get("stdin"))
    if "shell" in order:
        writer = subprocess.Popen(["sh", "-c", order["shell"]], stdout=subprocess.PIPE)
        assert writer.stdout is not None
        stdin = f"/dev/fd/{writer.stdout.fileno()}"
    kept = (os.devnull, os.path.join(state, "out"), os.path.join(state, "err"))
    wanted = (stdin, places[order.get("stdout", "kept")], places[order.get("stderr", "kept")])
    for number, (place, usual, name) in enumerate(zip(wanted, kept, ("stdin", "stdout", "stderr"), strict=True)):
        if place is None:
            os.close(number)
            setattr(sys, name, None)  # what Python itself does
            continue
        opened = os.open(place or usual, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(opened, number)
        os.close(opened)


def _run(arguments: list[str]) -> int:
    from arazzo_runner.cli import main

    sys.argv = ["arazzo", *arguments]
    try:
        main.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    return 0


if __name__ == "__main__":
    warm_up()
    for line in sys.stdin:
        print(json.dumps(_carried_out(json.loads(line))), flush=True)
