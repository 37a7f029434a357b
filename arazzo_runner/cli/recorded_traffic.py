"""Recorded traffic as the input of `arazzo generate`: its options, its files and its summary."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import Record
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.new_files import write_new
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.generate.generated import Generated, identifier
from arazzo_runner.program.library import LoadOptions
from arazzo_runner.report.terminal.console import count

if TYPE_CHECKING:
    from arazzo_runner.generate.recording.matching import Api
    from arazzo_runner.sources.openapi import OpenApiDescription

_MISMATCHES: Final = frozenset(
    {
        *("undeclared-parameter", "unknown-response-member", "status-not-documented", "undocumented-status"),
        *("content-type-not-offered", "header-not-documented", "payload-mismatch", "unknown-payload-member"),
        *("missing-payload-member", "parameter-mismatch", "missing-parameter", "unexpected-body", "missing-body"),
        *("no-response-body", "undocumented-content-type", "read-only-member", "deprecated-operation"),
        *("impossible-comparison", "schema-type-mismatch", "context-comparison"),
    }
)
_REASON: Final = "it was recorded so"


class TrafficChoice(Record, kw_only=True):
    """What the options say: descriptions and a second recording, as paths or URLs; hosts; the file to be written."""

    descriptions: Sequence[str] = ()
    second: str | None = None
    only: Sequence[str] = ()
    output: str | None = None


def generated_from_traffic(
    document: Document,
    choice: TrafficChoice,
    open_description: Callable[[str], tuple[str, OpenApiDescription]],
    open_recording: Callable[[str], Document],
) -> Generated:
    """Return the workflow of a recording.

    `open_description` returns the url of a description as the document writes it, and the description.
    """
    from arazzo_runner.generate.recording.reading import recording_in  # lazily, as below: for recordings only
    from arazzo_runner.generate.recording.traffic import from_traffic, summary_of

    documents = [document] if choice.second is None else [document, open_recording(choice.second)]
    if not choice.descriptions and choice.output is None:
        hint = "name the file with -o FILE, or the API's description with --openapi FILE"
        raise InvalidUsage([usage_error("a description is written beside the workflow, which needs a name", hint=hint)])
    apis = _apis(choice.descriptions, open_description)
    stem = "" if choice.output is None else os.path.splitext(os.path.basename(choice.output))[0]
    made = from_traffic([recording_in(each) for each in documents], apis, only=choice.only, stem=stem)
    steps = count(len(made.draft.workflows[0].steps), "step")
    values = count(made.threaded, "value")
    summary = f"{steps}, {values} taken from earlier answers; {summary_of(made.left_out)}"
    return Generated(draft=made.draft, beside=made.beside, summary=summary)


def mark_mismatches(path: str, text: str) -> None:
    """Mark, in a document that was written, where the traffic is not as the description says: with arazzo-ignore."""
    from arazzo_runner.api import validate

    codes: dict[int, set[str]] = {}
    for each in validate(path, load_options=LoadOptions(strict=True, offline=True, unchecked=True)):
        if each.code in _MISMATCHES and each.at.line:
            codes.setdefault(each.at.line, set()).add(each.code)
    if not codes:
        return
    lines = []
    for number, line in enumerate(text.split("\n"), start=1):
        if number in codes:
            indent = " " * (len(line) - len(line.lstrip()))
            lines.append(f"{indent}# arazzo-ignore: {', '.join(sorted(codes[number]))} -- {_REASON}")
        lines.append(line)
    write_new(path, "\n".join(lines), force=True)


def _apis(locations: Sequence[str], open_description: Callable[[str], tuple[str, OpenApiDescription]]) -> list[Api]:
    from arazzo_runner.generate.recording.matching import Api

    found: list[Api] = []
    for location in locations:
        url, description = open_description(location)
        stem = os.path.splitext(os.path.basename(location.partition("?")[0]))[0]
        found.append(Api(unused_name(identifier(stem, "api"), [each.name for each in found]), url, description))
    return found
