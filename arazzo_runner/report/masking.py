"""Mask records before they are written: known secrets everywhere, whole values under secret names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote_plus

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.patterns import pattern
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import MASK, SECRET_HEADERS, TOO_DEEP, Secrets, is_secret_name, texts_of
from arazzo_runner.engine.effects import Headers
from arazzo_runner.errors import Diagnostic, Location, Positions, Span

_USERINFO = pattern(r"(?<=://)[^/?#@]+@")
_QUERY_FIELD = pattern(r"(?<=[?&#])([^=&#]*)=([^&#]*)")
_SCHEME = pattern(r"(Basic|Bearer|Digest|DPoP|Token)(\s|$)", re.IGNORECASE)


def masked_whole(value: JsonValue) -> JsonValue:
    """Return a value with every text and number in it replaced by `***`, however short; empty texts stay."""
    try:
        return _masked_whole(value)
    except RecursionError:
        return TOO_DEEP


def _masked_whole(value: JsonValue) -> JsonValue:
    if isinstance(value, Mapping):
        return {name: _masked_whole(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked_whole(item) for item in value]
    if value is None or isinstance(value, bool) or value is MISSING or value == "":
        return value
    return MASK


def masked_outputs(outputs: Mapping[str, JsonValue], secret: Iterable[str], secrets: Secrets) -> dict[str, JsonValue]:
    """Return outputs masked: secret ones whole, known secrets in others."""
    names = frozenset(secret)
    return {
        name: masked_whole(value) if name in names else secrets.mask_value(value) for name, value in outputs.items()
    }


def masked_body(value: JsonValue, secrets: Secrets) -> JsonValue:
    """Return a parsed body masked: fields with secret names whole, known secrets elsewhere."""
    if isinstance(value, str):
        return secrets.mask(value)
    try:
        return secrets.mask_short(_masked_members(value, secrets.changed(texts_of(value)) if secrets else {}))
    except RecursionError:
        return TOO_DEEP


def _masked_members(value: JsonValue, changed: Mapping[str, str]) -> JsonValue:
    if isinstance(value, dict):
        return {
            changed.get(name, name): _masked_whole(item) if is_secret_name(name) else _masked_members(item, changed)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_masked_members(item, changed) for item in value]
    return changed.get(value, value) if isinstance(value, str) else value


def masked_headers(headers: Headers, secrets: Secrets) -> Headers:
    """Return header pairs masked; credentials keep only their scheme (`Bearer ***`), empty ones stay (`Bearer `)."""
    return tuple((secrets.mask(name), _masked_header(name, value, secrets)) for name, value in headers)


def _masked_header(name: str, value: str, secrets: Secrets) -> str:
    if name.lower() not in SECRET_HEADERS and not is_secret_name(name):
        return masked_url(value, secrets) if name.lower() == "location" else secrets.mask(value)
    scheme = _SCHEME.match(value)
    start = scheme.group() if scheme else ""
    return f"{start}{MASK}" if value[len(start) :].strip() else value


def masked_url(url: str, secrets: Secrets) -> str:
    """Return a URL with userinfo, query fields with secret names, and known secrets masked."""
    url = _USERINFO.sub(f"{MASK}@", url)
    return secrets.mask_url(_QUERY_FIELD.sub(_masked_field, url))


def _masked_field(match: re.Match[str]) -> str:
    name, value = match.groups()
    return f"{name}={MASK if value and is_secret_name(unquote_plus(name)) else value}"


def masked_diagnostic(diagnostic: Diagnostic, secrets: Secrets) -> Diagnostic:
    """Return a Diagnostic with its texts and the source lines at its locations masked."""
    hint = diagnostic.hint
    return replace(
        diagnostic,
        message=secrets.mask(diagnostic.message),
        hint=None if hint is None else secrets.mask(hint),
        at=_masked_location(diagnostic.at, secrets),
        related=tuple(_masked_location(at, secrets) for at in diagnostic.related),
    )


def _masked_location(at: Location, secrets: Secrets) -> Location:
    if at.positions is None or not secrets:
        return at
    return replace(at, positions=_MaskedLines(at.positions, secrets))


class _MaskedLines(Record):
    """Positions of a document with masked lines: masking must come before long lines are cut."""

    positions: Positions
    secrets: Secrets

    def key(self, pointer: str) -> Span | None:
        return self.positions.key(pointer)

    def value(self, pointer: str) -> Span | None:
        return self.positions.value(pointer)

    def scalar_column(self, pointer: str, offset: int) -> tuple[int, int] | None:
        return self.positions.scalar_column(pointer, offset)

    def line_text(self, line: int) -> str:
        return self.secrets.mask_in_place(self.positions.line_text(line))
