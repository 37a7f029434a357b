"""What rules see: a Program, its sources, and the lists that several rules walk, each made once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
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
from arazzo_runner.expressions.parser import parse_plain
from arazzo_runner.lint.analysis.broken import BrokenPlaces
from arazzo_runner.lint.analysis.conditions import plain_texts
from arazzo_runner.lint.analysis.flow import Flow, flow_of
from arazzo_runner.lint.analysis.schemas import SchemaAt, document_schemas
from arazzo_runner.lint.analysis.text_index import Texts
from arazzo_runner.lint.analysis.uses import Use, workflow_uses
from arazzo_runner.program.library import Source
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledCriterion,
    CompiledStep,
    CompiledWorkflow,
    OperationCall,
    Program,
    WorkflowCall,
)
from arazzo_runner.program.schemas import input_names

if TYPE_CHECKING:
    from arazzo_runner.lint.analysis.payloads import PayloadMisfit
    from arazzo_runner.lint.analysis.response_types import Forecast
    from arazzo_runner.sources.schema.context import SchemaContext

_SELECTOR: Final = frozenset({"selector"})
_WHOLE_OUTPUT: Final = pattern(r"\$steps\.[A-Za-z0-9_\-]+\.outputs\.[A-Za-z0-9_\-]+(?=[\s\"'`,;)}&<>|]|\Z)")

Item: TypeAlias = Parameter | SuccessAction | FailureAction | ReusableObject


class Inspection(Program, kw_only=True, dict=True):
    """A Program as rules see it: whatever the document holds, also when parts of it are broken.

    `description` is the entry document's model, `sources` what its source descriptions led to
    (None or absent: it could not be had). Rules tell about the entry document only: other
    documents are entries in their turn.
    """

    sources: Mapping[str, Source | None]
    options: Mapping[str, Mapping[str, JsonValue]]

    @classmethod
    def of(
        cls,
        program: Program,
        sources: Mapping[str, Source | None],
        options: Mapping[str, Mapping[str, JsonValue]] | None = None,
    ) -> Inspection:
        """Make one of a program, its opened sources and the options of rules, by code."""
        return cls(
            description=program.description,
            base=program.base,
            workflows=program.workflows,
            entry=program.entry,
            diagnostics=program.diagnostics,
            sources=sources,
            options=options or {},
        )

    def option(self, code: str, name: str, default: JsonValue) -> JsonValue:
        """Return an option of a rule; the default where none of its type was given."""
        value = self.options.get(code, {}).get(name, default)
        return value if type(value) is type(default) else default

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
    def actions(self) -> tuple[SuccessAction | FailureAction, ...]:
        """Every action that is written out, of steps, workflows and components."""
        components = self.description.components
        lists: list[tuple[SuccessAction | FailureAction | ReusableObject, ...]] = []
        for workflow in self.description.workflows:
            lists += [workflow.success_actions, workflow.failure_actions]
            for step in workflow.steps:
                lists += [step.on_success, step.on_failure]
        written = [each for items in lists if items for each in items if not isinstance(each, ReusableObject)]
        return (*written, *components.success_actions.values(), *components.failure_actions.values())

    @cached_property
    def reusable_lists(self) -> tuple[tuple[Item, ...], ...]:
        """Every list of parameters or actions in which Reusable Objects may stand, of workflows and steps."""
        found: list[tuple[Item, ...]] = []
        for workflow in self.description.workflows:
            found += [workflow.parameters, workflow.success_actions, workflow.failure_actions]
            for step in workflow.steps:
                found += [step.parameters, step.on_success, step.on_failure]
        return tuple(filter(None, found))

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
    def conditions(self) -> frozenset[tuple[str, ...] | None]:
        """The lists of compiled criteria as `plain_texts` gives them, in any order: few, for steps test the same."""
        lists = [step.criteria for _, step in self.compiled_steps]
        lists += [action.criteria for action in self.compiled_actions]
        return frozenset(map(plain_texts, filter(None, lists)))

    @cached_property
    def compiled(self) -> tuple[CompiledWorkflow, ...]:
        """The compiled workflows of the entry document, in its order."""
        return tuple(workflow for key, workflow in self.workflows.items() if key.document == self.base)

    @cached_property
    def compiled_steps(self) -> tuple[tuple[CompiledWorkflow, CompiledStep], ...]:
        """Every compiled step of the entry document, those whose target could not be had too (`Unlinked`)."""
        return tuple([(workflow, step) for workflow in self.compiled for step in workflow.steps])

    @cached_property
    def uses(self) -> tuple[Use, ...]:
        """Every runtime expression of the entry document's workflows where it stands."""
        return tuple([use for workflow in self.compiled for use in workflow_uses(workflow)])

    @cached_property
    def schemas(self) -> tuple[SchemaAt, ...]:
        """Every JSON Schema of the entry document (workflow inputs, components/inputs), parts included."""
        return tuple(document_schemas(self.description))

    @cached_property
    def schema_context(self) -> SchemaContext:
        """How the schemas of the entry document are read: 2020-12, references inside the document."""
        from arazzo_runner.sources.schema.check import resolve_within
        from arazzo_runner.sources.schema.context import SchemaContext

        return SchemaContext("2020-12", resolve_within(self.description.raw))

    @cached_property
    def texts(self) -> Texts:
        """The texts of the entry document with their places, and the keys that may be expressions."""
        return Texts(self.description.raw)

    @cached_property
    def needs(self) -> frozenset[str]:
        """What rules need that the entry document has (`rule.Needs`)."""
        kinds = {type(step.call) for _, step in self.compiled_steps}
        found = {"actions"} if self.compiled_actions else set()
        if any(not action.criteria and action.type != "retry" for action in self.compiled_actions):
            found.add("certain-actions")
        if OperationCall in kinds:
            found.add("operations")
        if WorkflowCall in kinds or any(action.workflow for action in self.compiled_actions):
            found.add("calls")
        if "operations" in found or self._may_be_foretold():
            found.add("forecast")
        return frozenset(found)

    def _may_be_foretold(self) -> bool:
        """Tell whether more than the text of an expression is known of anything where no operation is."""
        if self.texts.words_among(_SELECTOR):
            return True
        return None in self.conditions or any(map(_reads_on, self.texts.holding("$steps")))

    def workflow_at(self, pointer: str) -> Workflow | None:
        """Return the workflow in which a place of the document stands, None outside workflows."""
        return self._workflows_by_pointer.get("/".join(pointer.split("/", 3)[:3]))

    def step_at(self, pointer: str) -> Step | None:
        """Return the step that stands at a place of the document, as written."""
        return self._steps_by_pointer.get(pointer)

    @cached_property
    def _steps_by_pointer(self) -> Mapping[str, Step]:
        return {step.at.pointer: step for _, step in self.steps}

    @cached_property
    def _workflows_by_pointer(self) -> Mapping[str, Workflow]:
        return {workflow.at.pointer: workflow for workflow in self.description.workflows}

    def is_declared(self, pointer: str, root: str, name: str) -> bool:
        """Tell whether `inputs.<name>`, `steps.<name>` or `workflows.<name>` means something at a place."""
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

    @cached_property
    def broken(self) -> BrokenPlaces:
        """Where the document has errors already."""
        return BrokenPlaces(self.diagnostics)

    @cached_property
    def flows(self) -> tuple[Flow, ...]:
        """The graph of the steps of each compiled workflow of the entry document, in its order."""
        return tuple(flow_of(workflow, self.broken) for workflow in self.compiled)

    @cached_property
    def forecast(self) -> Forecast:
        """What expressions will give, by the descriptions."""
        from arazzo_runner.lint.analysis.response_types import (
            Forecast,  # lazily: many documents leave nothing to be foretold
        )

        return Forecast(self)

    @cached_property
    def payload_misfits(self) -> tuple[PayloadMisfit, ...]:
        """How the bodies of steps do not fit the descriptions."""
        from arazzo_runner.lint.analysis.payloads import payload_misfits

        return tuple(
            found for workflow, step in self.compiled_steps for found in payload_misfits(workflow, step, self.forecast)
        )

    def at(self, pointer: str) -> Location:
        """Return a place of the entry document."""
        root = self.description.at
        return Location(root.uri, pointer, root.positions)


def _reads_on(text: str) -> bool:
    """Tell whether a text may read into the output of a step: a reference in it is more than a name."""
    return parse_plain(text) is None and len(_WHOLE_OUTPUT.findall(text)) < text.count("$steps")
