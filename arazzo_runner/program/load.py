"""Arazzo documents → Program: compiles the chosen workflow and every workflow that it can reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.document.model import Step, Workflow
from arazzo_runner.expressions.names import Declared
from arazzo_runner.program.actions import ActionCompiler
from arazzo_runner.program.compile import StepCompiler, compile_outputs
from arazzo_runner.program.context import Context, component_names
from arazzo_runner.program.library import Library, LoadedDocument
from arazzo_runner.program.link import Linker
from arazzo_runner.program.model import (
    Arm,
    CompiledAction,
    CompiledWorkflow,
    DocumentScope,
    MessageCall,
    Origin,
    Program,
    WorkflowKey,
)
from arazzo_runner.program.order import check_cycles, ordered_steps
from arazzo_runner.program.reachable import called_by
from arazzo_runner.program.schemas import input_names
from arazzo_runner.program.secret_flow import with_secrets
from arazzo_runner.program.values import source_reference
from arazzo_runner.sources.uris import is_remote

if TYPE_CHECKING:
    from arazzo_runner.program.embedding import EmbeddedInputs


def load_program(entry: LoadedDocument, library: Library, workflow_id: str | None = None) -> Program:
    """Compile one workflow of `entry`, or all of them, with everything they call.

    Errors are in `library.problems`; a Program with errors must not be run.
    """
    program = compile_program(entry, library, workflow_id)
    return replace(program, workflows=with_secrets(program.workflows))


def compile_program(entry: LoadedDocument, library: Library, workflow_id: str | None = None) -> Program:
    """Return the same as `load_program` without marking secrets: for validation, not to be run."""
    names = [workflow_id] if workflow_id is not None else list(entry.workflows)
    documents = {entry.base: entry}
    waiting = [WorkflowKey(entry.base, name) for name in names]
    contexts: dict[str, _DocumentContext] = {}
    compiled: dict[WorkflowKey, CompiledWorkflow] = {}
    while waiting:
        key = waiting.pop(0)
        if key in compiled:
            continue
        document = documents[key.document]
        if key.document not in contexts:
            contexts[key.document] = _document_context(document, library)
        workflow = _compile_workflow(document, document.workflows[key.workflow_id], contexts[key.document])
        compiled[key] = workflow
        documents.update(_opened_documents(document))
        waiting += [called for called in called_by(workflow) if _is_known(called, documents)]
    check_cycles(compiled, library.problems)
    library.report_remaining()
    return Program(
        description=entry.description,
        base=entry.base,
        workflows=compiled,
        entry=WorkflowKey(entry.base, workflow_id) if workflow_id is not None else None,
        diagnostics=library.problems.diagnostics,
        origin=Origin(entry),
    )


class _DocumentContext(Record):
    """What the workflows of a document share: scope, linker, schemas, output names and compiled actions."""

    scope: DocumentScope
    linker: Linker
    embedded: EmbeddedInputs
    outputs: Mapping[str, frozenset[str]]
    actions: dict[int, CompiledAction | None] = field(default_factory=dict)


def _document_context(document: LoadedDocument, library: Library) -> _DocumentContext:
    outputs = {name: frozenset(known.outputs) for name, known in document.workflows.items()}
    embedded = library.embedded_inputs(document)
    embedded.report("/components", library.problems)
    return _DocumentContext(_document_scope(document, embedded.root), Linker(library, document), embedded, outputs)


def _compile_workflow(document: LoadedDocument, workflow: Workflow, shared: _DocumentContext) -> CompiledWorkflow:
    """Compile one workflow; a step whose target is not found is reported and Unlinked."""
    linker, problems = shared.linker, shared.linker.problems
    inputs = shared.embedded.inputs.get(f"{workflow.at.pointer}/inputs", workflow.inputs)
    shared.embedded.report(f"{workflow.at.pointer}/inputs", problems)
    names = input_names(inputs, shared.embedded.root)
    declared = _declared(document, workflow, names, linker.library, shared.outputs)
    context = Context(document, declared, problems, workflow.workflow_id)
    compiler = StepCompiler(workflow, linker, context, ActionCompiler(linker, context, shared.actions))
    steps = {step.step_id: compiler.compile(step) for step in workflow.steps}
    ordered = ordered_steps(steps, problems, document.description.raw)
    arms: tuple[Arm, ...] = ()
    if any(isinstance(step.call, MessageCall) for step in ordered):
        from arazzo_runner.program.arms import arms_of  # lazily: few documents have messages
        from arazzo_runner.program.join_points import at_join_points

        ordered = at_join_points(ordered)
        arms = arms_of(ordered, names or ())
    depends_on = (
        linker.workflow(text, workflow.at.child("dependsOn").child(index))
        for index, text in enumerate(workflow.depends_on)
    )
    return CompiledWorkflow(
        WorkflowKey(document.base, workflow.workflow_id),
        shared.scope,
        workflow.at,
        inputs,
        ordered,
        tuple(key for key in depends_on if key is not None),
        compile_outputs(workflow.outputs, workflow.at, context),
        {step.step_id: index for index, step in enumerate(ordered)},
        workflow.summary,
        arms=arms,
    )


# ------------------------------------------------------------------ names in scope


def _declared(
    document: LoadedDocument,
    workflow: Workflow,
    inputs: frozenset[str] | None,
    library: Library,
    workflows: Mapping[str, frozenset[str]],
) -> Declared:
    return Declared(
        inputs,
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
    named = source_reference(text, document.sources)
    if named is None:
        return document.workflows.get(text)
    source, workflow_id = named
    opened = library.source(document, source) if source in document.sources else None
    return opened.workflows.get(workflow_id) if isinstance(opened, LoadedDocument) else None


def _document_scope(document: LoadedDocument, root: JsonValue) -> DocumentScope:
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
        raw=root,
        is_remote=is_remote(document.location),
    )


# ------------------------------------------------------------------ reach


def _opened_documents(document: LoadedDocument) -> dict[str, LoadedDocument]:
    return {source.base: source for source in document.opened.values() if isinstance(source, LoadedDocument)}


def _is_known(key: WorkflowKey, documents: Mapping[str, LoadedDocument]) -> bool:
    return key.document in documents and key.workflow_id in documents[key.document].workflows
