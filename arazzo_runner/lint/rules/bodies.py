"""Request bodies: payloads that cannot be written in their media type, files that are not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.json_values import JsonValue, type_name
from arazzo_runner.lint.analysis.partial import Computed
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.rule import Finding, Trigger, rule
from arazzo_runner.runtime.files import unusable_name
from arazzo_runner.sources.http_media.media_types import best_match, essence, is_form, is_json, is_xml
from arazzo_runner.sources.operation import MediaType
from arazzo_runner.sources.policy import is_below
from arazzo_runner.sources.uris import is_remote, path_of

_TEXTS: Final = frozenset({"application/csv", "application/graphql"})
_FILES: Final = ("image/", "audio/", "video/", "font/")
_BINARY: Final = frozenset({"application/octet-stream", "application/pdf", "application/zip"})
_FILE: Final = frozenset({"path", "base64"})


@rule("payload-form", "openapi", trigger=Trigger(words=("requestBody",)))
def payload_form(inspection: Inspection) -> Iterator[Finding]:
    """Report payloads that cannot be written in their media type, and those that are sent as JSON instead."""
    for workflow, step, call in inspection.operation_steps():
        body = step.body
        if body is None or body.payload is None or body.replacements or is_json(body.content_type):
            continue
        value = inspection.response_types.partial(body.payload, workflow, step)
        if isinstance(value, (str, Computed)):
            continue
        declared = call.operation.request_body
        media_type = None if declared is None else best_match(declared.content, body.content_type)
        found = _misfit(value, essence(body.content_type), media_type)
        if found is not None:
            message, hint = found
            yield Finding(message, body.at.child("payload"), hint)


@rule("missing-file", "openapi", trigger=Trigger(words=("path",)))
def missing_file(inspection: Inspection) -> Iterator[Finding]:
    """Report files that a payload names and that are neither in the working directory nor beside the document."""
    base = inspection.program.base
    folders = [os.getcwd(), *(() if is_remote(base) else [os.path.dirname(path_of(base))])]
    for path, at in inspection.literal_files:
        # Others are not looked up: whether they may be sent is for the run to say.
        if not os.path.isabs(path) and not any(_may_be_there(folder, path) for folder in folders):
            hint = "paths begin at the folder where the run is started"
            yield Finding(f'the file "{path}" does not exist', at, hint)


def _may_be_there(folder: str, path: str) -> bool:
    place = os.path.normpath(os.path.join(folder, path))
    return unusable_name(path) is not None or not is_below(place, folder) or os.path.exists(place)


def _misfit(value: JsonValue, content_type: str, media_type: MediaType | None) -> tuple[str, str] | None:
    """Return why a value is not written in a media type, and what to write instead; None if it is."""
    kind = type_name(value)
    if is_xml(content_type):
        from arazzo_runner.sources.http_media.xml import ROOT_HINT, names_no_root  # lazily: few bodies are XML

        if names_no_root(value, media_type):
            return f"nothing names the root element of the XML document, found {kind}", ROOT_HINT
        return None
    if is_form(content_type) and not isinstance(value, dict):
        hint = "write the fields as members, name: value"
        return f"a form is a mapping or a text, found {kind}", hint
    if not isinstance(value, (dict, list)):
        return None
    if content_type.startswith("text/") or content_type in _TEXTS:
        return f"the payload is sent as JSON: {content_type} is a text, found {kind}", "write the payload as a text"
    is_file = isinstance(value, dict) and not _FILE.isdisjoint(value)
    if not is_file and (content_type.startswith(_FILES) or content_type in _BINARY):
        hint = "name a file, path: picture.png, or write the payload as a text"
        return f"the payload is sent as JSON: {content_type} is a file, found {kind}", hint
    return None
