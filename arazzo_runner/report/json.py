"""JSON output of `run` and `validate`; the JSON Schemas in docs/schemas are a contract."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping

from arazzo_runner.base.files import size_of
from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.kinds import type_of
from arazzo_runner.base.secrets import TOO_DEEP, Secrets, is_secret_name
from arazzo_runner.base.settings import as_options
from arazzo_runner.engine.effects import Headers, HttpRequest, HttpResponse, NoResponse
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.engine.results import Attempt, MessageExchange, RunResult, StepResult, Verdict, Wait, WorkflowResult
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.report.bodies import readable
from arazzo_runner.report.escaping import json_text
from arazzo_runner.report.masking import (
    masked_body,
    masked_diagnostic,
    masked_headers,
    masked_outputs,
    masked_url,
)


def pretty(value: JsonValue) -> str:
    """Return a value as indented JSON that is harmless to a terminal."""
    return json_text(json.dumps(plain(value), ensure_ascii=False, indent=2, default=str)) + "\n"


# ------------------------------------------------------------------ run


def run_report(
    result: RunResult, *, show_secrets: bool = False, diagnostics: Iterable[Diagnostic] = ()
) -> dict[str, JsonValue]:
    """Return what `run --format json` prints. Secrets are masked; `show_secrets` unmasks the outputs only.

    `diagnostics` are further ones, such as those of the command line.
    """
    secrets = result.secrets
    found = dict.fromkeys((*diagnostics, *run_diagnostics(result)))
    return {
        "status": result.status,
        "workflowId": result.workflow_id,
        "outputs": shown_outputs(result, show_secrets=show_secrets),
        "steps": [_step(step, secrets) for step in result.steps],
        "diagnostics": [_diagnostic(masked_diagnostic(each, secrets)) for each in found],
        "reason": None if result.reason is None else secrets.mask(result.reason),
        "duration_ms": round(result.duration_ms, 3),
        "dependencies": [_workflow(workflow, secrets) for workflow in result.dependencies],
    }


def to_dict(
    record: RunResult | WorkflowResult | StepResult | Attempt | Diagnostic, secrets: Secrets | None = None
) -> dict[str, JsonValue]:
    """Return a record as plain JSON values, masked, in the shape that `--format json` prints.

    `secrets` are those of the run (`result.secrets`), to be masked in a part of a result; a RunResult has its own.
    """
    given: object = secrets
    if given is not None and not isinstance(given, Secrets):
        raise TypeError(f"secrets are those of a result, result.secrets, not {type_of(given)}")
    known = secrets or Secrets()
    match record:
        case RunResult():
            shown = run_report(record)
        case WorkflowResult():
            shown = _workflow(record, known)
        case StepResult():
            shown = _step(record, known)
        case Attempt():
            shown = _attempt(record, known)
        case Diagnostic():
            shown = _diagnostic(masked_diagnostic(record, known))
        case _:
            raise TypeError(f"to_dict takes a result, a part of one or a Diagnostic, not {type_of(record)}")
    return {name: plain(value) for name, value in shown.items()}


def error_report(workflow_id: str | None, diagnostics: Iterable[Diagnostic]) -> dict[str, JsonValue]:
    """Return what `run --format json` prints if nothing could be run."""
    found = list(diagnostics)
    errors = [each.message for each in found if each.severity is Severity.ERROR]
    return {
        "status": "error",
        "workflowId": workflow_id,
        "outputs": {},
        "steps": [],
        "diagnostics": [_diagnostic(each) for each in found],
        "reason": errors[0] if errors else None,
        "duration_ms": 0,
        "dependencies": [],
    }


def shown_outputs(result: RunResult, *, show_secrets: bool) -> dict[str, JsonValue]:
    """Return the workflow's outputs for stdout; one that could not be evaluated is null."""
    outputs = dict(result.outputs)
    if not show_secrets:
        outputs = masked_outputs(outputs, result.secret_outputs, result.secrets)
    return {**outputs, **dict.fromkeys(result.missing_outputs)}


def _step(step: StepResult, secrets: Secrets) -> dict[str, JsonValue]:
    secret = [name for name in step.outputs if is_secret_name(name)]
    record: dict[str, JsonValue] = {
        "stepId": step.step_id,
        "status": step.status,
        "attempts": [_attempt(attempt, secrets) for attempt in step.attempts],
        "outputs": {
            **masked_outputs(step.outputs, secret, secrets),
            **dict.fromkeys(step.missing_outputs),
        },
        "action": step.action,
        "reason": None if step.reason is None else secrets.mask(step.reason),
    }
    if step.findings:
        record["findings"] = [_diagnostic(masked_diagnostic(each, secrets)) for each in step.findings]
    if step.workflow is not None:
        record["workflow"] = _workflow(step.workflow, secrets)
    return record


def _workflow(workflow: WorkflowResult, secrets: Secrets) -> dict[str, JsonValue]:
    secret = [name for name in workflow.outputs if is_secret_name(name)]
    return {
        "workflowId": workflow.workflow_id,
        "status": workflow.status,
        "outputs": {**masked_outputs(workflow.outputs, secret, secrets), **dict.fromkeys(workflow.missing_outputs)},
        "steps": [_step(step, secrets) for step in workflow.steps],
        "reason": None if workflow.reason is None else secrets.mask(workflow.reason),
    }


def _attempt(attempt: Attempt, secrets: Secrets) -> dict[str, JsonValue]:
    return {
        "request": None if attempt.request is None else _request(attempt.request, secrets),
        "response": None if attempt.response is None else _response(attempt.response, secrets),
        **({} if attempt.message is None else {"message": _message_exchange(attempt.message, secrets)}),
        "criteria": [_verdict(verdict, secrets) for verdict in attempt.verdicts],
        "diagnostics": [_diagnostic(masked_diagnostic(each, secrets)) for each in attempt.diagnostics],
        "duration_ms": round(attempt.duration_ms, 3),
        "wait": None if attempt.wait is None else _wait(attempt.wait, secrets),
    }


def _wait(wait: Wait, secrets: Secrets) -> dict[str, JsonValue]:
    return {
        "seconds": round(wait.seconds, 3),
        "reason": wait.reason,
        "action": secrets.mask(wait.action),
        "origin": wait.origin,
        "skipped": wait.skipped,
    }


def _request(request: HttpRequest, secrets: Secrets) -> dict[str, JsonValue]:
    return {
        "method": request.method,
        "url": masked_url(request.url, secrets),
        "headers": _headers(request.headers, secrets),
        "body": shown_body(request.body, request.header("content-type"), secrets),
    }


def _response(response: HttpResponse | NoResponse, secrets: Secrets) -> dict[str, JsonValue]:
    if isinstance(response, NoResponse):
        return {
            "error": response.reason,
            "message": secrets.mask(response.message),
            "sent": response.sent,
            "elapsed_ms": round(response.elapsed_ms, 3),
        }
    return {
        "status": response.status,
        "headers": _headers(response.headers, secrets),
        "body": shown_body(response.body, response.header("content-type"), secrets),
        "elapsed_ms": round(response.elapsed_ms, 3),
    }


def _message_exchange(exchange: MessageExchange, secrets: Secrets) -> dict[str, JsonValue]:
    failure = exchange.failure
    return {
        "action": exchange.action,
        "source": exchange.source,
        "protocol": exchange.protocol,
        "server": masked_url(exchange.url, secrets),
        "address": secrets.mask(exchange.address),
        "correlationId": None if exchange.correlation is None else secrets.mask(exchange.correlation),
        "message": None if exchange.message is None else _message(exchange.message, secrets),
        "passedOver": exchange.passed_over,
        "retained": exchange.retained,
        "receivers": exchange.receivers,
        "error": None
        if failure is None
        else {"reason": failure.reason, "message": secrets.mask(failure.message), "sent": failure.sent},
    }


def _message(message: ChannelMessage, secrets: Secrets) -> dict[str, JsonValue]:
    return {
        "headers": _headers(message.headers, secrets),
        "contentType": None if message.content_type is None else secrets.mask(message.content_type),
        "key": None if message.key is None else secrets.mask(key_text(message.key)),
        "payload": shown_body(message.payload, message.content_type, secrets),
        "native": {name: secrets.mask_value(value) for name, value in message.native.items()},
    }


def key_text(key: bytes) -> str:
    """Return the key of a message as text; base64 when it is none."""
    try:
        return key.decode("utf-8")
    except UnicodeDecodeError:
        return b64encode(key).decode("ascii")


def shown_body(body: bytes | None, content_type: str | None, secrets: Secrets) -> JsonValue:
    """Return a body, masked: JSON parsed, multipart by its parts, bytes as `<1,204 bytes>`; None if it is empty."""
    value = readable(body, content_type) if body else MISSING
    return None if value is MISSING else masked_body(value, secrets)


def _headers(headers: Headers, secrets: Secrets) -> dict[str, JsonValue]:
    # Repeated headers are one list (RFC 9110 §5.2), except Set-Cookie, whose values hold commas.
    found: dict[str, JsonValue] = {}
    for name, value in masked_headers(headers, secrets):
        if name.lower() == "set-cookie":
            found.setdefault(name, []).append(value)
        else:
            found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _verdict(verdict: Verdict, secrets: Secrets) -> dict[str, JsonValue]:
    return {
        "condition": secrets.mask(verdict.condition),
        "type": verdict.type,
        "passed": verdict.passed,
        "seen": [_seen(each.expression, each.value, secrets) for each in verdict.seen],
        "reason": None if verdict.reason is None else secrets.mask(verdict.reason),
        "hint": None if verdict.hint is None else secrets.mask(verdict.hint),
        "default": verdict.default,
        **_location(verdict.at),
    }


def _seen(expression: str, value: JsonValue, secrets: Secrets) -> dict[str, JsonValue]:
    return {"expression": secrets.mask(expression), "value": masked_body(plain(value), secrets)}


def run_diagnostics(result: RunResult) -> Iterable[Diagnostic]:
    """Yield the Diagnostics of a run: of its documents, inputs and outputs, of its steps, of what it depended on."""
    yield from result.diagnostics
    yield from step_diagnostics(result.steps)
    for workflow in result.dependencies:
        yield from workflow.diagnostics
        yield from step_diagnostics(workflow.steps)


def step_diagnostics(steps: Iterable[StepResult]) -> Iterable[Diagnostic]:
    """Yield the Diagnostics that attempts recorded and those about failed steps, nested workflows included."""
    for step in steps:
        for attempt in step.attempts:
            yield from attempt.diagnostics
        yield from step.findings
        if step.workflow is not None:
            yield from step.workflow.diagnostics
            yield from step_diagnostics(step.workflow.steps)


# ------------------------------------------------------------------ validate


def validate_report(diagnostics: Iterable[Diagnostic]) -> dict[str, JsonValue]:
    """Return what `validate --format json` prints."""
    found = list(diagnostics)
    counts = {severity: sum(each.severity is severity for each in found) for severity in Severity}
    return {
        "diagnostics": [_diagnostic(each) for each in found],
        "summary": {
            "errors": counts[Severity.ERROR],
            "warnings": counts[Severity.WARNING],
            "infos": counts[Severity.INFO],
        },
    }


def _diagnostic(diagnostic: Diagnostic) -> dict[str, JsonValue]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        **_location(diagnostic.at),
        "hint": None if diagnostic.hint is None else as_options(diagnostic.hint),
        "related": [_location(at) for at in diagnostic.related],
        "fix": None if diagnostic.fix is None else "safe" if diagnostic.fix.is_safe else "unsafe",
    }


def _location(at: Location) -> dict[str, JsonValue]:
    return {"file": at.uri or None, "line": at.line, "column": at.column, "pointer": at.pointer}


def plain(value: JsonValue) -> JsonValue:
    """Return a value with MISSING as None, mappings as dicts, tuples as lists, bytes as `<1,204 bytes>`."""
    try:
        return _plain(value)
    except RecursionError:
        return TOO_DEEP


def _plain(value: JsonValue) -> JsonValue:
    if value is MISSING:
        return None
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return size_of(value)
    return value
