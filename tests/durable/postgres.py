"""A PostgreSQL of our own: Debian's binaries, a temporary directory, a free port, never as root."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any


@dataclass
class Postgres:
    """A running server; `new_database` returns the URL of an empty database."""

    port: int
    count: int = 0

    @property
    def url(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def new_database(self) -> str:
        import psycopg

        self.count += 1
        name = f"arazzo{self.count}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"


def binaries() -> str | None:
    """Return the folder of the newest PostgreSQL that Debian has put here."""
    found = sorted(glob("/usr/lib/postgresql/*/bin/initdb"))
    return os.path.dirname(found[-1]) if found else None


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres | None]:
    """Run a server during the block; yields None if PostgreSQL is not installed."""
    folder_of_binaries = binaries()
    user = _unprivileged()
    if folder_of_binaries is None or (os.getuid() == 0 and user is None):
        yield None
        return
    # PostgreSQL refuses to run as root, and its directory must be its user's, reachable from /.
    data = Path("/tmp") / f"arazzo-pg-{os.getpid()}-{folder.name}"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir(mode=0o700)
    asked: dict[str, Any] = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}, "stdout": subprocess.DEVNULL}
    if os.getuid() == 0 and user is not None:
        os.chown(data, user.pw_uid, user.pw_gid)
        asked |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    try:
        subprocess.run(
            [f"{folder_of_binaries}/initdb", "-D", str(data / "db"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"],
            check=True, stderr=subprocess.DEVNULL, **asked,
        )  # fmt: skip
        port = _free_port()
        options = [
            "-p",
            str(port),
            "-k",
            str(data),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=200",
            "-c",
            "fsync=off",
        ]
        server = subprocess.Popen(
            [f"{folder_of_binaries}/postgres", "-D", str(data / "db"), *options], stderr=subprocess.DEVNULL, **asked
        )
        try:
            running = Postgres(port)
            _wait_for(running)
            yield running
        finally:
            # Ends its sessions at once, where SIGTERM would wait for clients; its files are deleted anyway.
            server.send_signal(signal.SIGQUIT)
            server.wait(60)
    finally:
        shutil.rmtree(data, ignore_errors=True)


def _unprivileged() -> Any:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(server: Postgres) -> None:
    import psycopg

    for _ in range(1200):
        try:
            psycopg.connect(server.url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError("PostgreSQL did not start")
