"""The visits of a walk: one step after the other. `ahead.Ahead` lets independent later ones run meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.engine.attempt import Tried
from arazzo_runner.engine.results import StepResult
from arazzo_runner.engine.state import Frame, Run
from arazzo_runner.program.model import CompiledAction, CompiledStep


class Visit(Record):
    """One visit of a step: its result, the action that follows (None: the default), and its last attempt."""

    result: StepResult
    action: CompiledAction | None
    tried: Tried

    @property
    def passed(self) -> bool:
        """Whether the last attempt met its criteria."""
        return self.tried.attempt.passed

    @property
    def leads_on(self) -> bool:
        """Whether the next step follows."""
        return self.action is None and self.passed

    @property
    def made(self) -> dict[str, JsonValue] | None:
        """The outputs that later steps see, None for none."""
        return self.tried.outputs if self.tried.outputs or self.passed else None


VisitStep: TypeAlias = Callable[[Run, Frame, CompiledStep], Coroutine[Any, Any, Visit]]


class Turns:
    """Visits the steps of a workflow in their turn; `visit_step` visits one."""

    def __init__(self, run: Run, frame: Frame, visit_step: VisitStep) -> None:
        self._run = run
        self._frame = frame
        self._steps = frame.workflow.steps
        self._visit_step = visit_step

    async def visit(self, index: int) -> Visit | None:
        """Return the visit of the step whose turn it is; None if the run stops before it begins."""
        return await self._visit_step(self._run, self._frame, self._steps[index])

    async def go_on(self, index: int, following: int | None) -> None:
        """Prepare for the step after this one; None when the walk ends or goes back."""

    async def rest(self) -> Sequence[Visit]:
        """Return the visits that ended before their turn when the run is interrupted."""
        return ()

    def close(self) -> None:
        """Give up what is under way: an exception ends the run."""
