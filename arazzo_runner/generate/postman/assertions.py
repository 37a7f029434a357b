"""The words of assertions: chains as `pm.expect(value).to.not.equal(1)`, and what each word means."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final, Literal as OneOf, TypeAlias

from arazzo_runner.generate.postman.javascript import Call, Literal, Member, Name, Node
from arazzo_runner.generate.postman.script_effects import Scalar

_FILLING: Final = frozenset(
    {"to", "be", "been", "is", "that", "which", "and", "has", "have", "with", "at", "of", "same", "deep", "a", "an"}
)
EQUAL: Final = frozenset({"eql", "equal", "equals", "eq", "eqls"})
SIGNS: Final[dict[str, OneOf["<", "<=", ">", ">="]]] = {
    **dict.fromkeys(("above", "gt", "greaterThan"), ">"),
    **dict.fromkeys(("least", "gte"), ">="),
    **dict.fromkeys(("below", "lt", "lessThan"), "<"),
    **dict.fromkeys(("most", "lte"), "<="),
}
OPPOSITE: Final[dict[str, OneOf["==", "!=", "<", "<=", ">", ">="]]] = {
    "==": "!=",
    "!=": "==",
    "<": ">=",
    ">=": "<",
    ">": "<=",
    "<=": ">",
}
WORDS: Final[dict[str, Scalar]] = {"true": True, "false": False, "null": None}
CLASSES: Final = {"info": 100, "success": 200, "redirection": 300, "clientError": 400, "serverError": 500}
STATUSES: Final = {
    "ok": 200,
    "accepted": 202,
    "withoutContent": 204,
    "badRequest": 400,
    "unauthorized": 401,
    "unauthorised": 401,
    "forbidden": 403,
    "notFound": 404,
    "notAcceptable": 406,
    "rateLimited": 429,
}
_PHRASES: Final = {status.phrase.lower(): status.value for status in HTTPStatus}


Link: TypeAlias = tuple[str, tuple[Node, ...] | None]


def links_of(node: Node) -> tuple[Node, list[Link]]:
    """Return where a chain `a.b.c(d)` begins, and its names with their arguments."""
    links: list[Link] = []
    while isinstance(node, (Member, Call)):
        arguments = None
        if isinstance(node, Call):
            arguments, node = node.arguments, node.of
        if not isinstance(node, Member):
            return node, []
        links.append((str(node.name), arguments))
        node = node.of
    return node, links[::-1]


def meant(links: list[Link]) -> tuple[bool, list[Link]]:
    """Return whether an assertion is negated, and its words without those that only fill."""
    rest = [(name, arguments) for name, arguments in links if arguments is not None or name not in _FILLING]
    is_not = sum(name == "not" and arguments is None for name, arguments in rest) % 2 == 1
    return is_not, [each for each in rest if each[0] != "not"]


def status_of(name: str, arguments: tuple[Node, ...]) -> int | None:
    """Return the status that `status(200)` or `status("OK")` names, None for any other word."""
    value = arguments[0].value if len(arguments) == 1 and isinstance(arguments[0], Literal) else None
    if name != "status":
        return None
    if isinstance(value, str):
        return _PHRASES.get(value.lower())
    return value if isinstance(value, int) and 100 <= value <= 599 else None


def dotted(node: Node | None) -> str:
    """Return a chain of names without calls as text, "" for anything else."""
    names: list[str] = []
    while isinstance(node, Member):
        names.append(str(node.name))
        node = node.of
    return ".".join([node.name, *names[::-1]]) if isinstance(node, Name) else ""
