"""Which values satisfy a list of criteria: three-valued evaluation with one subject known at a time.

A list of criteria is a conjunction. For each subject that its conditions compare with constants
(`$statusCode`, `$response.body#/state`) every value that could make a difference is tried: the
constants, their neighbours, and values unlike all of them. If none passes, the criteria never hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, pairwise
from typing import Final, TypeAlias, assert_never

from arazzo_runner.base.json_values import JsonValue, is_truthy, to_number
from arazzo_runner.base.records import Record
from arazzo_runner.errors import Location
from arazzo_runner.expressions.evaluate import compares
from arazzo_runner.expressions.nodes import (
    Access,
    And,
    Comparison,
    Condition,
    Constant,
    Not,
    Or,
    Reference,
    operands_of,
)
from arazzo_runner.expressions.queries.query import Query, select
from arazzo_runner.program.model import CompiledCriterion, ContextCriterion, QueryCriterion, SimpleCriterion

STATUS: Final = "$statusCode"
MAX_ATOMS: Final = 40
MAX_CONSTANTS: Final = 200
"""Conditions on one subject that compare with more values are not judged: the work grows with its square."""
# Values of every type that no document compares with.
_OTHERS: Final[tuple[JsonValue, ...]] = (None, True, False, 0.123456789, 987654321.5, "\uffff other", {"\uffff": 1})
_USUAL: Final = (100, 199, 200, 201, 202, 204, 206, 299, 300, 301, 302, 303, 304, 307, 399, 400, 401, 403, 404, 405,
                 406, 409, 410, 412, 415, 422, 428, 429, 499, 500, 501, 502, 503, 504, 599)  # fmt: skip

Truth: TypeAlias = bool | None
"""True, False, or None: unknown."""


class Atom(Record):
    """One condition that must hold: its subjects, and its truth if one of them has a value.

    `pinned` are the only values that its one subject may have, if it is compared by == only.
    """

    text: str
    subjects: frozenset[str]
    truth: Callable[[str, JsonValue], Truth]
    constants: tuple[JsonValue, ...]
    at: Location
    pinned: tuple[JsonValue, ...] | None = None


def atoms_of(criteria: Iterable[CompiledCriterion]) -> list[Atom]:
    """Return the conditions of a list of criteria; `a && b` counts as two."""
    return [atom for criterion in criteria for atom in _atoms(criterion)]


def contradiction(atoms: Sequence[Atom]) -> tuple[Atom, ...] | None:
    """Return the conditions that contradict each other (one: it never holds), None if all may hold."""
    for atom in atoms:
        if not atom.subjects and atom.truth("", None) is False:
            return (atom,)
    by_subject: dict[str, list[Atom]] = {}
    for atom in atoms:
        for subject in atom.subjects:
            by_subject.setdefault(subject, []).append(atom)
    for subject, involved in by_subject.items():
        is_small = len(involved) <= MAX_ATOMS and sum(len(atom.constants) for atom in involved) <= MAX_CONSTANTS
        culprits = _clash(subject, involved) if is_small else None
        if culprits is not None:
            return culprits
    return None


def never_all_hold(criteria: Sequence[CompiledCriterion]) -> tuple[Atom, ...] | None:
    """Return the conditions of a list of criteria that contradict each other, None if all may hold."""
    return contradiction(atoms_of(criteria))


def possible_statuses(atoms: Sequence[Atom], documented: Iterable[int] = ()) -> Iterator[int]:
    """Yield the statuses with which conditions may all hold, of those that make a difference; likely ones first."""
    on_status = (atom for atom in atoms if STATUS in atom.subjects and len(atom.constants) <= MAX_CONSTANTS)
    involved = list(on_status)[:MAX_ATOMS]
    return (status for status in statuses_to_try(involved, documented) if _may_hold(involved, STATUS, status))


def may_hold_without_response(atoms: Iterable[Atom]) -> bool:
    """Return whether conditions may all hold without a response."""
    return _may_hold(atoms, STATUS, None)


def surely_holds(atoms: Iterable[Atom], status: int) -> bool:
    """Return whether every condition holds with a status, whatever else is unknown."""
    return all(atom.truth(STATUS, status) is True for atom in atoms)


def statuses_to_try(atoms: Sequence[Atom], documented: Iterable[int] = ()) -> Iterator[int]:
    """Yield the HTTP statuses that can make a difference: compared, documented, neighbouring and usual ones."""
    pinned = next((atom.pinned for atom in atoms if atom.pinned is not None), None)
    constants = pinned if pinned is not None else [each for atom in atoms for each in atom.constants]
    compared = [int(number) for each in constants if (number := _status_like(each)) is not None]
    neighbours = (status + step for status in compared for step in (-1, 1))
    seen: set[int] = set()
    for status in compared if pinned is not None else chain(compared, documented, neighbours, _USUAL):
        if 100 <= status <= 599 and status not in seen:
            seen.add(status)
            yield status


def _status_like(value: JsonValue) -> int | float | None:
    number = to_number(value)
    return number if number is not None and abs(number) < 1000 else None


def subject_of(node: Condition) -> str | None:
    """Return the canonical text of the expression that an operand is, None if it is none."""
    base = node
    while isinstance(base, Access):
        base = base.operand
    return str(node) if isinstance(base, Reference) else None


# ------------------------------------------------------------------ atoms


def _atoms(criterion: CompiledCriterion) -> Iterator[Atom]:
    match criterion:
        case SimpleCriterion():
            for node in _conjuncts(criterion.condition):
                yield _simple_atom(node, criterion.at)
        case ContextCriterion():
            comparison = Comparison(Reference(criterion.context), "==", Constant(criterion.expected))
            yield _simple_atom(comparison, criterion.at)
        case QueryCriterion(kind="regex", query=Query() as query):
            subject = str(criterion.context)
            yield Atom(criterion.text, frozenset({subject}), _matching(subject, query), (), criterion.at)
        case QueryCriterion():
            return
        case _:
            assert_never(criterion)


def _conjuncts(node: Condition) -> Iterator[Condition]:
    if isinstance(node, And):
        for operand in node.operands:
            yield from _conjuncts(operand)
    else:
        yield node


def _simple_atom(node: Condition, at: Location) -> Atom:
    subjects: set[str] = set()
    constants: list[JsonValue] = []
    _gather(node, subjects, constants)

    def truth(subject: str, value: JsonValue) -> Truth:
        return _truth(node, subject, value)

    pinned = tuple(constants) if len(subjects) == 1 and _is_pinning(node) else None
    return Atom(str(node), frozenset(subjects), truth, tuple(constants), at, pinned)


def _is_pinning(node: Condition) -> bool:
    """Return whether a condition is `subject == constant`, or several of these joined by ||."""
    if isinstance(node, Or):
        return all(map(_is_pinning, node.operands))
    if not isinstance(node, Comparison) or node.operator != "==":
        return False
    one, other = (node.right, node.left) if isinstance(node.left, Constant) else (node.left, node.right)
    return isinstance(other, Constant) and subject_of(one) is not None


def _gather(node: Condition, subjects: set[str], constants: list[JsonValue]) -> None:
    subject = subject_of(node)
    if subject is not None:
        subjects.add(subject)
        return
    if isinstance(node, Constant):
        constants.append(node.value)
    for operand in operands_of(node):
        _gather(operand, subjects, constants)


def _matching(own: str, query: Query) -> Callable[[str, JsonValue], Truth]:
    def truth(subject: str, value: JsonValue) -> Truth:
        if subject != own or own != STATUS:
            return None  # texts cannot be enumerated
        return value is not None and select(query, value, timeout=0.1).passed

    return truth


# ------------------------------------------------------------------ evaluation


class _Unknown:
    """The value of an unknown operand."""


_UNKNOWN: Final = _Unknown()


def _truth(node: Condition, subject: str, value: JsonValue) -> Truth:
    match node:
        case Not():
            inner = _truth(node.operand, subject, value)
            return None if inner is None else not inner
        case And() | Or():
            decisive = isinstance(node, Or)
            found = [_truth(operand, subject, value) for operand in node.operands]
            return decisive if decisive in found else (None if None in found else not decisive)
        case Comparison():
            left, right = _value(node.left, subject, value), _value(node.right, subject, value)
            is_unknown = isinstance(left, _Unknown) or isinstance(right, _Unknown)
            return None if is_unknown else compares(left, node.operator, right)
        case Constant() | Reference() | Access():
            result = _value(node, subject, value)
            return None if isinstance(result, _Unknown) else is_truthy(result)
        case _:
            assert_never(node)


def _value(node: Condition, subject: str, value: JsonValue) -> JsonValue:
    if isinstance(node, Constant):
        return node.value
    text = subject_of(node)
    if text is not None:
        return value if text == subject else _UNKNOWN
    if isinstance(node, Access):
        return _UNKNOWN
    inner = _truth(node, subject, value)
    return _UNKNOWN if inner is None else inner


# ------------------------------------------------------------------ values to try


def _may_hold(atoms: Iterable[Atom], subject: str, value: JsonValue) -> bool:
    return all(atom.truth(subject, value) is not False for atom in atoms)


def _clash(subject: str, atoms: Sequence[Atom]) -> tuple[Atom, ...] | None:
    """Return one or two conditions on a subject that clash, else all of them; None if a value satisfies all."""
    values = _values_to_try(subject, atoms)
    if values is None or any(_may_hold(atoms, subject, value) for value in values):
        return None
    for number, atom in enumerate(atoms):
        for other in atoms[: number + 1]:
            pair = (atom,) if other is atom else (other, atom)
            if not any(_may_hold(pair, subject, value) for value in values):
                return pair
    return tuple(atoms)


def _values_to_try(subject: str, atoms: Sequence[Atom]) -> tuple[JsonValue, ...] | None:
    """Return every value that can make a difference; None if they cannot be listed (texts compared by order)."""
    if subject == STATUS:
        return tuple(statuses_to_try(atoms))
    pinned = next((atom.pinned for atom in atoms if atom.pinned is not None), None)
    if pinned is not None:
        return pinned
    constants = [constant for atom in atoms for constant in atom.constants]
    if any("<" in atom.text or ">" in atom.text for atom in atoms if _has_text(atom)):
        return None
    numbers = sorted({number for value in constants if (number := to_number(value)) is not None})
    between = [(low + high) / 2 for low, high in pairwise(numbers)]
    around = [number + step for number in numbers for step in (-1, 1)]
    return (*constants, *between, *around, *_OTHERS)


def _has_text(atom: Atom) -> bool:
    return any(isinstance(value, str) and to_number(value) is None for value in atom.constants)
