"""Bundle and Job: what a durable run consists of, and the Performer that carries a Job out.

Free of DBOS: `durable_runs` makes bundles and performs jobs.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Protocol

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.durable.records import RunSpec
from arazzo_runner.engine.effects import SendRequest, World
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.program.model import Program
from arazzo_runner.sources.fetch import DocumentSnapshot

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

    `program` saves loading the bundle; `world` replaces the one that sends.
    """

    spec: RunSpec
    bundle: Bundle
    wrap: Wrap
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
