"""The logins of brokers: from the credentials of a run, found like those of HTTP, and the TLS and proxy for each.

AsyncAPI §Security Scheme Object. The first alternative counts whose credentials are all configured
and which the protocol can use. Without one the broker is asked without a login, as servers of HTTP
are: the run has warned before.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from arazzo_runner.base.records import Record, replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.effects import Access, HttpRequest, NoResponse, SendRequest
from arazzo_runner.engine.messages import Broker, NoMessage
from arazzo_runner.engine.options import RunOptions, TransportOptions
from arazzo_runner.engine.run import drive
from arazzo_runner.program.security import Alternative
from arazzo_runner.runtime.auth.plan import Plan
from arazzo_runner.runtime.auth.schemes import MECHANISMS, UNSUPPORTED, Login as SchemeLogin, basic_text, kind_of
from arazzo_runner.runtime.auth.sources import Credentials
from arazzo_runner.runtime.auth.token_manager import TokenManager
from arazzo_runner.runtime.auth.world import CredentialAccess
from arazzo_runner.runtime.brokers.driver import Login
from arazzo_runner.runtime.brokers.options import is_secure
from arazzo_runner.runtime.http import BlockingWorld
from arazzo_runner.runtime.transports import tls_context
from arazzo_runner.sources.hosts import first_origin, meant_for, named_for, proxy_for
from arazzo_runner.sources.http_library import httpx

WEB: Final = {"ws": "http", "wss": "https", "http": "http", "https": "https", "sse": "http"}
"""Protocols whose login is part of an HTTP request, and the scheme that proxies are chosen by."""
_Scopes = tuple[str, ...]


class NotUsable(Exception):
    """A credential cannot be had; `answer` says why."""

    def __init__(self, answer: NoMessage) -> None:
        super().__init__(answer.message)
        self.answer = answer


class BrokerLogins(Record, kw_only=True):
    """What a run has for brokers. The methods may be called in any thread, and wait for tokens.

    - `plan`: the logins that the program can use; `credentials` keep the tokens that are fetched.
    - `transport`: certificates, authorities, hosts that are not checked, proxies; also for token requests.
    - `resend`: a refresh token may be sent again although the outcome of sending it is unknown.
    """

    _hidden_in_repr = ("plan", "credentials", "secrets")

    plan: Plan
    transport: TransportOptions
    secrets: Secrets
    credentials: Credentials | None = None
    resend: bool = False
    timeout: float = 30.0

    def login_of(self, broker: Broker) -> Login | NoMessage:
        """Return the credentials for a broker, none where none are configured, or why those cannot be used."""
        try:
            chosen = self._chosen(broker)
            login = Login() if chosen is None else self._login(chosen, broker)
        except NotUsable as failure:
            return failure.answer
        return _of_url(broker, self.secrets) if login == Login() else login

    def tls_of(self, broker: Broker) -> ssl.SSLContext | NoMessage | None:
        """Return how certificates are checked, with the run's own certificate; None for a protocol without TLS.

        Servers of NATS ask for TLS whatever their URL says: what the options say of all hosts counts then.
        """
        options = self.transport
        may_ask = broker.protocol == "nats" and (options.ca_files or options.certificates or options.insecure_hosts)
        if not (may_ask or self.needs_tls(broker)):
            return None
        try:
            made: ssl.SSLContext = tls_context(httpx(), first_origin(broker.url), self.transport)
        except (OSError, ValueError) as problem:
            return NoMessage(reason="tls", message=f"TLS cannot be set up: {problem}", sent=False)
        return made

    def needs_tls(self, broker: Broker) -> bool:
        """Return whether a connection without TLS is refused: of NATS, also where the options name the host."""
        if is_secure(broker.protocol) or is_secure(broker.url.partition("://")[0].lower()):
            return True
        options, origin = self.transport, first_origin(broker.url)
        named: tuple[Mapping[str, object], ...] = (
            options.ca_files,
            options.certificates,
            dict.fromkeys(options.insecure_hosts, True),
        )
        return broker.protocol == "nats" and any(named_for(each, origin) is not None for each in named)

    def proxy_of(self, broker: Broker) -> str | None:
        """Return the proxy for a broker of an HTTP protocol, None for a direct connection."""
        scheme = WEB.get(broker.protocol)
        if scheme is None:
            return None
        return proxy_for(replace(first_origin(broker.url), scheme=scheme), self.transport.proxies, os.environ)

    # ------------------------------------------------------------------ choosing

    def _chosen(self, broker: Broker) -> Alternative | None:
        """Return the first alternative that is usable; raises NotUsable when only unsupported types would do."""
        for alternative in broker.security:
            if alternative and all(self._is_usable(name, broker) for name in alternative):
                return alternative
        if broker.security and all(any(_unsupported(broker, name) for name in each) for each in broker.security):
            names = ", ".join(sorted({str(_type(broker, name)) for each in broker.security for name in each}))
            message = f"the broker of source {broker.source!r} asks for {names}, which is not supported"
            raise NotUsable(_none(message, "unusable-credential", "add another scheme to its description"))
        return None

    def _is_usable(self, name: str, broker: Broker) -> bool:
        scheme = broker.schemes.get(name)
        if kind_of(scheme) == "mutualTLS":
            return meant_for(self.plan.certificates, first_origin(broker.url)) is not None
        login = self.plan.logins.get((broker.source, name))
        if login is None or not login.is_for(broker.url):
            return False
        return login.kind in (_FOR_WEB if broker.protocol in WEB else _FOR_BROKERS)

    # ------------------------------------------------------------------ making

    def _login(self, alternative: Alternative, broker: Broker) -> Login:
        """Return a login of all schemes of an alternative, each of which adds its part."""
        made = Login()
        for name, scopes in alternative.items():
            login = self.plan.logins.get((broker.source, name))
            if login is None:  # a certificate, which is in the TLS
                continue
            token = self._token(login, scopes, broker) if login.kind == "token" else None
            part = _web_part(login, token) if broker.protocol in WEB else _broker_part(login, token)
            made = _joined(made, part)
        for secret in (made.token, *(value for _, value in made.headers)):
            self.secrets.declare(secret)
        return made

    def _token(self, login: SchemeLogin, scopes: _Scopes, broker: Broker) -> str:
        """Return an access token: the given one, or one that is fetched by HTTP; raises NotUsable."""
        assert self.credentials is not None
        with BlockingWorld(options=self.transport) as world:
            manager = TokenManager(
                world=world,
                cache=self.credentials.tokens,
                store=self.credentials.store,
                secrets=self.secrets,
                resend=self.resend,
            )
            wanted = scopes or _scopes_of(login.scheme)
            got = drive(manager.token(login.scheme, login.fields, wanted, self._token_effect(broker)))
        if isinstance(got, NoResponse):
            raise NotUsable(_none(got.message, got.code, got.hint))
        return got[0].text

    def _token_effect(self, broker: Broker) -> SendRequest:
        """Return what a token request is made from: it is for this broker, and has the run's time."""
        request = HttpRequest("GET", broker.url)
        return SendRequest(
            key=f"login/{broker.source}",
            request=request,
            timeout=self.timeout,
            source=broker.source,
            server=broker.url,
            redirectable=False,
        )


def broker_logins(access: Access, options: RunOptions, secrets: Secrets) -> BrokerLogins:
    """Return what the runs of a program have for its brokers, from their credentials and options."""
    found = access if isinstance(access, CredentialAccess) else None
    return BrokerLogins(
        plan=Plan() if found is None else found.plan,
        credentials=None if found is None else found.credentials,
        transport=options.transport or TransportOptions(),
        secrets=secrets,
        resend=options.resend_unknown,
        timeout=options.timeout,
    )


_FOR_BROKERS: Final = frozenset({"login", "loginKey", "basic", "bearer", "token"})
_FOR_WEB: Final = frozenset({"login", "loginKey", "basic", "bearer", "http", "token", "apiKey"})


def _type(broker: Broker, name: str) -> object:
    scheme: Any = broker.schemes.get(name)
    return scheme.get("type") if isinstance(scheme, Mapping) else None


def _unsupported(broker: Broker, name: str) -> bool:
    return _type(broker, name) in UNSUPPORTED


def _scopes_of(scheme: Any) -> _Scopes:
    """Return the scopes that AsyncAPI 3.0 writes into the scheme itself."""
    found = scheme.get("scopes") if isinstance(scheme, Mapping) else None
    return tuple(each for each in found if isinstance(each, str)) if isinstance(found, list) else ()


def _broker_part(login: SchemeLogin, token: str | None) -> Login:
    """Return what a scheme adds to the login of a broker: user and password, or a token."""
    fields, scheme = login.fields, login.scheme
    raw: Mapping[str, Any] = scheme if isinstance(scheme, Mapping) else {}
    if token is not None:
        return Login(token=token, mechanism="OAUTHBEARER")
    if login.kind == "bearer":
        return Login(token=fields["value"], mechanism="OAUTHBEARER")
    if login.kind == "loginKey":
        return Login(
            username=fields["value"] if raw.get("in") == "user" else fields.get("user"),
            password=fields["value"] if raw.get("in") == "password" else fields.get("password"),
        )
    return Login(username=fields["user"], password=fields["password"], mechanism=MECHANISMS.get(raw.get("type")))


def _web_part(login: SchemeLogin, token: str | None) -> Login:
    """Return what a scheme adds to the HTTP request that opens a WebSocket or a stream, or sends a message."""
    if token is not None:
        return _authorization(f"Bearer {token}")
    if login.kind == "apiKey":
        scheme: Any = login.scheme
        place, name, value = scheme["in"], scheme["name"], login.fields["value"]
        if place == "query":
            return Login(query=((name, value),))
        return Login(headers=((name, value) if place == "header" else ("Cookie", f"{name}={value}"),))
    if login.kind in ("bearer", "http"):
        raw: Any = login.scheme
        word = "Bearer" if login.kind == "bearer" else raw["scheme"]
        return _authorization(f"{word} {login.fields['value']}")
    both = _broker_part(login, None)
    return _authorization(f"Basic {basic_text({'user': both.username or '', 'password': both.password or ''})}")


def _authorization(value: str) -> Login:
    return Login(headers=(("Authorization", value),))


def _joined(one: Login, other: Login) -> Login:
    """Return both logins in one; what the second lacks is the first's."""
    return Login(
        username=one.username if other.username is None else other.username,
        password=one.password if other.password is None else other.password,
        token=other.token or one.token,
        mechanism=other.mechanism or one.mechanism,
        headers=one.headers + other.headers,
        query=one.query + other.query,
    )


def _of_url(broker: Broker, secrets: Secrets) -> Login:
    """Return the login that is written into a URL; its password is a secret of the run from then on."""
    userinfo = urlsplit(broker.url).netloc.rpartition("@")[0]
    if not userinfo:
        return Login()
    user, _, password = (unquote(each) for each in userinfo.partition(":"))
    for secret in (password, userinfo.partition(":")[2]) if password else (user, userinfo):
        secrets.declare(secret)
    if broker.protocol in WEB:
        return _authorization(f"Basic {basic_text({'user': user, 'password': password})}")
    if not password and broker.protocol.startswith("nats"):  # whose URLs have tokens in that place
        return Login(token=user)
    return Login(username=user or None, password=password or None)


def _none(message: str, code: str | None, hint: str | None) -> NoMessage:
    return NoMessage(reason="credentials", message=message, sent=False, code=code, hint=hint)
