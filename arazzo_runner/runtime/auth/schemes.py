"""One security scheme, the fields of its credential, and how what was found for it is put into a request.

OpenAPI §Security Scheme Object. What is shown of a request has `***` where the credential goes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, unquote, urlsplit

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.names import words_of
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.base.secrets import MASK, Secrets
from arazzo_runner.engine.effects import Headers, HttpRequest
from arazzo_runner.program.security import Slot, slot_of
from arazzo_runner.sources.hosts import is_host_of
from arazzo_runner.sources.http_media.header_names import scheme_fault

# ---- The fields of a credential, their names in the environment, in files and in the keyring.

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
    """Return apiKey, basic, digest, bearer, http (another scheme of the header), token, mutualTLS or unknown.

    Those of brokers alone (AsyncAPI §Security Scheme Object): `login`, user and password, and `loginKey`, one of both.
    """
    raw: Mapping[str, Any] = scheme if isinstance(scheme, Mapping) else {}
    kind = raw.get("type")
    if kind == "http":
        name = str(raw.get("scheme", "")).lower()
        return name if name in ("basic", "digest", "bearer") else "http" if name else "unknown"
    if kind in ("oauth2", "openIdConnect"):
        return "token"
    if kind == "apiKey" and raw.get("in") in ("user", "password"):
        return "loginKey"
    if kind in ("apiKey", "httpApiKey"):
        usable = raw.get("in") in ("header", "query", "cookie") and isinstance(raw.get("name"), str)
        return "apiKey" if usable else "unknown"
    if kind in MECHANISMS:
        return "login"
    return "mutualTLS" if kind in ("mutualTLS", "X509") else "unknown"


MECHANISMS: Final[Mapping[Any, str | None]] = {
    "userPassword": None,
    "plain": "PLAIN",
    "scramSha256": "SCRAM-SHA-256",
    "scramSha512": "SCRAM-SHA-512",
}
"""Types of schemes with user and password, and the SASL mechanism of each; None leaves it to the protocol."""


UNSUPPORTED: Final = ("gssapi", "symmetricEncryption", "asymmetricEncryption")
"""Types of AsyncAPI that no credential here can be used for."""
WITH_PASSWORD: Final = ("basic", "digest", "login")
"""Kinds whose credential is a user and a password, or both as `user:password`."""


def needed_fields(scheme: JsonValue) -> tuple[tuple[str, ...], ...]:
    """Return the sets of fields, of which one is enough to use a scheme, the usual one first."""
    kind = kind_of(scheme)
    if kind in WITH_PASSWORD:
        return (("user", "password"), ("value",))
    if kind in ("apiKey", "bearer", "http", "loginKey"):
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
    if kind == "loginKey":
        return ("user", "password", "hosts")
    return (
        ("user", "password", "clientId", "clientSecret", "refreshToken", *SETTINGS) if kind == "bearer" else ("hosts",)
    )


def _words(name: str) -> str:
    """`petStore-v2` → `PET_STORE_V2`."""
    return "_".join(words_of(name)).upper()


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").upper()


# ---- One security scheme with its credential.

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_IN_COOKIES = re.compile(r'[\x00-\x20\x7f",;\\]')


class Login(Record):
    """A scheme that can be used: its name in the description of `source`, and the fields that were found."""

    _hidden_in_repr = ("fields",)

    source: str
    name: str
    scheme: JsonValue
    fields: Mapping[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of the scheme; a bearer scheme for which a token's URL is configured gets tokens there."""
        kind = kind_of(self.scheme)
        return "token" if kind == "bearer" and "tokenUrl" in self.fields else kind

    def is_for(self, url: str) -> bool:
        """Return whether the credential may be sent to a server: `hosts` may limit it to some."""
        return is_host_of(url, self.fields.get("hosts"))

    @property
    def slot(self) -> Slot | None:
        """The part of a request that holds its credential."""
        return slot_of(self.scheme)


def slots_of(request: HttpRequest) -> frozenset[Slot]:
    """Return the slots that a request has filled: by a parameter of the step, or a cookie that a response set."""
    found: set[Slot] = {("header", name.lower()) for name, _ in request.headers}
    for name, value in request.headers:
        if name.lower() == "cookie":
            found |= {("cookie", pair.strip().partition("=")[0]) for pair in value.split(";")}
    for pair in urlsplit(request.url).query.split("&"):
        found.add(("query", unquote(pair.partition("=")[0])))
    return frozenset(found)


def with_login(request: HttpRequest, login: Login) -> HttpRequest:
    """Return a request with a credential that needs no other request: a key, a token, user and password."""
    if login.kind == "apiKey" and login.slot is not None:
        return with_key(request, *_named(login), login.fields["value"])
    return with_authorization(request, _static(login))


def _static(login: Login) -> str:
    if login.kind == "basic":
        return f"Basic {basic_text(login.fields)}"
    return f"{_scheme_name(login)} {login.fields['value']}"


def basic_text(fields: Mapping[str, str]) -> str:
    """Return user and password as RFC 7617 §2 sends them."""
    return base64.b64encode(f"{fields['user']}:{fields['password']}".encode()).decode("ascii")


def shown_with(request: HttpRequest, login: Login) -> HttpRequest:
    """Return a request as it is shown: with `***` for the credential."""
    if login.kind == "mutualTLS":
        return request
    if login.kind == "apiKey":
        return with_key(request, *_named(login), MASK, quoted=False)
    return with_authorization(request, f"{_scheme_name(login)} {MASK}")


def with_authorization(request: HttpRequest, value: str) -> HttpRequest:
    """Return a request with this Authorization header instead of any other."""
    kept = tuple(each for each in request.headers if each[0].lower() != "authorization")
    return replace(request, headers=(*kept, ("Authorization", value)))


def with_key(request: HttpRequest, place: str, name: str, text: str, *, quoted: bool = True) -> HttpRequest:
    """Return a request with an API key in its header, query or cookies."""
    if place == "header" and name.lower() == "cookie":  # some descriptions do so; a request has one Cookie header
        return replace(request, headers=_with_cookie(request.headers, text))
    if place == "header":
        return replace(request, headers=(*request.headers, (name, text)))
    if place == "cookie":
        return replace(request, headers=_with_cookie(request.headers, f"{name}={text}"))
    url, hash_mark, fragment = request.url.partition("#")
    mark = "" if url.endswith(("?", "&")) else "&" if "?" in url else "?"
    pair = f"{quote(name, safe='')}={quote(text, safe='') if quoted else text}"
    return replace(request, url=f"{url}{mark}{pair}{hash_mark}{fragment}")


def _with_cookie(headers: Headers, pair: str) -> Headers:
    if not any(name.lower() == "cookie" for name, _ in headers):
        return (*headers, ("Cookie", pair))
    return tuple((name, f"{value}; {pair}" if name.lower() == "cookie" else value) for name, value in headers)


def _named(login: Login) -> tuple[str, str]:
    scheme = login.scheme
    assert isinstance(scheme, Mapping)
    return str(scheme["in"]), str(scheme["name"])


def _scheme_name(login: Login) -> str:
    """Return the scheme's name in the header, spelt as registered (RFC 9110 §11.1: case does not matter)."""
    names = {"basic": "Basic", "digest": "Digest", "http": ""}
    name = names.get(login.kind, "Bearer")
    return name or (str(login.scheme.get("scheme")) if isinstance(login.scheme, Mapping) else "")


def fault_of(login: Login) -> str | None:
    """Return why a credential cannot be sent as it is, without quoting it; None when it can."""
    fault = scheme_fault(login.scheme)
    if fault is not None:
        return fault[0]
    for name, text in login.fields.items():
        if not _is_text(text):
            return f"{name} has bytes that are not UTF-8"
        if _CONTROL.search(text):
            return f"{name} has a line break or another control character"
    user = login.fields.get("user", "")
    if login.kind == "basic" and ":" in user:
        return "user has a colon, which ends the user's name (RFC 7617 §2)"
    slot, value = login.slot, login.fields.get("value", "")
    if login.kind == "apiKey" and slot is not None and slot[0] == "cookie" and _NOT_IN_COOKIES.search(value):
        return "value has a character that no cookie may have (RFC 6265 §4.1.1)"
    auth = login.fields.get("clientAuth", "basic")
    return None if auth in ("basic", "post") else f'clientAuth is "{auth}", not basic or post'


def _is_text(text: str) -> bool:
    """Return whether a text can be encoded: an environment may hold any bytes, which Python keeps as surrogates."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def learn_secrets(login: Login, secrets: Secrets) -> None:
    """Register the secret fields of a credential, and what is derived from them, for masking."""
    for name in SECRET_FIELDS:
        secrets.declare(login.fields.get(name))
    if {"user", "password"} <= set(login.fields):
        secrets.declare(basic_text(login.fields))
    if {"clientId", "clientSecret"} <= set(login.fields):
        secrets.declare(basic_text({"user": login.fields["clientId"], "password": login.fields["clientSecret"]}))
