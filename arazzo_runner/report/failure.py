"""Explain failed runs: the step, the criterion with the values it saw, the response, a curl line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import HttpResponse, NoResponse
from arazzo_runner.engine.messages import NoMessage
from arazzo_runner.engine.results import Attempt, MessageExchange, RunResult, StepResult, Verdict, WorkflowResult
from arazzo_runner.errors import Diagnostic, Severity
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.excerpt import masked_preview, shortened
from arazzo_runner.report.exchange import body_excerpt, request_line, response_line
from arazzo_runner.report.findings.text import excerpt, render_diagnostic
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.terminal.console import count, duration, paint
from arazzo_runner.report.terminal.wrapping import columns, padded, wrapped

_LONGEST_CONDITION, _LONGEST_SEEN = 56, 60
_BELOW = " " * 12  # below what follows `response:`


def failed_step(result: RunResult | WorkflowResult) -> StepResult | None:
    """Return the step that made a run fail: the last failed one, followed into nested workflows."""
    failed = [step for step in result.steps if step.status == "failed"]
    if failed:
        step = failed[-1]
        nested = None if step.workflow is None or step.workflow.status == "succeeded" else failed_step(step.workflow)
        return nested or step
    if isinstance(result, RunResult):
        for dependency in reversed(result.dependencies):
            if dependency.status != "succeeded":
                return failed_step(dependency)
    last = next((step for step in reversed(result.steps) if step.status != "skipped"), None)
    return failed_step(last.workflow) if last is not None and last.workflow is not None else None


def failure_diagnostics(result: RunResult) -> tuple[Diagnostic, ...]:
    """Return the failed criteria of the deciding step as Diagnostics, unmasked."""
    if result.status == "succeeded":
        return ()
    step = failed_step(result)
    if step is None or not step.attempts:
        return ()
    return tuple(_criterion_diagnostic(step, verdict, result.secrets) for verdict in _failed(step.attempts[-1]))


def failure_findings(result: RunResult) -> tuple[Diagnostic, ...]:
    """Return why a run did not succeed as Diagnostics at their locations, masked; none if it succeeded."""
    if result.status == "succeeded":
        return ()
    step = failed_step(result)
    if step is None:
        return tuple(masked_diagnostic(each, result.secrets) for each in result.diagnostics if _is_error(each))
    attempt = step.attempts[-1] if step.attempts else None
    found = [*(_diagnostics(step, attempt, result.secrets) or [_step_failed(step)]), *step.findings]
    return tuple(masked_diagnostic(each, result.secrets) for each in found)


def _is_error(diagnostic: Diagnostic) -> bool:
    return diagnostic.severity is Severity.ERROR


def _step_failed(step: StepResult) -> Diagnostic:
    message = f'step "{step.step_id}": {step.reason or "it failed"}'
    return Diagnostic(code="step-failed", severity=Severity.ERROR, message=message, at=step.at)


def render_failure(
    result: RunResult, *, color: bool = False, width: int | None = None, reported: Collection[Diagnostic] = ()
) -> str:
    """Return why a run did not succeed, ready to print, wrapped to `width`; empty if it succeeded.

    Of what `validate` finds about the step, that is left out which was `reported` already.
    """
    if result.status == "succeeded":
        return ""
    step = failed_step(result)
    lines: list[str] = []
    if step is not None:
        lines += explained(step, result.secrets, color=color, width=width, reported=reported)
    lines += wrapped(last_line(result, step, color=color), width, rest="  ")
    return "\n".join(lines) + "\n"


def last_line(result: RunResult, step: StepResult | None, *, color: bool) -> str:
    """Return one line that says how the run ended."""
    words = {
        "failed": "failed",
        "in_doubt": "ended in doubt: the outcome of a request is unknown",
        "interrupted": "was interrupted",
    }
    text = f'workflow "{result.workflow_id}" {words.get(result.status, result.status)}'
    if step is not None and result.status == "failed":
        text += f' at step "{step.step_id}"'
    known = {None, "", "interrupted", step.reason if step is not None else None}
    if result.reason not in known:
        text += f": {result.secrets.mask(result.reason or '')}"
    return paint(one_line(text), "bold red", color=color)


def explained(
    step: StepResult, secrets: Secrets, *, color: bool, width: int | None = None, reported: Collection[Diagnostic] = ()
) -> list[str]:
    """Return why a step failed as lines: findings at their locations, the exchange, a curl line.

    After them is what `validate` finds about the step, except what was `reported` already.
    """
    attempt = step.attempts[-1] if step.attempts else None
    found = _diagnostics(step, attempt, secrets)
    lines: list[str] = []
    for diagnostic in found:
        lines += [render_diagnostic(masked_diagnostic(diagnostic, secrets), color=color, width=width), ""]
    if not found:
        reason = one_line(secrets.mask(step.reason or "it failed"))
        head = f"{paint('error[step-failed]', 'bold red', color=color)}: "
        lines += wrapped(f'step "{step.step_id}": {reason}', width, first=head, rest="    ")
        lines += [*excerpt(step.at, color=color, width=width), ""]
    if attempt is not None:
        lines += side_by_side(attempt.verdicts, secrets, color=color, width=width)
        lines += _exchange(attempt, secrets, color=color, width=width)
    if len(step.attempts) > 1:
        spent = duration(step.duration_ms)
        lines += [f"  attempts: {len(step.attempts)} ({count(len(step.attempts) - 1, 'retry')}, {spent})"]
    lines += _of_validate(step, secrets, color=color, width=width, reported=reported)
    return [*lines, ""] if lines and lines[-1] else lines


def _of_validate(
    step: StepResult, secrets: Secrets, *, color: bool, width: int | None, reported: Collection[Diagnostic]
) -> Iterator[str]:
    """Yield what `validate` finds about a failed step as lines, with a line that says so."""
    findings = [each for each in step.findings if each not in reported]
    if not findings:
        return
    what = count(len(findings), "finding")
    yield from ("", f"  {paint(f'arazzo validate has {what} about this step:', 'dim', color=color)}", "")
    for found in findings:
        yield from (render_diagnostic(masked_diagnostic(found, secrets), color=color, width=width), "")


def _diagnostics(step: StepResult, attempt: Attempt | None, secrets: Secrets) -> list[Diagnostic]:
    """Return what the attempt recorded (a request that could not be built), then the failed criteria."""
    if attempt is None:
        return []
    found = [each for each in attempt.diagnostics if _is_error(each)]
    if isinstance(attempt.response, NoResponse) and attempt.response.code is None:
        found.append(_unanswered(step, attempt.response))
    if attempt.message is not None and attempt.message.failure is not None and attempt.message.failure.code is None:
        found.append(_no_message(step, attempt.message, attempt.message.failure))
    return found + [_criterion_diagnostic(step, verdict, secrets) for verdict in _failed(attempt)]


def _failed(attempt: Attempt) -> Sequence[Verdict]:
    # A failed check is already one of the attempt's Diagnostics.
    return [verdict for verdict in attempt.verdicts if not verdict.passed and verdict.type != "check"]


def _unanswered(step: StepResult, answer: NoResponse) -> Diagnostic:
    return Diagnostic(
        code="no-response",
        severity=Severity.ERROR,
        message=f'step "{step.step_id}" got no response: {answer.message}',
        at=step.at,
        hint=answer.hint,
    )


def _no_message(step: StepResult, exchange: MessageExchange, failure: NoMessage) -> Diagnostic:
    what = "sent no message" if exchange.action == "send" else "received no message"
    return Diagnostic(
        code="no-message",
        severity=Severity.ERROR,
        message=f'step "{step.step_id}" {what}: {failure.message}',
        at=step.at,
        hint=failure.hint,
    )


def _criterion_diagnostic(step: StepResult, verdict: Verdict, secrets: Secrets) -> Diagnostic:
    """Return a Diagnostic at a criterion that does not hold, with the values it saw."""
    if verdict.default:
        message = f'step "{step.step_id}" failed: {verdict.reason}'
        return Diagnostic(code="criterion-failed", severity=Severity.ERROR, message=message, at=verdict.at)
    seen = ", ".join(
        f"{each.expression} is {masked_preview(each.value, secrets, _LONGEST_SEEN)}" for each in verdict.seen[:4]
    )
    reason = verdict.reason or "the criterion does not hold"
    if seen and seen not in reason:
        reason += f" (seen: {seen})"
    return Diagnostic(
        code="criterion-failed",
        severity=Severity.ERROR,
        message=f'step "{step.step_id}" failed: {reason}',
        at=verdict.at,
        hint=verdict.hint,
    )


def side_by_side(verdicts: Sequence[Verdict], secrets: Secrets, *, color: bool, width: int | None = None) -> list[str]:
    """Return criteria and the values they saw as two columns, below each other if `width` is too narrow for them.

    Nothing if all with values hold.
    """
    shown = [each for each in verdicts if each.seen and each.type != "check"]
    if all(each.passed for each in shown):
        return []
    rows = [(_cut(secrets.mask(each.condition), _LONGEST_CONDITION), _seen_text(each, secrets)) for each in shown]
    marks = [
        paint("holds", "green", color=color) if each.passed else paint("fails", "red", color=color) for each in shown
    ]
    left = max(columns(each) for each in (*(expected for expected, _ in rows), "expected"))
    if width is not None and 11 + left + max(columns(seen) for _, seen in rows) > width:
        lines = [line for mark, row in zip(marks, rows, strict=True) for line in _stacked(mark, *row, width)]
        return [*lines, ""]
    head = f"{padded('expected', left)}  seen"
    lines = [f"         {paint(head, 'dim', color=color)}"]
    for mark, (expected, seen) in zip(marks, rows, strict=True):
        lines.append(f"  {mark}  {padded(expected, left)}  {seen}".rstrip())
    return [*lines, ""]


def _stacked(mark: str, expected: str, seen: str, width: int) -> list[str]:
    below = " " * 9
    return [
        *wrapped(expected, width, first=f"  {mark}  ", rest=below),
        *wrapped(seen, width, first=f"{below}seen: ", rest=f"{below}  "),
    ]


def _seen_text(verdict: Verdict, secrets: Secrets) -> str:
    seen = (
        f"{secrets.mask(each.expression)} is {masked_preview(each.value, secrets, _LONGEST_SEEN)}"
        for each in verdict.seen[:3]
    )
    return one_line(", ".join(seen))


def _cut(text: str, limit: int) -> str:
    return shortened(one_line(" ".join(text.split())), limit)


def _exchange(attempt: Attempt, secrets: Secrets, *, color: bool, width: int | None) -> list[str]:
    """Return the request, the response and a curl line; only words are wrapped, a URL or a command is copied whole."""
    if attempt.message is not None:
        return _messages(attempt, attempt.message, secrets, color=color, width=width)
    if attempt.request is None or attempt.response is None:
        return []
    if isinstance(attempt.response, NoResponse) and attempt.response.code is not None and not attempt.response.sent:
        return []  # nothing was sent
    dim = "dim"
    lines = [f"  {paint('request:', dim, color=color)}  {request_line(attempt.request, secrets)}"]
    response = response_line(attempt.response, secrets)
    lines += wrapped(response, width, first=f"  {paint('response:', dim, color=color)} ", rest=_BELOW)
    if isinstance(attempt.response, HttpResponse):
        notes = (one_line(secrets.mask(each.message)) for each in attempt.diagnostics if each.code == "unreadable-body")
        for note in notes:
            lines += wrapped(note, width, first=f"  {paint('note:', dim, color=color)}     ", rest=_BELOW)
        kind = attempt.response.header("content-type")
        body = body_excerpt(attempt.response.body, kind, secrets, width=None if width is None else width - 6)
        lines += [f"    {paint('|', dim, color=color)} {line}" for line in body]
    lines.append(f"  {paint('to send it again:', dim, color=color)}")
    from arazzo_runner.report.curl import curl_line  # lazily: a run that succeeds needs no command

    lines.append(f"    {curl_line(attempt.request, secrets)}")
    return lines


def _messages(
    attempt: Attempt, exchange: MessageExchange, secrets: Secrets, *, color: bool, width: int | None
) -> list[str]:
    """Return what the attempt sent or received, and the beginning of the payload."""
    from arazzo_runner.report.messages import message_lines, payload_excerpt  # lazily: most documents have no messages

    lines: list[str] = []
    for sign, line, _ in message_lines(attempt, secrets):
        mark = paint(sign, "dim", color=color)
        lines += wrapped(line, width, first=f"  {mark} ", rest="    ")
        if exchange.message is not None and line.startswith(("send ", "receive ")):
            body = payload_excerpt(exchange.message, secrets, width=None if width is None else width - 6)
            lines += [f"    {paint('|', 'dim', color=color)} {each}" for each in body]
    return lines
