"""Write secret outputs to a file in the user's state directory, so that masking never loses them.

The secrets of a response are on disk before the run does anything else (send, wait, retry, begin
another branch): they survive a killed run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import assert_never

from arazzo_runner.base.files import as_json
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.private_files import PrivateFile, make_private_folder, state_folder
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import (
    AttemptFinished,
    Event,
    MessageAwaited,
    PollScheduled,
    RetryScheduled,
    StepFinished,
    StepStarted,
    StopRun,
    WorkflowFinished,
    WorkflowStarted,
)
from arazzo_runner.program.model import Program
from arazzo_runner.report.json import pretty
from arazzo_runner.report.kept_outputs import kept_file_name

StepName = tuple[str, str]


def secret_step_outputs(program: Program) -> dict[StepName, frozenset[str]]:
    """Return the names of secret outputs by (workflowId, stepId)."""
    found: dict[StepName, frozenset[str]] = {}
    for workflow in program.workflows.values():
        for step in workflow.steps:
            if step.secret_outputs:
                name = (workflow.workflow_id, step.step_id)
                found[name] = found.get(name, frozenset()) | step.secret_outputs
    return found


def has_secret_outputs(program: Program) -> bool:
    """Return whether a run of this program can have secret outputs."""
    return bool(secret_step_outputs(program)) or any(workflow.secret_outputs for workflow in program.workflows.values())


class SecretFile:
    """The file that holds the secret outputs of one run, step by step.

    With `is_mock` they are made up: a run that succeeds leaves no file.
    """

    def __init__(
        self, program: Program, file: PrivateFile, announce: Callable[[str], None], *, is_mock: bool = False
    ) -> None:
        self._secret_steps = secret_step_outputs(program)
        self._secret_outputs = program.workflow.secret_outputs
        self._workflow_id = program.workflow.workflow_id
        self._file = file
        self._announce = announce
        self._is_mock = is_mock
        self._steps: dict[str, dict[str, JsonValue]] = {}
        self._announced = False

    @classmethod
    def prepare(
        cls, program: Program, announce: Callable[[str], None], label: str = "", *, is_mock: bool = False
    ) -> SecretFile:
        """Create the file, still empty; `announce` is called with its path once it holds something.

        `label` distinguishes the files of several runs of one process. Raises OSError.
        """
        folder = state_folder()
        make_private_folder(folder)
        path = os.path.join(folder, kept_file_name(program.workflow.workflow_id, label))
        return cls(program, PrivateFile.prepare(path), announce, is_mock=is_mock)

    @property
    def path(self) -> str:
        """The path of the file."""
        return self._file.path

    @property
    def used(self) -> bool:
        """Whether the file holds a secret."""
        return self._announced

    def on_event(self, event: Event, secrets: Secrets) -> None:
        """Write the secret outputs of a finished attempt or step; on return they are on disk.

        Raises StopRun if they cannot be written anywhere.
        """
        match event:
            case AttemptFinished():
                self._write_step(event, event.step_id, event.outputs)
            case StepFinished():
                self._write_step(event, event.result.step_id, event.result.outputs)
            case WorkflowStarted() | StepStarted() | WorkflowFinished():
                pass
            case MessageAwaited() | RetryScheduled() | PollScheduled():
                pass
            case _:
                assert_never(event)

    def _write_step(
        self, event: AttemptFinished | StepFinished, step_id: str, outputs: Mapping[str, JsonValue]
    ) -> None:
        names = self._secret_steps.get((event.workflow_id, step_id), frozenset())
        secret = {name: value for name, value in outputs.items() if name in names}
        key = step_id if event.depth == 0 else f"{event.workflow_id}/{step_id}"
        if secret and secret != self._steps.get(key):
            self._steps[key] = secret
            try:
                self._write("running", {})
            except OSError as problem:
                raise StopRun(self._lost(problem)) from None

    def finish(self, status: str, outputs: Mapping[str, JsonValue]) -> str | None:
        """Write the workflow's secret outputs, or remove the file if there are none; return what went wrong."""
        secret = {name: value for name, value in outputs.items() if name in self._secret_outputs}
        if (secret or self._steps) and not (self._is_mock and status == "succeeded"):
            try:
                self._write(status, secret)
            except OSError as problem:
                return self._lost(problem)
        else:
            self._file.discard()
        return None

    def discard(self) -> None:
        """Remove the file, because the user has its secrets already or there are none."""
        self._file.discard()
        self._announced = False

    def _write(self, status: str, outputs: Mapping[str, JsonValue]) -> None:
        record = {
            "workflowId": self._workflow_id,
            "status": status,
            "outputs": dict(outputs),
            "steps": self._steps,
        }
        before = self._file.path
        self._file.write_somewhere(pretty(as_json(record)))
        if self._is_mock and status == "running":
            return  # announced only if the run fails, and the file stays
        if self._file.path != before or not self._announced:
            self._announced = True
            self._announce(self._file.path)

    def _lost(self, problem: OSError) -> str:
        return f"secret outputs cannot be kept in {self._file.path}: {problem.strerror or problem}"
