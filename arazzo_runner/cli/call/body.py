"""`-d`: JSON text, a file, standard input or form fields become the body of a request."""

from __future__ import annotations

import json
import mimetypes
import os
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.base.user_files import UnusableFile, is_pipe, json_of, text_of
from arazzo_runner.cli.call.parameters import operation_text
from arazzo_runner.cli.call.schemas import converted, is_array, schema_text
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.run.inputs import read_bytes
from arazzo_runner.errors import Diagnostic, InvalidUsage, did_you_mean
from arazzo_runner.runtime.files import MAX_UPLOAD_BYTES
from arazzo_runner.sources.http_media.files import Described, described_by
from arazzo_runner.sources.http_media.media_types import best_match, covers, essence, is_form, is_json
from arazzo_runner.sources.operation import Operation

_FIELD: Final = re.compile(r"""[^\s=@{}"'<>\[\]]+(\[[^\]=]*\])*=""")


class GivenBody(Record, kw_only=True):
    """The payload of a request, as a document writes it; `files` are those that it names, `described` its schema."""

    _hidden_in_repr = ("payload",)

    content_type: str
    payload: JsonValue
    described: Described
    files: tuple[str, ...] = ()


class _Data(Record):
    """What one -d gives: its content, and the file that it is from, if any; standard input is the file `-`."""

    content: bytes
    path: str | None = None

    @property
    def text(self) -> str | None:
        """Its text, None for bytes that are no text."""
        try:
            return text_of(self.content)
        except UnusableFile:
            return None

    @property
    def value(self) -> JsonValue:
        """Its JSON value; raises UnusableFile."""
        return json_of(text_of(self.content))

    @property
    def file(self) -> JsonValue:
        """The file as a document writes it: by its path, or as base64 if it could not be read again."""
        if self.path is None or self.path == "-" or is_pipe(self.path):
            return {"base64": b64encode(self.content).decode("ascii")}
        return {"path": self.path}


def given_body(operation: Operation, texts: Sequence[str], content_type: str | None) -> GivenBody | None:
    """Return the body that -d gives, None without any; raises InvalidUsage for what cannot be sent, or is missing."""
    body = operation.request_body
    if not texts:
        if body is not None and body.required:
            raise InvalidUsage([_missing(operation)])
        if content_type is not None:
            raise _refused("--content-type needs a body", "give it with -d")
        return None
    if body is None:
        raise _refused(f"{operation_text(operation)} has no request body", "leave -d out", code="unexpected-body")
    if all(_FIELD.match(text) for text in texts):
        return _of_fields(operation, texts, content_type)
    if len(texts) > 1:
        raise _refused("several -d are the fields of a form or of an object", "write each as -d name=value")
    return _of_whole(operation, _data(texts[0]), content_type)


def missing_body(operation: Operation, texts: Sequence[str]) -> Iterator[Diagnostic]:
    """Yield an error when a required body is not given."""
    if operation.request_body is not None and operation.request_body.required and not texts:
        yield _missing(operation)


def _missing(operation: Operation) -> Diagnostic:
    content = operation.request_body.content if operation.request_body is not None else {}
    kinds = "; ".join(f"{name}: {schema_text(described_by(media))}" for name, media in list(content.items())[:4])
    form = "-d name=value or -d @FILE" if any(map(_has_fields, content)) else "-d JSON, -d @FILE or -d -"
    message = f"{operation_text(operation)} needs a request body"
    hint = f"give it with {form}{'; ' if kinds else ''}{kinds}"
    return usage_error(message, code="missing-body", hint=hint)


def _data(text: str) -> _Data:
    if text.startswith("@@") or (not text.startswith("@") and text != "-"):
        return _Data(text.removeprefix("@").encode("utf-8", "surrogateescape"))
    path = text.removeprefix("@")
    return _Data(read_bytes(path, MAX_UPLOAD_BYTES), path)


def _paths(value: JsonValue) -> tuple[str, ...]:
    """Return the path of a file as a document writes it, if it has one."""
    return (str(value["path"]),) if isinstance(value, dict) and "path" in value else ()


# ------------------------------------------------------------------ a whole body


def _of_whole(operation: Operation, data: _Data, content_type: str | None) -> GivenBody:
    chosen, described = _chosen_type(operation, content_type, _likely_types(operation, data))
    if is_json(chosen):
        return _of_json(data, chosen, described)
    if _has_fields(chosen):
        try:
            fields = data.value
        except UnusableFile:
            fields = None
        if not isinstance(fields, dict):
            hint = f"write each field as -d name=value: {schema_text(described)}"
            raise _refused(f"a body of {chosen} has fields", hint)
        return GivenBody(content_type=chosen, payload=fields, described=described)
    if data.text is None or (data.path is not None and described.asks_for_file):
        return GivenBody(content_type=chosen, payload=data.file, described=described, files=_paths(data.file))
    return GivenBody(content_type=chosen, payload=data.text, described=described)


def _of_json(data: _Data, content_type: str, described: Described) -> GivenBody:
    try:
        value = data.value
    except UnusableFile as problem:
        what = "-d" if data.path is None else data.path
        hint = 'write JSON, such as -d \'{"name": "x"}\', or name a file: -d @FILE'
        raise _refused(f"{what} is no {content_type}: {problem}", hint, code="json-syntax") from None
    if isinstance(value, str):  # a payload that is a text is parsed as JSON when it is sent
        value = json.dumps(value, ensure_ascii=False)
    return GivenBody(content_type=content_type, payload=value, described=described)


def _likely_types(operation: Operation, data: _Data) -> list[str]:
    """Return the content types of an operation, those that fit the data first."""
    content = list(operation.request_body.content if operation.request_body is not None else ())
    guessed = None if data.path is None else mimetypes.guess_type(os.path.basename(data.path))[0]
    try:
        is_json_text, is_object = True, isinstance(data.value, dict)
    except UnusableFile:
        is_json_text = is_object = False

    def rank(name: str) -> int:
        if guessed is not None and not is_json(guessed) and covers(name, guessed):
            return 0
        if is_json(name) or (name == "*/*" and is_json_text):
            return 1 if is_json_text else 4
        return 3 if _has_fields(name) and not is_object else 2

    ranked = sorted(content, key=rank)
    return [_concrete(name, guessed, is_json_text=is_json_text) for name in ranked]


def _concrete(name: str, guessed: str | None, *, is_json_text: bool) -> str:
    """Return a content type for a range such as `image/*`."""
    if "*" not in name:
        return name
    if guessed is not None and covers(name, guessed):
        return guessed
    usual = ("application/json" if is_json_text else "text/plain", "application/octet-stream")
    return next((each for each in usual if covers(name, each)), name)


# ------------------------------------------------------------------ fields


def _of_fields(operation: Operation, texts: Sequence[str], content_type: str | None) -> GivenBody:
    content = list(operation.request_body.content if operation.request_body is not None else ())
    likely = [*filter(_has_fields, content), *filter(is_json, content), *content]
    chosen, described = _chosen_type(operation, content_type, likely)
    if not _has_fields(chosen) and not is_json(chosen):
        return _of_whole(operation, _data(texts[0]), content_type)
    given: dict[str, list[str]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        given.setdefault(name, []).append(value)
    fields: dict[str, JsonValue] = {}
    files: list[str] = []
    for name, values in given.items():
        fields[name] = _field(name, values, described.member(name), chosen, files)
    return GivenBody(content_type=chosen, payload=fields, described=described, files=tuple(files))


def _field(name: str, values: list[str], described: Described, content_type: str, files: list[str]) -> JsonValue:
    if len(values) > 1 and not is_array(described):
        raise _refused(f'field "{name}" is given {len(values)} times', "give it once: it is no list")
    item = described.items() if is_array(described) else described
    given = [_field_value(value, item or Described(None), content_type) for value in values]
    texts = [each for each in given if isinstance(each, str)]
    if len(texts) == len(given):
        return converted(texts, described)
    files += [path for each in given for path in _paths(each)]
    return given if is_array(described) else given[0]


def _field_value(value: str, described: Described, content_type: str) -> JsonValue:
    """Return the text of one field, or a file: where one is described, and in a multipart body what is no text."""
    is_multipart = essence(content_type).startswith("multipart/")
    if not value.startswith("@") or value.startswith("@@"):
        return value.removeprefix("@") if value.startswith("@@") else value
    is_asked_for = described.asks_for_file if is_multipart else described.is_binary
    if is_asked_for and value != "@-" and not is_pipe(value[1:]):
        return {"path": value[1:]}
    data = _data(value)
    text = data.text
    if text is not None and not is_asked_for:
        return text.removesuffix("\n").removesuffix("\r")
    if not is_multipart and not is_asked_for:
        raise _refused(f"{value[1:]} is no text", "only a field that is described as a file can have it")
    return data.file


# ------------------------------------------------------------------ content types


def _chosen_type(operation: Operation, stated: str | None, likely: Sequence[str]) -> tuple[str, Described]:
    """Return the content type and what the description says of it; raises InvalidUsage for one it does not have."""
    content: Mapping[str, object] = operation.request_body.content if operation.request_body is not None else {}
    media = None if operation.request_body is None else operation.request_body.content
    name = stated or next(iter(likely), "application/json")
    found = None if media is None else media.get(name) or best_match(media, name)
    if found is None and content:
        message = f"{operation_text(operation)} takes no body of {name}"
        hint = did_you_mean(name, content) or f"it takes {', '.join(content)}"
        raise _refused(message, hint, code="request-content-type")
    return name, described_by(found)


def _has_fields(content_type: str) -> bool:
    return is_form(content_type) or essence(content_type) == "multipart/form-data"


def _refused(message: str, hint: str | None, *, code: str = "usage") -> InvalidUsage:
    return InvalidUsage([usage_error(message, code=code, hint=hint)])
