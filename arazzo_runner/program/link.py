"""Linking: operationId, operationPath and workflowId → operations, servers and workflows (semantics §2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import assert_never

from arazzo_runner.base.json_values import escaped
from arazzo_runner.base.records import Record
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import Location, did_you_mean, replacing
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.library import AsyncApiSource, Library, LoadedDocument, LoadOptions, NotChecked
from arazzo_runner.program.model import WorkflowKey
from arazzo_runner.program.values import source_reference
from arazzo_runner.sources.openapi import OpenApiDescription, id_key, times
from arazzo_runner.sources.operation import NoServer, Operation, server_url

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")


class Linked(Record):
    """An operation, the name of its source and its description."""

    source: str
    description: OpenApiDescription
    operation: Operation


class _Sources(Record):
    """A document's OpenAPI sources, how many sources have operations, and the names of those that were not read."""

    descriptions: tuple[tuple[str, OpenApiDescription], ...]
    with_operations: int
    unread: tuple[str, ...]


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
        return not sources.descriptions and bool(sources.unread)

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
        found = [(source, description) for source, description in sources.descriptions if description.same_id(name)]
        if len(found) == 1:
            linked = self._with_id(*found[0], name, at)
            if linked is not None and sources.with_operations > 1:
                message = f'operationId "{name}" does not say which of the {sources.with_operations} sources it is in'
                qualified = f"$sourceDescriptions.{linked.source}.{name}"
                fix = replacing(at, qualified)
                self.problems.tolerate("unqualified-operation", message, at, hint=f"write {qualified}", fix=fix)
            return linked
        if found:
            places = ", ".join(f"$sourceDescriptions.{source}.{name}" for source, _ in found)
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
                self.problems.tolerate("operation-reference", message, at, hint=f"write {qualified}", fix=fix)
            return linked
        if sources.unread:
            return None  # it may be in an unreadable source, which is already reported
        if any(self._is_unreadable(description, "/paths") for _, description in sources.descriptions):
            return None
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
        if description.same_id(operation_id):
            return self._with_id(name, description, operation_id, at)
        if self._is_unreadable(description, "/paths"):
            return None
        message = f'source "{name}" has no operation "{operation_id}"'
        hint = names_hint(operation_id, description.operation_ids)
        self.problems.error("unknown-operation", message, at, hint=hint)
        return None

    def _with_id(self, name: str, description: OpenApiDescription, operation_id: str, at: Location) -> Linked | None:
        """Return the operation with an operationId that its description has; None, reported, if it has it twice."""
        pointers = description.same_id(operation_id)
        operation = description.operation_at(pointers[0])
        if len(pointers) == 1:
            return None if operation is None else Linked(name, description, operation)
        description.structure.needed(id_key(operation_id))
        found = [each for each in map(description.operation_at, pointers) if each is not None]
        listed = " and ".join(f"{each.method} {each.path}" for each in found)
        message = f'operationId "{operation_id}" is there {times(len(pointers))} in source "{name}": {listed}'
        ways = " or ".join(f"'{{$sourceDescriptions.{name}.url}}#{pointer}'" for pointer in pointers)
        places = tuple(description.place(f"{pointer}/operationId") for pointer in pointers)
        hint = f"name the one you mean with operationPath: {ways}"
        self.problems.error("duplicate-operation-id", message, at, hint=hint, related=places)
        return None

    def _is_unreadable(self, description: OpenApiDescription, pointer: str) -> bool:
        """Return whether the description is broken at or above a pointer, where a step needs it; that is reported."""
        found = description.structure.needed(pointer)
        if found is not None:
            self.problems.error(found.code, found.message, found.at, hint=found.hint)
        return found is not None

    # -------------------------------------------------------------- operationPath

    def operation_by_path(self, text: str, at: Location) -> Linked | None:
        """Find `{$sourceDescriptions.pets.url}#/paths/~1pets/get`, also in tolerated spellings."""
        reference, hash_mark, pointer = text.partition("#")
        if not hash_mark:
            return self._path_without_pointer(text, at)
        name, is_expression, canonical = self._source_of(reference)
        if name is None:
            self._unknown_source(reference, pointer, text, at)
            return None
        description = self._description(name, at)
        if description is None:
            return None
        operation = description.operation_at(pointer)
        if operation is None:
            operation = _by_loose_pointer(description, pointer)
            canonical = False
        if operation is None:
            self._not_at(pointer, name, description, at)
            return None
        if not canonical:
            self._slipped_path(name, operation, at, is_forbidden=not is_expression or operation.pointer != pointer)
        return Linked(name, description, operation)

    def _not_at(self, pointer: str, name: str, description: OpenApiDescription, at: Location) -> None:
        if self._is_unreadable(description, pointer):
            return
        near = _nearest(pointer, [place for _, _, place in description.places()])
        hint = None if near is None else f"did you mean {_path_to(name, near)}?"
        message = f'source "{name}" has nothing callable at {pointer}'
        self.problems.error("unknown-operation", message, at, hint=hint)

    def _source_of(self, reference: str) -> tuple[str | None, bool, bool]:
        """Return the source that a reference names, whether by an expression, and whether in the canonical form."""
        is_braced = reference.startswith("{") and reference.endswith("}")
        inner = reference[1:-1] if is_braced else reference
        known = self.document.sources
        stated = source_reference(inner, known)
        name, field = stated or source_reference(f"$sourceDescriptions.{inner}", known) or ("", "")
        if field == "url" and name in known:
            return name, stated is not None, is_braced and stated is not None
        whole = f"{name}.{field}" if field else name
        return whole if whole in known else None, False, False

    def _unknown_source(self, reference: str, pointer: str, text: str, at: Location) -> None:
        """Report an operationPath whose source is not declared."""
        inner = reference.strip("{}").removeprefix("$sourceDescriptions.")
        name = inner.removesuffix(".url")
        if not name or "/" in name or ":" in name:
            self._bad_path(text, at)
            return
        near = _nearest(name, self.document.sources)
        message = f'operationPath: there is no source "{name}"'
        if near is None:
            self.problems.error("unknown-source", message, at, hint=names_hint(name, self.document.sources))
            return
        path = _path_to(near, pointer)
        fix = replacing(at, path[1:-1], is_safe=False)
        self.problems.error("unknown-source", f'{message}; did you mean "{near}"?', at, hint=f"write {path}", fix=fix)

    def _path_without_pointer(self, text: str, at: Location) -> Linked | None:
        named = source_reference(text, self.document.sources)
        if named is not None:
            linked = self._in_named_source(*named, at)
            if linked is not None:
                # An example of the Specification 1.1 has this form.
                self._slipped_path(linked.source, linked.operation, at, is_forbidden=False)
            return linked
        method, _, path = text.rpartition(" ")
        if not path.startswith("/"):
            self._bad_path(text, at)
            return None
        sources = self._sources()
        found = [(name, description, pointer) for name, description in sources.descriptions
                 for verb, known, pointer in description.places()
                 if known == path and verb == (method.upper() or verb)]  # fmt: skip
        if len(found) != 1:
            self._not_one(text, found, sources, at)
            return None
        name, description, pointer = found[0]
        operation = description.operation_at(pointer)
        if operation is None:
            return None
        self._slipped_path(name, operation, at)
        return Linked(name, description, operation)

    def _not_one(
        self, text: str, found: Sequence[tuple[str, OpenApiDescription, str]], sources: _Sources, at: Location
    ) -> None:
        """Report an operationPath such as `GET /pets` that leads to no operation or to several."""
        if found:
            ways = " or ".join(_path_to(name, pointer) for name, _, pointer in found)
            self._bad_path(text, at, f'operationPath "{text}" is in several sources or methods', f"write {ways}")
            return
        if sources.unread:
            names = ", ".join(f'"{name}"' for name in sources.unread)
            were = "was" if len(sources.unread) == 1 else "were"
            message = f'operationPath "{text}" cannot be looked up, {names} {were} not read'
            hint = f"write {_path_to(sources.unread[0], _pointer_of(text))}"
            self.problems.tolerate("operation-path-form", message, at, hint=hint)
            return
        if any(self._is_unreadable(description, "/paths") for _, description in sources.descriptions):
            return
        known = {f"{method} {path}": _path_to(name, pointer) for name, description in sources.descriptions
                 for method, path, pointer in description.places()}  # fmt: skip
        near = _nearest(text, known)
        self._bad_path(
            text,
            at,
            f'operationPath "{text}" is in no source',
            None if near is None else f"did you mean {known[near]}?",
        )

    def _slipped_path(self, name: str, operation: Operation, at: Location, *, is_forbidden: bool = True) -> None:
        path = _path_to(name, operation.pointer)
        hint = f"write {path}"
        if operation.operation_id:
            hint += f" or operationId: {operation.operation_id}"
        message, fix = "operationPath is not in the Specification's form", replacing(at, path[1:-1])
        report = self.problems.tolerate if is_forbidden else self.problems.warn
        report("operation-path-form", message, at, hint=hint, fix=fix)

    def _bad_path(self, text: str, at: Location, message: str | None = None, hint: str | None = None) -> None:
        names = list(self.document.sources)
        example = names[0] if names else "<name>"
        self.problems.error(
            "operation-path-form",
            message or f'operationPath "{text}" names no source and pointer',
            at,
            hint=hint or f"write {_path_to(example, _pointer_of(text) or '/paths/~1pets/get')}",
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
            self._opened = _sources(self.document, self.library)
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
    is_needed = override is None and not options.any_server
    faults = [each.problem for each in linked.operation.faults if each.is_of_servers]
    # Where any server will do (a mock, a dry run, `validate`), a run goes on.
    report = problems.error if is_needed else problems.tolerate if override is None else problems.warn
    for each in faults:
        report(each.code, each.message, each.at, hint=each.hint)
    if faults and is_needed:
        return None
    try:
        return server_url(linked.operation, options.server_variables, options.environment, override)
    except NoServer as problem:
        if options.any_server:
            return "http://mock.invalid"
        hint = problem.hint or f"name one with --server {linked.source}=URL"
        problems.error("no-server", f'source "{linked.source}": {problem.message}', at, hint=hint)
        return None


def _sources(document: LoadedDocument, library: Library) -> _Sources:
    descriptions: list[tuple[str, OpenApiDescription]] = []
    with_operations, unread = 0, []
    for name, stated in document.sources.items():
        source = library.source(document, name)
        match source:
            case OpenApiDescription():
                descriptions.append((name, source))
                with_operations += 1
            case AsyncApiSource():
                with_operations += 1
            case LoadedDocument():
                pass
            case NotChecked() | None:
                unread.append(name)
                with_operations += stated.type not in (None, "arazzo")
            case _:
                assert_never(source)
    return _Sources(tuple(descriptions), with_operations, tuple(unread))


def _path_to(source: str, pointer: str) -> str:
    """Return an operationPath in the Specification's form, in quotes."""
    return f"'{{$sourceDescriptions.{source}.url}}#{pointer}'"


def _pointer_of(text: str) -> str:
    """Return the JSON Pointer that `GET /pets` means, "" for another text."""
    method, _, path = text.rpartition(" ")
    return f"/paths/{escaped(path)}/{method.lower() or 'get'}" if path.startswith("/") else ""


def _nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the most similar of some words, None when none is similar."""
    near = did_you_mean(word, known, prefix="")
    return None if near is None else near[1:-2].split('" or "')[0]


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
