"""Reports of runs as other commands read them: which run, and the context that its expressions had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.cli.errors import usage_error
from arazzo_runner.errors import InvalidUsage, similar_or_all
from arazzo_runner.report.terminal.console import count

_Record = Mapping[str, JsonValue]


def is_report(value: JsonValue) -> bool:
    """Return whether a value is what `run --format json` or `run --report json=FILE` writes."""
    return isinstance(value, dict) and isinstance(value.get("runs", value.get("steps")), list)


def run_of(report: _Record, name: str | None = None, *, choice: str = "say which with --run NAME") -> _Record:
    """Return a run of a report: the one of this name, or the only one.

    Raises InvalidUsage if there is none or are several; `choice` says what to do about it.
    """
    runs = _records(report["runs"]) if "runs" in report else [report]
    if name is None and len(runs) == 1:
        return runs[0]
    names = [str(each.get("name") or each.get("workflowId") or "") for each in runs]
    if name in names:
        return runs[names.index(name)]
    if name is None:
        raise _refusal(f"the report has {count(len(runs), 'run')}", f"{choice}: {', '.join(names)}")
    hint = similar_or_all(name, names)
    raise _refusal(f'--run: the report has no run "{name}"', hint)


def context_of(run: _Record, step_id: str | None = None) -> dict[str, JsonValue]:
    """Return the context at the end of a run, as `arazzo eval` reads it.

    Request and response, or the message, are those of a step, or of the last step that has some. Raises InvalidUsage
    when the run has no such step.
    """
    steps = list(_steps(run))
    context: dict[str, JsonValue] = {
        "outputs": run.get("outputs", {}),
        "steps": {each["stepId"]: each.get("outputs", {}) for each in steps if each.get("status") != "skipped"},
        "workflows": {each["workflowId"]: {"outputs": each.get("outputs", {})} for each in _workflows(run)},
    }
    every = list(_nested(run))
    if step_id is not None and step_id not in (names := list(dict.fromkeys(each["stepId"] for each in every))):
        hint = similar_or_all(step_id, names)
        raise _refusal(f'--step: the run has no step "{step_id}"', hint)
    chosen = steps if step_id is None else [each for each in every if each["stepId"] == step_id]
    attempts = [each for step in chosen for each in _records(step.get("attempts")) if _is_exchange(each)]
    return context | (_exchange(attempts[-1]) if attempts else {})


def _is_exchange(attempt: _Record) -> bool:
    return bool(_record(attempt.get("request")) or _channel_message(attempt))


def _channel_message(attempt: _Record) -> _Record:
    """Return the message that was sent or came in an attempt, {} for none."""
    return _record(_record(attempt.get("message")).get("message"))


def _exchange(attempt: _Record) -> dict[str, JsonValue]:
    """Return the part of a context that one request and its response make, or one message."""
    if message := _channel_message(attempt):
        payload = message.get("payload")
        return {"message": {"header": message.get("headers", {})} | ({} if payload is None else {"payload": payload})}
    request, response = _record(attempt.get("request")), _record(attempt.get("response"))
    url = str(request.get("url", ""))
    query = dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))
    shown = {"url": url, "method": request.get("method"), "request": {**_message(request), "query": query}}
    if "status" in response:
        shown |= {"statusCode": response["status"], "response": _message(response)}
    return shown


def _message(record: _Record) -> dict[str, JsonValue]:
    body = record.get("body")
    return {"header": record.get("headers", {})} | ({} if body is None else {"body": body})


def _nested(run: _Record) -> Iterator[_Record]:
    """Yield every visit of a step, those of the workflows that steps called included."""
    for step in _steps(run):
        yield step
        yield from _nested(_record(step.get("workflow")))


def _workflows(run: _Record) -> Iterator[_Record]:
    found = [*_records(run.get("dependencies")), *(_record(step.get("workflow")) for step in _steps(run))]
    return (each for each in found if isinstance(each.get("workflowId"), str))


def _steps(run: _Record) -> list[_Record]:
    return [each for each in _records(run.get("steps")) if isinstance(each.get("stepId"), str)]


def _records(value: JsonValue) -> list[_Record]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _record(value: JsonValue) -> _Record:
    return value if isinstance(value, dict) else {}


def _refusal(message: str, hint: str | None) -> InvalidUsage:
    return InvalidUsage([usage_error(message, hint=hint)])
