"""Imports for processes that fork, so that a command line in a fork starts immediately."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import arazzo_runner
from arazzo_runner.cli import main
from arazzo_runner.sources.http_library import httpx
from tests.faults.flow import write


def warm_up() -> None:
    """Import the whole package and the libraries that it loads late; then validate and run a workflow once."""
    for module in pkgutil.walk_packages(arazzo_runner.__path__, "arazzo_runner."):
        if not module.name.endswith((".__main__", ".pytest_plugin")):
            with contextlib.suppress(ModuleNotFoundError):  # an extra that is not installed
                importlib.import_module(module.name)
    for name in (
        "keyring.backends.null",
        "cryptography.fernet",
        "sqlalchemy.dialects.sqlite",
        "sqlite3",
        "psycopg",
        "aiohttp",
    ):
        if find_spec(name.partition(".")[0]):
            importlib.import_module(name)
    httpx().HTTPTransport(verify=False)
    before = os.environ.get("XDG_STATE_HOME")
    with tempfile.TemporaryDirectory() as folder, _quiet():
        os.environ["XDG_STATE_HOME"] = folder
        spec = str(write(Path(folder)))
        main.run(["validate", spec])
        main.run(["run", spec, "-w", "main", "--server", "tokens=http://127.0.0.1:1", "-vv"])
        main.run(["run", spec, "-w", "main", "--mock"])
    if before is not None:
        os.environ["XDG_STATE_HOME"] = before


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere), contextlib.redirect_stderr(nowhere):
        yield
