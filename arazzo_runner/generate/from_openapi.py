"""An OpenAPI description → workflows of its operations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final

from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import SECRET_HEADERS, is_secret_name
from arazzo_runner.document.cache import Reader
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity, similar_or_all
from arazzo_runner.generate.draft import Draft, DraftSource, Noted
from arazzo_runner.generate.generated import Generated, identifier, source_url
from arazzo_runner.generate.grouping import Plan, chain_plans, crud_plans, ordered
from arazzo_runner.generate.operations import ApiOperation, HeardProblems, needed_parameters, read_operations
from arazzo_runner.generate.workflows import build_workflow
from arazzo_runner.sources.fetch import ReferenceFetch
from arazzo_runner.sources.hosts import is_unencrypted
from arazzo_runner.sources.openapi import OpenApiDescription, load_openapi
from arazzo_runner.sources.operation import NoServer, Operation, server_url
from arazzo_runner.sources.uris import is_remote, path_of

_SAYING_NOTHING: Final = frozenset({"openapi", "swagger", "api", "spec", "index", "schema", "description", "main"})


class Choice(Record, kw_only=True):
    """Which operations are called: all, those of `tags`, or `operations`; `crud` makes a workflow per resource."""

    operations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    crud: bool = False


def from_openapi(
    document: Document, location: str, folder: str, choice: Choice, *, fetch: ReferenceFetch, reader: Reader = read
) -> Generated:
    """Return workflows of the operations of a description that was read from `location`.

    `folder` is that of the document to be written; `fetch` and `reader` read what the description refers to.
    Raises InvalidUsage for a choice that leaves no operation.
    """
    problems = HeardProblems()
    description = load_openapi(document, fetch, problems, base=location, reader=reader)
    operations, warnings = read_operations(description, problems)
    if not choice.operations:
        warnings += [each.doubt for each in operations if each.doubt is not None]
        operations = [each for each in operations if each.doubt is None]
    plans = _plans(operations, warnings, choice, description.uri)
    title = _title(description)
    source = DraftSource(name=_source_name(location, title), url=source_url(location, folder))
    note = f"Generated from {source.url}. Comments say where values come from."
    draft = Draft(title=title, sources=[source], notes=[note])
    taken: set[str] = set()
    for plan in plans:
        workflow_id = unused_name(plan.workflow_id, taken)
        taken.add(workflow_id)
        draft.workflows.append(build_workflow(workflow_id, plan.operations, source.name, summary=plan.summary))
    called = [each for plan in plans for each in plan.operations]
    warnings += _deprecated(operations, called, description.uri)
    warnings += _unencrypted(called, draft, description.uri)
    _choose_version(draft)
    return Generated(draft=draft, warnings=tuple(warnings))


def _plans(operations: Sequence[ApiOperation], warnings: Sequence[Diagnostic], choice: Choice, uri: str) -> list[Plan]:
    if not operations:
        hint = "correct the description, or name an operation" if warnings else "name a description with paths"
        message = "the description has no operation that can be called"
        raise InvalidUsage([*warnings, _problem(message, uri, hint)])
    if choice.operations:
        chosen = ordered([_named(each, operations, warnings, uri) for each in dict.fromkeys(choice.operations)])
        first, last = chosen[0], chosen[-1]
        name = first.name if first is last else f"{first.name}-to-{last.name}"
        summary = first.summary if first is last else ", ".join(each.title for each in chosen)
        return [Plan(workflow_id=name, operations=tuple(chosen), summary=summary)]
    operations = _with_tags(operations, choice.tags, uri)
    lasting = [each for each in operations if not each.is_deprecated] or operations
    return (crud_plans(lasting) if choice.crud else []) or chain_plans(lasting)


def _with_tags(operations: Sequence[ApiOperation], tags: Sequence[str], uri: str) -> Sequence[ApiOperation]:
    if not tags:
        return operations
    known = list(dict.fromkeys(tag for each in operations for tag in each.tags))
    for tag in tags:
        if tag not in known:
            raise InvalidUsage([_problem(f'no operation has the tag "{tag}"', uri, similar_or_all(tag, known))])
    return [each for each in operations if set(each.tags) & set(tags)]


def _deprecated(operations: Sequence[ApiOperation], called: Sequence[ApiOperation], uri: str) -> list[Diagnostic]:
    """Return a note about deprecated operations: those that are called, else those that are left out."""
    old = [each for each in operations if each.is_deprecated]
    for names, what in (
        ([each.title for each in old if each in called], "called although deprecated"),
        ([each.title for each in old if each not in called], "left out because deprecated"),
    ):
        if names and (what.startswith("called") or len(called) > 1):
            shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
            message = f"{shown}: {what}"
            hint = "name the operation to call it all the same" if what.startswith("left") else "look for its successor"
            return [_note("deprecated-operation", message, uri, hint)]
    return []


def _unencrypted(called: Sequence[ApiOperation], draft: Draft, uri: str) -> list[Diagnostic]:
    """Return a warning if credentials would be sent over http, which a comment in the document then says too."""
    servers = {_server(each.operation) for each in called if any(each.operation.security) or _sends_secret(each)}
    found = sorted(each for each in servers if is_unencrypted(each))
    if not found:
        return []
    source = draft.sources[0]
    ignored = "arazzo-ignore: insecure-server -- the description names no https server"
    draft.sources = [replace(source, url=Noted(source.url, ignored))]
    message = f"credentials would be sent to {found[0]}, which is not encrypted"
    return [_note("insecure-server", message, uri, "name the https server of the API in the description")]


def _server(operation: Operation) -> str:
    try:
        return server_url(operation, {}, {}, None)
    except NoServer:
        return ""


def _sends_secret(operation: ApiOperation) -> bool:
    names = [each.name for each in needed_parameters(operation.operation)]
    return any(name.lower() in SECRET_HEADERS or is_secret_name(name) for name in names)


def _note(code: str, message: str, uri: str, hint: str) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.WARNING, message=message, at=Location(uri), hint=hint)


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
