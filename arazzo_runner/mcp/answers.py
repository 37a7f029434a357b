"""What a client is answered: the result of a run as plain JSON and as text, every secret in it masked.

A client is a model that acts on what it reads: a failure says which criterion did not hold, what came, and what can be
done about it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import HttpResponse, NoResponse
from arazzo_runner.engine.results import Attempt, RunResult, StepResult, Verdict
from arazzo_runner.errors import Diagnostic
from arazzo_runner.mcp.advice import advice_for
from arazzo_runner.mcp.kept import LARGE, Kept, Shelf
from arazzo_runner.report.excerpt import masked_preview
from arazzo_runner.report.exchange import body_excerpt, request_line, response_line, status_text
from arazzo_runner.report.failure import failed_step, failure_findings
from arazzo_runner.report.json import plain
from arazzo_runner.report.masking import masked_outputs

_LONGEST_SEEN: Final = 200
_PREVIEW: Final = 300
_MOST_STEPS: Final = 200


class Answer(Record, kw_only=True):
    """An answer to a call: `structured` and `text` say the same; `links` are the resources with what is large."""

    structured: dict[str, Any]
    text: str
    links: tuple[Kept, ...] = ()
    is_error: bool = False


def answer_of(result: RunResult, shelf: Shelf, notes: Iterable[str] = ()) -> Answer:
    """Return the answer about a run that has ended; large outputs go to the shelf."""
    secrets, links = result.secrets, list[Kept]()
    outputs = _outputs(result, shelf, links)
    structured: dict[str, Any] = {
        "status": result.status,
        "workflowId": result.workflow_id,
        "outputs": outputs,
        "steps": _steps(result.steps, secrets),
    }
    if result.reason is not None:
        structured["reason"] = secrets.mask(result.reason)
    if result.status != "succeeded":
        structured["failure"] = _failure(result)
    known = [secrets.mask(each) for each in (*notes, *_notes(result))]
    if known:
        structured["notes"] = known
    return Answer(
        structured=structured,
        text=_text(structured),
        links=tuple(links),
        is_error=result.status != "succeeded",
    )


def refused(status: str, workflow_id: str | None, reason: str, to_do: str = "", **more: Any) -> Answer:
    """Return the answer to a call of which nothing was sent; the texts are masked already."""
    failure = {"reason": reason, **({"toDo": to_do} if to_do else {}), **more}
    structured: dict[str, Any] = {
        "status": status,
        "workflowId": workflow_id,
        "outputs": {},
        "steps": [],
        "reason": reason,
        "failure": failure,
    }
    return Answer(structured=structured, text=_text(structured), is_error=True)


def in_words(found: Diagnostic) -> str:
    """Return a finding as one sentence, with what to do about it where that is not an option of some program."""
    hint = found.hint
    return found.message if not isinstance(hint, str) or "=" in hint else f"{found.message}; {hint}"


# ------------------------------------------------------------------ outputs


def _outputs(result: RunResult, shelf: Shelf, links: list[Kept]) -> dict[str, Any]:
    """Return the outputs, masked; a large one is a resource, of which the beginning is shown."""
    masked = masked_outputs(result.outputs, result.secret_outputs, result.secrets)
    found: dict[str, Any] = {name: plain(value) for name, value in masked.items()}
    found.update(dict.fromkeys(result.missing_outputs))
    return {name: _small(name, value, result, shelf, links) for name, value in found.items()}


def _small(name: str, value: JsonValue, result: RunResult, shelf: Shelf, links: list[Kept]) -> Any:
    text = json.dumps(value, ensure_ascii=False, default=str)
    if len(text) <= LARGE:
        return json.loads(text)
    kept = shelf.add(name, f'output "{name}" of workflow "{result.workflow_id}"', text)
    links.append(kept)
    # The value is masked as a whole before it is cut: half a secret is not recognised.
    return {"resource": kept.uri, "mimeType": kept.media_type, "size": len(text), "beginning": text[:_PREVIEW]}


# ------------------------------------------------------------------ steps


def _steps(steps: Iterable[StepResult], secrets: Secrets) -> list[dict[str, Any]]:
    visits = list(steps)
    shown = [_step(each, secrets) for each in visits[:_MOST_STEPS]]
    left = len(visits) - len(shown)
    return [*shown, {"stepId": f"… {left} more visits", "status": "left out"}] if left else shown


def _step(step: StepResult, secrets: Secrets) -> dict[str, Any]:
    found: dict[str, Any] = {"stepId": step.step_id, "status": step.status}
    attempt = step.attempts[-1] if step.attempts else None
    if len(step.attempts) > 1:
        found["attempts"] = len(step.attempts)
    if attempt is not None and attempt.request is not None:
        found["request"] = request_line(attempt.request, secrets)
    if attempt is not None and attempt.response is not None:
        found["response"] = _response(attempt.response, secrets)
    if step.reason is not None:
        found["reason"] = secrets.mask(step.reason)
    if step.workflow is not None:
        found["workflow"] = {
            "workflowId": step.workflow.workflow_id,
            "status": step.workflow.status,
            "steps": _steps(step.workflow.steps, secrets),
        }
    return found


def _response(response: HttpResponse | NoResponse, secrets: Secrets) -> str:
    return status_text(response.status) if isinstance(response, HttpResponse) else response_line(response, secrets)


# ------------------------------------------------------------------ failures


def _failure(result: RunResult) -> dict[str, Any]:
    """Return why a run did not succeed: the step, its criteria, what came, and what to do."""
    secrets, step = result.secrets, failed_step(result)
    found: dict[str, Any] = {}
    if step is not None:
        found["step"] = step.step_id
    findings = [in_words(each) for each in failure_findings(result)]
    reason = secrets.mask(result.reason or (step.reason if step is not None else None) or "")
    found["reason"] = reason or (findings[0] if findings else f"the run ended: {result.status}")
    if findings:
        found["findings"] = findings
    attempt = step.attempts[-1] if step is not None and step.attempts else None
    if attempt is not None:
        found.update(_exchange(attempt, secrets))
    found["toDo"] = advice_for(result, step)
    return found


def _exchange(attempt: Attempt, secrets: Secrets) -> dict[str, Any]:
    found: dict[str, Any] = {}
    failed = [_criterion(each, secrets) for each in attempt.verdicts if not each.passed]
    if failed:
        found["criteria"] = failed
    if attempt.request is not None:
        found["request"] = request_line(attempt.request, secrets)
    if attempt.response is not None:
        found["response"] = _response(attempt.response, secrets)
    if isinstance(attempt.response, HttpResponse) and attempt.response.body:
        kind = attempt.response.header("content-type")
        found["responseBody"] = "\n".join(body_excerpt(attempt.response.body, kind, secrets))
    return found


def _criterion(verdict: Verdict, secrets: Secrets) -> dict[str, Any]:
    found: dict[str, Any] = {"condition": secrets.mask(verdict.condition)}
    if verdict.seen:
        found["seen"] = {
            secrets.mask(each.expression): masked_preview(each.value, secrets, _LONGEST_SEEN) for each in verdict.seen
        }
    if verdict.reason:
        found["reason"] = secrets.mask(verdict.reason)
    return found


def _notes(result: RunResult) -> Iterable[str]:
    for each in result.diagnostics:
        if each.code == "missing-output":
            yield in_words(each)


# ------------------------------------------------------------------ text


def _text(structured: Mapping[str, Any]) -> str:
    """Return the answer as text: a sentence, then everything as JSON, for hosts that show a model nothing else."""
    failure = structured.get("failure")
    lines = [f"The workflow {json.dumps(structured['workflowId'])}: {structured['status']}."]
    if isinstance(failure, Mapping):
        lines += [str(failure[name]) for name in ("reason", "toDo") if failure.get(name)]
    return "\n".join([*lines, json.dumps(structured, ensure_ascii=False, indent=1)])


def in_text(structured: Mapping[str, Any]) -> str:
    """Return a structured answer as text."""
    return json.dumps(structured, ensure_ascii=False, indent=1, default=str)
