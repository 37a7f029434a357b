"""`arazzo generate`: an Arazzo document made from an API's description, or from recorded traffic.

What INPUT is decides which reader makes the draft: `_READERS` has one for each kind of input.
"""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import click

from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.user_files import UnusableFile, is_same_file, read_file
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.new_files import check_new, write_new
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import arazzo_command, color_option, given_options, reading_options
from arazzo_runner.cli.recorded_traffic import TrafficChoice, generated_from_traffic, mark_mismatches
from arazzo_runner.cli.run.prepare import reading_with, settings_of
from arazzo_runner.document.cache import Reader, cached_reader
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, Limits, read
from arazzo_runner.errors import InvalidDescription, InvalidUsage, Judge, Severity
from arazzo_runner.generate.from_openapi import Choice, from_openapi
from arazzo_runner.generate.generated import Generated, Kind, identifier, kind_of, source_url
from arazzo_runner.generate.postman.from_postman import from_postman
from arazzo_runner.generate.recording.reading import looks_recorded
from arazzo_runner.generate.writing import draft_text
from arazzo_runner.program.library import LoadOptions, display
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.runtime.cassette.file import LIMITS as RECORDED
from arazzo_runner.sources.fetch import DocumentFetch, FetchError, make_fetch
from arazzo_runner.sources.openapi import OpenApiDescription, load_openapi
from arazzo_runner.sources.uris import is_remote, uri_of_path

_HELP = """\
INPUT is an OpenAPI description or a Postman collection, a path or a URL; a
collection gets a minimal description beside it. Steps are joined by the data
that one response has and a later request needs; what no response has becomes
an input. The document passes `arazzo validate --strict`, and runs with --mock.

INPUT may also be recorded traffic: a HAR file of a browser or proxy, or a
cassette. The workflow sends the recorded requests; without --openapi, the API
is described in a file beside it. Secrets are not written: they are inputs, or
credentials of the run.

\b
Examples:
  # a workflow for each resource
  arazzo generate specs/openapi/toolshed.yml
  # create, read, list, update, delete
  arazzo generate specs/openapi/toolshed.yml --crud
  arazzo generate specs/openapi/toolshed.yml --tag loans
  # one workflow of these operations, in the order of their data
  arazzo generate specs/openapi/toolshed.yml --operation borrowTool \\
      --operation returnTool -o loan.yml
  # what a run recorded
  arazzo run specs/arazzo/two-apis.yml --mock --sample-inputs --record a.yml
  arazzo generate a.yml -o recorded.yml
  # the folders and scripts of a Postman collection, in library.arazzo.yml
  arazzo generate specs/postman/library.postman_collection.json \\
      -o library.arazzo.yml
"""

_KINDS: Final[dict[Kind, str]] = {
    "openapi": "an OpenAPI description",
    "har": "recorded traffic (HAR)",
    "cassette": "a cassette",
    "postman": "a Postman collection",
    "arazzo": "an Arazzo document",
    "asyncapi": "an AsyncAPI description",
}
_OPTIONS: Final[dict[str, tuple[Kind, ...]]] = {
    "--operation": ("openapi",),
    "--tag": ("openapi",),
    "--crud": ("openapi",),
    "--openapi": ("har", "cassette"),
    "--only": ("har", "cassette"),
    "--compare": ("har", "cassette"),
    "--environment": ("postman",),
}
"""The options that only some kinds of input have."""


class Given(Record, kw_only=True):
    """The input: its document and location, how others are read, and the folder of the document to be written."""

    document: Document
    location: str
    folder: str
    fetch: DocumentFetch
    reader: Reader
    choice: Choice
    traffic: TrafficChoice
    reading: ReadingArguments
    output: str | None = None
    environment: str | None = None


@arazzo_command("generate", _HELP)
@click.argument("file", metavar="INPUT")
@click.option("--operation", "operations", metavar="ID", multiple=True, help="Call this operation; repeatable.")
@click.option("--tag", "tags", metavar="NAME", multiple=True, help="Take operations with this tag only; repeatable.")
@click.option("--crud", is_flag=True, help="Write a workflow per resource: create, read, list, update, delete.")
@click.option(
    "--openapi", "described", metavar="FILE", multiple=True, help="The description of a recorded API; repeatable."
)
@click.option("--only", metavar="HOST", multiple=True, help="Take recorded requests to this host only; repeatable.")
@click.option(
    "--compare", metavar="FILE", help="A second recording of the same: values that differ in it become inputs."
)
@click.option("--environment", metavar="FILE", help="The values of the variables of a Postman collection.")
@click.option("-o", "--output", metavar="FILE", help="Write the document into this file (default: stdout).")
@click.option("--force", is_flag=True, help="Let -o replace a file.")
@functools.partial(reading_options, without="--source")
@color_option
def command(
    file: str,
    operations: tuple[str, ...],
    tags: tuple[str, ...],
    crud: bool,
    described: tuple[str, ...],
    only: tuple[str, ...],
    compare: str | None,
    environment: str | None,
    output: str | None,
    force: bool,
    reading: ReadingArguments,
    no_color: bool,
) -> int:
    """Read INPUT, make a draft of it, and write the document."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    target = None if output in (None, "-") else output
    if target is not None:
        for each in filter(None, (file, *described, compare, environment)):
            if not is_remote(each) and is_same_file(each, target):
                raise InvalidUsage([usage_error(f"--output would overwrite {target}, which the command reads")])
        check_new(target, force=force)
    folder = os.path.dirname(os.path.abspath(target)) if target is not None else os.getcwd()
    traffic = TrafficChoice(descriptions=described, second=compare, only=only, output=target)
    given = _read(file, folder, reading, Choice(operations=operations, tags=tags, crud=crud), traffic)
    given = replace(given, output=target, environment=environment)
    generated = _reader_of(given, given_options(click.get_current_context()))(given)
    if generated.warnings:
        print_diagnostics(console, generated.warnings, "\n")
    text = draft_text(generated.draft)
    beside = {os.path.join(os.path.dirname(target or ""), name): each for name, each in generated.beside.items()}
    for path in beside:
        check_new(path, force=force)
    for path, content in beside.items():
        write_new(path, content, force=force)
        console.err(f"wrote {one_line(path)}\n")
    if target is None:
        console.document(text)
    else:
        write_new(target, text, force=force)
        if described:
            mark_mismatches(target, text)
    if generated.summary:
        console.err(f"{one_line(generated.summary)}\n")
    return 0


def _from_openapi(given: Given) -> Generated:
    """Return workflows of the operations of a description."""
    return from_openapi(
        given.document, given.location, given.folder, given.choice, fetch=given.fetch, reader=given.reader
    )


def _from_recording(given: Given) -> Generated:
    """Return the workflow of recorded traffic."""

    def opened(file: str, option: str, kinds: Sequence[Kind]) -> Given:
        found = _read(file, given.folder, given.reading, given.choice, given.traffic)
        kind = kind_of(found.document.value)
        if kind not in kinds:
            wanted = " or ".join(_KINDS[each] for each in kinds)
            what = "its kind is unknown" if kind is None else f"it is {_KINDS[kind]}"
            message = f"{option} needs {wanted}, and {what}"
            raise InvalidUsage([usage_error(message, code="source-kind", file=file)])
        return found

    def description(file: str) -> tuple[str, OpenApiDescription]:
        found = opened(file, "--openapi", ("openapi",))
        read = load_openapi(found.document, found.fetch, Problems(), base=found.location, reader=found.reader)
        return source_url(found.location, found.folder), read

    def recording(file: str) -> Document:
        return opened(file, "--compare", ("har", "cassette")).document

    return generated_from_traffic(given.document, given.traffic, description, recording)


def _from_postman(given: Given) -> Generated:
    """Return the workflows of a Postman collection."""
    file = given.environment
    environment = None if file is None else _read_environment(file, given.reading.limits)
    name = os.path.basename(given.document.uri if given.output is None else given.output)
    name = re.sub(r"(\.postman_collection|\.arazzo)?\.[A-Za-z]+$", "", name)
    return from_postman(given.document, name=identifier(name, "api"), environment=environment)


def _read_environment(file: str, limits: Limits) -> Document:
    """Return the environment of a collection; raises InvalidUsage or InvalidDescription when it cannot be read."""
    problems = Problems()
    try:
        document = read(read_file(file), file, problems, limits=limits, duplicates=Severity.WARNING)
    except UnusableFile as problem:
        error = usage_error(f"{file} cannot be read: {problem.reason}", code="unreadable-file", file=file)
        raise InvalidUsage([error]) from None
    if document is None:
        raise InvalidDescription(problems.diagnostics)
    return document


_READERS: Final[dict[Kind, Callable[[Given], Generated]]] = {
    "openapi": _from_openapi,
    "har": _from_recording,
    "cassette": _from_recording,
    "postman": _from_postman,
}


def _reader_of(given: Given, options: Iterable[str]) -> Callable[[Given], Generated]:
    """Return the reader of an input; raises InvalidUsage for one that none reads, and for options of others."""
    kind = kind_of(given.document.value)
    file = given.document.uri
    reader = None if kind is None else _READERS.get(kind)
    if kind is None or reader is None:
        found = "its kind is unknown" if kind is None else f"it is {_KINDS[kind]}"
        message = f"nothing can be generated from this document: {found}"
        raise InvalidUsage([usage_error(message, code="nothing-to-generate", hint=f"name {_known_kinds()}", file=file)])
    for option in options:
        if kind not in _OPTIONS.get(option, (kind,)):
            fitting = " or ".join(_KINDS[each] for each in _OPTIONS[option])
            raise InvalidUsage([usage_error(f"{option} is for {fitting}, and {file} is {_KINDS[kind]}")])
    return reader


def _known_kinds() -> str:
    *others, last = (_KINDS[each] for each in _READERS)
    return f"{', '.join(others)} or {last}"


def _read(file: str, folder: str, reading: ReadingArguments, choice: Choice, traffic: TrafficChoice) -> Given:
    """Return the input; raises InvalidUsage or InvalidDescription when it cannot be read."""
    options = reading_with(reading, settings_of(file), environment=os.environ)
    location = file if is_remote(file) else uri_of_path(file)
    fetch = _fetch(location, options)
    try:
        data = DocumentFetch(replace(fetch.policy, max_bytes=RECORDED.max_bytes), location).entry(location)
    except FetchError as problem:
        error = usage_error(problem.message, code="unreadable-file", hint=problem.hint, file=file)
        raise InvalidUsage([error]) from None
    is_recorded = looks_recorded(data)
    # The cache keeps documents on disk: traffic has secrets, and collections may have some.
    wanted = options.cache and not is_recorded and b"postman" not in data
    reader = cached_reader(options.environment, wanted=wanted)
    limits = RECORDED if is_recorded else options.limits
    problems = Problems(Judge.STRICT if options.strict else Judge.RUN)
    document = reader(data, display(location), problems, limits=limits, duplicates=Severity.WARNING)
    if document is None or problems.has_errors:
        hint = f"name a file with {_known_kinds()}"  # the reader's own hint is about Arazzo documents
        raise InvalidDescription(
            replace(each, hint=hint) if each.code == "empty-document" else each for each in problems.diagnostics
        )
    return Given(
        document=document,
        location=location,
        folder=folder,
        fetch=fetch,
        reader=reader,
        choice=choice,
        traffic=traffic,
        reading=reading,
    )


def _fetch(location: str, options: LoadOptions) -> DocumentFetch:
    return make_fetch(
        location,
        root=options.root,
        offline=options.offline,
        allow_remote=options.allow_remote,
        allow_hosts=options.allow_hosts,
        url_map=options.url_map,
    )
