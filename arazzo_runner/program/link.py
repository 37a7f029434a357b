"""Linking: operationId, operationPath and workflowId → operations, servers and workflows (semantics §2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from arazzo_runner.base.records import Record
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location, did_you_mean, replacing
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.library import AsyncApiSource, Library, LoadedDocument, LoadOptions, NotChecked, Source
from arazzo_runner.program.model import WorkflowKey
from arazzo_runner.program.values import source_reference
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import NoServer, Operation, server_url

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


class Linked(Record):
    """An operation, the name of its source and its description."""

    source: str
    description: OpenApiDescription
    operation: Operation


class _Sources(Record):
    """A document's OpenAPI sources, how many sources may have operations, and whether all could be read."""

    descriptions: tuple[tuple[str, OpenApiDescription], ...]
    with_operations: int
    all_read: bool


class Linker:
    """Finds what the names in one document refer to; what is not found is reported and None."""

    def __init__(self, library: Library, document: LoadedDocument) -> None:
        self.library = library
        self.document = document
        self.problems = library.problems
        self._opened: _Sources | None = None

    # -------------------------------------------------------------- operationId

    def leaves_open(self, text: str) -> bool:
        """Return whether a bare operationId cannot be judged: no OpenAPI source could be read."""
        if "." in text or text.startswith("$"):
            return False
        sources = self._sources()
        return not (sources.descriptions or sources.all_read)

    def operation_by_id(self, text: str, at: Location) -> Linked | None:
        """Find `getPet` or `$sourceDescriptions.pets.getPet`."""
        named = source_reference(text, self.document.sources)
        if named is not None:
            return self._in_named_source(*named, at)
        if text.startswith("$"):
            hint = "write the operationId, or $sourceDescriptions.<name>.<operationId>"
            self.problems.error("unknown-operation", f'"{text}" names no operation', at, hint=hint)
            return None
        return self._bare(text, at)

    def _bare(self, name: str, at: Location) -> Linked | None:
        sources = self._sources()
        found = [Linked(source, description, operation) for source, description in sources.descriptions
                 if (operation := description.operation(name)) is not None]  # fmt: skip
        if len(found) == 1:
            if sources.with_operations > 1:
                message = f'operationId "{name}" does not say which source it is in (the Specification asks for it)'
                qualified = f"$sourceDescriptions.{found[0].source}.{name}"
                fix = replacing(at, qualified)
                self.problems.warn("unqualified-operation", message, at, hint=f"write {qualified}", fix=fix)
            return found[0]
        if found:
            places = ", ".join(f"$sourceDescriptions.{linked.source}.{name}" for linked in found)
            message = f'operationId "{name}" is in several sources'
            self.problems.error("ambiguous-operation", message, at, hint=f"write one of {places}")
            return None
        return self._slipped_name(name, sources, at)

    def _slipped_name(self, name: str, sources: _Sources, at: Location) -> Linked | None:
        qualified = f"$sourceDescriptions.{name}"
        named = source_reference(qualified, self.document.sources)
        if named is not None and "." in name and named[0] in self.document.sources:
            linked = self._in_named_source(*named, at)
            if linked is not None:
                message, fix = f'"{name}" lacks $sourceDescriptions', replacing(at, qualified)
                self.problems.warn("operation-reference", message, at, hint=f"write {qualified}", fix=fix)
            return linked
        if not sources.all_read:
            return None  # it may be in an unreadable source, which is already reported
        known = [operation_id for _, description in sources.descriptions for operation_id in description.operation_ids]
        message = f'no source has an operation "{name}"'
        self.problems.error("unknown-operation", message, at, hint=names_hint(name, known))
        return None

    def _in_named_source(self, name: str, operation_id: str, at: Location) -> Linked | None:
        if name not in self.document.sources:
            hint = names_hint(name, self.document.sources)
            self.problems.error("unknown-source", f'there is no source "{name}"', at, hint=hint)
            return None
        if not operation_id:
            message, hint = f'"$sourceDescriptions.{name}" names no operation', "add a full stop and the operationId"
            self.problems.error("unknown-operation", message, at, hint=hint)
            return None
        description = self._description(name, at)
        if description is None:
            return None
        operation = description.operation(operation_id)
        if operation is not None:
            return Linked(name, description, operation)
        message = f'source "{name}" has no operation "{operation_id}"'
        hint = names_hint(operation_id, description.operation_ids)
        self.problems.error("unknown-operation", message, at, hint=hint)
        return None

    # -------------------------------------------------------------- operationPath

    def operation_by_path(self, text: str, at: Location) -> Linked | None:
        """Find `{$sourceDescriptions.pets.url}#/paths/~1pets/get`, also in tolerated spellings."""
        reference, hash_mark, pointer = text.partition("#")
        if not hash_mark:
            return self._path_without_pointer(text, at)
        name, canonical = self._source_of(reference)
        if name is None:
            self._bad_path(text, at)
            return None
        description = self._description(name, at)
        if description is None:
            return None
        operation = description.operation_at(pointer)
        if operation is None:
            operation = _by_loose_pointer(description, pointer)
            canonical = False
        if operation is None:
            message = f'source "{name}" has nothing callable at {pointer}'
            near = [known.pointer for known in description.operations()]
            self.problems.error("unknown-operation", message, at, hint=did_you_mean(pointer, near))
            return None
        if not canonical:
            self._slipped_path(name, operation, at)
        return Linked(name, description, operation)

    def _source_of(self, reference: str) -> tuple[str | None, bool]:
        """Return the source that a reference names, and whether it has the Specification's form."""
        is_braced = reference.startswith("{") and reference.endswith("}")
        inner = reference[1:-1] if is_braced else reference
        known = self.document.sources
        stated = source_reference(inner, known)
        name, field = stated or source_reference(f"$sourceDescriptions.{inner}", known) or ("", "")
        if field == "url" and name in known:
            return name, is_braced and stated is not None
        whole = f"{name}.{field}" if field else name
        return (whole, False) if whole in known else (None, False)

    def _path_without_pointer(self, text: str, at: Location) -> Linked | None:
        named = source_reference(text, self.document.sources)
        if named is not None:
            linked = self._in_named_source(*named, at)
            if linked is not None:
                self._slipped_path(linked.source, linked.operation, at)
            return linked
        method, _, path = text.rpartition(" ")
        if not path.startswith("/"):
            self._bad_path(text, at)
            return None
        found = []
        for name, description in self._sources().descriptions:
            for verb in (method,) if method else METHODS:
                operation = description.operation_by_path(verb.upper(), path)
                if operation is not None:
                    found.append(Linked(name, description, operation))
        if len(found) == 1:
            self._slipped_path(found[0].source, found[0].operation, at)
            return found[0]
        what = "is in several sources or methods" if found else "is in no source"
        self._bad_path(text, at, f'operationPath "{text}" {what}')
        return None

    def _slipped_path(self, name: str, operation: Operation, at: Location) -> None:
        canonical = f"{{$sourceDescriptions.{name}.url}}#{operation.pointer}"
        hint = f"write '{canonical}'"
        if operation.operation_id:
            hint += f" or operationId: {operation.operation_id}"
        message, fix = "operationPath is not in the Specification's form", replacing(at, canonical)
        self.problems.warn("operation-path-form", message, at, hint=hint, fix=fix)

    def _bad_path(self, text: str, at: Location, message: str | None = None) -> None:
        names = list(self.document.sources)
        example = names[0] if names else "<name>"
        self.problems.error(
            "operation-path-form",
            message or f'operationPath "{text}" names no source and pointer',
            at,
            hint=f"write '{{$sourceDescriptions.{example}.url}}#/paths/~1pets/get'",
        )

    # -------------------------------------------------------------- workflows

    def workflow(self, text: str, at: Location) -> WorkflowKey | None:
        """Find a workflow of this document, or `$sourceDescriptions.<name>.<workflowId>` of another."""
        document = self.document
        if not text.startswith("$"):
            if text in document.workflows:
                return WorkflowKey(document.base, text)
            hint = names_hint(text, document.workflows)
            self.problems.error("unknown-workflow", f'there is no workflow "{text}"', at, hint=hint)
            return None
        named = source_reference(text, document.sources)
        if named is None or named[0] not in document.sources or not named[1]:
            message = f'"{text}" names no workflow'
            hint = "write the workflowId, or $sourceDescriptions.<name>.<workflowId>"
            self.problems.error("unknown-workflow", message, at, hint=hint)
            return None
        return self._foreign_workflow(*named, at)

    def _foreign_workflow(self, name: str, workflow_id: str, at: Location) -> WorkflowKey | None:
        source = self.library.source(self.document, name)
        match source:
            case LoadedDocument():
                if workflow_id in source.workflows:
                    return WorkflowKey(source.base, workflow_id)
                message = f'source "{name}" has no workflow "{workflow_id}"'
                self.problems.error("unknown-workflow", message, at, hint=names_hint(workflow_id, source.workflows))
            case OpenApiDescription() | AsyncApiSource():
                message = f'source "{name}" is no Arazzo document; it has no workflows'
                self.problems.error("unknown-workflow", message, at)
            case NotChecked() | None:
                pass  # reported when it was opened
            case _:
                assert_never(source)
        return None

    # -------------------------------------------------------------- sources

    def _sources(self) -> _Sources:
        if self._opened is None:
            document = self.document
            self._opened = _sources([(name, self.library.source(document, name)) for name in document.sources])
        return self._opened

    def _description(self, name: str, at: Location) -> OpenApiDescription | None:
        source = self.library.source(self.document, name)
        match source:
            case OpenApiDescription():
                return source
            case AsyncApiSource():
                not_supported(self.problems, f'source "{name}" is an AsyncAPI description; its steps', at)
            case LoadedDocument():
                message = f'source "{name}" is an Arazzo document; it has workflows, not operations'
                hint = "call it with workflowId instead of operationId"
                self.problems.error("unknown-operation", message, at, hint=hint)
            case NotChecked() | None:
                pass  # reported when it was opened
            case _:
                assert_never(source)
        return None


def not_supported(problems: Problems, what: str, at: Location) -> None:
    """Report a feature that is not supported yet."""
    hint = "leave them out, or call an operation over HTTP instead"
    problems.error("not-supported", f"{what} are not supported yet", at, hint=hint)


def choose_server(linked: Linked, options: LoadOptions, problems: Problems, at: Location) -> str | None:
    """Return the server URL of an operation, from the options or the description; None, reported, without one."""
    override = options.servers.get(linked.source)
    try:
        return server_url(linked.operation, options.server_variables, options.environment, override)
    except NoServer as problem:
        if options.any_server:
            return "http://mock.invalid"
        hint = problem.hint or f"name one with --server {linked.source}=URL"
        problems.error("no-server", f'source "{linked.source}": {problem.message}', at, hint=hint)
        return None


def _sources(opened: Sequence[tuple[str, Source | None]]) -> _Sources:
    descriptions: list[tuple[str, OpenApiDescription]] = []
    documents, unread = 0, 0
    for name, source in opened:
        match source:
            case OpenApiDescription():
                descriptions.append((name, source))
            case LoadedDocument():
                documents += 1
            case AsyncApiSource():
                pass
            case NotChecked() | None:
                unread += 1
            case _:
                assert_never(source)
    return _Sources(tuple(descriptions), len(opened) - documents, unread == 0)


def _by_loose_pointer(description: OpenApiDescription, pointer: str) -> Operation | None:
    """Find `/paths//pets/{id}/get`, whose path is not escaped; the last token is the method."""
    path, _, method = pointer.removeprefix("/paths").rpartition("/")
    if method.lower() not in METHODS:
        return None
    for spelling in (path, path[1:] if path.startswith("//") else path, path.replace("~1", "/").replace("//", "/")):
        operation = description.operation_by_path(method.upper(), spelling)
        if operation is not None:
            return operation
    return None
