"""`arazzo run --record`: what was said is written down when the run is over."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.private_files import PrivateFile
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.engine.effects import World
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.sources.uris import is_remote


class Recording:
    """One cassette in the making. `elsewhere` says that sources are not called where their descriptions say."""

    def __init__(self, path: str, spec: str, *, elsewhere: bool) -> None:
        """Make sure that the file can be written; raises InvalidUsage."""
        try:
            self._file = PrivateFile.prepare(path)
        except OSError as problem:
            message = f"the recording cannot be written to {path}: {problem.strerror or problem}"
            hint = "name another file with --record"
            raise InvalidUsage([usage_error(message, code="cannot-write-output", hint=hint)]) from None
        self._spec = spec
        self._elsewhere = elsewhere
        self._recorder: Any = None

    def around(self, world: World) -> World:
        """Listen to a World."""
        from arazzo_runner.runtime.cassette.world import Recorder  # lazily: few runs are recorded

        self._recorder = recorder = Recorder(world)
        return recorder

    def finish(self, result: RunResult, inputs: Mapping[str, JsonValue]) -> None:
        """Write what was said; raises OSError."""
        from arazzo_runner.runtime.cassette.file import cassette_text
        from arazzo_runner.runtime.cassette.placeholders import Placeholders
        from arazzo_runner.runtime.cassette.world import Cassette

        interactions = () if self._recorder is None else tuple(self._recorder.interactions)
        servers = {each.source: each.server for each in reversed(interactions)} if self._elsewhere else {}
        cassette = Cassette(
            document=self._document(),
            workflow_id=result.workflow_id or "",
            status=result.status,
            inputs=inputs,
            outputs=result.outputs,
            servers=servers,
            interactions=interactions,
        )
        self._file.write(cassette_text(cassette, Placeholders(result.secrets)))

    def discard(self) -> None:
        """Leave no empty file of a run that could not begin."""
        self._file.discard()

    def _document(self) -> str:
        # A cassette beside its document can be moved with it.
        if is_remote(self._spec):
            return self._spec
        try:
            return os.path.relpath(self._spec, os.path.dirname(os.path.abspath(self._file.path))).replace(os.sep, "/")
        except ValueError:  # on Windows there is no way from one drive to another
            return os.path.abspath(self._spec)
