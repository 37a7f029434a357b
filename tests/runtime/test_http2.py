"""HTTP/2 with a real server (hypercorn), used where it is offered and wanted."""

from __future__ import annotations

import asyncio
import json
import socket
import threading

import pytest

pytest.importorskip("trustme")
pytest.importorskip("h2")
pytest.importorskip("hypercorn")

from hypercorn.asyncio import serve
from hypercorn.config import Config

from arazzo_runner.engine.options import TransportOptions
from arazzo_runner.runtime.http import AsyncWorld
from tests.runtime.senders import asynchronous, blocking, effect
from tests.runtime.tls_server import Authority


async def application(scope, receive, send):
    """Answer with the HTTP version, the path and the client's port."""
    if scope["type"] != "http":
        return
    if scope["path"] == "/slow":
        await asyncio.sleep(0.2)
    body = json.dumps(
        {"version": scope["http_version"], "path": scope["raw_path"].decode(), "port": scope["client"][1]}
    ).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def server(authority, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    config = Config()
    config.certfile, config.keyfile = str(folder / "server.pem"), str(folder / "server.key")
    authority.server.cert_chain_pems[0].write_to_path(config.certfile)
    authority.server.private_key_pem.write_to_path(config.keyfile)
    with _Hypercorn(config) as url:
        yield url


class _Hypercorn:
    """hypercorn in a thread of its own, on a free port."""

    def __init__(self, config):
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        config.bind = [f"fd://{listening.detach()}"]  # hypercorn closes it
        config.errorlog = None
        self._config = config
        self._url = f"https://127.0.0.1:{port}"
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        self._loop.run_until_complete(serve(application, self._config, shutdown_trigger=self._stop.wait))
        self._loop.close()

    def __enter__(self):
        self._thread.start()
        return self._url

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)


@pytest.mark.parametrize(
    ("send", "http2", "version"),
    [
        pytest.param(blocking, None, "2", id="one run uses it where the server offers it"),
        pytest.param(blocking, True, "2", id="one run uses it when asked to"),
        pytest.param(blocking, False, "1.1", id="one run does not when told so"),
        pytest.param(asynchronous, True, "2", id="many runs use it when asked to"),
        pytest.param(asynchronous, False, "1.1", id="many runs do not when told so"),
    ],
)
def test_the_version_that_is_spoken(authority, server, send, http2, version):
    options = TransportOptions(ca_files={"*": authority.file}, http2=http2)
    first = effect(server + "/a?b=%2F", "POST", body=b"{}", headers=[("X-A", "1")], timeout=5.0)
    answer = send(first, effect(server + "/a%20b", timeout=5.0), options=options)
    assert answer.status == 200, answer
    assert json.loads(answer.body)["version"] == version
    assert json.loads(answer.body)["path"] == "/a%20b"


def test_many_exchanges_share_one_connection(authority, server):
    async def many():
        async with AsyncWorld(options=TransportOptions(ca_files={"*": authority.file}, http2=True)) as world:
            await world.perform(effect(server + "/", timeout=5.0))
            slow = (world.perform(effect(server + "/slow", timeout=5.0)) for _ in range(20))
            return await asyncio.gather(*slow)

    answers = asyncio.run(many())
    assert [answer.status for answer in answers] == [200] * 20
    assert len({json.loads(answer.body)["port"] for answer in answers}) == 1


def test_a_slow_answer_ends_in_time(authority, server):
    options = TransportOptions(ca_files={"*": authority.file})
    assert blocking(effect(server + "/slow", timeout=0.1), options=options).reason == "timeout"
