"""The structure of a description: the members that hold its operations and components, and their types.

Descriptions usually have other authors: a member of a wrong type is an error only where a step needs it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal

from arazzo_runner.base.json_values import MISSING, JsonValue, escaped, type_name
from arazzo_runner.base.settings import SOURCE
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, Location, Severity

HINT: Final = f"correct the description, or name another one with {SOURCE}"
_MAPPING: Final = "a mapping"
_LIST: Final = "a list"
_TYPES: Final[Mapping[str, type]] = {_MAPPING: dict, _LIST: list, "a string": str}
_OPENAPI: Final = {"paths": _MAPPING, "components": _MAPPING, "servers": _LIST, "security": _LIST}
_SWAGGER: Final = {
    "paths": _MAPPING, "definitions": _MAPPING, "parameters": _MAPPING, "responses": _MAPPING,
    "securityDefinitions": _MAPPING, "security": _LIST, "schemes": _LIST, "consumes": _LIST, "produces": _LIST,
    "host": "a string", "basePath": "a string",
}  # fmt: skip
_ASYNCAPI: Final = {
    "channels": _MAPPING, "operations": _MAPPING, "servers": _MAPPING, "components": _MAPPING,
    "defaultContentType": "a string",
}  # fmt: skip
_ROOTS: Final = {"openapi": _OPENAPI, "swagger": _SWAGGER, "asyncapi": _ASYNCAPI}


class Structure:
    """What is wrong with the structure of one description, by JSON Pointer, and what of it was called an error."""

    def __init__(self, document: Document, *, kind: Literal["openapi", "swagger", "asyncapi"]) -> None:
        self._document = document
        self._found: dict[str, Diagnostic] = {}
        self._needed: set[str] = set()
        root = document.value if isinstance(document.value, dict) else {}
        self._check(root, _ROOTS[kind], "")
        components = root.get("components")
        if kind != "swagger" and isinstance(components, dict):
            kinds = {name: _MAPPING for name in components if not name.startswith("x-")}
            self._check(components, kinds, "/components")

    def add(self, pointer: str, message: str, *, at: Location | None = None, related: tuple[Location, ...] = (),
            code: str = "broken-description", hint: str = HINT) -> None:  # fmt: skip
        """Record something that is wrong at a JSON Pointer."""
        if pointer not in self._found:
            place = at or self._document.at(pointer)
            self._found[pointer] = Diagnostic(
                code=code, severity=Severity.WARNING, message=message, at=place, hint=hint, related=related
            )

    def wrong_type(self, pointer: str, name: str, value: JsonValue, expected: str = _MAPPING) -> None:
        """Record a member of a wrong type."""
        self.add(pointer, f"{name} must be {expected}, found {type_name(value)}")

    def needed(self, pointer: str) -> Diagnostic | None:
        """Return what is wrong with a member or with one that contains it; it is then left to the caller to report."""
        if not self._found:  # nearly always
            return None
        for known, found in self._found.items():
            if pointer == known or pointer.startswith(known + "/"):
                self._needed.add(known)
                return found
        return None

    def remaining(self) -> Iterator[Diagnostic]:
        """Yield, as warnings, what no step needs, once."""
        for pointer, found in self._found.items():
            if pointer not in self._needed:
                self._needed.add(pointer)
                yield found

    def _check(self, holder: Mapping[str, JsonValue], types: Mapping[str, str], above: str) -> None:
        for name, expected in types.items():
            value = holder.get(name, MISSING)
            # A null is a member without a value; only `paths` is nothing without one.
            if (
                value is not MISSING
                and not isinstance(value, _TYPES[expected])
                and (value is not None or name == "paths")
            ):
                self.wrong_type(f"{above}/{escaped(name)}", name, value, expected)
