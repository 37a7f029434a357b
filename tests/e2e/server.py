"""A loopback server that plays a conversation: a real HTTP exchange for every answer written down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import Reply, Request, serving


@dataclass
class Answer:
    """One answer; `body` is JSON unless it is bytes; `hold` makes the server wait for that event first."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    hold: threading.Event | None = None


@dataclass
class Received:
    """One request as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Conversation:
    """The server's side: answers by `METHOD path` in order (the last one repeats), and what was asked."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, number: int, seconds: float = 10.0) -> bool:
        """Wait until so many requests have come."""
        with self.arrived:
            return self.arrived.wait_for(lambda: len(self.received) >= number, seconds)


@contextmanager
def conversation(script: Mapping[str, Sequence[Answer]]) -> Iterator[Conversation]:
    """Serve a script on a free port."""
    left = {request: list(answers) for request, answers in script.items()}

    def reply(request: Request) -> Reply:
        headers = {name.lower(): value for name, value in request.headers.items()}
        with heard.arrived:
            heard.received.append(Received(request.method, request.target, headers, request.body))
            heard.arrived.notify_all()
        path = request.target.partition("?")[0]
        answers = left.get(f"{request.method} {path}", [Answer(404, {"error": "no such path"})])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.hold is not None:
            answer.hold.wait(20)
        data = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
        return Reply(answer.status, data, list({"Content-Type": "application/json", **answer.headers}.items()))

    heard = Conversation()
    with serving(reply) as server:
        heard.url = server.url
        yield heard
