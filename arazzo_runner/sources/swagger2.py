"""Swagger (OpenAPI) 2.0 → the shape of 3.x, one operation at a time.

Specification: OpenAPI 2.0 §Operation Object, §Parameter Object, §Security Scheme Object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from arazzo_runner.sources.operation import Server
from arazzo_runner.sources.uris import is_remote
from arazzo_runner.values import JsonValue

Resolve = Callable[[JsonValue], JsonValue]

_STYLES: Final = {"csv": ("form", False), "multi": ("form", True), "ssv": ("spaceDelimited", False),
                  "pipes": ("pipeDelimited", False), "tsv": ("form", False)}  # fmt: skip
_FORM: Final = "application/x-www-form-urlencoded"
_FLOWS: Final = {"accessCode": "authorizationCode", "application": "clientCredentials"}


def convert_operation(
    raw: Mapping[str, Any], item: Mapping[str, Any], root: Mapping[str, Any], resolve: Resolve
) -> dict[str, Any]:
    """Return a 2.0 operation as a 3.x one; schemas keep their `$ref`s."""
    merged: dict[tuple[Any, Any], dict[str, Any]] = {}
    for node in (*_list(item.get("parameters")), *_list(raw.get("parameters"))):
        parameter = resolve(node)
        if isinstance(parameter, dict):
            merged[parameter.get("name"), parameter.get("in")] = parameter
    consumes = _texts(raw.get("consumes", root.get("consumes"))) or ["application/json"]
    produces = _texts(raw.get("produces", root.get("produces"))) or ["application/json"]
    converted = {
        key: value for key, value in raw.items() if key not in ("parameters", "consumes", "produces", "responses")
    }
    converted["parameters"] = [
        _parameter(each) for each in merged.values() if each.get("in") not in ("body", "formData")
    ]
    body = _body(list(merged.values()), consumes)
    if body is not None:
        converted["requestBody"] = body
    responses = raw.get("responses")
    converted["responses"] = {
        status: _response(resolve(node), produces)
        for status, node in (responses if isinstance(responses, dict) else {}).items()
    }
    return converted


def servers_of(root: Mapping[str, Any], raw: Mapping[str, Any], base: str) -> tuple[Server, ...]:
    """Return host, basePath and schemes as servers; without a host, the one the description came from."""
    path = str(root.get("basePath", "")).rstrip("/")
    host = root.get("host")
    if not isinstance(host, str) or not host:
        return (Server(url=path or "/", base=base),) if is_remote(base) else ()
    schemes = [scheme for scheme in _texts(raw.get("schemes", root.get("schemes"))) if scheme in ("http", "https")]
    order = sorted(schemes or ["https"], key=lambda scheme: scheme != "https")
    return tuple(Server(url=f"{scheme}://{host}{path}", base=base) for scheme in order)


def security_schemes_of(root: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return securityDefinitions as 3.x Security Scheme Objects."""
    definitions = root.get("securityDefinitions")
    return {
        name: _scheme(raw)
        for name, raw in (definitions if isinstance(definitions, dict) else {}).items()
        if isinstance(raw, dict)
    }


def _scheme(raw: Mapping[str, Any]) -> dict[str, JsonValue]:
    if raw.get("type") == "basic":
        return {"type": "http", "scheme": "basic"}
    if raw.get("type") != "oauth2":
        return dict(raw)
    flow = str(raw.get("flow", "implicit"))
    details = {key: raw[key] for key in ("authorizationUrl", "tokenUrl", "scopes") if key in raw}
    return {"type": "oauth2", "flows": {_FLOWS.get(flow, flow): details}}


def _parameter(raw: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("name", "in", "required", "description")
    converted = {key: raw[key] for key in kept if key in raw}
    converted["schema"] = {
        key: value
        for key, value in raw.items()
        if key not in (*kept, "collectionFormat", "allowEmptyValue") and not key.startswith("x-")
    }
    if raw.get("type") == "array" and raw.get("in") == "query":
        converted["style"], converted["explode"] = _STYLES.get(str(raw.get("collectionFormat", "csv")), ("form", False))
    return converted


def _body(parameters: list[dict[str, Any]], consumes: list[str]) -> dict[str, Any] | None:
    body = next((each for each in parameters if each.get("in") == "body"), None)
    if body is not None:
        content = {content_type: {"schema": body.get("schema", {})} for content_type in consumes}
        return {"required": body.get("required") is True, "content": content}
    form = [each for each in parameters if each.get("in") == "formData"]
    if not form:
        return None
    files = any(each.get("type") == "file" for each in form)
    schema = {
        "type": "object",
        "properties": {each["name"]: _form_schema(each) for each in form if isinstance(each.get("name"), str)},
        "required": [each["name"] for each in form if each.get("required") is True],
    }
    types = [each for each in consumes if each in (_FORM, "multipart/form-data")]
    types = types or ["multipart/form-data" if files else _FORM]
    return {
        "required": bool(schema["required"]),
        "content": {content_type: {"schema": schema} for content_type in types},
    }


def _form_schema(raw: Mapping[str, Any]) -> dict[str, Any]:
    if raw.get("type") == "file":
        return {"type": "string", "format": "binary"}
    return {key: value for key, value in raw.items() if key not in ("name", "in", "required", "collectionFormat")}


def _response(raw: JsonValue, produces: list[str]) -> dict[str, Any]:
    if not isinstance(raw, dict):
        return {}
    examples = raw.get("examples")
    samples = examples if isinstance(examples, dict) else {}
    content = {}
    if "schema" in raw or samples:
        for content_type in dict.fromkeys([*produces, *samples]):
            media = {"schema": raw.get("schema", {})}
            if content_type in samples:
                media["example"] = samples[content_type]
            content[content_type] = media
    headers = raw.get("headers")
    wrapped = {name: {"schema": header} for name, header in (headers if isinstance(headers, dict) else {}).items()}
    return {"description": raw.get("description", ""), "content": content, "headers": wrapped}


def _texts(value: JsonValue) -> list[str]:
    return [item for item in _list(value) if isinstance(item, str)]


def _list(value: JsonValue) -> list[Any]:
    return value if isinstance(value, list) else []
