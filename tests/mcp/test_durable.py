"""Durable calls: a run id at once, its status, its end, and what a server that ends leaves behind."""

from __future__ import annotations

import asyncio
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dbos")

from tests.loopback import Loopback, serving
from tests.mcp import serving as at
from tests.mcp.serving import Bank, Wire, structured


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def api(bank: Bank) -> Iterator[Loopback]:
    with serving(bank.answer) as server:
        yield server
        bank.release.set()


def line(folder: Path, api: Loopback) -> list[str]:
    flow = str(at.written(folder))
    return [flow, "--server", f"accounts={api.url}", "--durable", "--store", str(folder / "store.db")]


def test_a_run_and_its_status(tmp_path: Path, api: Loopback, bank: Bank) -> None:
    wire = Wire()

    async def story() -> None:
        async with at.stdio(line(tmp_path, api), at.environment(tmp_path), wire, tmp_path) as client:
            names = [each.name for each in (await client.list_tools()).tools]
            assert names == ["rotate-token", "look", "run_status", "run_cancel"]

            begun = structured(await client.call_tool("rotate-token", {"note": "x"}))
            assert begun["status"] == "running"
            done: dict[str, Any] = structured(
                await client.call_tool("run_status", {"runId": begun["runId"], "wait": 30})
            )
            assert done["status"] == "succeeded"
            assert done["outputs"]["accessToken"] == "***"
            assert [each["stepId"] for each in done["steps"]] == ["refresh", "revoke"]

            failed = structured(await client.call_tool("look", {"id": 404}))
            status = structured(await client.call_tool("run_status", {"runId": failed["runId"], "wait": 30}))
            assert status["status"] == "failed"
            assert status["failure"]["step"] == "get"

            for arguments in ({"runId": "nobody"}, {"runId": 5}, {}, {"runId": "x", "more": 1}):
                assert (await client.call_tool("run_status", arguments)).is_error

            bank.hold = True
            held = structured(await client.call_tool("look", {"id": 1}))
            await asyncio.to_thread(bank.arrived.wait, 20)
            cancelled = structured(await client.call_tool("run_cancel", {"runId": held["runId"]}))
            assert cancelled["status"] == "cancelled"

    asyncio.run(story())
    leaks = [each for each in [*wire.messages, wire.text[-3000:]] if any(secret in each for secret in at.SECRETS)]
    assert leaks == []


def test_a_run_that_the_end_of_the_server_interrupts_can_be_resumed(tmp_path: Path, api: Loopback, bank: Bank) -> None:
    wire = Wire()
    bank.hold = True

    async def story() -> None:
        async with at.stdio(line(tmp_path, api), at.environment(tmp_path), wire, tmp_path) as client:
            await client.call_tool("look", {"id": 1})
            await asyncio.to_thread(bank.arrived.wait, 20)

    asyncio.run(story())
    bank.hold = False
    bank.release.set()
    found = re.search(r"arazzo resume (\S+)", wire.text)
    assert found, wire.text
    resumed = [*at.COMMAND, "resume", found[1], "--store", str(tmp_path / "store.db")]
    done = subprocess.run(resumed, capture_output=True, text=True, env=at.environment(tmp_path))
    assert done.returncode == 0, done.stderr
