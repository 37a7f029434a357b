"""The parts of scripts that the targets with `{{variables}}` share: state, names of variables, outputs, verdicts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.export.flat import FlatStep, Frame, inputs_by_name
from arazzo_runner.export.js_text import comment, enclosed, key, literal, member
from arazzo_runner.export.js_values import JsWriter
from arazzo_runner.export.names import distinct
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Input, Plan, Request, Step
from arazzo_runner.export.unsayable import Unsayable
from arazzo_runner.program.model import CompiledCriterion, ExpressionValue, Value

_NO_NAME: Final = re.compile(r"[^A-Za-z0-9_]+")


class Variables:
    """The variables of an exported file: one for each server, input and credential."""

    def __init__(self, plan: Plan) -> None:
        servers = [(each.variable, each.variable.removeprefix("ARAZZO_").lower()) for each in plan.servers]
        # Some tools have the responses of requests as variables of their names.
        steps = {step.step_id for each in plan.workflows for step in each.steps}
        inputs = [(f"input {each.name}", _plain(each.name, steps)) for each in plan.workflow.inputs]
        secrets = [
            (variable, variable.removeprefix("ARAZZO_").lower())
            for each in plan.credentials
            for variable in each.variables.values()
        ]
        wanted = dict([*servers, *inputs, *secrets])
        self._names = distinct(wanted, wanted.__getitem__, {"arazzo_run"})

    def of(self, variable: str) -> str:
        """Return the name of the variable of a server or credential."""
        return self._names[variable]

    def input(self, name: str) -> str:
        """Return the name of the variable of an input."""
        return self._names[f"input {name}"]

    @property
    def names(self) -> list[str]:
        """All names."""
        return list(self._names.values())


def _plain(name: str, taken: Collection[str]) -> str:
    written = _NO_NAME.sub("_", name)
    return written if written[:1].isalpha() and written not in taken else f"input_{written}"


class Scripts:
    """Writes expressions, outputs and verdicts for the steps of one frame."""

    def __init__(self, plan: Plan, frame: Frame, notes: Notes, helpers: set[str], later: Iterable[str] = ()) -> None:
        self.plan = plan
        self.frame = frame
        self.notes = notes
        inputs = frame.workflow.inputs
        self.writer = JsWriter(
            plan=plan,
            inputs=[each.name for each in inputs],
            certain=[each.name for each in inputs if each.required or each.default is not MISSING],
            outputs={step.step_id: [name for name, _ in step.outputs] for step in frame.workflow.steps},
            later=frozenset(later),
            helpers=helpers,
        )

    def verdicts(self, step: Step) -> Iterator[str]:
        """Yield the statement that judges the criteria of a step, each with its text."""
        found: list[str] = []
        for criterion in step.criteria:
            written = self.criterion(criterion)
            if written is None:
                yield from comment(f"not exported: {criterion.text}")
            else:
                found.append(f"[{literal(criterion.text.strip())}, {written}]")
        if not step.criteria and isinstance(step.does, Request):
            also = " || response.status === 304" if step.does.documents_304 else ""
            found.append(f'["the status is 2xx", (response.status >= 200 && response.status < 300){also}]')
        yield from f"const verdicts = {enclosed('[', found, ']')};".split("\n")

    def criterion(self, criterion: CompiledCriterion) -> str | None:
        """Return a criterion as an expression; None, with a warning, when it cannot be said."""
        try:
            return self.writer.criterion(criterion)
        except Unsayable as problem:
            self.notes.cannot(criterion.at, problem.sentence)
            return None

    def members(self, outputs: Iterable[tuple[str, Value]]) -> tuple[list[str], list[str]]:
        """Return outputs as members of an object, and comments for those that cannot be said."""
        members: list[str] = []
        comments: list[str] = []
        for name, value in outputs:
            at = getattr(value, "at", self.frame.workflow.at)
            try:
                written = self.writer.value(value)
            except Unsayable as problem:
                comments += comment(f'{self.notes.cannot(at, problem.sentence)}: output "{name}"')
                continue
            is_plain = isinstance(value, ExpressionValue) or ("needed(" not in written and "text(" not in written)
            whole = written if is_plain else f"{self.writer.use('optional')}(() => {written})"
            members.append(f"{key(name)}: {whole}")
        return members, comments

    def call_inputs(self, inputs: Iterable[tuple[str, Value]], called: Iterable[Input]) -> str:
        """Return the inputs of a called workflow as an object."""
        defaults = [f"{key(each.name)}: {literal(each.default)}" for each in called if each.default is not MISSING]
        members = [f"{key(name)}: {self.writer.value(value)}" for name, value in inputs]
        given = enclosed("{", members, "}")
        return given if not defaults else f"Object.assign({enclosed('{', defaults, '}')}, {self.present(given)})"

    def present(self, members: str) -> str:
        """Return an object without the members that have no value."""
        return f"{self.writer.use('present')}({members})"


def request_object(flat: FlatStep, scripts: Scripts, method: str, url: str, header: str) -> Iterator[str]:
    """Yield the variable `request` of a test script: what its step reads of the request."""
    writer, members = scripts.writer, [f"method: {method}", f"url: {url}", f"header: {header}"]
    request = flat.request
    for place, parameters in (
        ("query", request.query),
        ("path", [part for part in request.path if not isinstance(part, str)]),
    ):
        pairs = [f"{key(each.name)}: {writer.value(each.value)}" for each in parameters]
        members.append(f"{place}: {enclosed('{', pairs, '}')}")
    if request.body is not None and request.body.payload is not None:
        members.append(f"body: {writer.value(request.body.payload)}")
    yield from f"const request = {enclosed('{', members, '}')};".split("\n")


def used_inputs(frame: Frame, names: Iterable[str]) -> list[Input]:
    """Return the inputs of a frame of these names, in their order."""
    known, wanted = inputs_by_name(frame.workflow), set(names)
    return [each for name, each in known.items() if name in wanted]


def step_outputs(step: Step) -> str:
    """Return the place of a step's outputs."""
    return member("steps", step.step_id)
