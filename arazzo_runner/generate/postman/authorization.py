"""Credentials of a collection as security schemes; their values are left out, or come from the steps that got them."""

from __future__ import annotations

import re
from typing import Any, Final

from arazzo_runner.base.records import Record
from arazzo_runner.generate.draft import DraftParameter
from arazzo_runner.generate.postman.items import Auth, Field
from arazzo_runner.generate.postman.variables import VARIABLE, OutputRef, Scope

_FLOWS: Final = {
    "authorization_code": "authorizationCode",
    "authorization_code_with_pkce": "authorizationCode",
    "implicit": "implicit",
    "password_credentials": "password",
    "password": "password",
    "client_credentials": "clientCredentials",
}
_NOT_SECRET: Final = frozenset(
    {
        "key",
        "in",
        "addTokenTo",
        "grant_type",
        "scope",
        "headerPrefix",
        "tokenName",
        "algorithm",
        "client_authentication",
    }
)
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Scheme(Record):
    """A security scheme with the name that it would like to have, and what a step sends itself."""

    name: str
    scheme: dict[str, Any]
    parameter: DraftParameter | None = None


def scheme_of(auth: Auth, scope: Scope) -> Scheme | None:
    """Return the scheme of credentials, None for a kind that OpenAPI does not have."""
    for name, value in auth.fields.items():
        if name not in _NOT_SECRET and "rl" not in name and not VARIABLE.search(value) and value:
            scope.shared.hide(value)
    match auth.kind:
        case "bearer":
            parameter = _sent("Authorization", "header", "Bearer ", auth.fields.get("token", ""), scope)
            return Scheme("bearer", {"type": "http", "scheme": "bearer"}, parameter)
        case "jwt":
            return Scheme("bearer", {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"})
        case "basic" | "digest":
            return Scheme(auth.kind, {"type": "http", "scheme": auth.kind})
        case "apikey":
            return _api_key(auth, scope)
        case "oauth2":
            return _oauth(auth, scope)
        case _:
            return None


def auth_of_header(header: Field, pointer: str) -> Auth:
    """Return the credentials that a header `Authorization` has."""
    kind, _, value = header.value.strip().partition(" ")
    if kind.lower() == "bearer":
        return Auth("bearer", {"token": value.strip()}, pointer)
    if kind.lower() == "basic":
        return Auth("basic", {"password": value.strip()}, pointer)
    return Auth("apikey", {"key": "Authorization", "value": header.value, "in": "header"}, pointer)


def _api_key(auth: Auth, scope: Scope) -> Scheme | None:
    name = scope.shared.static(auth.fields.get("key", ""))
    place = "query" if auth.fields.get("in") == "query" else "header"
    if not _TOKEN.fullmatch(name):
        return None
    parameter = _sent(name, place, "", auth.fields.get("value", ""), scope)
    return Scheme("apiKey", {"type": "apiKey", "in": place, "name": name}, parameter)


def _oauth(auth: Auth, scope: Scope) -> Scheme:
    flow = _FLOWS.get(auth.fields.get("grant_type", "authorization_code"), "")
    urls = {
        "authorizationUrl": scope.shared.static(auth.fields.get("authUrl", "")),
        "tokenUrl": scope.shared.static(auth.fields.get("accessTokenUrl", "")),
    }
    needed = {"authorizationCode": list(urls), "implicit": ["authorizationUrl"]}.get(flow, ["tokenUrl"])
    parameter = _sent("Authorization", "header", "Bearer ", auth.fields.get("accessToken", ""), scope)
    if not flow or not all(re.match(r"https?://[^\s{}@]+$", urls[name]) for name in needed):
        return Scheme("bearer", {"type": "http", "scheme": "bearer"}, parameter)
    scopes = dict.fromkeys(scope.shared.static(auth.fields.get("scope", "")).split(), "")
    flows = {flow: {**{name: urls[name] for name in needed}, "scopes": scopes}}
    return Scheme("oauth2", {"type": "oauth2", "flows": flows}, parameter)


def _sent(name: str, place: str, prefix: str, text: str, scope: Scope) -> DraftParameter | None:
    """Return the parameter with a credential that a step got before, None for one that the collection has."""
    parts = scope.shared.parts(text)
    if not any(isinstance(part, OutputRef) for part in parts):
        return None
    return DraftParameter(name=name, location=place, value=scope.rendered((prefix, *parts) if prefix else parts))
