"""python -m benchmarks.masking: what masking costs, with secrets and texts as large as a server may send them.

Each figure is CPU seconds of one process; a limit stands beside it. What takes longer than a minute is
ended and shown as 60.
"""

from __future__ import annotations

import base64
import json
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable

from arazzo_runner.secrets import Secrets
from benchmarks.measure import Figure, environment, show

MB = 1_000_000
LONGEST = 60


def text_of(size: int, seed: int) -> str:
    """Return random letters and digits."""
    return base64.b64encode(random.Random(seed).randbytes(size), b"aA")[:size].decode()


def items(count: int, secrets: list[str]) -> str:
    """Return the JSON text of a list whose items hold secrets now and then."""
    rows = [
        {"id": index, "name": f"item number {index}", "note": "a text of some words " * 4, "at": "2026-01-01T00:00:00Z"}
        for index in range(count)
    ]
    for index in range(0, count, 50):
        rows[index]["echo"] = secrets[index % len(secrets)]
    return json.dumps(rows)


def ten_megabyte_secret() -> object:
    """One secret of 10 MB, masked in a report that holds it."""
    secret = text_of(10 * MB, 1)
    secrets = Secrets([secret])
    return secrets.mask(f'{{"outputs": {{"token": "{secret}"}}}}') + secrets.mask("x" + json.dumps(secret))


def slashes() -> object:
    """The token of 300,000 slashes, as it is and as PHP writes it."""
    secret = "aaaa" + "/" * 300_000
    secrets = Secrets([secret])
    return secrets.mask(secret) + secrets.mask(secret.replace("/", "\\/")) + secrets.mask("/" * 1_000_000)


def many_secrets() -> object:
    """10,000 secrets in 10 MB of JSON."""
    known = [text_of(32, seed) for seed in range(10_000)]
    text = items(52_000, known)
    return Secrets(known).mask(text)


def alike_secrets() -> object:
    """10,000 secrets that begin with the same 200 characters, in 10 MB of them."""
    known = ["/" * 200 + text_of(8, seed) for seed in range(10_000)]
    return Secrets(known).mask("/" * 10 * MB)


def escaped() -> object:
    """One secret in 10 MB of escapes of every kind."""
    return Secrets([text_of(32, 1)]).mask("\\/%41&lt;\\u0041&#65;abc" * 400_000)


def encoded() -> object:
    """One secret in 10 MB of base64."""
    return Secrets([text_of(32, 1)]).mask(text_of(10 * MB, 2))


def one_after_the_other() -> object:
    """2,000 secrets, an event masked after each."""
    secrets = Secrets()
    for seed in range(2000):
        secrets.add(text_of(32, seed))
        secrets.mask("a line of progress that holds nothing")
    return secrets


def leaves() -> object:
    """2,000 secrets in 100,000 small leaves of a body."""
    secrets = Secrets(text_of(32, seed) for seed in range(2000))
    return secrets.mask_value([{"name": f"item number {index}", "size": index} for index in range(100_000)])


CASES: dict[str, tuple[Callable[[], object], float]] = {
    "a secret of 10 MB": (ten_megabyte_secret, 1.0),
    "300,000 slashes": (slashes, 1.0),
    "10,000 secrets, 10 MB": (many_secrets, 2.0),
    "10,000 secrets with one beginning": (alike_secrets, 10.0),
    "10 MB of escapes": (escaped, 20.0),
    "10 MB of base64": (encoded, 5.0),
    "2,000 secrets, one after the other": (one_after_the_other, 1.0),
    "2,000 secrets, 100,000 leaves": (leaves, 1.0),
}


def cost(name: str) -> tuple[float, float]:
    """Return the CPU seconds of a case in a process of its own, what it begins with left out, and its peak in MB."""
    command = [sys.executable, "-m", "benchmarks.masking", name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True)
    assert process.stdout is not None
    try:
        out, _ = process.communicate(timeout=LONGEST * 2)
    except subprocess.TimeoutExpired:
        process.kill()
        return LONGEST, 0.0
    seconds, peak = out.split()
    return float(seconds), float(peak)


def main() -> None:
    """Measure and print a table; given the name of a case, measure that one here."""
    if len(sys.argv) > 1:
        case = CASES[sys.argv[1]][0]
        before = time.process_time()
        case()
        seconds = time.process_time() - before
        print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    show(
        [
            Figure(f"{name} (s)", seconds, limit, f"{peak:.0f} MB")
            for name, (_, limit) in CASES.items()
            for seconds, peak in [cost(name)]
        ]
    )


if __name__ == "__main__":
    main()
