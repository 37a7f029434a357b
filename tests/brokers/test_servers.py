"""The brokers of the tests: they start, end and leave nothing behind."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.brokers.conftest import started
from tests.brokers.servers import Mosquitto, Nats, RabbitMQ, Redis, Tansu

VARIANTS = [
    ("mosquitto plain", Mosquitto, {}),
    ("mosquitto with a login and TLS", Mosquitto, {"login": True, "tls": True}),
    ("NATS plain", Nats, {}),
    ("NATS with a login and TLS", Nats, {"login": True, "tls": True}),
    ("Redis plain", Redis, {}),
    ("Redis with a login and TLS", Redis, {"login": True, "tls": True}),
    ("tansu plain", Tansu, {}),
    ("tansu with TLS", Tansu, {"tls": True}),
    ("RabbitMQ", RabbitMQ, {}),
]


@pytest.mark.parametrize(("kind", "options"), [v[1:] for v in VARIANTS], ids=[v[0] for v in VARIANTS])
def test_a_broker_ends_is_started_again_at_its_port_and_leaves_no_process(start_broker, kind, options):
    server = start_broker(kind, **options)
    port = server.port
    first = server.process.pid
    server.kill()
    assert not Path(f"/proc/{first}").exists()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", server.port_inside), 5):
        pass
    server.start()
    assert server.running
    assert server.port == port
    socket.create_connection(("127.0.0.1", port), 5).close()
    server.stop()
    server.close()
    assert not of_folder(server.folder)


@pytest.mark.parametrize("server", ["mosquitto_tls", "redis_server_tls", "kafka_server_tls"])
def test_the_certificate_of_a_broker_is_not_trusted_without_its_authority(request, server):
    server = request.getfixturevalue(server)
    with (
        socket.create_connection(("127.0.0.1", server.port), 5) as plain,
        server.client_tls.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
    ):
        assert secured.version()
    with (
        socket.create_connection(("127.0.0.1", server.port), 5) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname="127.0.0.1")


def of_folder(folder: Path) -> list[str]:
    """Return the commands of processes that work in a folder."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and os.readlink(process / "cwd").startswith(str(folder)):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_a_missing_program_skips_here_and_fails_in_ci(monkeypatch):
    class Nowhere(Nats):
        def program(self, name: str) -> str:
            return super().program("no-such-broker")

    monkeypatch.delenv("CI", raising=False)
    with ExitStack() as stack, pytest.raises(pytest.skip.Exception, match="no-such-broker is not installed"):
        started(stack, Nowhere)
    monkeypatch.setenv("CI", "true")
    with ExitStack() as stack, pytest.raises(pytest.fail.Exception, match="no-such-broker is not installed"):
        started(stack, Nowhere)


SCRIPT = """
import pathlib, sys
from tests.brokers.servers import Redis
server = Redis(pathlib.Path(sys.argv[1]))
server.start()
print(server.process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv of util-linux is not installed")
def test_a_broker_ends_with_the_process_of_the_tests_even_if_that_is_killed(redis_server, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as tests:
        broker = int(tests.stdout.readline())
        tests.kill()
    deadline = time.monotonic() + 20
    while of_folder(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not of_folder(tmp_path), f"{broker} is still there"
