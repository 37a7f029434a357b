"""python -m tests.fuzz.guided TARGET [SECONDS]: one target guided by coverage (needs `pip install atheris`)."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["arazzo_runner"]):
    from tests.fuzz.mutation import CORPUS
    from tests.fuzz.targets import TARGETS, tried


def main() -> None:
    """Fuzz until the time is over or something fails; what fails is written beside the working directory's files."""
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(f"name a target: {', '.join(TARGETS)}")
    seconds = sys.argv[2] if len(sys.argv) > 2 else "60"
    with tempfile.TemporaryDirectory() as folder:  # libFuzzer adds to its corpus: not to ours
        corpus = shutil.copytree(CORPUS / name, Path(folder) / name)
        atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", str(corpus)], lambda data: tried(name, data))
        atheris.Fuzz()


if __name__ == "__main__":
    main()
