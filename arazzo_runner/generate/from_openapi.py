"""An OpenAPI description → workflows of its operations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from arazzo_runner.base.records import Record
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, similar_or_all
from arazzo_runner.generate.draft import Draft, DraftSource, DraftWorkflow, unused_name
from arazzo_runner.generate.generated import Generated, identifier, source_url
from arazzo_runner.generate.grouping import Plan, chain_plans, crud_plans, ordered
from arazzo_runner.generate.operations import ApiOperation, read_operations
from arazzo_runner.generate.workflows import build_workflow
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.uris import is_remote, path_of

_SAYING_NOTHING: Final = frozenset({"openapi", "swagger", "api", "spec", "index", "schema", "description", "main"})


class Choice(Record, kw_only=True):
    """Which operations are called: all, those of `tags`, or `operations`; `crud` makes a workflow per resource."""

    operations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    crud: bool = False


def from_openapi(description: OpenApiDescription, location: str, folder: str, choice: Choice) -> Generated:
    """Return workflows of a description's operations; `folder` is that of the document to be written.

    Raises InvalidUsage for a choice that leaves no operation.
    """
    operations, warnings = read_operations(description)
    plans = _plans(operations, warnings, choice, description.uri)
    title = _title(description)
    source = DraftSource(name=_source_name(location, title), url=source_url(location, folder))
    draft = Draft(title=title, sources=[source])
    taken: set[str] = set()
    for plan in plans:
        workflow_id = unused_name(plan.workflow_id, taken)
        taken.add(workflow_id)
        draft.workflows.append(build_workflow(workflow_id, plan.operations, source.name, summary=plan.summary))
    _choose_version(draft)
    return Generated(draft=draft, warnings=tuple(warnings))


def _plans(operations: Sequence[ApiOperation], warnings: Sequence[Diagnostic], choice: Choice, uri: str) -> list[Plan]:
    if not operations:
        raise InvalidUsage([*warnings, _problem("the description has no operation that can be called", uri)])
    if choice.operations:
        chosen = ordered([_named(each, operations, warnings, uri) for each in dict.fromkeys(choice.operations)])
        first, last = chosen[0], chosen[-1]
        name = first.name if first is last else f"{first.name}-to-{last.name}"
        return [Plan(workflow_id=name, operations=tuple(dict.fromkeys(chosen)), summary=first.summary)]
    if choice.tags:
        known = list(dict.fromkeys(tag for each in operations for tag in each.tags))
        for tag in choice.tags:
            if tag not in known:
                raise InvalidUsage([_problem(f'no operation has the tag "{tag}"', uri, similar_or_all(tag, known))])
        operations = [each for each in operations if set(each.tags) & set(choice.tags)]
    return crud_plans(operations) if choice.crud else chain_plans(operations)


def _named(identity: str, operations: Sequence[ApiOperation], warnings: Sequence[Diagnostic], uri: str) -> ApiOperation:
    """Return the operation of an operationId, or of `GET /pets`."""
    for each in operations:
        if identity in (each.operation.operation_id, f"{each.method} {each.operation.path}", each.name):
            return each
    left_out = [each for each in warnings if each.message.startswith(f"{identity} ")]
    if left_out:
        raise InvalidUsage([*left_out])
    hint = similar_or_all(identity, [each.title for each in operations])
    raise InvalidUsage([_problem(f'there is no operation "{identity}"', uri, hint, code="unknown-operation")])


def _problem(message: str, uri: str, hint: str | None = None, code: str = "nothing-to-generate") -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(uri), hint=hint)


def _title(description: OpenApiDescription) -> str:
    info = description.root.get("info")
    title = info.get("title") if isinstance(info, dict) else None
    return " ".join(title.split()) if isinstance(title, str) and title.strip() else "API"


def _source_name(location: str, title: str) -> str:
    """Return the name of the source: that of its file, unless that says nothing; else by the title."""
    path = location if is_remote(location) else path_of(location)
    stem = os.path.basename(path.partition("?")[0]).split(".")[0]
    return identifier(title, "api") if stem.lower() in _SAYING_NOTHING or not stem else identifier(stem, "api")


def _choose_version(draft: Draft) -> None:
    """Let the document be of Arazzo 1.1 if a parameter needs it."""
    steps = [step for workflow in draft.workflows for step in workflow.steps]
    if any(each.location == "querystring" for step in steps for each in step.parameters):
        draft.arazzo = "1.1.0"


__all__ = ["Choice", "DraftWorkflow", "from_openapi"]
