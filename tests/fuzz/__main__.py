"""python -m tests.fuzz [--seconds N] [TARGET …]: fuzz the targets in turn and report failures."""

from __future__ import annotations

import argparse
import sys
import time
import traceback

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.mutation import mutations
from tests.fuzz.targets import TARGETS, tried

ROUND = 200


def main() -> int:
    """Fuzz with the options of the command line; return 1 on failure."""
    arguments = _arguments()
    names = arguments.targets or list(TARGETS)
    failed = [name for name in names if not _fuzzed(name, arguments.seconds / len(names))]
    print(f"failed: {', '.join(failed)}" if failed else "no failures")
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long, all targets together (60)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"any of {', '.join(TARGETS)} (all)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.targets) - set(TARGETS))
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}")
    return arguments


def _fuzzed(name: str, seconds: float) -> bool:
    """Try mutations of a target's seeds for so long; False when one failed (its smallest form is printed)."""
    end = time.monotonic() + seconds
    rounds = count = 0
    while not rounds or time.monotonic() < end:
        rounds += 1
        try:
            count += _round(name, time.time_ns(), end)
        except Exception:  # whatever comes out of a target is a finding
            traceback.print_exc(limit=-8)
            print(f"{name}: FAILED after {count} inputs")
            return False
    print(f"{name}: {count} inputs, no failure", flush=True)
    return True


def _round(name: str, number: int, end: float) -> int:
    count = 0
    quiet = settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )

    @seed(number)
    @quiet
    @given(mutations(name))
    def target(data: bytes) -> None:
        nonlocal count
        count += 1
        if time.monotonic() < end + 60:  # time to make a finding small, not for ever
            tried(name, data)

    target()
    return count


if __name__ == "__main__":
    sys.exit(main())
