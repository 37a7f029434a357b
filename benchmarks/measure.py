"""Running commands and reading what they cost: CPU seconds and peak memory of whole processes."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured ratio or amount, and what it should be at most."""

    name: str
    value: float
    target: float
    detail: str


def cpu(command: Sequence[str]) -> float:
    """Return the user plus system CPU seconds of a command; fails when the command fails."""
    usage = _usage(command)
    return usage.ru_utime + usage.ru_stime


def memory(command: Sequence[str]) -> int:
    """Return the peak resident memory of a command, in KB."""
    return int(_usage(command).ru_maxrss)


def environment() -> dict[str, str]:
    """Return what commands are measured in: installed packages have their bytecode, so must the checkout."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _usage(command: Sequence[str]) -> resource.struct_rusage:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return usage


def alternate(first: Sequence[str], second: Sequence[str], runs: int) -> tuple[float, float]:
    """Return the median CPU seconds of two commands run in turn, after one warm-up each."""
    cpu(first)
    cpu(second)
    pairs = [(cpu(first), cpu(second)) for _ in range(runs)]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def show(figures: Sequence[Figure]) -> None:
    """Print the figures as a table."""
    print(f"{'figure':<55} {'measured':>9} {'at most':>8}   detail")
    for figure in figures:
        mark = "" if figure.value <= figure.target else "  <- above"
        print(f"{figure.name:<55} {figure.value:>9.2f} {figure.target:>8.2f}   {figure.detail}{mark}")
