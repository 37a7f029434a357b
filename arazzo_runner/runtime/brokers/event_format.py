"""The format text/event-stream (WHATWG HTML §9.2.6), read from chunks that are cut anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from arazzo_runner.base.records import Record

_LINE_END: Final = re.compile(rb"[\r\n]")
_BOM: Final = b"\xef\xbb\xbf"
LONGEST_ID: Final = 4096
"""An id is sent back in a header when the stream is opened again: a longer one counts as none."""
_DIGITS: Final = re.compile(rb"[0-9]{1,12}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class StreamEvent(Record):
    """An event; `id` is the one that it has itself, None when it goes by that of an event before it."""

    type: str
    data: bytes
    id: str | None = None


class EventTooLarge(Exception):
    """An event, or a line, has more bytes than are allowed."""


class EventReader:
    """Reads one stream. `last_id` is what a next connection begins after, `retry` the pause before it in seconds."""

    def __init__(self, max_size: int, last_id: str = "") -> None:
        self.last_id = last_id
        self.retry: float | None = None
        self._max_size = max_size
        self._rest = bytearray()
        self._looked_at = 0
        self._after_return = False
        self._is_first = True
        self._id = last_id
        self._own_id: str | None = None
        self._type = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> Iterator[StreamEvent]:
        """Yield the events that a chunk completes; raises EventTooLarge."""
        for line in self._lines(chunk):
            event = self._line(line)
            if event is not None:
                yield event

    def _lines(self, chunk: bytes) -> Iterator[bytes]:
        """Yield complete lines, which end in CR, LF or both; the rest waits for the next chunk."""
        rest = self._rest
        rest += chunk
        start = 0
        while (found := _LINE_END.search(rest, max(start, self._looked_at))) is not None:
            at = found.start()
            if self._after_return and at == start and rest[at] == 0x0A:
                start = at + 1  # the LF of a CRLF, which another chunk may have cut
            else:
                yield self._without_mark(bytes(rest[start:at]))
                start = at + 1
            self._after_return = rest[at] == 0x0D
        if len(rest) > start:
            self._after_return = False
        del rest[:start]
        self._looked_at = len(rest)
        self._check(len(rest))

    def _without_mark(self, line: bytes) -> bytes:
        if self._is_first:
            self._is_first = False
            return line.removeprefix(_BOM)
        return line

    def _check(self, more: int) -> None:
        if self._size + more > self._max_size:
            raise EventTooLarge

    def _line(self, line: bytes) -> StreamEvent | None:
        if not line:
            return self._dispatched()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match name:
            case b"data":
                self._check(len(value) + 1)
                self._size += len(value) + 1
                self._data.append(value)
            case b"event":
                self._check(len(value))
                self._type = value.decode("utf-8", "replace")
            case b"id":
                self._identify(value)
            case b"retry" if _DIGITS.fullmatch(value):
                self.retry = int(value) / 1000
            case _:  # a comment, whose name is empty, or a field to ignore
                pass
        return None

    def _identify(self, value: bytes) -> None:
        text = value.decode("utf-8", "replace")
        if len(value) <= LONGEST_ID and not _CONTROL.search(text):
            self._id = self._own_id = text

    def _dispatched(self) -> StreamEvent | None:
        """Return the event that an empty line ends, None when it has no data."""
        self.last_id = self._id
        data, kind, own = self._data, self._type, self._own_id
        self._data, self._type, self._own_id, self._size = [], "", None, 0
        return StreamEvent(kind or "message", b"\n".join(data), own or None) if data else None
