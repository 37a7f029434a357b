"""The records of durable runs: RunSpec, RunStatus, Doubt, Decision; run options as JSON; Bundle, Job.

Free of DBOS: `durable_runs` makes bundles and performs jobs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Final, Literal, Protocol
from uuid import uuid4

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, field_names
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import HttpResponse, NoResponse, SendRequest, World
from arazzo_runner.engine.options import CheckOptions, RunOptions, TransportOptions
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.errors import Diagnostic
from arazzo_runner.program.model import Program
from arazzo_runner.sources.fetch import DocumentSnapshot

JOURNAL_VERSION: Final = 2
"""Version 2 binds every record to its run and place; unbound records of version 1 are refused."""

_OPTION_KINDS: Final = (RunOptions, TransportOptions, CheckOptions)
_OPTION_KIND_BY_NAME: Final = {kind.__name__: kind for kind in _OPTION_KINDS}

RunState = Literal[
    "queued", "running", "waiting", "in_doubt", "interrupted", "succeeded", "failed", "cancelled", "unreadable"
]


class RunSpec(Record, kw_only=True):
    """The specification of a run: together with its bundle, enough to carry it out on any machine.

    `bundle` is the name of the bundle, `document` the name of the entry document. `queue` is the queue
    it was submitted to, None for a run of one process. With `idempotency_keys` every unsafe request
    has an Idempotency-Key. `credential_names` maps credentials to entries of the credential store;
    credentials themselves are never stored. `nonce` distinguishes runs of the same id, in another
    store or after a deletion.
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
        """Return the identity that the records of this run are sealed with."""
        return f"{run_id}/{self.nonce}"

    def to_json(self) -> dict[str, JsonValue]:
        """Return the specification as a JSON value."""
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
        """Return the specification of a JSON value."""
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


PUBLISH: Final = "publish"
"""Takes the place of an HTTP method where a message is in doubt."""


class Doubt(Record, kw_only=True):
    """A request of unknown outcome: `key` is its effect key, `token` identifies the execution that sent it.

    Of a message, `method` is "publish" and `url` the broker's, followed by the address.
    """

    key: str
    method: str
    url: str
    token: str

    @property
    def step_id(self) -> str:
        """The step that sent it."""
        return step_of(self.key)

    @property
    def is_message(self) -> bool:
        """Whether it is a message."""
        return self.method == PUBLISH


class RunStatus(Record, kw_only=True):
    """The status of a run.

    `current_step` is the step of the last record, `started` is in seconds since the epoch, `owner` is
    the worker or process that carries it out, `parent` the schedule that submitted it, `wakes` when a
    waiting run goes on. Of an `unreadable` run a record was refused; `problem` says which, and why.
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
        """Whether the run has ended and cannot be resumed."""
        return self.state in ("succeeded", "failed", "cancelled")


class Decision(Record, kw_only=True):
    """A person's decision about a request of unknown outcome.

    "resend": send it once more. "failed": it had no effect. "answered": `answer` is its response.
    Of a message: "resend", "failed", or "sent": the broker has it.
    """

    kind: Literal["resend", "failed", "answered", "sent"]
    answer: HttpResponse | NoResponse | None = None


def step_of(key: str) -> str:
    """Return the stepId in an effect key.

    >>> step_of("refresh#1"), step_of("call#1/inner#3"), step_of("refresh#1/wait"), step_of("a~1")
    ('refresh', 'inner', 'refresh', 'a')
    """
    parts = [part for part in key.split("/") if "#" in part] or [key.partition("/")[0]]
    return parts[-1].partition("#")[0].partition("~")[0]


# ------------------------------------------------------------------ options as JSON


def options_to_json(options: RunOptions) -> Any:
    """Return the options as a JSON value, with classes by name and types that JSON lacks tagged."""
    return _encoded(options)


def options_from_json(value: Any) -> RunOptions:
    """Return the options of a JSON value, without options that this version does not have."""
    found = _decoded(value)
    assert isinstance(found, RunOptions)
    return found


def _encoded(value: Any) -> Any:
    if isinstance(value, _OPTION_KINDS):
        members = {name: _encoded(getattr(value, name)) for name in field_names(value)}
        return {"record": type(value).__name__, "fields": members}
    if isinstance(value, Mapping):
        return {"map": [[key, _encoded(each)] for key, each in value.items()]}
    if isinstance(value, (tuple, list, set, frozenset)):
        kind = "set" if isinstance(value, (set, frozenset)) else "list" if isinstance(value, list) else "tuple"
        return {kind: [_encoded(each) for each in (sorted(value) if kind == "set" else value)]}
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"an option of type {type(value).__name__} cannot be stored")


def _decoded(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if "record" in value:
        kind = _OPTION_KIND_BY_NAME[value["record"]]
        known = set(field_names(kind))
        return kind(**{name: _decoded(each) for name, each in value["fields"].items() if name in known})
    if "map" in value:
        return {key: _decoded(each) for key, each in value["map"]}
    [(kind_name, items)] = value.items()
    made = {"list": list, "tuple": tuple, "set": frozenset}[kind_name]
    return made(_decoded(each) for each in items)


OnEvent = Callable[[Event, Secrets], None]
Wrap = Callable[[Program, World], World]
KEY_HEADER = "Idempotency-Key"


class Bundle(Record):
    """What loading a program needs: `snapshot`, the texts that were read; `reading`, the LoadOptions as JSON.

    Stored once, under its SHA-256.
    """

    snapshot: DocumentSnapshot
    reading: Mapping[str, JsonValue]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the bundle as a JSON value."""
        documents: JsonValue = {
            uri: base64.b64encode(data).decode("ascii") for uri, data in sorted(self.snapshot.documents.items())
        }
        variables: JsonValue = dict(sorted(self.snapshot.variables.items()))
        return {
            "documents": documents,
            "entry": self.snapshot.entry,
            "folder": self.snapshot.folder,
            "variables": variables,
            "reading": dict(self.reading),
        }

    @property
    def sha256(self) -> str:
        """The digest of the texts and of how they were read: the name of the bundle."""
        return sha256(json.dumps(self.to_json(), sort_keys=True).encode("utf-8")).hexdigest()

    @classmethod
    def from_json(cls, value: Any) -> Bundle:
        """Return the bundle of a JSON value; loading it reads nothing else."""
        documents = {uri: base64.b64decode(text) for uri, text in value["documents"].items()}
        snapshot = DocumentSnapshot(documents, value["entry"], value["folder"], value["variables"], closed=True)
        return cls(snapshot, value["reading"])


def ignore_event(event: Event, secrets: Secrets) -> None:
    """Do nothing: the listener of a run without one."""


class Job(Record, kw_only=True):
    """One execution of a run. `wrap` puts the durable World around the one that sends.

    `program` saves loading the bundle; `world` replaces the one that sends. `run_id` names what brokers keep for it.
    """

    spec: RunSpec
    bundle: Bundle
    wrap: Wrap
    run_id: str | None = None
    on_event: OnEvent = ignore_event
    program: Program | None = None
    world: World | None = None


class Performer(Protocol):
    """Carries out jobs (durable_runs.ApiPerformer does)."""

    def perform(self, job: Job) -> RunResult:
        """Load the documents from the bundle and run, blocking."""

    async def aperform(self, job: Job) -> RunResult:
        """Load and run on the running event loop."""


def keyed_by(program: Program, spec: RunSpec) -> Callable[[SendRequest], bool]:
    """Return a predicate for requests that get an Idempotency-Key: all, or those whose operation declares it."""
    operations = (call.operation for _, _, call in program.operation_steps())
    declaring = {
        f"{each.uri}#{each.pointer}" for each in operations if each.parameter(KEY_HEADER, "header") is not None
    }
    return lambda effect: spec.idempotency_keys or effect.operation in declaring
