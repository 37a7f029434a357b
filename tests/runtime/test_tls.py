"""TLS against a real https server: authorities, client certificates by host, hosts that are not checked."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

pytest.importorskip("trustme")

from arazzo_runner.base.settings import as_options
from arazzo_runner.engine.options import TransportOptions
from tests.runtime.senders import asynchronous, blocking, effect
from tests.runtime.tls_server import Authority, TlsServer


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(authority):
    made = TlsServer(authority.context(asks_client=False))
    yield made
    made.close()


@pytest.fixture(scope="module")
def asking(authority):
    made = TlsServer(authority.context(asks_client=True))
    yield made
    made.close()


@pytest.fixture(params=[blocking, asynchronous], ids=["blocking", "async"])
def send(request):
    return request.param


def test_an_unknown_authority_is_refused_before_anything_is_sent(server, send):
    answer = send(effect(server.url + "/"))
    assert (answer.reason, answer.sent) == ("tls", False)
    assert "certificate" in answer.message


@pytest.mark.parametrize("host", ["*", "127.0.0.1", "127.0.0.1:PORT"])
def test_an_authority_is_trusted_for_its_hosts(authority, server, send, host):
    options = TransportOptions(ca_files={host.replace("PORT", str(server.port)): authority.file})
    assert send(effect(server.url + "/a"), options=options).status == 200


def test_an_authority_of_another_host_is_not_trusted(authority, server, send):
    options = TransportOptions(ca_files={"api.test": authority.file, "127.0.0.1:1": authority.file})
    assert send(effect(server.url + "/"), options=options).reason == "tls"


def test_an_insecure_host_is_not_checked_and_another_is(server, send):
    here, elsewhere = (TransportOptions(insecure_hosts=frozenset({host})) for host in ("127.0.0.1", "localhost"))
    assert send(effect(server.url + "/"), options=here).status == 200
    assert send(effect(server.url + "/"), options=elsewhere).reason == "tls"


@pytest.mark.parametrize("host", ["*", "127.0.0.1"])
def test_a_client_certificate_is_shown_where_the_server_asks_for_it(authority, asking, send, host):
    options = TransportOptions(ca_files={"*": authority.file}, certificates={host: authority.client("alice")})
    answer = send(effect(asking.url + "/a", "POST", body=b"{}"), effect(asking.url + "/b"), options=options)
    assert json.loads(answer.body) == {"client": "alice", "path": "/b"}


def test_the_certificate_of_the_very_host_comes_first(authority, asking, send):
    table = {"*": authority.client("all"), "127.0.0.1": authority.client("host")}
    table[f"127.0.0.1:{asking.port}"] = authority.client("port")
    options = TransportOptions(ca_files={"*": authority.file}, certificates=table)
    assert json.loads(send(effect(asking.url + "/"), options=options).body)["client"] == "port"


def test_a_server_whose_challenge_cannot_be_answered_did_not_act(authority, asking, send):
    options = TransportOptions(ca_files={"*": authority.file}, certificates={"api.test": authority.client("bob")})
    answer = send(effect(asking.url + "/", "POST", body=b"{}"), options=options)
    expected = {("tls", False)}
    if send is asynchronous:
        expected.add(("reset", True))  # aiohttp may see the closed connection before the server's alert
    assert (answer.reason, answer.sent) in expected, answer


def test_a_file_that_has_gone_is_an_answer(server, send, tmp_path):
    options = TransportOptions(certificates={"*": (str(tmp_path / "gone.pem"), None)})
    answer = send(effect(server.url + "/"), options=options)
    assert (answer.reason, answer.sent) == ("protocol", False)


PAST, FUTURE = datetime(2020, 1, 1), datetime(2098, 1, 1)
FAILURES = {
    "an unknown authority": (
        False,
        "an authority that is not trusted here",
        ["--cacert {}=FILE", "--insecure-host {}"],
    ),
    "a self-signed certificate": (True, "its certificate is self-signed", ["--cacert {}=FILE", "--insecure-host {}"]),
    "an expired certificate": (True, "its certificate has expired", ["renew it", "--insecure-host {}"]),
    "a certificate of the future": (True, "its certificate is not valid yet", ["set the clock", "--insecure-host {}"]),
    "a certificate of another host": (True, "is for another host", ["--server NAME=URL", "--insecure-host {}"]),
    "a plain server at an https URL": (True, "does not answer as a TLS server", ["write http:// in place of https://"]),
    "a server that asks for a certificate": (True, "asks for a client certificate", ["--cert {}=FILE,KEY"]),
}


@pytest.fixture(scope="module")
def failing(authority):
    contexts = {
        "an unknown authority": authority.with_certificate("127.0.0.1"),
        "a self-signed certificate": authority.self_signed(),
        "an expired certificate": authority.with_certificate(
            "127.0.0.1", not_before=PAST, not_after=datetime(2021, 1, 1)
        ),
        "a certificate of the future": authority.with_certificate(
            "127.0.0.1", not_before=FUTURE, not_after=datetime(2099, 1, 1)
        ),
        "a certificate of another host": authority.with_certificate("other.test"),
        "a plain server at an https URL": None,
        "a server that asks for a certificate": authority.context(asks_client=True),
    }
    servers = {name: TlsServer(context) for name, context in contexts.items()}
    yield servers
    for each in servers.values():
        each.close()


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_says_why_and_names_the_setting_that_allows_it(authority, failing, send, case):
    is_trusted, reason, hints = FAILURES[case]
    options = TransportOptions(ca_files={"*": authority.file} if is_trusted else {})
    answer = send(effect(failing[case].url + "/"), options=options)
    if send is asynchronous and answer.reason == "reset":
        return  # aiohttp may see the closed connection before the server's alert
    assert (answer.reason, answer.sent) == ("tls", False)
    assert reason in answer.message
    host = failing[case].url.removeprefix("https://")
    assert [each for each in hints if each.format(host) not in as_options(answer.hint)] == []
    assert "--" not in answer.hint


def test_a_tls_server_at_an_http_url_is_likely_meant_as_https(server, send):
    answer = send(effect(server.url.replace("https:", "http:") + "/"))
    assert answer.reason == "reset"
    assert answer.hint.startswith("write https:// in place of http://")


def test_a_hint_is_right_what_it_says_is_enough(authority, failing, send):
    case = "an expired certificate"
    host = failing[case].url.removeprefix("https://")
    assert (
        f'insecure_hosts={{"{host}"}}'
        in send(effect(failing[case].url + "/"), options=TransportOptions(ca_files={"*": authority.file})).hint
    )
    assert (
        send(effect(failing[case].url + "/"), options=TransportOptions(insecure_hosts=frozenset({host}))).status == 200
    )
