"""Differences of a replayed run from its cassette, as Diagnostics located at the part of the step that differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from arazzo_runner.base.json_values import MISSING, JsonValue, preview
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.results import RunResult
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.program.model import CompiledStep, Program

_LONG = 60


class RequestDrift(Record):
    """One difference of a run from its cassette.

    `kind` is differs, unrecorded or unplayed; `key` is the effect's key, `request` is "POST https://…";
    `part` and `name` name the part that differs, `was` and `now` are its values.
    """

    kind: str
    key: str
    request: str
    part: str = ""
    name: str = ""
    was: JsonValue = MISSING
    now: JsonValue = MISSING
    at: Location | None = None


def drift_diagnostics(program: Program, drifts: Iterable[RequestDrift], secrets: Secrets) -> Iterator[Diagnostic]:
    """Yield each difference as a Diagnostic at its location in the document, secrets masked."""
    for drift in drifts:
        if drift.kind == "differs":
            yield _differs(program, drift, secrets)
        elif drift.kind == "unrecorded":
            message = f"{drift.request} ({drift.key}) is not in the cassette"
            yield _error("request-unrecorded", message, drift.at or program.workflow.at)
        else:
            message = f"{drift.request} ({drift.key}) was recorded, and the run did not send it"
            yield _error("request-unplayed", message, program.workflow.at)


def outcome_diagnostics(
    program: Program, result: RunResult, status: str, outputs: dict[str, JsonValue], secrets: Secrets
) -> Iterator[Diagnostic]:
    """Yield differences of status and outputs from those recorded, secrets masked."""
    at = program.workflow.at
    if result.status != status:
        yield _error("outcome-differs", f"the recorded run {status}, this one {result.status}", at)
        return
    for name in dict.fromkeys((*outputs, *result.outputs)):
        was, now = outputs.get(name, MISSING), result.outputs.get(name, MISSING)
        if was != now:
            message = f'output "{name}" {_changed(was, now, secrets)}'
            yield _error("outcome-differs", message, at.child("outputs").child(name))


def _differs(program: Program, drift: RequestDrift, secrets: Secrets) -> Diagnostic:
    what = " ".join(filter(None, (drift.part, drift.name)))
    message = f"{drift.key}: the request's {what} {_changed(drift.was, drift.now, secrets)}"
    return _error("request-differs", message, _location(program, drift))


def _changed(was: JsonValue, now: JsonValue, secrets: Secrets) -> str:
    # Mask before cutting: the rest of a secret that is cut at its front is not recognised.
    was, now = secrets.mask_value(was), secrets.mask_value(now)
    if was is MISSING:
        return f"was not there, now it is {preview(now)}"
    if now is MISSING:
        return f"was {preview(was)}, now it is not there"
    if isinstance(was, str) and isinstance(now, str) and max(len(was), len(now)) > _LONG:
        was, now = _around_the_change(was, now)
    return f"was {preview(was)}, now it is {preview(now)}"


def _around_the_change(was: str, now: str) -> tuple[str, str]:
    """Cut two long texts to the part where they begin to differ."""
    same = next((index for index, pair in enumerate(zip(was, now, strict=False)) if pair[0] != pair[1]), len(was))
    start = max(0, min(same, len(now)) - 20)
    cut = tuple(("…" if start else "") + text[start : start + _LONG] for text in (was, now))
    return cut[0], cut[1]


def _location(program: Program, drift: RequestDrift) -> Location:
    """Return the location of the parameter or payload that differs, else of the step."""
    if drift.at is None:
        return program.workflow.at
    step = _step_at(program, drift.at)
    if step is None:
        return drift.at
    if drift.part == "body" and step.body is not None:
        return step.body.at
    for parameter in step.parameters:
        if parameter.location == drift.part and parameter.name.lower() == drift.name.lower():
            return parameter.at
    return drift.at


def _step_at(program: Program, at: Location) -> CompiledStep | None:
    steps = (step for workflow in program.workflows.values() for step in workflow.steps)
    return next((step for step in steps if step.at == at), None)


def _error(code: str, message: str, at: Location) -> Diagnostic:
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, at=at)
