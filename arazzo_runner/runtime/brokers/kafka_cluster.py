"""The way into a Kafka cluster: login, TLS and what its metadata says about a topic.

aiokafka's own clients try in the background and tell only that they did not get in: so the first connection is made
here, where its failure can be reported. Topics are looked up here too: aiokafka's lookup lets a broker create them.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import Any, Final

from arazzo_runner.base.records import Record
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Connection, Login
from arazzo_runner.runtime.brokers.endpoints import Endpoint, connection_failure, endpoints, login_of
from arazzo_runner.runtime.brokers.failures import CREDENTIALS_HINT
from arazzo_runner.runtime.brokers.library_logs import silence_loggers

PORT: Final = 9092
SCHEMES: Final = ("kafka", "kafka-secure")
MECHANISMS: Final = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER")
_MOST_TELLING: Final = ("credentials", "tls", "closed", "timeout", "refused", "unknown-host", "rejected")


class Cluster:
    """One cluster as one user; `options` are those of every client of aiokafka."""

    def __init__(self, connection: Connection) -> None:
        self.endpoints = endpoints(connection.url, PORT)
        self.timeout = connection.timeout
        self.options = _options(connection, self.endpoints)
        self.mechanism: str | None = self.options.get("sasl_mechanism")
        self._connection: Any = None
        self._lock = asyncio.Lock()
        self._reached: set[Endpoint] = set()
        silence_loggers("aiokafka")

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return ",".join(map(str, self.endpoints))

    def timed_out(self, *, sent: bool) -> BrokerFailure:
        """Return the failure when the time is over; `sent`: whether a message may have been sent."""
        secure = "ssl_context" in self.options
        hint = "write kafka:// in place of kafka-secure:// if the cluster is a plain one" if secure else None
        return BrokerFailure("timeout", f"{self.place} did not answer in time", sent=sent, hint=hint)

    async def connect(self) -> None:
        """Connect to one of the servers and log in."""
        async with self._lock:
            await self._connected()

    async def partitions(self, topic: str) -> frozenset[int]:
        """Return the partitions of a topic, whose leaders are reachable; a topic that is not there is a failure."""
        metadata = await self._metadata(topic)
        found = metadata.partitions_for_topic(topic)
        if topic in metadata.unauthorized_topics:
            raise BrokerFailure("forbidden", f"this login may not use the topic {topic}")
        if not found:
            hint = "create it, or correct the address of the channel; a run creates no topics"
            raise BrokerFailure("rejected", f"the cluster at {self.place} has no topic {topic}", hint=hint)
        for broker in metadata.brokers():
            await self._reach(Endpoint(broker.host, broker.port))
        return frozenset(found)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()

    async def _metadata(self, topic: str) -> Any:
        from aiokafka.cluster import ClusterMetadata
        from aiokafka.errors import KafkaError
        from aiokafka.protocol.metadata import MetadataRequest

        request = MetadataRequest([topic], allow_auto_topic_creation=False)
        async with self._lock:
            try:
                answer = await (await self._connected()).send(request)
            except (KafkaError, OSError):  # the connection was idle or broke: a new one tells what is the matter
                self.close()
                answer = await self._ask_anew(request)
        metadata = ClusterMetadata()
        metadata.update_metadata(answer)
        return metadata

    async def _ask_anew(self, request: Any) -> Any:
        from aiokafka.errors import KafkaError

        try:
            return await (await self._connected()).send(request)
        except (KafkaError, OSError) as error:
            raise connection_failure(error, self.endpoints[0], *SCHEMES) from error

    async def _connected(self) -> Any:
        if self._connection is None or not self._connection.connected():
            self._connection = await self._first_of_the_servers()
        return self._connection

    async def _first_of_the_servers(self) -> Any:
        failures = []
        for endpoint in self.endpoints:
            try:
                found = await self._open(endpoint)
            except BrokerFailure as failure:
                failures.append(failure)
            else:
                self._reached.add(endpoint)
                return found
        raise min(failures, key=lambda failure: _MOST_TELLING.index(failure.reason))

    async def _reach(self, endpoint: Endpoint) -> None:
        """Fail when a server that the cluster names cannot be reached, which clients would try for ever."""
        if endpoint in self._reached:
            return
        try:
            (await self._open(endpoint)).close()
        except BrokerFailure as failure:
            message = f"the cluster at {self.place} says that a server of it is at {endpoint}, but {failure.message}"
            hint = "set advertised.listeners of that server to an address that this machine can reach"
            raise BrokerFailure(failure.reason, message, hint=hint) from failure
        self._reached.add(endpoint)

    async def _open(self, endpoint: Endpoint) -> Any:
        from aiokafka.conn import create_conn
        from aiokafka.errors import KafkaConnectionError, KafkaError
        from aiokafka.protocol.metadata import MetadataRequest

        options = {name: value for name, value in self.options.items() if name != "bootstrap_servers"}
        try:
            opened = await create_conn(endpoint.host, endpoint.port, **options)
            try:
                # A server that wants a login tells its versions to everybody, and closes at the next request.
                await opened.send(MetadataRequest([], allow_auto_topic_creation=False))
            except BaseException:
                opened.close()
                raise
        except TimeoutError as error:
            raise self.timed_out(sent=False) from error
        except (OSError, KafkaConnectionError) as error:
            raise connection_failure(error, endpoint, *SCHEMES) from error
        except (KafkaError, KeyError, ValueError) as error:
            # aiokafka raises KeyError and ValueError for a SCRAM answer that says no.
            raise self._refused(error, endpoint) from None
        return opened

    def _refused(self, error: Exception, endpoint: Endpoint) -> BrokerFailure:
        from aiokafka.errors import IllegalSaslStateError, UnsupportedSaslMechanismError

        if self.mechanism is None:
            return BrokerFailure("rejected", f"{endpoint} does not answer as Kafka does: {type(error).__name__}")
        if isinstance(error, UnsupportedSaslMechanismError | IllegalSaslStateError):
            hint = "the type of the security scheme says which one: plain, scramSha256, scramSha512 or oauth2"
            message = f"{endpoint} does not take logins by SASL {self.mechanism}"
            return BrokerFailure("credentials", message, hint=hint)
        what = "token" if self.mechanism == "OAUTHBEARER" else "user name and password"
        return BrokerFailure(
            "credentials", f"{endpoint} does not accept the {what} (SASL {self.mechanism})", hint=CREDENTIALS_HINT
        )


class _Sasl(Record):
    _hidden_in_repr = ("username", "password")

    mechanism: str
    username: str
    password: str


def _options(connection: Connection, servers: tuple[Endpoint, ...]) -> dict[str, Any]:
    """Return the arguments that all clients of aiokafka share."""
    secure = connection.tls is not None or connection.protocol == "kafka-secure"
    options: dict[str, Any] = {
        "bootstrap_servers": [str(server) for server in servers],
        "client_id": "arazzo",
        "request_timeout_ms": max(1, int(connection.timeout * 1000)),
        "security_protocol": "SSL" if secure else "PLAINTEXT",
    }
    if secure:
        options["ssl_context"] = connection.tls or ssl.create_default_context()
    login = login_of(connection)
    sasl = _sasl(login)
    if sasl is not None:
        options["security_protocol"] = "SASL_SSL" if secure else "SASL_PLAINTEXT"
        options["sasl_mechanism"] = sasl.mechanism
        options["sasl_plain_username"] = sasl.username
        options["sasl_plain_password"] = sasl.password
        if sasl.mechanism == "OAUTHBEARER":
            options["sasl_oauth_token_provider"] = _provider(login.token or sasl.password)
    return options


def _sasl(login: Login) -> _Sasl | None:
    """Return how to log in, None for no login."""
    if login.username is None and login.password is None and login.token is None:
        return None
    mechanism = (login.mechanism or ("PLAIN" if login.token is None else "OAUTHBEARER")).upper()
    if mechanism not in MECHANISMS:
        message = f"logins to Kafka by SASL {mechanism} are not supported"
        raise BrokerFailure("credentials", message, hint=f"supported are {', '.join(MECHANISMS)}")
    return _Sasl(mechanism, login.username or "", login.password or "")


def _provider(token: str) -> Any:
    from aiokafka.abc import AbstractTokenProvider

    class Given(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka has no types
        async def token(self) -> str:
            return token

    return Given()
