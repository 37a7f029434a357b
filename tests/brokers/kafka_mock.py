"""The mock cluster of librdkafka: several brokers that speak Kafka's protocol and answer errors on demand.

It is a part of the library that confluent-kafka brings along, and runs in this process. tansu refuses what belongs to
idempotent producers and transactions; this does not.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

PRODUCE, INIT_PRODUCER_ID, FETCH, METADATA = 0, 22, 1, 3


class MockCluster:
    """Brokers 1, 2, … on loopback; `url` names them all."""

    def __init__(self, library: ctypes.CDLL, brokers: int) -> None:
        self._library = library
        for name in ("conf_new", "new", "mock_cluster_new"):
            getattr(library, f"rd_kafka_{name}").restype = ctypes.c_void_p
        library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
        self._client = ctypes.c_void_p(library.rd_kafka_new(0, configuration, None, ctypes.c_size_t(0)))
        self._cluster = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(self._client, brokers))
        self.url = f"kafka://{library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()}"

    def create(self, topic: str, partitions: int = 1) -> str:
        """Create a topic on all brokers and return its name."""
        self._call("topic_create", topic.encode(), partitions, 1)
        return topic

    def answer(self, request: int, *errors: int) -> None:
        """Answer the next requests of a kind with errors, one each."""
        codes = (ctypes.c_int * len(errors))(*errors)
        self._call("push_request_errors_array", ctypes.c_int16(request), ctypes.c_size_t(len(errors)), codes)

    def forbid(self, topic: str) -> None:
        """Let no login see a topic."""
        self._call("topic_set_error", topic.encode(), 29)

    def lead(self, topic: str, broker: int) -> None:
        """Make a broker the leader of the first partition of a topic."""
        self._call("partition_set_leader", topic.encode(), 0, broker)

    def end(self, broker: int) -> None:
        """Let a broker go down."""
        self._call("broker_set_down", broker)

    def close(self) -> None:
        """End all brokers."""
        self._call("cluster_destroy")
        self._library.rd_kafka_destroy(self._client)

    def _call(self, name: str, *arguments) -> None:
        getattr(self._library, f"rd_kafka_mock_{name}")(self._cluster, *arguments)


@contextmanager
def mock_cluster(brokers: int = 2) -> Iterator[MockCluster]:
    """Run a cluster during the block; the test is skipped where its library is missing, and fails in CI."""
    spec = find_spec("confluent_kafka")
    places = [] if spec is None or spec.origin is None else Path(spec.origin).parents[1].glob("confluent_kafka.libs/*")
    found = next((place for place in places if place.name.startswith("librdkafka")), None)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("confluent-kafka is not installed")
    import confluent_kafka  # noqa: F401  # loads what the library needs

    cluster = MockCluster(ctypes.CDLL(str(found)), brokers)
    try:
        yield cluster
    finally:
        cluster.close()
