"""The files that keep secret outputs of earlier runs in the user's state directory: what is there, and removing it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import time
from collections.abc import Iterable
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record

_NAME: Final = pattern(r"(?P<workflow>.+)-\d{8}T\d{6}-\d+(?:-\d+)?\.json")


class KeptFile(Record):
    """One file: its workflow, the status of the run (None: unreadable), its age in seconds, the outputs it holds."""

    path: str
    workflow_id: str
    status: str | None
    age: float
    outputs: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name of the file in its folder."""
        return os.path.basename(self.path)


def kept_file_name(workflow_id: str, label: str = "") -> str:
    """Return the name of the file of a run of this process that begins now."""
    workflow = re.sub(r"[^A-Za-z0-9._-]+", "-", workflow_id)[:60]
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    return f"{workflow}-{stamp}-{os.getpid()}{label}.json"


def kept_files(folder: str) -> list[KeptFile]:
    """Return the files in a folder that keep secret outputs, the oldest first; raises OSError."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return []
    found = [_kept(os.path.join(folder, name), match["workflow"]) for name in names if (match := _NAME.fullmatch(name))]
    return sorted((each for each in found if each is not None), key=lambda each: (-each.age, each.path))


def older_files(path: str) -> int:
    """Return how many files of the same workflow lie beside a file."""
    folder, name = os.path.split(path)
    own = _NAME.fullmatch(name)
    if own is None:
        return 0
    with contextlib.suppress(OSError):
        others = (_NAME.fullmatch(each) for each in os.listdir(folder) if each != name)
        return sum(each is not None and each["workflow"] == own["workflow"] for each in others)
    return 0


def remove(files: Iterable[KeptFile]) -> None:
    """Remove files; one that is gone already is not a failure. Raises OSError."""
    for each in files:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(each.path)


def _kept(path: str, workflow: str) -> KeptFile | None:
    try:
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            return None  # not written by a run, and reading a pipe would wait
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
    except FileNotFoundError:
        return None  # removed meanwhile
    except (OSError, ValueError, RecursionError):
        record = None
    age = max(0.0, time.time() - status.st_mtime)
    if not isinstance(record, dict) or not isinstance(record.get("status"), str):
        return KeptFile(path, workflow, None, age, ())
    return KeptFile(path, str(record.get("workflowId", workflow)), str(record["status"]), age, _outputs(record))


def _outputs(record: dict[str, JsonValue]) -> tuple[str, ...]:
    """Return the names of the outputs: those of the workflow, then `step.output` of its steps."""
    outputs, steps = record.get("outputs"), record.get("steps")
    found = [str(name) for name in outputs] if isinstance(outputs, dict) else []
    for step, values in steps.items() if isinstance(steps, dict) else ():
        found += [f"{step}.{name}" for name in values] if isinstance(values, dict) else []
    return tuple(found)
