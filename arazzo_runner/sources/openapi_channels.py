"""Event streams and webhooks of an OpenAPI description as channels: an AsyncAPI description made of them.

Arazzo 1.1 has steps that receive for AsyncAPI only, but documents receive from these too. The description that is
made has everything that the other one has, so that references into it lead to the same places.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.records import replace
from arazzo_runner.sources.asyncapi import AsyncApiDescription
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import MediaType, Operation, Server
from arazzo_runner.sources.references import ReferenceFailure, rebased

_STREAM: Final = "text/event-stream"
_METHODS: Final = ("post", "put", "patch")


def stream_of(description: OpenApiDescription, operation: Operation) -> AsyncApiDescription | None:
    """Return a description with the channel of an operation that answers with a stream of events; None for others."""
    contents = [each.content for each in operation.responses.values()]
    media = next((found for content in contents for name, found in content.items() if _is_stream(name)), None)
    if media is None:
        return None
    name = operation.operation_id or operation.pointer
    schema = _schema(description, media)
    # What an event carries is the message; that events come in a stream is said by the method of the binding.
    message = {"contentType": None if schema is None else "application/json", "payload": schema}
    return _described(description, name, operation.path, message, operation.servers, operation)


def webhook_of(description: OpenApiDescription, operation_id: str) -> AsyncApiDescription | None:
    """Return a description with the channel of a webhook, by the operationId that the API calls it with."""
    for name, method, operation in _webhooks(description):
        if operation.get("operationId") == operation_id:
            body = _followed(description, operation.get("requestBody"))
            content = body.get("content") if isinstance(body, dict) else None
            media_type, media = next(iter(content.items()), (None, None)) if isinstance(content, dict) else (None, None)
            message = {"contentType": media_type, "payload": media.get("schema") if isinstance(media, dict) else None}
            # The run listens, wherever the API is.
            servers = (Server(url="http://localhost", base=description.base),)
            bindings = {"http": {"method": method.upper()}}
            return _described(description, operation_id, f"/{name}", message, servers, None, bindings)
    return None


def _is_stream(content_type: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == _STREAM


def _schema(description: OpenApiDescription, media: MediaType) -> JsonValue:
    """Return the schema of an event, None where it is that of the whole stream, a text, or of another document."""
    schema = media.schema
    is_text = isinstance(schema, dict) and schema.get("type") == "string"
    return None if is_text or media.base != description.references.base else schema


def _webhooks(description: OpenApiDescription) -> Iterator[tuple[str, str, Mapping[str, JsonValue]]]:
    """Yield (name, method, Operation Object) of each webhook (OpenAPI 3.1 §OpenAPI Object)."""
    named = description.root.get("webhooks")
    for name, item in named.items() if isinstance(named, dict) else ():
        item = _followed(description, item)
        for method in _METHODS:
            operation = item.get(method) if isinstance(item, dict) else None
            if isinstance(operation, dict):
                yield str(name), method, operation


def _followed(description: OpenApiDescription, value: JsonValue) -> JsonValue:
    """Return what a value refers to, its own references made those of the description; None for a broken one."""
    base = description.references.base
    try:
        found, place = description.references.follow(value, base)
    except ReferenceFailure:
        return None
    return rebased(found, place, base)


def _described(
    description: OpenApiDescription,
    name: str,
    address: str,
    message: Mapping[str, JsonValue],
    servers: tuple[Server, ...],
    operation: Operation | None,
    bindings: Mapping[str, JsonValue] | None = None,
) -> AsyncApiDescription:
    own: dict[str, JsonValue] = {
        "action": "send",
        "channel": {"$ref": f"#/channels/{escaped(name)}"},
        "bindings": bindings or {"http": {"method": "GET"}},
        "security": _security(operation),
    }
    found = {each: value for each, value in message.items() if value is not None}
    described = {
        **description.root,
        "asyncapi": "3.0.0",
        "servers": {f"server{number}": made for number, each in enumerate(servers) if (made := _server(each))},
        "channels": {name: {"address": address, "messages": {name: found}}},
        "operations": {name: own},
        "components": _components(description),
    }
    document = replace(description.document, value=described)
    return AsyncApiDescription(document, description.references.fetch, description.base, description.references.reader)


def _server(server: Server) -> dict[str, JsonValue] | None:
    """Return a Server Object of AsyncAPI; None for a URL that is relative to the description."""
    protocol, mark, rest = server.url.partition("://")
    if not mark:
        return None
    host, _, path = rest.partition("/")
    variables = {name: {"default": each.default, "enum": [*each.enum]} for name, each in server.variables.items()}
    return {"host": host, "pathname": f"/{path}".rstrip("/"), "protocol": protocol, "variables": variables}


def _security(operation: Operation | None) -> list[JsonValue]:
    """Return the alternatives of one scheme; AsyncAPI has no words for several at once."""
    alternatives = () if operation is None else operation.security
    names = [name for each in alternatives if len(each) == 1 for name in each]
    return [{"$ref": f"#/components/securitySchemes/{escaped(name)}"} for name in names]


def _components(description: OpenApiDescription) -> dict[str, JsonValue]:
    components = description.root.get("components")
    found = {**components} if isinstance(components, dict) else {}
    schemes = found.get("securitySchemes")
    if isinstance(schemes, dict):
        found["securitySchemes"] = {name: _scheme(each) for name, each in schemes.items()}
    return found


def _scheme(scheme: JsonValue) -> JsonValue:
    """Return a Security Scheme Object as AsyncAPI has it, where an API key of HTTP has a type of its own."""
    is_key = isinstance(scheme, dict) and scheme.get("type") == "apiKey"
    return {**scheme, "type": "httpApiKey"} if is_key else scheme
