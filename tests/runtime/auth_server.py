"""An authorization server (Authlib) and an API that trusts its tokens, both on loopback.

The API's other paths ask for keys, Basic, and Digest (RFC 7616), whose server side is written here
with nothing of the product.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, TokenMixin
from authlib.oauth2.rfc6749.grants import (
    ClientCredentialsGrant,
    RefreshTokenGrant,
    ResourceOwnerPasswordCredentialsGrant,
)
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator

from tests.loopback import Reply, Request, serving

CLIENT, SECRET = "client-1", "client-secret-1"
USER, PASSWORD = "alice", "alice-password-1"
ALGORITHMS = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


@dataclass
class Seen:
    """One request as the server saw it."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: dict[str, str]
    body: bytes
    status: int = 0


@dataclass
class Issued(TokenMixin):  # type: ignore[misc]
    """A refresh token and the access tokens of its family."""

    refresh_token: str
    family: str
    scope: str
    is_used: bool = False

    def check_client(self, client: Any) -> bool:
        return True

    def get_scope(self) -> str:
        return self.scope


@dataclass
class AuthApi:
    """The server's side. What a test may set: how tokens are given, which are refused, what waits."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    access: dict[str, float] = field(default_factory=dict)
    refresh: dict[str, Issued] = field(default_factory=dict)
    revoked_families: set[str] = field(default_factory=set)
    expires_in: int = 3600
    rotates: bool = True
    client_methods: tuple[str, ...] = ("client_secret_basic", "client_secret_post")
    scopes: tuple[str, ...] = ("read", "write")
    token_delay: float = 0.0
    metadata: dict[str, Any] = field(default_factory=dict)
    token_answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)
    hold_token: threading.Event | None = None
    hold_api: threading.Event | None = None
    token_arrived: threading.Event = field(default_factory=threading.Event)
    api_arrived: threading.Event = field(default_factory=threading.Event)
    digest_algorithms: tuple[str, ...] = ("MD5",)
    digest_qop: str | None = "auth"
    digest_session: bool = False  # a nonce is good with the cookie of its challenge only
    nonce_uses: int = 1000
    nonces: dict[str, int] = field(default_factory=dict)
    lock: Any = field(default_factory=threading.Lock)

    def first_refresh_token(self) -> str:
        """Begin a family, as a person's consent would."""
        text = "rt-" + secrets.token_hex(8)
        self.refresh[text] = Issued(text, family=text, scope="read")
        return text

    def requests(self, path: str) -> list[Seen]:
        """Return the requests of a path."""
        return [each for each in self.seen if each.path == path]

    def refreshes(self) -> list[str]:
        """The refresh tokens that were sent, in order."""
        return [each.form["refresh_token"] for each in self.requests("/token") if "refresh_token" in each.form]


class _Client(ClientMixin):  # type: ignore[misc]
    def __init__(self, api: AuthApi) -> None:
        self._api = api

    def get_client_id(self) -> str:
        return CLIENT

    def get_allowed_scope(self, scope: str | None) -> str:
        return scope or "read"

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method in self._api.client_methods

    def check_grant_type(self, grant_type: str) -> bool:
        return True


class _Request(OAuth2Request):  # type: ignore[misc]
    def __init__(self, seen: Seen) -> None:
        super().__init__(seen.method, f"https://localhost{seen.path}", headers=_Headers(seen.headers))
        self._form = seen.form
        self.payload = BasicOAuth2Payload(seen.form)

    @property
    def form(self) -> dict[str, str]:
        return self._form


class _Headers(dict[str, str]):
    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.lower(), default)


def _oauth(api: AuthApi) -> Any:
    class Server(AuthorizationServer):  # type: ignore[misc]
        def query_client(self, client_id: str) -> _Client | None:
            return _Client(api) if client_id == CLIENT else None

        def save_token(self, token: dict[str, Any], request: Any) -> None:
            api.access[token["access_token"]] = time.time() + token.get("expires_in", 1e9)
            old = getattr(request, "refresh_token", None)
            family = old.family if isinstance(old, Issued) else token["access_token"]
            if "refresh_token" in token:
                text = token["refresh_token"]
                api.refresh[text] = Issued(text, family, token.get("scope", ""))

        def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
            pass

        def create_oauth2_request(self, request: Any) -> _Request:
            return _Request(request)

        def handle_response(self, status: int, body: Any, headers: Any) -> _Answer:
            data = json.dumps(body).encode() if isinstance(body, dict) else str(body).encode()
            return status, dict(headers), data

    class Password(ResourceOwnerPasswordCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")

        def authenticate_user(self, username: str, password: str) -> str | None:
            return username if (username, password) == (USER, PASSWORD) else None

    class Refresh(RefreshTokenGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("none", "client_secret_basic", "client_secret_post")
        INCLUDE_NEW_REFRESH_TOKEN = api.rotates

        def authenticate_refresh_token(self, refresh_token: str) -> Issued | None:
            found = api.refresh.get(refresh_token)
            if found is None:
                return None
            if found.is_used:  # RFC 9700 §4.14.2: a replay revokes the whole family
                api.revoked_families.add(found.family)
            return None if found.family in api.revoked_families else found

        def authenticate_user(self, refresh_token: Issued) -> str:
            return USER

        def revoke_old_credential(self, refresh_token: Issued) -> None:
            refresh_token.is_used = api.rotates

    class Credentials(ClientCredentialsGrant):  # type: ignore[misc]
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")

    server = Server(scopes_supported=list(api.scopes))
    for grant in (Password, Refresh, Credentials):
        server.register_grant(grant)
    tokens = BearerTokenGenerator(
        lambda **_: "at-" + secrets.token_hex(12),
        lambda **_: "rt-" + secrets.token_hex(8),
        lambda client, grant: api.expires_in,
    )
    server.register_token_generator("default", tokens)
    return server


@contextmanager
def auth_api(**settings: Any) -> Iterator[AuthApi]:
    """Serve on a free port."""
    api = AuthApi(**settings)
    api.token_answers = list(api.token_answers)  # they are used up
    oauth = _oauth(api)

    def token(seen: Seen) -> _Answer:
        with api.lock:
            answer = api.token_answers.pop(0) if api.token_answers else None
            if answer is None:
                answer = oauth.create_token_response(seen)
        api.token_arrived.set()
        if api.hold_token is not None:
            api.hold_token.wait(20)
        time.sleep(api.token_delay)
        return answer

    def bearer(seen: Seen) -> _Answer:
        api.api_arrived.set()
        if api.hold_api is not None:
            api.hold_api.wait(20)
        text = seen.headers.get("authorization", "").removeprefix("Bearer ")
        if api.access.get(text, 0) > time.time():
            return _json(200, {"with": text})
        return _json(401, {"error": "invalid_token"}, {"WWW-Authenticate": 'Bearer error="invalid_token"'})

    def answer(seen: Seen, target: str) -> _Answer:
        if seen.path == "/token":
            return token(seen)
        if seen.path.endswith(("/.well-known/openid-configuration", "/discovery")) or "oauth-auth" in seen.path:
            return _json(200, {"issuer": api.url, "token_endpoint": f"{api.url}/token", **api.metadata})
        if seen.path in ("/things", "/others"):
            return bearer(seen)
        if seen.path.startswith("/digest"):
            return _digest(api, seen, target)
        return _json(200, {"seen": seen.headers.get("authorization")})

    def reply(request: Request) -> Reply:
        seen = _seen(request)
        with api.lock:
            api.seen.append(seen)
        seen.status, headers, body = answer(seen, request.target)
        return Reply(seen.status, body, list(headers.items()))

    with serving(reply) as server:
        api.url = server.url
        yield api


def _seen(request: Request) -> Seen:
    parts = urlsplit(request.target)
    is_form = (request.headers.get("Content-Type") or "").startswith("application/x-www-form")
    form = dict(parse_qsl(request.body.decode(), keep_blank_values=True)) if is_form else {}
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Seen(request.method, parts.path, dict(parse_qsl(parts.query)), headers, form, request.body)


_Answer = tuple[int, dict[str, str], bytes]


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> _Answer:
    return status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(body).encode()


def basic(user: str, password: str) -> str:
    """The header that a Basic login must send."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


# ------------------------------------------------------------------ Digest, the server's side (RFC 7616)


def _digest(api: AuthApi, seen: Seen, target: str) -> _Answer:
    header = seen.headers.get("authorization", "")
    stale = False
    if header.startswith("Digest "):
        given = {name: quoted or plain for name, quoted, plain in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', header)}
        stale = api.nonces.get(given.get("nonce", ""), api.nonce_uses) >= api.nonce_uses
        session = f"session={given.get('nonce')}"
        has_session = session in seen.headers.get("cookie", "").split("; ") or not api.digest_session
        if has_session and _is_right(api, seen, given, target):
            if not stale:
                api.nonces[given["nonce"]] += 1
                return _json(200, {"algorithm": given["algorithm"], "nc": given.get("nc")})
        else:
            stale = False
    nonce = secrets.token_hex(8)
    api.nonces[nonce] = 0
    qop = f', qop="{api.digest_qop}"' if api.digest_qop else ""
    late = ", stale=true" if stale else ""
    challenges = ", ".join(
        f'Digest realm="the \\"API\\"", nonce="{nonce}", algorithm={each}, opaque="op"{qop}{late}'
        for each in api.digest_algorithms
    )
    cookie = {"Set-Cookie": f"session={nonce}; HttpOnly; Path=/"} if api.digest_session else {}
    return _json(401, {}, {"WWW-Authenticate": f'Basic realm="x", {challenges}', **cookie})


def _is_right(api: AuthApi, seen: Seen, given: dict[str, str], target: str) -> bool:
    algorithm = given["algorithm"]

    def h(text: bytes) -> str:
        return hashlib.new(ALGORITHMS[algorithm.removesuffix("-sess")], text).hexdigest()

    a1 = h(f'{USER}:the "API":{PASSWORD}'.encode())
    if algorithm.endswith("-sess"):
        a1 = h(f"{a1}:{given['nonce']}:{given['cnonce']}".encode())
    a2 = f"{seen.method}:{target}"
    if given.get("qop") == "auth-int":
        a2 += ":" + h(seen.body)
    if api.digest_qop is None:
        expected = h(f"{a1}:{given['nonce']}:{h(a2.encode())}".encode())
    else:
        expected = h(f"{a1}:{given['nonce']}:{given['nc']}:{given['cnonce']}:{given['qop']}:{h(a2.encode())}".encode())
        if int(given["nc"], 16) != api.nonces.get(given["nonce"], -1) + 1:
            return False  # a replayed or skipped count
    return given["response"] == expected and given["uri"] == target and algorithm in api.digest_algorithms
