"""The parts of an operation: `$ref`s followed, types checked; what is wrong goes to the owner's `report`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from arazzo_runner.base.json_values import MISSING, type_name
from arazzo_runner.base.records import Record
from arazzo_runner.errors import Location
from arazzo_runner.sources.references import Node, ReferenceFailure, References
from arazzo_runner.sources.structure import Structure


class Report(Protocol):
    """Takes what is wrong with a part."""

    def __call__(
        self, code: str, message: str, at: Location, hint: str | None, *, parameter: tuple[str, str] | None = None
    ) -> None:
        """Report one finding; `parameter` is the (name, location) of the only parameter that it concerns."""


class Parts(Record):
    """Reads parts of one description; a part that is wrong is reported and left out."""

    references: References
    structure: Structure
    report: Report

    def followed(self, node: Node) -> Node:
        """Follow a `$ref`; one that cannot be followed is reported and gives null."""
        try:
            return self.references.follow_node(node)
        except ReferenceFailure as failure:
            self.broken_reference(failure, node.at)
            return Node(None, node.base, node.at)

    def broken_reference(self, failure: ReferenceFailure, at: Location) -> None:
        """Report a `$ref` that cannot be followed; of a document that many of them name, all at once."""
        cause = None if failure.pointer is None else self.structure.needed(failure.pointer)
        if cause is not None:
            self.report(cause.code, cause.message, cause.at, cause.hint)
            return
        message, hint = failure.message, failure.hint or "correct the reference, or add what it names"
        if failure.document is not None:
            count, first = self.references.naming(failure.document)
            if count > 1:
                message, at = f"{message} ({count} $refs name it)", first or at
        self.report("broken-reference", message, at, hint)

    def mapping(self, node: Node, what: str) -> Mapping[str, Any] | None:
        """Return a mapping, None if it is absent or, reported, of another type."""
        if isinstance(node.value, dict):
            return node.value
        self._wrong_type(node, what, "a mapping")
        return None

    def members(self, node: Node, what: str) -> Iterator[tuple[str, Node]]:
        """Yield the members of a mapping."""
        for key in self.mapping(node, what) or ():
            if what != "responses" or not key.startswith("x-"):
                yield key, node.child(key)

    def listed(self, holder: Node, what: str) -> Sequence[Node]:
        """Return the items of a list that is a member of `holder`."""
        node = holder.child(what)
        if isinstance(node.value, list):
            return [node.child(index) for index in range(len(node.value))]
        self._wrong_type(node, what, "a list")
        return ()

    def broken(
        self, node: Node, message: str, hint: str | None = None, *, parameter: tuple[str, str] | None = None
    ) -> None:
        """Report a part of a wrong shape."""
        self.report("broken-description", message, node.at, hint or "correct the description", parameter=parameter)

    def _wrong_type(self, node: Node, what: str, expected: str) -> None:
        if node.value is MISSING or node.value is None:
            return
        self.structure.needed(node.at.pointer)  # reported here, with the part that needs it
        self.broken(node, f"{what} must be {expected}, found {type_name(node.value)}")
