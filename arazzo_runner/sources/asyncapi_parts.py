"""The parts that both dialects of AsyncAPI share: `$ref`s, traits, what is wrong, and by whom it is needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeVar
from urllib.parse import unquote

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped, to_text
from arazzo_runner.errors import Diagnostic, Location
from arazzo_runner.sources.channel import Bindings, Channel, MessageOperation
from arazzo_runner.sources.parts import Parts
from arazzo_runner.sources.references import Node, ReferenceFailure, References, rebased
from arazzo_runner.sources.structure import Structure

Made = TypeVar("Made")


class Dialect(Protocol):
    """Reads the channels and operations of one major version of AsyncAPI."""

    def places(self) -> Iterator[tuple[str | None, str]]:
        """Yield the name and the JSON Pointer of every operation, without reading it."""

    def operation(self, pointer: str) -> MessageOperation | None:
        """Return the operation at a JSON Pointer, None when there is none."""

    def channel(self, key: str) -> Channel:
        """Return the channel of a name that the description has."""


class AsyncParts:
    """Reads parts of one description; what is wrong is kept by the operation, channel or server that it is in."""

    def __init__(self, root: Node, references: References, structure: Structure) -> None:
        self.root = root
        self.references = references
        self.structure = structure
        self.parts = Parts(references, structure, self._report)
        self._owners = [""]
        self._faults: dict[str, list[str]] = {}
        for name in ("channels", "operations", "servers"):
            for key, value in self.root_members(name).items():
                if not isinstance(value, dict) and not key.startswith("x-"):
                    structure.wrong_type(f"/{name}/{escaped(key)}", f'{name[:-1]} "{key}"', value)

    # ------------------------------------------------------------------ what is wrong

    def owned(self, pointer: str, make: Callable[[], Made]) -> Made:
        """Return what `make` reads; what is wrong with it concerns the object at `pointer`."""
        self._owners.append(pointer)
        try:
            return make()
        finally:
            self._owners.pop()

    def faults(self, pointers: Iterable[str]) -> tuple[Diagnostic, ...]:
        """Return what is wrong with the objects at some pointers, which is then left to the caller to report."""
        found: dict[Diagnostic, None] = {}
        for pointer in ("/asyncapi", *pointers):
            for key in (pointer, *self._faults.get(pointer, ())):
                fault = self.structure.needed(key)
                if fault is not None:
                    found[fault] = None
        return tuple(found)

    def _report(
        self, code: str, message: str, at: Location, hint: str | None, *, parameter: tuple[str, str] | None = None
    ) -> None:
        key = f"{at.uri}#{at.pointer} {message}"
        self._faults.setdefault(self._owners[-1], []).append(key)
        self.structure.add(key, message, at=at, code=code, hint=hint or "correct the description")

    def broken(self, node: Node, message: str, hint: str | None = None) -> None:
        """Report a part that is wrong where it is needed."""
        self.parts.broken(node, message, hint)

    def doubtful(self, node: Node, message: str) -> None:
        """Record a part that is wrong and never needed: it is left out, with a warning."""
        self.structure.add(f"{node.at.uri}#{node.at.pointer} {message}", message, at=node.at)

    # ------------------------------------------------------------------ values

    def root_members(self, name: str) -> Mapping[str, JsonValue]:
        """Return a mapping of the description's root, an empty one where it is of another type."""
        return mapping(self.root.child(name).value)

    def followed(self, node: Node) -> Node:
        """Follow a `$ref`; one that cannot be followed is reported and gives null."""
        return self.parts.followed(node)

    def text(self, node: Node, what: str) -> str | None:
        """Return a text, None if it is absent or, reported, of another type."""
        if isinstance(node.value, str):
            return node.value
        if node.value is not MISSING and node.value is not None:
            if isinstance(node.value, (dict, list)):
                self.broken(node, f"{what} must be a string")
            else:
                return to_text(node.value)  # a version or a default without quotes
        return None

    def members(self, node: Node, what: str) -> list[tuple[str, Node]]:
        """Return the members of a mapping but the extensions, `$ref`s of them followed."""
        found = self.parts.members(self.followed(node), what)
        return [(key, self.followed(child)) for key, child in found if not key.startswith("x-")]

    def listed(self, holder: Node, what: str) -> list[Node]:
        """Return the items of a list that is a member of `holder`."""
        return list(self.parts.listed(holder, what))

    def bindings(self, holder: Node) -> Bindings:
        """Return the binding objects of an object by protocol, in lower case."""
        return {name.lower(): each.value for name, each in self.members(holder.child("bindings"), "bindings")}

    def with_traits(self, node: Node, *, traits_win: bool) -> Node:
        """Return an object with its traits merged in (RFC 7386), in their order.

        In 3.0 what the object says itself wins (§Traits Merge Mechanism), in 2.x the traits do (§Operation Object).
        """
        if not isinstance(node.value, dict) or "traits" not in node.value:
            return node
        own = {key: value for key, value in node.value.items() if key != "traits"}
        merged: JsonValue = own if traits_win else {}
        for each in self.listed(node, "traits"):
            trait = self.followed(each)
            if isinstance(trait.value, dict):
                merged = merge_patch(merged, rebased(trait.value, trait.base, node.base))
            elif trait.value is not None:
                self.broken(each, "a trait must be a mapping")
        return Node(merged if traits_win else merge_patch(merged, own), node.base, node.at)

    # ------------------------------------------------------------------ references to named parts

    def reference(self, node: Node, what: str) -> tuple[str, Node] | None:
        """Return what the `$ref` of a node names, and where it leads: None, reported, for none."""
        text = mapping(node.value).get("$ref")
        if not isinstance(text, str):
            self.broken(node, f"{what} must be a $ref", self._as_reference(node.value))
            return None
        target = self.followed(node)
        return None if target.value is None else (text, target)

    def _as_reference(self, value: JsonValue) -> str | None:
        """Return how to refer to a channel, message or server that is written as its bare name."""
        holders = ("channels", "servers", "operations") if isinstance(value, str) else ()
        holder = next((each for each in holders if value in self.root_members(each)), None)
        return None if holder is None else f"write {{$ref: '#/{holder}/{escaped(str(value))}'}}"

    def own_pointer(self, node: Node) -> str | None:
        """Return the JSON Pointer of a node's `$ref` into the description itself, None for another document."""
        place, _, pointer = to_text(mapping(node.value).get("$ref", "")).partition("#")
        return unquote(pointer) if not place and node.base == self.root.base else None

    def same_place(self, node: Node) -> tuple[str, str]:
        """Return what tells whether two nodes are the same place."""
        return node.at.uri, node.at.pointer

    def follow_quietly(self, node: Node) -> Node | None:
        """Follow a `$ref`, None when it cannot be followed."""
        try:
            return self.references.follow_node(node)
        except ReferenceFailure:
            return None


def mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    """Return a mapping, an empty one for another value."""
    return value if isinstance(value, dict) else {}


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """Return a value with a patch applied (RFC 7386 §2).

    >>> merge_patch({"a": 1, "b": {"c": 2, "d": 3}}, {"b": {"c": None, "e": 4}})
    {'a': 1, 'b': {'d': 3, 'e': 4}}
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged
