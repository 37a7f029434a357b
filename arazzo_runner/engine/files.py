"""The files that a request sends by their paths: who may name them, and where the document does.

Files are named by the document or the run's inputs, never by an answer: a value that came in a
response may look like a file (`{filename: …, path: …}`), and were it read, the server could choose
which of the user's files it is sent. For the same reason a document from the network names none:
of the run's inputs it may send those that are files themselves.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Protocol

from arazzo_runner.base.json_values import JsonValue, escaped, pointer_tokens
from arazzo_runner.base.settings import FILE_ROOT, INPUT_FILE
from arazzo_runner.engine.effects import NoFile
from arazzo_runner.engine.resolve import resolve
from arazzo_runner.errors import Location
from arazzo_runner.expressions.evaluate import evaluate
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import (
    ArrayValue,
    CompiledBody,
    DocumentScope,
    ExpressionValue,
    Literal,
    ObjectValue,
    Program,
    TemplateValue,
    Value,
)
from arazzo_runner.sources.http_media.files import is_file
from arazzo_runner.sources.http_media.media_types import UnusableMedia

ReadNamed = Callable[[str, str], Awaitable[bytes]]
"""Returns the content of a file by effect key and path; raises UnusableFile."""


class Files(Protocol):
    """Where files come from: a run, or what looks whether they are there."""

    @property
    def program(self) -> Program:
        """The program, whose documents name files."""

    @property
    def inputs(self) -> Mapping[str, JsonValue]:
        """The inputs of the entry workflow, which name files too."""

    async def read_file(self, key: str, path: str) -> bytes | NoFile:
        """Return the content of a file, or why there is none."""


class UnusableFile(UnusableMedia):
    """A file that is not sent."""

    def __init__(self, path: str, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.path = path


def named_files(source: Files, body: CompiledBody, scope: Scope) -> ReadNamed:
    """Return a function that reads the files of this body; it refuses a path that neither document nor inputs name."""

    async def read(key: str, path: str) -> bytes:
        document = _document_of(source.program, body)
        if document is None or document.is_remote:
            if path not in _files_given(source):
                message = f'the file "{path}" is named by a document from the network, which must not lead to files'
                raise UnusableFile(path, message, f"give the file itself as an input: {INPUT_FILE}")
        elif path not in _named(source, body, scope):
            message = f'the file "{path}" is named by a response, not by the document or an input: it is not sent'
            raise UnusableFile(path, message)
        answer = await source.read_file(key, path)
        if isinstance(answer, NoFile):
            raise UnusableFile(
                path, answer.message, f"allow its folder with {FILE_ROOT}" if answer.is_outside else None
            )
        return answer

    return read


# ------------------------------------------------------------------ who names a file


def _document_of(program: Program, body: CompiledBody) -> DocumentScope | None:
    workflows = program.workflows.values()
    return next((each.document for each in workflows if any(step.body is body for step in each.steps)), None)


def _documents(source: Files, *, remote: bool) -> list[DocumentScope]:
    documents = {id(each.document.raw): each.document for each in source.program.workflows.values()}
    return [each for each in documents.values() if each.is_remote is remote]


def _from_inputs(source: Files, names: Iterable[str]) -> set[str]:
    """Return names that the run's inputs have, without those that a document from the network may have given them."""
    if not source.program.workflow.document.is_remote:
        return set(names)
    foreign = {text for document in _documents(source, remote=True) for text in _texts(document.raw)}
    return set(names) - foreign


def _named(source: Files, body: CompiledBody, scope: Scope) -> set[str]:
    """Return every text of the documents and of the run's inputs, and the templates of the body filled with these."""
    names = _from_inputs(source, _texts(source.inputs))
    for document in _documents(source, remote=False):
        names.update(_texts(document.raw))
    values = [body.payload, *(each.value for each in body.replacements)]
    templates = [found for value in values if value is not None for found in _templates(value)]
    names.update(str(resolve(each, scope)) for each in templates if _only_of(each, names, scope))
    return names


def _files_given(source: Files) -> set[str]:
    """Return the paths of the files in the run's inputs and in documents that are not from the network."""
    names = _from_inputs(source, paths_in(source.inputs))
    return names.union(*(paths_in(document.raw) for document in _documents(source, remote=False)))


def _only_of(value: TemplateValue, names: set[str], scope: Scope) -> bool:
    """Return whether a template holds inputs only, all of them in `names` (a sub-workflow's may come from answers)."""
    expressions = [part for part in value.template.parts if not isinstance(part, str)]
    return all(isinstance(each, InputReference) and evaluate(each, scope) in names for each in expressions)


def _templates(value: Value) -> Iterator[TemplateValue]:
    if isinstance(value, TemplateValue):
        yield value
    for item in _parts(value):
        yield from _templates(item)


def _parts(value: Value) -> Iterable[Value]:
    if isinstance(value, ObjectValue):
        return [item for _, item in value.members]
    return value.items if isinstance(value, ArrayValue) else ()


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for _, item in _members(value):
        yield from _texts(item)


def paths_in(value: JsonValue) -> Iterator[str]:
    """Yield the paths of the files that a value names."""
    if isinstance(value, dict) and is_file(value, is_expected=True) and isinstance(value.get("path"), str):
        yield value["path"]
    for _, item in _members(value):
        yield from paths_in(item)


def _members(value: JsonValue) -> Iterable[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        return value.items()
    return [(str(index), item) for index, item in enumerate(value)] if isinstance(value, (list, tuple)) else ()


# ------------------------------------------------------------------ where it is named


def pointer_of(value: JsonValue, path: str) -> str | None:
    """Return the JSON Pointer of the first `path` with this text, None when there is none."""
    if isinstance(value, dict) and value.get("path") == path and is_file(value, is_expected=True):
        return "/path"
    for name, item in _members(value):
        found = pointer_of(item, path)
        if found is not None:
            return f"/{escaped(str(name))}{found}"
    return None


def place_in(body: CompiledBody, pointer: str | None, path: str) -> tuple[Location, str | None]:
    """Return where the document has what is at a pointer of the payload, and the input that it comes from, if one.

    That is a text, or the expression whose value has the pointer.
    """
    for replacement in body.replacements:
        value = replacement.value
        if isinstance(value, Literal) and pointer_of(value.value, path) is not None:
            return _descended(value, replacement.at.child("value"), pointer_of(value.value, path) or "")
    at = body.at.child("payload")
    return (at, None) if pointer is None or body.payload is None else _descended(body.payload, at, pointer)


def _descended(value: Value, at: Location, pointer: str) -> tuple[Location, str | None]:
    for token in pointer_tokens(pointer):
        if isinstance(value, Literal):
            at = at.child(token)
            continue
        if isinstance(value, ObjectValue):
            inside = next((item for name, item in value.members if name == token), None)
        else:
            items = value.items if isinstance(value, ArrayValue) else ()
            inside = items[int(token)] if token.isdigit() and int(token) < len(items) else None
        if inside is None:
            break
        value, at = inside, at.child(token)
    expression = value.expression if isinstance(value, ExpressionValue) else None
    return at, expression.name if isinstance(expression, InputReference) else None
