"""python -m tests.faults.driver FAULT NUMBER arazzo-arguments…: the real command line, with one fault.

FAULT is `kill-before`, `kill-after` (an effect: a send, a wait), `kill-at-write`,
`fail-write` (from then on) or `fail-one-write` (a file of secrets); NUMBER counts from 0. Several commands follow each other in forked
children, separated by `--`, so that the imports are paid once; prints one JSON line each.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import resource
import signal
import sys
import tempfile
from typing import Any

from arazzo_runner import api
from arazzo_runner.base.private_files import PrivateFile
from arazzo_runner.cli import main
from arazzo_runner.engine.effects import Effect, World
from tests.faults.worlds import Watched
from tests.warm import warm_up


def _die() -> None:
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def _inject(fault: str, number: int) -> None:
    def at(wanted: str, count: int, effect: Effect[Any]) -> None:
        if fault == wanted and count == number:
            _die()

    def around(world: World) -> World:
        return Watched(world, functools.partial(at, "kill-before"), functools.partial(at, "kill-after"))

    real_run, real_write = api.run, PrivateFile._new_beside
    count = 0

    def writing(file: PrivateFile, data: bytes) -> str:
        nonlocal count
        here, count = count, count + 1
        if here == number and fault == "kill-at-write":
            _die()
        if here >= number and fault == "fail-write":
            raise OSError(errno.ENOSPC, "No space left on device")
        if here == number and fault == "fail-one-write":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real_write(file, data)

    def run(*arguments: Any, **options: Any) -> Any:
        return real_run(*arguments, **{**options, "around": around})

    api.run = run
    PrivateFile._new_beside = writing  # type: ignore[method-assign, assignment]


def one(fault: str, number: int, state: str, arguments: list[str], folder: str | None = None) -> dict[str, object]:
    """Run one command line in a child, in a folder and with limits; its outputs go to files in `state`."""
    os.makedirs(state, exist_ok=True)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
        os.chdir(folder or os.getcwd())
        os.environ["XDG_STATE_HOME"] = state
        tempfile.tempdir = state
        for descriptor, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(os.path.join(state, name), os.O_WRONLY | os.O_CREAT, 0o600), descriptor)
        _inject(fault, number)
        os._exit(main.run(arguments))
    _, status, used = os.wait4(child, 0)
    cpu, memory = used.ru_utime + used.ru_stime, used.ru_maxrss // (1024 if sys.platform == "darwin" else 1)
    return {"code": os.waitstatus_to_exitcode(status), "cpu": cpu, "memory": memory}


if __name__ == "__main__":
    warm_up()
    for line in sys.stdin:
        order = json.loads(line)
        print(json.dumps(one(**order)), flush=True)
