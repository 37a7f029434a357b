"""A loopback server with single-use refresh tokens: one presented twice revokes the whole family (RFC 9700 §4.14.2).

Crash tests are checked against its log: the requests it acted on, in order. It can kill the client in the
middle of an exchange: after it has acted, before it answers.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import Reply, Request, json_reply, serving

FIRST = "refresh-token-number-1"


@dataclass
class Acted:
    """One request that the server acted on, and its answer."""

    method: str
    path: str
    body: Any
    status: int
    answer: Any

    @property
    def request(self) -> str:
        return f"{self.method} {self.path} {json.dumps(self.body, sort_keys=True)}"


@dataclass
class Tokens:
    """The server's state. `busy` answers 503 to the first so many requests of a path."""

    url: str = ""
    log: list[Acted] = field(default_factory=list)
    live: set[str] = field(default_factory=lambda: {FIRST})
    spent: set[str] = field(default_factory=set)
    revoked: bool = False
    issued: int = 1
    busy: dict[str, int] = field(default_factory=lambda: {"/me": 1, "/notes": 1})
    kill: tuple[str, int] | None = None
    client: int | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self, method: str, path: str, body: Any) -> Acted:
        with self.lock:
            status, answer = self._answer(path, body)
            acted = Acted(method, path, body, status, answer)
            self.log.append(acted)
            return acted

    def _answer(self, path: str, body: Any) -> tuple[int, Any]:
        if self.busy.get(path, 0) > 0:
            self.busy[path] -= 1
            return 503, {"detail": "not now"}
        if path == "/me":
            return 200, {"name": "me"}
        if path == "/notes":
            return 201, {"id": sum(each.path == "/notes" for each in self.log)}
        token = body["refresh_token"]
        if path == "/auth/revoke":
            self.live.discard(token)
            return 200, {}
        if token in self.spent or self.revoked:
            self.revoked = True
            self.live.clear()
            return 401, {"detail": "used before: all tokens of the family are revoked"}
        self.live.discard(token)
        self.spent.add(token)
        self.issued += 1
        fresh = f"refresh-token-number-{self.issued}"
        self.live.add(fresh)
        return 200, {"access_token": f"access-token-number-{self.issued}", "refresh_token": fresh}

    def strike(self, path: str) -> None:
        """Kill the client when this is the exchange it shall not survive."""
        if self.kill is None or self.client is None or self.kill[0] != path:
            return
        left = self.kill[1] - 1
        self.kill = (path, left) if left else None
        if not left:
            os.kill(self.client, signal.SIGKILL)

    def twice(self) -> list[str]:
        """Unsafe requests that the server acted on more than once (503 does not count)."""
        unsafe = [each.request for each in self.log if each.method != "GET" and each.status != 503]
        return sorted({request for request in unsafe if unsafe.count(request) > 1})


@contextmanager
def token_server() -> Iterator[Tokens]:
    """Serve on a free port."""
    tokens = Tokens()

    def answer(request: Request) -> Reply:
        acted = tokens.act(request.method, request.target, request.json)
        tokens.strike(request.target)
        return json_reply(acted.answer, acted.status)

    with serving(answer) as server:
        tokens.url = server.url
        yield tokens
