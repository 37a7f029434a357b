"""Proxies: which one is meant, and real requests through a real one."""

from __future__ import annotations

import json

import pytest

from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.sources.hosts import origin_of, passwords, proxy_for, shown
from tests.runtime.faulty import FaultyServer
from tests.runtime.proxy_server import ProxyServer
from tests.runtime.senders import asynchronous, blocking, effect

P, Q = "http://p.test:1", "http://q.test:2"


@pytest.mark.parametrize(
    ("url", "proxies", "environment", "expected"),
    [
        pytest.param("http://api.test/", {}, {}, None, id="without a word, no proxy"),
        pytest.param("http://api.test/", {}, {"http_proxy": P}, P, id="http by http_proxy"),
        pytest.param("http://api.test/", {}, {"HTTP_PROXY": P}, P, id="upper case counts too"),
        pytest.param("http://api.test/", {}, {"HTTP_PROXY": Q, "http_proxy": P}, P, id="lower case comes first"),
        pytest.param("http://api.test/", {}, {"HTTP_PROXY": P, "REQUEST_METHOD": "GET"}, None, id="httpoxy is ignored"),
        pytest.param("http://api.test/", {}, {"http_proxy": P, "REQUEST_METHOD": "GET"}, P, id="its lower case is not"),
        pytest.param("https://api.test/", {}, {"http_proxy": P}, None, id="https not by http_proxy"),
        pytest.param("https://api.test/", {}, {"https_proxy": P, "all_proxy": Q}, P, id="https by https_proxy"),
        pytest.param("https://api.test/", {}, {"ALL_PROXY": P}, P, id="else by all_proxy"),
        pytest.param("http://api.test/", {}, {"http_proxy": "p.test:1"}, P, id="a scheme may be missing"),
        pytest.param("http://api.test/", {"*": P}, {"http_proxy": Q}, P, id="the option comes before the environment"),
        pytest.param("http://api.test/", {"*": "direct"}, {"http_proxy": Q}, None, id="direct means none"),
        pytest.param("http://api.test/", {"*": P, "api.test": Q}, {}, Q, id="the very host comes before every host"),
        pytest.param("http://api.test/", {"api.test:81": Q}, {}, None, id="another port is another server"),
        pytest.param("http://api.test:81/", {"api.test:81": Q}, {}, Q, id="the very port"),
        pytest.param("http://127.0.0.1:8/", {"*": P}, {"http_proxy": P}, None, id="loopback never"),
        pytest.param("http://localhost/", {}, {"all_proxy": P}, None, id="localhost never"),
        pytest.param("http://a.localhost/", {}, {"all_proxy": P}, None, id="what ends in .localhost never"),
        pytest.param("http://[::1]:8/", {}, {"all_proxy": P}, None, id="IPv6 loopback never"),
        pytest.param("http://127.0.0.1.api.test/", {}, {"all_proxy": P}, P, id="a name that begins like it is none"),
        pytest.param("http://127.0.0.1:8/", {"127.0.0.1": P}, {}, P, id="loopback when it is named"),
        pytest.param("http://[::1]:8/", {"[::1]:8": P}, {}, P, id="IPv6 loopback when it is named"),
        pytest.param("http://api.test/", {}, {"all_proxy": P, "no_proxy": "api.test"}, None, id="NO_PROXY: the host"),
        pytest.param("http://v1.api.test/", {}, {"all_proxy": P, "no_proxy": "api.test"}, None, id="its subdomains"),
        pytest.param("http://api.test/", {}, {"all_proxy": P, "no_proxy": "b.test, .api.test"}, None, id="with a dot"),
        pytest.param("http://api.test/", {}, {"all_proxy": P, "no_proxy": "*.test"}, None, id="with a star"),
        pytest.param("http://myapi.test/", {}, {"all_proxy": P, "no_proxy": "api.test"}, P, id="not a longer name"),
        pytest.param("http://api.test/", {}, {"all_proxy": P, "NO_PROXY": "*"}, None, id="NO_PROXY=*"),
        pytest.param("http://api.test/", {"*": P}, {"no_proxy": "api.test"}, None, id="NO_PROXY counts for --proxy"),
        pytest.param("http://api.test/", {"api.test": P}, {"no_proxy": "*"}, P, id="not where the host is named"),
        pytest.param("http://api.test/", {}, {"all_proxy": P, "no_proxy": "api.test:81"}, P, id="another port"),
        pytest.param("http://api.test:81/", {}, {"all_proxy": P, "no_proxy": "api.test:81"}, None, id="that port"),
        pytest.param("http://10.1.2.3/", {}, {"all_proxy": P, "no_proxy": "10.0.0.0/8"}, None, id="a network"),
        pytest.param("http://11.1.2.3/", {}, {"all_proxy": P, "no_proxy": "10.0.0.0/8"}, P, id="outside of a network"),
        pytest.param("http://[fd00::1]/", {}, {"all_proxy": P, "no_proxy": "fd00::/8"}, None, id="an IPv6 network"),
        pytest.param("http://[fd00::1]/", {}, {"all_proxy": P, "no_proxy": "[fd00::1]"}, None, id="an IPv6 address"),
        pytest.param("http://api.test/", {}, {"all_proxy": P, "no_proxy": "1/2/3,,"}, P, id="nonsense excepts nothing"),
    ],
)
def test_the_proxy_of_a_request(url, proxies, environment, expected):
    assert proxy_for(origin_of(url), proxies, environment) == expected


def test_a_proxy_is_shown_without_its_password_which_is_secret():
    proxy = "http://me:p%40ssword-1@p.test:1"
    assert shown(proxy) == "p.test:1"
    assert {"p%40ssword-1", "p@ssword-1"} <= set(passwords({"*": proxy}, {}))
    assert {"p%40ssword-1", "p@ssword-1"} <= set(passwords({}, {"HTTPS_PROXY": proxy}))


# ------------------------------------------------------------------ over the wire


@pytest.fixture
def server():
    made = FaultyServer()
    yield made
    made.close()


@pytest.fixture
def start():
    made = []

    def proxy(*arguments, **options):
        made.append(ProxyServer(*arguments, **options))
        return made[-1]

    yield proxy
    for each in made:
        each.close()


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(params=[blocking, asynchronous], ids=["blocking", "async"])
def send(request):
    return request.param


def named(server, path):
    """The server's URL by a name that only the proxy knows."""
    return server.url.replace("127.0.0.1", "api.test") + path


def test_http_goes_through_the_proxy_of_the_environment(server, start, send, monkeypatch):
    proxy = start()
    monkeypatch.setenv("http_proxy", proxy.address)
    answer = send(effect(named(server, "/ok?a=%2F"), timeout=5.0))
    assert (answer.status, server.paths) == (200, ["/ok?a=%2F"])
    assert proxy.seen == [f"GET {named(server, '/ok?a=%2F')}"]


def test_the_target_is_sent_unchanged_through_a_proxy(server, start, send):
    options = TransportOptions(proxies={"*": start().address})
    send(effect(named(server, "/ok/../ok?x=%7e"), timeout=5.0), options=options)
    assert server.paths == ["/ok/../ok?x=%7e"]


def test_loopback_goes_past_it_unless_it_is_named(server, start, send, monkeypatch):
    proxy = start()
    monkeypatch.setenv("http_proxy", proxy.address)
    assert send(effect(server.url + "/ok")).status == 200
    assert proxy.seen == []
    assert (
        send(effect(server.url + "/ok"), options=TransportOptions(proxies={"127.0.0.1": proxy.address})).status == 200
    )
    assert proxy.seen == [f"GET {server.url}/ok"]


def test_the_password_is_sent_to_the_proxy_alone(server, start, send):
    proxy = start("me:p@ssword-1")
    options = TransportOptions(proxies={"*": f"http://me:p%40ssword-1@{proxy.address}"})
    assert send(effect(named(server, "/ok"), timeout=5.0), options=options).status == 200
    assert b"proxy-authorization" not in server.heads[-1].lower()


def test_a_proxy_that_wants_a_password_answers_for_http(server, start, send):
    proxy = start("me:p@ssword-1")
    answer = send(effect(named(server, "/ok"), timeout=5.0), options=TransportOptions(proxies={"*": proxy.address}))
    assert (answer.status, server.paths) == (407, [])


@pytest.mark.parametrize(
    ("settings", "status"), [({"login": "me:secret-password"}, "407"), ({"connect_status": 502}, "502")]
)
def test_a_refused_tunnel_was_certainly_not_sent(start, send, settings, status):
    proxy = start(**settings)
    options = TransportOptions(proxies={"*": f"http://me:wrong-password@{proxy.address}"})
    answer = send(effect("https://api.test/", "POST", body=b"{}", timeout=5.0), options=options)
    assert (answer.reason, answer.sent) == ("refused", False)
    assert f"the proxy {proxy.address}" in answer.message
    assert status in answer.message
    assert "wrong-password" not in answer.message
    assert proxy.seen == ["CONNECT api.test:443"]


def test_a_proxy_that_is_not_there_is_named(start, send):
    proxy = start()
    proxy.close()
    options = TransportOptions(proxies={"*": f"http://me:secret-password@{proxy.address}"})
    answer = send(effect("http://api.test/", timeout=5.0), options=options)
    assert (answer.reason, answer.sent) == ("refused", False)
    assert answer.message == f"the proxy {proxy.address} refuses the connection"


def test_https_goes_through_a_tunnel_and_keeps_its_certificates(start, send, tmp_path, monkeypatch):
    pytest.importorskip("trustme")
    from tests.runtime.tls_server import Authority, TlsServer

    authority, proxy = Authority(tmp_path), start("me:p@ssword-1")
    server = TlsServer(authority.context(asks_client=True))
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ssword-1@{proxy.address}")
    options = TransportOptions(ca_files={"*": authority.file}, certificates={"api.test": authority.client("alice")})
    url = f"https://api.test:{server.port}/a"
    try:
        answer = send(effect(url, timeout=5.0), effect(url, timeout=5.0), options=options)
    finally:
        server.close()
    assert json.loads(answer.body) == {"client": "alice", "path": "/a"}
    assert proxy.seen == [f"CONNECT api.test:{server.port}"], "one tunnel carries both requests"
