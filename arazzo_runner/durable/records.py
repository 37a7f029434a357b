"""What is known of a durable run: its specification, how it stands, what a person decided."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal
from uuid import uuid4

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.durable.options_json import options_from_json, options_to_json
from arazzo_runner.engine.effects import HttpResponse, NoResponse
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.errors import Diagnostic

JOURNAL_VERSION: Final = 2
"""Version 2 binds every record to its run and place; those of version 1 are refused: they could be from anywhere."""

RunState = Literal[
    "queued", "running", "waiting", "in_doubt", "interrupted", "succeeded", "failed", "cancelled", "unreadable"
]


class RunSpec(Record, kw_only=True):
    """What a run is: enough to carry it out on any machine, together with its bundle.

    `bundle` is the SHA-256 of the documents' texts, `document` how the entry document was named.
    `queue` is the queue it was submitted to, None for a run of one process. With
    `idempotency_keys` every unsafe request carries an Idempotency-Key. `credential_names` are
    the entries of the credential store to use for others; credentials themselves are never kept.
    `nonce` tells this run from another of the same id, in another store or after a deletion.
    """

    workflow_id: str
    inputs: Mapping[str, JsonValue]
    bundle: str
    document: str
    options: RunOptions = field(default_factory=RunOptions)
    queue: str | None = None
    idempotency_keys: bool = False
    credential_names: Mapping[str, str] = field(default_factory=dict)
    journal_version: int = JOURNAL_VERSION
    nonce: str = field(default_factory=lambda: uuid4().hex)

    def identity(self, run_id: str) -> str:
        """Return what the records of this run are bound to."""
        return f"{run_id}/{self.nonce}"

    def to_json(self) -> dict[str, JsonValue]:
        """Return it as a JSON value."""
        return {
            "workflowId": self.workflow_id,
            "inputs": dict(self.inputs),
            "bundle": self.bundle,
            "document": self.document,
            "options": options_to_json(self.options),
            "queue": self.queue,
            "idempotencyKeys": self.idempotency_keys,
            "credentialNames": dict(self.credential_names),
            "journalVersion": self.journal_version,
            "nonce": self.nonce,
        }

    @classmethod
    def from_json(cls, value: Any) -> RunSpec:
        """Read what `to_json` gave."""
        return cls(
            workflow_id=value["workflowId"],
            inputs=value["inputs"],
            bundle=value["bundle"],
            document=value["document"],
            options=options_from_json(value["options"]),
            queue=value["queue"],
            idempotency_keys=value["idempotencyKeys"],
            credential_names=value["credentialNames"],
            journal_version=value["journalVersion"],
            nonce=value["nonce"],
        )


class Doubt(Record, kw_only=True):
    """A request of unknown outcome: `key` is its effect key, `token` names this very doubt."""

    key: str
    method: str
    url: str
    token: str

    @property
    def step_id(self) -> str:
        """The step that sent it."""
        return step_of(self.key)


class RunStatus(Record, kw_only=True):
    """How a run stands.

    `current_step` is the step of the last record, `started` seconds since the epoch, `owner` the
    worker or process that has it, `parent` the schedule that submitted it, `reason` why it failed.
    A record of an `unreadable` run was refused; `problem` says which, and why.
    """

    run_id: str
    state: RunState
    workflow_id: str = ""
    document: str = ""
    current_step: str | None = None
    started: float | None = None
    ended: float | None = None
    owner: str | None = None
    parent: str | None = None
    queue: str | None = None
    doubts: tuple[Doubt, ...] = ()
    wakes: float | None = None
    reason: str | None = None
    problem: Diagnostic | None = None

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in ("succeeded", "failed", "cancelled")


class Decision(Record, kw_only=True):
    """What a person says about a request of unknown outcome.

    "resend": send it once more. "failed": it had no effect. "answered": this `answer` came.
    """

    kind: Literal["resend", "failed", "answered"]
    answer: HttpResponse | NoResponse | None = None


def step_of(key: str) -> str:
    """Return the stepId in an effect key: `a#1/b#2/wait` gives `b`.

    >>> step_of("refresh#1"), step_of("call#1/inner#3"), step_of("refresh#1/wait"), step_of("a~1")
    ('refresh', 'inner', 'refresh', 'a')
    """
    parts = [part for part in key.split("/") if "#" in part] or [key.partition("/")[0]]
    return parts[-1].partition("#")[0].partition("~")[0]
