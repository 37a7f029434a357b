"""The examples of specs/ recorded, made into workflows again, and run against a replay of the recording."""

from __future__ import annotations

import contextlib
import io
import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

import arazzo_runner
from arazzo_runner import RunOptions
from arazzo_runner.base.json_values import MISSING
from arazzo_runner.base.records import field
from arazzo_runner.cli.main import run as run_command
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.generate.recording.exchange import Recording
from arazzo_runner.generate.recording.reading import recording_in
from arazzo_runner.generate.recording.traffic import FromTraffic
from arazzo_runner.generate.writing import draft_text
from arazzo_runner.runtime.cassette.api import CassetteApi
from arazzo_runner.runtime.cassette.differences import Difference, differences
from arazzo_runner.runtime.cassette.placeholders import PREFIX
from arazzo_runner.runtime.cassette.world import Cassette, Interaction
from arazzo_runner.runtime.mock.api import MockServer
from arazzo_runner.runtime.mock.scenario import Drop
from tests.e2e.test_examples import EXAMPLES

ROOT = Path(__file__).parents[2]
HTTP_EXAMPLES = [
    (str(each.id), str(each.values[0]), str(each.values[1]))
    for each in EXAMPLES
    if each.values[4]  # those that send something
]


@dataclass
class Recorded:
    """The files that a run wrote."""

    cassette: Path
    har: Path


def record(name: str, arguments: str, folder: Path) -> Recorded:
    """Run an example against the mock, in the root of the project, and record it."""
    found = Recorded(folder / "seen.cassette.yml", folder / "seen.har")
    line = ["run", f"specs/arazzo/{name}.yml", "--mock", *shlex.split(arguments), "--record", str(found.cassette)]
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            run_command([*line, "--report", str(found.har)])
    finally:
        os.chdir(before)
    return found


def read_recording(path: Path) -> Recording:
    """Return the exchanges of a file."""
    problems = Problems()
    document = read(path.read_bytes(), str(path), problems)
    assert document is not None, problems.diagnostics
    return recording_in(document)


def write(made: FromTraffic, folder: Path) -> Path:
    """Write a document and the descriptions beside it."""
    for name, text in made.beside.items():
        (folder / name).write_text(text, "utf-8")
    path = folder / "flow.yml"
    path.write_text(draft_text(made.draft), "utf-8")
    return path


@dataclass
class Replayed:
    """What a workflow sent to a replay: the requests, and the status of its run."""

    status: str
    sent: list[HttpRequest]


class _Listening(CassetteApi):
    """A replay that keeps the requests it receives."""

    received: list[HttpRequest] = field(default_factory=list)

    def handle(self, request: HttpRequest) -> HttpResponse | Drop:
        self.received.append(request)
        return CassetteApi.handle(self, request)


def replay(path: Path, made: FromTraffic, cassette: Cassette) -> tuple[Replayed, list[HttpRequest]]:
    """Run a generated workflow against a server that answers as recorded; return what was sent, and the recording."""
    api = _Listening(cassette=cassette)
    with MockServer(api) as server:
        servers = {each.name: server.url + api.prefixes.get(each.name, "") for each in made.draft.sources}
        result = arazzo_runner.run(
            str(path),
            inputs=inputs_of(made),
            servers=servers,
            credentials=_credentials(made, cassette),
            options=RunOptions(file_roots=(str(ROOT),)),
        )
    sent = [HttpRequest(each.method, f"http://x{each.url}", each.headers, each.body) for each in api.received]
    return Replayed(result.status, sent), [_at_server(each, api.prefixes[each.source]) for each in cassette.exchanges]


def inputs_of(made: FromTraffic) -> dict[str, Any]:
    """Return the recorded values of the inputs that are not written, and the picture for files."""
    picture = {"path": str(ROOT / "specs/files/window.png")}
    return {name: picture if value is None else value for name, value in made.withheld.items()}


def _credentials(made: FromTraffic, cassette: Cassette) -> dict[str, dict[str, str]]:
    """Return the recorded values of the API keys that the descriptions beside the workflow have."""
    found: dict[str, dict[str, str]] = {}
    for source, text in zip(made.draft.sources, made.beside.values(), strict=False):
        schemes = yaml.safe_load(text).get("components", {}).get("securitySchemes", {})
        for scheme, about in schemes.items():
            for each in cassette.exchanges:
                value = each.request.header(about.get("name", ""))
                if value is not None:
                    found.setdefault(source.name, {})[scheme] = value
    return found


def _at_server(each: Interaction, prefix: str) -> HttpRequest:
    request, base = each.request, urlsplit(each.server).path.rstrip("/")
    parts = urlsplit(request.url)
    path = prefix + (parts.path.removeprefix(base) or "/")
    query = f"?{parts.query}" if parts.query else ""
    return HttpRequest(request.method, f"http://x{path}{query}", request.headers, request.body)


def differing(recorded: list[HttpRequest], sent: list[HttpRequest], *, masked: bool) -> list[tuple[int, Difference]]:
    """Return how requests differ, apart from what a client sends by itself, credentials, and masked secrets."""
    return [
        (number, each)
        for number, (was, now) in enumerate(zip(recorded, sent, strict=False))
        for each in differences(was, now)
        if not _is_expected(each, masked)
    ]


def _is_expected(each: Difference, masked: bool) -> bool:
    if each.part == "header" and each.name.lower() in ("accept", "authorization"):
        return True
    is_of_a_secret = masked and PREFIX in str(each.was)
    return is_of_a_secret and ("***" in str(each.now) or "%2A%2A%2A" in str(each.now) or each.now is MISSING)
