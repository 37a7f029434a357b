"""The journal of a run: an ordered list of entries, one checkpoint each, and their values as JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Protocol

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.records import Decision, Doubt
from arazzo_runner.engine.effects import HttpResponse, NoFile, NoResponse
from arazzo_runner.errors import InvalidUsage

BEGUN, DECIDED, ANSWERED = "begun", "decided", "answered"
Given = HttpResponse | NoResponse


class Entry(Record):
    """One checkpoint: `name` is `<effect key> <kind>`."""

    name: str
    value: Any

    @property
    def key(self) -> str:
        """The key of its effect."""
        return self.name.rpartition(" ")[0]

    @property
    def kind(self) -> str:
        """begun, decided or answered."""
        return self.name.rpartition(" ")[2]


class Journal(Protocol):
    """Stores the entries of one run.

    `interrupt` is a cancellation that came while an entry was written; it is to be raised before the next effect.
    """

    interrupt: BaseException | None

    @property
    def entries(self) -> Sequence[Entry]:
        """The entries recorded before this execution began."""

    async def append(self, name: str, value: JsonValue) -> Any:
        """Record an entry and return its value, which is then on disk; during replay return the recorded value.

        Raises LostOwnership if another process has taken the run over; nothing may be sent then.
        """


class LostOwnership(KeyboardInterrupt):
    """Another process has taken the run over; this one must stop without further effects."""


class InDoubt(KeyboardInterrupt):
    """The outcome of unsafe requests is unknown, and the run waits for a decision.

    Ends the interpreter like an interruption, so that no further effect happens.
    """

    def __init__(self, doubts: tuple[Doubt, ...]) -> None:
        super().__init__("in doubt")
        self.doubts = doubts


class OpenDoubts:
    """The requests of unknown outcome at the end of a journal: begun and not answered, or answered by nothing.

    About the latter a person can decide as long as no other entry follows.
    """

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._begun: dict[str, Doubt] = {}
        self._unknown: dict[str, Doubt] = {}
        for entry in entries:
            self.add(entry)

    def add(self, entry: Entry) -> None:
        """Add the next entry."""
        sends = {key: (each, _doubt(key, each, entry)) for key, each in entry.value.get("unsafe", {}).items()}
        if entry.kind == ANSWERED:
            for key in sends:
                self._begun.pop(key, None)
            unknown = {key: doubt for key, (each, doubt) in sends.items() if each.get("unknown")}
            self._unknown = {**self._unknown, **unknown} if unknown else {}
            return
        for key in entry.value.get("decided", {}):
            self._begun.pop(key, None)
        self._begun.update({key: doubt for key, (_, doubt) in sends.items()})
        self._unknown = {}

    @property
    def open(self) -> tuple[Doubt, ...]:
        """The requests of unknown outcome."""
        return (*self._begun.values(), *self._unknown.values())


def _doubt(key: str, sent: Any, entry: Entry) -> Doubt:
    return Doubt(key=key, method=sent["method"], url=sent["url"], token=entry.value["by"])


def open_doubts(entries: Sequence[Entry]) -> tuple[Doubt, ...]:
    """Return the requests of unknown outcome at the end of a journal."""
    return OpenDoubts(entries).open


# ------------------------------------------------------------------ values of entries


def answer_to_json(answer: Given, *, unknown: bool = False) -> dict[str, JsonValue]:
    """Return a response as a JSON value; `unknown` marks an unsafe request of unknown outcome."""
    if isinstance(answer, NoResponse):
        found: dict[str, JsonValue] = {"none": answer.reason, "message": answer.message, "sent": answer.sent}
        if answer.code is not None or answer.hint is not None:
            found |= {"code": answer.code, "hint": answer.hint}
    else:
        headers: list[JsonValue] = [[name, value] for name, value in answer.headers]
        found = {"status": answer.status, "headers": headers, **_body_to_json(answer.body)}
    found["ms"] = answer.elapsed_ms
    return {**found, "unknown": True} if unknown else found


def answer_from_json(value: Any) -> Given:
    """Return the response of a JSON value."""
    if "none" in value:
        reported = value.get("code"), value.get("hint")
        return NoResponse(value["none"], value["message"], value["sent"], value["ms"], *reported)
    headers = tuple((name, text) for name, text in value["headers"])
    return HttpResponse(value["status"], headers, _body_from_json(value), value["ms"])


def file_to_json(answer: bytes | NoFile) -> dict[str, JsonValue]:
    """Return the size and digest of a file's content as a JSON value, or why it could not be read."""
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
    """Return the decision of a JSON value."""
    given = value["answer"]
    return Decision(kind=value["as"], answer=None if given is None else answer_from_json(given))


FAILED = NoResponse("interrupted", "a person decided that the request had no effect", sent=False)


def read_answer(text: str, file: str) -> HttpResponse:
    """Return the response in a JSON file written by a person: `{"status": 200, "headers": {…}, "body": …}`.

    A body other than a string is sent as JSON, with that content type unless the headers have one.
    Raises InvalidUsage.
    """
    try:
        value = json.loads(text)
    except ValueError as problem:
        raise _not_an_answer(f"it is not JSON ({problem})", file) from None
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
    return refusal(f"{file} is not a response: {why}", code="invalid-decision", hint=hint)
