"""How a mock says that a request is wrong: problem documents (RFC 9457), and the exception that leads to one."""

from __future__ import annotations

import json

from arazzo_runner.engine.effects import Headers, HttpResponse


class Refused(Exception):
    """A request that is answered with an error: `status` and `detail` are those of its problem document."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def problem(status: int, detail: str, headers: Headers = ()) -> HttpResponse:
    """Return an error answer as application/problem+json."""
    body = json.dumps({"title": "arazzo mock", "status": status, "detail": detail}).encode()
    return HttpResponse(status, (("Content-Type", "application/problem+json"), *headers), body)
