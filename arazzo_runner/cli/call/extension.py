"""A document that exists and gets a step: only the lines of the step are new."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.names import unused_name
from arazzo_runner.cli.call.new_document import Place, Saved, draft_workflow, relative_url, workflow_name
from arazzo_runner.cli.call.step import Call, Written, usual_step_id, written_step
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, InvalidDescription, InvalidUsage, Location, Severity
from arazzo_runner.generate.insertion import Addition, CannotAdd, with_additions
from arazzo_runner.sources.uris import is_remote, join, uri_of_path


class Extension:
    """A document that exists, about to get a step."""

    def __init__(self, place: Place, call: Call, document: Document, before: bytes) -> None:
        self._place = place
        self._call = call
        self._document = document
        self._before = before
        value: Any = document.value
        self._value: dict[str, Any] = value
        self._sources = [each for each in value.get("sourceDescriptions") or [] if isinstance(each, dict)]
        self._workflows: list[Any] = value.get("workflows") or []

    def saved(self, outputs: Mapping[str, str]) -> Saved:
        """Return the document with the step; raises ArazzoError."""
        self._check_version()
        index = self._index()
        source = known_source(self._sources, self._place)
        several = len([each for each in self._sources if each.get("type") != "arazzo"]) + (source is None) > 1
        step_id = self._step_id(index)
        known = {} if index is None else self._inputs(index)
        written = written_step(self._call, step_id, several_sources=several, known_inputs=known, outputs=outputs)
        additions = [] if source is not None else self._new_source()
        if index is None:
            workflow_id = self._place.workflow_id
            workflow_id = workflow_id or unused_name(workflow_name(self._place.path), self._workflow_ids())
            additions += self._new_workflow(workflow_id, written)
        else:
            workflow_id = str(self._workflows[index].get("workflowId"))
            additions += self._new_inputs(index, written)
            additions.append(self._appended(f"/workflows/{index}", "steps", written.step.tree()))
        return Saved(
            text=self._text(additions),
            before=self._before,
            workflow_id=workflow_id,
            step_id=step_id,
            inputs=tuple(name for name in written.inputs if name not in known),
        )

    def _check_version(self) -> None:
        if self._call.is_newer and str(self._value.get("arazzo")).startswith("1.0."):
            message = "the step needs Arazzo 1.1, because of a parameter in: querystring"
            at = self._document.at("/arazzo")
            raise InvalidDescription([error_at("newer-field", message, at, "write arazzo: 1.1.0 there first")])

    def _step_id(self, index: int | None) -> str:
        """Return the stepId, which the workflow does not have yet."""
        taken = [str(each.get("stepId")) for each in self._steps(index) if isinstance(each, dict)]
        step_id = self._place.step_id or unused_name(usual_step_id(self._call.operation), taken)
        if step_id in taken:
            message = f'there is a step "{step_id}" already'
            raise InvalidUsage([usage_error(message, hint="name another with --step-id", file=self._place.path)])
        return step_id

    def _text(self, additions: list[Addition]) -> str:
        try:
            return with_additions(self._document, additions)
        except CannotAdd as problem:
            what = problem.at.pointer or "the document"
            hint = "write the step there by hand, or save it in another file"
            raise InvalidDescription([error_at("unusable-value", f"{what} {problem}", problem.at, hint)]) from None

    def _workflow_ids(self) -> list[str]:
        return [str(each.get("workflowId")) for each in self._workflows if isinstance(each, dict)]

    def _index(self) -> int | None:
        """Return which workflow gets the step, None for a new one."""
        if self._place.workflow_id is None:
            return len(self._workflows) - 1 if self._workflows else None
        ids = [each.get("workflowId") if isinstance(each, dict) else None for each in self._workflows]
        return ids.index(self._place.workflow_id) if self._place.workflow_id in ids else None

    def _steps(self, index: int | None) -> list[Any]:
        if index is None:
            return []
        workflow = self._workflows[index]
        if not isinstance(workflow, dict) or not isinstance(workflow.get("steps") or [], list):
            message = "a step can be added to a workflow that is a mapping with a list of steps"
            raise InvalidDescription([error_at("wrong-type", message, self._document.at(f"/workflows/{index}"), None)])
        return workflow.get("steps") or []

    def _appended(self, pointer: str, key: str, item: Any) -> Addition:
        """Return an item at the end of a list, which is made if there is none."""
        holder: Any = self._value if not pointer else self._workflows[int(pointer.rpartition("/")[2])]
        if isinstance(holder.get(key), list):
            return Addition(f"{pointer}/{key}", item)
        if key in holder:
            at = self._document.at(f"{pointer}/{key}")
            raise InvalidDescription([error_at("wrong-type", f"{key} must be a list", at, f"remove the empty {key}")])
        return Addition(pointer, [item], key)

    def _new_source(self) -> list[Addition]:
        url = relative_url(self._place.api, self._place.path)
        source = {"name": self._call.source, "url": url, "type": "openapi"}
        return [self._appended("", "sourceDescriptions", source)]

    def _new_workflow(self, workflow_id: str, written: Written) -> list[Addition]:
        return [self._appended("", "workflows", draft_workflow(workflow_id, written).tree())]

    # -------------------------------------------------------------- inputs

    def _inputs(self, index: int) -> Mapping[str, JsonValue]:
        """Return the inputs that a workflow declares."""
        inputs = self._workflows[index].get("inputs")
        properties = inputs.get("properties") if isinstance(inputs, dict) else None
        return properties if isinstance(properties, dict) else {}

    def _new_inputs(self, index: int, written: Written) -> list[Addition]:
        pointer, known = f"/workflows/{index}/inputs", self._inputs(index)
        new = {name: each.schema for name, each in written.inputs.items() if name not in known}
        required = [name for name, schema in new.items() if "default" not in schema]
        if not new:
            return []
        inputs = self._workflows[index].get("inputs")
        if inputs is None and "inputs" not in self._workflows[index]:
            tree = {"type": "object", **({"required": required} if required else {}), "properties": new}
            return [Addition(f"/workflows/{index}", tree, "inputs", "steps")]
        if not isinstance(inputs, dict) or "$ref" in inputs:
            names = ", ".join(new)
            message = f"the step needs the input {names}, which cannot be added to these inputs"
            hint = "declare inputs as a mapping with properties, or save the step in another workflow"
            raise InvalidDescription([error_at("unusable-value", message, self._document.at(pointer), hint)])
        found = [] if "properties" in inputs else [Addition(pointer, new, "properties")]
        if "properties" in inputs:
            found = [Addition(f"{pointer}/properties", schema, escaped(name)) for name, schema in new.items()]
        if required and isinstance(inputs.get("required"), list):
            return [*found, *(Addition(f"{pointer}/required", name) for name in required)]
        return [*found, *([Addition(pointer, required, "required", "properties")] if required else [])]


def known_source(sources: list[dict[str, Any]], place: Place) -> str | None:
    """Return the name of the source that is the description, None when no source is."""
    wanted = place.api if is_remote(place.api) else uri_of_path(os.path.realpath(place.api))
    base = uri_of_path(os.path.realpath(place.path))
    for each in sources:
        url = each.get("url")
        if isinstance(url, str) and isinstance(each.get("name"), str):
            found = url if is_remote(url) else join(base, url)
            if found == wanted or unquote(found) == unquote(wanted):
                return str(each["name"])
    return None


def error_at(code: str, message: str, at: Location, hint: str | None) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=at, hint=hint)
