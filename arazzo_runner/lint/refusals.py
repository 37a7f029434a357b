"""Refusals: what rules find that prevents a run, in the workflows that it can reach."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from arazzo_runner.base.records import replace
from arazzo_runner.errors import Diagnostic, Judge, Severity
from arazzo_runner.lint.failures import documents_of, unsuppressed_in
from arazzo_runner.lint.inspection import Inspection
from arazzo_runner.lint.rules.catalogue import RULES
from arazzo_runner.lint.rules.rule import run_rules
from arazzo_runner.program.library import LoadedDocument
from arazzo_runner.program.model import Program

_TOLD: Final = ("no-correlation-place",)
"""The warnings that a run tells before it begins: what it waits for may never come."""
_REFUSING: Final = tuple(
    each for each in RULES if (each.severity is Severity.ERROR and each.is_default) or each.code in _TOLD
)
"""The rules that can refuse a run, and those whose errors it tolerates with a warning."""


def refusals(program: Program, entry: LoadedDocument, judge: Judge) -> list[Diagnostic]:
    """Return the errors that rules find in what a run can reach, and its warnings about tolerated ones.

    Findings that a comment suppresses are left out, as `validate` leaves them out.
    """
    named = {each.base: each for each in documents_of(entry)}
    used = dict.fromkeys(key.document for key in program.workflows)
    return [found for base in used if base in named for found in _of_document(program, named[base], judge)]


def _of_document(program: Program, document: LoadedDocument, judge: Judge) -> Iterable[Diagnostic]:
    inspection = Inspection(replace(program, base=document.base, description=document.description), document.opened)
    reachable = tuple(f"{each.at.pointer}/" for each in inspection.compiled)
    found = [
        each
        for each in run_rules(inspection, _REFUSING, judge=judge)
        if (each.severity is Severity.ERROR or each.is_tolerated or each.code in _TOLD)
        and _is_in(each.at.pointer, reachable)
    ]
    return unsuppressed_in(document, found)


def _is_in(pointer: str, workflows: tuple[str, ...]) -> bool:
    """Return whether a place is in one of these workflows, or outside of all workflows."""
    return not pointer.startswith("/workflows/") or f"{pointer}/".startswith(workflows)
