"""The check of decisions about requests of unknown outcome, before they are stored: a resumed run acts on them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from arazzo_runner.base.kinds import faults, instance_of, one_of, table_of
from arazzo_runner.durable.errors import refusal
from arazzo_runner.durable.records import Decision, Doubt
from arazzo_runner.engine.answers import response_fault
from arazzo_runner.engine.effects import HttpResponse, NoResponse

_DECISIONS: Final = table_of(instance_of(Decision, words=""), "a mapping of stepIds to Decision(…)")
_KINDS: Final = {
    "kind": one_of("resend", "failed", "answered", "sent"),
    "answer": instance_of(HttpResponse, NoResponse, words="an HttpResponse or a NoResponse", optional=True),
}


def check_decisions(decisions: Any) -> None:
    """Raise InvalidUsage for decisions that nobody could act on."""
    wrong = [*faults({"decisions": decisions}, {"decisions": _DECISIONS})]
    wrong = wrong or [sentence for each in decisions.values() for sentence in _about(each)]
    if wrong:
        hint = 'write {"stepId": Decision(kind="failed")}; the kinds are resend, failed, answered, sent'
        raise refusal(wrong[0], code="invalid-decision", hint=hint)


def check_fits(doubt: Doubt, decision: Decision) -> None:
    """Raise InvalidUsage for a decision about a request that only fits a message, or the other way round."""
    if doubt.is_message and decision.kind == "answered":
        message, hint = f'step "{doubt.step_id}" sent a message, which has no response', "say resend, failed or sent"
    elif not doubt.is_message and decision.kind == "sent":
        message = f'step "{doubt.step_id}" sent a request, which has a response'
        hint = "say resend, failed, or name a file with the response"
    else:
        return
    raise refusal(message, code="invalid-decision", hint=hint)


def _about(decision: Decision) -> Iterator[str]:
    yield from faults({"kind": decision.kind, "answer": decision.answer}, _KINDS, "Decision: ")
    if (decision.kind == "answered") != (decision.answer is not None):
        yield 'Decision: the kind "answered" has an answer, and no other kind has one'
    fault = response_fault(decision.answer)
    if fault is not None:
        yield f"Decision: the answer {fault}"
