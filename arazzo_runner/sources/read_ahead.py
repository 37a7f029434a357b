"""Reading the documents that schemas refer to before a run, so that a run itself reads no description.

References are followed lazily (references.py): a check of a response may be the first to need a
schema in another file. Read during a run, that file would be missing from a durable run's bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.sources.channel import MessageType
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import MediaType, Operation
from arazzo_runner.sources.schema.context import SchemaContext, identified

if TYPE_CHECKING:
    from arazzo_runner.sources.asyncapi import AsyncApiDescription

_NOT_LOCAL = pattern(r"""\$ref(?!["']?\s*:\s*["']?#)""")


def read_schemas(operations: Iterable[tuple[str, Operation, OpenApiDescription]]) -> None:
    """Resolve every `$ref` that the schemas of operations lead to; unresolvable ones are left to the checks.

    `operations` are those of `Program.operations()`.
    """
    refers: dict[int, bool] = {}
    for _, operation, description in operations:
        if _refers(description, refers):
            _follow(_schemas(operation), operation.schemas)


def read_message_schemas(messages: Iterable[tuple[MessageType, AsyncApiDescription]]) -> None:
    """Do the same for messages, those of the steps that send and receive."""
    refers: dict[int, bool] = {}
    for message, description in messages:
        if _refers(description, refers):
            schemas = [(each, message.base) for each in (message.headers, message.payload) if each is not None]
            _follow(schemas, description.schemas)


def _refers(description: OpenApiDescription | AsyncApiDescription, known: dict[int, bool]) -> bool:
    """Return whether a description may refer to other documents; each is looked at once."""
    if id(description) not in known:
        text = description.document.text  # "" for a description that was given as data
        known[id(description)] = not text or _NOT_LOCAL.search(text) is not None
    return known[id(description)]


def _follow(schemas: Iterable[tuple[JsonValue, str]], context: SchemaContext) -> None:
    from arazzo_runner.sources.references import ReferenceFailure

    waiting, seen = list(schemas), set[tuple[str, str]]()
    while waiting:
        value, base = waiting.pop()
        if isinstance(value, list):
            waiting += [(item, base) for item in value]
        if not isinstance(value, dict):
            continue
        base = identified(value, base, context)
        waiting += [(item, base) for item in value.values() if isinstance(item, (dict, list))]
        reference = value.get("$ref")
        if isinstance(reference, str) and context.resolve is not None and (reference, base) not in seen:
            seen.add((reference, base))
            try:
                waiting.append(context.resolve({"$ref": reference}, base))
            except ReferenceFailure:
                continue


def _schemas(operation: Operation) -> Iterator[tuple[JsonValue, str]]:
    for parameter in operation.parameters:
        yield parameter.schema, parameter.base
        yield from _of_content([parameter.content] if parameter.content is not None else ())
    if operation.request_body is not None:
        yield from _of_content(operation.request_body.content.values())
    for response in operation.responses.values():
        yield from _of_content(response.content.values())
        yield from ((header, response.base) for header in response.headers.values())


def _of_content(content: Iterable[MediaType]) -> Iterator[tuple[JsonValue, str]]:
    return ((each.schema, each.base) for each in content)
