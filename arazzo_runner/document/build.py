"""Document → ArazzoDescription: one short, total function for each object of the Specification.

A wrong shape gives a Diagnostic and a placeholder, so that one run reports every error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal, TypeVar

from arazzo_runner.base.json_values import MISSING, JsonValue, preview, type_name
from arazzo_runner.document.actions import Actions
from arazzo_runner.document.fields import FIELDS, Fields, respelt
from arazzo_runner.document.model import (
    ArazzoDescription,
    Components,
    FailureAction,
    Info,
    Parameter,
    ReusableObject,
    SourceDescription,
    Step,
    SuccessAction,
    Workflow,
)
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Change, Edit, Fix, Location, removing, replacing

Built = TypeVar("Built")

OTHERS: Final = {"openapi": "OpenAPI", "swagger": "OpenAPI 2.0", "asyncapi": "AsyncAPI"}
_ACTIONS: Final[Mapping[str, Literal["send", "receive"]]] = {
    "publish": "send", "produce": "send", "emit": "send", "write": "send", "send": "send",
    "subscribe": "receive", "consume": "receive", "listen": "receive", "wait": "receive", "read": "receive",
    "receive": "receive",
}  # fmt: skip
"""What other words for an action mean, from the side of the run."""
NEWER: Final = ("channelPath", "timeout", "correlationId", "action", "dependsOn")
TARGETS: Final = ("operationId", "operationPath", "channelPath", "workflowId")
_OWN: Final = frozenset({"arazzo", "sourceDescriptions", "workflows"})
_BEGIN: Final = "it begins with arazzo: 1.0.1"


def build(document: Document, problems: Problems) -> ArazzoDescription:
    """Return the model of an Arazzo document; errors are in `problems`, invalid parts left out."""
    at = document.at()
    raw = document.value
    refusal = _refusal(raw)
    if refusal is not None:
        problems.error("not-arazzo", refusal[0], at, hint=refusal[1])
        return _Builder(Problems(), 1).description({}, at)
    version = _version(raw, at, problems)
    return _Builder(problems, 0 if version.startswith("1.0") else 1).description(raw, at)


def _refusal(raw: JsonValue) -> tuple[str, str] | None:
    """Return message and hint if this is not an Arazzo document at all: one error instead of many."""
    if not isinstance(raw, dict):
        return f"an Arazzo document is a mapping, found {type_name(raw)}", _BEGIN
    if "arazzo" in raw:
        return None
    other = next((key for key in OTHERS if key in raw), None)
    if other is not None:
        message = f"this is an {OTHERS[other]} description, not an Arazzo document"
        return message, "name it in sourceDescriptions of an Arazzo document"
    if _OWN.isdisjoint(raw):
        return f"this is not an Arazzo document: it has none of the fields {', '.join(sorted(_OWN))}", _BEGIN
    return None


def _version(raw: Mapping[str, JsonValue], at: Location, problems: Problems) -> str:
    """Return the version text; only major.minor matters (Arazzo §Versions, semantics §1)."""
    written = respelt(raw, FIELDS["Arazzo document"]).get("arazzo", "arazzo")
    value = raw.get(written, MISSING)
    place = at.child(written)
    if value is MISSING:
        problems.error("missing-field", "the field arazzo is missing", at, hint="add arazzo: 1.0.1")
        return "1.1.0"
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number and not isinstance(value, str):
        message = f"arazzo must be a string, found {type_name(value)}"
        problems.error("wrong-type", message, place, hint="write arazzo: 1.0.1")
        return "1.1.0"
    version = str(value)
    major, _, rest = version.partition(".")
    minor, _, patch = rest.partition(".")
    if major != "1" or not minor.isdigit():
        message = f"version {preview(version)} of Arazzo is not known"
        problems.error("unknown-version", message, place, hint="write arazzo: 1.0.1 or 1.1.0")
    elif minor not in ("0", "1"):
        message = f"Arazzo {major}.{minor} is newer than 1.1, the newest known; it is read as that"
        problems.tolerate("unknown-version", message, place, hint="write arazzo: 1.1.0 if it uses nothing newer")
    if is_number and major == "1":
        hint, fix = f'write arazzo: "{version}.0"', replacing(place, f"{version}.0")
        problems.tolerate("version-number", "arazzo is a number", place, hint=hint, fix=fix)
    elif major == "1" and minor in ("0", "1") and not patch[:1].isdigit():
        message = f"version {preview(version)} of Arazzo has no patch number"
        whole = f"{major}.{minor}.0"
        problems.tolerate("unknown-version", message, place, hint=f"write arazzo: {whole}", fix=replacing(place, whole))
    return version


class _Builder(Actions):
    """Builds the document, its workflows and steps."""

    def description(self, raw: Mapping[str, JsonValue], at: Location) -> ArazzoDescription:
        """Arazzo §Arazzo Specification Object."""
        fields = self.start("Arazzo document", raw, at)
        fields.newer("$self")
        sources = fields.items("sourceDescriptions", self._source, required=True, empty=False)
        workflows = fields.items("workflows", self._workflow, required=True, empty=False)
        components = fields.mapping("components")
        self_uri = fields.text("$self")
        if self_uri is not None and "#" in self_uri:
            fields.error("invalid-value", "$self must not have a fragment", "$self", "leave out # and what follows")
        self.check_uri("$self", self_uri or "", at, "$self")
        self.check_unique("duplicate-name", "source", [(each.name, each.at) for each in sources], "name")
        self.check_unique(
            "duplicate-name", "workflow", [(each.workflow_id, each.at) for each in workflows], "workflowId"
        )
        info = fields.mapping("info", required=True)
        return ArazzoDescription(
            arazzo=str(raw.get("arazzo", "1.1.0")),
            self_uri=self_uri,
            info=self._info(info or {}, fields.child("info"), silent=info is None),
            source_descriptions=sources,
            workflows=workflows,
            components=self._components(components or {}, fields.child("components")),
            extensions=fields.extensions(),
            raw=raw,
            at=at,
        )

    def _info(self, raw: Mapping[str, JsonValue], at: Location, *, silent: bool) -> Info:
        """Arazzo §Info Object."""
        fields = self.start("info", raw, at)
        if silent:
            fields.problems = Problems()
        version = raw.get("version", MISSING)
        if isinstance(version, (int, float)) and not isinstance(version, bool):
            hint = "put it in quotes, with all its digits"
            place = at.child("version")
            fix = Fix((Edit(place, change=Change.QUOTE),))
            self.problems.tolerate("version-number", "info: version is a number", place, hint=hint, fix=fix)
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
        fields = self.fields_of("source description", raw, at)
        if fields is None:
            return None
        kind = fields.choice("type", ("openapi", "asyncapi", "arazzo"))
        if kind == "asyncapi" and self.minor == 0:
            message = "type asyncapi came with Arazzo 1.1; this document says 1.0"
            self.problems.tolerate("newer-field", message, at.child("type"), hint="write arazzo: 1.1.0")
        name = fields.required_text("name")
        self.check_source_name(name, at)
        url = fields.required_text("url")
        self.check_uri("url", url, at, "url")
        return SourceDescription(
            name=name,
            url=url,
            type=kind,  # type: ignore[arg-type]
            extensions=fields.extensions(),
            at=at,
        )

    def _workflow(self, raw: JsonValue, at: Location) -> Workflow | None:
        """Arazzo §Workflow Object."""
        fields = self.fields_of("workflow", raw, at)
        if fields is None:
            return None
        inputs = fields.value("inputs")
        if inputs is not MISSING and not isinstance(inputs, (dict, bool)):
            fields.wrong_type("inputs", "a JSON Schema", inputs)
            inputs = MISSING
        steps = fields.items("steps", self._step, required=True, empty=False)
        self.check_unique("duplicate-name", "step", [(each.step_id, each.at) for each in steps], "stepId")
        workflow_id = fields.required_text("workflowId")
        self.check_id("workflowId", workflow_id, at, "workflowId")
        return Workflow(
            workflow_id=workflow_id,
            summary=fields.text("summary"),
            description=fields.text("description"),
            inputs=None if inputs is MISSING else inputs,
            depends_on=self._depends_on(fields),
            steps=steps,
            success_actions=self.actions(fields, "successActions", self.success_action),
            failure_actions=self.actions(fields, "failureActions", self.failure_action),
            outputs=self.outputs(fields),
            parameters=self.parameters(fields),
            extensions=fields.extensions(),
            at=at,
        )

    def _step(self, raw: JsonValue, at: Location) -> Step | None:
        """Arazzo §Step Object."""
        fields = self.fields_of("step", raw, at)
        if fields is None:
            return None
        self._step_target(fields)
        has_newer = not fields.raw.keys().isdisjoint(NEWER)
        if has_newer:
            self._message_fields(fields)
            fields.newer(*NEWER)
        step_id = fields.required_text("stepId")
        self.check_id("stepId", step_id, at, "stepId")
        criteria = fields.items("successCriteria", self.criterion, empty=False)
        parameters = self.parameters(fields)
        if parameters:
            self._check_channel(fields, parameters)
        body = fields.mapping("requestBody")
        return Step(
            description=fields.text("description"),
            step_id=step_id,
            operation_id=fields.text("operationId"),
            operation_path=fields.text("operationPath"),
            channel_path=fields.text("channelPath") if has_newer else None,
            workflow_id=fields.text("workflowId"),
            parameters=parameters,
            request_body=None if body is None else self.request_body(body, fields.child("requestBody")),
            success_criteria=criteria,
            on_success=self.actions(fields, "onSuccess", self.success_action),
            on_failure=self.actions(fields, "onFailure", self.failure_action),
            outputs=self.outputs(fields),
            timeout=fields.number("timeout", integer=True) if has_newer else None,  # type: ignore[arg-type]
            correlation_id=_correlation_id(fields) if has_newer else None,
            action=_action(fields) if has_newer else None,
            depends_on=self._depends_on(fields) if has_newer else (),
            extensions=fields.extensions(),
            at=at,
        )

    def _depends_on(self, fields: Fields) -> tuple[str, ...]:
        names = fields.texts("dependsOn", useless=fields.kind == "step")
        if len(names) < 2:
            return names
        for index, name in enumerate(names):
            if name in names[:index]:
                message = f'{fields.kind}: dependsOn names "{name}" twice'
                at = fields.child("dependsOn").child(index)
                self.problems.tolerate("duplicate-name", message, at, hint="name it once", fix=removing(at))
        return names

    def _step_target(self, fields: Fields) -> None:
        given = fields.exclusive(TARGETS)
        if given:
            return
        name = next((name for name in fields.raw if name.startswith("x-") and "operation" in name.lower()), None)
        if name is None:
            message, at = "step: it says nothing to call", fields.at
        else:
            message, at = f"step: it has only {name}, an extension that is not supported", fields.key(name)
        self.problems.error("missing-field", message, at, hint="add operationId, operationPath or workflowId")

    def _message_fields(self, fields: Fields) -> None:
        """Check channelPath, action and correlationId, which steps that send or receive messages have (1.1)."""
        # What depends on the description is checked where it is known: a missing action, one of a request over HTTP.
        raw = fields.raw
        if "channelPath" in raw and "action" not in raw:
            hint = "add action: send or action: receive"
            self.problems.tolerate("missing-field", "step: channelPath needs an action", fields.at, hint=hint)
        for name in ("action", "correlationId"):
            if name in raw and "workflowId" in raw:
                message = f"step: {name} does not apply to a step that calls a workflow"
                fields.error("exclusive-fields", message, name, f"remove {name}")
        if "correlationId" in raw and "workflowId" not in raw and raw.get("action") == "send":
            message = "step: correlationId applies only to action: receive"
            hint = "write action: receive, or remove correlationId and put the id into the payload or a header"
            fields.error("exclusive-fields", message, "correlationId", hint)

    def _check_channel(self, fields: Fields, parameters: Iterable[Parameter | ReusableObject]) -> None:
        """Report `in: channel`, of the 1.1 JSON Schema, in steps that neither send nor receive."""
        for each in parameters:
            if isinstance(each, Parameter) and each.in_ == "channel" and "workflowId" in fields.raw:
                message = "parameter: in: channel applies only to a step that sends or receives messages"
                self.problems.error("invalid-value", message, each.at.child("in"), hint="remove in")

    def _components(self, raw: Mapping[str, JsonValue], at: Location) -> Components:
        """Arazzo §Components Object."""
        fields = self.start("components", raw, at)
        return Components(
            inputs=self._component_map(fields, "inputs", self._schema),
            parameters=self._component_map(fields, "parameters", self.parameter, Parameter),
            success_actions=self._component_map(fields, "successActions", self.success_action, SuccessAction),
            failure_actions=self._component_map(fields, "failureActions", self.failure_action, FailureAction),
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
        raw = fields.mapping(name)
        if not raw:
            return {}
        found: dict[str, Any] = {}
        place = fields.child(name)
        for key, value in raw.items():
            at = place.child(key)
            self.check_name("component", key, fields.at, name)
            built = build_one(value, at)
            if kind is None or isinstance(built, kind):
                found[key] = built
            elif built is not None:
                message = f'the component "{key}" is a reference; only steps, workflows and actions may refer'
                self.problems.error("wrong-type", message, at, hint="write the object itself")
        return found

    def _schema(self, raw: JsonValue, at: Location) -> JsonValue:
        if not isinstance(raw, (dict, bool)):
            message = f"components: an input must be a JSON Schema, found {type_name(raw)}"
            self.problems.error("wrong-type", message, at, hint="write a schema, such as type: string")
            return True
        return raw


def _action(fields: Fields) -> Literal["send", "receive"] | None:
    """Return what the step does on its channel; of another word, reported, what is meant by it."""
    found = fields.raw.get("action", MISSING)
    if found is MISSING or found == "send" or found == "receive":
        return None if found is MISSING else found
    word = found.strip().lower() if isinstance(found, str) else ""
    meant = _ACTIONS.get(word)
    fields.choice("action", ("send", "receive"), hint=None if meant is None else f"write action: {meant}")
    return meant or ("send" if "requestBody" in fields.raw else "receive")


def _correlation_id(fields: Fields) -> str | None:
    found = fields.raw.get("correlationId")
    if not isinstance(found, dict):
        return fields.text("correlationId")
    hint = "write the id that is expected, such as $inputs.id; its place in the message is in the AsyncAPI description"
    fields.wrong_type("correlationId", "a string", found, hint)
    return None
