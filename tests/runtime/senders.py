"""The ways to send one effect that every test of the transports goes through."""

from __future__ import annotations

import asyncio

from arazzo_runner.engine.effects import HttpRequest, SendRequest
from arazzo_runner.engine.run import drive
from arazzo_runner.runtime.http import AsyncWorld, BlockingWorld
from arazzo_runner.runtime.transports import connection_pool
from arazzo_runner.sources.http_library import httpx


def effect(url, method="GET", timeout=10.0, body=None, headers=()):
    """A request to be sent; only GET and HEAD are safe to repeat."""
    safe = method in ("GET", "HEAD")
    return SendRequest(key="k#1", safe=safe, request=HttpRequest(method, url, tuple(headers), body), timeout=timeout)


def blocking(*sent, **options):
    """Send in a BlockingWorld; return the last answer."""
    with BlockingWorld(**options) as world:
        return [drive(world.perform(each)) for each in sent][-1]


def asynchronous(*sent, **options):
    """Send in an AsyncWorld, through aiohttp when it is installed; return the last answer."""

    async def perform():
        async with AsyncWorld(**options) as world:
            return [await world.perform(each) for each in sent][-1]

    return asyncio.run(perform())


def pooled(*sent, **options):
    """Send in an AsyncWorld without aiohttp, plain http only; return the last answer."""
    settings = {"verify": False, "http2": False, "trust_env": False}
    return asynchronous(*sent, transport=connection_pool(httpx(), settings), **options)
