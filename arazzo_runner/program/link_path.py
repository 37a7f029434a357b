"""operationPath → operations, also in the spellings that have one clear meaning (semantics §2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arazzo_runner.base.json_values import escaped
from arazzo_runner.errors import Location, did_you_mean, replacing
from arazzo_runner.program.context import names_hint
from arazzo_runner.program.link_sources import DocumentSources, Linked, OpenedSources, path_to
from arazzo_runner.program.values import source_reference
from arazzo_runner.sources.openapi import METHODS, OpenApiDescription
from arazzo_runner.sources.operation import Operation


class PathLinker:
    """Finds the operations that operationPaths of one document lead to; what is not found is reported and None."""

    def __init__(self, sources: DocumentSources) -> None:
        self.sources = sources
        self.document = sources.document
        self.problems = sources.problems

    def operation(self, text: str, at: Location) -> Linked | None:
        """Find `{$sourceDescriptions.pets.url}#/paths/~1pets/get`, also in tolerated spellings."""
        reference, hash_mark, pointer = text.partition("#")
        if not hash_mark:
            return self._path_without_pointer(text, at)
        name, is_expression, canonical = self.source_of(reference)
        if name is None:
            self._unknown_source(reference, pointer, text, at)
            return None
        description = self.sources.description(name, at)
        if description is None:
            if not canonical and self.sources.is_unread(name):
                self._other_form(path_to(name, pointer), at, is_forbidden=not is_expression)
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
        if self.sources.is_unreadable(description, pointer):
            return
        near = _nearest(pointer, [place for _, _, place in description.places()])
        hint = None if near is None else f"did you mean {path_to(name, near)}?"
        message = f'source "{name}" has nothing callable at {pointer}'
        self.problems.error("unknown-operation", message, at, hint=hint)

    def source_of(self, reference: str) -> tuple[str | None, bool, bool]:
        """Return the source that a reference names, whether by an expression, and whether in the canonical form."""
        is_braced = reference.startswith("{") and reference.endswith("}")
        inner = reference[1:-1] if is_braced else reference
        known = self.document.sources
        stated = source_reference(inner, known)
        name, field = stated or source_reference(f"$sourceDescriptions.{inner}", known) or ("", "")
        if field == "url" and name in known:
            return name, stated is not None, is_braced and stated is not None
        by_url = [each for each, source in known.items() if source.url in (reference, f"./{reference}")]
        whole = by_url[0] if len(by_url) == 1 else f"{name}.{field}" if field else name
        return whole if whole in known else None, False, False

    def _unknown_source(self, reference: str, pointer: str, text: str, at: Location) -> None:
        """Report an operationPath whose source is not declared."""
        inner = reference.strip("{}").removeprefix("$").removeprefix("sourceDescriptions.")
        name = inner.removesuffix(".url")
        if not name or "/" in name or ":" in name:
            self._bad_path(text, at)
            return
        near = name if name in self.document.sources else _nearest(name, self.document.sources)
        message = f'operationPath: there is no source "{name}"'
        if near is None:
            self.problems.error("unknown-source", message, at, hint=names_hint(name, self.document.sources))
            return
        path = path_to(near, pointer)
        fix = replacing(at, path[1:-1], is_safe=False)
        if near == name:
            message = "operationPath: a runtime expression begins with $"
            self.problems.error("unknown-source", message, at, hint=f"write {path}", fix=fix)
            return
        self.problems.error("unknown-source", f'{message}; did you mean "{near}"?', at, hint=f"write {path}", fix=fix)

    def _path_without_pointer(self, text: str, at: Location) -> Linked | None:
        named = source_reference(text, self.document.sources)
        if named is not None:
            linked = self.sources.operation(*named, at)
            if linked is not None:
                # An example of the Specification 1.1 has this form.
                self._slipped_path(linked.source, linked.operation, at, is_forbidden=False)
            return linked
        method, _, path = text.rpartition(" ")
        if not path.startswith("/"):
            self._bad_path(text, at)
            return None
        sources = self.sources.opened()
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
        self, text: str, found: Sequence[tuple[str, OpenApiDescription, str]], sources: OpenedSources, at: Location
    ) -> None:
        """Report an operationPath such as `GET /pets` that leads to no operation or to several."""
        if found:
            ways = " or ".join(path_to(name, pointer) for name, _, pointer in found)
            self._bad_path(text, at, f'operationPath "{text}" is in several sources or methods', f"write {ways}")
            return
        if sources.unread:
            names = ", ".join(f'"{name}"' for name in sources.unread)
            were = "was" if len(sources.unread) == 1 else "were"
            message = f'operationPath "{text}" cannot be looked up, {names} {were} not read'
            hint = f"write {path_to(sources.unread[0], _pointer_of(text))}"
            self.problems.tolerate("operation-path-form", message, at, hint=hint)
            return
        if any(self.sources.is_unreadable(description, "/paths") for _, description in sources.descriptions):
            return
        known = {f"{method} {path}": path_to(name, pointer) for name, description in sources.descriptions
                 for method, path, pointer in description.places()}  # fmt: skip
        near = _nearest(text, known)
        self._bad_path(
            text,
            at,
            f'operationPath "{text}" is in no source',
            None if near is None else f"did you mean {known[near]}?",
        )

    def _slipped_path(self, name: str, operation: Operation, at: Location, *, is_forbidden: bool = True) -> None:
        also = f" or operationId: {operation.operation_id}" if operation.operation_id else ""
        self._other_form(path_to(name, operation.pointer), at, also, is_forbidden=is_forbidden)

    def _other_form(self, path: str, at: Location, also: str = "", *, is_forbidden: bool) -> None:
        message, fix = "operationPath must be a source's url in braces and a JSON Pointer", replacing(at, path[1:-1])
        report = self.problems.tolerate if is_forbidden else self.problems.warn
        report("operation-path-form", message, at, hint=f"write {path}{also}", fix=fix)

    def _bad_path(self, text: str, at: Location, message: str | None = None, hint: str | None = None) -> None:
        names = list(self.document.sources)
        example = names[0] if names else "<name>"
        self.problems.error(
            "operation-path-form",
            message or f'operationPath "{text}" does not name a source and pointer',
            at,
            hint=hint or f"write {path_to(example, _pointer_of(text) or '/paths/~1pets/get')}",
        )


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
