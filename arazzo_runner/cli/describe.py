"""What several commands print about a document: its inputs as records and as text, aligned tables."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator

from arazzo_runner.base.json_values import JsonValue, preview, resolve_pointer, to_text
from arazzo_runner.base.secrets import MASK
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.document.build import build
from arazzo_runner.document.model import ArazzoDescription
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.errors import Diagnostic, InvalidDescription, InvalidUsage, Judge
from arazzo_runner.program.library import display
from arazzo_runner.program.schemas import secret_input_names
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.json import validate_report
from arazzo_runner.report.terminal.wrapping import columns, padded
from arazzo_runner.sources.fetch import FetchError, make_fetch
from arazzo_runner.sources.uris import is_remote, uri_of_path


def read_description(spec: str) -> tuple[ArazzoDescription, tuple[Diagnostic, ...]]:
    """Read an Arazzo document without its sources; raises InvalidUsage or InvalidDescription."""
    location = spec if is_remote(spec) else uri_of_path(spec)
    try:
        data = make_fetch(location).entry(location)
    except FetchError as problem:
        error = usage_error(problem.message, code="unreadable-file", hint=problem.hint, file=os.fspath(spec))
        raise InvalidUsage([error]) from None
    problems = Problems(Judge.RUN)
    document = read(data, display(location), problems)
    if document is None:
        raise InvalidDescription(problems.diagnostics)
    description = build(document, problems)
    if problems.has_errors:
        raise InvalidDescription(problems.diagnostics)
    return description, problems.diagnostics


def input_records(schema: JsonValue, root: JsonValue, callbacks: Collection[str] = ()) -> list[JsonValue]:
    """Return the inputs that a workflow's schema declares, in its order, as JSON records.

    `callbacks` are those that the run gives unless a user does: the URLs of its webhooks.
    """
    parts = list(_parts(schema, root))
    properties: dict[str, JsonValue] = {}
    for part in parts:
        own = part.get("properties")
        properties = {**(own if isinstance(own, dict) else {}), **properties}
    required = {name for part in parts for name in part.get("required") or () if isinstance(name, str)}
    secret = secret_input_names(schema, root)
    required -= {*callbacks}
    records = [
        _input_record(name, item, root, required=name in required, secret=name in secret)
        for name, item in properties.items()
    ]
    return [{**each, "webhook": True} if each["name"] in callbacks else each for each in records]


def _input_record(
    name: str, schema: JsonValue, root: JsonValue, *, required: bool, secret: bool
) -> dict[str, JsonValue]:
    merged: dict[str, JsonValue] = {}
    for part in _parts(schema, root):
        merged = {**part, **merged}
    description = merged.get("description")
    record: dict[str, JsonValue] = {
        "name": name,
        "type": _type_text(merged),
        "required": required,
        "secret": secret,
        "description": description if isinstance(description, str) else None,
    }
    if "default" in merged:
        default = merged["default"]
        record["default"] = MASK if secret and default not in ("", None) else default
    return record


def _parts(schema: JsonValue, root: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """Yield a schema and those that apply with it: the target of its local `$ref`, its `allOf`."""
    waiting, seen = [schema], set[int]()
    while waiting:
        part = waiting.pop(0)
        if not isinstance(part, dict) or id(part) in seen:
            continue
        seen.add(id(part))
        yield part
        reference = part.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            waiting.append(resolve_pointer(root, reference[1:]))
        if isinstance(part.get("allOf"), list):
            waiting += part["allOf"]


def _type_text(schema: dict[str, JsonValue]) -> str:
    kind = schema.get("type")
    if isinstance(schema.get("enum"), list):
        return "one of " + ", ".join(map(to_text, schema["enum"]))
    if isinstance(kind, list):
        return " or ".join(map(str, kind))
    return kind if isinstance(kind, str) else "any"


def input_lines(inputs: Iterable[JsonValue], indent: str) -> list[str]:
    """Return inputs as aligned lines: name, type, required or default, description."""
    rows = [
        (one_line(each["name"]), facts_text(each), one_line(" ".join((each["description"] or "").split())))
        for each in inputs
    ]
    return table(rows, indent)


def facts_text(record: dict[str, JsonValue]) -> str:
    """Return the facts about an input: `string, required, secret`."""
    facts = [record["type"]]
    if record["required"]:
        facts.append("required")
    elif "webhook" in record and "default" not in record:
        facts.append("the URL of the webhook unless given")
    if "default" in record:
        facts.append(f"default {preview(record['default'], 40)}")
    if record["secret"]:
        facts.append("secret")
    return one_line(", ".join(facts))


def flat(text: str) -> str:
    """Return a text of several lines as one line without control characters."""
    return one_line(" ".join(text.split()))


def table(rows: Iterable[tuple[str, ...]], indent: str) -> list[str]:
    """Return rows as lines, columns aligned, two blanks between them."""
    filled = list(rows)
    if not filled:
        return []
    widths = [min(40, max(columns(row[column]) for row in filled)) for column in range(len(filled[0]))]
    return [
        (indent + "  ".join(padded(cell, width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in filled
    ]


def with_diagnostics(report: dict[str, JsonValue], diagnostics: Iterable[Diagnostic]) -> dict[str, JsonValue]:
    """Return a report with the diagnostics in the form `validate --format json` gives them."""
    return {**report, "diagnostics": validate_report(diagnostics)["diagnostics"]}
