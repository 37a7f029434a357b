"""The description that is called: opened as the source of a workflow would be, its operations found and listed."""

from __future__ import annotations

import os
import re
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.user_files import is_same_file
from arazzo_runner.cli.describe import flat, table
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.document.problems import Problems
from arazzo_runner.errors import ArazzoError, InvalidDescription, InvalidUsage, did_you_mean
from arazzo_runner.lint.checker import open_document
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import Operation
from arazzo_runner.sources.uris import is_remote

_PLACE = re.compile(r"\s*([A-Za-z-]+)\s+(/\S*)\s*")


class Opened(Record):
    """An OpenAPI description under the name of its source; `problems` collects what is wrong with it."""

    name: str
    description: OpenApiDescription
    problems: Problems


def one_source(name: str, url: str, workflows: list[JsonValue]) -> dict[str, JsonValue]:
    """Return an Arazzo document with one source."""
    return {
        "arazzo": "1.0.1",
        "info": {"title": f"Calls of {name}", "version": "1.0.0"},
        "sourceDescriptions": [{"name": name, "url": url, "type": "openapi"}],
        "workflows": workflows,
    }


def open_api(api: str, name: str, options: LoadOptions) -> Opened:
    """Open an OpenAPI description; `options` names it as the source `name`. Raises ArazzoError."""
    unchecked: JsonValue = [{"workflowId": "none", "steps": [{"stepId": "none", "operationId": "none"}]}]
    library, entry = open_document(one_source(name, _stated(api), unchecked), options)
    found = library.source(entry, name)
    if library.problems.has_errors or found is None:
        raise _about(api, library.problems)
    if not isinstance(found, OpenApiDescription):
        raise _wrong_kind(api, "")
    return Opened(name, found, library.problems)


def _about(api: str, problems: Problems) -> ArazzoError:
    """Return the error about a description that cannot be opened, without the source that nobody wrote."""
    for found in problems.diagnostics:
        if found.code == "source-kind":
            return _wrong_kind(api, found.message)
        if found.code in ("source-not-found", "source-not-readable"):
            reason = found.message.partition("cannot be read: ")[2] or _why_not_found(api)
            hint = found.hint if is_remote(api) and "sources=" not in (found.hint or "") else None
            says_itself = reason.startswith(f"{api} ")  # such as "URL cannot be fetched: …"
            message = reason if says_itself else f"{api} cannot be read: {reason}"
            return InvalidUsage([usage_error(message, code="unreadable-file", hint=hint, file=api)])
    hint = "an OpenAPI description begins with openapi: 3.1.0"
    return InvalidDescription(
        replace(each, hint=hint) if each.code == "empty-document" else each for each in problems.diagnostics
    )


def _why_not_found(api: str) -> str:
    try:
        kind = "a directory" if os.path.isdir(api) else "not a regular file"
        return f"it is {kind}" if os.path.lexists(api) else "there is no such file"
    except ValueError:
        return "no file can have this name"


def _wrong_kind(api: str, message: str) -> ArazzoError:
    kind = message.rpartition("is of type ")[2]
    what, hint = f"{api} is no OpenAPI description", "its root needs the field openapi or swagger"
    if kind == "arazzo":
        what, hint = f"{api} is an Arazzo document, not an OpenAPI description", "arazzo run runs its workflows"
    elif kind == "asyncapi":
        what = f"{api} is an AsyncAPI description, not an OpenAPI description"
        hint = "messages are sent and received by the steps of a workflow"
    return InvalidUsage([usage_error(what, code="source-kind", hint=hint, file=api)])


def _stated(api: str) -> str:
    return api if is_remote(api) else "./description"


def source_name(api: str, known: dict[str, str]) -> str:
    """Return the name of the source: that of `known` (paths by name) which is the same file, else of the file."""
    for name, path in known.items():
        if path == api or (not is_remote(api) and not is_remote(path) and is_same_file(path, api)):
            return name
    stem = os.path.basename(api.rstrip("/").partition("?")[0]).partition(".")[0]
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "api"


# ------------------------------------------------------------------ one operation


def find_operation(opened: Opened, wanted: str) -> Operation:
    """Return the operation of an operationId, or of `GET /path`; raises ArazzoError."""
    description = opened.description
    pointers = description.same_id(wanted)
    if len(pointers) > 1:
        places = " or ".join(f'"{method} {path}"' for method, path, at in description.places() if at in pointers)
        message = f'operationId "{wanted}" is defined more than once'
        raise _refused(message, f"name one by method and path: {places}", code="ambiguous-operation")
    found = description.operation(wanted) if pointers else _by_place(description, wanted)
    if found is None:
        if opened.problems.has_errors:
            raise InvalidDescription(opened.problems.diagnostics)
        raise _refused(f'there is no operation "{wanted}"', _near(description, wanted), code="unknown-operation")
    faults = [each.problem for each in found.faults if each.parameter is None and not each.is_of_servers]
    if faults:
        raise InvalidDescription(faults)
    return found


def _by_place(description: OpenApiDescription, wanted: str) -> Operation | None:
    match = _PLACE.fullmatch(wanted)
    return None if match is None else description.operation_by_path(match[1].upper(), match[2])


def _near(description: OpenApiDescription, wanted: str) -> str:
    places = [f"{method} {path}" for method, path, _ in description.places()]
    names = list(description.operation_ids)
    if " " in wanted.strip():
        method, _, path = wanted.strip().partition(" ")
        beside = [place for place in places if place.endswith(f" {path.strip()}")]
        if beside:
            return "this path has " + ", ".join(f'"{place}"' for place in beside)
        wanted, names = f"{method.upper()} {path.strip()}", []
    elif wanted.startswith("/"):
        beside = [place for place in places if place.partition(" ")[2] == wanted]
        if beside:
            return "write the method too: " + ", ".join(f'"{place}"' for place in beside)
        near = did_you_mean(wanted, [place.partition(" ")[2] for place in places])
        return f"{near or 'write METHOD /path'}; without an operation all are listed"
    near = did_you_mean(wanted, [*names, *places])
    return near or "without an operation the command lists all of them"


def _refused(message: str, hint: str | None, *, code: str) -> InvalidUsage:
    return InvalidUsage([usage_error(message, code=code, hint=hint)])


# ------------------------------------------------------------------ all operations


def operation_records(description: OpenApiDescription) -> list[dict[str, JsonValue]]:
    """Return one record per operation: method, path, operationId, summary."""
    records: list[dict[str, JsonValue]] = []
    for method, path, pointer in description.places():
        raw = _raw(description, pointer)
        records.append(
            {
                "method": method,
                "path": path,
                "operationId": _text(raw.get("operationId")),
                "summary": _text(raw.get("summary")) or _first_line(raw.get("description")),
                "deprecated": raw.get("deprecated") is True,
            }
        )
    return records


def operation_lines(records: list[dict[str, JsonValue]]) -> list[str]:
    """Return the records as a table."""
    rows = [
        (
            record["method"],
            flat(record["path"]),
            flat(record["operationId"] or ""),
            flat(f"{record['summary'] or ''}{' (deprecated)' if record['deprecated'] else ''}"),
        )
        for record in records
    ]
    return table(rows, "")


def _raw(description: OpenApiDescription, pointer: str) -> dict[str, Any]:
    from arazzo_runner.base.json_values import pointer_tokens, resolve_pointer

    found = resolve_pointer(description.root, pointer)
    if isinstance(found, dict):
        return found
    path, *method = pointer_tokens(pointer)[1:]  # behind the `$ref` of a path item
    operation = description.operation_by_path(method[-1], path)
    return {} if operation is None else {"operationId": operation.operation_id}


def _text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _first_line(value: JsonValue) -> str | None:
    text = _text(value)
    return None if text is None else text.strip().splitlines()[0].strip()
