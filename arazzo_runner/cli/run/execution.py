"""One run, alone or one of many: performed, its secret outputs kept on disk, its conversation recorded."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from arazzo_runner import api
from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.private_files import PrivateFile, state_folder
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.options import RunArguments
from arazzo_runner.cli.run.prepare import Prepared
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.interruption import carry, partial_result
from arazzo_runner.engine.results import Event, RunResult
from arazzo_runner.engine.selection import select
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.program.model import Program
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.kept_outputs import older_files
from arazzo_runner.report.secret_file import SecretFile, has_secret_outputs
from arazzo_runner.report.terminal.console import count
from arazzo_runner.sources.uris import is_remote

Announce = Callable[[str], None]


class Wrapper(Protocol):
    """Wraps Worlds."""

    def around(self, world: World) -> World:
        """Return a World around a World."""


def pace_of(given: RunArguments) -> Wrapper | None:
    """Return what holds the requests of all runs to --rate, None without it."""
    if given.many.rate is None:
        return None
    from arazzo_runner.runtime.rate import Pace  # lazily: few runs are held back

    return Pace(given.many.rate)


class Execution:
    """A run about to begin: its steps can be chosen and its files can be written, else InvalidUsage is raised.

    `on_event` is called with events, `announce` with the path of secret outputs; `label` distinguishes the
    files of several runs; `pace` and `world` may be shared by runs. `output` is the file of
    --output: secret outputs are written into it at once, so that a run that is killed leaves them there.
    """

    def __init__(
        self,
        given: RunArguments,
        ready: Prepared,
        *,
        on_event: api.OnEvent,
        announce: Announce,
        label: str = "",
        pace: Wrapper | None = None,
        world: World | None = None,
        output: PrivateFile | None = None,
    ) -> None:
        self.given = given
        self.ready = ready
        self._on_event = on_event
        self._pace = pace
        self._world = world
        select(ready.program.workflow, ready.options)
        self._recording = None if given.record is None else _recording(given.record, given, ready)
        self._secret_file = self._prepared_file(announce, label, output) if has_secret_outputs(ready.program) else None

    def _prepared_file(self, announce: Announce, label: str, output: PrivateFile | None) -> SecretFile | None:
        """Return the file that takes secret outputs during the run, None where none is needed."""
        if not self.given.delivers_secrets:
            return prepared_secret_file(self.ready.program, announce, label, is_mock=bool(self.given.mock))
        if output is None or not output.is_replaceable:
            return None
        path = output.path
        return SecretFile(self.ready.program, output, lambda moved: announce(moved) if moved != path else None)

    def perform(self) -> RunResult:
        """Run, blocking; returns the result so far when it is interrupted."""
        try:
            if self.given.dry_run:
                return api.dry_run(self.ready.program, **self._common())
            result = api.run(self.ready.program, **self._common(), **self._sending())
        except KeyboardInterrupt as stop:
            result = result_so_far(stop)
        return self._with_secrets_written(result)

    async def aperform(self) -> RunResult:
        """Run on the running event loop; a cancellation has the result so far (`partial_result`)."""
        import asyncio  # lazily: only concurrent runs need it

        if self.given.dry_run:
            return self.perform()
        try:
            return self._with_secrets_written(await api.arun(self.ready.program, **self._common(), **self._sending()))
        except asyncio.CancelledError as stop:
            result = partial_result(stop)
            carry(stop, result and self._with_secrets_written(result))
            raise

    def closing_lines(self) -> str:
        """Return what a person may want to do after the run, as lines for standard error."""
        return ""

    def abandon(self) -> None:
        """Remove the files that were made for a run that did not begin."""
        if self._secret_file is not None and not self._secret_file.used:
            self._secret_file.discard()
        if self._recording is not None:
            self._recording.discard()

    def record(self, result: RunResult) -> None:
        """Write the file of --record, if there is one; raises OSError."""
        if self._recording is not None:
            self._recording.finish(result, self.ready.inputs)

    def _common(self) -> dict[str, Any]:
        return {
            "inputs": self.ready.inputs,
            "on_event": self._reported,
            "options": self.ready.options,
            "credentials": self.ready.credentials,
        }

    def _sending(self) -> dict[str, Any]:
        """Return the arguments of a run that sends its requests."""
        return {
            "mock": self.given.mock,
            "mock_lenient": self.given.mock_lenient,
            "scenario": self.ready.scenario,
            "around": self._around,
            "world": self._world,
        }

    def _around(self, world: World) -> World:
        """Wrap the World that performs the requests in the pace and the recorder."""
        for wrapper in (self._pace, self._recording):
            world = world if wrapper is None else wrapper.around(world)
        return world

    def _reported(self, event: Event, secrets: Secrets) -> None:
        # To disk before the screen, so that a file the screen names exists.
        if self._secret_file is not None:
            self._secret_file.on_event(event, secrets)
        self._on_event(event, secrets)

    def _with_secrets_written(self, result: RunResult) -> RunResult:
        """Write the last secret outputs; a run whose secrets could not be written has failed."""
        lost = None if self._secret_file is None else self._secret_file.finish(result.status, result.outputs)
        if lost is None or result.status != "succeeded":
            return result
        return replace(result, status="failed", reason=lost)


def result_so_far(stop: KeyboardInterrupt) -> RunResult:
    """Return the result so far of a run that was interrupted; raises the interruption when it had not begun."""
    result = partial_result(stop)
    if result is None:
        raise stop
    return result


def _recording(path: str, given: RunArguments, ready: Prepared) -> Recording:
    elsewhere = bool(given.mock) or bool(given.servers)
    return Recording(path, ready.spec, elsewhere=elsewhere, parallel=ready.options.parallel)


def prepared_secret_file(program: Program, announce: Announce, label: str = "", *, is_mock: bool = False) -> SecretFile:
    """Return the file below the state folder that takes secret outputs; raises InvalidUsage if it cannot be made."""
    try:
        return SecretFile.prepare(program, announce, label, is_mock=is_mock)
    except OSError as problem:
        message = f"secret outputs cannot be kept in {state_folder()}: {problem.strerror or problem}"
        hint = "use --output FILE or --show-secrets, or set XDG_STATE_HOME"
        raise InvalidUsage([usage_error(message, code="cannot-keep-secrets", hint=hint)]) from None


def kept_note(path: str) -> str:
    """Return the line that names the file of secret outputs, and how many older ones there are."""
    older = older_files(path)
    more = f" ({count(older, 'older file')} of this workflow: arazzo state list)" if older else ""
    return f"secret outputs are kept in {one_line(path)}{more}"


# ------------------------------------------------------------------ --record


class Recording:
    """The file of --record. `elsewhere`: sources are not called at the servers of their descriptions.

    `parallel` is how many steps of the run may run at the same time.
    """

    def __init__(self, path: str, spec: str, *, elsewhere: bool, parallel: int = 1) -> None:
        """Raises InvalidUsage when the file cannot be written."""
        try:
            self._file = PrivateFile.prepare(path)
        except OSError as problem:
            message = f"the recording cannot be written to {path}: {problem.strerror or problem}"
            hint = "name another file with --record"
            raise InvalidUsage([usage_error(message, code="cannot-write-output", hint=hint)]) from None
        self._spec = spec
        self._elsewhere = elsewhere
        self._parallel = parallel
        self._recorder: Any = None

    def around(self, world: World) -> World:
        """Return a World that records what another one does."""
        from arazzo_runner.runtime.cassette.world import Recorder  # lazily, as below: few runs are recorded

        self._recorder = recorder = Recorder(world)
        return recorder

    def finish(self, result: RunResult, inputs: Mapping[str, JsonValue]) -> None:
        """Write the cassette; raises OSError."""
        from arazzo_runner.runtime.cassette.file import cassette_text
        from arazzo_runner.runtime.cassette.placeholders import Placeholders
        from arazzo_runner.runtime.cassette.world import Cassette

        interactions = () if self._recorder is None else tuple(self._recorder.interactions)
        servers = {each.source: each.server for each in reversed(interactions) if each.source}
        servers = servers if self._elsewhere else {}
        cassette = Cassette(
            document=self._document(),
            workflow_id=result.workflow_id or "",
            status=result.status,
            inputs=inputs,
            outputs=result.outputs,
            servers=servers,
            parallel=self._parallel,
            interactions=interactions,
        )
        self._file.write(cassette_text(cassette, Placeholders(result.secrets)))

    def discard(self) -> None:
        """Remove the file of a run that did not begin."""
        self._file.discard()

    def _document(self) -> str:
        # Relative to the cassette, so that both can be moved together.
        if is_remote(self._spec):
            return self._spec
        try:
            return os.path.relpath(self._spec, os.path.dirname(os.path.abspath(self._file.path))).replace(os.sep, "/")
        except ValueError:  # on Windows, for another drive
            return os.path.abspath(self._spec)
