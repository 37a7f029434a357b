"""The names of tools, made of workflowIds: at most 64 characters of `A-Za-z0-9_-`, each name once."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

LONGEST: Final = 64
RESERVED: Final = ("run_status", "run_cancel", "validate_text", "show", "explain", "eval", "dry_run")
"""The names of tools that are no workflows; whether they are offered or not, a workflow keeps its name."""


def tool_names(workflow_ids: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """Return a name for each workflowId, in order; `taken` are names that other tools have.

    >>> tool_names(["rotate.token", "rotate-token", "rotate-token"])
    ['rotate-token', 'rotate-token-2', 'rotate-token-3']
    """
    known = set(taken)
    found: list[str] = []
    for workflow_id in workflow_ids:
        name = _unique(_fitting(workflow_id), known)
        known.add(name)
        found.append(name)
    return found


def _fitting(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:LONGEST].rstrip("-") or "workflow"


def _unique(name: str, known: set[str]) -> str:
    number, unique = 2, name
    while unique in known:
        suffix = f"-{number}"
        unique, number = name[: LONGEST - len(suffix)] + suffix, number + 1
    return unique
