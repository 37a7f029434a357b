"""One attempt at a step that calls an operation: build the request, send it, judge the response."""

from __future__ import annotations

from collections.abc import Iterable

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import header_secrets, url_secrets
from arazzo_runner.engine.checks import check_request, check_response, errors_in, failed_checks
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.engine.criteria import default_verdict, judge_all
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse, SendRequest
from arazzo_runner.engine.outputs import Outputs, evaluated, is_documented
from arazzo_runner.engine.request import BuiltRequest, build_request
from arazzo_runner.engine.resolve import CannotBuild
from arazzo_runner.engine.results import Attempt, Verdict
from arazzo_runner.engine.state import Frame, Run
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.program.model import CompiledStep, OperationCall
from arazzo_runner.sources.http_media.media import decode_body


class Tried(Record):
    """An attempt and what later decisions need of it.

    `scope` includes the response. `built` is False when no request could be built, `again` True when it may be
    another time though nothing changes, `unknown` True when an unsafe request may or may not have been acted on,
    `final` True when no action may follow.
    """

    attempt: Attempt
    scope: Scope
    outputs: dict[str, JsonValue]
    missing: tuple[str, ...] = ()
    built: bool = True
    again: bool = False
    unknown: bool = False
    final: bool = False


async def try_operation(run: Run, frame: Frame, step: CompiledStep, call: OperationCall, number: int) -> Tried:
    """Build and send the step's request once and judge the response (Arazzo §Step Object)."""
    key = frame.key(step.step_id)
    started = await run.tick(key)
    scope = frame.scope(run, later=step.later)
    try:
        built = await build_request(step, call, scope, run, key, started)
    except CannotBuild as problem:
        attempt = Attempt(number=number, started=started, diagnostics=(problem.diagnostic,))
        return Tried(attempt, scope, {}, built=False)
    _register_request_secrets(run, built)
    findings = check_request(step, call, built, run.options.checks, run.unknown_formats)
    if errors_in(findings):
        attempt = Attempt(number=number, started=started, request=built.request, diagnostics=findings + built.notes)
        return Tried(attempt, scope, {}, built=False)
    built = replace(built, notes=built.notes + findings) if findings else built
    if run.stop is not None:
        return Tried(Attempt(number=number, started=started, request=built.request), scope, {}, built=False)
    effect = _effect(run, step, call, key, built, started)
    answer = await run.send(effect)
    shown = run.access.shown(effect)
    if isinstance(answer, HttpResponse):
        return _judged(run, frame, step, call, number, started, built, shown, answer)
    assert isinstance(answer, NoResponse)
    return _unanswered(run, frame, step, call, key, number, started, built, shown, answer)


def _effect(
    run: Run, step: CompiledStep, call: OperationCall, key: str, built: BuiltRequest, started: float
) -> SendRequest:
    timeout = step.timeout if step.timeout is not None else run.options.timeout
    left = run.time_left()
    return SendRequest(
        key=key,
        safe=call.operation.safe,
        request=built.request,
        timeout=timeout if left is None else min(timeout, left),
        cookies=run.options.cookies,
        jar=run.jar if built.takes_cookies else Jar(),
        began=started,
        source=call.source,
        server=call.server,
        operation=f"{call.operation.uri}#{call.operation.pointer}",
        security=call.operation.security,
        schemes=call.operation.security_schemes,
        at=step.at,
    )


def _judged(
    run: Run,
    frame: Frame,
    step: CompiledStep,
    call: OperationCall,
    number: int,
    started: float,
    built: BuiltRequest,
    shown: HttpRequest,
    response: HttpResponse,
) -> Tried:
    message, note = _message(response, step)
    _register_secrets(run, header_secrets(response.headers), response.header("Content-Type"), message.body)
    run.keep_cookies(built.request.url, response.headers, started)
    scope = _scope(run, frame, built, message, response.status)
    verdicts: tuple[Verdict, ...] = judge_all(step.criteria, scope, run.options.criterion_timeout)
    if not step.criteria:
        verdicts = (default_verdict(response, call.operation, step.at),)
    findings = check_response(step, call, built, response, message.body, run.options.checks, run.unknown_formats)
    verdicts += failed_checks(findings, step.at)
    made = _outputs(run, step, call, scope, response.status)
    passed = all(verdict.passed for verdict in verdicts)
    attempt = Attempt(
        number=number,
        started=started,
        request=shown,
        response=response,
        verdicts=verdicts,
        diagnostics=built.notes + _redirects(response, step) + note + findings + (made.findings if passed else ()),
        duration_ms=response.elapsed_ms,
        passed=passed,
    )
    return Tried(attempt, scope, made.values, made.missing)


def _unanswered(
    run: Run,
    frame: Frame,
    step: CompiledStep,
    call: OperationCall,
    key: str,
    number: int,
    started: float,
    built: BuiltRequest,
    shown: HttpRequest,
    answer: NoResponse,
) -> Tried:
    request = built.request
    unknown = answer.sent and not _repeatable(run, call, request)
    if unknown:
        run.unknown[key] = f"{request.method} {request.url}"
    attempt = Attempt(
        number=number,
        started=started,
        request=shown,
        response=answer,
        diagnostics=built.notes + _reported(answer, step),
        duration_ms=answer.elapsed_ms,
    )
    return Tried(attempt, _scope(run, frame, built, None, MISSING), {}, unknown=unknown)


def _redirects(response: HttpResponse, step: CompiledStep) -> tuple[Diagnostic, ...]:
    """Return notes on the redirects of an exchange: those that were followed, and one that was refused."""
    found = []
    if response.redirects:
        message = f"redirected to {' and then to '.join(response.redirects)}"
        found.append(Diagnostic(code="redirected", severity=Severity.INFO, message=message, at=step.at))
    if response.refused is not None:
        found.append(
            Diagnostic(code="redirect-refused", severity=Severity.WARNING, message=response.refused, at=step.at)
        )
    return tuple(found)


def _reported(answer: NoResponse, step: CompiledStep) -> tuple[Diagnostic, ...]:
    if answer.code is None:
        return ()
    message = f'step "{step.step_id}": {answer.message}'
    return (Diagnostic(code=answer.code, severity=Severity.ERROR, message=message, at=step.at, hint=answer.hint),)


def _repeatable(run: Run, call: OperationCall, request: HttpRequest) -> bool:
    # Semantics §5: a request of unknown outcome is sent again only when that does no harm.
    return call.operation.idempotent or request.header("Idempotency-Key") is not None or run.options.resend_unknown


def _message(response: HttpResponse, step: CompiledStep) -> tuple[Message, tuple[Diagnostic, ...]]:
    body, note = decode_body(response.body, response.header("content-type"))
    message = Message(headers=response.headers, body=body)
    if note is None:
        return message, ()
    return message, (Diagnostic(code="unreadable-body", severity=Severity.WARNING, message=note, at=step.at),)


def _scope(run: Run, frame: Frame, built: BuiltRequest, response: Message | None, status: int | object) -> Scope:
    return frame.scope(
        run,
        url=built.request.url,
        method=built.request.method,
        status_code=status if isinstance(status, int) else MISSING,
        request=built.message,
        response=response,
    )


def _outputs(run: Run, step: CompiledStep, call: OperationCall, scope: Scope, status: int) -> Outputs:
    operation = call.operation
    return evaluated(
        step.outputs,
        scope,
        run.secrets,
        step.secret_outputs,
        owner=f'step "{step.step_id}"',
        at=step.at.child("outputs"),
        may_lack=lambda value: is_documented(value, operation.documented(status), operation.schemas),
    )


def _register_request_secrets(run: Run, built: BuiltRequest) -> None:
    found = (*header_secrets(built.request.headers), *url_secrets(built.request.url))
    _register_secrets(run, found, built.request.header("Content-Type"), built.message.body)


def _register_secrets(run: Run, found: Iterable[str], kind: str | None, body: JsonValue) -> None:
    for secret in found:
        run.secrets.add(secret)
    run.secrets.add_named(body)
    if isinstance(body, str) and "form-urlencoded" in (kind or "").lower():
        for secret in url_secrets(f"?{body}"):
            run.secrets.add(secret)
