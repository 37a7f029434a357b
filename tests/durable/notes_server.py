"""A loopback server of notes: its log counts each request; its answers may be delayed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.loopback import Reply, Request, json_reply, serving


@dataclass
class Notes:
    """Received requests: `added` counts the texts of new notes, `asked` the other requests, which wait `asking_delay` longer."""

    url: str = ""
    delay: float = 0.0
    asking_delay: float = 0.0
    added: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def total(self) -> int:
        return self.added.total() + self.asked.total()

    def twice(self) -> list[str]:
        """Unsafe requests that came more than once."""
        found = [text for text, times in self.added.items() if times > 1]
        return found + [path for path, times in self.asked.items() if times > 1 and path.endswith("/publish")]

    def act(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        with self.lock:
            if path == "/notes":
                self.added[body["text"]] += 1
                return 201, {"id": self.added.total()}
            self.asked[path] += 1
            return 200, {}


@contextmanager
def notes_server(delay: float = 0.0) -> Iterator[Notes]:
    """Serve on a free port."""
    notes = Notes(delay=delay)

    def answer(request: Request) -> Reply:
        status, body = notes.act(request.method, request.target, request.json)
        time.sleep(notes.delay + (0.0 if request.target == "/notes" else notes.asking_delay))
        return json_reply(body, status)

    with serving(answer) as server:
        notes.url = server.url
        yield notes
