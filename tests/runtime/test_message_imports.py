"""What runs over HTTP alone pay for messages: they import none of what sends and receives them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from arazzo_runner.cli.main import run
assert run(sys.argv[1:]) in (0, 1)
print(*sorted(sys.modules), file=sys.stderr)
"""
OF_MESSAGES = (
    "arazzo_runner.runtime.brokers",
    "arazzo_runner.runtime.messaging",
    "arazzo_runner.runtime.auth.broker_logins",
    "arazzo_runner.runtime.mock.broker",
    "arazzo_runner.runtime.mock.message",
    "arazzo_runner.runtime.mock.channels",
    "arazzo_runner.engine.message_",
    "arazzo_runner.engine.arming",
    "arazzo_runner.report.messages",
    "arazzo_runner.cli.debug_messages",
)
LIBRARIES = ("asyncio", "ssl", "aiomqtt", "nats", "aiokafka", "aio_pika", "redis", "websockets")
HTTP = str(ROOT / "specs" / "arazzo" / "two-apis.yml")
MESSAGES = str(ROOT / "fixtures" / "mocked-messages" / "flows.arazzo.yml")


def imported(*words: str) -> list[str]:
    ran = subprocess.run(
        [sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, timeout=100, cwd=ROOT, check=True
    )
    return ran.stderr.splitlines()[-1].split()


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["run", HTTP, "--mock", "--sample-inputs"], id="a mocked run"),
        pytest.param(["run", HTTP, "--dry-run", "--sample-inputs"], id="a dry run"),
        pytest.param(["run", HTTP, "--sample-inputs", "--timeout", "1", "--server", "stock=http://127.0.0.1:1"], id="a run"),
    ],
)  # fmt: skip
def test_a_run_over_http_imports_nothing_of_messages(words):
    found = [each for each in imported(*words) if each.startswith(OF_MESSAGES) or each in LIBRARIES]
    assert [each for each in found if each != "ssl"] == []


def test_a_mocked_run_of_messages_imports_no_library_of_a_protocol():
    found = imported("run", MESSAGES, "-w", "order", "--mock")
    assert "arazzo_runner.runtime.mock.broker" in found
    assert [each for each in found if each in LIBRARIES[2:]] == []
    assert "arazzo_runner.runtime.messaging" not in found
