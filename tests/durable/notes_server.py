"""A loopback server of notes: its log tells how often each request came; its answers may take a while."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Notes:
    """What came: `added` counts the texts of new notes, `asked` the other requests, which wait `asking_delay` longer."""

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

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def _exchange(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = notes.act(self.command, self.path, json.loads(body) if body else None)
            time.sleep(notes.delay + (0.0 if self.path == "/notes" else notes.asking_delay))
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _exchange

        def log_message(self, format: str, *args: Any) -> None:
            """Keep the output clean."""

        def handle(self) -> None:
            with suppress(ConnectionError):
                super().handle()

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    server = Server(("127.0.0.1", 0), Handler)
    notes.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield notes
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
