"""The schemas of a document's inputs with every `$ref` led into the document itself.

A `$ref` may name another file, a schema embedded by its `$id`, or an `$anchor` (JSON Schema 2020-12 §8.2). It is
followed once, when the document is loaded, by the rules for all `$ref`s (sources/policy.py); behind that, there are
only JSON Pointers into one value, so that a run reads nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.records import Record, field
from arazzo_runner.document.cache import Reader
from arazzo_runner.document.model import ArazzoDescription
from arazzo_runner.document.positions import TextPositions
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Location
from arazzo_runner.sources.fetch import ReferenceFetch
from arazzo_runner.sources.references import Node, ReferenceFailure, References
from arazzo_runner.sources.schema.context import LISTED, NAMED, ONE, SchemaContext, identified
from arazzo_runner.sources.uris import is_remote, join

EXTERNAL: Final = "x-external-schemas"
"""The member of the root that holds the schemas of other documents."""
_CONTEXT: Final = SchemaContext()


class EmbeddedInputs(Record):
    """A document whose inputs refer to nothing outside: its value, and what could not be followed, by JSON Pointer."""

    root: JsonValue
    inputs: Mapping[str, JsonValue] = field(default_factory=dict)
    failures: tuple[tuple[Location, ReferenceFailure], ...] = ()

    def report(self, below: str, problems: Problems) -> None:
        """Report the references below a JSON Pointer that cannot be followed."""
        for at, failure in self.failures:
            if at.pointer.startswith(f"{below}/"):
                hint = failure.hint or "correct the reference, or put the schema into components/inputs"
                problems.error("broken-reference", failure.message, at, hint=hint)


def embedded_inputs(
    description: ArazzoDescription, location: str, fetch: ReferenceFetch, reader: Reader
) -> EmbeddedInputs:
    """Return a document with the `$ref`s of its inputs followed; nearly all documents are left as they are."""
    positions = description.at.positions
    raw = description.raw
    if not isinstance(raw, dict) or (isinstance(positions, TextPositions) and "$ref" not in (positions.text or "$ref")):
        return EmbeddedInputs(raw)
    schemas = {f"{each.at.pointer}/inputs": each.inputs for each in description.workflows}
    above = f"{description.components.at.pointer}/inputs"
    shared = {f"{above}/{escaped(name)}": schema for name, schema in description.components.inputs.items()}
    if not any(map(_needs_embedding, (*schemas.values(), *shared.values()))):
        return EmbeddedInputs(raw)
    text = positions if isinstance(positions, TextPositions) else TextPositions("")
    document = Document(description.at.uri, raw, text)
    embedding = _Embedding(document, References(document, location, fetch, reader))
    inputs = {pointer: embedding.own(schema, pointer) for pointer, schema in schemas.items()}
    components = raw.get("components")
    parts = dict(components) if isinstance(components, dict) else {}
    parts["inputs"] = {name: embedding.own(schema, f"{above}/{escaped(name)}")
                       for name, schema in description.components.inputs.items()}  # fmt: skip
    root = {**raw, "components": parts, EXTERNAL: embedding.external()}
    return EmbeddedInputs(root, inputs, tuple(embedding.failures))


def _needs_embedding(schema: JsonValue) -> bool:
    """Return whether a schema has a `$ref` that is not JSON Pointer into the document, or an `$id`."""
    for each in _schemas(schema):
        reference = each.get("$ref")
        if "$id" in each or (isinstance(reference, str) and reference[:2] not in ("#/", "#")):
            return True
    return False


def _schemas(schema: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """Yield a schema and its subschemas."""
    waiting = [schema]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            for keyword, value in each.items():
                waiting += [part for _, part in _parts(keyword, value)]


def _parts(keyword: str, value: JsonValue) -> Iterator[tuple[str | int | None, JsonValue]]:
    """Yield the schemas in the value of a keyword, with their keys in it; None for the value itself."""
    if isinstance(value, dict) and keyword in NAMED:
        yield from value.items()
    elif isinstance(value, list) and (keyword in LISTED or keyword == "items"):
        yield from enumerate(value)
    elif isinstance(value, dict) and keyword in ONE:
        yield None, value


class _Embedding:
    """Copies schemas with their `$ref`s led into one document; `failures` are those that cannot be followed."""

    def __init__(self, document: Document, references: References) -> None:
        self.failures: list[tuple[Location, ReferenceFailure]] = []
        self._document = document
        self._references = references
        self._numbers: dict[tuple[str, str], int] = {}
        self._found: list[Node] = []
        self._origins: list[Location] = []

    def own(self, schema: JsonValue, pointer: str) -> JsonValue:
        """Return a copy of a schema of the document at a JSON Pointer."""
        return self._copied(schema, self._references.base_at(pointer), self._document.at(pointer), follows=True)

    def external(self) -> list[JsonValue]:
        """Return copies of the schemas of other documents that those of the document lead to."""
        copies = []
        for number, node in enumerate(self._found):  # grows while it is walked
            copies.append(self._copied(node.value, node.base, self._origins[number], follows=False))
        return copies

    def _copied(self, schema: JsonValue, base: str, at: Location, *, follows: bool) -> JsonValue:
        """Return a copy; `at` is its location, or (not `follows`) that of the reference which led to it."""
        if not isinstance(schema, dict):
            return schema
        base = identified(schema, base, _CONTEXT)
        # Without `$id`: the references of the copy are relative to the document.
        copy = {key: value for key, value in schema.items() if key != "$id"}
        reference = schema.get("$ref")
        if isinstance(reference, str):
            copy["$ref"] = self._led(reference, base, at.child("$ref") if follows else at, is_own=follows)
        for keyword, value in schema.items():
            parts = list(_parts(keyword, value))
            places = {key: at.child(keyword) if key is None else at.child(keyword).child(key) for key, _ in parts}
            copies = {key: self._copied(part, base, places[key] if follows else at, follows=follows)
                      for key, part in parts}  # fmt: skip
            if copies:
                copy[keyword] = copies.get(None, list(copies.values()) if isinstance(value, list) else copies)
        return copy

    def _led(self, reference: str, base: str, at: Location, *, is_own: bool) -> str:
        """Return a reference to the same schema inside the document; unchanged if it cannot be followed."""
        try:
            node = self._references.target(reference, base)
        except ReferenceFailure as failure:
            # Rules report references into the document that point to nothing, and those to other servers.
            if not (is_own and (reference.startswith("#") or is_remote(join(base, reference)))):
                self.failures.append((at, failure))
            return reference
        if node.at.positions is self._document.positions:
            return f"#{node.at.pointer}"
        key = node.base, node.at.pointer
        if key not in self._numbers:
            self._numbers[key] = len(self._found)
            self._found.append(node)
            self._origins.append(at)
        return f"#/{EXTERNAL}/{self._numbers[key]}"
