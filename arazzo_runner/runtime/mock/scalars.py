"""Sample numbers and texts of schemas."""

from __future__ import annotations

from typing import Any, Final

from arazzo_runner.base.json_values import is_number
from arazzo_runner.runtime.mock.patterns import matching
from arazzo_runner.sources.schema.mismatch import pattern_found

_LONGEST: Final = 1_000_000
"""Characters of a sample text, whatever `minLength` a description has."""
_FORMATS: Final = {
    "date-time": "2024-01-01T12:00:00Z", "date": "2024-01-01", "time": "12:00:00Z", "duration": "P1D",
    "email": "user@example.com", "idn-email": "user@example.com", "hostname": "example.com", "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1", "uri": "https://example.com/", "url": "https://example.com/", "uri-reference": "/example",
    "uuid": "00000000-0000-4000-8000-000000000000", "byte": "ZXhhbXBsZQ==", "binary": "example",
    "password": "example-password",
}  # fmt: skip


def number(schema: dict[str, Any], kind: str) -> int | float:
    """Return a number within the limits of a schema: the one nearest to 1, or a multiple of `multipleOf`."""
    least, most = _limit(schema, "minimum", 1), _limit(schema, "maximum", -1)
    value: int | float = 1
    if most is not None and value > most:
        value = most
    if least is not None and value < least:
        value = least
    step = _number(schema, "multipleOf")
    if step is not None and step > 0:
        value = -(-value // step) * step
    return int(value) if kind == "integer" else value


def _limit(schema: dict[str, Any], keyword: str, inwards: int) -> int | float | None:
    """Return the least or greatest number that a schema allows, also where its limit is exclusive."""
    other = f"exclusive{keyword.capitalize()}"
    found, exclusive = _number(schema, keyword), _number(schema, other)
    limits = [] if found is None else [found + inwards if schema.get(other) is True else found]
    limits += [] if exclusive is None else [exclusive + inwards]
    if not limits:
        return None
    return max(limits) if inwards > 0 else min(limits)


def _number(schema: dict[str, Any], keyword: str) -> int | float | None:
    found = schema.get(keyword)
    return found if is_number(found) else None


def text(schema: dict[str, Any]) -> str:
    """Return a text of the format, the pattern and the length that a schema asks for."""
    made = _FORMATS.get(str(schema.get("format")), "example")
    least, most = schema.get("minLength"), schema.get("maxLength")
    form = schema.get("pattern")
    if isinstance(form, str) and not pattern_found(form, made):
        fitting = matching(form, least if isinstance(least, int) else 0, most if isinstance(most, int) else None)
        if fitting is not None:
            return fitting
    if isinstance(least, int) and len(made) < least:
        least = min(least, _LONGEST)
        made = (made * (least // len(made) + 1))[:least]
    return made[:most] if isinstance(most, int) else made
