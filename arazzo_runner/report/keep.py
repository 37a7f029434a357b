"""Keeps secret outputs in a file of the user's state directory, so that masking never loses them (semantics §7).

The file is on disk before the step after the one that gave the secret begins: a run that is
killed leaves it behind.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping

from arazzo_runner.engine.events import Event, StepFinished
from arazzo_runner.private_files import PrivateFile, make_private_folder, state_folder
from arazzo_runner.program.model import Program
from arazzo_runner.report.json import pretty
from arazzo_runner.secrets import Secrets
from arazzo_runner.values import JsonValue

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
        """Write the secret outputs of a step that is over; on return they are on disk."""
        if not isinstance(event, StepFinished):
            return
        result = event.result
        names = self._secret_steps.get((event.workflow_id, result.step_id), frozenset())
        kept = {name: value for name, value in result.outputs.items() if name in names}
        if kept:
            prefix = "" if event.depth == 0 else f"{event.workflow_id}/"
            self._steps[prefix + result.step_id] = kept
            self._write("running", {})

    def finish(self, status: str, outputs: Mapping[str, JsonValue]) -> bool:
        """Write the workflow's secret outputs; returns whether the file holds anything (else it is removed)."""
        kept = {name: value for name, value in outputs.items() if name in self._secret_outputs}
        if kept or self._steps:
            self._write(status, kept)
        else:
            self._file.discard()
        return self._named

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
        self._file.write(pretty(record))
        if not self._named:
            self._named = True
            self._announce(self._file.path)
