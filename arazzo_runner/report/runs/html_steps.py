"""The steps of a run in the HTML report: a timeline of folded steps with criteria, exchanges and outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets, is_secret_name
from arazzo_runner.base.settings import as_options
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.engine.results import Attempt, MessageExchange, RunResult, StepResult, Verdict, WorkflowResult
from arazzo_runner.errors import Diagnostic, Location
from arazzo_runner.report.curl import curl_line
from arazzo_runner.report.excerpt import body_beginning, masked_output, masked_preview
from arazzo_runner.report.exchange import (
    header_lines,
    request_line,
    response_line,
    status_text,
)
from arazzo_runner.report.findings.text import place_text
from arazzo_runner.report.graph.drawing import MARKS, TONES
from arazzo_runner.report.markup import block, tag, words
from arazzo_runner.report.masking import masked_diagnostic
from arazzo_runner.report.messages import head_lines, message_lines, payload_text, step_call, step_outcome
from arazzo_runner.report.runs.records import visits
from arazzo_runner.report.terminal.console import count, duration
from arazzo_runner.report.waiting import wait_text

MOST_CHARACTERS = 100_000
_LONGEST_VALUE = 400
_LONGEST_LINE = 240
_SIZED = ("Request", "Response", "Message")


class Clock(Record):
    """When a run began and how long it took: the scale of the timeline.

    Of a step that passed and began before `whole_from`, only one line is shown.
    """

    started: float
    seconds: float
    whole_from: float = 0.0


def clock_of(result: RunResult, most_whole: int) -> Clock:
    """Return the time from the first attempt to the end of the last; the last `most_whole` are shown in full."""
    timed = [each for each in attempts(result) if each.started]
    if not timed:
        return Clock(0.0, 0.0)
    begun = sorted(each.started for each in timed)
    ended = max(each.started + each.duration_ms / 1000 for each in timed)
    return Clock(begun[0], ended - begun[0], begun[-min(most_whole, len(begun))])


def attempts(result: RunResult) -> Iterator[Attempt]:
    """Yield every attempt of a run, those of called workflows included."""
    return (attempt for visit in visits(result) for attempt in visit.step.attempts)


def shortened(result: RunResult, clock: Clock) -> int:
    """Return how many visits of steps are shown as one line."""
    return sum(_is_far(visit.step, clock) for visit in visits(result))


def _is_far(step: StepResult, clock: Clock) -> bool:
    if step.status != "passed" or step.workflow is not None or not step.attempts:
        return False
    return step.attempts[-1].started < clock.whole_from


def steps_list(steps: Sequence[StepResult], clock: Clock, secrets: Secrets) -> str:
    """Return visits of steps as a list with one row each."""
    return tag("ol", *(tag("li", _step(step, clock, secrets)) for step in steps), class_="steps") if steps else ""


def _step(step: StepResult, clock: Clock, secrets: Secrets) -> str:
    row = _row(step, clock, secrets)
    inside = "" if _is_far(step, clock) else _inside(step, clock, secrets)
    if not inside:
        return tag("div", row, class_="plain")
    is_open = step.status == "failed"
    return tag("details", tag("summary", row), tag("div", inside, class_="inside"), class_="step", open=is_open)


def _row(step: StepResult, clock: Clock, secrets: Secrets) -> str:
    name = tag("span", words(step.step_id), class_="name")
    status = tag("span", step.status, class_=f"state {TONES[step.status]}")
    took = duration(step.duration_ms) if step.attempts else ""
    extra = tag("small", words(_outcome(step))) if step.attempts else ""
    if len(step.attempts) > 1:
        extra += tag("small", count(len(step.attempts) - 1, "retry"))
    why = ""
    if step.reason and step.status in ("failed", "skipped"):
        tone = "why" if step.status == "failed" else "why soft"
        why = tag("span", words(secrets.mask(step.reason)), class_=tone)
    return (
        _mark(step.status)
        + tag("span", name, " ", status, _call(step, secrets))
        + _bar(step, clock)
        + tag("span", took, extra, class_="time")
        + why
    )


def _mark(status: str) -> str:
    return tag("span", MARKS[status], class_=f"mark {TONES[status]}", aria_hidden="true")


def _call(step: StepResult, secrets: Secrets) -> str:
    if step.workflow is not None:
        return tag("span", words(f"workflow {step.workflow.workflow_id}"), class_="call")
    last = step.attempts[-1] if step.attempts else None
    if last is not None and last.message is not None:
        return tag("span", words(step_call(last.message, secrets)), class_="call")
    if last is None or last.request is None:
        return ""
    return tag("span", words(request_line(last.request, secrets)), class_="call")


def _outcome(step: StepResult) -> str:
    last = step.attempts[-1]
    if last.message is not None:
        return step_outcome(last.message)
    response = last.response
    if isinstance(response, HttpResponse):
        return status_text(response.status)
    return "" if response is None else "no response"


def _bar(step: StepResult, clock: Clock) -> str:
    """Return the bar that shows the attempts of a step on the time axis of the run."""
    if not clock.seconds or not step.attempts:
        return tag("span", class_="bar")
    pieces = [tag("rect", x=0, y=5, width=100, height=2, class_="track")]
    for attempt in step.attempts:
        start = max(0.0, (attempt.started - clock.started) / clock.seconds * 100)
        width = max(1.2, attempt.duration_ms / 1000 / clock.seconds * 100)
        tone = "good" if attempt.passed else "bad" if step.status == "failed" else "warn"
        place = round(min(start, 100 - min(width, 100)), 2)
        pieces.append(tag("rect", x=place, y=1, width=round(min(width, 100), 2), height=10, class_=tone))
    return tag("svg", *pieces, viewBox="0 0 100 12", preserveAspectRatio="none", class_="bar", aria_hidden="true")


# ------------------------------------------------------------------ inside a step


def _inside(step: StepResult, clock: Clock, secrets: Secrets) -> str:
    failed = step.status == "failed"
    parts = [_attempt(each, step, secrets, opened=failed and each is step.attempts[-1]) for each in step.attempts]
    parts += [finding(masked_diagnostic(each, secrets), secrets) for each in step.findings]
    if step.workflow is not None:
        parts.append(_nested(step.workflow, clock, secrets))
    if step.action is not None:
        parts.append(tag("p", "Then: action ", tag("b", words(step.action)), class_="soft"))
    outputs = {**step.outputs, **dict.fromkeys(step.missing_outputs)}
    if outputs:
        table = outputs_table(outputs, filter(is_secret_name, outputs), secrets)
        parts.append(tag("div", tag("p", "Outputs", class_="label"), table))
    return "".join(parts)


def _nested(workflow: WorkflowResult, clock: Clock, secrets: Secrets) -> str:
    title = tag("p", words(f"Workflow {workflow.workflow_id}: {workflow.status.replace('_', ' ')}"), class_="label")
    return tag("div", title, steps_list(workflow.steps, clock, secrets))


def _attempt(attempt: Attempt, step: StepResult, secrets: Secrets, *, opened: bool) -> str:
    """Return one attempt: its criteria, then request and response."""
    parts = []
    if len(step.attempts) > 1:
        took = duration(attempt.duration_ms)
        parts.append(tag("p", f"Attempt {attempt.number} of {len(step.attempts)}, {took}", class_="label"))
    if attempt.verdicts:
        parts.append(_criteria(attempt.verdicts, secrets))
    if attempt.request is not None:
        parts.append(_exchange(attempt, attempt.request, secrets, opened=opened))
    if attempt.message is not None:
        parts.append(_message(attempt, attempt.message, secrets, opened=opened))
    parts += [finding(masked_diagnostic(each, secrets), secrets) for each in attempt.diagnostics]
    if attempt.wait is not None:
        parts.append(tag("p", words(f"Then: {secrets.mask(wait_text(attempt.wait))}"), class_="soft"))
    return tag("div", *parts, class_="attempt") if parts else ""


def _exchange(attempt: Attempt, request: HttpRequest, secrets: Secrets, *, opened: bool) -> str:
    sent = _fold("Request", header_lines(request.headers, secrets), _body(request, secrets))
    lines = [tag("p", words(f"→ {request_line(request, secrets)}"), class_="line"), sent]
    response = attempt.response
    if response is not None:
        lines.append(tag("p", words(f"← {response_line(response, secrets)}"), class_="line"))
    if isinstance(response, HttpResponse):
        head = header_lines(response.headers, secrets)
        lines.append(_fold("Response", head, _body(response, secrets), opened=opened))
    lines.append(_fold("Send it again with curl", [curl_line(request, secrets)], ""))
    return tag("div", *lines, class_="exchange")


def _message(attempt: Attempt, exchange: MessageExchange, secrets: Secrets, *, opened: bool) -> str:
    arrows = {">": "→", "<": "←"}
    shown = [
        tag("p", words(f"{arrows[sign]} {line}"), class_="line") for sign, line, _ in message_lines(attempt, secrets)
    ]
    message = exchange.message
    if message is not None:
        text, is_whole = payload_text(message, secrets)
        body = cut_body(text, is_whole=is_whole)
        shown.insert(1, _fold("Message", head_lines(message, secrets), body, opened=opened))
    return tag("div", *shown, class_="exchange")


def _body(message: HttpRequest | HttpResponse, secrets: Secrets) -> str:
    text, is_whole = body_beginning(message.body, message.header("content-type"), secrets)
    return cut_body(text, is_whole=is_whole)


def cut_body(text: str, *, is_whole: bool) -> str:
    """Return a text of at most MOST_CHARACTERS, with a line that says what was left out."""
    left = len(text) - MOST_CHARACTERS
    if is_whole and left <= 0:
        return text
    rest = f"{left:,} more characters" if is_whole else "more"
    return f"{text[:MOST_CHARACTERS]}\n… {rest} (all of it is in the json report)"


def _fold(title: str, head: list[str], body: str, *, opened: bool = False) -> str:
    pieces = [tag("pre", block("\n".join(head)))] if head else []
    if body:
        pieces.append(tag("pre", block(body)))
    size = f", {count(len(head), 'header')}{' and a body' if body else ''}" if title in _SIZED else ""
    inside = tag("div", *pieces)
    return tag("details", tag("summary", f"{title}{size}"), inside, class_="fold", open=opened) if pieces else ""


def _criteria(verdicts: Iterable[Verdict], secrets: Secrets) -> str:
    head = tag("tr", tag("th", "Criterion", scope="col"), tag("th", "Seen", scope="col"))
    rows = [_criterion(each, secrets) for each in verdicts]
    return tag("table", tag("thead", head), tag("tbody", *rows))


def _criterion(verdict: Verdict, secrets: Secrets) -> str:
    tone, mark, label = ("good", "✓", "holds") if verdict.passed else ("bad", "✗", "does not hold")
    sign = tag("span", mark, class_=f"mark {tone}", role="img", aria_label=label)
    condition = tag("code", words(secrets.mask(verdict.condition)))
    default = tag("span", " (default)", class_="soft") if verdict.default else ""
    reason = "" if verdict.passed else verdict.reason or ""
    seen = [_seen(each.expression, each.value, secrets) for each in verdict.seen if each.expression not in reason]
    if reason:
        seen.insert(0, tag("div", words(secrets.mask(reason)), class_="bad"))
    if verdict.hint is not None:
        seen.append(tag("div", words(secrets.mask(verdict.hint)), class_="soft"))
    return tag("tr", tag("td", sign, " ", condition, default), tag("td", *seen))


def _seen(expression: str, value: object, secrets: Secrets) -> str:
    shown = masked_preview(value, secrets, _LONGEST_VALUE)
    return tag("div", tag("code", words(secrets.mask(expression)), class_="soft"), " is ", tag("code", words(shown)))


def outputs_table(outputs: Mapping[str, JsonValue], secret: Iterable[str], secrets: Secrets) -> str:
    """Return a table of outputs, masked; `secret` are the names of those whose whole value is."""
    head = tag("tr", tag("th", "Name", scope="col"), tag("th", "Value", scope="col"))
    known = frozenset(secret)
    values = {
        name: masked_output(value, secrets, MOST_CHARACTERS, is_secret=name in known) for name, value in outputs.items()
    }
    rows = [
        tag("tr", tag("td", tag("code", words(name))), tag("td", tag("code", words(value or "(empty)"))))
        for name, value in values.items()
    ]
    return tag("table", tag("thead", head), tag("tbody", *rows))


def finding(diagnostic: Diagnostic, secrets: Secrets) -> str:
    """Return a Diagnostic, which the caller has masked, with its location, source line and hint."""
    tone = {"error": "bad", "warning": "warn"}.get(diagnostic.severity.value, "idle")
    head = tag("p", tag("span", diagnostic.code, class_=f"badge {tone}"), " ", tag("strong", words(diagnostic.message)))
    parts = [head]
    if diagnostic.hint is not None:
        parts.append(tag("p", words(f"help: {as_options(diagnostic.hint)}"), class_="soft"))
    if diagnostic.at.uri:
        place = tag("span", words(place_text(diagnostic.at)), class_="soft mono")
        parts.append(tag("p", place, _source_line(diagnostic.at, secrets), class_="excerpt"))
    return tag("div", *parts, class_=f"finding {diagnostic.severity.value}")


def _source_line(at: Location, secrets: Secrets) -> str:
    """Return the source line of a location with its range marked, or masked if it holds a secret."""
    line, column = at.source_line, at.column
    if line is None or column is None or not line.strip():
        return ""
    start, end = column - 1, max(column, (at.end_column or column + 1) - 1)
    first = max(len(line) - len(line.lstrip()), start - _LONGEST_LINE // 3)
    last = min(len(line), first + _LONGEST_LINE)
    if secrets.mask(line) != line:
        shown = words(secrets.mask(line.strip())[:_LONGEST_LINE])
    else:
        shown = words(line[first:start]) + tag("mark", words(line[start : min(end, last)])) + words(line[end:last])
    return tag("code", shown, class_="source")
