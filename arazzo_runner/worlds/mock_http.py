"""The mock API over the standard library's ThreadingHTTPServer, HTTP/1.1 with keep-alive."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

from arazzo_runner.engine.effects import HttpRequest, HttpResponse

MAX_BODY = 50_000_000


class Handler(Protocol):
    """What answers a request; anything but an HttpResponse closes the connection."""

    def handle(self, request: HttpRequest) -> object:
        """Answer one request."""


def make_server(api: Handler, host: str, port: int) -> ThreadingHTTPServer:
    """Return a server (not yet serving) whose requests `api` answers."""

    class RequestHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version = "arazzo-mock"
        wbufsize = -1
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            length = self.headers.get("Content-Length", "0")
            size = min(int(length), MAX_BODY) if length.isdigit() else 0
            body = self.rfile.read(size) if size else self._chunked()
            headers = tuple((name, value) for name, value in self.headers.items())
            answer = api.handle(HttpRequest(self.command, self.path, headers, body))
            if isinstance(answer, HttpResponse):
                self._write(answer)
            else:
                self.close_connection = True

        def _chunked(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return b""
            parts = bytearray()
            while size := int(self.rfile.readline(100).partition(b";")[0].strip() or b"0", 16):
                parts += self.rfile.read(size)
                self.rfile.readline(100)
                if len(parts) > MAX_BODY:
                    break
            self.rfile.readline(100)
            return bytes(parts)

        def _write(self, answer: HttpResponse) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            if answer.status != 204 and answer.status != 304:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD" and answer.status not in (204, 304):
                self.wfile.write(answer.body)

        def __getattr__(self, name: str) -> Any:
            if name.startswith("do_"):
                return self._serve
            raise AttributeError(name)

        def log_message(self, format: str, *args: Any) -> None:
            """Stay quiet: the api keeps the log."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away is no error."""

    return Server((host, port), RequestHandler)
