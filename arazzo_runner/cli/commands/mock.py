"""`arazzo mock`: serve descriptions on loopback until Ctrl-C."""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence

import click

from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.options import SETTINGS, color_option, mock_options, reading_options
from arazzo_runner.cli.reading_arguments import ReadingArguments
from arazzo_runner.document.cache import cached_reader
from arazzo_runner.document.problems import Problems
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.errors import InvalidDescription, InvalidUsage, Severity
from arazzo_runner.program.library import Library, LoadedDocument, LoadOptions, display, sniff
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import request_line, status_text
from arazzo_runner.report.findings.text import render_diagnostics
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.runtime.mock.api import Api, MockApi, MockServer, Served
from arazzo_runner.runtime.mock.request import Refused
from arazzo_runner.runtime.mock.scenario import Drop, read_scenario
from arazzo_runner.sources.fetch import FetchError, make_fetch
from arazzo_runner.sources.openapi import OpenApiDescription, load_openapi
from arazzo_runner.sources.uris import is_remote, uri_of_path

_HELP = """Serve the APIs a document uses, answering from their descriptions.

SPEC is an Arazzo document (all its OpenAPI sources are served) or an OpenAPI
description. Answers are the descriptions' examples, else samples of their
schemas; a request that does not fit its operation is answered with 4xx. The
server listens on 127.0.0.1 only, until Ctrl-C, and answers requests for the
hosts 127.0.0.1, localhost and [::1], so that no web page can reach it under
a name of its own; --allow-host NAME adds one.

\b
Examples:
  arazzo mock workflow.yml --port 8080
  arazzo mock petstore.yml users.yml
  arazzo mock workflow.yml --scenario tokens.yml --switch refresh-401
  arazzo mock --from recorded.yml                 what arazzo run --record wrote

Several descriptions are served under their names: http://127.0.0.1:8080/NAME.
"""

_ALLOW_HOST = "Answer requests for this host too, and read descriptions from it although it is private; repeatable."


@click.command(
    "mock",
    help=_HELP,
    short_help="Serve the APIs a document uses, answering from their descriptions.",
    context_settings=SETTINGS,
)
@click.argument("specs", metavar="[SPEC...]", nargs=-1)
@click.option("--from", "cassette", metavar="FILE", help="Answer as recorded in a cassette, instead of a SPEC.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="The port to listen on (default: a free one)."
)
@mock_options
@functools.partial(reading_options, allow_host=_ALLOW_HOST)
@click.option("-q", "--quiet", is_flag=True, help="Do not print a line per request.")
@color_option
def command(
    specs: tuple[str, ...],
    cassette: str | None,
    port: int,
    scenario: str | None,
    switches: tuple[str, ...],
    reading: ReadingArguments,
    quiet: bool,
    no_color: bool,
) -> int:
    """Serve until interrupted."""
    console = Console(sys.stdout, sys.stderr, color=False if no_color else None)
    if bool(specs) == (cassette is not None):
        raise click.UsageError("name either SPECs or --from FILE", click.get_current_context())
    listening = Listening(port, reading.allow_hosts, console, quiet)
    if cassette is not None:
        return _serve_cassette(cassette, listening)
    options = LoadOptions(**reading.as_keywords(), environment=os.environ)
    problems = Problems(strict=reading.strict)
    served = tuple(_served(specs, options, problems))
    if problems.has_errors:
        raise InvalidDescription(problems.diagnostics)
    if problems.diagnostics and not quiet:
        console.err(render_diagnostics(problems.diagnostics, color=console.color) + "\n")
    if not served:
        hint = "a mock needs an OpenAPI description, or an Arazzo document with one"
        raise InvalidUsage([usage_error("there is nothing to serve", code="nothing-to-serve", hint=hint)])
    script = None if scenario is None else read_scenario(scenario, switches)
    _serve(ToldMockApi(served, script, console=None if quiet else console), listening)
    return 0


class ToldMockApi(MockApi):
    """A MockApi that prints a line per request and forgets it."""

    console: Console | None = None

    def handle(self, request: HttpRequest) -> HttpResponse | Drop:
        """Answer one request and tell of it."""
        answer = MockApi.handle(self, request)
        self.log.clear()  # it would grow as long as the server lives
        if self.console is not None:
            _tell(self.console, request, answer)
        return answer


class Listening(Record):
    """Where a mock listens, which hosts it answers for beside its own, and whom it tells of requests."""

    port: int
    hosts: Sequence[str]
    console: Console
    quiet: bool


def _serve_cassette(path: str, listening: Listening) -> int:
    from arazzo_runner.runtime.cassette.api import CassetteApi  # lazily: most mocks are made from descriptions
    from arazzo_runner.runtime.cassette.file import read_cassette

    class Told(CassetteApi):
        def handle(self, request: HttpRequest) -> HttpResponse | Drop:
            answer = CassetteApi.handle(self, request)
            if not listening.quiet:
                _tell(listening.console, request, answer)
            return answer

    api = Told(read_cassette(path))
    _listen(api, listening, lambda server: [(name, server.url + way) for name, way in api.prefixes.items()])
    return 0


def _serve(api: MockApi, listening: Listening) -> None:
    """Print where each description is served and wait for Ctrl-C."""
    bases = [served.description.base for served in api.served]
    _listen(api, listening, lambda server: [(display(base), server.urls[base]) for base in bases])


def _listen(api: Api, listening: Listening, places: Callable[[MockServer[Api]], list[tuple[str, str]]]) -> None:
    port, console = listening.port, listening.console

    def tell(refused: Refused) -> None:
        console.err(f"refused  {status_text(refused.status)}: {one_line(refused.detail)}\n")

    try:
        server = MockServer(api, port, allow_hosts=listening.hosts, on_refusal=None if listening.quiet else tell)
    except OSError as problem:
        message = f"port {port} cannot be used: {problem.strerror or problem}"
        raise InvalidUsage([usage_error(message, code="port-not-usable", hint="choose another with --port")]) from None
    with server:
        for name, url in places(server):
            console.err(f"{one_line(name)} is served at {url}\n")
        console.err("press Ctrl-C to stop\n")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            console.err("\nstopped\n")


def _tell(console: Console, request: HttpRequest, answer: HttpResponse | Drop) -> None:
    status = status_text(answer.status) if isinstance(answer, HttpResponse) else "connection closed"
    console.err(f"{request_line(request, Secrets())}  {status}\n")


# ------------------------------------------------------------------ reading


def _served(specs: Iterable[str], options: LoadOptions, problems: Problems) -> Iterable[Served]:
    """Return every OpenAPI description the documents are or name, each once, under its own prefix."""
    found: dict[str, tuple[str, OpenApiDescription]] = {}
    for spec in specs:
        for name, description in _descriptions(spec, options, problems):
            found.setdefault(description.base, (name, description))
    if len(found) == 1:
        return [Served(description) for _, description in found.values()]
    prefixes: dict[str, OpenApiDescription] = {}
    for name, description in found.values():
        plain = "".join(character if character.isalnum() else "-" for character in name)
        prefix, number = f"/{plain}", 2
        while prefix in prefixes:
            prefix, number = f"/{plain}-{number}", number + 1
        prefixes[prefix] = description
    return [Served(description, prefix) for prefix, description in prefixes.items()]


def _descriptions(spec: str, options: LoadOptions, problems: Problems) -> Iterable[tuple[str, OpenApiDescription]]:
    location = spec if is_remote(spec) else uri_of_path(spec)
    fetch = make_fetch(
        location,
        root=options.root,
        offline=options.offline,
        allow_remote=options.allow_remote,
        allow_hosts=options.allow_hosts,
    )
    try:
        data = fetch.entry(location)
    except FetchError as problem:
        error = usage_error(problem.message, code="unreadable-file", hint=problem.hint, file=spec)
        raise InvalidUsage([error]) from None
    reader = cached_reader(options.environment, wanted=options.cache)
    document = reader(data, display(location), problems, duplicates=Severity.WARNING)
    if document is None:
        return
    if sniff(document.value) == "openapi":
        yield os.path.splitext(os.path.basename(spec))[0], load_openapi(document, fetch, problems, base=location)
        return
    library = Library(fetch, options, problems)
    yield from _sources(library, library.add(document, location), set())


def _sources(library: Library, document: LoadedDocument, seen: set[str]) -> Iterable[tuple[str, OpenApiDescription]]:
    seen.add(document.base)
    for name in document.sources:
        source = library.source(document, name)
        if isinstance(source, OpenApiDescription):
            yield name, source
        elif isinstance(source, LoadedDocument) and source.base not in seen:
            yield from _sources(library, source, seen)
