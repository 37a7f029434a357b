"""A Postman collection as workflows, with a minimal description of the APIs that it calls.

A folder with requests is a workflow, in which a folder within it is one of its own; a variable that a script of an
earlier folder sets is an output of that workflow, which a step runs first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import InvalidDescription
from arazzo_runner.generate.description import ApiDescription, description_text
from arazzo_runner.generate.draft import (
    Draft,
    DraftParameter,
    DraftSource,
    DraftStep,
    DraftWorkflow,
    Noted,
    plain,
)
from arazzo_runner.generate.generated import Generated, identifier
from arazzo_runner.generate.postman.collection import read_collection, read_environment
from arazzo_runner.generate.postman.items import Item
from arazzo_runner.generate.postman.making import Making, Surroundings
from arazzo_runner.generate.postman.steps import make_step
from arazzo_runner.generate.postman.variables import OutputRef, Scope, Shared
from arazzo_runner.sources.hosts import is_unencrypted

_IGNORED: Final = "arazzo-ignore: insecure-server -- the collection names no https server"
_INPUT: Final = re.compile(r"\$inputs\.([A-Za-z0-9_-]+)")


class Group(Record):
    """The requests of one folder, with what its folders have around it."""

    workflow_id: str
    folder: Item
    requests: tuple[Item, ...]
    around: Surroundings


def from_postman(document: Document, *, name: str, environment: Document | None = None) -> Generated:
    """Return workflows of a collection; descriptions of its APIs are beside them, in files that begin with `name`."""
    collection = read_collection(document)
    shared = Shared()
    values = read_environment(environment) if environment is not None else ()
    making = Making(document=document, title=collection.name, shared=shared)
    workflows: list[DraftWorkflow] = []
    for group in _groups(collection, Surroundings(), "", []):
        shared.declare([*(each for folder in group.around.variables for each in folder), *values])
        workflows.append(_workflow(group, making, {each.workflow_id: each for each in workflows}))
    kept = [each for each in workflows if each.steps]
    if not kept:
        raise InvalidDescription(making.warnings)
    inputs: dict[str, list[str]] = {}
    for workflow in kept:
        _declare_inputs(workflow, shared, inputs)
        inputs[workflow.workflow_id] = list(workflow.inputs)
    sources, beside = _sources(making, name)
    title = making.clean(collection.name)
    draft = Draft(
        title=title,
        summary=f"Made from the Postman collection {title}.",
        sources=sources,
        workflows=kept,
    )
    return Generated(draft=draft, warnings=tuple(making.warnings), beside=beside)


def _groups(folder: Item, around: Surroundings, path: str, taken: list[str]) -> Iterator[Group]:
    """Yield the folders that have requests, in the order of their first ones."""
    inner = around.within(folder)
    requests = tuple(each for each in folder.items if each.request is not None)
    own = identifier(folder.name.lower(), "workflow")
    begun = False
    for item in folder.items:
        if item.request is None:
            name = identifier(item.name.lower(), "folder")
            yield from _groups(item, inner, f"{path}-{name}".strip("-"), taken)
        elif not begun:
            begun = True
            workflow_id = unused_name(path or own, taken)
            taken.append(workflow_id)
            yield Group(workflow_id, folder, requests, inner)


def _workflow(group: Group, making: Making, earlier: dict[str, DraftWorkflow]) -> DraftWorkflow:
    shared = making.shared
    scope = Scope(shared, group.workflow_id)
    workflow = DraftWorkflow(workflow_id=group.workflow_id, summary=making.clean(group.folder.name))
    for item in group.requests:
        step = make_step(item, group.around, scope, making)
        if step is not None:
            workflow.steps.append(step)
    calls = [_call(step_id, earlier[called], scope) for called, step_id in scope.calls.items()]
    workflow.steps[:0] = calls
    _give_outputs(workflow, scope)
    workflow.inputs = dict.fromkeys(scope.inputs)
    return workflow


def _call(step_id: str, called: DraftWorkflow, scope: Scope) -> DraftStep:
    """Return the step that runs another workflow, with its inputs and all of its outputs."""
    for name in called.inputs:
        scope.read(name)
    return DraftStep(
        step_id=step_id,
        description=f"Set the variables that {called.workflow_id} sets.",
        workflow_id=called.workflow_id,
        parameters=[DraftParameter(name=name, value=f"$inputs.{name}") for name in called.inputs],
        outputs={name: f"$outputs.{name}" for name in called.outputs},
    )


def _give_outputs(workflow: DraftWorkflow, scope: Scope) -> None:
    """Make the outputs of the steps outputs of the workflow."""
    for step in workflow.steps:
        if step.workflow_id is not None:
            continue
        for output in step.outputs:
            name = unused_name(output, workflow.outputs)
            workflow.outputs[name] = f"$steps.{step.step_id}.outputs.{output}"
            scope.shared.outputs[OutputRef(workflow.workflow_id, step.step_id, output)] = name


def _declare_inputs(workflow: DraftWorkflow, shared: Shared, inputs: dict[str, list[str]]) -> None:
    """Fill in the schemas of the inputs: those of variables depend on all of their uses.

    `inputs` are those of the workflows before, which it may call.
    """
    for step in workflow.steps:
        if step.workflow_id is not None:
            declared = inputs[step.workflow_id]
            step.parameters = [each for each in step.parameters if each.name in declared]
    read = set(_INPUT.findall(json.dumps(plain([each.tree() for each in workflow.steps]))))
    workflow.inputs = {name: shared.inputs[name] for name in workflow.inputs if name in read}
    schemas = {name: plain(schema) for name, schema in workflow.inputs.items()}
    workflow.required = [
        name for name, schema in schemas.items() if isinstance(schema, dict) and "default" not in schema
    ]


def _sources(making: Making, name: str) -> tuple[list[DraftSource], dict[str, str]]:
    """Return the sources, and their descriptions by file; the steps name their operations through them."""
    sources: list[DraftSource] = []
    beside: dict[str, str] = {}
    several = len(making.descriptions) > 1
    for server, description in making.descriptions.items():
        steps = making.steps[server]
        source = unused_name(identifier(server.host if several else name, "api"), [each.name for each in sources])
        file = f"{name}.{source}.openapi.yaml" if several else f"{name}.openapi.yaml"
        url = f"./{file}"
        is_exposed = is_unencrypted(server.url) and _has_credentials(description, steps)
        sources.append(DraftSource(name=source, url=Noted(url, _IGNORED) if is_exposed else url))
        beside[file] = description_text(description)
        if is_exposed:
            making.warn(f"credentials would be sent to {server.url}, which is not encrypted", "/item")
        for step in steps if several else ():
            step.operation_id = f"$sourceDescriptions.{source}.{step.operation_id}"
    return sources, beside


def _has_credentials(description: ApiDescription, steps: list[DraftStep]) -> bool:
    names = [each.name for step in steps for each in step.parameters]
    is_secured = any(any(each) for operation in description.operations for each in operation.security or ())
    return is_secured or any(name.lower() in SECRET_HEADERS or is_secret_name(name) for name in names)
