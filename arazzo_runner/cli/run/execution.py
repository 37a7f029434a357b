"""What every run from the command line goes through, alone or as one of many: loaded, checked, performed, kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from arazzo_runner import api
from arazzo_runner.base.private_files import PrivateFile, state_folder
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.suggestions import did_you_mean
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.options import pairs
from arazzo_runner.cli.run.arguments import RunArguments, run_options
from arazzo_runner.cli.run.inputs import GivenInputs, given_inputs, with_defaults
from arazzo_runner.cli.run.recording import Recording
from arazzo_runner.config.find import find_configuration
from arazzo_runner.engine.access import CredentialsGiven
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.events import Event
from arazzo_runner.engine.results import RunResult
from arazzo_runner.engine.selection import select
from arazzo_runner.errors import ArazzoError, InvalidUsage
from arazzo_runner.program.model import Program
from arazzo_runner.program.schemas import input_names
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.secret_file import SecretFile, has_secret_outputs
from arazzo_runner.sources.fetch import DocumentSnapshot
from arazzo_runner.sources.uris import is_remote

Announce = Callable[[str], None]


def configured(given: RunArguments, spec: str) -> RunArguments:
    """Return the arguments with what the configuration file of a document says beside them; raises InvalidUsage."""
    path = find_configuration("." if is_remote(spec) else spec)
    if path is None and given.many.env is None:
        return given
    from arazzo_runner.cli.environments import with_configuration  # lazily: most documents have no configuration

    return with_configuration(given, path)


def load(given: RunArguments, kept: DocumentSnapshot | None = None) -> Program:
    """Load the workflow of a single run, keeping what is read; raises ArazzoError."""
    return api.choose_workflow(load_document(given, given.spec, given.workflow, kept), given.workflow)


def load_document(
    given: RunArguments, spec: str, workflow_id: str | None, kept: DocumentSnapshot | None = None
) -> Program:
    """Load a document as the command line says; raises ArazzoError."""
    reading = reading_of(given)
    program = api.load(spec, workflow_id, **reading, any_server=given.mock, kept=kept)
    _check_names(program, given.reading.sources, "--source")
    _check_names(program, pairs(given.servers, "--server", "NAME=URL"), "--server")
    return program


def reading_of(given: RunArguments) -> dict[str, Any]:
    """Return how documents are read, as arguments of `load`."""
    said, defaults = given.reading.as_keywords(), given.defaults
    variables = pairs(given.server_variables, "--server-var")
    return {
        **said,
        "sources": {**defaults.sources, **said["sources"]},
        "url_map": {**defaults.url_map, **said["url_map"]},
        "include": given.include,
        "servers": {**defaults.servers, **pairs(given.servers, "--server", "NAME=URL")},
        "server_variables": {**defaults.server_variables, **variables},
    }


def _check_names(program: Program, given: Iterable[str], option: str) -> None:
    """Refuse a source name nobody knows: the requests it was meant for would go to the real server."""
    known = list(dict.fromkeys(name for each in program.workflows.values() for name in each.document.sources))
    for name in given:
        if name not in known:
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            raise InvalidUsage(
                [usage_error(f'{option}: there is no source "{name}"', code="unknown-source", hint=hint)]
            )


def collect_inputs(given: RunArguments, program: Program, environment: Mapping[str, str]) -> GivenInputs:
    """Collect and check the inputs of a single run; raises ArazzoError."""
    names = input_names(program.workflow.inputs, program.workflow.document.raw) or frozenset()
    found = given_inputs(given.inputs, given.input_file, names, environment)
    return checked(program, with_defaults(found, names, given.defaults.inputs))


def checked(program: Program, inputs: GivenInputs) -> GivenInputs:
    """Check inputs, so that nothing is sent, and no file made, when they are wrong; raises ArazzoError, masked."""
    workflow = program.workflow
    try:
        _, notes = api.check_inputs(program, inputs.values, inputs.texts)
    except ArazzoError as problem:
        secrets = Secrets(text for name, text in inputs.texts.items() if name in workflow.secret_inputs)
        for name in workflow.secret_inputs:
            secrets.add(inputs.values.get(name))
        raise type(problem)(masked_diagnostic(each, secrets) for each in problem.diagnostics) from None
    return replace(inputs, warnings=(*inputs.warnings, *notes))


class Around(Protocol):
    """Something that wraps a World."""

    def around(self, world: World) -> World:
        """Return a World around a World."""


def pace_of(given: RunArguments) -> Around | None:
    """Return the pace that all runs of a command line share, None when none was asked for."""
    if given.many.rate is None:
        return None
    from arazzo_runner.runtime.rate import Pace  # lazily: few runs are held back

    return Pace(given.many.rate)


class Execution:
    """One run about to begin: its options are checked, and secret outputs have a place.

    `on_event` is told what happens, `announce` where secret outputs are kept; `label` tells the
    files of several runs apart; `credentials`, `pace` and `world` may be shared by
    many runs. `place` is the file that the outputs will be written to: a run that is killed
    leaves its secrets there. Raises InvalidUsage.
    """

    def __init__(
        self,
        given: RunArguments,
        program: Program,
        inputs: GivenInputs,
        *,
        on_event: api.OnEvent,
        announce: Announce,
        label: str = "",
        credentials: CredentialsGiven = None,
        pace: Around | None = None,
        world: World | None = None,
        place: PrivateFile | None = None,
    ) -> None:
        self.given = given
        self.program = program
        self.inputs = inputs
        self.options = run_options(given)
        self._on_event = on_event
        self._credentials = credentials
        self._pace = pace
        self._world = world
        select(program.workflow, self.options)
        self._recording = None if given.record is None else _recording(given)
        self._keep = self._made_keep(announce, label, place) if has_secret_outputs(program) else None

    def _made_keep(self, announce: Announce, label: str, place: PrivateFile | None) -> SecretFile | None:
        """Return where secret outputs are kept while the run goes on: `place` is the file of --output."""
        if not self.given.secrets_have_a_place:
            return prepared_keep(self.program, announce, label)
        if place is None or not place.is_replaceable:
            return None
        path = place.path
        return SecretFile(self.program, place, lambda moved: announce(moved) if moved != path else None)

    def perform(self) -> RunResult:
        """Run; blocking."""
        if self.given.dry_run:
            return api.dry_run(self.program, **self._common())
        return self._kept(api.run(self.program, **self._common(), **self._sending()))

    async def aperform(self) -> RunResult:
        """Run on the running event loop."""
        if self.given.dry_run:
            return self.perform()
        return self._kept(await api.arun(self.program, **self._common(), **self._sending()))

    def farewell(self) -> str:
        """Return what is left to be done when the run is over, as lines for standard error."""
        return ""

    def abandon(self) -> None:
        """Leave no empty file behind when the run could not even begin."""
        if self._keep is not None and not self._keep.used:
            self._keep.discard()
        if self._recording is not None:
            self._recording.discard()

    def record(self, result: RunResult) -> None:
        """Write down the conversation when that was asked for; raises OSError."""
        if self._recording is not None:
            inputs, _ = api.check_inputs(self.program, self.inputs.values, self.inputs.texts)
            self._recording.finish(result, inputs)

    def _common(self) -> dict[str, Any]:
        return {
            "inputs": self.inputs.values,
            "input_texts": self.inputs.texts,
            "on_event": self._told,
            "options": self.options,
            "credentials": self._credentials,
        }

    def _sending(self) -> dict[str, Any]:
        """Return what only a run that sends something is told."""
        given = self.given
        return {
            "mock": given.mock,
            "scenario": given.scenario,
            "switches": given.switches,
            "around": self._around,
            "world": self._world,
        }

    def _around(self, world: World) -> World:
        """Wrap the World that performs the requests in what was asked for."""
        for wrap in (self._pace, self._recording):
            world = world if wrap is None else wrap.around(world)
        return world

    def _told(self, event: Event, secrets: Secrets) -> None:
        # First to disk, then to the screen: what the screen names must be there.
        if self._keep is not None:
            self._keep.on_event(event, secrets)
        self._on_event(event, secrets)

    def _kept(self, result: RunResult) -> RunResult:
        lost = None if self._keep is None else self._keep.finish(result.status, result.outputs)
        if lost is None or result.status != "succeeded":
            return result
        return replace(result, status="failed", reason=lost)


def _recording(given: RunArguments) -> Recording:
    assert given.record is not None
    return Recording(given.record, given.spec, elsewhere=given.mock or bool(given.servers))


def prepared_keep(program: Program, announce: Announce, label: str = "") -> SecretFile:
    """Return where secret outputs are kept; raises InvalidUsage when nothing can be."""
    try:
        return SecretFile.prepare(program, announce, label)
    except OSError as problem:
        message = f"secret outputs cannot be kept in {state_folder()}: {problem.strerror or problem}"
        hint = "say where they should go with --output FILE or --show-secrets, or set XDG_STATE_HOME"
        raise InvalidUsage([usage_error(message, code="cannot-keep-secrets", hint=hint)]) from None
