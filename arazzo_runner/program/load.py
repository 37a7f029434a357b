"""Arazzo documents → Program: compiles the chosen workflow and all it can reach."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.document.model import Step, Workflow
from arazzo_runner.errors import Location, Problems
from arazzo_runner.expressions.template import Declared
from arazzo_runner.program.actions import ActionCompiler
from arazzo_runner.program.compile import StepCompiler, compile_outputs
from arazzo_runner.program.context import Context, component_names
from arazzo_runner.program.library import Library, LoadedDocument
from arazzo_runner.program.link import Linker
from arazzo_runner.program.model import (
    CompiledAction,
    CompiledStep,
    CompiledWorkflow,
    DocumentScope,
    Program,
    WorkflowCall,
    WorkflowKey,
)
from arazzo_runner.program.order import stable_order
from arazzo_runner.program.schemas import input_names


def load_program(entry: LoadedDocument, library: Library, workflow_id: str | None = None) -> Program:
    """Compile one workflow of `entry`, or all of them, with everything they call, ready to run.

    What is wrong is in `library.problems`; a Program with errors in it must not be run.
    """
    from arazzo_runner.program.taint import with_secrets  # lazily: what is only checked needs none of it

    program = compile_program(entry, library, workflow_id)
    return replace(program, workflows=with_secrets(program.workflows))


def compile_program(entry: LoadedDocument, library: Library, workflow_id: str | None = None) -> Program:
    """Return the Program of `load_program`, but to be looked at only: it does not say what is secret."""
    names = [workflow_id] if workflow_id is not None else list(entry.workflows)
    documents = {entry.base: entry}
    waiting = [WorkflowKey(entry.base, name) for name in names]
    surroundings: dict[str, _Surroundings] = {}
    compiled: dict[WorkflowKey, CompiledWorkflow] = {}
    while waiting:
        key = waiting.pop(0)
        if key in compiled:
            continue
        document = documents[key.document]
        if key.document not in surroundings:
            surroundings[key.document] = _surroundings(document, library)
        workflow = _compile_workflow(document, document.workflows[key.workflow_id], surroundings[key.document])
        compiled[key] = workflow
        documents.update(_opened_documents(document))
        waiting += [called for called in _calls(workflow) if _is_known(called, documents)]
    _check_cycles(compiled, library.problems)
    return Program(
        description=entry.description,
        base=entry.base,
        workflows=compiled,
        entry=WorkflowKey(entry.base, workflow_id) if workflow_id is not None else None,
        diagnostics=library.problems.diagnostics,
    )


class _Surroundings(Record):
    """What all workflows of a document see of it: its scope, what its names lead to, outputs by workflowId.

    `actions` are those compiled already that mean the same in all of them.
    """

    scope: DocumentScope
    linker: Linker
    outputs: Mapping[str, frozenset[str]]
    actions: dict[int, CompiledAction | None] = field(default_factory=dict)


def _surroundings(document: LoadedDocument, library: Library) -> _Surroundings:
    outputs = {name: frozenset(known.outputs) for name, known in document.workflows.items()}
    return _Surroundings(_document_scope(document), Linker(library, document), outputs)


def _compile_workflow(document: LoadedDocument, workflow: Workflow, surroundings: _Surroundings) -> CompiledWorkflow:
    """Compile one workflow; a step whose target cannot be had is reported and stays Unlinked."""
    linker, problems = surroundings.linker, surroundings.linker.problems
    declared = _declared(document, workflow, linker.library, surroundings.outputs)
    context = Context(document, declared, problems, workflow.workflow_id)
    compiler = StepCompiler(workflow, linker, context, ActionCompiler(linker, context, surroundings.actions))
    steps = {step.step_id: compiler.compile(step) for step in workflow.steps}
    ordered = _ordered(steps, problems)
    depends_on = (
        linker.workflow(text, workflow.at.child("dependsOn").child(index))
        for index, text in enumerate(workflow.depends_on)
    )
    return CompiledWorkflow(
        WorkflowKey(document.base, workflow.workflow_id),
        surroundings.scope,
        workflow.at,
        workflow.inputs,
        ordered,
        tuple(key for key in depends_on if key is not None),
        compile_outputs(workflow.outputs, workflow.at, context),
        {step.step_id: index for index, step in enumerate(ordered)},
        workflow.summary,
    )


# ------------------------------------------------------------------ names in scope


def _declared(
    document: LoadedDocument, workflow: Workflow, library: Library, workflows: Mapping[str, frozenset[str]]
) -> Declared:
    return Declared(
        input_names(workflow.inputs, document.description.raw),
        {step.step_id: _step_outputs(document, step, library) for step in workflow.steps},
        workflows,
    )


def _step_outputs(document: LoadedDocument, step: Step, library: Library) -> frozenset[str]:
    names = frozenset(step.outputs)
    if step.workflow_id is None:
        return names
    called = _called_workflow(document, step.workflow_id, library)
    return names if called is None else names | frozenset(called.outputs)


def _called_workflow(document: LoadedDocument, text: str, library: Library) -> Workflow | None:
    if not text.startswith("$sourceDescriptions."):
        return document.workflows.get(text)
    reference = text.removeprefix("$sourceDescriptions.")
    names = [name for name in document.sources if reference.startswith(name + ".")]
    if not names:
        return None
    name = max(names, key=len)
    opened = library.source(document, name)
    return opened.workflows.get(reference[len(name) + 1 :]) if isinstance(opened, LoadedDocument) else None


def _document_scope(document: LoadedDocument) -> DocumentScope:
    description = document.description
    fields = {
        source.name: {"name": source.name, "url": source.url, **({"type": source.type} if source.type else {})}
        for source in description.source_descriptions
    }
    raw = description.raw.get("components") if isinstance(description.raw, dict) else None
    components = {
        kind: (raw or {}).get(kind, {}) for kind in ("parameters", "successActions", "failureActions", "inputs")
        if component_names(document, kind)
    }  # fmt: skip
    return DocumentScope(
        uri=document.base,
        self_uri=document.base if description.self_uri else None,
        sources=fields,
        components=components,
        raw=description.raw,
    )


# ------------------------------------------------------------------ order


def _ordered(steps: Mapping[str, CompiledStep], problems: Problems) -> tuple[CompiledStep, ...]:
    """Fix the order of execution: declared and implicit dependencies first (semantics §5)."""
    if _is_straight(steps):
        return tuple(steps.values())
    names = list(steps)
    positions = {name: index for index, name in enumerate(names)}
    loops = _loops(steps, positions)
    needs = {name: _needs(step, positions, loops) for name, step in steps.items()}
    order, cycle = stable_order(names, needs)
    if not any(step.depends_on for step in steps.values()):
        _tell_later(steps, needs, positions, problems)
    if cycle:
        at = steps[cycle[0]].at
        message = f"steps wait for each other: {' → '.join(cycle)}"
        problems.error("dependency-cycle", message, at, hint="remove one dependsOn or output reference of the circle")
    return tuple(_with_later(steps[name], positions, loops) for name in order)


def _is_straight(steps: Mapping[str, CompiledStep]) -> bool:
    """Tell whether steps only read earlier ones, and nothing leads back or asks for another order."""
    earlier = set[str]()
    for name, step in steps.items():
        if step.depends_on or not step.reads <= earlier:
            return False
        for action in (*step.on_success, *step.on_failure):
            if action.step_id is not None:
                return False
        earlier.add(name)
    return True


def _with_later(step: CompiledStep, positions: Mapping[str, int], loops: _Loops) -> CompiledStep:
    """Note what a loop gives only after the step's first visit: its own outputs, and those of steps after it."""
    own = positions[step.step_id]
    after = (name for name in {*step.reads, step.step_id} if positions.get(name, -1) >= own)
    later = frozenset(name for name in after if loops.revisit(own, positions[name]))
    return replace(step, later=later) if later else step


def _tell_later(
    steps: Mapping[str, CompiledStep], needs: Mapping[str, set[str]], positions: Mapping[str, int], problems: Problems
) -> None:
    """Without dependsOn a step that reads a later one's output is doubtful (Arazzo 1.1 §Validation Recommendations)."""
    for name, step in steps.items():
        for later in sorted(
            (need for need in needs[name] if positions.get(need, -1) > positions[name]), key=positions.__getitem__
        ):
            message = f'step "{name}" reads an output of the later step "{later}", which therefore runs first'
            problems.warn("later-step", message, step.at, hint=f'write "{later}" above "{name}"')


def _needs(step: CompiledStep, positions: Mapping[str, int], loops: _Loops) -> set[str]:
    """What must come before a step; a reference to a later step is fine where a loop revisits (pagination)."""
    needs = set(step.depends_on)
    own = positions[step.step_id]
    for name in step.reads:
        other = positions.get(name, -1)
        if not (other > own and loops.revisit(own, other)):
            needs.add(name)
    return needs


class _Loops(Record):
    """Where goto and retry lead back: `furthest[i]` is the last step from which a goto leads to step i or before it."""

    furthest: tuple[int, ...]
    repairs: frozenset[tuple[int, int]]

    def revisit(self, reader: int, later: int) -> bool:
        """Tell whether a goto or retry from `later` on, or from the reader on, leads back to the reader."""
        return self.furthest[reader] >= max(reader, later) or (reader, later) in self.repairs


def _loops(steps: Mapping[str, CompiledStep], positions: Mapping[str, int]) -> _Loops:
    furthest = [-1] * len(positions)
    repairs: set[tuple[int, int]] = set()
    for name, step in steps.items():
        for action in (*step.on_success, *step.on_failure):
            target = positions.get(action.step_id or "")
            if target is not None and action.type == "goto":
                furthest[target] = max(furthest[target], positions[name])
            elif target is not None and action.type == "retry":
                repairs.add((positions[name], target))
    return _Loops(tuple(accumulate(furthest, max)), frozenset(repairs))


# ------------------------------------------------------------------ reach, cycles


def _calls(workflow: CompiledWorkflow) -> list[WorkflowKey]:
    called = list(workflow.depends_on)
    for step in workflow.steps:
        if isinstance(step.call, WorkflowCall):
            called.append(step.call.workflow)
        for action in (*step.on_success, *step.on_failure):
            if action.workflow is not None:
                called.append(action.workflow)
        if step.foreign_steps:
            called += [key for key, _ in step.foreign_steps]
    return called


def _opened_documents(document: LoadedDocument) -> dict[str, LoadedDocument]:
    return {source.base: source for source in document.opened.values() if isinstance(source, LoadedDocument)}


def _is_known(key: WorkflowKey, documents: Mapping[str, LoadedDocument]) -> bool:
    return key.document in documents and key.workflow_id in documents[key.document].workflows


def _check_cycles(workflows: Mapping[WorkflowKey, CompiledWorkflow], problems: Problems) -> None:
    """dependsOn of workflows must not form a circle (semantics §5)."""
    if not any(workflow.depends_on for workflow in workflows.values()):
        return
    names = {key: f"{key.workflow_id}\0{key.document}" for key in workflows}
    needs = {
        names[key]: [names[need] for need in workflow.depends_on if need in names]
        for key, workflow in workflows.items()
    }
    itself = [key for key, workflow in workflows.items() if key in workflow.depends_on]
    _, cycle = stable_order(list(needs), needs)
    stuck = [name.partition("\0")[0] for name in cycle] or [key.workflow_id for key in itself for _ in range(2)][:2]
    if not stuck:
        return
    at: Location = next(workflow.at for key, workflow in workflows.items() if key.workflow_id == stuck[0])
    message, hint = f"workflows wait for each other: {' → '.join(stuck)}", "remove one dependsOn of the circle"
    problems.error("dependency-cycle", message, at.child("dependsOn"), hint=hint)
