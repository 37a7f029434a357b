"""Swagger (OpenAPI) 2.0 → the shape of 3.x, one operation at a time.

Specification: OpenAPI 2.0 §Operation Object, §Parameter Object, §Items Object, §Response Object,
§Security Scheme Object. Schemas keep their `$ref`s.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.sources.operation import Server
from arazzo_runner.sources.uris import is_remote


class Resolve(Protocol):
    """Follows the `$ref` of a parameter or response."""

    def __call__(self, value: JsonValue, is_response: bool = False) -> JsonValue:
        """Return what a value stands for."""


_STYLES: Final = {"csv": ("form", False), "multi": ("form", True), "ssv": ("spaceDelimited", False),
                  "pipes": ("pipeDelimited", False), "tsv": ("form", False)}  # fmt: skip
_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_FLOWS: Final = {"accessCode": "authorizationCode", "application": "clientCredentials"}
# The fields of a parameter that are not schema keywords (§Parameter Object, Fixed Fields).
_NOT_SCHEMA: Final = ("name", "in", "required", "description", "collectionFormat", "allowEmptyValue", "$ref")
_REPLACED: Final = ("parameters", "consumes", "produces", "responses", "schemes")


def convert_operation(
    raw: Mapping[str, Any], items: Sequence[JsonValue], root: Mapping[str, Any], resolve: Resolve
) -> dict[str, Any]:
    """Return a 2.0 operation as a 3.x one; `items` are its Path Item Objects, the nearest last."""
    parameters = _merged(raw, items, resolve)
    converted = {key: value for key, value in raw.items() if key not in _REPLACED}
    converted["parameters"] = [_parameter(each) for each in parameters if each.get("in") not in ("body", "formData")]
    body = _body(parameters, _media_types("consumes", raw, root))
    if body is not None:
        converted["requestBody"] = body
    responses = raw.get("responses")
    produces = _media_types("produces", raw, root)
    if isinstance(responses, dict):
        converted["responses"] = {
            status: _response(resolve(node, is_response=True), produces)
            for status, node in responses.items()
            if not str(status).startswith("x-")
        }
    elif responses is not None:
        converted["responses"] = responses  # of a wrong type: the reader reports it
    return converted


def servers_of(root: Mapping[str, Any], raw: Mapping[str, Any], base: str) -> tuple[Server, ...]:
    """Return host, basePath and schemes as servers, https first; the default host is that of the description."""
    stated = root.get("basePath")
    path = stated.rstrip("/") if isinstance(stated, str) else ""
    if path and not path.startswith("/"):
        path = "/" + path
    host = root.get("host")
    if not isinstance(host, str) or not host:
        return (Server(url=path or "/", base=base),) if is_remote(base) else ()
    schemes = [scheme for scheme in _texts(raw.get("schemes", root.get("schemes"))) if scheme in ("http", "https")]
    if not schemes:  # §Swagger Object, schemes: the default is the scheme used to access the description
        schemes = [base.partition(":")[0].lower() if is_remote(base) else "https"]
    order = sorted(schemes, key=lambda scheme: scheme != "https")
    return tuple(Server(url=f"{scheme}://{host}{path}", base=base) for scheme in order)


def security_schemes_of(definitions: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return securityDefinitions as 3.x Security Scheme Objects."""
    return {name: _scheme(raw) for name, raw in definitions.items() if isinstance(raw, dict)}


def _scheme(raw: Mapping[str, Any]) -> dict[str, JsonValue]:
    described = {key: raw[key] for key in ("description",) if key in raw}
    if raw.get("type") == "basic":
        return {"type": "http", "scheme": "basic", **described}
    if raw.get("type") != "oauth2":
        return dict(raw)
    flow = str(raw.get("flow", "implicit"))
    details = {key: raw[key] for key in ("authorizationUrl", "tokenUrl", "scopes") if key in raw}
    return {"type": "oauth2", "flows": {_FLOWS.get(flow, flow): details}, **described}


# ------------------------------------------------------------------ parameters


def _merged(raw: Mapping[str, Any], items: Sequence[JsonValue], resolve: Resolve) -> list[dict[str, Any]]:
    """Return the path item's parameters, overridden by the operation's of the same name and location."""
    merged: dict[tuple[str, str], dict[str, Any]] = {}
    for holder in (*items, raw):
        for node in _list(holder.get("parameters") if isinstance(holder, Mapping) else None):
            parameter = resolve(node)
            if isinstance(parameter, dict):
                merged[str(parameter.get("name")), str(parameter.get("in"))] = parameter
    return list(merged.values())


def _parameter(raw: Mapping[str, Any]) -> dict[str, Any]:
    converted = {key: raw[key] for key in ("name", "in", "required", "description") if key in raw}
    converted["schema"] = _schema(raw)
    if raw.get("type") == "array" and raw.get("in") == "query":
        converted["style"], converted["explode"] = _collection(raw)
    return converted


def _collection(raw: Mapping[str, Any]) -> tuple[str, bool]:
    return _STYLES.get(str(raw.get("collectionFormat", "csv")), ("form", False))


def _schema(raw: Mapping[str, Any]) -> dict[str, Any]:
    if raw.get("type") == "file":
        return {"type": "string", "format": "binary"}
    return {key: value for key, value in raw.items() if key not in _NOT_SCHEMA and not key.startswith("x-")}


# ------------------------------------------------------------------ bodies


def _body(parameters: list[dict[str, Any]], consumes: list[str]) -> dict[str, Any] | None:
    body = next((each for each in parameters if each.get("in") == "body"), None)
    if body is not None:
        media: dict[str, Any] = {"schema": body.get("schema", {})}
        if "x-example" in body:
            media["example"] = body["x-example"]
        return {"required": body.get("required") is True, "content": dict.fromkeys(consumes, media)}
    form = [each for each in parameters if each.get("in") == "formData" and isinstance(each.get("name"), str)]
    return _form(form, consumes) if form else None


def _form(form: list[dict[str, Any]], consumes: list[str]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {each["name"]: _schema(each) for each in form},
        "required": [each["name"] for each in form if each.get("required") is True],
    }
    has_files = any(each.get("type") == "file" for each in form)
    types = [each for each in consumes if each.partition(";")[0].strip() in (_FORM, _MULTIPART)]
    if has_files:  # §Parameter Object, type: a file needs multipart (or, unusably, a form)
        types = [each for each in types if each.startswith(_MULTIPART)]
    encoding = {}
    for each in form:
        if each.get("type") == "array":
            style, explode = _collection(each)
            encoding[each["name"]] = {"style": style, "explode": explode}
    media = {"schema": schema, "encoding": encoding} if encoding else {"schema": schema}
    content = dict.fromkeys(types or [_MULTIPART if has_files else _FORM], media)
    return {"required": bool(schema["required"]), "content": content}


def _response(raw: JsonValue, produces: list[str]) -> JsonValue:
    if not isinstance(raw, dict):
        return raw
    examples = raw.get("examples")
    samples: dict[str, Any] = examples if isinstance(examples, dict) else {}
    content: dict[str, Any] = {}
    if "schema" in raw or samples:
        for content_type in dict.fromkeys([*produces, *samples]):
            content[content_type] = {"schema": _response_schema(raw.get("schema", {}))}
            if content_type in samples:
                content[content_type]["example"] = samples[content_type]
    headers = raw.get("headers")
    wrapped = {
        name: {"schema": _schema(header)}
        for name, header in (headers if isinstance(headers, dict) else {}).items()
        if isinstance(header, dict)
    }
    return {"description": raw.get("description", ""), "content": content, "headers": wrapped}


def _response_schema(schema: JsonValue) -> JsonValue:
    is_file = isinstance(schema, dict) and schema.get("type") == "file"
    return {"type": "string", "format": "binary"} if is_file else schema


def _media_types(field: str, raw: Mapping[str, Any], root: Mapping[str, Any]) -> list[str]:
    return _texts(raw.get(field, root.get(field))) or ["application/json"]


def _texts(value: JsonValue) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]


def _list(value: JsonValue) -> list[Any]:
    return value if isinstance(value, list) else []
