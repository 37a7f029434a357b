"""Success and failure actions → CompiledAction: a step's own, then those of its workflow that it does not override."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from arazzo_runner.base.records import Record, field
from arazzo_runner.document.model import FailureAction, Parameter, ReusableObject, SuccessAction
from arazzo_runner.expressions.names import depends_on_names
from arazzo_runner.expressions.nodes import Expression
from arazzo_runner.program.context import Context, component, names_hint, reused_parameter
from arazzo_runner.program.link import Linker
from arazzo_runner.program.model import CompiledAction, CompiledParameter
from arazzo_runner.program.values import action_references, compile_criteria, compile_field, steps_read


class Actions(Record):
    """Compiled actions, and the steps whose outputs they refer to."""

    compiled: tuple[CompiledAction, ...] = ()
    reads: frozenset[str] = frozenset()


NO_ACTIONS: Final = Actions()


class ActionCompiler(Record):
    """Compiles the actions of one workflow.

    `shared` caches, for all workflows of a document, the actions that refer to nothing of their workflow.
    """

    linker: Linker
    context: Context
    shared: dict[int, CompiledAction | None]
    _compiled: dict[int, CompiledAction | None] = field(default_factory=dict)
    _inherited: dict[type, Actions] = field(default_factory=dict)

    def of_step(
        self,
        own: Sequence[SuccessAction | FailureAction | ReusableObject],
        inherited: Sequence[SuccessAction | FailureAction | ReusableObject],
        kind: type[SuccessAction | FailureAction],
    ) -> Actions:
        """Return the step's actions, then those of its workflow that it does not override by name."""
        if own:
            return self._merged((*own, *inherited), kind)
        if not inherited:
            return NO_ACTIONS
        if kind not in self._inherited:
            self._inherited[kind] = self._merged(inherited, kind)
        return self._inherited[kind]

    def _merged(
        self,
        items: Sequence[SuccessAction | FailureAction | ReusableObject],
        kind: type[SuccessAction | FailureAction],
    ) -> Actions:
        actions: dict[str, CompiledAction] = {}
        found: list[Expression] = []
        for item in items:
            action = self._reused_action(item, kind) if isinstance(item, ReusableObject) else item
            if action is None or action.name in actions:
                continue
            compiled = self._compiled_action(action)
            if compiled is not None:
                actions[action.name] = compiled
                if id(action) not in self.shared:  # shared actions refer to no step
                    found += action_references(compiled)
        return Actions(tuple(actions.values()), steps_read(found))

    def _compiled_action(self, action: SuccessAction | FailureAction) -> CompiledAction | None:
        """Return the compiled action, compiling it once per workflow or, if it is shared, once per document."""
        known = self._compiled
        if id(action) in self.shared or _is_same_everywhere(action):
            known = self.shared
        if id(action) not in known:
            known[id(action)] = self._action(action)
        return known[id(action)]

    def _reused_action(
        self, item: ReusableObject, kind: type[SuccessAction | FailureAction]
    ) -> SuccessAction | FailureAction | None:
        found = component(item, "successActions" if kind is SuccessAction else "failureActions", self.context)
        return found if isinstance(found, kind) else None

    def _action(self, action: SuccessAction | FailureAction) -> CompiledAction | None:
        workflow = None
        if action.workflow_id is not None:
            workflow = self.linker.workflow(action.workflow_id, action.at.child("workflowId"))
            if workflow is None:
                return None
        if action.step_id is not None and not self._knows_step(action):
            return None
        retry_limit = action.retry_limit if isinstance(action, FailureAction) else None
        retry_after = action.retry_after if isinstance(action, FailureAction) else None
        return CompiledAction(
            action.name,
            action.type,
            action.at,
            action.step_id,
            workflow,
            self._action_parameters(action) if action.parameters else (),
            compile_criteria(action.criteria, self.context),
            retry_after or 0.0,
            1 if retry_limit is None else retry_limit,
        )

    def _knows_step(self, action: SuccessAction | FailureAction) -> bool:
        assert action.step_id is not None
        if action.step_id in self.context.declared.steps:
            return True
        message = f'action "{action.name}" goes to step "{action.step_id}", which is not in this workflow'
        hint = names_hint(action.step_id, self.context.declared.steps)
        self.context.problems.error("unknown-step", message, action.at.child("stepId"), hint=hint)
        return False

    def _action_parameters(self, action: SuccessAction | FailureAction) -> tuple[CompiledParameter, ...]:
        compiled = []
        for item in action.parameters:
            parameter = item if isinstance(item, Parameter) else reused_parameter(item, self.context)
            if parameter is not None:
                value = compile_field(parameter.value, parameter.at, "value", self.context)
                compiled.append(CompiledParameter(parameter.name, None, value, parameter.at))
        return tuple(compiled)


def _is_same_everywhere(action: SuccessAction | FailureAction) -> bool:
    """Return whether an action refers to nothing of the workflow that uses it."""
    if action.step_id is not None or action.parameters:
        return False
    return not any(each.context is not None or depends_on_names(each.condition) for each in action.criteria)
