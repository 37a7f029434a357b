"""Success and failure actions: what happens after a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.document.fields import Fields
from arazzo_runner.document.model import FailureAction, Parameter, ReusableObject, SuccessAction
from arazzo_runner.document.parts import Parts
from arazzo_runner.errors import Location, removing

Built = TypeVar("Built")


class Actions(Parts):
    """Builds the action objects."""

    def actions(
        self, fields: Fields, name: str, build_action: Callable[[JsonValue, Location], Built | None]
    ) -> tuple[Any, ...]:
        actions: tuple[Any, ...] = fields.items(name, build_action)
        if len(actions) > 1:
            named = [(each.name, each.at) for each in actions if not isinstance(each, ReusableObject) and each.name]
            self.check_unique("duplicate-action", "action", named)
        return actions

    def success_action(self, raw: JsonValue, at: Location) -> SuccessAction | ReusableObject | None:
        """Arazzo §Success Action Object, or a Reusable Object."""
        if isinstance(raw, dict) and "reference" in raw:
            return self._reusable_action("success action", raw, at)
        fields = self.fields_of("success action", raw, at)
        if fields is None:
            return None
        hint = None
        if fields.raw.get("type") == "retry":
            fields.known |= {"retryAfter", "retryLimit"}  # one finding is enough
            hint = "repeat a step that succeeds with type: goto and its own stepId; retry is for onFailure"
        kind = fields.choice("type", ("end", "goto"), required=True, hint=hint)
        self._action_target(fields, kind)
        return SuccessAction(
            name=fields.required_text("name"),
            type=kind or "end",  # type: ignore[arg-type]
            workflow_id=fields.text("workflowId"),
            step_id=fields.text("stepId"),
            parameters=self._action_parameters(fields),
            criteria=fields.items("criteria", self.criterion, useless=True),
            extensions=fields.extensions(),
            at=at,
        )

    def failure_action(self, raw: JsonValue, at: Location) -> FailureAction | ReusableObject | None:
        """Arazzo §Failure Action Object, or a Reusable Object."""
        if isinstance(raw, dict) and "reference" in raw:
            return self._reusable_action("failure action", raw, at)
        fields = self.fields_of("failure action", raw, at)
        if fields is None:
            return None
        kind = fields.choice("type", ("end", "retry", "goto"), required=True)
        self._action_target(fields, kind)
        for name in ("retryAfter", "retryLimit"):
            if name in fields.raw and kind not in ("retry", None):
                message = f"failure action: {name} applies only to type retry"
                fix = removing(fields.child(name), is_safe=False)
                self.problems.warn("ignored-field", message, fields.key(name), hint=f"remove {name}", fix=fix)
        return FailureAction(
            name=fields.required_text("name"),
            type=kind or "end",  # type: ignore[arg-type]
            workflow_id=fields.text("workflowId"),
            step_id=fields.text("stepId"),
            parameters=self._action_parameters(fields),
            retry_after=fields.number("retryAfter"),
            retry_limit=fields.number("retryLimit", integer=True),  # type: ignore[arg-type]
            criteria=fields.items("criteria", self.criterion),
            extensions=fields.extensions(),
            at=at,
        )

    def _reusable_action(self, kind: str, raw: Mapping[str, JsonValue], at: Location) -> ReusableObject:
        if "value" in raw:
            message = "a reference to an action has no value"
            self.problems.warn("ignored-field", message, at.child("value").at_key(), hint="remove value")
        return self.reusable(raw, at, kind)

    def _action_target(self, fields: Fields, kind: str | None) -> None:
        given = fields.exclusive(("workflowId", "stepId"))
        if kind == "goto" and not given and not any(map(fields.is_misspelt, ("workflowId", "stepId"))):
            hint = "add stepId or workflowId"
            self.problems.error("missing-field", f"{fields.kind}: goto says not where to", fields.at, hint=hint)
        if kind == "end" and given:
            message = f"{fields.kind}: {given[0]} does not apply to type end"
            hint, fix = f"remove {given[0]}, or write type: goto", removing(fields.child(given[0]), is_safe=False)
            self.problems.warn("ignored-field", message, fields.key(given[0]), hint=hint, fix=fix)

    def _action_parameters(self, fields: Fields) -> tuple[Parameter | ReusableObject, ...]:
        if "parameters" not in fields.raw:
            return ()
        fields.newer("parameters")
        if "workflowId" not in fields.raw:
            message = f"{fields.kind}: parameters are passed only to a workflow"
            hint = "remove parameters, or name the workflowId"
            self.problems.warn("ignored-field", message, fields.key("parameters"), hint=hint)
        parameters = self.parameters(fields)
        for each in parameters:
            if isinstance(each, Parameter) and each.in_ is not None:
                message = f'parameter "{each.name}" of an action has "in", which must not be used'
                place = each.at.child("in")
                self.problems.warn("ignored-in", message, place, hint="leave it out", fix=removing(place))
        return parameters
