"""python -m benchmarks.lint CORPUS: `arazzo validate` beside `redocly lint`, on the same files in the same run.

CORPUS is a folder of Arazzo documents. Redocly is installed from npm into a temporary folder
(or taken from REDOCLY, the path of its command). Figures are CPU seconds of whole processes:
with --no-cache every document is read and checked, without it what nothing has changed for is not.
Redocly does not open the descriptions that documents name and arazzo does, so YAML documents are
also compared alone, where no description can be found. Redocly ends at the first document that it
cannot process (of another version, say): such documents are left out.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from arazzo_runner.lint.documents import is_arazzo
from benchmarks.generate import steps_document
from benchmarks.measure import Figure, environment, show
from benchmarks.run import SEED, arazzo

RUNS = 5
DOCUMENTS = 200
SEED_OF_CHOICE = 15
_STOPPED = re.compile(r"Something went wrong when processing (.+):\n")


def redocly(folder: Path) -> list[str]:
    """Return Redocly's lint command, installed below `folder` unless it is there already."""
    command = os.environ.get("REDOCLY")
    if command is None:
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit("npm is not here; set REDOCLY to the command")
        packages = ["--no-audit", "--no-fund", "--silent", "@redocly/cli@2"]
        subprocess.run([npm, "install", "--prefix", str(folder), *packages], check=True)
        command = str(folder / "node_modules" / ".bin" / "redocly")
    return [command, "lint"]


def cost(command: list[str]) -> float:
    """Return the CPU seconds of a command, whatever it finds."""
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=null, stderr=null, env=environment(), cwd=tempfile.gettempdir())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{command[0]} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def compared(ours: list[str], theirs: list[str]) -> tuple[float, float]:
    """Return the median costs of two commands run in turn, after a warm-up."""
    pairs = [(cost(ours), cost(theirs)) for _ in range(RUNS + 1)][1:]
    return statistics.median(pair[0] for pair in pairs), statistics.median(pair[1] for pair in pairs)


def documents(corpus: Path, *suffixes: str) -> list[str]:
    """Return Arazzo documents of a corpus with these suffixes, chosen at random, the same each time."""
    files = (path for path in corpus.rglob("*") if path.suffix in suffixes)
    found = sorted(str(path) for path in files if is_arazzo(str(path)))
    return sorted(random.Random(SEED_OF_CHOICE).sample(found, min(DOCUMENTS, len(found))))


def processed(lint: list[str], paths: list[str]) -> list[str]:
    """Return the documents of a list that Redocly processes to the end."""
    left = list(paths)
    while left:
        out = subprocess.run([*lint, *left], capture_output=True, text=True, cwd=tempfile.gettempdir())
        stopped = _STOPPED.search(out.stdout + out.stderr)
        if stopped is None:
            return left
        left.remove(stopped[1])
    raise SystemExit("Redocly processes none of the documents")


def alone_in(folder: Path, documents: list[str]) -> list[str]:
    """Return copies of documents in a folder of their own, away from the descriptions that they name."""
    folder.mkdir()
    return [shutil.copy(path, str(folder / f"{number}{Path(path).suffix}")) for number, path in enumerate(documents)]


def main() -> None:
    """Measure and print a table."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lint = redocly(folder)
        corpus = Path(sys.argv[1]).resolve()
        given = processed(lint, documents(corpus, ".json", ".yaml", ".yml"))
        as_json = processed(lint, documents(corpus, ".json"))
        in_yaml = processed(lint, documents(corpus, ".yaml", ".yml"))
        os.environ["ARAZZO_CACHE_DIR"] = str(folder / "cache")
        os.environ.pop("ARAZZO_NO_CACHE", None)
        one = arazzo("validate", str(SEED))
        alone = alone_in(folder / "alone", in_yaml)
        figures = []
        for what, more in (("every document checked", ["--no-cache"]), ("nothing has changed", [])):
            for name, paths, limit in (
                (f"{len(given)} documents of any kind", given, 1.4),  # many name large YAML descriptions
                (f"{len(as_json)} JSON documents", as_json, 0.55),
                (f"{len(alone)} YAML documents without their descriptions", alone, 1.0),
                ("the seed", [str(SEED)], 0.3),
            ):
                ours = arazzo("validate", "--jobs", "1", *paths, *more)
                first, second = compared(ours, [*lint, *paths])
                detail = f"{first:.2f} / {second:.2f} s"
                figures.append(Figure(f"{name} / redocly, {what}", first / second, limit, detail))
        small, large = (str(steps_document(folder, count)) for count in (1000, 2000))
        half, whole = compared(arazzo("validate", "--no-cache", small), arazzo("validate", "--no-cache", large))
        start, _ = compared([*one, "--no-cache"], [*one, "--no-cache"])
        show(
            [
                *figures,
                Figure(
                    "2,000 steps / 1,000 steps, without start",
                    (whole - start) / max(half - start, 0.01),
                    2.5,
                    f"{whole:.2f} / {half:.2f} s",
                ),
            ]
        )


if __name__ == "__main__":
    main()
