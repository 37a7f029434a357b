"""The compiled Program: names are objects, expressions are nodes, nothing is looked up by text any more.

Everything is frozen; workflows refer to each other by WorkflowKey, so that they may form cycles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as OneOf

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.document.model import ArazzoDescription
from arazzo_runner.errors import Diagnostic, Location
from arazzo_runner.expressions.nodes import Condition, Expression, Template
from arazzo_runner.expressions.selectors import Query

if TYPE_CHECKING:  # for annotations only: a document without descriptions needs none of it
    from arazzo_runner.sources.openapi import OpenApiDescription
    from arazzo_runner.sources.operation import Operation, OperationParameter


class WorkflowKey(Record):
    """Names one workflow of one document: the document's base URI and the workflowId."""

    document: str
    workflow_id: str


# ------------------------------------------------------------------ values


class Literal(Record):
    """A constant, used as it stands."""

    value: JsonValue


class ExpressionValue(Record):
    """A text that is one whole runtime expression: its value keeps its type."""

    expression: Expression
    at: Location


class TemplateValue(Record):
    """A text with embedded expressions: gives text."""

    template: Template
    at: Location


class SelectorValue(Record):
    """A Selector object (Arazzo 1.1): `query` applied to the value of `context`.

    `query` is a Template when the selector text holds embedded expressions; it is then
    compiled when its text is known (`kind` and `version` say in which language).
    """

    context: Expression
    query: Query | Template
    kind: str
    version: str | None
    at: Location


class ObjectValue(Record):
    """A mapping some of whose members (or keys) are computed."""

    members: tuple[tuple[str | Expression | Template, Value], ...]
    required: frozenset[str] = frozenset()


class ArrayValue(Record):
    """A list some of whose items are computed."""

    items: tuple[Value, ...]


Value: TypeAlias = Literal | ExpressionValue | TemplateValue | SelectorValue | ObjectValue | ArrayValue


# ------------------------------------------------------------------ criteria and actions


class SimpleCriterion(Record):
    """A simple condition, parsed; `references` are the expressions in it."""

    text: str
    condition: Condition
    at: Location
    references: tuple[Expression, ...]


class ContextCriterion(Record):
    """`context` compared with a constant (`context: $statusCode`, `condition: 200`): a tolerated form."""

    text: str
    context: Expression
    expected: JsonValue
    at: Location


class QueryCriterion(Record):
    """A regex, jsonpath or xpath condition; `query` is a Template while it holds embedded expressions."""

    text: str
    kind: str
    version: str | None
    context: Expression
    query: Query | Template
    at: Location


CompiledCriterion: TypeAlias = SimpleCriterion | ContextCriterion | QueryCriterion


class CompiledParameter(Record):
    """A parameter with its Reusable Object followed; `location` is None for a workflow's input.

    `declared` is the operation's own parameter of that name and place, None when it has none.
    """

    name: str
    location: OneOf["path", "query", "querystring", "header", "cookie"] | None
    value: Value
    at: Location
    declared: OperationParameter | None = None


class CompiledAction(Record):
    """A success or failure action; `retry_after` in seconds, `retry_limit` counts retries."""

    name: str
    type: OneOf["end", "goto", "retry"]
    at: Location
    step_id: str | None = None
    workflow: WorkflowKey | None = None
    parameters: tuple[CompiledParameter, ...] = ()
    criteria: tuple[CompiledCriterion, ...] = ()
    retry_after: float = 0.0
    retry_limit: int = 1


# ------------------------------------------------------------------ steps and workflows


class CompiledReplacement(Record, kw_only=True):
    """A payload replacement; `target` is a Query of its selector type."""

    target: Query
    value: Value
    at: Location


class CompiledBody(Record):
    """What a step sends: `content_type` is decided at compile time (semantics §6)."""

    content_type: str
    payload: Value | None
    at: Location
    replacements: tuple[CompiledReplacement, ...] = ()


class OperationCall(Record, kw_only=True):
    """The step calls an operation of a description; `server` is its URL, already chosen."""

    operation: Operation
    source: str
    description: OpenApiDescription
    server: str


class WorkflowCall(Record, kw_only=True):
    """The step calls another workflow."""

    workflow: WorkflowKey


class Unlinked(Record):
    """The step's target could not be had (which is reported), or was not read: such a Program is only looked at."""


class CompiledStep(Record):
    """One step, ready to run: parameters and actions are merged with the workflow's.

    `timeout` in seconds. `depends_on` are the steps of this workflow that must have ended
    before it, `reads` those whose outputs it refers to, `later` those (perhaps itself) that a loop
    or a repair runs only after its first visit; `foreign_steps` are steps of other workflows
    it waits for.
    """

    step_id: str
    call: OperationCall | WorkflowCall | Unlinked
    at: Location
    description: str | None = None
    parameters: tuple[CompiledParameter, ...] = ()
    body: CompiledBody | None = None
    criteria: tuple[CompiledCriterion, ...] = ()
    on_success: tuple[CompiledAction, ...] = ()
    on_failure: tuple[CompiledAction, ...] = ()
    outputs: tuple[tuple[str, Value], ...] = ()
    timeout: float | None = None
    depends_on: tuple[str, ...] = ()
    reads: frozenset[str] = frozenset()
    foreign_steps: tuple[tuple[WorkflowKey, str], ...] = ()
    later: frozenset[str] = frozenset()
    secret_outputs: frozenset[str] = frozenset()


class DocumentScope(Record, kw_only=True):
    """What expressions of one document may see of the document itself.

    `workflow_ids` maps every workflowId (and `source.workflowId`) its expressions may name.
    """

    _hidden_in_repr = ("raw",)

    uri: str
    self_uri: str | None
    sources: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    components: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    raw: JsonValue = None


class CompiledWorkflow(Record):
    """One workflow; `steps` stand in the order of execution fixed at compile time (semantics §5)."""

    _hidden_in_repr = ("positions",)

    key: WorkflowKey
    document: DocumentScope
    at: Location
    inputs: JsonValue | None
    steps: tuple[CompiledStep, ...]
    depends_on: tuple[WorkflowKey, ...] = ()
    outputs: tuple[tuple[str, Value], ...] = ()
    positions: Mapping[str, int] = field(default_factory=dict)
    summary: str | None = None
    secret_inputs: frozenset[str] = frozenset()
    secret_outputs: frozenset[str] = frozenset()

    @property
    def workflow_id(self) -> str:
        """The workflowId."""
        return self.key.workflow_id


class Program(Record, kw_only=True):
    """A checked, frozen Arazzo Description: what `run` walks through.

    `description` is the entry document's model, `base` its base URI; `workflows` holds every compiled workflow
    that was asked for or can be reached; `entry` is the workflow to run when one was chosen.
    `diagnostics` are what was found on the way (errors only when loaded for validation).
    """

    description: ArazzoDescription
    base: str
    workflows: Mapping[WorkflowKey, CompiledWorkflow]
    entry: WorkflowKey | None = None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def workflow(self) -> CompiledWorkflow:
        """The workflow that was chosen when the program was loaded; KeyError when none was."""
        if self.entry is None:
            raise KeyError("no workflow was chosen")
        return self.workflows[self.entry]

    def operations(self) -> tuple[tuple[str, Operation, OpenApiDescription], ...]:
        """Return every (source name, operation, description) that a step calls, each once, in order."""
        found: dict[tuple[str, str], tuple[str, Operation, OpenApiDescription]] = {}
        for workflow in self.workflows.values():
            for step in workflow.steps:
                if isinstance(step.call, OperationCall):
                    call = step.call
                    found.setdefault(
                        (call.operation.uri, call.operation.pointer), (call.source, call.operation, call.description)
                    )
        return tuple(found.values())
