"""Certificates, proxies and the HTTP library from the command line and from Python."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import arazzo_runner
from arazzo_runner.cli.run.options import transport_options
from arazzo_runner.engine.options import TransportOptions
from tests.e2e.conftest import Arazzo
from tests.e2e.server import Answer, conversation
from tests.runtime.proxy_server import ProxyServer

PASSWORD = "proxy-password-1"
DESCRIPTION = """\
openapi: 3.1.0
info: {title: Things, version: 1.0.0}
servers: [{url: 'http://api.test'}]
paths:
  /things:
    get: {operationId: things, responses: {'200': {description: ok}}}
    post: {operationId: addThing, responses: {'200': {description: ok}}}
"""
WORKFLOW = """\
arazzo: 1.0.1
info: {title: Things, version: 1.0.0}
sourceDescriptions: [{name: things, url: ./things.openapi.yml, type: openapi}]
workflows:
- workflowId: look
  steps:
  - stepId: first
    operationId: things
    outputs: {client: $response.body#/client}
  - stepId: second
    operationId: addThing
  outputs: {client: $steps.first.outputs.client}
"""


@pytest.fixture
def spec(folder: Path) -> str:
    (folder / "things.openapi.yml").write_text(DESCRIPTION)
    (folder / "look.arazzo.yml").write_text(WORKFLOW)
    return "look.arazzo.yml"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        (("--cert", "me.pem"), {"certificates": {"*": ("me.pem", None)}}),
        (("--cert", "me.pem,me.key"), {"certificates": {"*": ("me.pem", "me.key")}}),
        (("--cert", "api.test=me.pem,me.key"), {"certificates": {"api.test": ("me.pem", "me.key")}}),
        (("--cert", "api.test:8443=a=b.pem"), {"certificates": {"api.test:8443": ("a=b.pem", None)}}),
        (("--cert", "[::1]:8443=me.pem"), {"certificates": {"[::1]:8443": ("me.pem", None)}}),
        (("--cert", "./a=b.pem"), {"certificates": {"*": ("./a=b.pem", None)}}),
        (("--cacert", "api.test=ca.pem"), {"ca_files": {"api.test": "ca.pem"}}),
        (("--insecure-host", "api.test"), {"insecure_hosts": frozenset({"api.test"})}),
        (("--proxy", "http://me:a=b@p.test:1"), {"proxies": {"*": "http://me:a=b@p.test:1"}}),
        (("--proxy", "api.test=direct"), {"proxies": {"api.test": "direct"}}),
        (("--proxy", "p.test:3128"), {"proxies": {"*": "p.test:3128"}}),
    ],
    ids=lambda value: "=".join(value) if isinstance(value, tuple) else "",
)
def test_options_are_read_by_host(option: tuple[str, str], expected: dict[str, object]) -> None:
    found: list[TransportOptions | None] = []

    @click.command()
    @transport_options
    def command(transport: Any) -> int:
        found.append(transport.as_options())
        return 0

    command.main(list(option), standalone_mode=False)
    assert found == [TransportOptions(**expected)]  # type: ignore[arg-type]


def test_a_run_with_a_client_certificate(spec: str, arazzo: Arazzo, tmp_path: Path) -> None:
    pytest.importorskip("trustme")
    from tests.runtime.tls_server import Authority, TlsServer

    authority = Authority(tmp_path)
    file, key = authority.client("alice")
    server = TlsServer(authority.context(asks_client=True))
    to_it = ("--server", f"things={server.url}")
    try:
        ran = arazzo("run", spec, *to_it, "--cert", f"127.0.0.1={file},{key}", "--cacert", authority.file)
        without = arazzo("run", spec, *to_it, "--cert", f"other.test={file},{key}", "--cacert", authority.file)
    finally:
        server.close()
    assert (ran.code, json.loads(ran.out)) == (0, {"client": "alice"}), ran.err
    assert (without.code, without.out) == (1, "")


def test_an_encrypted_key_needs_its_password(
    spec: str, arazzo: Arazzo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("trustme")
    from cryptography.hazmat.primitives import serialization

    from tests.runtime.tls_server import Authority, TlsServer

    authority = Authority(tmp_path)
    file, key = authority.client("alice")
    loaded = serialization.load_pem_private_key(Path(key).read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"key-password-1")
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    Path(key).write_bytes(loaded.private_bytes(*form, encryption))
    server = TlsServer(authority.context(asks_client=True))
    arguments = ("run", spec, "--server", f"things={server.url}", "--cert", f"{file},{key}", "--cacert", authority.file)
    try:
        without = arazzo(*arguments)
        monkeypatch.setenv("ARAZZO_KEY_PASSWORD", "key-password-1")
        ran = arazzo(*arguments)
    finally:
        server.close()
    assert (without.code, "error[unusable-certificate]" in without.err, ran.code) == (2, True, 0)
    assert "ARAZZO_KEY_PASSWORD" in without.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--cert", "gone.pem"], "unusable-certificate", "no such file"),
        (["--cacert", "look.arazzo.yml"], "unusable-certificate", "there is no certificate in it"),
        (
            ["--insecure-host", "https://api.test:8443/v1"],
            "unusable-certificate",
            "write --insecure-host api.test:8443",
        ),
        (["--insecure-host", "api.test/v1"], "unusable-certificate", "write --insecure-host api.test"),
        (["--cert", "look.arazzo.yml"], "unusable-certificate", "the client certificate look.arazzo.yml"),
        (["--cacert", "api.test=gone.pem"], "unusable-certificate", "the authority gone.pem"),
        (["--proxy", f"ftp://me:{PASSWORD}@p.test"], "unusable-proxy", 'p.test has the scheme "ftp"'),
        (["--proxy", f"http://me:{PASSWORD}@p.test:port"], "unusable-proxy", "not a usable URL"),
        (["--proxy", "http://"], "unusable-proxy", "does not name a host"),
    ],
)
def test_nothing_is_sent_when_an_option_cannot_be_used(
    spec: str, arazzo: Arazzo, arguments: list[str], code: str, message: str
) -> None:
    with conversation({}) as server:
        ran = arazzo("run", spec, "--server", f"things={server.url}", *arguments)
    assert (ran.code, ran.out, server.received) == (2, "", [])
    assert f"error[{code}]" in ran.err
    assert message in ran.err
    assert PASSWORD not in ran.err


@pytest.mark.parametrize("library", ["curl", "httpx3"])
def test_an_unknown_http_library_is_named(
    spec: str, arazzo: Arazzo, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setenv("ARAZZO_HTTP", library)
    ran = arazzo("run", spec)
    assert ran.code == 2
    assert "error[unusable-http-library]" in ran.err
    assert f'"{library}"' in ran.err


@pytest.mark.parametrize("how", ["option", "environment"])
def test_the_password_of_a_proxy_is_masked(
    spec: str, arazzo: Arazzo, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    proxy = ProxyServer(f"me:{PASSWORD}")
    url = f"http://me:{PASSWORD}@{proxy.address}"
    arguments = ["--proxy", url] if how == "option" else []
    if how == "environment":
        monkeypatch.setenv("HTTP_PROXY", url)
    echo = Answer(200, {"client": PASSWORD})
    try:
        with conversation({"GET /things": [echo], "POST /things": [Answer(500, {"echo": PASSWORD})]}) as server:
            named = server.url.replace("127.0.0.1", "api.test")
            ran = arazzo("run", spec, "--server", f"things={named}", "-vv", *arguments)
    finally:
        proxy.close()
    assert ran.code == 1
    assert len(proxy.seen) == 2
    assert PASSWORD not in ran.out + ran.err


def test_many_runs_share_the_connections_of_one_world(spec: str) -> None:
    script = {"GET /things": [Answer(200, {"client": "x"})], "POST /things": [Answer(200, {})]}

    async def many(program: arazzo_runner.Program) -> list[arazzo_runner.RunResult]:
        async with arazzo_runner.AsyncWorld() as world:
            return await asyncio.gather(*(arazzo_runner.arun(program, world=world) for _ in range(50)))

    with conversation(script) as server:
        program = arazzo_runner.load(spec, servers={"things": server.url})
        results = asyncio.run(many(program))
    assert [result.status for result in results] == ["succeeded"] * 50
    assert len(server.received) == 100


def test_a_blocking_world_can_be_shared_by_runs(spec: str) -> None:
    script = {"GET /things": [Answer(200, {"client": "x"})], "POST /things": [Answer(200, {})]}
    with conversation(script) as server, arazzo_runner.BlockingWorld() as world:
        program = arazzo_runner.load(spec, servers={"things": server.url})
        assert {arazzo_runner.run(program, world=world).status for _ in range(3)} == {"succeeded"}


def test_a_plain_run_imports_nothing_of_this(spec: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARAZZO_HTTP", raising=False)
    wanted = ["aiohttp", "asyncio", "arazzo_runner.runtime.transport_check", "arazzo_runner.runtime.batch"]
    script = {"GET /things": [Answer(200, {"client": "x"})], "POST /things": [Answer(200, {})]}
    with conversation(script) as server:
        program = (
            "import sys; from arazzo_runner.cli.main import run\n"
            f"code = run(['run', {spec!r}, '--server', 'things={server.url}'])\n"
            f"print([name for name in {wanted!r} if name in sys.modules], code, file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.splitlines()[-1] == "[] 0", done.stderr
