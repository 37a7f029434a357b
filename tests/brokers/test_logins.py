"""The logins of brokers: from credentials as they are given for HTTP, for every scheme of AsyncAPI; TLS; proxies."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.messages import Broker, NoMessage
from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.errors import InvalidUsage
from arazzo_runner.runtime.auth.broker_logins import BrokerLogins
from arazzo_runner.runtime.auth.plan import Plan, describe, find_login
from arazzo_runner.runtime.auth.schemes import fault_of
from arazzo_runner.runtime.auth.sources import Credentials
from arazzo_runner.runtime.brokers.driver import Connection, Login
from arazzo_runner.runtime.brokers.websocket import WebSocketDriver
from tests.brokers.collecting import Collected, on_loop
from tests.brokers.servers import PASSWORD, USER, Authority
from tests.runtime.auth_server import CLIENT, SECRET, auth_api

AUTH = "ARAZZO_AUTH_EVENTS_LOGIN"


def logins(
    schemes: Any, environment: Any = None, *, transport: TransportOptions | None = None, secrets: Secrets | None = None
) -> BrokerLogins:
    """Return what a run has whose source is `events`, with credentials of an environment."""
    credentials = Credentials(environment=environment or {}, file="/dev/null", keyring=False)
    found = {("events", name): find_login(credentials, "events", name, scheme) for name, scheme in schemes.items()}
    options = transport or TransportOptions()
    plan = Plan({key: login for key, login in found.items() if login is not None}, options.certificates)
    return BrokerLogins(
        plan=plan,
        credentials=credentials,
        transport=options,
        secrets=Secrets() if secrets is None else secrets,
        timeout=5.0,
    )


def broker(url: str, schemes: Any = None, security: Any = None) -> Broker:
    """Return a broker that takes any one of the schemes, unless other alternatives are given."""
    found = schemes or {}
    alternatives = tuple({name: ()} for name in found) if security is None else security
    protocol = url.partition("://")[0]
    return Broker(source="events", server="s", protocol=protocol, url=url, security=alternatives, schemes=found)


def login_of(scheme: Any, environment: Any, url: str = "mqtt://broker.test") -> Login | NoMessage:
    schemes = {"login": scheme}
    return logins(schemes, environment).login_of(broker(url, schemes))


# ------------------------------------------------------------------ schemes

BOTH = {f"{AUTH}_USER": "me", f"{AUTH}_PASSWORD": "pw-12345"}
KEY = {AUTH: "key-12345"}
BASIC = ("Authorization", "Basic bWU6cHctMTIzNDU=")


@pytest.mark.parametrize(
    ("scheme", "environment", "expected"),
    [
        pytest.param({"type": "userPassword"}, BOTH, Login(username="me", password="pw-12345"), id="userPassword"),
        pytest.param({"type": "userPassword"}, {AUTH: "me:pw:1"}, Login(username="me", password="pw:1"), id="user and password in one variable"),
        pytest.param({"type": "plain"}, BOTH, Login(username="me", password="pw-12345", mechanism="PLAIN"), id="plain"),
        pytest.param({"type": "scramSha256"}, BOTH, Login(username="me", password="pw-12345", mechanism="SCRAM-SHA-256"), id="scramSha256"),
        pytest.param({"type": "scramSha512"}, BOTH, Login(username="me", password="pw-12345", mechanism="SCRAM-SHA-512"), id="scramSha512"),
        pytest.param({"type": "apiKey", "in": "user"}, KEY, Login(username="key-12345"), id="a key as the user"),
        pytest.param({"type": "apiKey", "in": "password"}, KEY, Login(password="key-12345"), id="a key as the password"),
        pytest.param({"type": "apiKey", "in": "password"}, {**KEY, f"{AUTH}_USER": "me"}, Login(username="me", password="key-12345"), id="a key as the password of a user"),
        pytest.param({"type": "http", "scheme": "basic"}, BOTH, Login(username="me", password="pw-12345"), id="basic is user and password"),
        pytest.param({"type": "http", "scheme": "bearer"}, KEY, Login(token="key-12345", mechanism="OAUTHBEARER"), id="bearer is a token"),
        pytest.param({"type": "oauth2", "flows": {}}, KEY, Login(token="key-12345", mechanism="OAUTHBEARER"), id="a given token"),
        pytest.param({"type": "userPassword"}, {}, Login(), id="nothing is configured"),
        pytest.param({"type": "userPassword"}, {f"{AUTH}_USER": "me"}, Login(), id="a user without a password"),
        pytest.param({"type": "httpApiKey", "in": "header", "name": "X-Key"}, KEY, Login(), id="a header, which a broker has none of"),
    ],
)  # fmt: skip
def test_login_of_a_broker(scheme, environment, expected):
    assert login_of(scheme, environment) == expected


@pytest.mark.parametrize(
    ("scheme", "environment", "expected"),
    [
        pytest.param({"type": "httpApiKey", "in": "header", "name": "X-Key"}, KEY, Login(headers=(("X-Key", "key-12345"),)), id="a key in a header"),
        pytest.param({"type": "httpApiKey", "in": "query", "name": "key"}, KEY, Login(query=(("key", "key-12345"),)), id="a key in the query"),
        pytest.param({"type": "httpApiKey", "in": "cookie", "name": "sid"}, KEY, Login(headers=(("Cookie", "sid=key-12345"),)), id="a key in a cookie"),
        pytest.param({"type": "http", "scheme": "bearer"}, KEY, Login(headers=(("Authorization", "Bearer key-12345"),)), id="bearer"),
        pytest.param({"type": "http", "scheme": "Token"}, KEY, Login(headers=(("Authorization", "Token key-12345"),)), id="another scheme of the header"),
        pytest.param({"type": "http", "scheme": "basic"}, BOTH, Login(headers=(BASIC,)), id="basic"),
        pytest.param({"type": "userPassword"}, BOTH, Login(headers=(BASIC,)), id="user and password go as basic"),
        pytest.param({"type": "oauth2", "flows": {}}, KEY, Login(headers=(("Authorization", "Bearer key-12345"),)), id="a given token"),
        pytest.param({"type": "http", "scheme": "digest"}, BOTH, Login(), id="digest, which needs a refusal first"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("protocol", ["ws", "wss", "http", "https"])
def test_login_of_what_speaks_http(scheme, environment, expected, protocol):
    assert login_of(scheme, environment, f"{protocol}://api.test") == expected


@pytest.mark.parametrize("kind", ["gssapi", "symmetricEncryption", "asymmetricEncryption"])
def test_what_is_not_supported_is_said(kind):
    answer = login_of({"type": kind}, KEY)
    assert isinstance(answer, NoMessage)
    assert (answer.reason, answer.code, answer.sent) == ("credentials", "unusable-credential", False)
    assert f"asks for {kind}, which is not supported" in answer.message


def test_another_alternative_than_an_unsupported_one_is_tried():
    schemes = {"a": {"type": "gssapi"}, "b": {"type": "plain"}}
    answer = logins(schemes).login_of(broker("kafka://broker.test", schemes))
    assert answer == Login()


# ------------------------------------------------------------------ alternatives


def test_the_first_alternative_counts_that_is_whole():
    schemes = {
        "key": {"type": "apiKey", "in": "user"},
        "user": {"type": "userPassword"},
        "scram": {"type": "scramSha256"},
    }
    environment = {
        "ARAZZO_AUTH_EVENTS_KEY": "k", "ARAZZO_AUTH_EVENTS_SCRAM_USER": "s", "ARAZZO_AUTH_EVENTS_SCRAM_PASSWORD": "t",
    }  # fmt: skip
    security = ({"key": (), "user": ()}, {"scram": ()}, {"key": ()})
    found = logins(schemes, environment).login_of(broker("kafka://broker.test", schemes, security))
    assert found == Login(username="s", password="t", mechanism="SCRAM-SHA-256")


def test_schemes_that_are_needed_together_are_joined():
    schemes = {"user": {"type": "apiKey", "in": "user"}, "password": {"type": "apiKey", "in": "password"}}
    environment = {"ARAZZO_AUTH_EVENTS_USER": "me", "ARAZZO_AUTH_EVENTS_PASSWORD": "pw"}
    found = logins(schemes, environment).login_of(
        broker("mqtt://broker.test", schemes, ({"user": (), "password": ()},))
    )
    assert found == Login(username="me", password="pw")


def test_an_alternative_without_schemes_needs_no_login():
    schemes = {"login": {"type": "userPassword"}}
    assert logins(schemes).login_of(broker("mqtt://broker.test", schemes, ({},))) == Login()


@pytest.mark.parametrize(
    ("url", "is_sent"),
    [
        pytest.param("kafka://a.test:9092", True, id="the host"),
        pytest.param("kafka://a.test:9092,b.test:9092", True, id="all of several hosts"),
        pytest.param("kafka://a.test:9092,evil.test:9092", False, id="one of several hosts is another"),
        pytest.param("kafka://evil.test:9092", False, id="another host"),
    ],
)
def test_hosts_limit_where_a_credential_goes(url, is_sent):
    answer = login_of({"type": "plain"}, {**BOTH, f"{AUTH}_HOSTS": "a.test b.test"}, url)
    assert isinstance(answer, Login)
    assert (answer.username is not None) is is_sent


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        pytest.param({"type": "userPassword"}, "userPassword", id="userPassword"),
        pytest.param({"type": "scramSha256"}, "scramSha256", id="scramSha256"),
        pytest.param({"type": "apiKey", "in": "user"}, "apiKey as the user", id="a key as the user"),
        pytest.param({"type": "apiKey", "in": "password"}, "apiKey as the password", id="a key as the password"),
        pytest.param(
            {"type": "httpApiKey", "in": "query", "name": "key"}, "httpApiKey in query key", id="a key in the query"
        ),
        pytest.param({"type": "X509"}, "X509", id="a certificate"),
    ],
)
def test_schemes_in_words(scheme, expected):
    assert describe(scheme) == expected


def test_a_credential_with_a_line_break_is_refused():
    schemes = {"login": {"type": "plain"}}
    made = logins(schemes, {f"{AUTH}_USER": "me", f"{AUTH}_PASSWORD": "a\nb"})
    login = made.plan.logins["events", "login"]
    assert fault_of(login) == "password has a line break or another control character"


# ------------------------------------------------------------------ tokens


def oauth(url: str, **more: Any) -> Any:
    return {
        "type": "oauth2",
        "flows": {"clientCredentials": {"tokenUrl": f"{url}/token", "availableScopes": {}}},
        **more,
    }


def of_client(secret: str = SECRET) -> dict[str, str]:
    return {f"{AUTH}_CLIENT_ID": CLIENT, f"{AUTH}_CLIENT_SECRET": secret}


@pytest.mark.parametrize("protocol", ["kafka", "wss"])
def test_a_token_is_fetched_once_and_kept(protocol):
    with auth_api() as api:
        schemes = {"login": oauth(api.url, scopes=["read"])}
        secrets = Secrets()
        made = logins(schemes, of_client(), secrets=secrets)
        first, second = (made.login_of(broker(f"{protocol}://broker.test", schemes)) for _ in range(2))
        assert isinstance(first, Login)
        assert first == second
        assert [each.form["scope"] for each in api.seen] == ["read"]
        token = next(iter(api.access))
        expected = {
            "kafka": Login(token=token, mechanism="OAUTHBEARER"),
            "wss": Login(headers=(("Authorization", f"Bearer {token}"),)),
        }
        assert first == expected[protocol]
        assert secrets.mask(f"it is {token}") == "it is ***"


def test_a_token_that_is_not_given_is_the_answer_without_the_secret():
    with auth_api() as api:
        schemes = {"login": oauth(api.url)}
        answer = logins(schemes, of_client("wrong-secret-1")).login_of(broker("kafka://broker.test", schemes))
    assert isinstance(answer, NoMessage)
    assert (answer.reason, answer.code, answer.sent) == ("credentials", "token-request-failed", False)
    assert "wrong-secret-1" not in f"{answer}"
    assert answer.hint is not None


def test_a_token_server_that_is_not_there():
    schemes = {"login": oauth("http://127.0.0.1:1")}
    answer = logins(schemes, of_client()).login_of(broker("kafka://broker.test", schemes))
    assert isinstance(answer, NoMessage)
    assert "no token" in answer.message


# ------------------------------------------------------------------ URLs


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param(
            "mqtt://me:p%40ss-word@broker.test", Login(username="me", password="p@ss-word"), id="user and password"
        ),
        pytest.param("redis://:p%40ss-word@broker.test", Login(password="p@ss-word"), id="a password alone"),
        pytest.param("nats://p%40ss-word@broker.test", Login(token="p@ss-word"), id="a token of NATS"),
        pytest.param("mqtt://p%40ss-word@broker.test", Login(username="p@ss-word"), id="a user alone"),
    ],
)
def test_login_in_a_url(url, expected):
    secrets = Secrets()
    assert logins({}, secrets=secrets).login_of(broker(url)) == expected
    assert "ss-word" not in secrets.mask(f"at {url} with p@ss-word")


def test_a_url_of_a_websocket_gives_a_header():
    assert logins({}).login_of(broker("ws://me:pw-12345@api.test")) == Login(headers=(BASIC,))


def test_a_path_with_an_at_sign_is_no_login():
    assert logins({}).login_of(broker("mqtt://broker.test/a@b")) == Login()


def test_a_configured_login_counts_more_than_that_of_the_url():
    schemes = {"login": {"type": "userPassword"}}
    found = logins(schemes, BOTH).login_of(broker("mqtt://other:secret@broker.test", schemes))
    assert found == Login(username="me", password="pw-12345")


# ------------------------------------------------------------------ TLS


@pytest.mark.parametrize(
    ("url", "is_tls"),
    [
        ("mqtt://b.test", False), ("mqtts://b.test", True), ("secure-mqtt://b.test", True), ("amqps://b.test", True),
        ("kafka://b.test", False), ("kafka-secure://b.test:9093,c.test:9093", True), ("rediss://b.test", True),
        ("ws://b.test", False), ("wss://b.test", True), ("https://b.test", True), ("http://b.test", False),
    ],
)  # fmt: skip
def test_which_protocols_have_tls(url, is_tls):
    found = logins({}).tls_of(broker(url))
    assert isinstance(found, ssl.SSLContext) is is_tls
    if is_tls:
        assert isinstance(found, ssl.SSLContext)
        assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("options", "is_tls"),
    [
        pytest.param({}, False, id="nothing says so"),
        pytest.param({"insecure_hosts": frozenset({"b.test"})}, True, id="the host is not to be checked"),
        pytest.param({"insecure_hosts": frozenset({"*"})}, False, id="no host is to be checked"),
        pytest.param({"insecure_hosts": frozenset({"c.test"})}, False, id="another host is not to be checked"),
    ],
)
def test_nats_needs_tls_where_the_options_say_how(options, is_tls):
    made, asked = logins({}, transport=TransportOptions(**options)), broker("nats://b.test")
    assert made.needs_tls(asked) is is_tls
    assert isinstance(made.tls_of(asked), ssl.SSLContext) is bool(options)  # for a server that asks for it


async def _handshake(authority: Authority, context: ssl.SSLContext, *, asks: bool = False) -> Any:
    """Connect to a server of this process; return the name in the client's certificate that it sees."""
    seen: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peercert") or {}
        if not seen.done():
            seen.set_result([value for part in peer.get("subject", ()) for name, value in part if name == "commonName"])
        writer.close()

    server_side = authority.server_context()
    if asks:
        server_side.load_verify_locations(authority.ca)
        server_side.verify_mode = ssl.CERT_REQUIRED
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=server_side)
    async with server:
        port = server.sockets[0].getsockname()[1]
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        found = await seen
        writer.close()
        return found


def of_transport(**options: Any) -> ssl.SSLContext:
    found = logins({}, transport=TransportOptions(**options)).tls_of(broker("amqps://127.0.0.1"))
    assert isinstance(found, ssl.SSLContext)
    return found


def test_an_authority_of_the_options_is_trusted(tmp_path):
    authority = Authority(tmp_path)
    assert on_loop(_handshake(authority, of_transport(ca_files={"127.0.0.1": str(authority.ca)}))) == []
    with pytest.raises(ssl.SSLCertVerificationError):
        on_loop(_handshake(authority, of_transport(ca_files={"other.test": str(authority.ca)})))


def test_a_host_that_is_not_checked(tmp_path):
    authority = Authority(tmp_path)
    assert on_loop(_handshake(authority, of_transport(insecure_hosts=frozenset({"127.0.0.1:5671"})))) == []


def test_a_client_certificate_is_shown(tmp_path):
    authority = Authority(tmp_path)
    pair = (str(authority.client_certificate), str(authority.client_key))
    context = of_transport(ca_files={"*": str(authority.ca)}, certificates={"127.0.0.1": pair})
    assert on_loop(_handshake(authority, context, asks=True)) == [USER]


def test_x509_is_met_by_a_certificate_for_the_host(tmp_path):
    authority = Authority(tmp_path)
    pair = (str(authority.client_certificate), str(authority.client_key))
    schemes = {"cert": {"type": "X509"}, "login": {"type": "userPassword"}}
    asked = broker("amqps://127.0.0.1", schemes)
    with_certificate = TransportOptions(certificates={"127.0.0.1": pair})
    assert logins(schemes, BOTH, transport=with_certificate).login_of(asked) == Login()
    assert logins(schemes, BOTH).login_of(asked) == Login(username="me", password="pw-12345")


def test_a_file_that_is_no_certificate_is_the_answer(tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    options = TransportOptions(ca_files={"*": str(tmp_path / "ca.pem")})
    answer = logins({}, transport=options).tls_of(broker("amqps://127.0.0.1"))
    assert isinstance(answer, NoMessage)
    assert answer.reason == "tls"


# ------------------------------------------------------------------ proxies


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("ws://api.test", "http://plain.test:3128", id="ws goes by the proxy of http"),
        pytest.param("wss://api.test", "http://secure.test:3128", id="wss by that of https"),
        pytest.param("ws://127.0.0.1:80", None, id="this machine is reached directly"),
        pytest.param("mqtt://api.test", None, id="other protocols go by none"),
    ],
)
def test_proxy(url, expected, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "plain.test:3128")
    monkeypatch.setenv("https_proxy", "secure.test:3128")
    assert logins({}).proxy_of(broker(url)) == expected


def test_a_named_proxy():
    options = TransportOptions(proxies={"api.test": "http://mine.test:3128"})
    assert logins({}, transport=options).proxy_of(broker("wss://api.test")) == "http://mine.test:3128"


# ------------------------------------------------------------------ a server that asks


def test_a_websocket_server_that_asks_for_a_password():
    pytest.importorskip("websockets")
    from websockets.asyncio.server import basic_auth, serve

    schemes = {"login": {"type": "userPassword"}}
    environment = {f"{AUTH}_USER": USER, f"{AUTH}_PASSWORD": PASSWORD}

    async def handle(socket: Any) -> None:
        await socket.send(socket.username)
        await socket.wait_closed()

    async def scenario() -> list[bytes]:
        asks = basic_auth(credentials=(USER, PASSWORD))
        async with serve(handle, "127.0.0.1", 0, process_request=asks) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            login = logins(schemes, environment).login_of(broker(url, schemes))
            assert isinstance(login, Login)
            driver, sink = WebSocketDriver(), Collected()
            await driver.open(Connection(url=url, protocol="ws", login=login))
            await driver.arm("/", {}, None, sink, name="tap")
            found = await sink.received(1)
            await driver.close()
            return found

    assert on_loop(scenario()) == [USER.encode()]


def test_credentials_with_an_unknown_field_are_refused():
    with pytest.raises(InvalidUsage):
        Credentials({"events": {"login": {"username": "me"}}})
