"""Every case of fixtures/hostile as a real command line, in a forked process with limits."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.hostile.battery import Prepared, answer_of, cases, complaints, recorder
from tests.runtime.faulty import FaultyServer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and rlimits are POSIX")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def server():
    with recorder() as running:
        yield running


@pytest.fixture(scope="module")
def faulty():
    faults = FaultyServer()
    yield faults.url
    faults.close()


@pytest.fixture(scope="module")
def driver():
    command = [sys.executable, "-m", "tests.faults.driver"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.stdin.close()


def ended(driver, prepared, state):
    order = {
        "fault": "none",
        "number": 0,
        "state": str(state),
        "arguments": prepared.arguments,
        "folder": str(prepared.work),
    }
    driver.stdin.write(json.dumps(order) + "\n")
    driver.stdin.flush()
    found = json.loads(driver.stdout.readline())
    texts = {name: (state / name).read_bytes().decode("utf-8", "replace") for name in ("out", "err")}
    return {**found, **texts}


@pytest.mark.parametrize(
    ("category", "case"), cases(), ids=lambda value: value if isinstance(value, str) else value["id"]
)
def test_hostile(category, case, tmp_path, driver, server, faulty):
    server.answer, server.received[:] = answer_of(case), []
    prepared = Prepared(case, tmp_path, server.url, faulty)
    end = ended(driver, prepared, tmp_path / "state")
    found = complaints(case, end, list(server.received), prepared.written())
    found += [f"{name} was made" for name in case.get("unmade", ["pwned"]) if (prepared.work / name).exists()]
    assert found == [], f"{end['out'][:1500]}\n{end['err'][:2500]}"
