"""Calls of tests: arguments made for every operation of a description, command lines run in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from arazzo_runner.base.json_values import MISSING, to_text
from arazzo_runner.cli.call.opening import open_api
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.runtime.mock.sampler import sample, sample_media
from arazzo_runner.sources.http_media.files import described_by
from arazzo_runner.sources.http_media.media_types import is_form, is_json
from arazzo_runner.sources.operation import MediaType, Operation

SPECS = Path(__file__).resolve().parents[2] / "specs"
PICTURE = SPECS / "files" / "window.png"


def operations(path: Path) -> Iterator[tuple[str, Operation]]:
    """Yield every operation of a description with the name that a command line gives it."""
    options = LoadOptions(any_server=True, sources={"api": str(path)})
    for operation in open_api(str(path), "api", options).description.operations():
        yield operation.operation_id or f"{operation.method} {operation.path}", operation


def arguments(operation: Operation) -> tuple[list[str], dict[str, Any]]:
    """Return -p and -d for an operation, and the values that they give by name, at any depth."""
    found: list[str] = []
    values: dict[str, Any] = {}
    for parameter in operation.parameters:
        if operation.is_credential(parameter):
            continue
        value = parameter.example
        if value is None:
            value = sample(parameter.schema, operation.schemas, parameter.base, "request")
        values[parameter.name] = value
        found += ["-p", f"{parameter.location}:{parameter.name}={to_text(value)}"]
    body = operation.request_body
    if body is not None and body.content:
        media = next(iter(body.content.values()))
        found += _data(media, operation, values)
    return found, values


def _data(media: MediaType, operation: Operation, values: dict[str, Any]) -> list[str]:
    value: Any = sample_media(media, operation.schemas)
    if media.schema is not None and media.example is None and not media.examples:
        value = sample(media.schema, operation.schemas, media.base, "request")
    if is_json(media.content_type):
        _remember(value, values)
        return ["-d", json.dumps(value)]
    if not is_form(media.content_type):
        return ["-d", f"@{PICTURE}" if described_by(media).asks_for_file or value is MISSING else to_text(value)]
    fields = value if isinstance(value, dict) else {}
    _remember(fields, values)
    found = []
    for name, each in fields.items():
        is_file = described_by(media).member(name).asks_for_file
        found += ["-d", f"{name}=@{PICTURE}" if is_file else f"{name}={to_text(each)}"]
    return found


def _remember(value: Any, values: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for name, each in value.items():
            values.setdefault(name, each)
            _remember(each, values)
    elif isinstance(value, list):
        for each in value:
            _remember(each, values)
