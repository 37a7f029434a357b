"""Bodies: values → bytes by content type, and bytes → values (semantics §6)."""

from __future__ import annotations

import base64
import json
from typing import Any, Final
from urllib.parse import quote_plus

from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.styles import query_pairs
from arazzo_runner.values import MISSING, JsonValue, Missing, to_json, to_text, type_name


class UnusableMedia(ValueError):
    """A value that cannot be written as the content type asks; the message says why."""


FORM: Final = "application/x-www-form-urlencoded"


# ------------------------------------------------------------------ content types


def essence(content_type: str | None) -> str:
    """Return `type/subtype` in lower case, without parameters."""
    return (content_type or "").partition(";")[0].strip().lower()


def is_json(content_type: str | None) -> bool:
    """Tell whether a content type is JSON: `application/json`, `text/json`, `…+json`."""
    plain = essence(content_type)
    return plain in ("application/json", "text/json") or plain.endswith("+json")


def is_xml(content_type: str | None) -> bool:
    """Tell whether a content type is XML."""
    plain = essence(content_type)
    return plain in ("application/xml", "text/xml") or plain.endswith("+xml")


def is_form(content_type: str | None) -> bool:
    """Tell whether a content type is a form, url-encoded or multipart."""
    return essence(content_type) in (FORM, "multipart/form-data")


def charset(content_type: str | None) -> str:
    """Return the charset parameter of a content type, `utf-8` when there is none."""
    for parameter in (content_type or "").split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'") or "utf-8"
    return "utf-8"


# ------------------------------------------------------------------ writing


def encode_body(value: JsonValue, content_type: str, media_type: MediaType | None) -> tuple[bytes, str]:
    """Return (bytes, Content-Type) of a body; raises UnusableMedia when the value does not fit.

    Multipart: a mapping of parts; a part that is a mapping with `filename`, and `path` or
    `content`, is a file.
    """
    plain = essence(content_type)
    if isinstance(value, bytes):
        return value, content_type
    if is_json(content_type):
        return to_json(value).encode(_python_charset(content_type)), content_type
    if plain == "multipart/form-data" or plain.startswith("multipart/"):
        return _multipart(value, content_type, media_type)
    if plain == FORM and not isinstance(value, str):
        return _form(value, media_type), content_type
    if is_xml(content_type) and not isinstance(value, str):
        return _xml_document(value, media_type).encode(), content_type
    if isinstance(value, str):
        return value.encode(_python_charset(content_type), "surrogateescape"), content_type
    if isinstance(value, dict) and set(value) <= {"path", "filename"} and isinstance(value.get("path"), str):
        return _file_bytes(value), content_type
    return to_json(value).encode(), content_type


def _python_charset(content_type: str) -> str:
    name = charset(content_type)
    try:
        "".encode(name)
    except LookupError:
        raise UnusableMedia(f'the charset "{name}" is not known') from None
    return name


def _form(value: JsonValue, media_type: MediaType | None) -> bytes:
    """application/x-www-form-urlencoded by its encoding objects (OpenAPI §Encoding Object)."""
    if not isinstance(value, dict):
        raise UnusableMedia(f"a form is a mapping or a text, found {type_name(value)}")
    pairs: list[str] = []
    for name, item in value.items():
        encoding = media_type.encoding.get(name, {}) if media_type is not None else {}
        pairs += _form_pairs(name, item, encoding)
    return "&".join(pairs).encode()


def _form_pairs(name: str, item: JsonValue, encoding: Any) -> list[str]:
    from arazzo_runner.sources.operation import OperationParameter

    style = encoding.get("style")
    if isinstance(item, (dict, list)) and style in ("form", "spaceDelimited", "pipeDelimited", "deepObject"):
        explode = encoding.get("explode", style == "form")
        declared = OperationParameter(name=name, location="query", style=style, explode=explode is True)
        return [f"{key}={text}" for key, text in query_pairs(name, item, declared)]
    if isinstance(item, list) and not is_json(encoding.get("contentType")):
        return [f"{quote_plus(name)}={quote_plus(to_text(each))}" for each in item]
    text = "" if item is None else to_text(item)
    return [f"{quote_plus(name)}={quote_plus(text)}"]


def _multipart(value: JsonValue, content_type: str, media_type: MediaType | None) -> tuple[bytes, str]:
    if not isinstance(value, dict):
        raise UnusableMedia(f"a multipart body is a mapping of parts, found {type_name(value)}")
    parts: list[tuple[str, bytes]] = []
    for name, item in value.items():
        encoding = media_type.encoding.get(name, {}) if media_type is not None else {}
        for each in item if isinstance(item, list) and not is_json(encoding.get("contentType")) else [item]:
            parts.append(_part(name, each, encoding))
    import hashlib  # lazily: few bodies are multipart

    # The boundary follows from the content, since equal runs must send equal bytes.
    digest = hashlib.sha256(b"\0".join(head.encode() + body for head, body in parts)).hexdigest()[:32]
    boundary = f"arazzo-{digest}"
    written = b"".join(f"--{boundary}\r\n{head}\r\n\r\n".encode() + body + b"\r\n" for head, body in parts)
    base = content_type.partition(";")[0].strip()
    return written + f"--{boundary}--\r\n".encode(), f"{base}; boundary={boundary}"


def _part(name: str, item: JsonValue, encoding: Any) -> tuple[str, bytes]:
    stated = encoding.get("contentType")
    part_type: str | None = stated.split(",")[0].strip() if isinstance(stated, str) else None
    disposition = f'form-data; name="{_quoted(name)}"'
    if _is_file(item):
        filename = str(item.get("filename") or str(item.get("path", "file")).replace("\\", "/").rpartition("/")[2])
        body, part_type = _file_bytes(item), str(item.get("contentType") or part_type or "application/octet-stream")
        disposition += f'; filename="{_quoted(filename)}"'
    elif isinstance(item, bytes):
        body, part_type = item, part_type or "application/octet-stream"
        disposition += f'; filename="{_quoted(name)}"'
    elif isinstance(item, (dict, list)):
        body, part_type = to_json(item).encode(), part_type or "application/json"
    else:
        body = ("" if item is None else to_text(item)).encode()
    head = f"Content-Disposition: {disposition}"
    headers: dict[str, Any] = encoding.get("headers") or {}
    for header, header_value in headers.items():
        if isinstance(header_value, str) and header.lower() != "content-type":
            head += f"\r\n{header}: {header_value}"
    return (f"{head}\r\nContent-Type: {part_type}" if part_type else head), body


def _is_file(item: JsonValue) -> bool:
    return isinstance(item, dict) and ("path" in item or "content" in item) and "filename" in item


def _file_bytes(item: dict[str, JsonValue]) -> bytes:
    content = item.get("content")
    if isinstance(content, bytes):
        return content
    if isinstance(content, str):
        return content.encode()
    path = str(item.get("path"))
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as problem:
        raise UnusableMedia(f'the file "{path}" cannot be read: {problem.strerror}') from None


def _quoted(text: str) -> str:
    # WHATWG form-data: only these three are escaped in a quoted name.
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


# ------------------------------------------------------------------ XML


def _xml_document(value: JsonValue, media_type: MediaType | None) -> str:
    """Write an object as XML by the schema's xml hints (OpenAPI §XML Object)."""
    schema: Any = media_type.schema if media_type is not None and isinstance(media_type.schema, dict) else {}
    hints: Any = schema.get("xml") if isinstance(schema.get("xml"), dict) else {}
    name = hints.get("name")
    if name is None:
        if not isinstance(value, dict) or len(value) != 1:
            raise UnusableMedia("the root element has no name: give the payload as XML text, or xml.name in the schema")
        name, value = next(iter(value.items()))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_element(str(name), value, schema)}'


def _element(name: str, value: JsonValue, schema: Any) -> str:
    hints = schema.get("xml", {}) if isinstance(schema, dict) and isinstance(schema.get("xml"), dict) else {}
    prefix = f"{hints['prefix']}:" if isinstance(hints.get("prefix"), str) else ""
    namespace = hints.get("namespace")
    attributes = ""
    if isinstance(namespace, str):
        attributes = f" xmlns{':' + prefix[:-1] if prefix else ''}={quoteattr(namespace)}"
    if not isinstance(value, dict):
        text = "" if value is None else escape(to_text(value))
        return f"<{prefix}{name}{attributes}>{text}</{prefix}{name}>"
    inner = ""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    for key, item in value.items():
        child = properties.get(key, {}) if isinstance(properties, dict) else {}
        child_hints = child.get("xml", {}) if isinstance(child, dict) and isinstance(child.get("xml"), dict) else {}
        child_name = str(child_hints.get("name", key))
        if child_hints.get("attribute") is True:
            attributes += f" {child_name}={quoteattr(to_text(item))}"
        else:
            inner += _children(child_name, item, child, child_hints)
    return f"<{prefix}{name}{attributes}>{inner}</{prefix}{name}>"


def escape(text: str) -> str:
    """Escape text for XML (xml.sax.saxutils does the same, but its import costs 10 ms)."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def quoteattr(text: str) -> str:
    """Return text as a quoted XML attribute value."""
    escaped = escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\r", "&#13;").replace("\t", "&#9;")
    return f'"{escaped}"'


def _children(name: str, item: JsonValue, schema: Any, hints: Any) -> str:
    if not isinstance(item, list):
        return _element(name, item, schema)
    each = schema.get("items", {}) if isinstance(schema, dict) else {}
    each_hints = each.get("xml", {}) if isinstance(each, dict) and isinstance(each.get("xml"), dict) else {}
    inner_name = str(each_hints.get("name", name))
    written = "".join(_element(inner_name, one, each) for one in item)
    return f"<{name}>{written}</{name}>" if hints.get("wrapped") is True else written


# ------------------------------------------------------------------ reading


def decode_body(body: bytes, content_type: str | None) -> tuple[JsonValue | Missing, str | None]:
    """Return (value, note) of a body: JSON parsed, other text as text, bytes as base64 text.

    MISSING when there is no body. Without a content type JSON is tried. `note` says what was
    wrong: invalid JSON stays text.
    """
    if not body:
        return MISSING, None
    if is_json(content_type) or not content_type:
        try:
            return json.loads(_text(body, content_type)), None
        except (ValueError, RecursionError) as problem:
            text, _ = _as_text(body, content_type)
            note = f"the body is no JSON ({problem})" if content_type else None
            return text, note
    return _as_text(body, content_type)


def _text(body: bytes, content_type: str | None) -> str:
    try:
        return body.decode(charset(content_type) if content_type else "utf-8").removeprefix("\ufeff")
    except LookupError:
        return body.decode("utf-8")


def _as_text(body: bytes, content_type: str | None) -> tuple[str, str | None]:
    try:
        return _text(body, content_type), None
    except UnicodeDecodeError:
        if essence(content_type).startswith("text/") or is_json(content_type) or is_xml(content_type):
            return body.decode("utf-8", "replace"), f"the body is not {charset(content_type)}"
        return base64.b64encode(body).decode("ascii"), "the body is binary; it is shown as base64"
