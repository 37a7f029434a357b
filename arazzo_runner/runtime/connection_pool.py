"""Lanes: an asynchronous transport of many small ones, each with one connection and one exchange at a time.

httpx's asynchronous pool looks through all of its connections and waiting requests whenever
one begins or ends, under one lock: the cost grows with the square of what is under way.
"""

from __future__ import annotations

from typing import Any


def lanes(library: Any, settings: dict[str, Any]) -> Any:
    """Return a transport that opens a lane (an AsyncHTTPTransport of these settings) for each exchange under way."""

    class Stream(library.AsyncByteStream):  # type: ignore[misc]
        """A response's body; closing it frees its lane."""

        def __init__(self, stream: Any, lane: Any, idle: list[Any]) -> None:
            self._stream = stream
            self._lane = lane
            self._idle = idle

        def __aiter__(self) -> Any:
            return self._stream.__aiter__()

        async def aclose(self) -> None:
            await self._stream.aclose()
            if self._lane is not None:
                self._idle.append(self._lane)
                self._lane = None

    class Lanes(library.AsyncBaseTransport):  # type: ignore[misc]
        """The lanes to one server; the one used last is used first, so that few connections stay warm."""

        def __init__(self) -> None:
            self._idle: list[Any] = []
            self._all: list[Any] = []

        async def handle_async_request(self, request: Any) -> Any:
            lane = self._idle.pop() if self._idle else self._opened()
            try:
                response = await lane.handle_async_request(request)
            except BaseException:
                # A failed or cancelled exchange leaves its lane in an unknown state: it is not used again.
                self._all.remove(lane)
                await lane.aclose()
                raise
            response.stream = Stream(response.stream, lane, self._idle)
            return response

        def _opened(self) -> Any:
            limits = library.Limits(max_connections=1, max_keepalive_connections=1)
            lane = library.AsyncHTTPTransport(limits=limits, **settings)
            self._all.append(lane)
            return lane

        async def aclose(self) -> None:
            for lane in self._all:
                await lane.aclose()
            self._all.clear()
            self._idle.clear()

    return Lanes()
