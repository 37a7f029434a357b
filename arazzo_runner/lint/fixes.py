"""Apply fixes to a document: the edits of its findings are made in its text, which is read again as a check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from arazzo_runner.base.json_values import MISSING, JsonValue, resolve_pointer
from arazzo_runner.base.records import Record
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, Limits, read
from arazzo_runner.errors import Change, Diagnostic, Edit
from arazzo_runner.lint.edits import TextEdit, text_edit


class Fixed(Record):
    """The new text of a document and the findings that were fixed in it."""

    text: str
    fixed: tuple[Diagnostic, ...]


class _Plan(Record):
    """A finding with the changes of the text that fix it."""

    found: Diagnostic
    changes: tuple[TextEdit, ...]

    @property
    def edits(self) -> tuple[Edit, ...]:
        return () if self.found.fix is None else self.found.fix.edits


def fix_document(document: Document, findings: Iterable[Diagnostic], *, unsafe: bool = False) -> Fixed:
    """Apply the fixes that do not overlap; the others are left for the next call.

    The new text is read and must have exactly the value that the edits describe; a fix that does
    something else is left out.
    """
    plans = [plan for found in findings if (plan := _plan(found, document, unsafe)) is not None]
    chosen = _without_overlaps(plans)
    text = _checked(document, chosen)
    if text is None:  # rare: find out which, one by one
        kept: list[_Plan] = []
        for plan in chosen:
            if _checked(document, [*kept, plan]) is not None:
                kept.append(plan)
        chosen, text = kept, _checked(document, kept)
    return Fixed(document.text if text is None else text, tuple(plan.found for plan in chosen))


def _plan(found: Diagnostic, document: Document, unsafe: bool) -> _Plan | None:
    fix = found.fix
    if fix is None or not (fix.is_safe or unsafe) or any(edit.at.uri != document.uri for edit in fix.edits):
        return None
    changes = [text_edit(edit, document) for edit in fix.edits]
    real = tuple(change for change in changes if change is not None)
    if len(real) < len(changes) or all(document.text[each.start : each.end] == each.text for each in real):
        return None
    return _Plan(found, real)


def _without_overlaps(plans: Iterable[_Plan]) -> list[_Plan]:
    """Return the plans, in the order of the text, that overlap with none before them; equal changes count once."""
    taken: list[TextEdit] = []
    kept = []
    for plan in sorted(plans, key=lambda plan: (plan.changes[0].start, plan.changes[0].end)):
        new = [change for change in plan.changes if change not in taken]
        if not any(_touch(change, other) for change in new for other in taken):
            taken += new
            kept.append(plan)
    return kept


def _touch(one: TextEdit, other: TextEdit) -> bool:
    return (one.start < other.end and other.start < one.end) or one.start == other.start


def applied(text: str, changes: Iterable[TextEdit]) -> str:
    """Return the text with changes applied that do not overlap."""
    parts, at = [], 0
    for change in sorted(set(changes), key=lambda change: change.start):
        parts += [text[at : change.start], change.text]
        at = change.end
    return "".join([*parts, text[at:]])


# ------------------------------------------------------------------ checking


def _checked(document: Document, plans: Sequence[_Plan]) -> str | None:
    """Return the text with the changes of all plans; None if its value is not what their edits describe."""
    text = applied(document.text, (change for plan in plans for change in plan.changes))
    expected = _with_edits(document.value, [edit for plan in plans for edit in plan.edits])
    found = read(text.encode("utf-8", "surrogatepass"), document.uri, Problems(), limits=Limits())
    if found is None or expected is MISSING:
        return None
    return text if json.dumps(found.value) == json.dumps(expected) else None


def _with_edits(value: JsonValue, edits: Iterable[Edit]) -> Any:
    """Return a copy of a document's value with edits applied; MISSING if one of them has no target."""
    made = json.loads(json.dumps(value))  # a copy without shared parts: an edit must not change other uses of an alias
    ordered = sorted(dict.fromkeys(edits), key=_from_the_end, reverse=True)
    for edit in ordered:
        if not edit.at.pointer:
            continue  # a comment
        parent, key = _parent(made, edit.at.pointer)
        if parent is None or not _edited(parent, key, edit):
            return MISSING
    return made


def _from_the_end(edit: Edit) -> tuple[bool, list[tuple[int, str]], int]:
    """Sort key that keeps the pointers of later edits valid: removals and new keys last, from the end backwards."""
    tokens = [(int(token), "") if token.isdecimal() else (-1, token) for token in edit.at.pointer.split("/")]
    keeps = edit.change is not Change.REMOVE and not edit.at.on_key
    return keeps, tokens, edit.at.offset or 0


def _parent(value: JsonValue, pointer: str) -> tuple[Any, Any]:
    above, _, token = pointer.rpartition("/")
    parent = resolve_pointer(value, above)
    key = token.replace("~1", "/").replace("~0", "~")
    if isinstance(parent, list):
        return parent, int(key)
    return (parent, key) if isinstance(parent, dict) and key in parent else (None, key)


def _edited(parent: Any, key: Any, edit: Edit) -> bool:
    if edit.change is Change.REMOVE:
        del parent[key]
        return True
    if edit.at.on_key:
        members = [(edit.text if name == key else name, item) for name, item in parent.items()]
        parent.clear()
        parent.update(members)
        return len(parent) == len(members)
    if edit.change is Change.QUOTE:
        return _quoted(parent, key, edit)
    if edit.change is Change.NEST:
        parent[key] = json.loads(edit.text)
        return True
    value, offset = parent[key], edit.at.offset
    if offset is not None and isinstance(value, str):
        parent[key] = value[:offset] + edit.text + value[offset + edit.at.length :]
    else:
        parent[key] = edit.text
    return True


def _quoted(parent: Any, key: Any, edit: Edit) -> bool:
    positions = edit.at.positions
    span = None if positions is None else positions.value(edit.at.pointer)
    if positions is None or span is None:
        return False
    parent[key] = positions.line_text(span.line)[span.column - 1 : span.end_column - 1]
    return True
