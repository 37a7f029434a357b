"""python -m benchmarks.masking: what masking costs, with secrets and texts as large as a server may send them.

Each figure is CPU seconds of one process; a limit stands beside it. What takes longer than two minutes
is ended, and shown as 120.
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

from arazzo_runner.base.secrets import Secrets
from benchmarks.measure import Figure, environment, show

MB = 1_000_000
LONGEST = 120


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


Work = Callable[[], object]


def ten_megabyte_secret() -> Work:
    """One secret of 10 MB, masked in a report that holds it."""
    secret = text_of(10 * MB, 1)
    report = f'{{"outputs": {{"token": "{secret}"}}}}'
    return lambda: Secrets([secret]).mask(report)


def slashes() -> Work:
    """The token of 300,000 slashes, as it is and as PHP writes it."""
    secret = "aaaa" + "/" * 300_000
    text = "\n".join((secret, secret.replace("/", "\\/"), "/" * 1_000_000))
    return lambda: Secrets([secret]).mask(text)


def many_secrets() -> Work:
    """10,000 secrets in 10 MB of JSON."""
    known = [text_of(32, seed) for seed in range(10_000)]
    text = items(52_000, known)
    return lambda: Secrets(known).mask(text)


def alike_secrets() -> Work:
    """10,000 secrets that begin with the same 200 characters, in 10 MB of them."""
    known = ["/" * 200 + text_of(8, seed) for seed in range(10_000)]
    return lambda: Secrets(known).mask("/" * 10 * MB)


def repeated_letter() -> Work:
    """2,700 secrets that are one letter again and again, in 10 MB of it: each begins within all the others."""
    return lambda: Secrets("a" * size for size in range(300, 3000)).mask("a" * 10 * MB)


def lines() -> Work:
    """One secret at every twelfth character of 10 MB of base64 in lines."""
    text = base64.encodebytes(b"secretsecret" * (10 * MB * 3 // 4 // 12)).decode()
    return lambda: Secrets(["secretsecret"]).mask(text)


def escaped() -> Work:
    """One secret in 10 MB of escapes of every kind."""
    return lambda: Secrets([text_of(32, 1)]).mask("\\/%41&lt;\\u0041&#65;abc" * 400_000)


def encoded() -> Work:
    """One secret in 10 MB of base64."""
    text = text_of(10 * MB, 2)
    return lambda: Secrets([text_of(32, 1)]).mask(text)


def one_after_the_other() -> Work:
    """2,000 secrets, an event masked after each."""

    def work() -> None:
        secrets = Secrets()
        for seed in range(2000):
            secrets.add(text_of(32, seed))
            secrets.mask("a line of progress that holds nothing")

    return work


def leaves() -> Work:
    """2,000 secrets in 100,000 small leaves of a body."""
    body = [{"name": f"item number {index}", "size": index} for index in range(100_000)]
    return lambda: Secrets(text_of(32, seed) for seed in range(2000)).mask_value(body)


CASES: dict[str, tuple[Callable[[], Work], float]] = {
    "a secret of 10 MB": (ten_megabyte_secret, 1.0),
    "300,000 slashes": (slashes, 1.0),
    "10,000 secrets, 10 MB": (many_secrets, 2.0),
    "10,000 secrets with one beginning": (alike_secrets, 10.0),
    "2,700 secrets of one letter": (repeated_letter, 10.0),
    "10 MB of secrets in lines of base64": (lines, 20.0),
    "10 MB of escapes": (escaped, 20.0),
    "10 MB of base64": (encoded, 5.0),
    "2,000 secrets, one after the other": (one_after_the_other, 1.0),
    "2,000 secrets, 100,000 leaves": (leaves, 1.0),
}


def cost(name: str) -> tuple[float, float]:
    """Return the CPU seconds of a case in a process of its own, its texts made before, and its peak in MB."""
    command = [sys.executable, "-m", "benchmarks.masking", name]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment(), text=True)
    assert process.stdout is not None
    try:
        out, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        process.kill()
        return LONGEST, 0.0
    seconds, peak = out.split()
    return float(seconds), float(peak)


def main() -> None:
    """Measure and print a table; given the name of a case, measure that one here."""
    if len(sys.argv) > 1:
        work = CASES[sys.argv[1]][0]()
        before = time.process_time()
        work()
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
