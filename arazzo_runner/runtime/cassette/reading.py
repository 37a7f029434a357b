"""Reading the parts of a cassette: what is wrong with one is reported at its place."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.document.source_map import Document
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity

MOST_NUMBER: Final = 1_000_000_000_000  # seconds and milliseconds


class Reading:
    """Reads the members of one cassette; a member that cannot be used raises InvalidUsage with its location."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def number(self, raw: dict[str, JsonValue], at: str, name: str) -> float:
        """Return a number that is not negative, 0 when it is absent."""
        number = self.of(raw, at, name, (int, float), 0.0)
        if not 0 <= number <= MOST_NUMBER:
            self.refuse(f"{name} is from 0 to {MOST_NUMBER:,}", f"{at}/{name}")
        return float(number)

    def body(self, raw: dict[str, JsonValue], at: str) -> bytes:
        """Return a body that is written as json, text or base64."""
        if "json" in raw:
            return json.dumps(raw["json"], ensure_ascii=False).encode()
        if "text" in raw:
            text: str = self.of(raw, at, "text", str)
            return text.encode()
        return self.base64(raw, at, "base64")

    def base64(self, raw: dict[str, JsonValue], at: str, name: str) -> bytes:
        """Return a member that is base64, `b""` when it is absent."""
        try:
            return base64.b64decode(self.of(raw, at, name, str, ""), validate=True)
        except (binascii.Error, ValueError):
            self.refuse("this is not base64", f"{at}/{escaped(name)}")

    def of(self, raw: Mapping[str, JsonValue], at: str, name: str, kind: Any, default: JsonValue = None) -> Any:
        """Return a member, reported when it is not of the given type."""
        value = raw.get(name, default)
        if value is None or not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            found = "missing" if name not in raw else "of another type"
            self.refuse(f"{name} is {found}", f"{at}/{escaped(name)}" if name in raw else at)
        return value

    def checked(
        self,
        raw: Mapping[str, JsonValue],
        at: str,
        name: str,
        kind: Any,
        wrong: Callable[[Any], str | None],
        default: JsonValue = None,
    ) -> Any:
        """Return a member of the given type, reported when `wrong` returns something."""
        value = self.of(raw, at, name, kind, default)
        message = wrong(value)
        if message is not None:
            self.refuse(message, f"{at}/{escaped(name)}")
        return value

    def refuse(self, message: str, pointer: str, hint: str | None = None) -> NoReturn:
        """Raise InvalidUsage about a place of the cassette."""
        raise InvalidUsage([cassette_problem(message, self.document.at(pointer), hint)])


def cassette_problem(message: str, at: Location, hint: str | None = None) -> Diagnostic:
    """Return an error about a cassette."""
    return Diagnostic(code="invalid-cassette", severity=Severity.ERROR, message=message, at=at, hint=hint)
