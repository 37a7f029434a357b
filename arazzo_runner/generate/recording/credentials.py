"""The credentials in a request, and the headers and cookies that say nothing about the call."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record
from arazzo_runner.generate.recording.exchange import Exchange
from arazzo_runner.generate.recording.names import camel, is_secret, words_of
from arazzo_runner.generate.recording.values import leaves
from arazzo_runner.sources.operation import Operation

_OF_THE_CLIENT: Final = frozenset(
    {
        *("accept", "accept-encoding", "accept-language", "accept-charset", "user-agent", "referer", "origin", "host"),
        *("connection", "content-length", "content-type", "cache-control", "pragma", "priority", "dnt", "te", "cookie"),
        *("upgrade-insecure-requests", "if-none-match", "if-modified-since", "transfer-encoding", "keep-alive", "via"),
        *("purpose", "x-request-id", "x-correlation-id", "traceparent", "tracestate", "baggage", "newrelic", "expect"),
        *("sentry-trace", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-client-data", "x-forwarded-for", "trailer"),
        *("access-control-request-method", "access-control-request-headers", "proxy-authorization", "upgrade", "range"),
        *(
            "save-data",
            "forwarded",
            "proxy-connection",
            "content-encoding",
            "x-forwarded-proto",
            "x-real-ip",
            "alt-used",
        ),
    }
)
_OF_THE_CLIENT_BEGINS: Final = ("sec-", "x-datadog-", "x-amzn-trace", "x-b3-", "cf-")
_TRACKING_COOKIES: Final = re.compile(
    r"_ga.*|_gid|_gcl.*|_fbp|_fbc|_hj.*|__utm.*|ajs_.*|amp_.*|mp_.*|intercom.*|__cf.*|cf_.*"
)
_IN_AUTHORIZATION: Final = ("http", "basic", "oauth2", "openIdConnect")
_SESSION: Final = frozenset({"session", "sess", "sid", "sessid", "sessionid", "auth", "token", "jwt", "connect"})
_HTTP_SCHEMES: Final = frozenset({"bearer", "basic", "digest", "dpop", "hoba", "mutual", "negotiate", "scram-sha-256"})


class Credential(Record):
    """A credential in a request: the name of its security scheme, that scheme, and its value."""

    scheme: str
    definition: Mapping[str, JsonValue]
    value: str


def credentials(exchange: Exchange) -> Iterator[Credential]:
    """Yield the credentials of a request, as a description would have them."""
    for name, value in exchange.headers:
        if name.lower() == "authorization":
            yield _authorization(value)
        elif name.lower() != "cookie" and _is_key(name):
            yield Credential(_key_name(name), {"type": "apiKey", "in": "header", "name": name}, value)
    for name, value in exchange.query:
        if _is_key(name):
            yield Credential(_key_name(name), {"type": "apiKey", "in": "query", "name": name}, value)
    for name, value in cookies(exchange):
        if is_session(name):
            yield Credential(_key_name(name), {"type": "apiKey", "in": "cookie", "name": name}, value)


def _authorization(value: str) -> Credential:
    scheme, _, rest = value.strip().partition(" ")
    if rest and scheme.lower() in _HTTP_SCHEMES:
        return Credential(f"{scheme.lower()}Auth", {"type": "http", "scheme": scheme.lower()}, rest.strip())
    if value.strip() == "***":  # masked as a whole: most are bearer tokens
        return Credential("bearerAuth", {"type": "http", "scheme": "bearer"}, value.strip())
    return Credential("authorization", {"type": "apiKey", "in": "header", "name": "Authorization"}, value.strip())


def _key_name(name: str) -> str:
    return f"{camel(name, 'api')}Key" if "key" not in words_of(name) else camel(name)


def _is_key(name: str) -> bool:
    """Return whether a header or query field of this name is an API key or a token."""
    words = words_of(name)
    is_forged = "csrf" in words or "xsrf" in words or "idempotency" in words
    return not is_forged and (is_secret(name) or "apikey" in words or words[-2:] == ["api", "key"])


def is_session(name: str) -> bool:
    """Return whether a cookie of this name is what a client is known by."""
    words = words_of(name)
    return any(word in _SESSION or word.endswith(("sessid", "session", "sid")) for word in words)


def cookies(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the cookies of a request, without those of tracking."""
    for name, value in exchange.headers:
        if name.lower() == "cookie":
            for pair in value.split(";"):
                key, _, content = pair.strip().partition("=")
                if key and not _TRACKING_COOKIES.fullmatch(key):
                    yield key, content


def given_cookies(exchange: Exchange) -> Iterator[str]:
    """Yield the names of the cookies that an answer sets."""
    for name, value in exchange.answer_headers:
        if name.lower() == "set-cookie":
            for line in value.split("\n"):  # some write several into one header
                yield line.partition("=")[0].strip()


def own_headers(exchange: Exchange) -> Iterator[tuple[str, str]]:
    """Yield the headers that a step would give: those of the client, the connection and tracing are left out."""
    seen: set[str] = set()
    for name, value in exchange.headers:
        lower = name.lower()
        if lower in _OF_THE_CLIENT or lower.startswith(_OF_THE_CLIENT_BEGINS) or lower in seen:
            continue
        seen.add(lower)
        yield name, value


def is_covered(operation: Operation, name: str, location: str) -> bool:
    """Return whether a security scheme of an operation adds a header, query field or cookie."""
    for scheme in operation.security_schemes.values():
        kind = scheme.get("type") if isinstance(scheme, Mapping) else None
        if kind == "apiKey" and isinstance(scheme, Mapping):
            if scheme.get("in") == location and str(scheme.get("name", "")).lower() == name.lower():
                return True
        elif kind in _IN_AUTHORIZATION and (location, name.lower()) == ("header", "authorization"):
            return True
    return False


def secrets_of(exchanges: Iterable[Exchange]) -> dict[str, str]:
    """Return the secret values that requests sent, with the names of their fields."""
    found: dict[str, str] = {}
    for each in exchanges:
        for credential in credentials(each):
            found.setdefault(credential.value, "token")
            if credential.scheme == "basicAuth":
                found.setdefault(_password(credential.value), "password")
        for name, value in (*each.query, *each.headers, *cookies(each)):
            if is_secret(name):
                found.setdefault(value, name)
        for _, name, leaf, _ in leaves(None if each.body is None else each.body.value):
            if name and is_secret(name) and isinstance(leaf, str):
                found.setdefault(leaf, name)
    return {value: name for value, name in found.items() if value and value != "***"}


def _password(basic: str) -> str:
    try:
        return base64.b64decode(basic, validate=True).decode().partition(":")[2]
    except ValueError:
        return ""
