"""Event streams (Server-Sent Events): a GET whose answer does not end, opened again where it breaks.

WHATWG HTML §9.2. An event's type is the message's header `event`, its id the header `id`. A stream
is opened again after the pause that the server names (`retry`), with the id of the last event in
`Last-Event-ID`; a status other than 200 ends it. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.settings import MAX_RESPONSE_SIZE
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Sink
from arazzo_runner.runtime.brokers.event_format import EventReader, EventTooLarge, StreamEvent
from arazzo_runner.runtime.brokers.failures import host_of
from arazzo_runner.runtime.brokers.reading import Reader
from arazzo_runner.runtime.brokers.web_client import PassingFailure, WebClient, coding_failure, status_failure
from arazzo_runner.runtime.cleanup import to_the_end

EVENT_STREAM: Final = "text/event-stream"
_FIXED: Final = (("Accept", EVENT_STREAM), ("Cache-Control", "no-store"), ("Accept-Encoding", "identity"))
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
MOST_FRUITLESS: Final = 5
"""Connections in a row that give no event, after which a stream is over."""


class EventStream:
    """One subscription to a stream; `armed` has its position, which is that of the last event that came."""

    def __init__(
        self, client: WebClient, url: str, headers: Headers, address: str, sink: Sink, *, described: str | None
    ) -> None:
        self._client = client
        self._url = url
        self._headers = headers
        self._address = address
        self._sink = sink
        self._described = described
        self._pause = FIRST_PAUSE
        self._fruitless = 0
        self._last_id = ""
        self._reader: Reader | None = None
        self._response: Any = None
        self.armed = Armed(address=address, handle=self)

    async def open(self, position: JsonValue | None) -> Armed:
        """Open the stream, after the event of a position; return when the head of the answer is there."""
        last_id = position.get("lastEventId") if isinstance(position, dict) else None
        if isinstance(last_id, str) and last_id:
            self._at(last_id)
        self._response = await self._connected()
        self._reader = Reader(self._run, self._sink, self._address)
        return self.armed

    async def close(self) -> None:
        """End the subscription and its connection."""
        if self._reader is not None:
            await self._reader.stop()
            await self._response.aclose()  # a task that was cancelled before it began has closed nothing

    def _at(self, last_id: str) -> None:
        self._last_id = last_id
        self.armed.position = {"lastEventId": last_id} if last_id else None
        self.armed.lossy = not last_id

    # ------------------------------------------------------------------ one connection after the other

    async def _connected(self) -> Any:
        """Return the open answer; raises BrokerFailure for everything but an event stream."""
        after = (("Last-Event-ID", self._last_id),) if self._last_id else ()
        names = {name.lower() for name, _ in (*_FIXED, *after)}
        given = (pair for pair in self._headers if pair[0].lower() not in names)
        response = await self._client.exchange("GET", self._url, (*given, *_FIXED, *after), None)
        failure = _answer_failure(response, self._url)
        if failure is not None:
            await response.aclose()
            raise failure
        return response

    async def _run(self) -> None:
        """Read the stream and open it again; raises BrokerFailure when it is over."""
        while True:
            await self._read(self._response)
            self._response = await self._again()

    async def _read(self, response: Any) -> None:
        """Give the events of one connection to the sink; return when it breaks or ends."""
        reader = EventReader(self._client.max_message_size, self._last_id)
        try:
            async for chunk in response.stream:
                for event in reader.feed(chunk):
                    self._fruitless = 0
                    self._sink.put(self._message(event), _token(event))
                if reader.last_id != self._last_id:
                    self._at(reader.last_id)
        except EventTooLarge:
            message = f"{host_of(self._url)} sends an event of more than {self._client.max_message_size:,} bytes"
            raise BrokerFailure("too-large", message, hint=f"allow more with {MAX_RESPONSE_SIZE}") from None
        except self._client.broken:
            pass
        finally:
            await to_the_end(response.aclose())
        if reader.retry is not None:
            self._pause = min(max(reader.retry, 0.01), LONGEST_PAUSE)

    async def _again(self) -> Any:
        """Return the answer of the next connection; raises BrokerFailure when there have been too many in vain."""
        while True:
            self._fruitless += 1
            if self._fruitless > MOST_FRUITLESS:
                message = f"{host_of(self._url)} ended the stream {MOST_FRUITLESS} times without an event"
                raise BrokerFailure("closed", message)
            await asyncio.sleep(min(self._pause * 2 ** (self._fruitless - 1), LONGEST_PAUSE))
            try:
                return await self._connected()
            except PassingFailure:
                if self._fruitless == MOST_FRUITLESS:
                    raise

    def _message(self, event: StreamEvent) -> ChannelMessage:
        headers = (("event", event.type), *((("id", event.id),) if event.id is not None else ()))
        native: dict[str, JsonValue] = {"event": event.type, "id": event.id}
        kind = _content_type(event.data) if self._described == EVENT_STREAM else None
        return ChannelMessage(
            address=self._address, payload=event.data, headers=headers, content_type=kind, native=native
        )


def _answer_failure(response: Any, url: str) -> BrokerFailure | None:
    """Return why an answer is no event stream, None when it is one."""
    if response.status_code == 204:
        return BrokerFailure("closed", f"{host_of(url)} says that there are no more events (204)")
    failure = status_failure(response, url) or coding_failure(response, url)
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if failure is None and (response.status_code != 200 or kind != EVENT_STREAM):
        found = f"{response.status_code} with {kind[:100] or 'no content type'}"
        failure = BrokerFailure("rejected", f"{host_of(url)} answers {found}, which is no event stream")
    return failure


def _content_type(data: bytes) -> str:
    """Return what the data of an event is: `text/event-stream` says nothing of it."""
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return "text/plain"
    return "application/json"


def _token(event: StreamEvent) -> str | None:
    """Return the identity of an event that has an id; servers may give one id to several events."""
    if event.id is None:
        return None
    digest = hashlib.sha256(event.type.encode("utf-8", "replace") + b"\n" + event.data).hexdigest()[:16]
    return f"{event.id}:{digest}"
