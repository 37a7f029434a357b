from __future__ import annotations

import pytest

from arazzo_runner.engine.messages import ChannelMessage, Correlation, NoMessage, Receive, Received
from arazzo_runner.runtime.brokers.correlation import Correlated
from arazzo_runner.runtime.brokers.driver import BrokerFailure
from arazzo_runner.runtime.brokers.taps import Tap, TapLimits
from arazzo_runner.sources.channel import Place


def place(text):
    part, _, pointer = text.partition("#")
    return Place(part=part.split(".")[-1], pointer=tuple(pointer.split("/")[1:]), text=text)


def message(payload=b"{}", headers=(), **native):
    return ChannelMessage(address="orders", payload=payload, headers=headers, native=native)


CORRELATED = [
    ("a text in the payload", "$message.payload#/id", "7", message(b'{"id": "7"}'), True),
    ("a number is compared as text", "$message.payload#/id", "7", message(b'{"id": 7}'), True),
    ("a whole float as an expression writes it", "$message.payload#/id", "7", message(b'{"id": 7.0}'), True),
    ("true as JSON text", "$message.payload#/id", "true", message(b'{"id": true}'), True),
    ("null is no id", "$message.payload#/id", "null", message(b'{"id": null}'), False),
    ("a structure is no id", "$message.payload#/id", '{"a":1}', message(b'{"id": {"a":1}}'), False),
    ("case counts", "$message.payload#/id", "ab", message(b'{"id": "AB"}'), False),
    ("blanks count", "$message.payload#/id", "7", message(b'{"id": "7 "}'), False),
    ("deep in the payload, through an array", "$message.payload#/a/1/b", "7", message(b'{"a": [0, {"b": 7}]}'), True),
    ("elsewhere in the payload", "$message.payload#/id", "7", message(b'{"id": "8", "price": 7}'), False),
    ("no JSON", "$message.payload#/id", "7", message(b"id=7"), False),
    ("no text", "$message.payload#/id", "7", message(b"\xff\xfe7"), False),
    ("nested too deeply to be read", "$message.payload#/id", "7", message(b"[" * 200_000), False),
    ("the whole payload, a JSON text", "$message.payload", "abc", message(b'"abc"'), True),
    ("the whole payload, no JSON", "$message.payload", "abc", message(b"abc"), True),
    ("a header, whatever its case", "$message.header#/X-Id", "7", message(headers=(("x-id", "7"),)), True),
    ("a header twice is joined", "$message.header#/a", "7, 8", message(headers=(("a", "7"), ("A", "8"))), True),
    ("a header that is JSON inside", "$message.header#/h/id", "7", message(headers=(("H", '{"id": 7}'),)), True),
    ("a header that is not JSON inside", "$message.header#/h/id", "7", message(headers=(("H", "id=7"),)), False),
    ("no such header", "$message.header#/a", "7", message(), False),
    ("the payload does not stand for a header", "$message.header#/id", "7", message(b'{"id": "7"}'), False),
]


@pytest.mark.parametrize(
    ("where", "value", "came", "fits"), [case[1:] for case in CORRELATED], ids=[case[0] for case in CORRELATED]
)
def test_correlation_by_place(where, value, came, fits):
    assert Correlated(came).fits(Correlation(places=(place(where),), value=value)) is fits


@pytest.mark.parametrize(
    ("came", "fits"),
    [
        pytest.param(message(correlation_id="7"), True, id="the protocol's own"),
        pytest.param(message(correlation_id=7), True, id="a number"),
        pytest.param(message(headers=(("CORRELATIONID", "7"),)), True, id="a header"),
        pytest.param(message(headers=(("correlationId", "7"),), correlation_id="8"), True, id="either of them"),
        pytest.param(message(b'{"correlationId": "7"}'), False, id="not the payload"),
        pytest.param(message(correlation_id=None), False, id="none"),
    ],
)
def test_native_correlation(came, fits):
    assert Correlated(came).fits(Correlation(places=(), value="7", native=True)) is fits
    assert not Correlated(came).fits(Correlation(places=(), value="7"))


def test_any_of_several_places_will_do():
    two = Correlation(places=(place("$message.header#/id"), place("$message.payload#/id")), value="7")
    assert [Correlated(each).fits(two) for each in (message(b'{"id": 7}'), message(headers=(("id", "7"),)))] == [
        True,
        True,
    ]


def receive(step="a#1", after=-1, value=None):
    correlation = None if value is None else Correlation(places=(place("$message.payload#/id"),), value=value)
    return Receive(key=f"{step}/m1", tap="tap", timeout=1, after=after, correlation=correlation)


def tap_of(*payloads, **options):
    tap = Tap(options.pop("limits", TapLimits()), **options)
    for payload in payloads:
        tap.put(message(payload))
    return tap


def found(tap, *arguments, **named):
    answer = tap.look(receive(*arguments, **named)).found()
    return None if answer is None else answer.message.payload


def test_messages_come_in_the_order_of_arrival_and_a_settled_one_never_again():
    tap = tap_of(b"1", b"2")
    first = tap.look(receive()).found()
    assert (first.message.payload, first.index, first.passed_over) == (b"1", 0, 0)
    tap.settle(first.token)
    assert (found(tap), found(tap, after=1)) == (b"2", None)


def test_a_message_that_a_step_looks_at_is_kept_from_others_until_it_asks_for_another():
    tap = tap_of(b"1")
    assert (found(tap, "a#1"), found(tap, "b#1")) == (b"1", None)
    waiting = tap.look(receive("b#1"))
    assert waiting.found() is None
    assert found(tap, "a#1", after=0) is None
    assert waiting.found().message.payload == b"1"


def test_another_attempt_of_a_step_is_the_same_step():
    tap = tap_of(b"1")
    assert (found(tap, "flow#1/a#1"), found(tap, "flow#1/a#2"), found(tap, "flow#2/a#1")) == (b"1", b"1", None)


def test_a_tap_tells_when_a_look_may_find_more():
    calls = []
    tap = tap_of(changed=lambda: calls.append(1))
    tap.put(message(b"1"))
    token = tap.look(receive()).found().token
    tap.release("a")
    tap.leave(token)
    tap.lost(BrokerFailure("closed", "gone"))
    assert len(calls) == 4


def test_an_index_of_an_earlier_process_hides_nothing():
    assert found(tap_of(b"1", b"2"), after=1) == b"1"


def test_equal_messages_are_two_and_the_same_token_is_one():
    tap = tap_of(b"1", b"1")
    one, two = (tap.look(receive(step)).found() for step in ("a#1", "b#1"))
    assert one.token != two.token
    tap.put(message(b"x"), "7")
    tap.put(message(b"x"), "7")
    assert (found(tap, "c#1"), found(tap, "d#1")) == (b"x", None)


@pytest.mark.parametrize("before", [True, False], ids=["settled before it comes", "settled when it is there"])
def test_a_message_that_a_broker_gives_again_is_dropped(before):
    dropped = []
    tap = tap_of(dropped=dropped.append)
    tap.redelivers = True
    if not before:
        tap.put(message(b"1"), "7")
    tap.settle("7")
    tap.put(message(b"1"), "7")
    assert (found(tap), dropped) == (None, ["7"])


def test_an_equal_message_is_not_taken_for_one_that_an_earlier_process_settled():
    earlier, tap = tap_of(b"1"), tap_of()
    tap.redelivers = True
    tap.settle(earlier.look(receive()).found().token)
    tap.put(message(b"1"))
    assert found(tap) == b"1"


def test_retained_messages_are_counted_apart():
    tap = tap_of()
    tap.put(message(b"1"), retained=True)
    answer = tap.look(receive()).timed_out()
    assert (found(tap), answer.retained, answer.passed_over) == (None, 1, 0)
    tap = tap_of(counts_retained=True)
    tap.put(message(b"1"), retained=True)
    assert found(tap) == b"1"


def test_what_did_not_correlate_is_counted():
    look = tap_of(b'{"id": 1}', b"{}", b'{"id": 7}', b'{"id": 7}').look(receive(value="7"))
    assert look.found().passed_over == 2
    look = tap_of(b'{"id": 1}', b"{}").look(receive(value="7"))
    assert look.found() is None
    assert (look.timed_out().reason, look.timed_out().passed_over) == ("timeout", 2)


LIMITS = [
    ("one is too large", TapLimits(size=2), [b"1", b"xxx"]),
    ("too many", TapLimits(messages=1), [b"1", b"2"]),
    ("too much in all", TapLimits(size=10), [b"1", *[b"x" * 10] * 10]),
]


@pytest.mark.parametrize(("limits", "payloads"), [case[1:] for case in LIMITS], ids=[case[0] for case in LIMITS])
def test_a_tap_is_bounded(limits, payloads):
    tap = tap_of(*payloads, limits=limits)
    assert found(tap) == b"1"
    tap.settle(tap.look(receive()).found().token)
    look = tap.look(receive())
    while (left := look.found()) is not None:
        tap.settle(left.token)
    assert look.ended().reason == "too-large"


def test_messages_that_were_taken_make_room():
    tap = tap_of(limits=TapLimits(messages=1, size=4))
    for _ in range(20):
        tap.put(message(b"1234"))
        tap.settle(tap.look(receive()).found().token)
    assert tap.failure is None


def test_what_is_there_is_given_after_the_end_and_waited_for_while_another_step_looks_at_it():
    tap = tap_of(b"1")
    tap.lost(BrokerFailure("closed", "the broker is gone", hint="start it"))
    tap.put(message(b"2"))
    assert found(tap, "a#1") == b"1"
    other = tap.look(receive("b#1"))
    assert (other.found(), other.ended(), other.timed_out().reason) == (None, None, "closed")
    tap.leave(tap.look(receive("a#1")).found().token)
    assert isinstance(other.found(), Received)
    ended = tap.look(receive("b#1", after=0))
    assert ended.found() is None
    assert ended.ended() == NoMessage(reason="closed", message="the broker is gone", hint="start it", sent=False)


def test_a_long_conversation_does_not_look_at_what_was_taken_before():
    class Counting(Tap):
        looked_at = 0

        def message_at(self, index):
            self.looked_at += 1
            return super().message_at(index)

    tap = Counting(TapLimits())
    for number in range(1000):
        tap.put(message(str(number).encode()))
        tap.settle(tap.look(Receive(key=f"s#{number}/m1", tap="t", timeout=1)).found().token)
    assert tap.looked_at == 1000
