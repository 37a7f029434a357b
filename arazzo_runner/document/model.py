"""The Arazzo objects as frozen records: one for each object of the Specification, fields in its order.

They are plain data: names are text, expressions are not parsed. `at` is the object's location in
its document. They have the fields of 1.0.1 and 1.1.0; an absent one is None, an empty tuple or an
empty mapping. Extension fields (`x-…`) are in `extensions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import PartlyComparedRecord, Record, field
from arazzo_runner.errors import Location

Extensions: TypeAlias = Mapping[str, JsonValue]


class Info(Record, kw_only=True):
    """Arazzo §Info Object."""

    title: str
    summary: str | None = None
    description: str | None = None
    version: str
    extensions: Extensions = field(default_factory=dict)
    at: Location


class SourceDescription(Record, kw_only=True):
    """Arazzo §Source Description Object; `type` is None when the document leaves it out."""

    name: str
    url: str
    type: Literal["openapi", "asyncapi", "arazzo"] | None = None
    extensions: Extensions = field(default_factory=dict)
    at: Location


class ExpressionType(Record, kw_only=True):
    """Arazzo §Expression Type Object; the short form `type: jsonpath` has `version` None (its default)."""

    type: str
    version: str | None = None
    at: Location


class Criterion(Record, kw_only=True):
    """Arazzo §Criterion Object; `type` None means simple."""

    context: str | None = None
    condition: str
    type: ExpressionType | None = None
    extensions: Extensions = field(default_factory=dict)
    at: Location


class Selector(Record, kw_only=True):
    """Arazzo 1.1 §Selector Object."""

    context: str
    selector: str
    type: ExpressionType
    at: Location


class Parameter(Record, kw_only=True):
    """Arazzo §Parameter Object; `value` is raw JSON (a selector object in it is still a mapping)."""

    name: str
    in_: str | None = None
    value: JsonValue
    extensions: Extensions = field(default_factory=dict)
    at: Location
    is_misplaced: bool = False
    """Whether its `in` is none of the places that there are, which is reported."""


class ReusableObject(Record, kw_only=True):
    """Arazzo §Reusable Object; `value` is MISSING when none is given."""

    reference: str
    value: JsonValue
    at: Location


class PayloadReplacement(Record, kw_only=True):
    """Arazzo §Payload Replacement Object."""

    target: str
    target_selector_type: ExpressionType | None = None
    value: JsonValue
    extensions: Extensions = field(default_factory=dict)
    at: Location


class RequestBody(Record, kw_only=True):
    """Arazzo §Request Body Object; `payload` is MISSING when none is given."""

    content_type: str | None = None
    payload: JsonValue
    replacements: tuple[PayloadReplacement, ...] = ()
    extensions: Extensions = field(default_factory=dict)
    at: Location


class SuccessAction(Record, kw_only=True):
    """Arazzo §Success Action Object."""

    name: str
    type: Literal["end", "goto"]
    workflow_id: str | None = None
    step_id: str | None = None
    parameters: tuple[Parameter | ReusableObject, ...] = ()
    criteria: tuple[Criterion, ...] = ()
    extensions: Extensions = field(default_factory=dict)
    at: Location


class FailureAction(Record, kw_only=True):
    """Arazzo §Failure Action Object; `retry_after` in seconds, `retry_limit` None means one retry."""

    name: str
    type: Literal["end", "retry", "goto"]
    workflow_id: str | None = None
    step_id: str | None = None
    parameters: tuple[Parameter | ReusableObject, ...] = ()
    retry_after: float | None = None
    retry_limit: int | None = None
    criteria: tuple[Criterion, ...] = ()
    extensions: Extensions = field(default_factory=dict)
    at: Location


class Step(Record, kw_only=True):
    """Arazzo §Step Object; `timeout` in milliseconds; `outputs` maps a name to an expression text or a Selector."""

    description: str | None = None
    step_id: str
    operation_id: str | None = None
    operation_path: str | None = None
    channel_path: str | None = None
    workflow_id: str | None = None
    parameters: tuple[Parameter | ReusableObject, ...] = ()
    request_body: RequestBody | None = None
    success_criteria: tuple[Criterion, ...] = ()
    on_success: tuple[SuccessAction | ReusableObject, ...] = ()
    on_failure: tuple[FailureAction | ReusableObject, ...] = ()
    outputs: Mapping[str, str | Selector] = field(default_factory=dict)
    timeout: int | None = None
    correlation_id: str | None = None
    action: Literal["send", "receive"] | None = None
    depends_on: tuple[str, ...] = ()
    extensions: Extensions = field(default_factory=dict)
    at: Location


class Workflow(Record, kw_only=True):
    """Arazzo §Workflow Object; `inputs` is the raw JSON Schema (2020-12), None when absent."""

    workflow_id: str
    summary: str | None = None
    description: str | None = None
    inputs: JsonValue | None = None
    depends_on: tuple[str, ...] = ()
    steps: tuple[Step, ...]
    success_actions: tuple[SuccessAction | ReusableObject, ...] = ()
    failure_actions: tuple[FailureAction | ReusableObject, ...] = ()
    outputs: Mapping[str, str | Selector] = field(default_factory=dict)
    parameters: tuple[Parameter | ReusableObject, ...] = ()
    extensions: Extensions = field(default_factory=dict)
    at: Location


class Components(Record, kw_only=True):
    """Arazzo §Components Object; `inputs` maps names to raw JSON Schemas."""

    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    success_actions: Mapping[str, SuccessAction] = field(default_factory=dict)
    failure_actions: Mapping[str, FailureAction] = field(default_factory=dict)
    extensions: Extensions = field(default_factory=dict)
    at: Location


class ArazzoDescription(PartlyComparedRecord, kw_only=True):
    """Arazzo §Arazzo Specification Object: one document; `raw` is its whole JSON value."""

    _hidden_in_repr = ("raw",)
    _ignored_in_eq = ("raw",)

    arazzo: str
    self_uri: str | None = None
    info: Info
    source_descriptions: tuple[SourceDescription, ...]
    workflows: tuple[Workflow, ...]
    components: Components
    extensions: Extensions = field(default_factory=dict)
    raw: JsonValue = None
    at: Location

    @property
    def minor(self) -> int:
        """The feature set: 0 for Arazzo 1.0.x, 1 for 1.1.x (an unknown newer one reads as the newest known)."""
        return 0 if self.arazzo.startswith("1.0") else 1
