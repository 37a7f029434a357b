"""Durable tests need the extra, and processes that fork; PostgreSQL where Debian's binaries are."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from arazzo_runner.durable.database import sqlite_module
from arazzo_runner.errors import InvalidUsage
from tests.durable.crash import Zygote
from tests.durable.postgres import Postgres, postgres


def usable() -> bool:
    """Whether durable runs work here: the extra is installed, and SQLite is new enough for this Python."""
    if find_spec("dbos") is None or find_spec("cryptography") is None:
        return False
    try:
        sqlite_module()
    except InvalidUsage:
        return False
    return True


collect_ignore_glob = [] if usable() else ["test_*.py"]


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    if not hasattr(os, "fork"):
        pytest.skip("processes are forked")
    with Zygote() as process:
        yield process


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL of the tests' own."""
    with postgres(tmp_path_factory.mktemp("postgres")) as server:
        if server is None:
            pytest.skip("there is no PostgreSQL here (Debian: apt install postgresql)")
        yield server


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    for name in ("ARAZZO_STORE", "ARAZZO_JOURNAL_KEY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path
