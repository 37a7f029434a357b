"""Bodies of requests as payloads of steps, with the schemas that they fit."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.generate.draft import Tree
from arazzo_runner.generate.inferred_schemas import Schema, inferred, merged
from arazzo_runner.generate.postman.items import Body, Field
from arazzo_runner.generate.postman.variables import VARIABLE, InputRef, Scope, is_like_an_expression

_UNQUOTED: Final = "\ue010"
"""Begins the text that is put in place of a variable outside of quotes."""
_JSON_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/|\{\{[^{}]{1,200}\}\}|[^"/{]+|.', re.DOTALL)
_LANGUAGES: Final = {
    "json": "application/json",
    "xml": "application/xml",
    "html": "text/html",
    "javascript": "application/javascript",
}
_TEXT: Final[Schema] = {"type": "string"}


class Payload(Record):
    """The payload of a step, and the schema of such bodies."""

    content_type: str
    value: Tree
    schema: Schema


def payload_of(body: Body, content_type: str, scope: Scope) -> Payload | None:
    """Return the payload of a body; `content_type` is that of the request's headers, if it has one."""
    if body.mode == "graphql":
        return _graphql(body, scope)
    if body.mode == "urlencoded":
        return _form(body.fields, "application/x-www-form-urlencoded", scope)
    if body.mode == "formdata":
        return _form(body.fields, "multipart/form-data", scope)
    if body.mode == "file":
        name = scope.shared.file("file", "")
        return Payload(content_type or "application/octet-stream", scope.expression(name), {})
    if body.mode != "raw" or not body.text.strip():
        return None
    return _raw(body, content_type, scope)


def read_json(text: str) -> JsonValue:
    """Return the value of a JSON text with comments and `{{variables}}`; raises ValueError."""
    kept = []
    for match in _JSON_TOKEN.finditer(text):
        token = match.group()
        if token.startswith("{{") and len(token) > 4:
            kept.append(json.dumps(_UNQUOTED + token[2:-2].strip()))
        elif not token.startswith(("//", "/*")):
            kept.append(token)
    try:
        value: JsonValue = json.loads("".join(kept), strict=False, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError from None
    return value


def json_payload(value: JsonValue, scope: Scope, place: str = "") -> Tree:
    """Return a JSON value with its variables as expressions."""
    if isinstance(value, dict):
        return {scope.shared.static(name): json_payload(each, scope, name) for name, each in value.items()}
    if isinstance(value, list):
        return [json_payload(each, scope, place) for each in value]
    if not isinstance(value, str):
        return value
    if not value.startswith(_UNQUOTED):
        return scope.value(value, place)
    parts = scope.shared.variable(value[1:])
    for part in parts:
        if isinstance(part, InputRef):
            scope.shared.make_value(part.name)
    return scope.rendered(parts, place)


def _json_schema(value: JsonValue, scope: Scope) -> Schema:
    """Return the schema of a JSON value, in which a variable is anything."""
    if isinstance(value, dict):
        members = {scope.shared.static(name): _json_schema(each, scope) for name, each in value.items()}
        return {"type": "object", **({"required": list(members), "properties": members} if members else {})}
    if isinstance(value, list) and value:
        items = _json_schema(value[0], scope)
        for each in value[1:]:
            items = merged(items, _json_schema(each, scope))
        return {"type": "array", "items": items}
    is_variable = isinstance(value, str) and (value.startswith(_UNQUOTED) or VARIABLE.fullmatch(value))
    return {} if is_variable else inferred(value)


def _raw(body: Body, content_type: str, scope: Scope) -> Payload | None:
    kind = content_type or _LANGUAGES.get(body.language, "")
    is_json = "json" in kind if kind else body.text.lstrip().startswith(("{", "["))
    if is_json:
        try:
            value = read_json(body.text)
        except ValueError:
            scope.problems.append("the body is no JSON: it is sent as text")
            return Payload("text/plain", scope.value(body.text), dict(_TEXT))
        if _has_expression_key(value, scope):
            text = scope.shared.static(body.text)
            return Payload(kind or "application/json", scope.expression(scope.shared.literal(text)), {})
        return Payload(kind or "application/json", json_payload(value, scope), _json_schema(value, scope))
    if kind.startswith("application/x-www-form-urlencoded"):
        pairs = [each.partition("=") for each in body.text.split("&") if each]
        return _form(tuple(Field(name, value) for name, _, value in pairs if name), kind, scope)
    return Payload(kind or "text/plain", scope.value(body.text), dict(_TEXT))


def _graphql(body: Body, scope: Scope) -> Payload:
    payload: dict[str, Tree] = {"query": scope.value(body.text)}
    members: dict[str, Schema] = {"query": _json_schema(body.text, scope)}
    if body.operation:
        payload["operationName"], members["operationName"] = body.operation, dict(_TEXT)
    if body.variables.strip():
        try:
            value = read_json(body.variables)
        except ValueError:
            value = None
        if isinstance(value, dict) and value and not _has_expression_key(value, scope):
            payload["variables"], members["variables"] = json_payload(value, scope), {"type": "object"}
    return Payload("application/json", payload, {"type": "object", "required": list(payload), "properties": members})


def _form(fields: tuple[Field, ...], content_type: str, scope: Scope) -> Payload | None:
    payload: dict[str, list[Tree]] = {}
    members: dict[str, Schema] = {}
    for each in fields:
        name = VARIABLE.sub(lambda match: match[1], scope.shared.static(each.name))
        if not name or is_like_an_expression(name):
            scope.problems.append(f'the field "{name}" is left out: its name would be an expression')
            continue
        if each.is_file:
            value: Any = scope.expression(scope.shared.file(name, each.value))
            members[name] = {"type": "string", "contentMediaType": each.content_type or "application/octet-stream"}
        else:
            value = scope.value(each.value, name)
            members[name] = dict(_TEXT)
        payload.setdefault(name, []).append(value)
    for name, values in payload.items():
        if len(values) > 1:
            members[name] = {"type": "array", "items": members[name]}
    if not payload:
        return None
    value = {name: values[0] if len(values) == 1 else values for name, values in payload.items()}
    return Payload(content_type, value, {"type": "object", "required": list(payload), "properties": members})


def _has_expression_key(value: JsonValue, scope: Scope) -> bool:
    """Return whether a member has a name that would be read as an expression."""
    if isinstance(value, dict):
        names = [scope.shared.static(name) for name in value]
        return any(map(is_like_an_expression, names)) or _has_expression_key(list(value.values()), scope)
    return isinstance(value, list) and any(_has_expression_key(each, scope) for each in value)


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(text)
    return number
