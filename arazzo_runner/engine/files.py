"""Which files a body may send: those that the document or the run's inputs name, never what a server answered.

A value that came in a response may look like a file (`{filename: …, path: …}`). Were it read,
the server could choose which of the user's files it is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.engine.effects import NoFile
from arazzo_runner.engine.resolve import resolve
from arazzo_runner.engine.state import Run
from arazzo_runner.expressions.evaluate import evaluate
from arazzo_runner.expressions.nodes import InputReference
from arazzo_runner.expressions.scope import Scope
from arazzo_runner.program.model import ArrayValue, CompiledBody, ObjectValue, TemplateValue, Value
from arazzo_runner.sources.http_media.media_types import UnusableMedia

ReadNamed = Callable[[str, str], Awaitable[bytes]]
"""Returns the content of a file by effect key and path; raises UnusableMedia."""


def named_files(run: Run, body: CompiledBody, scope: Scope) -> ReadNamed:
    """Return a function that reads the files of this body; it refuses a path that only a response named."""

    async def read(key: str, path: str) -> bytes:
        if path not in _named(run, body, scope):
            message = f'the file "{path}" is named by a response, not by the document or an input: it is not sent'
            raise UnusableMedia(message)
        answer = await run.read_file(key, path)
        if isinstance(answer, NoFile):
            raise UnusableMedia(answer.message)
        return answer

    return read


def _named(run: Run, body: CompiledBody, scope: Scope) -> set[str]:
    """Return every text of the documents and of the run's inputs, and the templates of the body filled with these."""
    names = set(_texts(run.inputs))
    for raw in {id(each.document.raw): each.document.raw for each in run.program.workflows.values()}.values():
        names.update(_texts(raw))
    values = [body.payload, *(each.value for each in body.replacements)]
    templates = [found for value in values if value is not None for found in _templates(value)]
    names.update(str(resolve(each, scope)) for each in templates if _only_of(each, names, scope))
    return names


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
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _texts(item)
