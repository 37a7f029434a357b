"""The language of a text with expressions, by its content type: in it values stay data (semantics §6)."""

from __future__ import annotations

from arazzo_runner.base.records import replace
from arazzo_runner.expressions.nodes import Template, TextLanguage
from arazzo_runner.program.model import ArrayValue, Literal, ObjectValue, TemplateValue, Value
from arazzo_runner.sources.http_media.media_types import FORM, essence, is_json, is_json_lines, is_xml
from arazzo_runner.sources.operation import MediaType, OperationParameter


def payload_in_language(payload: Value, content_type: str, media_type: MediaType | None) -> Value:
    """Return a payload with the language of its text; in a multipart body, of the texts of its parts."""
    if isinstance(payload, TemplateValue):
        return _in_language(payload, content_type)
    if not isinstance(payload, ObjectValue):
        return payload
    file = _file_in_language(payload)
    if file is not payload or not content_type.lower().startswith("multipart/"):
        return file
    encodings = media_type.encoding if media_type is not None else {}
    members = [
        (name, _part_in_language(item, encodings.get(name, {}).get("contentType") if isinstance(name, str) else None))
        for name, item in payload.members
    ]
    return replace(payload, members=tuple(members))


def parameter_in_language(value: Value, location: str | None, declared: OperationParameter | None) -> Value:
    """Return a parameter's value with the language of its text, if it has one."""
    if not isinstance(value, TemplateValue):
        return value
    content = None if declared is None else declared.content
    if content is not None:
        return _in_language(value, content.content_type)
    return _in_language(value, FORM) if location == "querystring" else value


def _part_in_language(item: Value, content_type: object) -> Value:
    if isinstance(item, ArrayValue):
        return replace(item, items=tuple(_part_in_language(each, content_type) for each in item.items))
    if isinstance(item, ObjectValue):
        return _file_in_language(item)
    first = content_type.partition(",")[0] if isinstance(content_type, str) else ""
    # The text of a JSON part becomes a JSON string.
    return item if is_json(first) or not isinstance(item, TemplateValue) else _in_language(item, first)


def _file_in_language(value: ObjectValue) -> ObjectValue:
    """Return a file (`content` with its `contentType`) with the language of its text; other mappings as they are."""
    stated = dict(value.members).get("contentType")
    if not isinstance(stated, Literal) or not isinstance(stated.value, str):
        return value
    content_type = stated.value
    members = [
        (name, _in_language(item, content_type) if name == "content" and isinstance(item, TemplateValue) else item)
        for name, item in value.members
    ]
    return value if tuple(members) == value.members else replace(value, members=tuple(members))


def _in_language(value: TemplateValue, content_type: str) -> TemplateValue:
    language = _language(value.template, content_type)
    return value if language == value.language else replace(value, language=language)


def _language(template: Template, content_type: str) -> TextLanguage:
    if is_json(content_type):
        return "json" if template.is_whole or _begins_as_json(template) else "text"
    if is_json_lines(content_type):
        return "json" if not template.is_whole and _begins_as_json(template) else "text"
    if is_xml(content_type):
        return "xml"
    return "form" if essence(content_type) == FORM else "text"


def _begins_as_json(template: Template) -> bool:
    # A text such as `for {$inputs.name}` is meant as a JSON string, which it becomes as a whole.
    first = template.parts[0]
    return isinstance(first, str) and first.lstrip()[:1] in ("{", "[", '"')
