"""The task that reads for a subscription."""

from __future__ import annotations

import asyncio

import pytest

from arazzo_runner.runtime.brokers.driver import BrokerFailure
from arazzo_runner.runtime.brokers.reading import Reader
from tests.brokers.collecting import Collected, on_loop


@pytest.mark.parametrize(
    ("problem", "reason", "message"),
    [
        pytest.param(BrokerFailure("too-large", "too much"), "too-large", "too much", id="what a driver says"),
        pytest.param(ZeroDivisionError("odd"), "closed", "reading orders failed: ZeroDivisionError", id="of a library"),
    ],
)
def test_whatever_ends_reading_ends_the_subscription(problem, reason, message):
    async def main():
        async def read():
            raise problem

        sink = Collected()
        reader = Reader(read, sink, "orders")
        failure = await sink.ended()
        assert (failure.reason, failure.message) == (reason, message)
        await reader.stop()

    on_loop(main())


@pytest.mark.parametrize("turns", [0, 1, 2], ids=["before it began", "as it begins", "while it reads"])
def test_a_reader_that_is_stopped_says_nothing(turns):
    async def main():
        sink = Collected()
        reader = Reader(asyncio.Event().wait, sink, "orders")
        for _ in range(turns):
            await asyncio.sleep(0)
        await reader.stop()
        assert sink.failure is None

    on_loop(main())
