"""TLS against a real https server: authorities, client certificates by host, hosts that are not checked."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("trustme")

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
