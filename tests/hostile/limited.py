"""Calls in processes with limits: a hang or a crash is one failed test, not a dead machine."""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MOST_SECONDS = 8.0
MOST_MEMORY = 400 << 20
_PATIENCE = 60.0  # the machine may be busy; CPU is what is measured
_ROOT = Path(__file__).parents[2]


class Limited:
    """Calls functions of a module by name, each in a process of its own."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[str] | None = None

    def call(self, name: str, *arguments: Any) -> dict[str, Any]:
        """Return {"value" or "error", "cpu", "memory"} of a call; {"died": why} when it outlived its limits."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps([name, arguments]) + "\n")
        process.stdin.flush()
        if not select.select([process.stdout], [], [], _PATIENCE)[0]:
            self.close()
            return {"died": f"it did not end in {_PATIENCE:.0f} s"}
        return dict(json.loads(process.stdout.readline()))

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.hostile.limited", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=_ROOT,
            )
        return self._process

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()
            self._process = None


def bounded(ended: dict[str, Any]) -> Any:
    """Hold a call to its limits of time and memory, and return its value."""
    assert "died" not in ended, ended["died"]
    assert ended["cpu"] <= MOST_SECONDS, f"it took {ended['cpu']:.1f} s of CPU"
    assert ended["memory"] <= MOST_MEMORY >> 10, f"it took {ended['memory'] >> 10} MB"
    assert "error" not in ended, ended["error"]
    return ended["value"]


def main() -> None:
    """Serve the calls that come on standard input, each in a fork that has the limits.

    The module's `prepare` makes what all calls share.
    """
    module = importlib.import_module(sys.argv[1])
    module.prepare()
    gc.freeze()  # no fork copies what it only reads
    for line in sys.stdin:
        name, arguments = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            os.close(reading)
            os.write(writing, json.dumps(_ended(getattr(module, name), arguments)).encode())
            os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:
            text = pipe.read()
        status = os.waitpid(child, 0)[1]
        sys.stdout.write((text or json.dumps({"died": _death(status)})) + "\n")
        sys.stdout.flush()


def _ended(function: Any, arguments: list[Any]) -> dict[str, Any]:
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
    resource.setrlimit(resource.RLIMIT_CPU, (15, 20))
    started = time.process_time()
    try:
        ended = {"value": function(*arguments)}
    except Exception as problem:
        ended = {"error": f"{type(problem).__name__}: {str(problem)[:300]}"}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base
    return {**ended, "cpu": time.process_time() - started, "memory": memory}


def _death(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"the process ended with {signal.Signals(-code).name if code < 0 else code}"


if __name__ == "__main__":
    main()
