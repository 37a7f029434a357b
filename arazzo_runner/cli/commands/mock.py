"""`arazzo mock`: serve descriptions on loopback until Ctrl-C."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import click

from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.cli.option_table import ReadingArguments
from arazzo_runner.cli.options import arazzo_command, color_option, mock_options, reading_options
from arazzo_runner.cli.run.prepare import reading_with, settings_of
from arazzo_runner.document.cache import cached_reader
from arazzo_runner.document.problems import Problems
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.errors import InvalidDescription, InvalidUsage, Judge, Severity
from arazzo_runner.program.library import Library, LoadedDocument, LoadOptions, display, sniff
from arazzo_runner.program.servers import unknown_sources
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.exchange import request_line, status_text
from arazzo_runner.report.findings.text import print_diagnostics
from arazzo_runner.report.terminal.console import Console
from arazzo_runner.runtime.mock.api import Api, MockApi, MockChoices, MockServer, Served
from arazzo_runner.runtime.mock.request import Refused
from arazzo_runner.runtime.mock.scenario import Drop, Scenario, read_scenario
from arazzo_runner.sources.asyncapi import AsyncApiDescription, load_asyncapi
from arazzo_runner.sources.fetch import FetchError, make_fetch
from arazzo_runner.sources.openapi import OpenApiDescription, load_openapi
from arazzo_runner.sources.uris import is_remote, uri_of_path

if TYPE_CHECKING:
    from arazzo_runner.cli.mock_channels import ServedChannels
    from arazzo_runner.runtime.mock.channel_mock import ChannelMock

Description: TypeAlias = OpenApiDescription | AsyncApiDescription

_HELP = """\
SPEC is an Arazzo document (all its sources are served), an OpenAPI or an AsyncAPI
description. Responses are the descriptions' examples, else samples of their
schemas; a request that does not match its operation gets a 4xx response. The
server listens on 127.0.0.1 only, until Ctrl-C, and answers requests for the
hosts 127.0.0.1, localhost and [::1], so that no web page can reach it under
another name; --allow-host NAME adds one.

\b
Examples:
  arazzo mock specs/arazzo/two-apis.yml --port 8080
  arazzo mock specs/openapi/stock.yml specs/openapi/purchasing.yml
  arazzo mock specs/openapi/travel.yml --stateful
  arazzo mock specs/openapi/reports.yml \\
      --scenario specs/scenarios/poll-until-done.yml --switch report-fails
  # what a run recorded
  arazzo run specs/arazzo/two-apis.yml --mock --sample-inputs --record a.yml
  arazzo mock --from a.yml

Several descriptions are served under their names: http://127.0.0.1:8080/NAME.
Of an AsyncAPI description, channels of WebSocket servers and streams of events
are served; for those of brokers a broker is needed.
"""

_ALLOW_HOST = "Answer requests for this host too, and read descriptions from it although it is private; repeatable."


@arazzo_command("mock", _HELP)
@click.argument("specs", metavar="[SPEC...]", nargs=-1)
@click.option("--from", "cassette", metavar="FILE", help="Answer as recorded in a cassette, instead of a SPEC.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="The port to listen on (default: a free one)."
)
@mock_options
@click.option("--stateful", is_flag=True, help="Remember what requests create, change and delete.")
@functools.partial(reading_options, allow_host=_ALLOW_HOST)
@click.option("-q", "--quiet", is_flag=True, help="Do not print a line per request.")
@color_option
def command(
    specs: tuple[str, ...],
    cassette: str | None,
    port: int,
    scenario: str | None,
    switches: tuple[str, ...],
    stateful: bool,
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
    problems = Problems(Judge.STRICT if reading.strict else Judge.RUN)
    sources: dict[str, str | None] = {}
    found = _opened(specs, reading, problems, sources)
    served, channels = _served(found), _channels(found)
    if problems.has_errors:
        raise InvalidDescription(problems.diagnostics)
    unknown = tuple(unknown_sources(sources, reading.load_options()))
    if unknown:
        raise InvalidUsage(unknown)
    if problems.diagnostics and not quiet:
        print_diagnostics(console, problems.diagnostics, "\n")
    script = None if scenario is None else read_scenario(scenario, switches)
    serving = _serving(channels, script, listening) if channels else None
    if not served and (serving is None or serving.is_empty):
        hint = "a mock needs an OpenAPI description, or an Arazzo document with one"
        if serving is not None:
            hint = "; ".join(serving.notes)
        raise InvalidUsage([usage_error("there is nothing to serve", code="nothing-to-serve", hint=hint)])
    choices = MockChoices(stateful=stateful)
    api = PrintingMockApi(served, script, choices, console=None if quiet else console)
    if serving is not None:
        api.channels = api.broker = serving.mock
    with contextlib.nullcontext() if serving is None else serving.served():
        _serve(api, listening, () if serving is None else serving.streams)
    return 0


def _serving(
    channels: Sequence[tuple[str, AsyncApiDescription]], script: Scenario | None, listening: Listening
) -> ServedChannels:
    from arazzo_runner.cli.mock_channels import ServedChannels  # lazily: few mocks have channels

    return ServedChannels(channels, script, listening.console, quiet=listening.quiet, hosts=listening.hosts)


class PrintingMockApi(MockApi):
    """A MockApi that prints a line for each request, and answers for streams of events and webhooks too."""

    console: Console | None = None
    channels: ChannelMock | None = None

    def handle(self, request: HttpRequest) -> HttpResponse | Drop:
        """Answer a request and print a line about it."""
        streamed = None if self.channels is None else self.channels.http_answer(request)
        answer = MockApi.handle(self, request) if streamed is None else streamed
        self.log.clear()  # which would grow without limit
        if self.console is not None:
            _print_exchange(self.console, request, answer)
        return answer


class Listening(Record):
    """Where a mock listens, the hosts it answers for besides its own, and whether it prints requests."""

    port: int
    hosts: Sequence[str]
    console: Console
    quiet: bool


def _serve_cassette(path: str, listening: Listening) -> int:
    from arazzo_runner.runtime.cassette.api import CassetteApi  # lazily: most mocks are made from descriptions
    from arazzo_runner.runtime.cassette.file import read_cassette

    class PrintingCassetteApi(CassetteApi):
        def handle(self, request: HttpRequest) -> HttpResponse | Drop:
            answer = CassetteApi.handle(self, request)
            if not listening.quiet:
                _print_exchange(listening.console, request, answer)
            return answer

    api = PrintingCassetteApi(read_cassette(path))
    if not api.prefixes:
        hint = "the cassette has no request over HTTP; arazzo replay plays its messages"
        raise InvalidUsage([usage_error("there is nothing to serve", code="nothing-to-serve", hint=hint)])
    _listen(api, listening, lambda server: [(name, server.url + way) for name, way in api.prefixes.items()])
    return 0


def _serve(api: MockApi, listening: Listening, streams: Sequence[str]) -> None:
    """Print the URL of each description, and of those with streams of events, and wait for Ctrl-C."""
    bases = [served.description.base for served in api.served]

    def places(server: MockServer[MockApi]) -> list[tuple[str, str]]:
        return [(display(base), server.urls[base]) for base in bases] + [(name, server.url) for name in streams]

    _listen(api, listening, places)


def _listen(api: Api, listening: Listening, places: Callable[[MockServer[Api]], list[tuple[str, str]]]) -> None:
    port, console = listening.port, listening.console

    def print_refused(refused: Refused) -> None:
        console.err(f"refused  {status_text(refused.status)}: {one_line(refused.detail)}\n")

    try:
        server = MockServer(
            api, port, allow_hosts=listening.hosts, on_refusal=None if listening.quiet else print_refused
        )
    except OSError as problem:
        message = f"port {port} cannot be used: {problem.strerror or problem}"
        raise InvalidUsage([usage_error(message, code="port-not-usable", hint="choose another with --port")]) from None
    with server:
        try:
            for name, url in places(server):
                console.err(f"{one_line(name)} is served at {url}\n")
            console.err("press Ctrl-C to stop\n")  # whoever reads this may press it before the wait begins
            threading.Event().wait()
        except KeyboardInterrupt:
            console.err("\nstopped\n")


def _print_exchange(console: Console, request: HttpRequest, answer: HttpResponse | Drop) -> None:
    status = status_text(answer.status) if isinstance(answer, HttpResponse) else "connection closed"
    console.err(f"{request_line(request, Secrets())}  {status}\n")


# ------------------------------------------------------------------ reading


def _opened(
    specs: Iterable[str], reading: ReadingArguments, problems: Problems, sources: dict[str, str | None]
) -> list[tuple[str, Description]]:
    """Return every description among the documents or their sources, each once, with its name.

    The names and types of source descriptions are added to `sources`.
    """
    found: dict[str, tuple[str, Description]] = {}
    for spec in specs:
        options = reading_with(reading, settings_of(spec), environment=os.environ)
        for name, description in _descriptions(spec, options, problems, sources):
            found.setdefault(description.base, (name, description))
    return list(found.values())


def _channels(found: Iterable[tuple[str, Description]]) -> list[tuple[str, AsyncApiDescription]]:
    return [(name, each) for name, each in found if isinstance(each, AsyncApiDescription)]


def _served(found: Iterable[tuple[str, Description]]) -> tuple[Served, ...]:
    """Return the OpenAPI descriptions with their path prefixes."""
    apis = [(name, each) for name, each in found if isinstance(each, OpenApiDescription)]
    if len(apis) == 1:
        return (Served(apis[0][1]),)
    prefixes: dict[str, OpenApiDescription] = {}
    for name, description in apis:
        plain = "".join(character if character.isalnum() else "-" for character in name)
        prefixes[unused_name(f"/{plain}", prefixes, "-")] = description
    return tuple(Served(description, prefix) for prefix, description in prefixes.items())


def _descriptions(
    spec: str, options: LoadOptions, problems: Problems, sources: dict[str, str | None]
) -> Iterable[tuple[str, Description]]:
    location = spec if is_remote(spec) else uri_of_path(spec)
    fetch = make_fetch(
        location,
        root=options.root,
        offline=options.offline,
        allow_remote=options.allow_remote,
        allow_hosts=options.allow_hosts,
        url_map=options.url_map,
    )
    try:
        data = fetch.entry(location)
    except FetchError as problem:
        error = usage_error(problem.message, code="unreadable-file", hint=problem.hint, file=spec)
        raise InvalidUsage([error]) from None
    reader = cached_reader(options.environment, wanted=options.cache)
    document = reader(data, display(location), problems, limits=options.limits, duplicates=Severity.WARNING)
    if document is None:
        return
    stem = os.path.splitext(os.path.basename(spec))[0]
    if sniff(document.value) == "openapi":
        yield stem, load_openapi(document, fetch, problems, base=location)
        return
    if sniff(document.value) == "asyncapi":
        yield stem, load_asyncapi(document, fetch, base=location)
        return
    library = Library(fetch, options, problems)
    yield from _sources(library, library.add(document, location), set())
    sources.update((name, each.type) for known in library.documents for name, each in known.sources.items())


def _sources(library: Library, document: LoadedDocument, seen: set[str]) -> Iterable[tuple[str, Description]]:
    seen.add(document.base)
    for name in document.sources:
        source = library.source(document, name)
        if isinstance(source, (OpenApiDescription, AsyncApiDescription)):
            yield name, source
        elif isinstance(source, LoadedDocument) and source.base not in seen:
            yield from _sources(library, source, seen)
