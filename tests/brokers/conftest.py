"""The brokers as fixtures: one of each for a worker, started when the first test asks for it.

A test that uses one has the marker `broker`. Where a program is missing it is skipped with the reason, in CI it fails.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.brokers.documents import Stage
from tests.brokers.servers import Missing, Mosquitto, Nats, RabbitMQ, Redis, Server, Tansu, running
from tests.durable.conftest import zygote as zygote  # a fixture
from tests.e2e.conftest import arazzo as arazzo, folder as folder  # fixtures

AnyServer = TypeVar("AnyServer", bound=Server)
FIXTURES = frozenset(
    f"{name}{variant}"
    for name in ("mosquitto", "nats_server", "redis_server", "kafka_server", "rabbitmq", "start_broker")
    for variant in ("", "_login", "_tls")
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.broker)


def started(stack: ExitStack, kind: Callable[..., AnyServer], **options: Any) -> AnyServer:
    """Start a broker until the stack is closed; skips or fails the test when its program is missing."""
    # Not pytest's folder: paths of sockets and of Erlang must be short.
    server = kind(Path(tempfile.mkdtemp(prefix="arazzo-broker-")), **options)
    try:
        stack.enter_context(running(server))
    except Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing), pytrace=False)
        pytest.skip(str(missing))
    return server


@pytest.fixture
def stage(request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Sets the scene of a whole document: `stage(KIND)` starts its broker and shop and writes it into `folder`."""
    with ExitStack() as stack:
        yield Stage(request, folder, stack, monkeypatch)


@pytest.fixture
def start_broker() -> Iterator[Callable[..., Any]]:
    """A function that starts a broker for this test alone, which may kill it: `start_broker(Nats, login=True)`."""
    with ExitStack() as stack:
        yield lambda kind, **options: started(stack, kind, **options)


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[Mosquitto]:
    with ExitStack() as stack:
        yield started(stack, Mosquitto)


@pytest.fixture(scope="session")
def mosquitto_login() -> Iterator[Mosquitto]:
    with ExitStack() as stack:
        yield started(stack, Mosquitto, login=True)


@pytest.fixture(scope="session")
def mosquitto_tls() -> Iterator[Mosquitto]:
    with ExitStack() as stack:
        yield started(stack, Mosquitto, login=True, tls=True)


@pytest.fixture(scope="session")
def nats_server() -> Iterator[Nats]:
    with ExitStack() as stack:
        yield started(stack, Nats)


@pytest.fixture(scope="session")
def nats_server_login() -> Iterator[Nats]:
    with ExitStack() as stack:
        yield started(stack, Nats, login=True)


@pytest.fixture(scope="session")
def nats_server_tls() -> Iterator[Nats]:
    with ExitStack() as stack:
        yield started(stack, Nats, login=True, tls=True)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    with ExitStack() as stack:
        yield started(stack, Redis)


@pytest.fixture(scope="session")
def redis_server_login() -> Iterator[Redis]:
    with ExitStack() as stack:
        yield started(stack, Redis, login=True)


@pytest.fixture(scope="session")
def redis_server_tls() -> Iterator[Redis]:
    with ExitStack() as stack:
        yield started(stack, Redis, login=True, tls=True)


@pytest.fixture(scope="session")
def kafka_server() -> Iterator[Tansu]:
    with ExitStack() as stack:
        yield started(stack, Tansu)


@pytest.fixture(scope="session")
def kafka_server_tls() -> Iterator[Tansu]:
    with ExitStack() as stack:
        yield started(stack, Tansu, tls=True)


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMQ]:
    """With a login, and with TLS at `tls_url`."""
    with ExitStack() as stack:
        yield started(stack, RabbitMQ)
