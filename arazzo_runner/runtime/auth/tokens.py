"""OAuth 2.0 tokens as data: the grants (RFC 6749), the token requests and their responses.

Pure but for TokenCache, which holds tokens in memory until they expire.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote_plus, urlencode, urljoin, urlsplit

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord, Record
from arazzo_runner.base.version import __version__
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.runtime.auth.schemes import flows_of
from arazzo_runner.sources.hosts import is_host_of, is_loopback

MOST_SKEW: Final = 30.0
_FLOWS: Final = ("clientCredentials", "password", "authorizationCode", "deviceAuthorization", "implicit")
_LONGEST_TEXT: Final = 300


class Token(Record):
    """An access token; `expires` is when it is no longer used (seconds since the epoch), None when unknown.

    `refresh_token` is the one that came with it.
    """

    _hidden_in_repr = ("text", "refresh_token")

    text: str
    expires: float | None = None
    refresh_token: str | None = None


class Refusal(Record):
    """Why there is no token; `known` is False when the server may have acted on the request even so."""

    message: str
    hint: str | None = None
    known: bool = True


class Grant(Record):
    """One way to get a token: its `type` (grant_type), the form's fields, and who asks.

    `endpoint` is the token's URL or, while `discovered` is False, that of a document which names it;
    `hosts` are those it may be on (None: any), unless the user named it.
    """

    _hidden_in_repr = ("form", "client_secret")

    type: str
    endpoint: str
    form: tuple[tuple[str, str], ...] = ()
    client_id: str | None = None
    client_secret: str | None = None
    client_auth: str = "basic"
    discovered: bool = True
    hosts: str | None = None

    @property
    def key(self) -> str:
        """The identity of a token in the cache: everything that its request would contain."""
        text = json.dumps([self.type, self.endpoint, self.form, self.client_id, self.client_secret])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


# ------------------------------------------------------------------ choosing


def choose_grant(scheme: JsonValue, fields: Mapping[str, str], scopes: tuple[str, ...], server: str) -> Grant | None:
    """Return the grant that the configured fields allow: refresh token, then password, then client credentials.

    Relative URLs are meant from the server (OpenAPI §OAuth Flow Object); None when nothing can be asked for.
    """
    flows = flows_of(scheme)
    wanted = fields["scopes"] if "scopes" in fields else " ".join(scopes)
    scope = (("scope", wanted),) if wanted else ()
    user, password = fields.get("user"), fields.get("password")
    if "refreshToken" in fields:
        # Without a scope: the token keeps what was granted (RFC 6749 §6).
        form = (("refresh_token", fields["refreshToken"]),)
        return _grant("refresh_token", _endpoint(scheme, fields, _FLOWS, "refreshUrl"), form, fields, server)
    if user is not None and password is not None and _allows("password", scheme, flows, fields):
        form = (("username", user), ("password", password), *scope)
        return _grant("password", _endpoint(scheme, fields, ("password",)), form, fields, server)
    if {"clientId", "clientSecret"} <= set(fields) and _allows("clientCredentials", scheme, flows, fields):
        return _grant("client_credentials", _endpoint(scheme, fields, ("clientCredentials",)), scope, fields, server)
    return None


def _allows(flow: str, scheme: JsonValue, flows: Mapping[str, Any], fields: Mapping[str, str]) -> bool:
    raw: Mapping[str, Any] = scheme if isinstance(scheme, Mapping) else {}
    return flow in flows or raw.get("type") == "openIdConnect" or "tokenUrl" in fields


def _endpoint(
    scheme: JsonValue, fields: Mapping[str, str], names: tuple[str, ...], special: str = "tokenUrl"
) -> tuple[str, bool] | None:
    """Return the URL to request, and whether it is the token endpoint itself."""
    raw: Mapping[str, Any] = scheme if isinstance(scheme, Mapping) else {}
    flows = flows_of(scheme)
    if fields.get("tokenUrl"):
        return fields["tokenUrl"], True
    for name in names:
        flow = flows.get(name, {})
        url = flow.get(special) or flow.get("tokenUrl")
        if isinstance(url, str) and url:
            return url, True
    url = raw.get("openIdConnectUrl") or raw.get("oauth2MetadataUrl")
    return (url, False) if isinstance(url, str) and url else None


def _grant(
    kind: str,
    endpoint: tuple[str, bool] | None,
    form: tuple[tuple[str, str], ...],
    fields: Mapping[str, str],
    server: str,
) -> Grant | None:
    if endpoint is None:
        return None
    url, discovered = endpoint
    return Grant(
        kind,
        urljoin(server.rstrip("/") + "/", url),
        form,
        fields.get("clientId"),
        fields.get("clientSecret"),
        fields.get("clientAuth", "basic"),
        discovered,
        None if "tokenUrl" in fields else fields.get("hosts"),
    )


def endpoint_fault(url: str, hosts: str | None = None) -> str | None:
    """Return why credentials must not be sent to a URL: https, this machine (RFC 6749 §3.2) and `hosts` are allowed."""
    try:
        parts = urlsplit(url)
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "is not a usable URL"
    if not host or parts.username is not None:
        return "is not a usable URL"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return None if is_host_of(url, hosts) else "is on none of the credential's hosts; name it with tokenUrl"
    return "is not https: credentials would be sent in the clear"


# ------------------------------------------------------------------ asking and reading


def token_request(grant: Grant, endpoint: str) -> HttpRequest:
    """Return the request that asks for a token (RFC 6749 §2.3.1, §4.3.2, §4.4.2, §6)."""
    form = [("grant_type", grant.type), *grant.form]
    headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Accept", "application/json"),
        ("User-Agent", f"arazzo/{__version__}"),
    ]
    if grant.client_id is not None:
        if grant.client_secret is not None and grant.client_auth == "basic":
            login = f"{quote_plus(grant.client_id)}:{quote_plus(grant.client_secret)}"
            headers.append(("Authorization", "Basic " + base64.b64encode(login.encode()).decode("ascii")))
        else:
            form.append(("client_id", grant.client_id))
            if grant.client_secret is not None:
                form.append(("client_secret", grant.client_secret))
    return HttpRequest("POST", endpoint, tuple(headers), urlencode(form).encode("ascii"))


def read_token(grant: Grant, endpoint: str, response: HttpResponse, asked: float) -> Token | Refusal:
    """Return the token of a response (RFC 6749 §5); `asked` is when the request was sent."""
    body = json_object(response)
    if response.status != 200 or body is None:
        return _refusal(grant, endpoint, response, body)
    text, kind, refresh = body.get("access_token"), body.get("token_type", "bearer"), body.get("refresh_token")
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or not text.strip():
        return Refusal(f"{endpoint} answers 200 without an access_token", known=False)
    if str(kind).lower() != "bearer":
        return Refusal(
            f'{endpoint} gives a token of type "{str(kind)[:40]}"; only bearer tokens can be sent', known=False
        )
    lasts = _seconds(body.get("expires_in"))
    expires = None if lasts is None else asked + lasts - min(MOST_SKEW, lasts / 10)
    return Token(text, expires, refresh if isinstance(refresh, str) and refresh else None)


def _refusal(grant: Grant, endpoint: str, response: HttpResponse, body: dict[str, Any] | None) -> Refusal:
    status = response.status
    if 300 <= status < 400:
        return Refusal(f"{endpoint} answers with a redirect ({status}), and credentials follow none")
    error = body.get("error") if body is not None else None
    if not isinstance(error, str):
        what = "" if body is not None or status != 200 else ", which is not JSON"
        # After a gateway's 5xx the server behind it may have acted; 503 and 4xx are sent before acting.
        return Refusal(f"{endpoint} answers {status}{what}", known=400 <= status < 500 or status == 503)
    described = body.get("error_description") if body is not None else None
    text = f": {described}" if isinstance(described, str) else ""
    message = f"{endpoint} answers {status}, {error}{text}"[:_LONGEST_TEXT]
    return Refusal(message, _hint(grant, error), known=status < 500 or status == 503)


def _hint(grant: Grant, error: str) -> str | None:
    if error == "invalid_client":
        other = "post" if grant.client_auth == "basic" else "basic"
        return f"check client id and secret; some servers want them another way: clientAuth: {other}"
    if error == "invalid_grant" and grant.type == "refresh_token":
        return "the refresh token is used up, expired or revoked: get a new one"
    hints = {
        "invalid_grant": "check user and password",
        "invalid_scope": "say which scopes to ask for: scopes: a b",
        "unauthorized_client": f"the client may not use the grant {grant.type}",
        "unsupported_grant_type": f"the server does not know the grant {grant.type}",
    }
    return hints.get(error)


def json_object(response: HttpResponse) -> dict[str, Any] | None:
    """Return the body of an answer that is a JSON object, None for any other."""
    try:
        value = json.loads(response.body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _seconds(value: JsonValue) -> float | None:
    """`expires_in` as a number; some servers write it as a text."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 <= seconds < 1e10 else None


# ------------------------------------------------------------------ keeping


class PendingFetch(MutableRecord):
    """A token request under way; others that need the same token wait for its outcome."""

    outcome: Any = None
    done: bool = False


class TokenCache:
    """Tokens in memory and the fetches under way: many requests, in threads or tasks, cause one fetch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tokens: dict[str, Token] = {}
        self._pending: dict[str, PendingFetch] = {}
        self._rejected: dict[str, None] = {}
        self.endpoints: dict[str, str] = {}
        """Token endpoints by the URL of the document that named them."""

    def get(self, key: str, now: float) -> Token | None:
        """Return a token that may still be used."""
        token = self._tokens.get(key)
        if token is None or token.text in self._rejected or (token.expires is not None and now >= token.expires):
            return None
        return token

    def reject(self, text: str) -> None:
        """Remember that a server refused a token before it expired."""
        self._rejected[text] = None

    def is_rejected(self, text: str) -> bool:
        """Return whether a server refused this token."""
        return text in self._rejected

    def join(self, key: str) -> tuple[PendingFetch, bool]:
        """Return the fetch that is under way, or a new one that the caller must carry out (True)."""
        with self._lock:
            pending = self._pending.get(key)
            if pending is not None:
                return pending, False
            self._pending[key] = PendingFetch()
            return self._pending[key], True

    def finish(self, key: str, pending: PendingFetch, outcome: object) -> None:
        """End a fetch with its outcome; None when it was abandoned and another may try."""
        with self._lock:
            if isinstance(outcome, Token):
                self._tokens[key] = outcome
            self._pending.pop(key, None)
            pending.outcome = outcome
            pending.done = True
