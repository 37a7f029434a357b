"""A broker in the process, behind the same interface as the others.

It takes the place of a broker of any protocol and knows its wildcards. It remembers what was sent: a subscription
that goes on from an earlier position gets what came meanwhile, as with Kafka.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import ClassVar, Final, TypeAlias

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import MutableRecord
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import BindingsByPlace, ChannelMessage, Published
from arazzo_runner.runtime.brokers.driver import Armed, BrokerFailure, Connection, Driver, Sink
from arazzo_runner.runtime.brokers.wildcards import Wildcards, matches, wildcards_of

LOG: Final = 10_000
"""How many messages the broker remembers."""

OnPublish: TypeAlias = Callable[[ChannelMessage], None]


class _Subscriber(MutableRecord, kw_only=True):
    pattern: str
    wildcards: Wildcards | None
    sink: Sink
    loop: asyncio.AbstractEventLoop

    def wants(self, message: ChannelMessage) -> bool:
        return matches(self.pattern, message.address, self.wildcards)

    def put(self, message: ChannelMessage, token: str, *, retained: bool = False) -> None:
        """Give a message to the sink, on its loop and in the order of the calls."""

        def give() -> None:
            self.sink.put(message, token, retained=retained)

        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(give)


class MemoryBroker:
    """A broker that lives as long as this object. It may be used by several runs, and from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._subscribers: list[_Subscriber] = []
        self._log: deque[tuple[int, ChannelMessage]] = deque(maxlen=LOG)
        self._retained: dict[str, tuple[int, ChannelMessage]] = {}
        self._sent = 0
        self._inboxes = 0
        self._listeners: list[OnPublish] = []
        self.failure: BrokerFailure | None = None

    def driver(self, *_: object) -> Callable[[], Driver]:
        """Return what makes a driver whose broker this is, whatever the protocol: `BrokerOptions(driver=…)`."""
        return lambda: MemoryDriver(self)

    def on_publish(self, listener: OnPublish) -> None:
        """Call a function with each message that runs send, after its subscribers got it. It may publish."""
        self._listeners.append(listener)

    def publish(self, message: ChannelMessage, *, retain: bool = False, after: float = 0.0) -> int:
        """Send a message, also from outside of a run; return how many get it: none yet with `after`, in seconds."""
        if after > 0:
            timer = threading.Timer(after, self.publish, [message], {"retain": retain})
            timer.daemon = True
            timer.start()
            return 0
        with self._lock:
            number, self._sent = self._sent, self._sent + 1
            self._log.append((number, message))
            if retain:
                self._retained[message.address] = (number, message)
            wanting = [each for each in self._subscribers if each.wants(message)]
            for each in wanting:
                each.put(message, str(number))
            return len(wanting)

    @property
    def messages(self) -> list[ChannelMessage]:
        """The messages that were sent, the oldest first."""
        with self._lock:
            return [message for _, message in self._log]

    def stop(self, failure: BrokerFailure | None = None) -> None:
        """End all subscriptions as a broker does that is killed, and refuse connections from now on."""
        with self._lock:
            self.failure = failure or BrokerFailure("closed", "the broker closed the connection")
            ended, self._subscribers = self._subscribers, []
            for each in ended:
                if not each.loop.is_closed():
                    each.loop.call_soon_threadsafe(each.sink.lost, self.failure)

    def add(self, subscriber: _Subscriber, since: int | None) -> int:
        """Add a subscriber, and give it what was sent since a position and what is retained; return the position."""
        with self._lock:
            if since is None:
                for number, message in self._retained.values():
                    if subscriber.wants(message):
                        subscriber.put(message, str(number), retained=True)
            else:
                for number, message in self._log:
                    if number >= since and subscriber.wants(message):
                        subscriber.put(message, str(number))
            self._subscribers.append(subscriber)
            return self._sent if since is None else since

    def remove(self, subscriber: _Subscriber) -> None:
        """End a subscription."""
        with self._lock:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

    def inbox(self, hint: str) -> str:
        """Return an address that is nobody else's."""
        with self._lock:
            self._inboxes += 1
            return f"{hint or 'inbox'}-{self._inboxes}"

    def took(self, message: ChannelMessage) -> None:
        """Tell the listeners of a message that a run sent."""
        for listener in list(self._listeners):
            listener(message)


class MemoryDriver(Driver):
    """A connection to a MemoryBroker."""

    protocols: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, broker: MemoryBroker) -> None:
        self._broker = broker
        self._protocol = ""
        self._subscribers: list[_Subscriber] = []

    async def open(self, connection: Connection) -> None:
        """Note which protocol the broker stands for."""
        self._protocol = connection.protocol
        self._check()

    async def arm(
        self,
        address: str,
        bindings: BindingsByPlace,
        position: JsonValue | None,
        sink: Sink,
        *,
        name: str,
        inbox: bool = False,
        headers: Headers = (),
    ) -> Armed:
        """Subscribe to an address."""
        self._check()
        before = position if isinstance(position, dict) else {}
        where = str(before["address"]) if before else self._broker.inbox(address) if inbox else address
        wildcards = None if inbox else wildcards_of(self._protocol)
        loop = asyncio.get_running_loop()
        subscriber = _Subscriber(pattern=where, wildcards=wildcards, sink=sink, loop=loop)
        since = self._broker.add(subscriber, before.get("offset"))
        self._subscribers.append(subscriber)
        return Armed(address=where, handle=subscriber, position={"address": where, "offset": since}, lossy=False)

    async def publish(self, message: ChannelMessage, bindings: BindingsByPlace) -> Published:
        """Send a message and say how many get it."""
        self._check()
        of_operation = bindings.get("operation", {})
        receivers = self._broker.publish(message, retain=bool(of_operation.get("retain", False)))
        self._broker.took(message)
        return Published(receivers=receivers)

    async def disarm(self, armed: Armed) -> None:
        """End a subscription."""
        if isinstance(armed.handle, _Subscriber):
            self._broker.remove(armed.handle)

    async def close(self) -> None:
        """End the subscriptions of this connection."""
        for subscriber in self._subscribers:
            self._broker.remove(subscriber)

    def _check(self) -> None:
        if self._broker.failure is not None:
            raise BrokerFailure("refused", "the broker is stopped")
