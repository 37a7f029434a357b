"""Answers to effects as plain JSON and back: what the journal holds."""

from __future__ import annotations

import base64
import json
from hashlib import sha256
from typing import Any

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.records import Decision
from arazzo_runner.engine.effects import HttpResponse, NoFile, NoResponse
from arazzo_runner.errors import InvalidUsage

Given = HttpResponse | NoResponse


def answer_to_json(answer: Given, *, unknown: bool = False) -> dict[str, JsonValue]:
    """Return an answer as a JSON value; `unknown` marks an unsafe request of unknown outcome."""
    if isinstance(answer, NoResponse):
        found: dict[str, JsonValue] = {"none": answer.reason, "message": answer.message, "sent": answer.sent}
        if answer.code is not None:
            found |= {"code": answer.code, "hint": answer.hint}
    else:
        headers: list[JsonValue] = [[name, value] for name, value in answer.headers]
        found = {"status": answer.status, "headers": headers, **_body_to_json(answer.body)}
    found["ms"] = answer.elapsed_ms
    return {**found, "unknown": True} if unknown else found


def answer_from_json(value: Any) -> Given:
    """Read what `answer_to_json` gave."""
    if "none" in value:
        reported = value.get("code"), value.get("hint")
        return NoResponse(value["none"], value["message"], value["sent"], value["ms"], *reported)
    headers = tuple((name, text) for name, text in value["headers"])
    return HttpResponse(value["status"], headers, _body_from_json(value), value["ms"])


def file_to_json(answer: bytes | NoFile) -> dict[str, JsonValue]:
    """Return what the journal holds of a file that was read: its size and digest, or why it was not read."""
    if isinstance(answer, NoFile):
        return {"none": answer.message}
    return {"size": len(answer), "sha256": sha256(answer).hexdigest()}


def _body_to_json(body: bytes) -> dict[str, JsonValue]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


def _body_from_json(value: Any) -> bytes:
    return base64.b64decode(value["base64"]) if "base64" in value else value["text"].encode("utf-8")


def decision_to_json(decision: Decision) -> dict[str, JsonValue]:
    """Return a decision as a JSON value."""
    given = None if decision.answer is None else answer_to_json(decision.answer)
    return {"as": decision.kind, "answer": given}


def decision_from_json(value: Any) -> Decision:
    """Read what `decision_to_json` gave."""
    given = value["answer"]
    return Decision(kind=value["as"], answer=None if given is None else answer_from_json(given))


FAILED = NoResponse("interrupted", "a person decided that the request had no effect", sent=False)


def read_answer(text: str, file: str) -> HttpResponse:
    """Read an answer that a person wrote down: `{"status": 200, "headers": {…}, "body": …}`.

    A body that is no text is JSON, and says so in its content type unless the headers do.
    Raises InvalidUsage.
    """
    try:
        value = json.loads(text)
    except ValueError as problem:
        raise _not_an_answer(f"it is no JSON ({problem})", file) from None
    if not isinstance(value, dict) or not isinstance(value.get("status"), int) or isinstance(value["status"], bool):
        raise _not_an_answer("it needs a number under status", file)
    headers = value.get("headers") or {}
    if not isinstance(headers, dict) or not all(isinstance(each, str) for each in headers.values()):
        raise _not_an_answer("headers must be a mapping of texts", file)
    pairs = list(headers.items())
    body = value.get("body")
    if body is not None and not isinstance(body, str):
        if not any(name.lower() == "content-type" for name in headers):
            pairs.append(("Content-Type", "application/json"))
        body = json.dumps(body)
    return HttpResponse(value["status"], tuple(pairs), (body or "").encode("utf-8"))


def _not_an_answer(why: str, file: str) -> InvalidUsage:
    hint = 'write {"status": 200, "headers": {}, "body": {}}; status is needed'
    return refusal(f"{file} holds no answer: {why}", code="invalid-decision", hint=hint)
