"""`--save`: the step of a call is added to a workflow; the rest of the document keeps its text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arazzo_runner.base.json_values import type_name
from arazzo_runner.cli.call.extension import Extension, error_at
from arazzo_runner.cli.call.new_document import Place, Saved, new_document
from arazzo_runner.cli.call.saved_files import content_of, refused, write_file
from arazzo_runner.cli.call.step import Call
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import InvalidDescription


def with_step(place: Place, call: Call, outputs: Mapping[str, str]) -> Saved:
    """Return the document with the step of a call; nothing is written. Raises ArazzoError."""
    before = content_of(place.path)
    if before is None:
        return new_document(place, call, outputs)
    document = _read(place.path, before)
    return Extension(place, call, document, before).saved(outputs)


def write(place: Place, saved: Saved) -> None:
    """Write the document, unless its file is no longer what it was; raises InvalidUsage."""
    write_file(place.path, saved.text, saved.before)


def sources_of(path: str) -> list[dict[str, Any]]:
    """Return the source descriptions of a document, none where there is no file; raises ArazzoError."""
    data = content_of(path)
    value: Any = None if data is None else _read(path, data).value
    found = value.get("sourceDescriptions") if isinstance(value, dict) else None
    return [each for each in found or [] if isinstance(each, dict)]


def _read(path: str, data: bytes) -> Document:
    problems = Problems()
    if not data.strip():
        message = f"{path} is empty; a step is added to an Arazzo document, or a new file is written"
        raise refused(message, "remove it first", path, code="empty-document")
    document = read(data, path, problems)
    if document is None or problems.has_errors:
        raise InvalidDescription(problems.diagnostics)
    value = document.value
    if not isinstance(value, dict) or "arazzo" not in value:
        hint = "a step is saved in a document that begins with arazzo: 1.0.1, or in a new file"
        raise InvalidDescription([error_at("not-arazzo", f"{path} is no Arazzo document", document.at(), hint)])
    for name in ("sourceDescriptions", "workflows"):
        if name in value and not isinstance(value[name], list):
            message = f"{name} must be a list, found {type_name(value[name])}"
            raise InvalidDescription([error_at("wrong-type", message, document.at(f"/{name}"), None)])
    return document
