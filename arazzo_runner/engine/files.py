"""Which files a body may send: those that the document or the run's inputs name, never what a server answered.

A value that came in a response may look like a file (`{filename: …, path: …}`). Were it read,
the server could choose which of the user's files it is sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.resolve import resolve
from arazzo_runner.engine.state import Run
from arazzo_runner.expressions.evaluate import evaluate
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import ArrayValue, CompiledBody, ObjectValue, TemplateValue, Value
from arazzo_runner.sources.http_media.media_types import ReadFile, UnusableMedia


def named_files(run: Run, body: CompiledBody | None, scope: Scope) -> ReadFile:
    """Return what reads a file for this body; it raises UnusableMedia for a path that nobody named."""

    def read(path: str) -> bytes:
        from arazzo_runner.sources.http_media.uploads import read_upload  # lazily: few bodies hold files

        if path not in _named(run, body, scope):
            message = f'the file "{path}" is named by a response, not by the document or an input: it is not sent'
            raise UnusableMedia(message)
        return read_upload(path)

    return read


def _named(run: Run, body: CompiledBody | None, scope: Scope) -> set[str]:
    """Return every text of the documents and of the run's inputs, and what templates make of these."""
    names = set(_texts(run.inputs))
    for raw in {id(each.document.raw): each.document.raw for each in run.program.workflows.values()}.values():
        names.update(_texts(raw))
    if body is not None:
        values = [body.payload, *(each.value for each in body.replacements)]
        templates = [found for value in values if value is not None for found in _templates(value)]
        names.update(str(resolve(each, scope)) for each in templates if _only_of(each, names, scope))
    return names


def _only_of(value: TemplateValue, names: set[str], scope: Scope) -> bool:
    """Tell whether a template is made of inputs alone, all of them named (a sub-workflow's may be answers)."""
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
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
