"""Tools beside the workflows: what each takes, and the function that answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from arazzo_runner.base.records import Record
from arazzo_runner.mcp.answers import Answer, in_text
from arazzo_runner.sources.schema.check import schema_errors


class Tool(Record, kw_only=True):
    """A tool; `call` gets arguments that fit `schema`, and returns the structured answer."""

    name: str
    title: str
    description: str
    schema: Mapping[str, Any]
    call: Callable[[Mapping[str, Any]], Awaitable[dict[str, Any]]]
    is_read_only: bool = True
    is_open_world: bool = False

    async def answer(self, arguments: Mapping[str, Any]) -> Answer:
        """Answer a call; arguments that do not fit are named without their values."""
        wrong = [each.pointer for each in schema_errors(dict(arguments), dict(self.schema))]
        if wrong:
            places = ", ".join(dict.fromkeys(each or "the arguments" for each in wrong[:5]))
            return mistaken(f"arguments do not fit the inputSchema of this tool: {places}")
        structured = await self.call(arguments)
        return Answer(structured=structured, text=in_text(structured), is_error=bool(structured.get("isError")))


def mistaken(reason: str, **more: Any) -> Answer:
    """Return the answer to a call that cannot be carried out."""
    structured = {"isError": True, "reason": reason, **more}
    return Answer(structured=structured, text=in_text(structured), is_error=True)


def object_of(required: tuple[str, ...] = (), **properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of arguments."""
    return {
        "type": "object",
        "properties": {name: dict(schema) for name, schema in properties.items()},
        "required": list(required),
        "additionalProperties": False,
    }
