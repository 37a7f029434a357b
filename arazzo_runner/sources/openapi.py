"""OpenAPI 2.0-3.2 → Operations: an index that reads an operation only when it is asked for.

Specifications: OpenAPI 3.0.4, 3.1.1, 3.2.0 §OpenAPI Object, §Paths Object, §Path Item Object;
2.0 through sources/swagger2.py. Webhooks and callbacks are not in the index: the API calls them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped, pointer_tokens
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record
from arazzo_runner.document.cache import Reader
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import Location
from arazzo_runner.sources.fetch import ReferenceFetch

if TYPE_CHECKING:
    from arazzo_runner.sources.operation import Operation
    from arazzo_runner.sources.references import Node, ReferenceFailure
    from arazzo_runner.sources.schema.context import SchemaContext

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
EXTRA: Final = "additionalOperations"
_METHODS: Final = frozenset(METHODS)
_VARIABLE: Final = pattern(r"\{[^{}]*\}")


def load_openapi(
    document: Document,
    fetch: ReferenceFetch | None,
    problems: Problems,
    *,
    base: str | None = None,
    reader: Reader = read,
) -> OpenApiDescription:
    """Return the index of a description; `base` is the absolute URI it was read from, for relative references.

    `reader` reads the documents that its `$ref`s lead to.
    """
    return OpenApiDescription(document, fetch, problems, document.uri if base is None else base, reader)


class _PathItem(Record):
    """A Path Item Object: its own node and that of its `$ref` (§Path Item Object `$ref`)."""

    path: str
    nodes: tuple[Node, ...]
    failure: ReferenceFailure | None = None

    def operation(self, method: str) -> Node | None:
        """Return the Operation Object of a method, None when there is none."""
        for node in self.nodes:
            found = node.child(method) if method in METHODS else node.child(EXTRA).child(method)
            if isinstance(found.value, dict):
                return found
        return None

    def methods(self) -> Iterator[str]:
        """Yield the methods it has operations for, once each."""
        seen: set[str] = set()
        for node in self.nodes:
            fields = node.value if isinstance(node.value, dict) else {}
            extra = fields.get(EXTRA)
            for method in (*METHODS, *(extra if isinstance(extra, dict) else ())):
                holder = fields if method in METHODS else extra
                if method not in seen and isinstance(holder, dict) and isinstance(holder.get(method), dict):
                    seen.add(method)
                    yield method


class OpenApiDescription:
    """The operations of one OpenAPI description, found by operationId, pointer or path."""

    def __init__(
        self,
        document: Document,
        fetch: ReferenceFetch | None,
        problems: Problems,
        base: str,
        reader: Reader = read,
    ) -> None:
        # Lazily, as below: without a readable description none of it is needed.
        from arazzo_runner.sources.openapi_operation import OperationReader
        from arazzo_runner.sources.references import References
        from arazzo_runner.sources.structure import Structure

        self.uri = document.uri
        self.base = base
        self.document = document
        self.root: Mapping[str, JsonValue] = document.value if isinstance(document.value, dict) else {}
        self.references = References(document, base, fetch, reader)
        self.is_swagger = "swagger" in self.root
        self.structure = Structure(document, kind="swagger" if self.is_swagger else "openapi")
        self._problems = problems
        self._reader = OperationReader(document, base, self.references, self.structure, problems)
        self._built: dict[str, Operation | None] = {}
        self._items: dict[str, _PathItem | None] = {}
        self._ids: dict[str, list[str]] | None = None

    @property
    def version(self) -> str:
        """The description's version text, such as `3.1.0`."""
        return str(self.root.get("swagger" if self.is_swagger else "openapi", ""))

    @property
    def schemas(self) -> SchemaContext:
        """The context of the description's schemas, for `schema_errors`."""
        return self._reader.schemas

    @property
    def operation_ids(self) -> Sequence[str]:
        """Every operationId, in the description's order."""
        return list(self._index())

    def operation(self, operation_id: str) -> Operation | None:
        """Return the operation of that operationId, the first one if there are several; None when there is none."""
        pointers = self._index().get(operation_id)
        return None if pointers is None else self.operation_at(pointers[0])

    def same_id(self, operation_id: str) -> Sequence[str]:
        """Return the JSON Pointers of all operations with an operationId, which should be one."""
        return self._index().get(operation_id, ())

    def operation_at(self, pointer: str) -> Operation | None:
        """Return the operation at a JSON Pointer such as `/paths/~1pets/get`, None when there is none."""
        if pointer not in self._built:
            self._built[pointer] = self._read(pointer)
        return self._built[pointer]

    def node_at(self, pointer: str) -> Node | None:
        """Return the Operation Object at such a JSON Pointer, None when there is none."""
        tokens = pointer_tokens(pointer) if pointer.startswith("/paths/") else ()
        item = self._item(tokens[1]) if len(tokens) > 2 else None
        return None if item is None else item.operation(tokens[-1])

    def operation_by_path(self, method: str, path: str) -> Operation | None:
        """Return the operation of a method (`GET`) and path template (`/pets/{id}`)."""
        item = self._item(path)
        if item is None:
            return None
        found = next((own for own in item.methods() if own.upper() == method.upper()), None)
        return None if found is None else self.operation_at(_pointer(path, found))

    def places(self) -> Iterator[tuple[str, str, str]]:
        """Yield (method, path, JSON Pointer) of every operation, without reading it."""
        for item in self._path_items():
            for method in item.methods():
                yield method.upper(), item.path, _pointer(item.path, method)

    def operations(self) -> Iterator[Operation]:
        """Yield every operation."""
        for item in self._path_items():
            for method in item.methods():
                operation = self.operation_at(_pointer(item.path, method))
                if operation is not None:
                    yield operation

    def resolve(self, schema: JsonValue, base: str | None = None) -> tuple[JsonValue, str]:
        """Return (value, base) of a value after following its `$ref`; raises ReferenceFailure."""
        return self.references.follow(schema, base or self.references.base)

    def place(self, pointer: str) -> Location:
        """Return the location of a JSON Pointer in the description."""
        return self.document.at(pointer)

    # ------------------------------------------------------------------ index

    def _index(self) -> dict[str, list[str]]:
        """Return pointers by operationId."""
        if self._ids is None:
            self._ids = {}
            for operation_id, path, method in self._identified():
                self._ids.setdefault(operation_id, []).append(_pointer(path, method))
            for operation_id, pointers in self._ids.items():
                if len(pointers) > 1:
                    self._repeated(operation_id, pointers)
        return self._ids

    def _identified(self) -> Iterator[tuple[str, str, str]]:
        """Yield (operationId, path, method); usual path items are searched without making nodes."""
        for path, value in self._paths().items():
            if isinstance(value, dict) and "$ref" not in value and EXTRA not in value and not path.startswith("x-"):
                for method, raw in value.items():
                    if method not in _METHODS:
                        continue
                    found = raw.get("operationId") if isinstance(raw, dict) else None
                    if isinstance(found, str):
                        yield found, path, method
                    elif not isinstance(raw, dict) or found is not None:
                        self._wrong_operation(_pointer(path, method), method, raw)
                continue
            item = self._item(path)
            for method in item.methods() if item is not None else ():
                node = item.operation(method) if item is not None else None
                identity = node.child("operationId").value if node is not None else None
                if isinstance(identity, str):
                    yield identity, path, method

    def _repeated(self, operation_id: str, pointers: Sequence[str]) -> None:
        first, *others = [self.document.at(f"{pointer}/operationId") for pointer in pointers]
        self.structure.add(
            id_key(operation_id),
            f'operationId "{operation_id}" is defined {times(len(pointers))}, and must be unique',
            at=others[0],
            related=(first, *others[1:]),
            code="duplicate-operation-id",
            hint="give every operation an operationId of its own",
        )

    def _wrong_operation(self, pointer: str, method: str, raw: JsonValue) -> None:
        if isinstance(raw, dict):
            self.structure.wrong_type(f"{pointer}/operationId", "operationId", raw["operationId"], "a string")
        elif raw is not None:
            self.structure.wrong_type(pointer, f"operation {method}", raw)

    def _paths(self) -> Mapping[str, JsonValue]:
        paths = self.root.get("paths")
        return paths if isinstance(paths, dict) else {}

    def _path_items(self) -> Iterator[_PathItem]:
        for path in self._paths():
            item = self._item(path)
            if item is not None:
                yield item

    def _item(self, path: str) -> _PathItem | None:
        if path not in self._items:
            self._items[path] = self._read_item(path)
        return self._items[path]

    def _read_item(self, path: str) -> _PathItem | None:
        from arazzo_runner.sources.references import Node, ReferenceFailure

        value = None if path.startswith("x-") else self._paths().get(path)
        if not isinstance(value, dict):
            if value is not None:
                self.structure.wrong_type(f"/paths/{escaped(path)}", f'path item "{path}"', value)
            return None
        own = Node(value, self.references.base, self.document.at(f"/paths/{escaped(path)}"))
        if "$ref" not in value:
            return _PathItem(path, (own,))
        try:
            return _PathItem(path, (own, self.references.follow_node(own)))
        except ReferenceFailure as failure:
            return _PathItem(path, (own,), failure)

    # ------------------------------------------------------------------ one operation

    def _read(self, pointer: str) -> Operation | None:
        tokens = pointer_tokens(pointer) if pointer.startswith("/") else ()
        is_plain = len(tokens) == 3 and tokens[2] in METHODS
        is_extra = len(tokens) == 4 and tokens[2] == EXTRA and tokens[3] not in METHODS
        if not (is_plain or is_extra) or tokens[0] != "paths":
            return None
        item = self._item(tokens[1])
        node = item.operation(tokens[-1]) if item is not None else None
        if item is None or node is None:
            self._missing(item, pointer, tokens[-1])
            return None
        self._check_twin(item)
        return self._reader.read(pointer, tokens[1], tokens[-1], node, item.nodes, item.failure)

    def _missing(self, item: _PathItem | None, pointer: str, method: str) -> None:
        """Record why there is no operation where one is looked for, if the description is broken there."""
        if item is None:
            return
        raw = item.nodes[0].child(method).value
        if item.failure is not None:
            self.structure.add(pointer, item.failure.message, at=item.nodes[0].at, code="broken-reference")
        elif raw is not MISSING:
            self._wrong_operation(pointer, method, raw)

    def _check_twin(self, item: _PathItem) -> None:
        """Record another path that differs from this one only in the names of its variables (§Paths Object)."""
        start, brace, _ = item.path.partition("{")
        if not brace:
            return
        shape = _VARIABLE.sub("{}", item.path)
        for other in self._paths():
            if other.startswith(start) and other != item.path and _VARIABLE.sub("{}", other) == shape:
                message = f"the paths {item.path} and {other} are the same, and must not both be present"
                places = [self.document.at(f"/paths/{escaped(each)}").at_key() for each in (item.path, other)]
                key = f"twin {min(item.path, other)}"
                self.structure.add(key, message, at=places[1], related=(places[0],), hint="merge the two path items")


def id_key(operation_id: str) -> str:
    """Return the key under which a repeated operationId is kept in the structure."""
    return f"operationId {operation_id}"


def times(count: int) -> str:
    """Return a number of times in words."""
    return "twice" if count == 2 else f"{count} times"


def _pointer(path: str, method: str) -> str:
    extra = "" if method in METHODS else f"/{EXTRA}"
    return f"/paths/{escaped(path)}{extra}/{escaped(method)}"
