"""One security scheme with the credential that was found for it, and how it is put into a request.

OpenAPI §Security Scheme Object. What is shown of a request has `***` where the credential goes.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from urllib.parse import quote, unquote, urlsplit

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.base.secrets import MASK, Secrets
from arazzo_runner.engine.effects import Headers, HttpRequest
from arazzo_runner.program.security import Slot, slot_of
from arazzo_runner.runtime.auth.fields import SECRET_FIELDS, kind_of
from arazzo_runner.sources.hosts import is_host_of
from arazzo_runner.sources.http_media.header_names import scheme_fault

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
            return f"{name} has bytes that are no UTF-8"
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
        secrets.add(login.fields.get(name))
    if {"user", "password"} <= set(login.fields):
        secrets.add(basic_text(login.fields))
    if {"clientId", "clientSecret"} <= set(login.fields):
        secrets.add(basic_text({"user": login.fields["clientId"], "password": login.fields["clientSecret"]}))
