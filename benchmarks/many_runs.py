"""Many runs at once: `many_runs.py arazzo|aiohttp URL DOCUMENT ROUNDS`.

A round is 50 runs of a workflow of 20 posts on one event loop, in one AsyncWorld; the baseline
sends the same posts with one bare aiohttp session and reads a member of each answer.
"""

from __future__ import annotations

import asyncio
import sys

CONCURRENT = 50
STEPS = 20


async def bare(base: str, rounds: int) -> None:
    """What somebody would write by hand."""
    import aiohttp

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def run() -> None:
            number = 0
            for _ in range(STEPS):
                async with session.post(f"{base}/things", json={"number": number}) as answer:
                    assert answer.status == 200
                    number = (await answer.json())["id"]

        for _ in range(rounds):
            await asyncio.gather(*(run() for _ in range(CONCURRENT)))


async def runs(base: str, document: str, rounds: int) -> None:
    """The same as workflows."""
    import arazzo_runner
    from arazzo_runner.engine.options import NO_CHECKS

    program = arazzo_runner.load(document, servers={"things": base})
    options = arazzo_runner.RunOptions(checks=NO_CHECKS)
    async with arazzo_runner.AsyncWorld() as world:
        for _ in range(rounds):
            results = await asyncio.gather(
                *(arazzo_runner.arun(program, world=world, options=options) for _ in range(CONCURRENT))
            )
            assert all(result.status == "succeeded" for result in results)


if __name__ == "__main__":
    name, url, path, count = sys.argv[1:]
    asyncio.run(bare(url, int(count)) if name == "aiohttp" else runs(url, path, int(count)))
