"""The success criteria of a generated step: the documented status of success, and required members of its body."""

from __future__ import annotations

import re
from typing import Final

from arazzo_runner.base.json_values import escaped
from arazzo_runner.generate.draft import Noted, Tree
from arazzo_runner.generate.operations import ApiOperation
from arazzo_runner.generate.shapes import members_below

_MOST: Final = 3
_WRITABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def status_criterion(operation: ApiOperation) -> Tree:
    """Return the criterion of the first documented status of success."""
    if operation.status.isdigit():
        return f"$statusCode == {operation.status}"
    if operation.status[:1] == "3":
        return Noted("$statusCode >= 300 && $statusCode < 400", "the description has 3XX")
    found = {"": "no success", "default": "only a default response"}.get(operation.status, operation.status)
    return Noted("$statusCode >= 200 && $statusCode < 300", f"the description has {found}")


def member_criteria(operation: ApiOperation, threaded: list[tuple[str, bool]]) -> list[Tree]:
    """Return criteria about members of the body.

    Those are what later steps need (`threaded`: expressions, and whether they may be null), and required members.
    """
    found: dict[str, Tree] = {}
    for expression, is_nullable in threaded:
        if not is_nullable:
            condition = f"{expression} != null"
            found[condition] = Noted(condition, "a later step needs it")
    shape = operation.shape
    if shape.kind == "object" and shape.is_certain:
        for name, member in members_below(shape, operation.operation.schemas):
            condition = f"$response.body#/{escaped(name)} != null"
            is_meant = name in shape.required and not member.is_nullable and member.own.get("writeOnly") is not True
            is_meant = is_meant and (member.kind != "") and None not in _enum(member.own.get("enum"))
            if is_meant and _WRITABLE.fullmatch(name) and len(found) < _MOST:
                found.setdefault(condition, Noted(condition, "required by the description"))
    return list(found.values())


def _enum(enum: object) -> list[object]:
    return enum if isinstance(enum, list) else []
