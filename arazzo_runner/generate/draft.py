"""Draft: a document that is being written, as records; writing.py prints it.

Values are JSON. Each may be wrapped in Noted at any depth, which adds a comment to it: where the value comes from.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field

Tree: TypeAlias = Any
"""A JSON value in which any value may be Noted."""


class Noted(Record):
    """A value with a comment, printed after it or, for a mapping, a list or a text that is too long, above it.

    Each line of the comment is printed on a line of its own, or more.
    """

    value: Tree
    comment: str


class DraftSource(Record, kw_only=True):
    """A Source Description; `url` is relative to the document's folder where that is possible."""

    name: str
    url: Tree
    type: str = "openapi"


class DraftParameter(Record, kw_only=True):
    """A parameter of a step; `location` is its `in`, None for an input of another workflow."""

    name: str
    location: str | None = None
    value: Tree

    def tree(self) -> Tree:
        """Return the Parameter Object."""
        location = {} if self.location is None else {"in": self.location}
        return {"name": self.name, **location, "value": self.value}


class DraftStep(MutableRecord, kw_only=True):
    """A step; `operation_id`, `operation_path` or `workflow_id` names what it calls, as the document writes it."""

    step_id: str
    description: str | None = None
    operation_id: Tree = None
    operation_path: Tree = None
    workflow_id: str | None = None
    parameters: list[DraftParameter] = field(default_factory=list)
    content_type: str | None = None
    body: Tree = None
    has_body: bool = False
    criteria: list[Tree] = field(default_factory=list)
    """Conditions, or Criterion Objects."""
    on_failure: list[Tree] = field(default_factory=list)
    """Failure Action Objects."""
    outputs: dict[str, Tree] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    """Comments above the step, each on a line of its own."""

    def tree(self) -> Tree:
        """Return the Step Object, with its notes."""
        return Noted(self._fields(), "\n".join(self.notes)) if self.notes else self._fields()

    def _fields(self) -> Tree:
        found: dict[str, Tree] = {"stepId": self.step_id}
        if self.description:
            found["description"] = self.description
        if self.operation_id is not None:
            found["operationId"] = self.operation_id
        if self.operation_path is not None:
            found["operationPath"] = self.operation_path
        if self.workflow_id is not None:
            found["workflowId"] = self.workflow_id
        if self.parameters:
            found["parameters"] = [each.tree() for each in self.parameters]
        if self.has_body:
            content = {} if self.content_type is None else {"contentType": self.content_type}
            found["requestBody"] = {**content, "payload": self.body}
        if self.criteria:
            found["successCriteria"] = [_criterion(each) for each in self.criteria]
        if self.on_failure:
            found["onFailure"] = list(self.on_failure)
        if self.outputs:
            found["outputs"] = dict(self.outputs)
        return found


class DraftWorkflow(MutableRecord, kw_only=True):
    """A workflow; `inputs` are the schemas of its inputs by name."""

    workflow_id: str
    summary: str | None = None
    description: str | None = None
    inputs: dict[str, Tree] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)
    steps: list[DraftStep] = field(default_factory=list)
    outputs: dict[str, Tree] = field(default_factory=dict)

    def tree(self) -> Tree:
        """Return the Workflow Object."""
        found: dict[str, Tree] = {"workflowId": self.workflow_id}
        if self.summary:
            found["summary"] = self.summary
        if self.description:
            found["description"] = self.description
        if self.inputs:
            required = {"required": list(self.required)} if self.required else {}
            found["inputs"] = {"type": "object", **required, "properties": dict(self.inputs)}
        found["steps"] = [each.tree() for each in self.steps]
        if self.outputs:
            found["outputs"] = dict(self.outputs)
        return found


class Draft(MutableRecord, kw_only=True):
    """An Arazzo document; `notes` are printed as comments at its beginning, one paragraph each."""

    title: str
    summary: str | None = None
    version: str = "1.0.0"
    arazzo: str = "1.0.1"
    sources: list[DraftSource] = field(default_factory=list)
    workflows: list[DraftWorkflow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def tree(self) -> Tree:
        """Return the Arazzo Object."""
        summary = {"summary": self.summary} if self.summary else {}
        return {
            "arazzo": self.arazzo,
            "info": {"title": self.title, **summary, "version": self.version},
            "sourceDescriptions": [{"name": each.name, "url": each.url, "type": each.type} for each in self.sources],
            "workflows": [each.tree() for each in self.workflows],
        }


def plain(tree: Tree) -> JsonValue:
    """Return a tree without its comments."""
    if isinstance(tree, Noted):
        return plain(tree.value)
    if isinstance(tree, dict):
        return {name: plain(value) for name, value in tree.items()}
    if isinstance(tree, list):
        return [plain(value) for value in tree]
    value: JsonValue = tree
    return value


def _criterion(criterion: Tree) -> Tree:
    if isinstance(criterion, Noted) and isinstance(criterion.value, str):
        return {"condition": criterion}
    return {"condition": criterion} if isinstance(criterion, str) else criterion
