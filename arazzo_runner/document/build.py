"""Positioned value → ArazzoDescription: one short, total function per object of the Specification.

A wrong shape gives a Diagnostic and a placeholder, so that one run shows every mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from arazzo_runner.diagnostics import Location, Problems
from arazzo_runner.document.fields import Fields
from arazzo_runner.document.model import (
    ArazzoDescription,
    Components,
    Criterion,
    ExpressionType,
    FailureAction,
    Info,
    Parameter,
    PayloadReplacement,
    RequestBody,
    ReusableObject,
    Selector,
    SourceDescription,
    Step,
    SuccessAction,
    Workflow,
)
from arazzo_runner.document.source_map import Document
from arazzo_runner.records import record
from arazzo_runner.values import MISSING, JsonValue, preview, type_name

Built = TypeVar("Built")

ID_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
NAME_CHARACTERS: Final = ID_CHARACTERS | {"."}
VERSIONS: Final = {
    "jsonpath": ("rfc9535", "draft-goessner-dispatch-jsonpath-00"),
    "xpath": ("xpath-31", "xpath-30", "xpath-20", "xpath-10"),
    "jsonpointer": ("rfc6901",),
    "simple": (),
    "regex": (),
}
CRITERION_TYPES: Final = ("simple", "regex", "jsonpath", "xpath")
SELECTOR_TYPES: Final = ("jsonpath", "xpath", "jsonpointer")
PLACES: Final = ("path", "query", "querystring", "header", "cookie")
TARGETS: Final = ("operationId", "operationPath", "channelPath", "workflowId")


def build(document: Document, problems: Problems) -> ArazzoDescription:
    """Make the model of an Arazzo document; what is wrong is in `problems`, the rest is kept."""
    at = document.at()
    raw = document.value
    if not isinstance(raw, dict):
        message = f"an Arazzo document is a mapping, found {type_name(raw)}"
        problems.error("wrong-type", message, at, hint="it begins with arazzo: 1.0.1")
        return _Builder(problems, 1).description({}, at, silent=True)
    version = _version(raw, at, problems)
    return _Builder(problems, 0 if version.startswith("1.0") else 1).description(raw, at)


def _version(raw: Mapping[str, JsonValue], at: Location, problems: Problems) -> str:
    """The feature set is major.minor; the patch is ignored (Arazzo §Versions, semantics §1)."""
    value = raw.get("arazzo", MISSING)
    place = at.child("arazzo")
    if value is MISSING:
        found = next((key for key in ("openapi", "swagger", "asyncapi") if key in raw), None)
        message = (
            "the field arazzo is missing" if found is None else f"this is an {found} description, no Arazzo document"
        )
        hint = "add arazzo: 1.0.1" if found is None else "name it in sourceDescriptions of an Arazzo document"
        problems.error("missing-field", message, at, hint=hint)
        return "1.1.0"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        problems.warn("version-number", "arazzo is a number", place, hint=f'write arazzo: "{value}.0"')
        value = str(value)
    if not isinstance(value, str):
        problems.error(
            "wrong-type", f"arazzo must be a text, found {type_name(value)}", place, hint="write arazzo: 1.0.1"
        )
        return "1.1.0"
    major, _, rest = value.partition(".")
    minor = rest.partition(".")[0]
    if major != "1" or not minor.isdigit():
        message = f'version "{value}" of Arazzo is not known'
        problems.error("unknown-version", message, place, hint="write arazzo: 1.0.1 or 1.1.0")
    elif minor not in ("0", "1"):
        message = f"Arazzo {major}.{minor} is newer than 1.1, the newest known; it is read as that"
        problems.warn("unknown-version", message, place)
    return value


@record(frozen=True, slots=True)
class _Builder:
    """Builds the objects of one document; `minor` is its feature set."""

    problems: Problems
    minor: int

    def description(self, raw: Mapping[str, JsonValue], at: Location, *, silent: bool = False) -> ArazzoDescription:
        """Arazzo §Arazzo Specification Object."""
        fields = self._fields("Arazzo document", raw, at)
        if silent:
            fields.problems = Problems()
        fields.taken.update(("$schema", "arazzo"))
        fields.newer("$self")
        sources = fields.items("sourceDescriptions", self._source, required=True, empty=False)
        workflows = fields.items("workflows", self._workflow, required=True, empty=False)
        components = fields.mapping("components")
        self_uri = fields.text("$self")
        if self_uri is not None and "#" in self_uri:
            fields.error("invalid-value", "$self must not have a fragment", "$self", "leave out # and what follows")
        self._unique("duplicate-name", "source", [(source.name, source.at.child("name")) for source in sources])
        self._unique(
            "duplicate-name", "workflow", [(each.workflow_id, each.at.child("workflowId")) for each in workflows]
        )
        info = fields.mapping("info", required=True)
        return ArazzoDescription(
            arazzo=str(raw.get("arazzo", "1.1.0")),
            self_uri=self_uri,
            info=self._info(info or {}, at.child("info"), silent=silent or info is None),
            source_descriptions=sources,
            workflows=workflows,
            components=self._components(components or {}, at.child("components")),
            extensions=fields.extensions(),
            raw=raw,
            at=at,
        )

    def _info(self, raw: Mapping[str, JsonValue], at: Location, *, silent: bool) -> Info:
        """Arazzo §Info Object."""
        fields = self._fields("info", raw, at)
        if silent:
            fields.problems = Problems()
        version = raw.get("version", MISSING)
        if isinstance(version, (int, float)) and not isinstance(version, bool):
            self.problems.warn(
                "version-number", "info: version is a number", at.child("version"), hint=f'write "{version}"'
            )
            fields.taken.add("version")
            version_text = str(version)
        else:
            version_text = fields.required_text("version")
        return Info(
            title=fields.required_text("title"),
            summary=fields.text("summary"),
            description=fields.text("description"),
            version=version_text,
            extensions=fields.extensions(),
            at=at,
        )

    def _source(self, raw: JsonValue, at: Location) -> SourceDescription | None:
        """Arazzo §Source Description Object."""
        fields = self._object("source description", raw, at)
        if fields is None:
            return None
        kind = fields.choice("type", ("openapi", "asyncapi", "arazzo"))
        if kind == "asyncapi" and self.minor == 0:
            message = "type asyncapi came with Arazzo 1.1; this document says 1.0"
            self.problems.warn("newer-field", message, at.child("type"), hint="write arazzo: 1.1.0")
        name = fields.required_text("name")
        self._id("source name", name, at.child("name"))
        return SourceDescription(
            name=name,
            url=fields.required_text("url"),
            type=kind,  # type: ignore[arg-type]
            extensions=fields.extensions(),
            at=at,
        )

    def _workflow(self, raw: JsonValue, at: Location) -> Workflow | None:
        """Arazzo §Workflow Object."""
        fields = self._object("workflow", raw, at)
        if fields is None:
            return None
        inputs = fields.value("inputs")
        if inputs is not MISSING and not isinstance(inputs, (dict, bool)):
            fields.wrong_type("inputs", "a JSON Schema", inputs)
            inputs = MISSING
        steps = fields.items("steps", self._step, required=True, empty=False)
        self._unique("duplicate-name", "step", [(step.step_id, step.at.child("stepId")) for step in steps])
        workflow_id = fields.required_text("workflowId")
        self._id("workflowId", workflow_id, at.child("workflowId"))
        return Workflow(
            workflow_id=workflow_id,
            summary=fields.text("summary"),
            description=fields.text("description"),
            inputs=None if inputs is MISSING else inputs,
            depends_on=fields.texts("dependsOn"),
            steps=steps,
            success_actions=self._actions(fields, "successActions", self._success_action),
            failure_actions=self._actions(fields, "failureActions", self._failure_action),
            outputs=self._outputs(fields),
            parameters=self._parameters(fields),
            extensions=fields.extensions(),
            at=at,
        )

    def _step(self, raw: JsonValue, at: Location) -> Step | None:
        """Arazzo §Step Object."""
        fields = self._object("step", raw, at)
        if fields is None:
            return None
        self._step_target(fields)
        self._message_fields(fields)
        fields.newer("channelPath", "timeout", "correlationId", "action", "dependsOn")
        step_id = fields.required_text("stepId")
        self._id("stepId", step_id, at.child("stepId"))
        criteria = fields.items("successCriteria", self._criterion, empty=False)
        body = fields.mapping("requestBody")
        return Step(
            description=fields.text("description"),
            step_id=step_id,
            operation_id=fields.text("operationId"),
            operation_path=fields.text("operationPath"),
            channel_path=fields.text("channelPath"),
            workflow_id=fields.text("workflowId"),
            parameters=self._parameters(fields),
            request_body=None if body is None else self._request_body(body, at.child("requestBody")),
            success_criteria=criteria,
            on_success=self._actions(fields, "onSuccess", self._success_action),
            on_failure=self._actions(fields, "onFailure", self._failure_action),
            outputs=self._outputs(fields),
            timeout=fields.number("timeout", integer=True),  # type: ignore[arg-type]
            correlation_id=fields.text("correlationId"),
            action=fields.choice("action", ("send", "receive")),  # type: ignore[arg-type]
            depends_on=self._depends_on(fields),
            extensions=fields.extensions(),
            at=at,
        )

    def _depends_on(self, fields: Fields) -> tuple[str, ...]:
        names = fields.texts("dependsOn")
        for index, name in enumerate(names):
            if name in names[:index]:
                message = f'step: dependsOn names "{name}" twice'
                at = fields.at.child("dependsOn").child(index)
                self.problems.warn("duplicate-name", message, at, hint="name it once")
        return names

    def _step_target(self, fields: Fields) -> None:
        given = fields.exclusive(TARGETS)
        if not given and not any(name.startswith("x-") and "operation" in name.lower() for name in fields.raw):
            hint = "add operationId, operationPath or workflowId"
            self.problems.error("missing-field", "step: it says nothing to call", fields.at, hint=hint)
        elif not given:
            name = next(name for name in fields.raw if name.startswith("x-") and "operation" in name.lower())
            message = f"step: it calls only the extension {name}, which is not known"
            self.problems.error("missing-field", message, fields.key(name), hint="add operationId or operationPath")

    def _message_fields(self, fields: Fields) -> None:
        """channelPath, action and correlationId belong to steps that send or receive messages (1.1)."""
        if "channelPath" in fields.raw and "action" not in fields.raw:
            hint = "add action: send or action: receive"
            self.problems.error("missing-field", "step: channelPath needs an action", fields.at, hint=hint)
        for name in ("action", "correlationId"):
            if name in fields.raw and "workflowId" in fields.raw:
                message = f"step: {name} does not apply to a step that calls a workflow"
                fields.error("exclusive-fields", message, name, f"remove {name}")

    def _parameters(self, fields: Fields) -> tuple[Parameter | ReusableObject, ...]:
        parameters: tuple[Parameter | ReusableObject, ...] = fields.items("parameters", self._parameter)
        named = [((each.name, each.in_), each.at) for each in parameters if isinstance(each, Parameter) and each.name]
        self._unique("duplicate-parameter", "parameter", [(_parameter_name(key), at) for key, at in named])
        return parameters

    def _parameter(self, raw: JsonValue, at: Location) -> Parameter | ReusableObject | None:
        """Arazzo §Parameter Object, or a Reusable Object."""
        fields = self._object("parameter", raw, at)
        if fields is None:
            return None
        if "reference" in fields.raw:
            return self._reusable(fields)
        place = fields.choice("in", PLACES)
        if place == "querystring" and self.minor == 0:
            message = "in: querystring came with Arazzo 1.1; this document says 1.0"
            self.problems.warn("newer-field", message, at.child("in"), hint="write arazzo: 1.1.0")
        return Parameter(
            name=fields.required_text("name"),
            in_=place,
            value=_or_null(fields.value("value", required=True)),
            extensions=fields.extensions(),
            at=at,
        )

    def _reusable(self, fields: Fields) -> ReusableObject:
        """Arazzo §Reusable Object; further fields are ignored as the text says."""
        return ReusableObject(reference=fields.required_text("reference"), value=fields.value("value"), at=fields.at)

    def _request_body(self, raw: Mapping[str, JsonValue], at: Location) -> RequestBody:
        """Arazzo §Request Body Object."""
        fields = self._fields("request body", raw, at)
        return RequestBody(
            content_type=fields.text("contentType"),
            payload=fields.value("payload"),
            replacements=fields.items("replacements", self._replacement),
            extensions=fields.extensions(),
            at=at,
        )

    def _replacement(self, raw: JsonValue, at: Location) -> PayloadReplacement | None:
        """Arazzo §Payload Replacement Object."""
        fields = self._object("payload replacement", raw, at)
        if fields is None:
            return None
        fields.newer("targetSelectorType")
        return PayloadReplacement(
            target=fields.text("target", required=True) or "",
            target_selector_type=self._expression_type(fields, "targetSelectorType", SELECTOR_TYPES),
            value=_or_null(fields.value("value", required=True)),
            extensions=fields.extensions(),
            at=at,
        )

    # ------------------------------------------------------------------ criteria

    def _criterion(self, raw: JsonValue, at: Location) -> Criterion | None:
        """Arazzo §Criterion Object."""
        fields = self._object("criterion", raw, at)
        if fields is None:
            return None
        kind = self._expression_type(fields, "type", CRITERION_TYPES)
        context = fields.text("context")
        if kind is not None and kind.type != "simple" and "context" not in fields.raw:
            hint = "add context: $response.body"
            self.problems.error("missing-field", f"criterion: type {kind.type} needs a context", at, hint=hint)
        return Criterion(
            context=context,
            condition=self._condition(fields),
            type=kind,
            extensions=fields.extensions(),
            at=at,
        )

    def _condition(self, fields: Fields) -> str:
        value = fields.value("condition", required=True)
        if isinstance(value, str):
            if not value.strip():
                fields.error("invalid-value", "criterion: condition is empty", "condition")
            return value or "false"
        if value is not MISSING and isinstance(value, (bool, int, float)) and "context" in fields.raw:
            return preview(value)  # `context` compared with a constant: a tolerated form (semantics §4)
        if value is not MISSING:
            hint = f'write "{preview(value)}" in quotes' if not isinstance(value, (dict, list)) else None
            fields.wrong_type("condition", "a text", value, hint)
        return "false"

    def _expression_type(self, fields: Fields, name: str, allowed: tuple[str, ...]) -> ExpressionType | None:
        """A short name, or an Expression Type Object."""
        at = fields.at.child(name)
        if not isinstance(fields.raw.get(name), dict):
            kind = fields.choice(name, allowed)
            return None if kind is None else ExpressionType(type=kind, at=at)
        inner = self._fields("expression type", fields.raw[name], at)
        fields.taken.add(name)
        kind = inner.choice("type", allowed, required=True)
        version = inner.text("version", required=kind in VERSIONS and bool(VERSIONS.get(kind or "")))
        inner.extensions()
        if kind is None:
            return None
        known = VERSIONS[kind]
        if version is not None and known and version not in known:
            message = f'version "{version}" of {kind} is not known'
            inner.error("invalid-value", message, "version", f"write {' or '.join(known)}")
            version = None
        return ExpressionType(type=kind, version=version, at=at)

    # ------------------------------------------------------------------ actions

    def _actions(
        self, fields: Fields, name: str, build_action: Callable[[JsonValue, Location], Built | None]
    ) -> tuple[Any, ...]:
        actions: tuple[Any, ...] = fields.items(name, build_action)
        named = [(each.name, each.at) for each in actions if not isinstance(each, ReusableObject) and each.name]
        self._unique("duplicate-action", "action", named)
        return actions

    def _success_action(self, raw: JsonValue, at: Location) -> SuccessAction | ReusableObject | None:
        """Arazzo §Success Action Object, or a Reusable Object."""
        fields = self._object("success action", raw, at)
        if fields is None:
            return None
        if "reference" in fields.raw:
            return self._reusable(fields)
        kind = fields.choice("type", ("end", "goto"), required=True)
        self._action_target(fields, kind)
        return SuccessAction(
            name=fields.required_text("name"),
            type=kind or "end",  # type: ignore[arg-type]
            workflow_id=fields.text("workflowId"),
            step_id=fields.text("stepId"),
            parameters=self._action_parameters(fields),
            criteria=fields.items("criteria", self._criterion),
            extensions=fields.extensions(),
            at=at,
        )

    def _failure_action(self, raw: JsonValue, at: Location) -> FailureAction | ReusableObject | None:
        """Arazzo §Failure Action Object, or a Reusable Object."""
        fields = self._object("failure action", raw, at)
        if fields is None:
            return None
        if "reference" in fields.raw:
            return self._reusable(fields)
        kind = fields.choice("type", ("end", "retry", "goto"), required=True)
        self._action_target(fields, kind)
        for name in ("retryAfter", "retryLimit"):
            if name in fields.raw and kind not in ("retry", None):
                message = f"failure action: {name} applies only to type retry"
                self.problems.warn("ignored-field", message, fields.key(name), hint=f"remove {name}")
        return FailureAction(
            name=fields.required_text("name"),
            type=kind or "end",  # type: ignore[arg-type]
            workflow_id=fields.text("workflowId"),
            step_id=fields.text("stepId"),
            parameters=self._action_parameters(fields),
            retry_after=fields.number("retryAfter"),
            retry_limit=fields.number("retryLimit", integer=True),  # type: ignore[arg-type]
            criteria=fields.items("criteria", self._criterion),
            extensions=fields.extensions(),
            at=at,
        )

    def _action_target(self, fields: Fields, kind: str | None) -> None:
        given = fields.exclusive(("workflowId", "stepId"))
        if kind == "goto" and not given:
            hint = "add stepId or workflowId"
            self.problems.error("missing-field", f"{fields.kind}: goto says not where to", fields.at, hint=hint)
        if kind == "end" and given:
            message = f"{fields.kind}: {given[0]} does not apply to type end"
            self.problems.warn(
                "ignored-field", message, fields.key(given[0]), hint=f"remove {given[0]}, or write type: goto"
            )

    def _action_parameters(self, fields: Fields) -> tuple[Parameter | ReusableObject, ...]:
        fields.newer("parameters")
        parameters: tuple[Parameter | ReusableObject, ...] = fields.items("parameters", self._parameter)
        for each in parameters:
            if isinstance(each, Parameter) and each.in_ is not None:
                message = f'parameter "{each.name}" of an action has "in", which must not be used'
                self.problems.warn("ignored-in", message, each.at.child("in"), hint="leave it out")
        return parameters

    # ------------------------------------------------------------------ outputs, components

    def _outputs(self, fields: Fields) -> dict[str, str | Selector]:
        raw = fields.mapping("outputs")
        at = fields.at.child("outputs")
        found: dict[str, str | Selector] = {}
        for name, value in (raw or {}).items():
            self._map_key("output", name, at.child(name).at_key())
            if isinstance(value, str):
                found[name] = value
                continue
            selector = self._selector(value, at.child(name))
            if selector is not None:
                found[name] = selector
        return found

    def _selector(self, raw: JsonValue, at: Location) -> Selector | None:
        """Arazzo 1.1 §Selector Object."""
        if not isinstance(raw, dict):
            message = f"an output must be an expression, found {type_name(raw)}"
            self.problems.error("wrong-type", message, at, hint="write an expression such as $response.body#/id")
            return None
        fields = self._fields("selector", raw, at)
        context, selector = fields.required_text("context"), fields.required_text("selector")
        kind = self._expression_type(fields, "type", SELECTOR_TYPES)
        if kind is None and "type" not in raw:
            self.problems.error("missing-field", "selector: type is missing", at, hint="add type: jsonpath")
        fields.extensions()
        return Selector(context=context, selector=selector, type=kind, at=at) if kind is not None else None

    def _components(self, raw: Mapping[str, JsonValue], at: Location) -> Components:
        """Arazzo §Components Object."""
        fields = self._fields("components", raw, at)
        return Components(
            inputs=self._component_map(fields, "inputs", lambda value, place: value),
            parameters=self._component_map(fields, "parameters", self._parameter, Parameter),
            success_actions=self._component_map(fields, "successActions", self._success_action, SuccessAction),
            failure_actions=self._component_map(fields, "failureActions", self._failure_action, FailureAction),
            extensions=fields.extensions(),
            at=at,
        )

    def _component_map(
        self,
        fields: Fields,
        name: str,
        build_one: Callable[[JsonValue, Location], Any],
        kind: type[Built] | None = None,
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        place = fields.at.child(name)
        for key, value in (fields.mapping(name) or {}).items():
            self._map_key("component", key, place.child(key).at_key())
            built = build_one(value, place.child(key))
            if kind is None or isinstance(built, kind):
                found[key] = built
        return found

    # ------------------------------------------------------------------ helpers

    def _object(self, kind: str, raw: JsonValue, at: Location) -> Fields | None:
        if isinstance(raw, dict):
            return self._fields(kind, raw, at)
        self.problems.error("wrong-type", f"a {kind} is a mapping, found {type_name(raw)}", at)
        return None

    def _fields(self, kind: str, raw: Mapping[str, JsonValue], at: Location) -> Fields:
        return Fields(kind, raw, at, self.problems, self.minor)

    def _unique(self, code: str, kind: str, names: Iterable[tuple[str, Location]]) -> None:
        seen: dict[str, Location] = {}
        for name, at in names:
            if name in seen:
                message = f'{kind} "{name}" is there twice'
                self.problems.error(code, message, at, hint="give each its own name", related=(seen[name],))
            elif name:
                seen[name] = at

    def _id(self, kind: str, name: str, at: Location) -> None:
        """SHOULD conform to [A-Za-z0-9_\\-]+: a warning, since names with blanks cannot be referred to."""
        if name and not ID_CHARACTERS.issuperset(name):
            message = f'{kind} "{name}" has characters other than letters, digits, - and _'
            self.problems.warn(
                "unusual-id", message, at, hint=f"write {re.sub(r'[^A-Za-z0-9_-]+', '-', name).strip('-')}"
            )

    def _map_key(self, kind: str, name: str, at: Location) -> None:
        """MUST match ^[a-zA-Z0-9\\.\\-_]+$; tolerated with a warning, as it is in wide use (semantics §3)."""
        if not (name and NAME_CHARACTERS.issuperset(name)):
            message = f'{kind} name "{name}" has characters other than letters, digits, ".", "-" and "_"'
            self.problems.warn("unusual-name", message, at, hint=f"write {re.sub(r'[^a-zA-Z0-9._-]+', '_', name)}")


def _parameter_name(key: tuple[str, str | None]) -> str:
    name, place = key
    return f"{name.lower() if place == 'header' else name} ({place})" if place else name


def _or_null(value: JsonValue) -> JsonValue:
    return None if value is MISSING else value
