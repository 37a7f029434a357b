"""OpenAPI descriptions of messages: webhooks, and operations whose responses are streams of events.

A step may receive from them (semantics §2), though AsyncAPI is made for it. Each is read as the channel that
an AsyncAPI description of it would have, in a document that has the components of the OpenAPI description.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.records import replace
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.openapi import METHODS, OpenApiDescription
from arazzo_runner.sources.operation import Operation
from arazzo_runner.sources.references import ReferenceFailure, rebased
from arazzo_runner.sources.uris import join

_STREAM: Final = "text/event-stream"
_LISTENER: Final = {"host": "localhost", "protocol": "http"}
_Event: TypeAlias = "tuple[dict[str, Any], dict[str, Any], list[dict[str, str]]]"
"""A Channel Object, the Server Object it is on, and the security of the operation on it."""


def event_of(description: OpenApiDescription, operation_id: str) -> AsyncApiDescription | None:
    """Return a description of the webhook or stream of events that has an operationId; None when there is none."""
    found = _stream(description, operation_id) or _webhook(description, operation_id)
    if found is None:
        return None
    channel, server, security = found
    path = f"#/channels/{escaped(operation_id)}"
    made = {
        **description.root,
        "asyncapi": "3.0.0",
        "servers": {"server": server},
        "channels": {operation_id: channel},
        "operations": {operation_id: {"action": "send", "channel": {"$ref": path}, "security": security}},
    }
    document, references = replace(description.document, value=made), description.references
    return AsyncApiDescription(document, references.fetch, description.base, references.reader)


def _webhook(description: OpenApiDescription, operation_id: str) -> _Event | None:
    webhooks = description.root.get("webhooks")
    for name, raw in webhooks.items() if isinstance(webhooks, dict) else ():
        item, base = _followed(description, raw, description.references.base)
        for method in METHODS if isinstance(item, dict) else ():
            operation = item.get(method)
            if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                message = _body(description, operation.get("requestBody"), base)
                return {"address": f"/{name}", "messages": {operation_id: message}}, dict(_LISTENER), []
    return None


def _body(description: OpenApiDescription, body: JsonValue, base: str) -> dict[str, Any]:
    """Return the message of a webhook: its request body, of the first type that is described."""
    body, base = _followed(description, body, base)
    content = body.get("content") if isinstance(body, dict) else None
    for content_type, media in content.items() if isinstance(content, dict) else ():
        schema = media.get("schema") if isinstance(media, dict) else None
        payload = {} if schema is None else {"payload": rebased(schema, base, description.references.base)}
        return {"contentType": content_type, **payload}
    return {}


def _stream(description: OpenApiDescription, operation_id: str) -> _Event | None:
    """Return the channel of an operation that answers with a stream of events."""
    operation = description.operation(operation_id)
    if operation is None or operation.method != "GET":
        return None
    types = [
        (name, media)
        for status, response in operation.responses.items()
        if status.startswith("2")
        for name, media in response.content.items()
        if name.partition(";")[0].strip().lower() == _STREAM
    ]
    if not types:
        return None
    schema = types[0][1].schema
    payload = {} if schema is None else {"payload": rebased(schema, types[0][1].base, description.references.base)}
    channel = {
        "address": operation.path,
        "parameters": {each.name: {} for each in operation.parameters if each.location == "path"},
        "messages": {operation_id: {"contentType": _STREAM, **payload}},
    }
    single = [name for each in operation.security if len(each) == 1 for name in each]
    security = [{"$ref": f"#/components/securitySchemes/{escaped(name)}"} for name in single]
    return channel, _server(operation), [] if description.is_swagger else security


def _server(operation: Operation) -> dict[str, Any]:
    """Return the first usable server of an operation as a Server Object of AsyncAPI."""
    for server in operation.servers:
        protocol, mark, rest = (server.url if "://" in server.url else join(server.base, server.url)).partition("://")
        if mark and protocol in ("http", "https"):
            host, slash, path = rest.partition("/")
            variables = {
                name: {"default": each.default, **({"enum": list(each.enum)} if each.enum else {})}
                for name, each in server.variables.items()
            }
            return {"host": host, "protocol": protocol, "pathname": slash + path, "variables": variables}
    return dict(_LISTENER)


def _followed(description: OpenApiDescription, value: JsonValue, base: str) -> tuple[JsonValue, str]:
    try:
        return description.references.follow(value, base)
    except ReferenceFailure:
        return None, base
