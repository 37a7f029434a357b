"""What every driver must do, as a table of scenes played through a BrokerWorld with effects, against a real broker.

A test makes a `Wire` for its broker and plays `SCENES` on it; `refused`, `wrong_login`, `untrusted` and `killed` need a
broker in a special state, and are called by themselves.

    @pytest.mark.parametrize("scene", scenes())
    def test_mqtt(scene, wire):
        scene(wire)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from arazzo_runner.base.records import Record, field, replace
from arazzo_runner.engine.effects import Effect
from arazzo_runner.engine.messages import (
    Broker,
    ChannelMessage,
    Correlation,
    NoMessage,
    Publish,
    Published,
    Receive,
    Received,
    Settle,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from arazzo_runner.runtime.brokers.driver import Login
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.taps import TapLimits
from arazzo_runner.runtime.brokers.world import Brokers
from arazzo_runner.sources.channel import Place

_NUMBERS = itertools.count()
LONG = 20.0  # seconds: nothing takes so long unless it fails
SHORT = 0.3  # seconds: for what does not come
PAYLOAD_ID = Place(part="payload", pointer=("order", "id"), text="$message.payload#/order/id")
HEADER_ID = Place(part="header", pointer=("X-Request-Id",), text="$message.header#/X-Request-Id")


class Wire(Record, kw_only=True):
    """A broker, and what can be done on it.

    - `address`: makes an address of a name that is new for each scene; the channels exist, or are made by it.
    - `bindings`: of all effects.
    - `headers`, `content_types`, `native`, `inboxes`: whether the protocol has them; `wildcard` is the address that
      listens to all that begin with a given one, None without.
    - `many`: how many foreign messages come before ours.
    - `keeps_order`: whether messages come in the order in which they were sent.
    """

    broker: Broker
    options: BrokerOptions = field(default_factory=BrokerOptions)
    address: Callable[[str], str] = str
    bindings: Mapping[Any, Any] = field(default_factory=dict)
    headers: bool = True
    content_types: bool = True
    native: bool = True
    inboxes: bool = True
    empty: bool = True
    wildcard: Callable[[str], str] | None = None
    many: int = 10_000


def broker_at(url: str, protocol: str | None = None, **more: Any) -> Broker:
    """Return the Broker at a URL, whose scheme is the protocol unless another is given."""
    return Broker(source="orders", server="local", protocol=protocol or url.partition(":")[0], url=url, **more)


def with_login(options: BrokerOptions, username: str, password: str) -> BrokerOptions:
    """Return options that log in."""
    return replace(options, login=lambda broker: Login(username=username, password=password))


class NoWorld:
    """The World inside: nothing but messages is asked for."""

    async def perform(self, effect: Any, /) -> Any:
        raise AssertionError(f"{effect} was passed on")


class Run:
    """One run on a wire: its effects, one after the other."""

    def __init__(self, wire: Wire, brokers: Brokers) -> None:
        self.wire = wire
        self.world = brokers.around(NoWorld())
        self.address = wire.address(f"scene-{next(_NUMBERS)}")

    def ask(self, effect: Effect[Any]) -> Any:
        """Return the answer to an effect."""
        try:
            self.world.perform(effect).__await__().send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("the World of a blocking run suspended")

    def arm(self, tap: str = "tap", address: str | None = None, **more: Any) -> Subscribed:
        """Subscribe, which succeeds."""
        answer = self.try_to_arm(tap, address, **more)
        assert isinstance(answer, Subscribed), answer
        return answer

    def try_to_arm(self, tap: str = "tap", address: str | None = None, **more: Any) -> Subscribed | NoMessage:
        """Subscribe, or not."""
        more = {"timeout": LONG, "broker": self.wire.broker, "bindings": self.wire.bindings, **more}
        answer: Subscribed | NoMessage = self.ask(
            Subscribe(key=f"arm/{tap}", tap=tap, address=self.address if address is None else address, **more)
        )
        return answer

    def send(self, payload: bytes = b"{}", *, address: str | None = None, **parts: Any) -> Published:
        """Send a message, which succeeds."""
        answer = self.try_to_send(payload, address=address, **parts)
        assert isinstance(answer, Published), answer
        return answer

    def try_to_send(
        self, payload: bytes = b"{}", *, address: str | None = None, timeout: float = LONG, **parts: Any
    ) -> Published | NoMessage:
        """Send a message, or not."""
        message = ChannelMessage(address=self.address if address is None else address, payload=payload, **parts)
        answer: Published | NoMessage = self.ask(
            Publish(
                key="send#1", broker=self.wire.broker, message=message, timeout=timeout, bindings=self.wire.bindings
            )
        )
        return answer

    def receive(self, tap: str = "tap", *, step: str = "receive#1", timeout: float = LONG, **more: Any) -> Received:
        """Wait for a message, which comes."""
        answer = self.wait(tap, step=step, timeout=timeout, **more)
        assert isinstance(answer, Received), answer
        return answer

    def wait(self, tap: str = "tap", *, step: str = "receive#1", timeout: float = SHORT, **more: Any) -> Any:
        """Wait for a message, or not."""
        return self.ask(Receive(key=f"{step}/m1", tap=tap, timeout=timeout, **more))

    def take(self, tap: str = "tap", **more: Any) -> Received:
        """Wait for a message and settle it."""
        found = self.receive(tap, **more)
        assert self.ask(Settle(key="settle", tap=tap, token=found.token)) is None
        return found


@contextmanager
def run_on(wire: Wire, **options: Any) -> Iterator[Run]:
    """Begin a run with its own connections."""
    with Brokers(replace(wire.options, **options)) as brokers:
        yield Run(wire, brokers)


def order(number: object) -> bytes:
    """Return a payload with an id at PAYLOAD_ID; a text is quoted, a number is not."""
    import json

    return json.dumps({"order": {"id": number}, "price": 7}).encode()


def correlated(value: str, *places: Place) -> Correlation:
    """Return the correlation with a value at a place."""
    return Correlation(places=places or (PAYLOAD_ID,), value=value)


# ------------------------------------------------------------------ scenes


def armed_first_and_correlated(wire: Wire) -> None:
    """armed first: a foreign id is passed over, the right one taken, a duplicate left for a retry"""
    with run_on(wire) as run:
        run.arm()
        run.send(order("77"))  # before the step's turn, foreign
        run.send(order("7"))
        run.send(order("7"))
        found = run.take(correlation=correlated("7"))
        assert (found.message.payload, found.passed_over, found.message.address) == (order("7"), 1, run.address)
        again = run.take(step="receive#2", correlation=correlated("7"))
        assert again.token != found.token
        assert run.wait(step="receive#3", correlation=correlated("7")).reason == "timeout"
        assert run.receive().message.payload == order("77")


def number_as_id(wire: Wire) -> None:
    """an id that is a number in the payload is compared as text, and a price of the same number is not the id"""
    with run_on(wire) as run:
        run.arm()
        run.send(order(42))
        run.send(order(7))
        assert run.receive(correlation=correlated("7")).message.payload == order(7)


def by_header(wire: Wire) -> None:
    """an id in a header is found whatever the case of its name"""
    if wire.headers:
        with run_on(wire) as run:
            run.arm()
            run.send(headers=(("x-request-id", "A-1"),))
            run.send(headers=(("x-request-id", "a-1"),), payload=b'{"a": 1}')
            found = run.receive(correlation=correlated("a-1", HEADER_ID))
            assert found.message.payload == b'{"a": 1}'
            assert dict(found.message.headers)["x-request-id"] == "a-1"


def by_native_id(wire: Wire) -> None:
    """the correlation id of the protocol itself is found"""
    if wire.native:
        with run_on(wire) as run:
            run.arm()
            run.send(native={"correlation_id": "other"})
            run.send(b"[1]", native={"correlation_id": "ours"})
            found = run.receive(correlation=Correlation(places=(), value="ours", native=True))
            assert found.message.payload == b"[1]"


def not_json(wire: Wire) -> None:
    """payloads that are no JSON are passed over, and given unchanged to a step that asks for any message"""
    contents = [b"{not json", bytes(range(256)), "Grüße".encode("latin-1"), b"\xff\xfe"]
    with run_on(wire) as run:
        run.arm()
        for content in contents:
            run.send(content)
        run.send(order("7"))
        found = run.take(correlation=correlated("7"))
        assert found.passed_over == len(contents)
        assert [run.take().message.payload for _ in contents] == contents


def nothing_in_it(wire: Wire) -> None:
    """an empty payload is one, and headers of any letters come as they were"""
    with run_on(wire) as run:
        run.arm()
        if wire.empty:
            run.send(b"")
            assert run.take().message.payload == b""
        if wire.headers:
            sent = (("name", "Zoë, ☃"), ("empty", ""))
            run.send(headers=sent)
            came = dict(run.take().message.headers)
            assert {name: came.get(name) for name, _ in sent} == dict(sent)


def type_of_the_content(wire: Wire) -> None:
    """the content type is kept"""
    if wire.content_types:
        with run_on(wire) as run:
            run.arm()
            run.send(b"<a/>", content_type="application/xml")
            assert run.receive().message.content_type == "application/xml"


def before_arming(wire: Wire) -> None:
    """messages from before the subscription never count"""
    with run_on(wire) as run:
        run.send(order("7"))
        run.arm()
        assert run.wait(correlation=correlated("7")).reason == "timeout"
        run.send(order("7"))
        assert run.receive(correlation=correlated("7")).passed_over == 0


def two_steps(wire: Wire) -> None:
    """one message is not given to two steps, and one that a step does not take is left to another"""
    with run_on(wire) as run:
        run.arm()
        run.send(b"1")
        first = run.receive(step="a#1")
        assert run.wait(step="b#1").reason == "timeout"
        run.send(b"2")
        second = run.receive(step="a#1", after=first.index)
        assert (second.message.payload, run.receive(step="b#1").message.payload) == (b"2", b"1")


def two_taps(wire: Wire) -> None:
    """two subscriptions of a run to one address get each message, and end apart"""
    with run_on(wire) as run:
        run.arm("one")
        run.arm("two")
        run.send(b"1")
        assert run.take("one").message.payload == run.take("two").message.payload == b"1"
        assert run.ask(Unsubscribe(key="u", taps=("one",))) is None
        run.send(b"2")
        assert run.take("two").message.payload == b"2"
        assert run.wait("one").reason == "closed"


def armed_again(wire: Wire) -> None:
    """a subscription that was ended and is made again begins anew"""
    with run_on(wire) as run:
        run.arm()
        run.send(b"1")
        run.receive()
        run.ask(Unsubscribe(key="u", taps=("tap",)))
        run.arm()
        assert run.wait().reason == "timeout"
        run.send(b"2")
        assert run.receive().message.payload == b"2"


def other_addresses(wire: Wire) -> None:
    """messages of other addresses do not come; with a wildcard they do"""
    with run_on(wire) as run:
        other = wire.address(f"other-{next(_NUMBERS)}")
        run.arm()
        run.send(address=other)
        assert run.wait().reason == "timeout"
        if wire.wildcard is not None:
            run.arm("all", wire.wildcard(run.address))
            inside = (
                wire.wildcard(run.address).replace("+", "eu").replace("*", "eu").replace("#", "eu").replace(">", "eu")
            )
            run.send(b"9", address=inside)
            found = run.receive("all")
            assert (found.message.payload, found.message.address) == (b"9", inside)


def replies(wire: Wire) -> None:
    """an inbox has an address of its own, at which replies come"""
    if wire.inboxes:
        with run_on(wire) as run:
            one, two = run.arm("one", inbox=True).address, run.arm("two", inbox=True).address
            assert one != two
            run.send(b"2", address=two)
            run.send(b"1", address=one)
            assert (run.receive("one").message.payload, run.receive("two").message.payload) == (b"1", b"2")
            if wire.native:
                run.arm()
                run.send(native={"reply_to": one})
                assert run.receive().message.native["reply_to"] == one


def many_before_ours(wire: Wire) -> None:
    """many thousand foreign messages come before ours"""
    with run_on(wire, limits=TapLimits(messages=wire.many + 1)) as run:
        run.arm()
        for number in range(wire.many):
            run.send(order(f"foreign-{number}"))
        run.send(order("7"))
        found = run.receive(correlation=correlated("7"))
        assert (found.message.payload, found.passed_over) == (order("7"), wire.many)


def too_large(wire: Wire) -> None:
    """a message that is too large ends the subscription, and what came before is still given"""
    with run_on(wire, limits=TapLimits(size=1000)) as run:
        run.arm()
        run.send(b"1")
        first = run.receive()  # it is there before the large one
        run.send(b"x" * 1001)
        answer = run.wait(after=first.index, timeout=LONG)
        assert (answer.reason, "1000" in answer.message.replace(",", "")) == ("too-large", True)
        assert run.take().message.payload == b"1"


def too_many(wire: Wire) -> None:
    """more messages than are kept end the subscription"""
    with run_on(wire, limits=TapLimits(messages=3)) as run:
        run.arm()
        for _ in range(4):
            run.send(order("foreign"))
        assert run.wait(timeout=LONG, correlation=correlated("7")).reason == "too-large"


SCENES: tuple[Callable[[Wire], None], ...] = (
    armed_first_and_correlated,
    number_as_id,
    by_header,
    by_native_id,
    not_json,
    nothing_in_it,
    type_of_the_content,
    before_arming,
    two_steps,
    two_taps,
    armed_again,
    other_addresses,
    replies,
    many_before_ours,
    too_large,
    too_many,
)


def scenes(*without: Callable[[Wire], None]) -> list[Any]:
    """Return the scenes as parameters of a test."""
    return [pytest.param(scene, id=str(scene.__doc__)) for scene in SCENES if scene not in without]


# ------------------------------------------------------------------ brokers that do not serve


def refused(wire: Wire, reason: str = "refused") -> None:
    """Check that nothing is sent to a broker that is not there, and that it is said at once."""
    with run_on(wire) as run:
        sent, armed = run.try_to_send(), run.try_to_arm()
        assert (sent.reason, sent.sent, armed.reason) == (reason, False, reason), (sent, armed)  # type: ignore[union-attr]


def wrong_login(wire: Wire, secret: str) -> None:
    """Check that a login that the broker does not take is told, without the password."""
    for answer in _answers(wire):
        assert (answer.reason, answer.sent) == ("credentials", False), answer
        assert secret not in repr(answer)


def untrusted(wire: Wire) -> None:
    """Check that a broker whose certificate is not trusted gets nothing."""
    for answer in _answers(wire):
        assert (answer.reason, answer.sent) == ("tls", False), answer
        assert "certificate" in answer.message or "TLS" in answer.message, answer


def _answers(wire: Wire) -> list[Any]:
    with run_on(wire) as run:
        return [run.try_to_send(), run.try_to_arm()]


def killed(wire: Wire, kill: Callable[[], None]) -> None:
    """Check that a broker that is killed ends subscriptions at once: what came before is given, nothing else does."""
    with run_on(wire) as run:
        run.arm()
        run.send(b"1")
        first = run.receive()  # it is here
        kill()
        answer = run.wait(after=first.index, timeout=LONG)
        assert answer.reason == "closed", answer
        assert run.take().message.payload == b"1"
        after = run.try_to_send()
        assert isinstance(after, NoMessage)
        assert (after.reason, after.sent) == ("refused", False), after
