"""What rules see of a document: its compiled program, its sources, and lists that several rules need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.document.model import (
    Criterion,
    FailureAction,
    Parameter,
    ReusableObject,
    Step,
    SuccessAction,
    Workflow,
)
from arazzo_runner.errors import Location
from arazzo_runner.lint.analysis.flow import BrokenPlaces, Flow, flow_of
from arazzo_runner.lint.analysis.payloads import PayloadMismatch, payload_mismatches
from arazzo_runner.lint.analysis.response_types import ResponseTypes
from arazzo_runner.lint.analysis.schemas import SchemaAt, document_schemas
from arazzo_runner.lint.analysis.text_index import TextIndex
from arazzo_runner.lint.analysis.uses import Use, workflow_uses
from arazzo_runner.program.library import Source
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledCriterion,
    CompiledParameter,
    CompiledStep,
    CompiledWorkflow,
    Literal as Constant,
    MessageCall,
    OperationCall,
    Program,
    WorkflowKey,
)
from arazzo_runner.program.schemas import input_names
from arazzo_runner.sources.http_media.files import may_have_files
from arazzo_runner.sources.schema.check import resolve_within
from arazzo_runner.sources.schema.context import SchemaContext

Item: TypeAlias = Parameter | SuccessAction | FailureAction | ReusableObject
Action: TypeAlias = SuccessAction | FailureAction
Feature: TypeAlias = Literal["operations", "messages", "exchanges", "calls", "actions", "certain-actions"]
"""Something that a document may contain: steps that call operations; steps that send or receive messages; steps of one
of the two kinds; calls of workflows, by steps or actions; actions; actions without criteria, which are taken whenever
their turn comes."""


class CallSite(Record):
    """A call of a workflow: by `action` of a step, or by the step itself (None); `at` is its workflowId."""

    workflow: CompiledWorkflow
    step: CompiledStep
    action: CompiledAction | None
    target: WorkflowKey
    parameters: tuple[CompiledParameter, ...]
    at: Location


class Inspection:
    """A document as rules see it, also when parts of it are broken.

    `description` is the entry document's model, `sources` what its source descriptions led to
    (None or absent: it could not be read), `options` are those of rules, by code. Rules report
    on the entry document only; other documents are entries in their turn.
    """

    def __init__(
        self,
        program: Program,
        sources: Mapping[str, Source | None],
        options: Mapping[str, Mapping[str, JsonValue]] | None = None,
    ) -> None:
        self.program = program
        self.description = program.description
        self.workflows = program.workflows
        self.diagnostics = program.diagnostics
        self.sources = sources
        self.options = options or {}

    @cached_property
    def features(self) -> frozenset[Feature]:
        """What the document contains."""
        found = set[Feature]()
        if self.compiled_actions:
            found.add("actions")
        if any(not action.criteria and action.type != "retry" for action in self.compiled_actions):
            found.add("certain-actions")
        if any(self.operation_steps()):
            found |= {"operations", "exchanges"}
        if any(self.message_steps()):
            found |= {"messages", "exchanges"}
        if any(self.workflow_calls()):
            found.add("calls")
        return frozenset(found)

    # ------------------------------------------------------------------ as written

    @cached_property
    def steps(self) -> tuple[tuple[Workflow, Step], ...]:
        """Every step of the entry document with its workflow, as written."""
        return tuple([(workflow, step) for workflow in self.description.workflows for step in workflow.steps])

    @cached_property
    def criteria_lists(self) -> tuple[tuple[Criterion, ...], ...]:
        """Every list of criteria: of steps, of actions, of component actions."""
        own = [step.success_criteria for _, step in self.steps]
        return tuple(own + [action.criteria for action in self.actions])

    @cached_property
    def actions(self) -> tuple[Action, ...]:
        """Every action that is written out, of steps, workflows and components."""
        components = self.description.components
        lists: list[tuple[Action | ReusableObject, ...]] = []
        for workflow in self.description.workflows:
            lists += [workflow.success_actions, workflow.failure_actions]
            for step in workflow.steps:
                lists += [step.on_success, step.on_failure]
        written = [each for items in lists if items for each in items if not isinstance(each, ReusableObject)]
        return (*written, *components.success_actions.values(), *components.failure_actions.values())

    @cached_property
    def reusable_lists(self) -> tuple[tuple[Item, ...], ...]:
        """Every list of parameters or actions that may contain Reusable Objects, of workflows and steps."""
        found: list[tuple[Item, ...]] = []
        for workflow in self.description.workflows:
            found += [workflow.parameters, workflow.success_actions, workflow.failure_actions]
            for step in workflow.steps:
                found += [step.parameters, step.on_success, step.on_failure]
        return tuple(filter(None, found))

    @cached_property
    def texts(self) -> TextIndex:
        """The texts of the entry document."""
        return TextIndex(self.description.raw)

    @property
    def root(self) -> JsonValue:
        """The entry document, the `$ref`s of its inputs led into it as far as they can be followed."""
        return next((each.document.raw for each in self.compiled), self.description.raw)

    @cached_property
    def schemas(self) -> tuple[SchemaAt, ...]:
        """Every JSON Schema of the entry document (workflow inputs, components/inputs), subschemas included."""
        return tuple(document_schemas(self.description))

    @cached_property
    def schema_context(self) -> SchemaContext:
        """How the schemas of the entry document are read: 2020-12, references inside the document."""
        return SchemaContext("2020-12", resolve_within(self.description.raw))

    # ------------------------------------------------------------------ compiled

    @cached_property
    def compiled(self) -> tuple[CompiledWorkflow, ...]:
        """The compiled workflows of the entry document, in its order."""
        return tuple(workflow for key, workflow in self.workflows.items() if key.document == self.program.base)

    @cached_property
    def compiled_steps(self) -> tuple[tuple[CompiledWorkflow, CompiledStep], ...]:
        """Every compiled step of the entry document, also those whose target was not found (`Unlinked`)."""
        return tuple([(workflow, step) for workflow in self.compiled for step in workflow.steps])

    def operation_steps(self) -> Iterator[tuple[CompiledWorkflow, CompiledStep, OperationCall]]:
        """Yield each step of the entry document that calls an operation, with its workflow and its call."""
        for workflow in self.compiled:
            for step, call in workflow.operation_steps():
                yield workflow, step, call

    def message_steps(self) -> Iterator[tuple[CompiledWorkflow, CompiledStep, MessageCall]]:
        """Yield each step of the entry document that sends or receives a message, with its workflow and its call."""
        for workflow in self.compiled:
            for step, call in workflow.message_steps():
                yield workflow, step, call

    def operation_uses(self) -> Iterator[tuple[Use, CompiledStep, OperationCall]]:
        """Yield each runtime expression of a step that calls an operation, with the step and its call."""
        calls = {id(step): call for _, step, call in self.operation_steps()}
        for use in self.uses:
            if use.step is not None and id(use.step) in calls:
                yield use, use.step, calls[id(use.step)]

    def workflow_calls(self) -> Iterator[CallSite]:
        """Yield each call of a workflow by a step or an action of the entry document."""
        for workflow, step in self.compiled_steps:
            called = step.called_workflow
            if called is not None:
                yield CallSite(workflow, step, None, called, step.parameters, step.at.child("workflowId"))
            for action in (*step.on_success, *step.on_failure):
                if action.workflow is not None:
                    at = action.at.child("workflowId")
                    yield CallSite(workflow, step, action, action.workflow, action.parameters, at)

    @cached_property
    def compiled_actions(self) -> tuple[CompiledAction, ...]:
        """Every compiled action of the entry document's steps, each once however many steps inherit it."""
        steps = [step for _, step in self.compiled_steps if step.on_success or step.on_failure]
        return tuple({id(action): action for step in steps for action in (*step.on_success, *step.on_failure)}.values())

    @cached_property
    def compiled_criteria(self) -> tuple[tuple[CompiledCriterion, ...], ...]:
        """Every list of compiled criteria of the entry document's steps and actions, each once."""
        steps = [step for _, step in self.compiled_steps]
        lists = [
            criteria
            for step in steps
            for criteria in (step.criteria, *[each.criteria for each in (*step.on_success, *step.on_failure)])
        ]
        once = {id(criteria): criteria for criteria in lists if criteria}.values()
        found: dict[str, tuple[CompiledCriterion, ...]] = {}
        for criteria in once:
            found.setdefault(criteria[0].at.pointer, criteria)
        return tuple(found.values())

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """Every runtime expression of the entry document's workflows with its location."""
        return tuple([use for workflow in self.compiled for use in workflow_uses(workflow)])

    @cached_property
    def broken(self) -> BrokenPlaces:
        """The places where the document has errors already."""
        return BrokenPlaces(self.diagnostics)

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """The graph of the steps of each compiled workflow of the entry document, in its order."""
        return tuple(flow_of(workflow, self.broken) for workflow in self.compiled)

    @cached_property
    def response_types(self) -> ResponseTypes:
        """The types of expressions, inferred from the descriptions."""
        return ResponseTypes(self.program)

    @cached_property
    def literal_files(self) -> tuple[tuple[str, Location], ...]:
        """The paths of the files that steps send whatever the inputs are; of a document from the network none."""
        if not (self.texts.has_any_word(("path",)) and may_have_files(self.root)):
            return ()
        from arazzo_runner.engine.static_files import literal_files  # lazily: few payloads name files

        steps = [each for each in self.operation_steps() if not each[0].document.is_remote]
        found = (each for workflow, step, call in steps for each in literal_files(self.program, workflow, step, call))
        return tuple(dict.fromkeys(found))

    @cached_property
    def payload_mismatches(self) -> tuple[PayloadMismatch, ...]:
        """How the payloads of requests and messages do not fit the descriptions."""
        types = self.response_types
        requests = (found for each in self.operation_steps() for found in payload_mismatches(*each, types))
        messages = (found for each in self.message_steps() for found in payload_mismatches(*each, types))
        return tuple(each for each in (*requests, *messages) if not self._is_unread(each.step))

    def _is_unread(self, step: CompiledStep) -> bool:
        """Return whether the payload of a step is not known because of an error in it."""
        is_empty = step.body is not None and step.body.payload == Constant(None)
        return is_empty and self.broken.inside(step.at, "requestBody")

    # ------------------------------------------------------------------ places and names

    def at(self, pointer: str) -> Location:
        """Return a location in the entry document."""
        root = self.description.at
        return Location(root.uri, pointer, root.positions)

    def workflow_at(self, pointer: str) -> Workflow | None:
        """Return the workflow that contains a location, None outside of workflows."""
        return self._workflows_by_pointer.get("/".join(pointer.split("/", 3)[:3]))

    def step_at(self, pointer: str) -> Step | None:
        """Return the step at a location of the document, as written."""
        return self._steps_by_pointer.get(pointer)

    @cached_property
    def _steps_by_pointer(self) -> Mapping[str, Step]:
        return {step.at.pointer: step for _, step in self.steps}

    @cached_property
    def _workflows_by_pointer(self) -> Mapping[str, Workflow]:
        return {workflow.at.pointer: workflow for workflow in self.description.workflows}

    def is_declared(self, pointer: str, root: str, name: str) -> bool:
        """Return whether `inputs.<name>`, `steps.<name>` or `workflows.<name>` is declared where `pointer` points."""
        place = "" if root == "workflows" else "/".join(pointer.split("/", 3)[:3])
        return name in self._names.get((place, root), ())

    @cached_property
    def _names(self) -> Mapping[tuple[str, str], frozenset[str]]:
        """(workflow's pointer, "inputs" or "steps") → the names declared there; ("", "workflows") → all workflows."""
        workflows = self.description.workflows
        found = {("", "workflows"): frozenset(workflow.workflow_id for workflow in workflows)}
        for workflow in workflows:
            found[workflow.at.pointer, "steps"] = frozenset(step.step_id for step in workflow.steps)
            found[workflow.at.pointer, "inputs"] = input_names(workflow.inputs, self.description.raw) or frozenset()
        return found
