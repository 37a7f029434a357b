"""Credentials as real servers receive them: keys, Basic, Bearer, Digest, and OAuth tokens of an Authlib server."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from arazzo_runner import LoadOptions
from arazzo_runner.base.records import replace

pytest.importorskip("authlib")

import arazzo_runner
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.cookies import Jar
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, NoResponse, SendRequest
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.engine.run import drive
from arazzo_runner.runtime.auth.digest import Challenges, answer_challenge, read_challenge
from arazzo_runner.runtime.auth.plan import Plan, find_login, learn
from arazzo_runner.runtime.auth.schemes import fault_of
from arazzo_runner.runtime.auth.sources import Credentials
from arazzo_runner.runtime.auth.store import TokenStore
from arazzo_runner.runtime.auth.token_manager import read_metadata
from arazzo_runner.runtime.auth.tokens import Grant, Refusal, Token, read_token
from arazzo_runner.runtime.auth.world import AuthWorld
from arazzo_runner.runtime.http import AsyncWorld, BlockingWorld
from tests.runtime.auth_server import CLIENT, PASSWORD, SECRET, USER, auth_api, basic
from tests.runtime.proxy_server import ProxyServer

SCHEMES = {
    "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "query": {"type": "apiKey", "in": "query", "name": "api key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "sid"},
    "basic": {"type": "http", "scheme": "Basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "other": {"type": "http", "scheme": "Token"},
    "digest": {"type": "http", "scheme": "digest"},
    "client": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}},
    "password": {"type": "oauth2", "flows": {"password": {"tokenUrl": "/token", "scopes": {}}}},
    "code": {"type": "oauth2", "flows": {"authorizationCode": {"tokenUrl": "/token", "authorizationUrl": "/a"}}},
    "oidc": {"type": "openIdConnect", "openIdConnectUrl": "/.well-known/openid-configuration"},
}
VALUES: dict[str, Any] = {
    "key": "key-12345678",
    "query": "query key/1",
    "cookie": "cookie-12345",
    "basic": {"user": "bob", "password": "bob-password"},
    "bearer": "bearer-12345",
    "other": "token-12345",
    "digest": {"user": USER, "password": PASSWORD},
    "client": {"clientId": CLIENT, "clientSecret": SECRET},
    "password": {"user": USER, "password": PASSWORD, "clientId": CLIENT, "clientSecret": SECRET},
    "oidc": {"clientId": CLIENT, "clientSecret": SECRET},
}


class Run:
    """A World with credentials around a real one, and the ways to send through it."""

    def __init__(self, api, values, kind, store, **options):
        self.api = api
        self.credentials = Credentials({"api": values}, environment={}, file="/dev/null", keyring=False)
        self.credentials.store = TokenStore(str(store))
        found = ((name, find_login(self.credentials, "api", name, SCHEMES[name])) for name in SCHEMES)
        self.plan = Plan({("api", name): login for name, login in found if login is not None})
        assert [fault_of(login) for login in self.plan.logins.values()] == [None] * len(self.plan.logins)
        self.secrets = Secrets()
        learn(self.plan, self.secrets)
        self.kind = kind
        self.transport = TransportOptions()
        self.options = options

    def effect(self, path, security, method="GET", headers=(), timeout=5.0, scopes=()):
        alternatives = tuple({name: tuple(scopes) for name in names} for names in security)
        request = HttpRequest(method, self.api.url + path, tuple(headers), b"{}" if method == "POST" else None)
        return SendRequest(
            key="s#1", safe=method == "GET", request=request, timeout=timeout, source="api", server=self.api.url,
            security=alternatives, schemes=SCHEMES,
        )  # fmt: skip

    def send(self, *effects):
        """Perform effects one after the other and return the answers."""
        if self.kind == "blocking":
            with BlockingWorld(options=self.transport) as world:
                return [drive(self.world(world).perform(each)) for each in effects]
        return asyncio.run(self.asend(*effects))

    async def asend(self, *effects):
        async with AsyncWorld(options=self.transport) as world:
            return [await self.world(world).perform(each) for each in effects]

    def get(self, path, *names, **options):
        """Send one request whose operation has one alternative."""
        return self.send(self.effect(path, [names], **options))[0]

    def world(self, world):
        return AuthWorld(world, self.plan, self.credentials, self.secrets, **self.options)


@pytest.fixture(params=["blocking", "async"])
def kind(request):
    return request.param


@pytest.fixture
def make(kind, tmp_path):
    """Start a server and make a Run for it: `make(values, **server settings)`."""
    opened = []

    def start(values=VALUES, resend=False, **settings):
        context = auth_api(**settings)
        opened.append(context)
        return Run(context.__enter__(), values, kind, tmp_path / "store", resend=resend)

    yield start
    for context in opened:
        context.__exit__(None, None, None)


# ------------------------------------------------------------------ static credentials


@pytest.mark.parametrize(
    ("name", "place", "expected"),
    [
        ("key", "headers", {"x-key": "key-12345678"}),
        ("query", "query", {"api key": "query key/1", "a": "1"}),
        ("cookie", "headers", {"cookie": "other=1; sid=cookie-12345"}),
        ("basic", "headers", {"authorization": basic("bob", "bob-password")}),
        ("bearer", "headers", {"authorization": "Bearer bearer-12345"}),
        ("other", "headers", {"authorization": "Token token-12345"}),
    ],
)
def test_a_credential_is_sent_where_its_scheme_says(make, name, place, expected):
    run = make()
    assert run.get("/echo?a=1", name, headers=[("Cookie", "other=1")]).status == 200
    assert expected.items() <= getattr(run.api.seen[0], place).items()


@pytest.mark.parametrize(
    ("values", "security", "headers", "arrived"),
    [
        pytest.param(["key"], [["key"]], {}, {"x-key"}, id="one"),
        pytest.param(["key", "basic"], [["key", "basic"]], {}, {"x-key", "authorization"}, id="all of one item"),
        pytest.param(["key"], [["key", "basic"]], {}, set(), id="half of one item is nothing"),
        pytest.param(["key", "basic"], [["basic"], ["key"]], {}, {"authorization"}, id="the first that is there"),
        pytest.param(["key"], [["basic"], ["key"]], {}, {"x-key"}, id="the second when the first is not there"),
        pytest.param(["key"], [[], ["key"]], {}, {"x-key"}, id="optional, and there"),
        pytest.param([], [[], ["key"]], {}, set(), id="optional, and not there"),
        pytest.param(["key"], [], {}, set(), id="no security"),
        pytest.param(["key"], [["undescribed"], ["key"]], {"Authorization": "Own"}, {"authorization"}, id="the step gives what is not described"),
        pytest.param(["key"], [["undescribed"], ["key"]], {}, {"x-key"}, id="what is not described has no value"),
        pytest.param(["bearer"], [["bearer"]], {"Authorization": "Own"}, {"authorization"}, id="the step wins"),
        pytest.param(["key"], [["basic", "key"]], {"authorization": "Own"}, {"x-key", "authorization"}, id="the step gives a half"),
        pytest.param(["key", "bearer"], [["bearer"], ["key"]], {"X-KEY": "own"}, {"x-key", "authorization"}, id="the first alternative, whatever the step gives"),
    ],
)  # fmt: skip
def test_alternatives(make, values, security, headers, arrived):
    run = make({name: VALUES[name] for name in values})
    run.send(run.effect("/echo", security, headers=headers.items()))
    seen = run.api.seen[0].headers
    assert {name for name in ("x-key", "authorization") if name in seen} == arrived
    for name, value in headers.items():
        assert seen[name.lower()] == value


def test_output_has_placeholders_and_sent_credentials_are_secrets(make):
    run = make()
    effect = run.effect("/echo?a=1", [["key", "query", "cookie", "basic"]])
    shown = run.plan.shown(effect)
    assert shown.url.endswith("/echo?a=1&api%20key=***")
    assert shown.headers == (("X-Key", "***"), ("Cookie", "sid=***"), ("Authorization", "Basic ***"))
    run.send(effect)
    sent = run.api.seen[0]
    for text in (sent.headers["x-key"], sent.headers["cookie"][4:], sent.headers["authorization"][6:], "bob-password"):
        assert run.secrets.mask(f"<{text}>") == "<***>"


# ------------------------------------------------------------------ Digest


@pytest.mark.parametrize(
    ("algorithms", "qop", "used"),
    [
        (("MD5",), "auth", "MD5"),
        (("SHA-256",), "auth", "SHA-256"),
        (("SHA-512-256",), "auth", "SHA-512-256"),
        (("MD5-sess",), "auth", "MD5-sess"),
        (("SHA-256-sess",), "auth", "SHA-256-sess"),
        (("MD5", "SHA-256"), "auth", "SHA-256"),
        (("MD5",), "auth-int", "MD5"),
        (("MD5",), "auth, auth-int", "MD5"),
        (("MD5",), None, "MD5"),
    ],
)
def test_a_digest_challenge_is_answered(make, algorithms, qop, used):
    run = make(digest_algorithms=algorithms, digest_qop=qop)
    answer = run.get("/digest/a?b=c%20d", "digest", method="POST")
    assert answer.status == 200, answer
    assert f'"algorithm": "{used}"'.encode() in answer.body
    assert [each.status for each in run.api.seen] == [401, 200]


def test_a_nonce_is_used_again_and_counted(make):
    run = make()
    answers = run.send(*[run.effect("/digest", [["digest"]]) for _ in range(3)])
    assert [json.loads(answer.body)["nc"] for answer in answers] == ["00000001", "00000002", "00000003"]
    assert [each.status for each in run.api.seen] == [401, 200, 200, 200]


def test_a_stale_nonce_is_replaced(make):
    run = make(nonce_uses=1)
    answers = run.send(*[run.effect("/digest", [["digest"]]) for _ in range(2)])
    assert [answer.status for answer in answers] == [200, 200]
    assert [each.status for each in run.api.seen] == [401, 200, 401, 200]


def test_a_cookie_of_a_challenge_goes_with_the_answer(make):
    run = make(digest_session=True)
    answer = run.get("/digest", "digest", headers=[("Cookie", "own=1")])
    assert (answer.status, [each.status for each in run.api.seen]) == (200, [401, 200])
    (nonce,) = run.api.nonces
    assert run.api.seen[1].headers["cookie"] == f"own=1; session={nonce}"
    assert answer.header("Set-Cookie") == f"session={nonce}; HttpOnly; Path=/"  # for the run's later requests


def test_a_cookie_of_a_new_challenge_replaces_that_of_the_old(make):
    run = make(digest_session=True, nonce_uses=1)
    jar = Jar().after_response(run.api.url + "/digest", (("Set-Cookie", "session=old"),), 0.0, mode="host")
    effect = replace(run.effect("/digest", [["digest"]], headers=[("Cookie", "session=old")]), jar=jar)
    assert [answer.status for answer in run.send(effect, effect)] == [200, 200]
    assert [each.headers["cookie"].count("session=") for each in run.api.seen] == [1] * len(run.api.seen)


def test_no_cookie_of_a_challenge_is_kept_when_the_run_keeps_none(make):
    run = make(digest_session=True)
    (answer,) = run.send(replace(run.effect("/digest", [["digest"]]), cookies="off"))
    assert answer.status == 401
    assert not any("cookie" in each.headers for each in run.api.seen)


def test_a_run_keeps_the_session_of_a_challenge(kind, tmp_path):
    with auth_api(digest_session=True) as api:
        description = {
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": api.url}],
            "components": {"securitySchemes": {"digest": SCHEMES["digest"]}}, "security": [{"digest": []}],
            "paths": {"/digest": {"get": {"operationId": "get"}}},
        }  # fmt: skip
        (tmp_path / "api.json").write_text(json.dumps(description))
        document = {
            "arazzo": "1.1.0", "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
            "workflows": [{"workflowId": "w", "steps": [{"stepId": f"s{n}", "operationId": "get"} for n in range(3)]}],
        }  # fmt: skip
        given = {"credentials": {"api": {"digest": VALUES["digest"]}}, "load_options": LoadOptions(root=str(tmp_path))}
        run = arazzo_runner.run if kind == "blocking" else lambda *a, **k: asyncio.run(arazzo_runner.arun(*a, **k))
        result = run(document, **given)
        assert result.status == "succeeded", result.reason
        assert [each.status for each in api.seen] == [401, 200, 200, 200]


def test_a_wrong_password_is_tried_once(make):
    run = make({"digest": {"user": USER, "password": "wrong-password"}})
    assert run.get("/digest", "digest").status == 401
    assert len(run.api.seen) == 2


def test_a_challenge_is_answered_to_its_own_server_only():
    """`domain` may name other servers (RFC 7616 §3.3); none of them gets an answer beforehand."""
    asked = 'Digest realm="a", nonce="n", qop="auth", domain="https://other.test/ http://api.test/ /b"'
    challenge = read_challenge(HttpResponse(401, (("WWW-Authenticate", asked),)))
    known = Challenges()
    known.learn("https://api.test/a", USER, challenge)
    assert known.get("https://api.test/b", USER) is challenge
    for url in ("https://other.test/", "http://api.test/", "https://api.test:8443/"):
        assert known.get(url, USER) is None


def test_another_kind_of_challenge_gets_no_password(make):
    run = make()
    assert run.get("/things", "digest").status == 401
    assert ["authorization" in each.headers for each in run.api.seen] == [False]


# ------------------------------------------------------------------ OAuth


@pytest.mark.parametrize("name", ["client", "password", "oidc"])
def test_a_token_is_fetched_once(make, name):
    run = make()
    answers = run.send(*[run.effect("/things", [[name]], scopes=["read"]) for _ in range(3)])
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len(run.api.requests("/token")) == 1
    assert len(run.api.requests("/.well-known/openid-configuration")) == (name == "oidc")
    assert run.api.requests("/token")[0].form["scope"] == "read"
    assert run.secrets.mask(next(iter(run.api.access))) == "***"


def test_client_authentication(make):
    run = make({"client": {**VALUES["client"], "clientAuth": "post"}}, client_methods=("client_secret_post",))
    assert run.get("/things", "client").status == 200
    asked = run.api.requests("/token")[0]
    assert asked.form["client_secret"] == SECRET
    assert "authorization" not in asked.headers
    run = make({"client": VALUES["client"]})
    assert run.get("/things", "client").status == 200
    assert run.api.requests("/token")[0].headers["authorization"] == basic(CLIENT, SECRET)


def test_a_public_client_needs_no_secret(make):
    values = {"password": {"user": USER, "password": PASSWORD, "clientId": CLIENT}}
    run = make(values, client_methods=("none",))
    assert run.get("/things", "password").status == 200
    assert run.api.requests("/token")[0].form["client_id"] == CLIENT


def test_each_set_of_scopes_has_its_token(make):
    run = make()
    run.send(
        *[run.effect("/things", [["client"]], scopes=scopes) for scopes in (["read"], ["read", "write"], ["read"])]
    )
    assert [each.form["scope"] for each in run.api.requests("/token")] == ["read", "read write"]


def test_an_expiring_token_is_replaced_before_it_is_refused(make):
    run = make(expires_in=1)
    effect = run.effect("/things", [["client"]])
    answers = run.send(effect)
    run.credentials.tokens._tokens = {
        key: replace(token, expires=token.expires - 1) for key, token in run.credentials.tokens._tokens.items()
    }
    answers += run.send(effect)
    assert [answer.status for answer in answers] == [200, 200]
    assert [each.path for each in run.api.seen] == ["/token", "/things", "/token", "/things"]


def test_a_revoked_token_is_replaced_once(make):
    run = make()
    effect = run.effect("/things", [["client"]], method="POST")
    run.send(effect)
    run.api.access.clear()
    assert [answer.status for answer in run.send(effect)] == [200]
    assert [each.path for each in run.api.seen] == ["/token", "/things", "/things", "/token", "/things"]


def test_a_fresh_token_that_is_refused_is_not_fetched_again(make):
    run = make(expires_in=-1)
    assert run.get("/things", "client").status == 401
    assert [each.path for each in run.api.seen] == ["/token", "/things"]


def test_a_configured_token_is_used_until_it_is_refused(make):
    with_both = {"client": {"value": "brought-token-1", **VALUES["client"]}}
    run = make(with_both)
    run.api.access["brought-token-1"] = 1e12
    assert run.get("/things", "client").status == 200
    run.api.access.clear()
    assert run.get("/things", "client").status == 200
    assert [each.path for each in run.api.seen] == ["/things", "/things", "/token", "/things"]
    alone = make({"code": "brought-token-2"})
    assert alone.get("/things", "code").status == 401
    assert [each.path for each in alone.api.seen] == ["/things"]


@pytest.mark.parametrize(
    ("values", "settings", "message", "hint"),
    [
        ({"clientId": CLIENT, "clientSecret": "wrong-secret"}, {}, "401, invalid_client", "check client id and secret"),
        (VALUES["client"], {"client_methods": ("client_secret_post",)}, "401, invalid_client", "clientAuth: post"),
        ({**VALUES["client"], "scopes": "admin"}, {}, "400, invalid_scope", "scopes: a b"),
        (VALUES["client"], {"token_answers": [(500, {}, b"oops")]}, "answers 500", None),
        (VALUES["client"], {"token_answers": [(302, {"Location": "http://evil.test/"}, b"")]}, "redirect (302)", None),
        (VALUES["client"], {"token_answers": [(200, {}, b"<html>")]}, "answers 200, which is not JSON", None),
        (VALUES["client"], {"token_answers": [(200, {}, b"{}")]}, "without an access_token", None),
        (VALUES["client"], {"token_answers": [(200, {}, b'{"access_token": "a", "token_type": "mac"}')]}, 'type "mac"', None),
        ({**VALUES["client"], "tokenUrl": "http://api.test/token"}, {}, "is not https", None),
        ({**VALUES["client"], "tokenUrl": "https://me:pw@api.test/"}, {}, "not a usable URL", None),
        ({**VALUES["client"], "tokenUrl": "http://127.0.0.1:9/token"}, {}, "refuses the connection", None),
        (VALUES["client"], {"token_delay": 1.0}, "no full response", None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_no_token_means_that_nothing_was_sent(make, values, settings, message, hint):
    run = make({"client": values}, **settings)
    answer = run.get("/things", "client", timeout=0.3 if "token_delay" in settings else 5.0)
    assert isinstance(answer, NoResponse)
    assert (answer.sent, answer.code) == (False, "token-request-failed")
    assert message in answer.message
    assert hint is None or hint in (answer.hint or "")
    assert run.api.requests("/things") == []
    assert SECRET not in answer.message


def test_a_server_that_echoes_the_secret_is_masked(make):
    echo = b'{"error": "invalid_client", "error_description": "bad secret %s"}' % SECRET.encode()
    run = make({"client": VALUES["client"]}, token_answers=[(400, {}, echo)])
    assert run.get("/things", "client").message.endswith("invalid_client: bad secret ***")


@pytest.mark.parametrize(
    ("hosts", "paths", "code"),
    [
        ("127.0.0.1", ["/token", "/things"], None),
        ("api.test, 127.0.0.1:PORT", ["/token", "/things"], None),
        ("api.test 127.0.0.1:1", ["/things"], None),
    ],
)
def test_a_credential_goes_to_its_hosts_only(make, hosts, paths, code):
    run = make()
    own = {"client": {**VALUES["client"], "hosts": hosts.replace("PORT", run.api.url.rpartition(":")[2])}}
    run = Run(run.api, own, run.kind, run.credentials.store._folder)
    run.get("/things", "client")
    assert [each.path for each in run.api.seen] == paths
    assert ("authorization" in run.api.requests("/things")[0].headers) == (len(paths) == 2)


def test_tokens_come_from_its_hosts_only(make):
    run = make({"client": {**VALUES["client"], "hosts": "127.0.0.1"}})
    elsewhere = {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "http://localhost:9/token"}}}
    run.plan = Plan({("api", "client"): replace(run.plan.logins["api", "client"], scheme=elsewhere)})
    refused = run.get("/things", "client")
    assert (refused.code, refused.sent, run.api.seen) == ("token-request-failed", False, [])
    assert "on none of the credential's hosts" in refused.message


# ------------------------------------------------------------------ discovery

HERE, THERE = "http://127.0.0.1:PORT", "http://localhost:PORT"  # one server, two origins


@pytest.mark.parametrize(
    ("metadata", "hosts", "message"),
    [
        pytest.param({}, None, None, id="the token endpoint is on the server of the discovery document"),
        pytest.param({"token_endpoint": f"{THERE}/token"}, None, "hosts", id="it is on another host"),
        pytest.param({"token_endpoint": "http://127.0.0.1:9/token"}, None, "hosts", id="it is on another port"),
        pytest.param({"token_endpoint": f"{THERE}/token"}, "127.0.0.1 localhost", None, id="hosts allow the other one"),
        pytest.param({"token_endpoint": f"{THERE}/token"}, "127.0.0.1", "none of the credential's hosts", id="hosts do not"),
        pytest.param({"token_endpoint": "http://api.test/token"}, "127.0.0.1 api.test", "not https", id="hosts allow it, but it is not https"),
        pytest.param({"token_endpoint": f"{THERE}@evil.test/token"}, None, "not a usable URL", id="it has a user"),
        pytest.param({"token_endpoint": "/token"}, None, "not a usable URL", id="it is relative"),
        pytest.param({"token_endpoint": 7}, None, "without a token_endpoint", id="it is not text"),
        pytest.param({"token_endpoint": "http://[::1/token"}, None, "not a usable URL", id="it is not a URL"),
        pytest.param({"issuer": "https://evil.test"}, None, "issuer", id="the issuer is another one"),
        pytest.param({"issuer": f"{HERE}/tenant"}, None, "issuer", id="the issuer is another tenant"),
        pytest.param({"issuer": None}, None, "issuer", id="no issuer is named"),
        pytest.param({"issuer": ["a"]}, None, "issuer", id="the issuer is not text"),
        pytest.param({"issuer": "https://evil.test"}, "127.0.0.1 evil.test", "issuer", id="hosts make no issuer"),
        pytest.param({"issuer": f"{HERE}/"}, None, None, id="a slash at the end of the issuer is nothing"),
    ],
)  # fmt: skip
def test_a_discovery_document_cannot_name_another_server(make, metadata, hosts, message):
    run = make()
    port = run.api.url.rpartition(":")[2]
    run.api.metadata = {
        name: value.replace("PORT", port) if isinstance(value, str) else value for name, value in metadata.items()
    }
    own = {"oidc": {**VALUES["oidc"], **({"hosts": hosts} if hosts else {})}}
    run = Run(run.api, own, run.kind, run.credentials.store._folder)
    answer = run.get("/things", "oidc")
    if message is None:
        assert answer.status == 200
        return
    assert isinstance(answer, NoResponse)
    assert (answer.code, answer.sent) == ("token-request-failed", False)
    assert message in f"{answer.message} {answer.hint}"
    assert "tokenUrl" in f"{answer.message} {answer.hint}" or "without a token_endpoint" in answer.message
    assert [each.path for each in run.api.seen] == ["/.well-known/openid-configuration"]


@pytest.mark.parametrize(
    ("discovery", "issuer", "is_sound"),
    [
        pytest.param("/tenant/.well-known/openid-configuration", f"{HERE}/tenant", True, id="OpenID Connect with a path"),
        pytest.param("/tenant/.well-known/openid-configuration", HERE, False, id="OpenID Connect without its path"),
        pytest.param("/.well-known/oauth-authorization-server/tenant", f"{HERE}/tenant", True, id="RFC 8414 with a path"),
        pytest.param("/.well-known/oauth-authorization-server", HERE, True, id="RFC 8414 without one"),
        pytest.param("/.well-known/oauth-authorization-server/tenant", f"{HERE}/other", False, id="RFC 8414 with another"),
        pytest.param("/discovery", f"{HERE}/any", True, id="a place of its own, on the issuer's server"),
        pytest.param("/discovery", f"{THERE}/any", False, id="a place of its own, on another server"),
    ],
)  # fmt: skip
def test_the_issuer_is_the_one_that_was_asked(make, discovery, issuer, is_sound):
    run = make({"oidc": VALUES["oidc"]})
    run.api.metadata = {"issuer": issuer.replace("PORT", run.api.url.rpartition(":")[2])}
    scheme = {"type": "openIdConnect", "openIdConnectUrl": discovery}
    run.plan = Plan({("api", "oidc"): replace(run.plan.logins["api", "oidc"], scheme=scheme)})
    answer = run.get("/things", "oidc")
    assert isinstance(answer, HttpResponse) == is_sound
    assert is_sound or "issuer" in answer.message


def test_hosts_apply_to_one_credential_only(make):
    """A token endpoint is remembered; whether it may be used is asked of each credential."""
    run = make()
    run.api.metadata = {"token_endpoint": f"{THERE.replace('PORT', run.api.url.rpartition(':')[2])}/token"}
    login = run.plan.logins["api", "oidc"]
    wide = replace(login, fields={**login.fields, "hosts": "127.0.0.1 localhost"})
    run.plan = Plan({("api", "oidc"): wide})
    assert run.get("/things", "oidc").status == 200
    run.plan = Plan({("api", "oidc"): replace(login, fields={**login.fields, "scopes": "write"})})
    assert run.get("/things", "oidc").code == "token-request-failed"


# ------------------------------------------------------------------ schemes that share a place


def test_two_credentials_for_one_header_are_never_sent_together(make):
    """Each alternative that needs both is passed over: one would take the other's place."""
    run = make()
    run.send(run.effect("/echo", [("basic", "bearer"), ("key",)]))
    assert run.api.seen[0].headers.get("authorization") is None
    assert run.api.seen[0].headers["x-key"] == "key-12345678"


@pytest.mark.parametrize(
    ("schemes", "values", "says"),
    [
        pytest.param(("basic", "bearer"), {"basic": "user:word-1234", "bearer": "bearer-12345"}, "basic and bearer", id="both in Authorization"),
        pytest.param(("key", "twin"), {"key": "key-12345678", "twin": "key-87654321"}, "key and twin", id="both in one header"),
        pytest.param(("key",), {"key": "key-\udcff5678"}, "not UTF-8", id="bytes of the environment that are not text"),
        pytest.param(("key",), {"key": "key\r\nX-Evil: 1"}, "line break", id="a line break"),
    ],
)  # fmt: skip
def test_a_credential_that_cannot_be_sent_is_reported_before_any_request(tmp_path, schemes, values, says):
    with auth_api() as api:
        known = {**SCHEMES, "twin": {"type": "apiKey", "in": "header", "name": "x-KEY"}}
        operation = {
            "operationId": "echo",
            "security": [{name: [] for name in schemes}],
            "responses": {"200": {"description": ""}},
        }
        description = {
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "servers": [{"url": api.url}],
            "components": {"securitySchemes": known}, "paths": {"/echo": {"get": operation}},
        }  # fmt: skip
        (tmp_path / "api.json").write_text(json.dumps(description))
        document = {
            "arazzo": "1.1.0",
            "info": {"title": "t", "version": "1"},
            "sourceDescriptions": [{"name": "api", "url": (tmp_path / "api.json").as_uri()}],
            "workflows": [{"workflowId": "w", "steps": [{"stepId": "s", "operationId": "echo"}]}],
        }
        credentials = Credentials({"api": values}, environment={}, file="/dev/null", keyring=False)
        with pytest.raises(arazzo_runner.InvalidUsage) as refused:
            arazzo_runner.run(document, load_options=LoadOptions(root=str(tmp_path)), credentials=credentials)
        told = refused.value.diagnostics[0]
        assert told.code == "unusable-credential"
        assert says in told.message
        assert api.seen == []


def test_a_key_in_the_header_cookie_is_a_cookie(make):
    scheme = {"type": "apiKey", "in": "header", "name": "Cookie"}
    run = make({"cookie": VALUES["cookie"], "key": "key=1234567"})
    logins = run.plan.logins
    run.plan = Plan({**logins, ("api", "key"): replace(logins["api", "key"], scheme=scheme)})
    run.send(run.effect("/echo", [("cookie", "key")]))
    assert run.api.seen[0].headers["cookie"] == "sid=cookie-12345; key=1234567"


# ------------------------------------------------------------------ certificates and proxies


def test_a_token_request_has_the_certificates_of_all_requests(tmp_path, kind):
    pytest.importorskip("trustme")
    from tests.runtime.tls_server import Authority, TlsServer

    authority = Authority(tmp_path)
    server = TlsServer(authority.context(asks_client=True))
    try:
        with auth_api() as api:
            run = Run(api, {"client": {**VALUES["client"], "tokenUrl": f"{server.url}/token"}}, kind, tmp_path)
            assert run.get("/things", "client").reason == "tls"
            run.transport = TransportOptions(
                ca_files={"*": authority.file}, certificates={"127.0.0.1": authority.client("alice")}
            )
            # It came through: that server answers everything with 200 and the client's name.
            assert "without an access_token" in run.get("/things", "client").message
    finally:
        server.close()


def test_a_token_request_goes_through_the_proxy_and_follows_no_redirect(tmp_path, kind):
    proxy = ProxyServer()
    try:
        with auth_api() as api:
            run = Run(api, VALUES, kind, tmp_path)
            run.transport = TransportOptions(proxies={"127.0.0.1": f"http://{proxy.address}"}, max_redirects=5)
            assert run.get("/things", "client").status == 200
            assert proxy.seen == [f"POST {api.url}/token", f"GET {api.url}/things"]
            api.access.clear()
            api.token_answers.append((307, {"Location": f"{api.url}/token"}, b""))
            assert "redirect (307)" in run.get("/things", "client").message
            assert len(api.requests("/token")) == 2
    finally:
        proxy.close()


@pytest.mark.parametrize(
    ("host", "security", "sent"),
    [
        ("127.0.0.1", [["mutual", "key"]], {"X-Key"}),
        ("api.test", [["mutual", "key"], ["basic"]], {"Authorization"}),
        ("*", [["mutual"]], set()),
    ],
)
def test_a_client_certificate_is_one_of_the_credentials(tmp_path, host, security, sent):
    with auth_api() as api:
        run = Run(api, VALUES, "blocking", tmp_path)
        plan = Plan(run.plan.logins, {host: ("me.pem", None)})
        effect = replace(run.effect("/echo", security), schemes={**SCHEMES, "mutual": {"type": "mutualTLS"}})
        assert {name for name, _ in plan.shown(effect).headers} == sent


# ------------------------------------------------------------------ whatever servers say

# How long an example takes says nothing on a busy machine; the test between these two measures.
slowly = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slowly
@given(
    st.one_of(
        st.text(),
        st.lists(st.sampled_from(["Digest", "Basic x", 'nonce="a"', "nonce=", "realm", '"', ",", "=", "algorithm=MD5", "qop=auth", " "])).map(" ".join),
    )
)  # fmt: skip
def test_no_challenge_is_too_odd(text):
    challenge = read_challenge(HttpResponse(401, (("WWW-Authenticate", text),)))
    if challenge is not None:
        assert answer_challenge(HttpRequest("GET", "http://a.test/"), challenge, USER, PASSWORD).startswith("Digest ")


@pytest.mark.parametrize(
    "text", [", " * 3000, "a" * 8000 + "{", 'Digest x="' + "\\a" * 4000, "a= " * 2700, "," * 10**6]
)
def test_no_challenge_takes_long(text):
    started = time.process_time()
    assert read_challenge(HttpResponse(401, (("WWW-Authenticate", text),))) is None
    assert time.process_time() - started < 1


@slowly
@given(
    st.integers(100, 599),
    st.one_of(
        st.binary(),
        st.dictionaries(
            st.sampled_from(
                ["access_token", "token_type", "expires_in", "refresh_token", "error", "error_description"]
            ),
            st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())),
        ).map(lambda body: json.dumps(body).encode()),
    ),
)
def test_no_token_response_is_too_odd(status, body):
    grant = Grant("client_credentials", "https://a.test/token")
    read = read_token(grant, grant.endpoint, HttpResponse(status, (), body), 1000.0)
    if isinstance(read, Token):
        assert status == 200
        assert read.text.isascii()
        assert read.expires is None or read.expires >= 1000.0
    assert isinstance(read_metadata("https://a.test/x", HttpResponse(status, (), body)), (str, Refusal))


# ------------------------------------------------------------------ at the same time


def test_many_tasks_fetch_one_token(tmp_path):
    with auth_api(token_delay=0.2) as api:
        run = Run(api, VALUES, "async", tmp_path)

        async def many():
            async with AsyncWorld() as world:
                effects = [run.effect("/things", [["client"]]) for _ in range(30)]
                return await asyncio.gather(*(run.world(world).perform(each) for each in effects))

        assert {answer.status for answer in asyncio.run(many())} == {200}
        assert len(api.requests("/token")) == 1
        api.access.clear()  # all are refused at once: one of them renews the token for all
        assert {answer.status for answer in asyncio.run(many())} == {200}
        assert len(api.requests("/token")) == 2


def test_many_threads_fetch_one_token_and_share_its_failure(tmp_path):
    with auth_api(token_delay=0.2) as api:
        run = Run(api, VALUES, "blocking", tmp_path)
        answers = in_threads(run, 8)
        assert {answer.status for answer in answers} == {200}
        assert len(api.requests("/token")) == 1
    with auth_api(token_delay=0.2) as api:
        run = Run(api, {"client": {"clientId": CLIENT, "clientSecret": "wrong-secret"}}, "blocking", tmp_path)
        assert {answer.code for answer in in_threads(run, 8)} == {"token-request-failed"}
        assert len(api.requests("/token")) == 1


def in_threads(run, number):
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(run.get("/things", "client"))) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(answers) == number
    return answers


def test_a_task_that_is_cancelled_leaves_the_token_to_the_others(tmp_path):
    hold = threading.Event()
    with auth_api(hold_token=hold) as api:
        run = Run(api, VALUES, "async", tmp_path)

        async def two():
            async with AsyncWorld() as world:
                first, second = (
                    asyncio.create_task(run.world(world).perform(run.effect("/things", [["client"]]))) for _ in "ab"
                )
                assert await asyncio.to_thread(api.token_arrived.wait, 20)
                first.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await first
                hold.set()
                return await second

        assert asyncio.run(two()).status == 200
        assert len(api.requests("/token")) == 2


# ------------------------------------------------------------------ refresh tokens that rotate


def refreshing(make, **settings):
    run = make({}, **settings)
    token = run.api.first_refresh_token()
    values = {"code": {"refreshToken": token, "clientId": CLIENT, "clientSecret": SECRET}}
    return run, token, Run(run.api, values, run.kind, run.credentials.store._folder, **run.options)


def test_a_rotated_refresh_token_is_used_by_the_next_run(make):
    run, token, first = refreshing(make)
    second = Run(
        run.api,
        {"code": {"refreshToken": token, "clientId": CLIENT, "clientSecret": SECRET}},
        run.kind,
        run.credentials.store._folder,
    )
    assert [each.get("/things", "code").status for each in (first, second, second)] == [200, 200, 200]
    sent = run.api.refreshes()
    assert (len(sent), sent[0], len(set(sent))) == (2, token, 2)
    assert not run.api.revoked_families
    assert second.secrets.mask(sent[1]) == "***"


def test_a_refresh_token_that_does_not_rotate_stays(make):
    run, token, first = refreshing(make, rotates=False)
    assert first.get("/things", "code").status == 200
    run.api.access.clear()
    assert first.get("/things", "code").status == 200
    assert run.api.refreshes() == [token, token]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((200, {}, b"<html>"), "refresh-in-doubt"),
        ((502, {}, b""), "refresh-in-doubt"),
        ((500, {}, b'{"error": "server_error"}'), "refresh-in-doubt"),
        ((503, {}, b""), "token-request-failed"),
        ((429, {}, b""), "token-request-failed"),
        ((400, {}, b'{"error": "invalid_grant"}'), "token-request-failed"),
    ],
    ids=lambda value: str(value[0]) if isinstance(value, tuple) else value,
)
def test_a_refresh_whose_outcome_is_unknown_is_not_repeated(make, answer, code):
    run, token, first = refreshing(make, token_answers=[answer])
    assert first.get("/things", "code").code == code
    again = first.get("/things", "code")
    if code == "refresh-in-doubt":
        assert (again.code, again.sent, run.api.refreshes()) == (code, False, [token])
        assert "resend_unknown" in again.hint
        allowed = Run(
            run.api,
            {"code": {"refreshToken": token, "clientId": CLIENT, "clientSecret": SECRET}},
            run.kind,
            run.credentials.store._folder,
            resend=True,
        )
        assert allowed.get("/things", "code").status == 200
    else:
        assert again.status == 200


def test_a_server_that_was_not_reached_leaves_no_doubt(make):
    run, token, first = refreshing(make)
    values = {"code": {"refreshToken": token, "tokenUrl": "http://127.0.0.1:9/token"}}
    lost = Run(run.api, values, run.kind, run.credentials.store._folder)
    assert [lost.get("/things", "code").code for _ in range(2)] == ["token-request-failed"] * 2
    assert first.get("/things", "code").status == 200


def test_nothing_is_sent_when_the_store_cannot_be_written(make, tmp_path):
    run, _token, first = refreshing(make)
    (tmp_path / "store").write_text("a file where the folder should be")
    answer = first.get("/things", "code")
    assert (answer.code, answer.sent, run.api.seen) == ("unusable-token-store", False, [])


def test_a_damaged_token_store_is_refused(make, tmp_path):
    run, token, first = refreshing(make)
    chain = first.credentials.store.chain(f"{run.api.url}/token", CLIENT, token)
    (tmp_path / "store").mkdir(exist_ok=True)
    with open(chain.path, "w") as file:
        file.write("{")
    assert (first.get("/things", "code").code, run.api.seen) == ("unusable-token-store", [])


def test_threads_with_the_same_token_take_turns(tmp_path):
    with auth_api(token_delay=0.05) as api:
        values = {"code": {"refreshToken": api.first_refresh_token(), "clientId": CLIENT, "clientSecret": SECRET}}
        runs = [Run(api, values, "blocking", tmp_path) for _ in range(5)]
        answers = []
        threads = [threading.Thread(target=lambda run=run: answers.append(run.get("/things", "code"))) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert [type(answer) for answer in answers] == [HttpResponse] * 5
        assert {answer.status for answer in answers} == {200}
        assert len(set(api.refreshes())) == len(api.refreshes()) == 5
        assert not api.revoked_families
