"""Records of a run, made by hand, for the tests of reports."""

from __future__ import annotations

import json
from typing import Any

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import read
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.engine.results import Attempt, RunResult, Seen, StepResult, Verdict
from arazzo_runner.errors import Location

TOKEN = "tok-0123456789abcdef"
TEXT = "steps:\n  - stepId: refresh\n    successCriteria:\n    - condition: $statusCode == 200\n"


def place(pointer: str) -> Location:
    """Return a place in TEXT."""
    document = read(TEXT.encode(), "flow.yml", Problems())
    assert document is not None
    return document.at(pointer)


def request(**changes: Any) -> HttpRequest:
    """Return a request that holds a secret in every place."""
    values: dict[str, Any] = {
        "method": "POST",
        "url": f"https://user:pw@api.example.com/auth?api_key=k1&code={TOKEN}",
        "headers": (("Content-Type", "application/json"), ("Authorization", f"Bearer {TOKEN}")),
        "body": json.dumps({"refresh_token": TOKEN, "note": "it's", "password": "pw1"}).encode(),
    }
    return HttpRequest(**{**values, **changes})


def response(status: int = 401, body: Any = None, content_type: str = "application/json") -> HttpResponse:
    """Return a response; `body` is JSON unless it is bytes."""
    raw = body if isinstance(body, bytes) else json.dumps(body or {"error": "invalid_grant", "was": TOKEN}).encode()
    return HttpResponse(status, (("Content-Type", content_type), ("Set-Cookie", "sid=abc; Path=/")), raw, 31.0)


def verdict(**changes: Any) -> Verdict:
    """Return the verdict of a criterion that does not hold."""
    values: dict[str, Any] = {
        "condition": "$statusCode == 200",
        "type": "simple",
        "passed": False,
        "seen": (Seen(expression="$statusCode", value=401),),
        "reason": "$statusCode is 401, expected == 200",
        "at": place("/steps/0/successCriteria/0/condition"),
    }
    return Verdict(**{**values, **changes})


def attempt(**changes: Any) -> Attempt:
    """Return an attempt that failed."""
    values: dict[str, Any] = {
        "number": 1,
        "request": request(),
        "response": response(),
        "verdicts": (verdict(),),
        "duration_ms": 31.0,
    }
    return Attempt(**{**values, **changes})


def step(**changes: Any) -> StepResult:
    """Return a step that failed."""
    values: dict[str, Any] = {
        "step_id": "refresh",
        "status": "failed",
        "attempts": (attempt(),),
        "reason": "$statusCode is 401, expected == 200",
        "at": place("/steps/0"),
    }
    return StepResult(**{**values, **changes})


def result(**changes: Any) -> RunResult:
    """Return a run that failed at its only step."""
    values: dict[str, Any] = {
        "status": "failed",
        "workflow_id": "rotate",
        "steps": (step(),),
        "reason": "$statusCode is 401, expected == 200",
        "duration_ms": 40.0,
        "secrets": Secrets([TOKEN]),
    }
    return RunResult(**{**values, **changes})
