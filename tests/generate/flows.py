"""The true data flow of a workflow, found by experiment: one value of one answer is changed, and what is sent compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import arazzo_runner
from arazzo_runner import RunOptions
from arazzo_runner.base.records import replace
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse, Now, ReadFile, SendRequest
from arazzo_runner.runtime.cassette.world import Cassette
from arazzo_runner.runtime.files import read_upload

Flow = frozenset[tuple[int, str, int, str]]
"""The places of answers that reach places of requests: number of the answer, pointer, number of the request, place."""


class Scripted:
    """A World with the answers of a recording in their order, whatever is asked."""

    def __init__(self, answers: list[HttpResponse]) -> None:
        self.sent: list[HttpRequest] = []
        self._answers = answers

    async def perform(self, effect: Any, /) -> Any:
        """Answer an effect."""
        if isinstance(effect, SendRequest):
            self.sent.append(effect.request)
            if len(self.sent) > len(self._answers):
                return NoResponse("refused", "the recording is over", sent=False)
            return self._answers[len(self.sent) - 1]
        if isinstance(effect, ReadFile):
            return read_upload(effect)
        return 0.0 if isinstance(effect, Now) else None


def flow_of(path: Path, workflow: str, cassette: Cassette, inputs: Mapping[str, Any], root: Path) -> Flow:
    """Return the flow of a workflow that is run with the answers of a cassette."""
    answers = [each.answer for each in cassette.exchanges if isinstance(each.answer, HttpResponse)]
    program = arazzo_runner.load(str(path), workflow, load_options=arazzo_runner.LoadOptions(any_server=True))

    def sent_with(changed: list[HttpResponse]) -> list[dict[str, str]]:
        world = Scripted(changed)
        arazzo_runner.run(program, inputs=dict(inputs), world=world, options=RunOptions(file_roots=(str(root),)))
        return [dict(_places(each)) for each in world.sent]

    usual = sent_with(answers)
    found: set[tuple[int, str, int, str]] = set()
    for number, answer in enumerate(answers):
        for pointer, body in _changed(answer):
            other = [*answers]
            other[number] = replace(answer, body=body)
            for index, (was, now) in enumerate(zip(usual, sent_with(other), strict=False)):
                found |= {(number, pointer, index, place) for place in was if now.get(place, was[place]) != was[place]}
    return frozenset(found)


def _changed(answer: HttpResponse) -> Iterator[tuple[str, bytes]]:
    """Yield the bodies of an answer in which one scalar is another one, with its pointer."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        return
    for tokens, scalar in _scalars(value, ()):
        if isinstance(scalar, bool) or scalar is None:
            continue
        copy = json.loads(answer.body)
        inner = copy
        for token in tokens[:-1]:
            inner = inner[token]
        inner[tokens[-1]] = f"{scalar}x7" if isinstance(scalar, str) else scalar + 7
        yield "/".join(map(str, tokens)), json.dumps(copy).encode()


def _scalars(value: Any, tokens: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if isinstance(value, (dict, list)):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _scalars(each, (*tokens, key))
    elif tokens:
        yield tokens, value


def _places(request: HttpRequest) -> Iterator[tuple[str, str]]:
    parts = urlsplit(request.url)
    for number, segment in enumerate(reversed(parts.path.split("/"))):  # a server may have a prefix
        yield f"path -{number}", unquote(segment)
    for name, value in parse_qsl(parts.query):
        yield f"query {name}", value
    for name, value in request.headers:
        yield f"header {name.lower()}", value
    try:
        body = json.loads(request.body or b"")
        yield from ((f"body {'/'.join(map(str, tokens))}", str(each)) for tokens, each in _scalars(body, ()))
    except ValueError:
        yield "body", (request.body or b"").decode("latin-1")
