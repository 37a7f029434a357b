"""What all scripts around a request have: their texts, the names in their scope, the functions at their end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from arazzo_runner.base.json_values import MISSING
from arazzo_runner.export.flat import FlatStep, Frame
from arazzo_runner.export.flat_values import Scripts, Variables, used_inputs
from arazzo_runner.export.js_helpers import sources_of
from arazzo_runner.export.js_steps import described
from arazzo_runner.export.js_text import enclosed, key, literal
from arazzo_runner.export.notes import Notes
from arazzo_runner.export.plan import Input, Plan


class ScriptFrame:
    """What a script begins and ends with; a dialect gives the texts."""

    state: ClassVar[str]
    """Statements that define `run`, what the scripts know of the run."""
    save: ClassVar[str]
    """The statement that keeps `run`."""
    response: ClassVar[str]
    """Statements that define `response`; helpers are those of `response_helpers`."""
    response_helpers: ClassVar[frozenset[str]]
    request_parts: ClassVar[tuple[str, str, str]]
    """The method, the URL and the function `header` of the request that was sent."""
    functions: ClassVar[Mapping[str, str]]
    """The functions of a dialect: `given`, `required`, `report`, `fail` and others."""

    def __init__(
        self, plan: Plan, flat: FlatStep, steps: Sequence[FlatStep], notes: Notes, variables: Variables
    ) -> None:
        self.plan = plan
        self.flat = flat
        self.steps = steps
        self.notes = notes
        self.variables = variables
        self.values = Scripts(plan, flat.frame, notes, set(), flat.step.later)
        self.used: set[str] = set()

    def counts(self) -> bool:
        """Return whether the tries of this request are counted."""
        return any(each.type == "retry" for each in self.flat.step.actions)

    def uses_jumps(self) -> bool:
        """Return whether any request is followed by one that is not the next."""
        return any(
            each.type == "retry" or each.step_id is not None for flat in self.steps for each in flat.step.actions
        )

    def _variable(self, each: Input) -> str:
        known = {own.name for own in self.plan.workflow.inputs}
        return self.variables.input(each.name) if each.name in known else each.name

    def _first_of(self, frame: Frame, step_id: str) -> FlatStep | None:
        path = (*frame.path, step_id)
        return next((each for each in self.steps if (*each.frame.path, each.step.step_id)[: len(path)] == path), None)

    def _in_scope(self, frame: Frame, lines: list[str]) -> list[str]:
        return [*self._scope(frame, None, lines), *lines]

    def _scope(self, frame: Frame, values: Scripts | None, lines: list[str]) -> list[str]:
        """Return the variables `inputs` and `steps` of a frame, where lines use them."""
        used = self.used if values is None else values.writer.used_inputs
        text = "\n".join(lines)
        found: list[str] = []
        if "inputs" in text and frame.parent is None:
            members = [f"{key(each.name)}: {self._given(each)}" for each in used_inputs(frame, used)]
            found += f"const inputs = {enclosed('{', members, '}')};".split("\n")
        elif "inputs" in text:
            found.append(f"const inputs = run.frames[{literal(frame.name)}].inputs;")
        if "steps." in text or "steps[" in text:
            found.append(f"const steps = run.frames[{literal(frame.name)}].steps;")
        if "workflows." in text or "(workflows" in text:
            found.append("const workflows = run.workflows;")
        return found

    def _given(self, each: Input) -> str:
        default = [] if each.default is MISSING else [literal(each.default)]
        arguments = [literal(self._variable(each)), literal(each.type == "string"), *default]
        return f"given({', '.join(arguments)})"

    def _all_references(self) -> list[str]:
        return list(described(self.plan))

    def _functions(self, lines: list[str], helpers: set[str]) -> Iterator[str]:
        text = "\n".join(lines)
        for name, source in self.functions.items():
            if f"{name}(" in text:
                yield from source.splitlines()
                text += source
        wanted = helpers | ({"parsed"} if "given(" in text else set())
        for source in sources_of(wanted):
            yield from source.splitlines()
