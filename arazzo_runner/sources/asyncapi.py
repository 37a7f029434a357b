"""AsyncAPI 2.0-2.6 and 3.0 → channels and operations: an index that reads a channel only when it is asked for.

Specifications: AsyncAPI 3.0.0 §AsyncAPI Object, §Channel Object, §Operation Object; 2.x through
sources/asyncapi_v2.py. What is wrong with a part is kept in `structure`: an error where a step needs it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from arazzo_runner.base.json_values import JsonValue, escaped, pointer_tokens
from arazzo_runner.document.cache import Reader
from arazzo_runner.document.source_map import Document, read
from arazzo_runner.errors import Diagnostic, Location
from arazzo_runner.sources.asyncapi_parts import AsyncParts, Dialect
from arazzo_runner.sources.asyncapi_servers import SecurityNames, servers_of
from arazzo_runner.sources.channel import BrokerServer, Channel, MessageOperation
from arazzo_runner.sources.fetch import ReferenceFetch
from arazzo_runner.sources.openapi import id_key, times
from arazzo_runner.sources.references import Node, References
from arazzo_runner.sources.schema.context import SchemaContext
from arazzo_runner.sources.structure import Structure


def load_asyncapi(
    document: Document, fetch: ReferenceFetch | None, *, base: str | None = None, reader: Reader = read
) -> AsyncApiDescription:
    """Return the index of a description; `base` is the absolute URI it was read from, for relative references.

    `reader` reads the documents that its `$ref`s lead to.
    """
    return AsyncApiDescription(document, fetch, document.uri if base is None else base, reader)


class AsyncApiDescription:
    """The channels and operations of one AsyncAPI description, found by id or pointer."""

    def __init__(self, document: Document, fetch: ReferenceFetch | None, base: str, reader: Reader = read) -> None:
        self.uri = document.uri
        self.base = base
        self.document = document
        self.root: Mapping[str, JsonValue] = document.value if isinstance(document.value, dict) else {}
        self.references = References(document, base, fetch, reader)
        self.structure = Structure(document, kind="asyncapi")
        self.is_v2 = self.version.startswith("2.")
        self._parts = AsyncParts(
            Node(self.root, self.references.base, document.at("")), self.references, self.structure
        )
        self._security = SecurityNames(self._parts, is_v2=self.is_v2)
        self._dialect = self._dialect_of()
        self._operations: dict[str, MessageOperation | None] = {}
        self._ids: dict[str, list[str]] | None = None

    @property
    def version(self) -> str:
        """The description's version text, such as `3.0.0`."""
        return str(self.root.get("asyncapi", ""))

    @property
    def schemas(self) -> SchemaContext:
        """The context of the description's schemas, for `schema_errors`."""
        return SchemaContext("2020-12", self.references.follow)

    # ------------------------------------------------------------------ operations

    @property
    def operation_ids(self) -> Sequence[str]:
        """The names of all operations, in the description's order."""
        return list(self._index())

    def operation(self, operation_id: str) -> MessageOperation | None:
        """Return the operation of that name, the first one if there are several; None when there is none."""
        pointers = self.same_id(operation_id)
        return self.operation_at(pointers[0]) if pointers else None

    def same_id(self, operation_id: str) -> Sequence[str]:
        """Return the JSON Pointers of all operations with an operationId, which should be one."""
        return self._index().get(operation_id, ())

    def operation_at(self, pointer: str) -> MessageOperation | None:
        """Return the operation at a JSON Pointer such as `/operations/placeOrder`, None when there is none."""
        if pointer not in self._operations:
            self._operations[pointer] = self._dialect.operation(pointer)
        return self._operations[pointer]

    def operations(self) -> Iterator[MessageOperation]:
        """Yield every operation."""
        for _, pointer in self._dialect.places():
            found = self.operation_at(pointer)
            if found is not None:
                yield found

    def operations_on(self, channel: Channel) -> tuple[MessageOperation, ...]:
        """Return the operations on a channel, in the description's order."""
        return tuple(each for each in self.operations() if each.channel.pointer == channel.pointer)

    # ------------------------------------------------------------------ channels and servers

    @property
    def channel_keys(self) -> Sequence[str]:
        """The names of all channels, in the description's order."""
        return [key for key in self._parts.root_members("channels") if not key.startswith("x-")]

    def channel(self, key: str) -> Channel | None:
        """Return the channel of that name, None when there is none."""
        return self._dialect.channel(key) if key in self._parts.root_members("channels") else None

    def channel_at(self, pointer: str) -> Channel | None:
        """Return the channel at a JSON Pointer such as `/channels/orders`, None when there is none."""
        tokens = pointer_tokens(pointer) if pointer.startswith("/") else ()
        return self.channel(tokens[1]) if len(tokens) == 2 and tokens[0] == "channels" else None

    @cached_property
    def servers(self) -> Mapping[str, BrokerServer]:
        """The servers by name, in the description's order; one that cannot be read is left out."""
        return servers_of(self._parts, self._security)

    @property
    def security_schemes(self) -> Mapping[str, JsonValue]:
        """The Security Scheme Objects by name; one that is written where it is used gets a name."""
        return self._security.schemes()

    # ------------------------------------------------------------------ for steps

    def faults(self, *pointers: str) -> tuple[Diagnostic, ...]:
        """Return what is wrong with operations, channels or servers, by their pointers, which a step needs."""
        return self._parts.faults(pointers)

    def resolve(self, schema: JsonValue, base: str | None = None) -> tuple[JsonValue, str]:
        """Return (value, base) of a value after following its `$ref`; raises ReferenceFailure."""
        return self.references.follow(schema, base or self.references.base)

    def place(self, pointer: str) -> Location:
        """Return the location of a JSON Pointer in the description."""
        return self.document.at(pointer)

    # ------------------------------------------------------------------ parts

    def _dialect_of(self) -> Dialect:
        if self.is_v2:
            from arazzo_runner.sources.asyncapi_v2 import DialectV2  # lazily: a description has one version

            if self._parts.root_members("operations"):
                message = f"the description says AsyncAPI {self.version[:40]}, and has the operations of 3.0"
                self.structure.add("/asyncapi", message, hint="write asyncapi: 3.0.0")
            return DialectV2(self._parts, self._security)
        from arazzo_runner.sources.asyncapi_v3 import DialectV3

        if not self.version.startswith("3."):
            message = f"AsyncAPI {self.version[:40] or 'without a version'} is not supported; 2.0 to 2.6 and 3.0 are"
            self.structure.add("/asyncapi", message)
        elif not self._parts.root_members("operations") and self._has_operations_of_v2():
            message = f"the description says AsyncAPI {self.version[:40]}, and its channels have the operations of 2.x"
            self.structure.add("/asyncapi", message, hint="write asyncapi: 2.6.0")
        return DialectV3(self._parts, self._security)

    def _has_operations_of_v2(self) -> bool:
        channels = self._parts.root_members("channels").values()
        return any(isinstance(each, dict) and not each.keys().isdisjoint(("publish", "subscribe")) for each in channels)

    def _index(self) -> dict[str, list[str]]:
        """Return pointers by name."""
        if self._ids is None:
            self._ids = {}
            for name, pointer in self._dialect.places():
                if name is not None:
                    self._ids.setdefault(name, []).append(pointer)
            for name, pointers in self._ids.items():
                if len(pointers) > 1:
                    self._repeated(name, pointers)
        return self._ids

    def _repeated(self, operation_id: str, pointers: Iterable[str]) -> None:
        first, *others = [self.document.at(f"{pointer}/operationId") for pointer in pointers]
        self.structure.add(
            id_key(operation_id),
            f'operationId "{operation_id}" is defined {times(len(others) + 1)}, and must be unique',
            at=others[0],
            related=(first, *others[1:]),
            code="duplicate-operation-id",
            hint="give every operation an operationId of its own",
        )


def channel_pointer(key: str) -> str:
    """Return the JSON Pointer of a channel."""
    return f"/channels/{escaped(key)}"
