"""Errors of durable runs, each an InvalidUsage with one Diagnostic."""

from __future__ import annotations

import shlex
from typing import Protocol

from arazzo_runner.base.settings import STORE
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity

_REMEDIES = {
    "foreign-record": "{store} is damaged, or somebody else writes to it: find out who; "
    "arazzo {forget} deletes the record",
    "journal-mismatch": "use the version of arazzo that wrote it; arazzo {forget} deletes it",
}


REFUSED_RECORDS = frozenset(_REMEDIES)
"""The codes of Diagnostics about a single record, not the whole store."""


class Foreign(Protocol):
    """Why a record is refused (see codec.ForeignRecord)."""

    reason: str
    code: str


def refusal(message: str, *, code: str, hint: str | None = None, file: str = "") -> InvalidUsage:
    """Return an InvalidUsage with one error."""
    return InvalidUsage([Diagnostic(code=code, severity=Severity.ERROR, message=message, at=Location(file), hint=hint)])


def foreign(problem: Foreign, what: str, name: str, store: str, *, forget: str | None = None) -> InvalidUsage:
    """Return the error for a refused record (`what` of the run `name`).

    `forget` is the command that removes it (default: that of a run).
    """
    hint = _REMEDIES[problem.code].format(store=store, forget=forget or f"runs delete {shlex.quote(name)}")
    return refusal(f'{what} "{name}" in {store} is refused: {problem.reason}', code=problem.code, hint=hint)


def unusable(store: str, problem: Exception) -> InvalidUsage:
    """Return the error for a store that is damaged, locked or not a store."""
    reason = _reason(problem)
    hint = f"it is damaged, or another program's; name another place with {STORE}, or restore a copy of it"
    if "locked" in reason:
        hint = "another program holds it: end that program, or wait for it"
    return refusal(f"the store {store} cannot be used: {reason}", code="invalid-store", hint=hint)


def unreachable(store: str, problem: Exception) -> InvalidUsage:
    """Return the error for a store that cannot be reached."""
    hint = f"see {STORE} and ARAZZO_STORE"
    return refusal(f"the store {store} cannot be reached: {_reason(problem)}", code="invalid-store", hint=hint)


def _reason(problem: Exception) -> str:
    """Return the first line of a database error; it never contains the values of a statement."""
    return str(getattr(problem, "orig", None) or problem).strip().partition("\n")[0] or type(problem).__name__
