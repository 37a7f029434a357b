"""The token manager: fetches a token once for all requests that wait for it, and never sends a refresh token twice.

Waiting is a Sleep, time is a Now, a token request is a SendRequest, all of the World below: one
logic for blocking and asynchronous runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.base.settings import RESEND_UNKNOWN
from arazzo_runner.base.version import __version__
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse, Now, SendRequest, Sleep, World
from arazzo_runner.runtime.auth.store import Chain, ChainState, TokenStore, UnusableStore
from arazzo_runner.runtime.auth.tokens import (
    Grant,
    PendingFetch,
    Refusal,
    Token,
    TokenCache,
    choose_grant,
    endpoint_fault,
    json_object,
    read_token,
    token_request,
)
from arazzo_runner.sources.hosts import origin_of

PAUSE = 0.02


class TokenManager(Record, kw_only=True):
    """Fetches tokens through `world`.

    `resend` allows a refresh token to be sent again although the outcome of sending it is unknown.
    """

    world: World
    cache: TokenCache
    store: TokenStore
    secrets: Secrets
    resend: bool = False

    async def token(
        self, scheme: JsonValue, fields: Mapping[str, str], scopes: tuple[str, ...], effect: SendRequest
    ) -> tuple[Token, bool] | NoResponse:
        """Return a token for a request and whether it was fetched just now, or why there is none."""
        got = await self._token(scheme, fields, scopes, effect)
        if not isinstance(got, NoResponse):
            self._register_secrets(got[0])  # also one that another run has fetched
        return got

    async def _token(
        self, scheme: JsonValue, fields: Mapping[str, str], scopes: tuple[str, ...], effect: SendRequest
    ) -> tuple[Token, bool] | NoResponse:
        configured = fields.get("value")
        grant = choose_grant(scheme, fields, scopes, effect.server)
        if configured is not None and (grant is None or not self.cache.is_rejected(configured)):
            # It cannot be renewed: the server's own answer describes best what is wrong with it.
            return Token(configured), grant is None
        if grant is None:
            return self._refused(Refusal("the description gives no URL to get one from", "say it: tokenUrl"))
        until = await self._now(effect) + effect.timeout
        while True:
            now = await self._now(effect)
            token = self.cache.get(grant.key, now)
            if token is not None:
                return token, False
            pending_fetch, is_ours = self.cache.join(grant.key)
            if is_ours:
                return await self._fetch_for_all(grant, effect, now, pending_fetch)
            while not pending_fetch.done:
                if await self._now(effect) >= until:
                    return _none(f"no token from {grant.endpoint} within {effect.timeout:g} s", reason="timeout")
                await self._pause(effect)
            if isinstance(pending_fetch.outcome, Token):
                return pending_fetch.outcome, True
            if isinstance(pending_fetch.outcome, NoResponse):
                return pending_fetch.outcome

    async def _fetch_for_all(
        self, grant: Grant, effect: SendRequest, now: float, pending_fetch: PendingFetch
    ) -> tuple[Token, bool] | NoResponse:
        outcome: Token | NoResponse | None = None
        try:
            outcome = await self._fetch(grant, effect, now)
        finally:
            self.cache.finish(grant.key, pending_fetch, outcome)
        return outcome if isinstance(outcome, NoResponse) else (outcome, True)

    async def _fetch(self, grant: Grant, effect: SendRequest, now: float) -> Token | NoResponse:
        endpoint = await self._endpoint(grant, effect)
        if isinstance(endpoint, NoResponse):
            return endpoint
        if grant.type == "refresh_token":
            return await self._refresh(grant, endpoint, effect, now)
        answer = await self._ask(grant, endpoint, effect, safe=True)
        if isinstance(answer, NoResponse):
            return _unanswered(answer)
        read = read_token(grant, endpoint, answer, now)
        return self._refused(read) if isinstance(read, Refusal) else self._register_secrets(read)

    async def _endpoint(self, grant: Grant, effect: SendRequest) -> str | NoResponse:
        """Return the token endpoint, found by discovery when the description names only a discovery document."""
        fault = endpoint_fault(grant.endpoint, grant.hosts)
        if fault is not None:
            return self._refused(Refusal(f"the URL {grant.endpoint} {fault}"))
        if grant.discovered:
            return grant.endpoint
        found: str | Refusal | None = self.cache.endpoints.get(grant.endpoint)
        if found is None:
            answer = await self._discover(grant, effect)
            if isinstance(answer, NoResponse):
                return answer
            found = read_metadata(grant.endpoint, answer)
        if isinstance(found, Refusal):
            return self._refused(found)
        # Checked for known endpoints too: this credential may be for other hosts.
        refusal = discovered_fault(grant.endpoint, found, grant.hosts)
        if refusal is not None:
            return self._refused(refusal)
        self.cache.endpoints[grant.endpoint] = found
        return found

    async def _discover(self, grant: Grant, effect: SendRequest) -> HttpResponse | NoResponse:
        answer = await self._send(
            replace(effect, key=f"{effect.key}/discovery", safe=True), metadata_request(grant.endpoint)
        )
        return _unanswered(answer) if isinstance(answer, NoResponse) else answer

    # ------------------------------------------------------------------ refresh tokens

    async def _refresh(self, grant: Grant, endpoint: str, effect: SendRequest, now: float) -> Token | NoResponse:
        """Refresh a token whose chain is locked: no other thread or process refreshes it now."""
        chain = self.store.chain(endpoint, grant.client_id or "", dict(grant.form)["refresh_token"])
        try:
            until = now + effect.timeout
            while not chain.try_lock():
                if await self._now(effect) >= until:
                    return _none("another process refreshes the same token and does not end", reason="timeout")
                await self._pause(effect)
            try:
                return await self._refresh_locked(grant, endpoint, effect, chain)
            finally:
                chain.unlock()
        except UnusableStore as problem:
            message = f"a rotated refresh token could not be kept: {problem}"
            return _none(message, code="unusable-token-store", hint="it is kept below XDG_STATE_HOME")

    async def _refresh_locked(
        self, grant: Grant, endpoint: str, effect: SendRequest, chain: Chain
    ) -> Token | NoResponse:
        kept = chain.read()
        self.secrets.declare(kept.refresh_token)
        if kept.pending and not self.resend:
            return _in_doubt(endpoint, chain)
        # The intent is stored first, which also proves that the store can be written.
        chain.write(ChainState(kept.refresh_token, pending=True))
        asked = await self._now(effect)
        grant = replace(grant, form=(("refresh_token", kept.refresh_token),))
        answer = await self._ask(grant, endpoint, effect, safe=False)
        if isinstance(answer, NoResponse):
            if not answer.sent:
                chain.write(kept)
                return _unanswered(answer)
            return _in_doubt(endpoint, chain, answer.message)
        read = read_token(grant, endpoint, answer, asked)
        if isinstance(read, Token):
            self._register_secrets(read)
            chain.write(ChainState(read.refresh_token or kept.refresh_token))
            return read
        if not read.known:
            return _in_doubt(endpoint, chain, self.secrets.mask(read.message))
        chain.write(ChainState(kept.refresh_token))
        return self._refused(read)

    # ------------------------------------------------------------------ the World below

    async def _ask(self, grant: Grant, endpoint: str, effect: SendRequest, *, safe: bool) -> HttpResponse | NoResponse:
        asking = replace(effect, key=f"{effect.key}/token", safe=safe)
        return await self._send(asking, token_request(grant, endpoint))

    async def _send(self, effect: SendRequest, request: HttpRequest) -> HttpResponse | NoResponse:
        plain = replace(effect, request=request, operation="", redirectable=False, security=(), schemes={})
        return await self.world.perform(plain)

    async def _now(self, effect: SendRequest) -> float:
        return await self.world.perform(Now(key=f"{effect.key}/token/now"))

    async def _pause(self, effect: SendRequest) -> None:
        await self.world.perform(Sleep(key=f"{effect.key}/token/wait", seconds=PAUSE))

    def _register_secrets(self, token: Token) -> Token:
        self.secrets.declare(token.text)
        self.secrets.declare(token.refresh_token)
        return token

    def _refused(self, refusal: Refusal) -> NoResponse:
        return _none(f"no token: {self.secrets.mask(refusal.message)}", hint=refusal.hint)


def _unanswered(answer: NoResponse) -> NoResponse:
    return _none(f"no token: {answer.message}", reason=answer.reason, elapsed=answer.elapsed_ms)


def _in_doubt(endpoint: str, chain: Chain, why: str = "") -> NoResponse:
    because = f" ({why})" if why else ""
    message = f"the refresh token was sent to {endpoint} and the outcome is unknown{because}; it may be used up"
    hint = f"get a new refresh token; or allow this one to be sent again with {RESEND_UNKNOWN} (kept in {chain.path})"
    return _none(message, code="refresh-in-doubt", hint=hint)


def _none(
    message: str,
    *,
    reason: Any = "credentials",
    code: str = "token-request-failed",
    hint: str | None = None,
    elapsed: float = 0.0,
) -> NoResponse:
    # The request itself was certainly not sent: trying the step again is safe.
    return NoResponse(reason, message, False, elapsed, code, hint)


# ---- Discovery documents (OpenID Connect Discovery §4, RFC 8414 §3): the token endpoint, if it may be used.
#
# The description names the discovery URL, and a client's secret is for that server. So the document
# must be its issuer's own, and its token endpoint on the same origin unless `hosts` allow another.

_WELL_KNOWN: Final = "/.well-known/"
_OPENID: Final = "/.well-known/openid-configuration"
_NAME_IT: Final = "if you trust it, name the token endpoint with tokenUrl"


def metadata_request(url: str) -> HttpRequest:
    """Return the request for a discovery document."""
    return HttpRequest("GET", url, (("Accept", "application/json"), ("User-Agent", f"arazzo/{__version__}")))


def read_metadata(url: str, response: HttpResponse) -> str | Refusal:
    """Return the token endpoint that the discovery document at `url` names for its own issuer."""
    body = json_object(response)
    found = body.get("token_endpoint") if body is not None and response.status == 200 else None
    if body is None or not isinstance(found, str):
        return Refusal(f"{url} answers {response.status} without a token_endpoint", "is it the discovery document?")
    issuer = body.get("issuer")
    if not isinstance(issuer, str) or not _is_issuer_of(issuer, url):
        named = f"the issuer {issuer[:200]}" if isinstance(issuer, str) else "no issuer"
        expected = _expected_issuer(url)
        wanted = f"must be {expected}" if expected is not None else "must be on the same server"
        message = f"the discovery document {url} names {named}, which {wanted} (OpenID Connect Discovery §4.3)"
        return Refusal(message, _NAME_IT)
    return found


def discovered_fault(url: str, endpoint: str, hosts: str | None) -> Refusal | None:
    """Return why a token endpoint named by the discovery document at `url` must not be used, None when it may."""
    fault = endpoint_fault(endpoint, hosts)
    if fault is not None:
        return Refusal(f"the token endpoint {endpoint} that {url} names {fault}", _NAME_IT)
    named, own = origin_of(endpoint), origin_of(url)
    if named == own:
        return None
    if hosts is None:
        message = f"the discovery document {url} names a token endpoint on another server, {endpoint}"
        names = " ".join(dict.fromkeys((own.host, named.host)))
        return Refusal(message, f"allow it with hosts: {names} (and the hosts of the API); or name it with tokenUrl")
    if named.scheme != "https" and own.scheme == "https":
        return Refusal(f"the token endpoint {endpoint} that {url} names is not https, as that is", _NAME_IT)
    return None


def _expected_issuer(url: str) -> str | None:
    """Return the issuer whose discovery document is at a URL; None when the URL is not one of the well-known."""
    parts = urlsplit(url)
    path = parts.path
    if path.endswith(_OPENID):
        return f"{parts.scheme}://{parts.netloc}{path.removesuffix(_OPENID)}"
    if path.startswith(_WELL_KNOWN):  # RFC 8414 §3.1: between host and path
        _, _, below = path.removeprefix(_WELL_KNOWN).partition("/")
        return f"{parts.scheme}://{parts.netloc}" + (f"/{below}" if below else "")
    return None


def _is_issuer_of(issuer: str, url: str) -> bool:
    expected = _expected_issuer(url)
    if expected is not None:
        return issuer.rstrip("/") == expected.rstrip("/")
    try:
        return origin_of(issuer) == origin_of(url)
    except ValueError:
        return False
