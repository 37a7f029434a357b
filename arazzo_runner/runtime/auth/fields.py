"""The fields of a credential, their names in the environment, in files and in the keyring, and which a scheme needs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue

FIELDS: Final = {
    "value": "",
    "user": "_USER",
    "password": "_PASSWORD",
    "clientId": "_CLIENT_ID",
    "clientSecret": "_CLIENT_SECRET",
    "refreshToken": "_REFRESH_TOKEN",
    "tokenUrl": "_TOKEN_URL",
    "scopes": "_SCOPES",
    "clientAuth": "_CLIENT_AUTH",
    "hosts": "_HOSTS",
}
"""Every field with the suffix of its environment variable; `value` is a key, a given token, `user:password`."""
SECRET_FIELDS: Final = ("value", "password", "clientSecret", "refreshToken")
SETTINGS: Final = ("tokenUrl", "scopes", "clientAuth", "hosts")
PREFIX: Final = "ARAZZO_AUTH_"
SERVICE: Final = "arazzo"


def variable_names(source: str, scheme: str, field: str) -> tuple[str, ...]:
    """Return the environment variables that may hold a field, the one to recommend first.

    >>> variable_names("petStore", "apiKey", "value")
    ('ARAZZO_AUTH_PET_STORE_API_KEY', 'ARAZZO_AUTH_PETSTORE_APIKEY')
    """
    ending = FIELDS[field]
    words = f"{PREFIX}{_words(source)}_{_words(scheme)}{ending}"
    plain = f"{PREFIX}{_plain(source)}_{_plain(scheme)}{ending}"
    return (words,) if words == plain else (words, plain)


def file_entry(source: str, scheme: str, field: str) -> str:
    """Return how a message names an entry of the credentials file: `petstore.oauth.clientId`."""
    return f"{source}.{scheme}" if field == "value" else f"{source}.{scheme}.{field}"


def keyring_name(source: str, scheme: str, field: str) -> str:
    """Return the user name of an entry of the keyring, whose service is `arazzo`."""
    return f"{source}/{scheme}" if field == "value" else f"{source}/{scheme}/{field}"


def kind_of(scheme: JsonValue) -> str:
    """Return apiKey, basic, digest, bearer, http (another scheme of the header), token, mutualTLS or unknown."""
    raw: Mapping[str, Any] = scheme if isinstance(scheme, Mapping) else {}
    kind = raw.get("type")
    if kind == "http":
        name = str(raw.get("scheme", "")).lower()
        return name if name in ("basic", "digest", "bearer") else "http" if name else "unknown"
    if kind in ("oauth2", "openIdConnect"):
        return "token"
    if kind == "apiKey":
        usable = raw.get("in") in ("header", "query", "cookie") and isinstance(raw.get("name"), str)
        return "apiKey" if usable else "unknown"
    return "mutualTLS" if kind == "mutualTLS" else "unknown"


def needed_fields(scheme: JsonValue) -> tuple[tuple[str, ...], ...]:
    """Return the sets of fields, of which one is enough to use a scheme, the usual one first."""
    kind = kind_of(scheme)
    if kind in ("basic", "digest"):
        return (("user", "password"), ("value",))
    if kind in ("apiKey", "bearer", "http"):
        return (("value",),)
    return tuple(_grants(scheme)) if kind == "token" else ()


def _grants(scheme: JsonValue) -> Iterator[tuple[str, ...]]:
    flows = flows_of(scheme)
    by_discovery = isinstance(scheme, Mapping) and scheme.get("type") == "openIdConnect"
    if by_discovery or "clientCredentials" in flows:
        yield ("clientId", "clientSecret")
    if by_discovery or "password" in flows:
        yield ("user", "password")
    if by_discovery or any("tokenUrl" in flow or "refreshUrl" in flow for flow in flows.values()):
        yield ("refreshToken",)
    yield ("value",)


def flows_of(scheme: JsonValue) -> dict[str, Mapping[str, Any]]:
    """Return the OAuth Flows of a scheme by name."""
    raw = scheme.get("flows") if isinstance(scheme, Mapping) else None
    flows: Mapping[str, Any] = raw if isinstance(raw, Mapping) else {}
    return {name: flow for name, flow in flows.items() if isinstance(flow, Mapping)}


def optional_fields(scheme: JsonValue) -> tuple[str, ...]:
    """Return the fields that may be given beside those a scheme needs."""
    kind = kind_of(scheme)
    if kind == "token":
        return ("clientId", "clientSecret", *SETTINGS)
    return (
        ("user", "password", "clientId", "clientSecret", "refreshToken", *SETTINGS) if kind == "bearer" else ("hosts",)
    )


def _words(name: str) -> str:
    """`petStore-v2` → `PET_STORE_V2`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return _plain(apart)


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()
