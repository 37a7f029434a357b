"""A World with scripted answers, whose clock advances only when something waits.

For tests and conformance cases: `{request: answers}` instead of a mocked HTTP layer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, assert_never, cast
from urllib.parse import urlsplit

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, field
from arazzo_runner.engine.effects import (
    Answer,
    Effect,
    HttpRequest,
    HttpResponse,
    NoResponse,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    known,
)
from arazzo_runner.runtime.files import read_upload

START = 1_700_000_000.0


class ScriptedWorld(MutableRecord):
    """Answers each request from the first entry that names it and is not used up.

    An entry is a mapping: `request` ("GET /pets", without the server), `status`, `headers`,
    `body` (JSON or text), `times` (default 1, 0 without limit), or `fails` (a NoResponse reason, with
    `sent`). Files are read. `requests` and `waits` record what was asked; `now` is the virtual time in seconds.
    """

    script: Iterable[Mapping[str, JsonValue]]
    requests: list[HttpRequest] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    now: float = START
    _left: list[tuple[Mapping[str, JsonValue], int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._left = [(entry, int(entry.get("times", 1)) or 1_000_000) for entry in self.script]

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect."""
        return cast(Answer, self._perform(effect))

    def _perform(self, effect: Effect[Any]) -> object:
        match found := known(effect):
            case SendRequest():
                self.keys.append(found.key)
                self.requests.append(found.request)
                return self._answer(found)
            case ReadFile():
                return read_upload(found)
            case Now():
                return self.now
            case Sleep():
                self.waits.append(found.seconds)
                self.now += found.seconds
                return None
            case _:
                assert_never(found)

    def _answer(self, effect: SendRequest) -> HttpResponse | NoResponse:
        asked = f"{effect.request.method} {urlsplit(effect.request.url).path}"
        for index, (entry, times) in enumerate(self._left):
            if times > 0 and entry["request"] == asked:
                self._left[index] = (entry, times - 1)
                return self._entry_answer(entry, effect)
        return HttpResponse(404, (("content-type", "text/plain"),), b"nothing is scripted for " + asked.encode())

    def _entry_answer(self, entry: Mapping[str, JsonValue], effect: SendRequest) -> HttpResponse | NoResponse:
        took = float(entry.get("seconds", 0.0))
        if took > effect.timeout:
            self.now += effect.timeout
            return NoResponse("timeout", f"no full response within {effect.timeout:g} s", True, effect.timeout * 1000)
        self.now += took
        if "fails" in entry:
            return NoResponse(entry["fails"], f"scripted: {entry['fails']}", bool(entry.get("sent", False)))
        body = entry.get("body")
        headers = [(str(name), str(value)) for name, value in dict(entry.get("headers") or {}).items()]
        raw = b""
        if body is not None:
            raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            if not any(name.lower() == "content-type" for name, _ in headers):
                headers.append(("content-type", "text/plain" if isinstance(body, str) else "application/json"))
        return HttpResponse(int(entry.get("status", 200)), tuple(headers), raw, took * 1000)
