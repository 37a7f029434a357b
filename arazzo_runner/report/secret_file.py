"""Keeps secret outputs in a file of the user's state directory, so that masking never loses them (semantics §7).

An answer's secrets are on disk before anything more is sent, waited for or begun, be it a retry
or another branch: a run that is killed leaves them behind.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.private_files import PrivateFile, make_private_folder, state_folder
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.events import AttemptFinished, Event, StepFinished, StopRun
from arazzo_runner.program.model import Program
from arazzo_runner.report.json import pretty

StepName = tuple[str, str]


def secret_step_outputs(program: Program) -> dict[StepName, frozenset[str]]:
    """Return which outputs are secret, by (workflowId, stepId)."""
    found: dict[StepName, frozenset[str]] = {}
    for workflow in program.workflows.values():
        for step in workflow.steps:
            if step.secret_outputs:
                name = (workflow.workflow_id, step.step_id)
                found[name] = found.get(name, frozenset()) | step.secret_outputs
    return found


def has_secret_outputs(program: Program) -> bool:
    """Tell whether a run of this program can give a secret output."""
    return bool(secret_step_outputs(program)) or any(workflow.secret_outputs for workflow in program.workflows.values())


class Keep:
    """The file that holds the secret outputs of one run, step by step."""

    def __init__(self, program: Program, file: PrivateFile, announce: Callable[[str], None]) -> None:
        self._secret_steps = secret_step_outputs(program)
        self._secret_outputs = program.workflow.secret_outputs
        self._workflow_id = program.workflow.workflow_id
        self._file = file
        self._announce = announce
        self._steps: dict[str, dict[str, JsonValue]] = {}
        self._named = False

    @classmethod
    def prepare(cls, program: Program, announce: Callable[[str], None], label: str = "") -> Keep:
        """Create the file, still empty; `announce` is told its path when it holds something. Raises OSError.

        `label` tells the files of several runs of one process apart.
        """
        folder = state_folder()
        make_private_folder(folder)
        workflow = re.sub(r"[^A-Za-z0-9._-]+", "-", program.workflow.workflow_id)[:60]
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        path = os.path.join(folder, f"{workflow}-{stamp}-{os.getpid()}{label}.json")
        return cls(program, PrivateFile.prepare(path), announce)

    @property
    def path(self) -> str:
        """Where the file is."""
        return self._file.path

    @property
    def used(self) -> bool:
        """Whether the file holds a secret."""
        return self._named

    def on_event(self, event: Event, secrets: Secrets) -> None:
        """Write the secret outputs of an attempt or a step that is over; on return they are on disk.

        Raises StopRun when no place can take them.
        """
        if isinstance(event, AttemptFinished):
            step_id, outputs = event.step_id, event.outputs
        elif isinstance(event, StepFinished):
            step_id, outputs = event.result.step_id, event.result.outputs
        else:
            return
        names = self._secret_steps.get((event.workflow_id, step_id), frozenset())
        kept = {name: value for name, value in outputs.items() if name in names}
        place = step_id if event.depth == 0 else f"{event.workflow_id}/{step_id}"
        if kept and kept != self._steps.get(place):
            self._steps[place] = kept
            try:
                self._write("running", {})
            except OSError as problem:
                raise StopRun(self._lost(problem)) from None

    def finish(self, status: str, outputs: Mapping[str, JsonValue]) -> str | None:
        """Write the workflow's secret outputs, or remove the file when there are none; returns what went wrong."""
        kept = {name: value for name, value in outputs.items() if name in self._secret_outputs}
        if kept or self._steps:
            try:
                self._write(status, kept)
            except OSError as problem:
                return self._lost(problem)
        else:
            self._file.discard()
        return None

    def discard(self) -> None:
        """Remove the file: its secrets have reached the user in another way, or there are none."""
        self._file.discard()
        self._named = False

    def _write(self, status: str, outputs: Mapping[str, JsonValue]) -> None:
        record = {
            "workflowId": self._workflow_id,
            "status": status,
            "outputs": dict(outputs),
            "steps": self._steps,
        }
        before = self._file.path
        self._file.write_somewhere(pretty(record))
        if self._file.path != before or not self._named:
            self._named = True
            self._announce(self._file.path)

    def _lost(self, problem: OSError) -> str:
        return f"secret outputs cannot be kept in {self._file.path}: {problem.strerror or problem}"
