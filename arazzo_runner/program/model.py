"""The compiled Program: names are resolved to objects and expressions parsed to nodes.

Records are frozen; workflows refer to each other by WorkflowKey, since calls may be recursive.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal as OneOf, TypeAlias, assert_never

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, PartlyComparedRecord, Record, field
from arazzo_runner.document.model import ArazzoDescription
from arazzo_runner.errors import Diagnostic, Location, Severity, UnknownWorkflow
from arazzo_runner.expressions.nodes import Condition, Expression, Template, TextLanguage
from arazzo_runner.expressions.queries.query import Query
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import Operation, OperationParameter

if TYPE_CHECKING:
    from arazzo_runner.program.library import LoadedDocument
    from arazzo_runner.sources.asyncapi import AsyncApiDescription
    from arazzo_runner.sources.channel import (
        Action,
        BrokerServer,
        Channel,
        MessageOperation,
        MessageType,
        Place,
        Reply,
    )


class WorkflowKey(Record):
    """Identifies a workflow: its document's base URI and its workflowId."""

    document: str
    workflow_id: str


# ------------------------------------------------------------------ values


class Literal(Record):
    """A constant."""

    value: JsonValue


class ExpressionValue(Record):
    """A text that is one runtime expression; its value keeps its type."""

    expression: Expression
    at: Location


class TemplateValue(Record):
    """A text with embedded expressions; its value is a text of `language`, in which values stay data."""

    template: Template
    at: Location
    language: TextLanguage = "text"


class SelectorValue(Record):
    """A Selector Object (Arazzo 1.1): `query` applied to the value of `context`.

    `query` is a Template when the selector has embedded expressions; it is compiled, in the
    language `kind` and `version`, once their values are known.
    """

    context: Expression
    query: Query | Template
    kind: str
    version: str | None
    at: Location


class ObjectValue(Record):
    """A mapping with computed members or keys; members in `required` must not be left out."""

    members: tuple[tuple[str | Expression | Template, Value], ...]
    required: frozenset[str] = frozenset()


class ArrayValue(Record):
    """A list with computed items."""

    items: tuple[Value, ...]


TextValue: TypeAlias = Literal | ExpressionValue | TemplateValue
"""The values a text may compile to."""

Value: TypeAlias = TextValue | SelectorValue | ObjectValue | ArrayValue


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
    """A regex, jsonpath or xpath condition; `query` is a Template if it has embedded expressions."""

    text: str
    kind: str
    version: str | None
    context: Expression
    query: Query | Template
    at: Location


CompiledCriterion: TypeAlias = SimpleCriterion | ContextCriterion | QueryCriterion


class CompiledParameter(Record):
    """A parameter; `location` is None for the input of a called workflow.

    `declared` is the operation's parameter of that name and location, None when it declares none. `is_inherited`: it
    is the workflow's, and may be for steps of another kind.
    """

    name: str
    location: OneOf["path", "query", "querystring", "header", "cookie"] | None
    value: Value
    at: Location
    declared: OperationParameter | None = None
    is_inherited: bool = False


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
    """The body that a step sends; `content_type` is decided at compile time (semantics §6).

    `key` is that of a message of Kafka, None where the step gives none.
    """

    content_type: str
    payload: Value | None
    at: Location
    replacements: tuple[CompiledReplacement, ...] = ()
    key: Value | None = None


class OperationCall(Record, kw_only=True):
    """The step calls an operation of a description; `server` is its URL, already chosen."""

    operation: Operation
    source: str
    description: OpenApiDescription
    server: str


class MessageCall(Record, kw_only=True):
    """The step sends a message to a channel, or receives one from it.

    - `operation`: None for a step that names its channel.
    - `messages`: those that may be sent or come.
    - `channel`: the one that is sent to or received from: that of a reply for a step that waits for one.
    - `address`: of the channel, a template with `{variables}` that parameters `in: path` fill. `inbox`: it is only a
      hint for the name of an address that is made for replies to this run.
    - `server`: whose bindings and security hold, None when the description has none; `url` is where messages go to
      and come from, `protocol` its scheme or that of the server.
    - `correlation`: the value that the message must have at one of `places`, None for any message.
    - `reply`: of the operation; its `address` is where a request says which address its reply goes to.
    """

    action: Action
    channel: Channel
    messages: tuple[MessageType, ...]
    source: str
    description: AsyncApiDescription
    operation: MessageOperation | None = None
    address: str
    server: BrokerServer | None = None
    protocol: str
    url: str
    correlation: TextValue | None = None
    places: tuple[Place, ...] = ()
    reply: Reply | None = None
    inbox: bool = False


class WorkflowCall(Record, kw_only=True):
    """The step calls another workflow."""

    workflow: WorkflowKey


class Unlinked(Record):
    """The step's target was not found (which is reported) or not read; a program with such a step is not run."""


Call: TypeAlias = OperationCall | MessageCall | WorkflowCall | Unlinked
"""Every kind of call. Match it with `assert_never`, so that the type check names each place that a new kind misses."""


class CompiledStep(Record):
    """One step, with the parameters and actions of its workflow merged in.

    `timeout` is in seconds. `depends_on` are the steps of this workflow that must end before it,
    `foreign_steps` those of other workflows; `reads` are the steps whose outputs it refers to, and
    `later` those of them (perhaps itself) that run only after its first visit, through goto or retry.
    `waits_from` is the step at whose turn the timeout of this one begins, which receives a message and is where
    its result is needed first; None when it begins at its own turn.
    """

    step_id: str
    call: Call
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
    waits_from: str | None = None

    @property
    def called_workflow(self) -> WorkflowKey | None:
        """The workflow that the step calls, if it calls one."""
        match self.call:
            case WorkflowCall(workflow=workflow):
                return workflow
            case OperationCall() | MessageCall() | Unlinked():
                return None
            case _:
                assert_never(self.call)


class Arm(Record, kw_only=True):
    """A subscription that a workflow needs: of the channel that `step_ids` receive from, in order.

    It begins when the steps `after` have ended, which its address reads; with none, when the workflow begins: a
    message that comes before is lost where brokers keep none (semantics §9). `inbox`: of an address that is made for
    the replies to requests of this run. `callbacks`: of a webhook, the inputs that are the URL to post to.
    """

    name: str
    step_ids: tuple[str, ...]
    after: frozenset[str] = frozenset()
    inbox: bool = False
    callbacks: tuple[str, ...] = ()


class DocumentScope(Record, kw_only=True):
    """The parts of a document that its expressions may refer to; `raw` is the whole document.

    `is_remote`: it was fetched from the network, and must not lead to files.
    """

    _hidden_in_repr = ("raw",)

    uri: str
    self_uri: str | None
    sources: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    components: Mapping[str, Mapping[str, JsonValue]] = field(default_factory=dict)
    raw: JsonValue = None
    is_remote: bool = False


class CompiledWorkflow(Record):
    """One workflow; `steps` are in order of execution (semantics §5), `positions` gives the index of each."""

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
    arms: tuple[Arm, ...] = ()

    @property
    def workflow_id(self) -> str:
        """The workflowId."""
        return self.key.workflow_id

    @property
    def callback_inputs(self) -> frozenset[str]:
        """The inputs that the run itself gives a value, if nobody does: the URLs of its webhooks (semantics §9)."""
        return frozenset(name for arm in self.arms for name in arm.callbacks)

    def entrance(self, step_id: str, is_awaited: Callable[[CompiledStep], bool] = lambda step: True) -> int:
        """Return the index that a goto to a step leads to: that of those before it that wait for it to come, if any."""
        index = self.positions[step_id]
        while index > 0 and self.steps[index - 1].waits_from is not None and is_awaited(self.steps[index - 1]):
            index -= 1
        return index

    def operation_steps(self) -> Iterator[tuple[CompiledStep, OperationCall]]:
        """Yield each step that calls an operation of a description, with its call."""
        for step in self.steps:
            match step.call:
                case OperationCall() as call:
                    yield step, call
                case MessageCall() | WorkflowCall() | Unlinked():
                    pass
                case _:
                    assert_never(step.call)

    def message_steps(self) -> Iterator[tuple[CompiledStep, MessageCall]]:
        """Yield each step that sends or receives a message, with its call."""
        for step in self.steps:
            if isinstance(step.call, MessageCall):
                yield step, step.call


class Origin(MutableRecord):
    """The document that a program was loaded from, and the findings about its documents so far, by their URIs."""

    document: LoadedDocument
    findings: dict[str, tuple[Diagnostic, ...]] = field(default_factory=dict)


class Program(PartlyComparedRecord, kw_only=True):
    """A compiled Arazzo Description.

    `description` is the entry document's model, `base` its base URI; `workflows` are the compiled
    workflows, those asked for and those they can reach; `entry` is the one chosen to be run, if any.
    `diagnostics` are the findings of loading (errors only when loaded for validation). `origin` is for what is
    looked up in the document after a failure.
    """

    _hidden_in_repr = ("origin",)
    _ignored_in_eq = ("origin",)

    description: ArazzoDescription
    base: str
    workflows: Mapping[WorkflowKey, CompiledWorkflow]
    entry: WorkflowKey | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    origin: Origin | None = None

    @property
    def workflow(self) -> CompiledWorkflow:
        """The workflow that was chosen when the program was loaded; UnknownWorkflow when none was."""
        if self.entry is None:
            raise several_workflows([each.workflow_id for each in self.description.workflows], self.description.at)
        return self.workflows[self.entry]

    def operation_steps(self) -> Iterator[tuple[CompiledWorkflow, CompiledStep, OperationCall]]:
        """Yield each step that calls an operation of a description, with its workflow and its call."""
        for workflow in self.workflows.values():
            for step, call in workflow.operation_steps():
                yield workflow, step, call

    def message_steps(self) -> Iterator[tuple[CompiledWorkflow, CompiledStep, MessageCall]]:
        """Yield each step that sends or receives a message, with its workflow and its call."""
        for workflow in self.workflows.values():
            for step, call in workflow.message_steps():
                yield workflow, step, call

    def operations(self) -> tuple[tuple[str, Operation, OpenApiDescription], ...]:
        """Return every (source name, operation, description) that a step calls, each once, in order."""
        found: dict[tuple[str, str], tuple[str, Operation, OpenApiDescription]] = {}
        for _, _, call in self.operation_steps():
            operation = call.operation
            found.setdefault((operation.uri, operation.pointer), (call.source, operation, call.description))
        return tuple(found.values())


def several_workflows(names: Sequence[str], at: Location) -> UnknownWorkflow:
    """Return the error for a document with several workflows of which none was chosen."""
    message = f"the document has {len(names)} workflows; say which one to run"
    hint = f"available: {', '.join(names)}"
    found = Diagnostic(
        code="unknown-workflow", severity=Severity.ERROR, message=message, at=at.child("workflows"), hint=hint
    )
    return UnknownWorkflow([found])
