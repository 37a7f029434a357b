"""Requests and responses against their OpenAPI description: findings as Diagnostics (semantics §6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.engine.check_options import CheckOptions, Level
from arazzo_runner.engine.effects import HttpResponse
from arazzo_runner.engine.request import BuiltRequest
from arazzo_runner.engine.request_checks import request_findings
from arazzo_runner.engine.response_checks import response_findings
from arazzo_runner.engine.results import Verdict
from arazzo_runner.errors import Diagnostic, Location, Severity
from arazzo_runner.program.model import CompiledStep, OperationCall

_SEVERITIES = {"warn": Severity.WARNING, "error": Severity.ERROR}


def check_request(
    step: CompiledStep, call: OperationCall, built: BuiltRequest, options: CheckOptions
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a request that is about to be sent; an error means: do not send it."""
    found: list[Diagnostic] = []
    if options.requests != "off":
        severity = _SEVERITIES[options.requests]
        found += [replace(each, severity=severity) for each in request_findings(step, call.operation, built)]
    if options.deep != "off":
        from arazzo_runner.sources.contract import check_request as check  # lazily: openapi-core is heavy

        sent = built.request
        found += _deep(check(call.operation, sent.url, sent.headers, sent.body), "request-contract", step, options)
    return tuple(sorted(found, key=lambda each: each.severity is not Severity.ERROR))


def check_response(
    step: CompiledStep,
    call: OperationCall,
    built: BuiltRequest,
    response: HttpResponse,
    body: JsonValue,
    options: CheckOptions,
) -> tuple[Diagnostic, ...]:
    """Return what is wrong with a response, errors of level "error"; `body` is the decoded body or MISSING."""
    found = []
    for each in response_findings(call.operation, response, body, options):
        level: Level = getattr(options, each.check.replace("-", "_"))
        if each.is_note:
            found.append(Diagnostic(code=each.code, severity=Severity.INFO, message=each.message, at=step.at))
        elif level != "off":
            found.append(_diagnostic(each.code, each.message, step.at, level))
    if options.deep != "off":
        from arazzo_runner.sources.contract import check_response as check  # lazily: openapi-core is heavy

        sent = built.request
        contract = check(
            call.operation, sent.url, sent.headers, sent.body, response.status, response.headers, response.body
        )
        found += _deep(contract, "response-contract", step, options)
    return tuple(found)


def _deep(
    contract: tuple[tuple[str, ...], str | None], code: str, step: CompiledStep, options: CheckOptions
) -> list[Diagnostic]:
    problems, unchecked = contract
    if unchecked is not None:
        return [Diagnostic(code=code, severity=Severity.INFO, message=f"not checked: {unchecked}", at=step.at)]
    return [_diagnostic(code, problem, step.at, options.deep) for problem in problems]


def failed_checks(findings: Iterable[Diagnostic], at: Location) -> tuple[Verdict, ...]:
    """Return a failed Verdict for each finding of level "error": it fails the step as a criterion would."""
    return tuple(
        Verdict(condition=f"check {each.code}", type="check", passed=False, reason=each.message, at=at)
        for each in findings
        if each.severity is Severity.ERROR
    )


def _diagnostic(code: str, message: str, at: Location, level: Level) -> Diagnostic:
    return Diagnostic(code=code, severity=_SEVERITIES[level], message=message, at=at)


def errors_in(findings: Sequence[Diagnostic]) -> bool:
    """Tell whether one of the findings is an error."""
    return any(each.severity is Severity.ERROR for each in findings)
