"""`arazzo run --durable`: the run is begun in the store, carried out, and what is left to do is said."""

from __future__ import annotations

import os
from typing import Any

from arazzo_runner import api, durable_runs
from arazzo_runner.base.records import replace
from arazzo_runner.cli.run.arguments import RunArguments
from arazzo_runner.cli.run.execution import Announce, Execution, reading_of
from arazzo_runner.cli.run.inputs import GivenInputs
from arazzo_runner.engine.results import RunResult
from arazzo_runner.program.model import Program
from arazzo_runner.report.escaping import one_line
from arazzo_runner.sources.fetch import DocumentSnapshot


class DurableExecution(Execution):
    """A durable run about to begin: its store is there and can be written. `kept` is what its program was made from."""

    def __init__(
        self,
        given: RunArguments,
        program: Program,
        inputs: GivenInputs,
        *,
        on_event: api.OnEvent,
        announce: Announce,
        kept: DocumentSnapshot,
    ) -> None:
        super().__init__(given, program, inputs, on_event=on_event, announce=announce)
        self._announce = announce
        self._bundle = durable_runs.bundled(kept, reading_of(given))
        self._run_id = durable_runs.run_id_of(given.durable.run_id, program.workflow.workflow_id)
        self._runtime = durable_runs.opened(given.durable.store, os.environ)
        self._outcome: Any = None

    def perform(self) -> RunResult:
        """Begin the run and carry it out, blocking."""
        checked, _ = api.check_inputs(self.program, self.inputs.values, self.inputs.texts)
        spec = durable_runs.spec_of(self.program, self._bundle, checked, self.options)
        names = self.given.defaults.credentials
        spec = replace(spec, idempotency_keys=self.given.durable.idempotency_keys, credential_names=names)
        with self._runtime as runtime:
            if not self.given.quiet:
                self._announce(f"durable run {self._run_id}")
            self._outcome = runtime.start(
                spec, self._bundle, run_id=self._run_id, on_event=self._told, program=self.program
            )
        result: RunResult = self._outcome.result
        return result

    def farewell(self) -> str:
        """Say how an unfinished run goes on, and where the outputs of an ended one are."""
        return farewell(self._outcome, self.given.durable.store)


def farewell(outcome: Any, store: str | None) -> str:
    """Say how an unfinished run goes on, and where the outputs of an ended one are."""
    if outcome is None:
        return ""
    option = f" --store {one_line(store)}" if store else ""
    if outcome.doubts:
        return "".join(_doubt(outcome.run_id, doubt, option) for doubt in outcome.doubts)
    if outcome.unfinished:
        return f"the run is kept; it goes on with: arazzo resume {outcome.run_id}{option}\n"
    if outcome.result.secret_outputs:
        return f"secret outputs are kept: arazzo runs show {outcome.run_id}{option} --show-secrets\n"
    return ""


def _doubt(run_id: str, doubt: Any, option: str) -> str:
    command = f"arazzo resume {run_id}{option} --step {one_line(doubt.step_id)} --as"
    return (
        f"in doubt: {one_line(doubt.step_id)}: {doubt.method} {one_line(doubt.url)}\n"
        "  Was it acted on? Look at the server, then say so:\n"
        f"    {command} failed     it was not: the step fails\n"
        f"    {command} resend     it may be sent once more\n"
        f"    {command} FILE.json  it was, and this is the answer: "
        '{"status": 200, "headers": {}, "body": {}}\n'
    )
