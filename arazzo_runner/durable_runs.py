"""Durable runs from Python: like `run` and `arun`, but each response is persisted before it is used.

Needs the extra `durable`. A process has one Runtime at a time.

    from arazzo_runner import durable_runs

    with durable_runs.opened() as runtime:
        outcome = durable_runs.run(runtime, "rotate.yml", inputs={"refreshToken": token}, run_id="rotate-1")
        print(outcome.result.status, outcome.doubts)
"""

from __future__ import annotations

import importlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from arazzo_runner.api import (
    OnEvent,
    arun as api_arun,
    check_inputs,
    choose_workflow,
    load_named,
    open_program,
    run as api_run,
    with_servers,
)
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.document.source_map import Limits
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.records import Bundle, Job, RunSpec, ignore_event
from arazzo_runner.durable.store import store_of
from arazzo_runner.engine.effects import CredentialsGiven, World
from arazzo_runner.engine.interruption import carried
from arazzo_runner.engine.option_checks import check_options
from arazzo_runner.engine.options import RunOptions
from arazzo_runner.engine.results import RunResult
from arazzo_runner.lint.checker import location_of
from arazzo_runner.program.library import DocumentSource, LoadOptions
from arazzo_runner.program.model import Program
from arazzo_runner.runtime.argument_kinds import check_kinds
from arazzo_runner.runtime.given_files import check_files
from arazzo_runner.sources.fetch import DocumentSnapshot
from arazzo_runner.sources.uris import is_remote, path_of, uri_of_path


class ApiPerformer:
    """Carries out durable jobs through `api`; caches loaded programs."""

    def __init__(self) -> None:
        self._programs: dict[tuple[str, str], Program] = {}

    def perform(self, job: Job) -> RunResult:
        """Load the documents from the job's bundle and run, blocking."""
        program = self._program(job)
        return api_run(
            program,
            inputs=job.spec.inputs,
            world=job.world,
            around=_Durable(job, program),
            on_event=job.on_event,
            options=_options(job),
            credentials=_credentials(job),
        )

    async def aperform(self, job: Job) -> RunResult:
        """Load and run on the running event loop."""
        program = self._program(job)
        return await api_arun(
            program,
            inputs=job.spec.inputs,
            world=job.world,
            around=_Durable(job, program),
            on_event=job.on_event,
            options=_options(job),
            credentials=_credentials(job),
        )

    def _program(self, job: Job) -> Program:
        if job.program is not None:
            return job.program
        name = (job.spec.bundle, job.spec.workflow_id)
        if name not in self._programs:
            self._programs[name] = load_bundle(job.bundle, job.spec.workflow_id)
        return self._programs[name]


class _Durable:
    """Puts the durable World of a job around the one that sends; it performs Races, as that one must.

    `has_journal`: files that the run names may be gone, for it may have sent them; `prepared` looked for them.
    `durable_name`: brokers keep messages under this name while the run is not there.
    """

    races = True
    has_journal = True

    def __init__(self, job: Job, program: Program) -> None:
        self._job = job
        self._program = program
        self.durable_name = job.run_id

    def __call__(self, world: World) -> World:
        """Return the durable World."""
        return self._job.wrap(self._program, world)


def _options(job: Job) -> RunOptions:
    """Return the options of a job; with a World of its own it is a replay, which sends nothing."""
    if job.world is None:
        return job.spec.options
    usual = RunOptions()
    return replace(
        job.spec.options,
        transport=None,
        max_response_size=usual.max_response_size,
        credentials_file=None,
        require_credentials=False,
    )


def _credentials(job: Job) -> CredentialsGiven:
    """Return the credentials of a job that renames entries; None for the default sources."""
    if not job.spec.credential_names or job.world is not None:
        return None
    from arazzo_runner.runtime.auth.sources import Credentials  # lazily: few runs need it

    return Credentials(file=job.spec.options.credentials_file, names=job.spec.credential_names)


_PACKAGES = "'dbos>=3.4,<4' 'cryptography>=42'"  # not by the name `arazzo`, which an index may give to anybody


def opened(store: str | os.PathLike[str] | None = None, environment: Mapping[str, str] | None = None) -> Any:
    """Return the Runtime of a store (a path or a postgresql:// URL; default: the user's own SQLite file).

    A context manager. Raises InvalidUsage if the extra is not installed or the store cannot be used.
    """
    check_kinds(store=store)
    known = os.environ if environment is None else environment
    location = store_of(None if store is None else os.fspath(store), known)
    try:
        # The only place where a run starts to pay for DBOS: about a second.
        runtime = importlib.import_module("arazzo_runner.durable.runtime")
    except ModuleNotFoundError as problem:
        if problem.name not in ("dbos", "cryptography", "sqlalchemy"):
            raise
        message = f"durable runs need packages that a plain installation lacks: {problem.name} is not installed"
        raise refusal(message, code="durable-not-installed", hint=f"pip install {_PACKAGES}") from None
    return runtime.Runtime(location, ApiPerformer(), known)


def queues(runtime: Any) -> Any:
    """Return the Queues of a store: their limits, submitted runs, schedules, runs of dead workers."""
    return _queues_module().Queues(runtime)


def queue_limits(
    name: str, concurrency: int | None, worker_concurrency: int, rate: tuple[int, float] | None, poll: float
) -> Any:
    """Return the limits of a queue (see QueueLimits); `rate` is (runs, seconds)."""
    runs, period = rate or (None, None)
    return _queues_module().QueueLimits(
        name=name,
        concurrency=concurrency,
        worker_concurrency=worker_concurrency,
        rate=runs,
        period=period,
        poll=poll,
    )


def ready_queues(runtime: Any, names: Sequence[str], concurrency: int | None) -> None:
    """Create the missing queues of a worker, and set its concurrency if given."""
    known = queues(runtime)
    for name in names:
        known.make_queue(name)
        if concurrency is not None:
            known.configure(replace(known.queue(name), worker_concurrency=concurrency))


def worker(
    runtime: Any,
    name: str,
    queues: Sequence[str],
    on_outcome: Callable[[Any], None],
    on_problem: Callable[[str, Exception], None],
) -> Any:
    """Return a worker (see Worker): `work(stop)` carries out the runs of `queues` until `stop` is set."""
    module = importlib.import_module("arazzo_runner.durable.worker")
    return module.Worker(runtime, name, queues, on_outcome, on_problem)


def _queues_module() -> Any:
    return importlib.import_module("arazzo_runner.durable.queues")


def run(
    runtime: Any,
    document: DocumentSource,
    workflow_id: str | None = None,
    inputs: Mapping[str, JsonValue] | None = None,
    *,
    run_id: str | None = None,
    idempotency_keys: bool = False,
    options: RunOptions | None = None,
    on_event: OnEvent | None = None,
    servers: Mapping[str, str] | None = None,
    load_options: LoadOptions | None = None,
) -> Any:
    """Start a durable run and carry it out, blocking; `servers` and `load_options` are those of `load`.

    Returns an Outcome: `result` is what `arazzo_runner.run` returns, `doubts` are requests of
    unknown outcome, for whose decision the run waits. Raises as `run` does, and InvalidUsage if
    there is already a run of that id. Ctrl-C leaves the run in the store, to be resumed, and raises
    KeyboardInterrupt; `partial_outcome` returns the Outcome so far.
    """
    check_kinds(
        runnable=document, workflow_id=workflow_id, inputs=inputs, run_id=run_id, idempotency_keys=idempotency_keys,
        options=options, on_event=on_event, servers=servers, load_options=load_options,
    )  # fmt: skip
    reading = with_servers(load_options, servers)
    program, spec, bundle = prepared(document, workflow_id, inputs, idempotency_keys, options, reading)
    name = run_id_of(run_id, spec.workflow_id)
    return runtime.start(spec, bundle, run_id=name, on_event=on_event or ignore_event, program=program)


async def arun(
    runtime: Any,
    document: DocumentSource,
    workflow_id: str | None = None,
    inputs: Mapping[str, JsonValue] | None = None,
    *,
    run_id: str | None = None,
    idempotency_keys: bool = False,
    options: RunOptions | None = None,
    on_event: OnEvent | None = None,
    servers: Mapping[str, str] | None = None,
    load_options: LoadOptions | None = None,
) -> Any:
    """Start a durable run on the running event loop; one Runtime can have several at once.

    Cancelling it leaves the run in the store, to be resumed, and raises CancelledError; `partial_outcome` returns
    the Outcome so far.
    """
    check_kinds(
        runnable=document, workflow_id=workflow_id, inputs=inputs, run_id=run_id, idempotency_keys=idempotency_keys,
        options=options, on_event=on_event, servers=servers, load_options=load_options,
    )  # fmt: skip
    reading = with_servers(load_options, servers)
    program, spec, bundle = prepared(document, workflow_id, inputs, idempotency_keys, options, reading)
    name = run_id_of(run_id, spec.workflow_id)
    return await runtime.astart(spec, bundle, run_id=name, on_event=on_event or ignore_event, program=program)


def partial_outcome(error: BaseException) -> Any:
    """Return the Outcome so far of a durable run that was interrupted; None when it had not begun.

    `error` is what was raised: KeyboardInterrupt, CancelledError, or a TimeoutError that came of that.
    """
    return carried(error, "outcome")


def prepared(
    document: DocumentSource,
    workflow_id: str | None,
    inputs: Mapping[str, JsonValue] | None,
    idempotency_keys: bool,
    options: RunOptions | None,
    reading: LoadOptions,
) -> tuple[Program, RunSpec, Bundle]:
    """Load a document and check the inputs; return the program, the specification and the bundle of a run."""
    program, bundle = load_bundled(document, workflow_id, reading)
    program = choose_workflow(program, workflow_id)
    chosen = options or replace(RunOptions(), run_timeout=None)
    checked, _ = check_inputs(program, inputs or {}, formats=chosen.checks.formats)
    check_files(program, checked, chosen)
    spec = spec_of(program, bundle, checked, chosen)
    return program, replace(spec, idempotency_keys=idempotency_keys), bundle


def load_bundled(
    document: DocumentSource, workflow_id: str | None, load_options: LoadOptions, named: LoadOptions | None = None
) -> tuple[Program, Bundle]:
    """Load a document and bundle everything that was read; `named` are the options whose names must be known (all)."""
    if isinstance(document, Program):
        hint = "give the document itself: a durable run stores what it is made of"
        raise refusal("a durable run cannot be made of a Program", code="durable-not-possible", hint=hint)
    snapshot = DocumentSnapshot.opened(os.environ)
    options = replace(load_options, snapshot=snapshot)
    program = load_named(document, workflow_id, load_options=options, named=named or load_options)
    if isinstance(document, Mapping):
        snapshot.documents[snapshot.entry] = json.dumps(document).encode("utf-8")
    return program, bundled(snapshot, load_options)


def bundled(snapshot: DocumentSnapshot, load_options: LoadOptions) -> Bundle:
    """Return the bundle of the documents that were read with these options."""
    return Bundle(snapshot, _reading_to_json(load_options))


def load_bundle(bundle: Bundle, workflow_id: str) -> Program:
    """Load a program from a bundle."""
    snapshot = replace(bundle.snapshot, closed=True)
    reading: dict[str, Any] = dict(bundle.reading)
    reading["limits"] = Limits(*reading["limits"]) if "limits" in reading else Limits()
    for name in ("include", "allow_hosts"):
        reading[name] = tuple(reading.get(name, ()))
    entry = snapshot.entry if is_remote(snapshot.entry) else path_of(snapshot.entry)
    program = open_program(entry, workflow_id, load_options=LoadOptions(**reading, snapshot=snapshot))
    return choose_workflow(program, workflow_id)


def _reading_to_json(options: LoadOptions) -> dict[str, JsonValue]:
    """Return the options that loading the bundle again needs, with absolute paths."""
    return {
        "strict": options.strict,
        "root": None if options.root is None else os.path.abspath(options.root),
        "sources": {name: _absolute(place) for name, place in options.sources.items()},
        "url_map": dict(options.url_map),
        "servers": dict(options.servers),
        "server_variables": dict(options.server_variables),
        "channel_addresses": dict(options.channel_addresses),
        "limits": [options.limits.max_bytes, options.limits.max_depth, options.limits.max_nodes],
        "include": [location_of(each) for each in options.include],
        "offline": options.offline,
        "allow_remote": options.allow_remote,
        "allow_hosts": list(options.allow_hosts),
        "cache": options.cache,
    }


def _absolute(place: str) -> str:
    return place if "://" in place else uri_of_path(place)


def spec_of(program: Program, bundle: Bundle, inputs: Mapping[str, JsonValue], options: RunOptions) -> RunSpec:
    """Return the specification of a run of this program with checked inputs.

    Raises InvalidUsage for options out of range. Folders are absolute: a run may be resumed from another one.
    """
    check_options(options)
    roots = tuple(os.path.abspath(each) for each in options.file_roots)
    return RunSpec(
        workflow_id=program.workflow.workflow_id,
        inputs=dict(inputs),
        bundle=bundle.sha256,
        document=bundle.snapshot.entry,
        options=replace(options, file_roots=roots),
    )


def run_id_of(given: str | None, workflow_id: str) -> str:
    """Return the id of a new run: the one given, else one made of workflow, time and random digits.

    Raises InvalidUsage if it is not usable as a file name.
    """
    if given is None:
        workflow = re.sub(r"[^A-Za-z0-9._-]+", "-", workflow_id)[:40].strip("-.") or "run"
        return f"{workflow}-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{os.urandom(3).hex()}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}", given):
        hint = "use up to 120 letters, digits, dots, dashes and underscores"
        raise refusal(f'"{given}" is not a valid run id', code="invalid-run-id", hint=hint)
    return given
