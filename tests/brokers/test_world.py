from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from arazzo_runner.engine.effects import Now, Race, Sleep
from arazzo_runner.engine.interruption import interruption_of
from arazzo_runner.engine.messages import (
    ChannelMessage,
    NoMessage,
    Publish,
    Published,
    Receive,
    Received,
    Settle,
    Subscribe,
    Unsubscribe,
)
from arazzo_runner.runtime.brokers.driver import BrokerFailure, Driver, Login
from arazzo_runner.runtime.brokers.options import BrokerOptions
from arazzo_runner.runtime.brokers.registry import BUILT_IN, driver_class, why_not
from arazzo_runner.runtime.brokers.world import AsyncBrokerWorld, Brokers, BrokerWorld
from arazzo_runner.runtime.http import AsyncWorld, BlockingWorld
from arazzo_runner.runtime.race_turns import TurnsWorld
from arazzo_runner.runtime.scripted import ScriptedWorld
from arazzo_runner.runtime.signals import held_signals
from tests.brokers.scenario import LONG, Run, Wire, broker_at, correlated, order, run_on
from tests.brokers.troubled import Trouble, TroubledDriver

BROKER = broker_at("mqtt://user:in-the-url@broker.test:1883")


def on(trouble, **options):
    return run_on(Wire(broker=BROKER, options=BrokerOptions(driver=trouble.driver, **options)))


def publish(key="send#1", timeout=LONG, payload=b"1"):
    return Publish(key=key, broker=BROKER, message=ChannelMessage(address="a", payload=payload), timeout=timeout)


def receive(step="a", tap="tap", timeout=LONG, **more):
    return Receive(key=f"{step}#1/m1", tap=tap, timeout=timeout, **more)


def driven(world, effect):
    try:
        world.perform(effect).__await__().send(None)
    except StopIteration as done:
        return done.value


# ------------------------------------------------------------------ other effects


def test_other_effects_are_passed_on_and_no_thread_is_begun():
    inner = ScriptedWorld([{"request": "GET /", "status": 204}])
    with Brokers() as brokers:
        world = brokers.around(TurnsWorld(inner))
        assert isinstance(driven(world, Now(key="now")), float)
        assert driven(world, Sleep(key="wait", seconds=3)) is None
        assert driven(world, Race(key="race", effects=(Sleep(key="again", seconds=4),))) == (0, None)
        assert inner.waits == [3, 4]
        assert "arazzo-brokers" not in [thread.name for thread in threading.enumerate()]


def test_a_world_is_blocking_or_not_as_the_one_inside():
    with Brokers() as brokers:
        assert isinstance(brokers.around(BlockingWorld()), BrokerWorld)
        assert isinstance(brokers.around(AsyncWorld()), AsyncBrokerWorld)
        assert isinstance(brokers.around(ScriptedWorld([]), on_loop=True), AsyncBrokerWorld)
        assert brokers.around(BlockingWorld()).sends


# ------------------------------------------------------------------ failures are answers


FAILURES = [
    ("connecting is refused", {"open": BrokerFailure("refused", "nothing listens")}, "refused", False),
    ("sending is refused", {"publish": BrokerFailure("rejected", "no rights")}, "rejected", False),
    ("the connection is lost while sending", {"publish": BrokerFailure("closed", "gone", sent=True)}, "closed", True),
    ("a library fails while connecting", {"open": ValueError("odd")}, "library", False),
    ("a library fails while sending", {"publish": KeyError("odd")}, "library", True),
    (
        "closing fails",
        {"close": ValueError("odd"), "publish": BrokerFailure("closed", "gone", sent=True)},
        "closed",
        True,
    ),
]


@pytest.mark.parametrize(("at", "reason", "sent"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES])
def test_what_a_driver_raises_is_an_answer(at, reason, sent):
    with on(Trouble(**at)) as run:
        answer = run.try_to_send()
        assert (answer.reason, answer.sent) == (reason, sent)


def test_an_exception_of_a_library_is_told_by_its_class_and_first_line_without_secrets():
    problem = OSError("cannot log in to mqtt://user:in-the-url@broker.test with pass w0rd:\nmore\nlines")
    with on(Trouble(open=problem), login=lambda broker: Login(username="me", password="w0rd")) as run:
        answer = run.try_to_arm()
        assert answer.message == "OSError: cannot log in to mqtt://user:***@broker.test with pass ***"


@pytest.mark.parametrize(
    ("at", "reason", "sent", "told"),
    [
        pytest.param(
            {"open": "hang"}, "timeout", False, "no connection to broker.test:1883 within 0.2 s", id="connecting"
        ),
        pytest.param({"publish": "hang"}, "timeout", True, "did not confirm the message within 0.2 s", id="sending"),
        pytest.param(
            {"arm": "hang"}, "timeout", False, "did not confirm the subscription within 0.2 s", id="subscribing"
        ),
    ],
)
def test_a_timeout_says_what_took_too_long(at, reason, sent, told):
    with on(Trouble(**at)) as run:
        answer = run.try_to_arm(timeout=0.2) if "arm" in at else run.try_to_send(timeout=0.2)
        assert (answer.reason, answer.sent) == (reason, sent)
        assert told in answer.message
        assert "in-the-url" not in repr(answer)


def test_a_connection_has_a_limit_of_its_own():
    with on(Trouble(open="hang"), connect_timeout=0.1) as run:
        assert run.try_to_send().message == "no connection to broker.test:1883 within 0.1 s"


@pytest.mark.parametrize("option", ["login", "tls"])
def test_credentials_and_certificates_that_cannot_be_had_are_answers(option):
    trouble = Trouble()
    refusal = NoMessage(reason="credentials", message="no password is configured", sent=False)
    with on(trouble, **{option: lambda broker: refusal}) as run:
        assert (run.try_to_send().message, run.try_to_arm().message) == (refusal.message,) * 2
        assert trouble.reached == []


def test_receiving_without_a_subscription():
    with on(Trouble()) as run:
        answer = run.wait("unknown")
        assert (answer.reason, "unknown" in answer.message) == ("closed", True)
        assert run.ask(Settle(key="s", tap="unknown", token="1")) is None
        assert run.ask(Unsubscribe(key="u", taps=("unknown",))) is None


def test_settling_and_ending_that_fail_are_no_failures():
    with on(Trouble(settle=BrokerFailure("closed", "gone"), disarm=ValueError("odd"))) as run:
        run.arm()
        run.send()
        run.take()
        assert run.ask(Unsubscribe(key="u", taps=("tap",))) is None


# ------------------------------------------------------------------ connections


def test_one_connection_serves_all_and_a_login_of_its_own_has_another():
    trouble = Trouble()
    logins = iter(["one", "two"])
    with on(trouble, login=lambda broker: Login(username=next(logins))) as run:
        run.arm()
        run.send()
        run.arm("two")
        assert [each.login.username for each in trouble.connections] == ["one"]
        run.arm("other", broker=broker_at(BROKER.url, security=({"user": ()},)))
        assert [each.login.username for each in trouble.connections] == ["one", "two"]
        assert trouble.connections[0].shared is trouble.connections[1].shared


def test_a_connection_that_was_lost_meanwhile_is_opened_again():
    trouble = Trouble(publish=[None, BrokerFailure("closed", "gone")])
    with on(trouble) as run:
        run.arm()
        run.send(b"1")
        run.send(b"2")
        assert (len(trouble.connections), [each.payload for each in trouble.broker.messages]) == (2, [b"1", b"2"])
        assert run.take().message.payload == b"1"
        assert run.wait().reason == "closed"  # its subscription ended with the first connection


def test_a_message_that_may_have_been_sent_is_not_sent_again():
    trouble = Trouble(publish=[None, BrokerFailure("closed", "gone", sent=True)])
    with on(trouble) as run:
        run.send()
        assert run.try_to_send().sent
        assert trouble.reached.count("publish") == 2


def test_runs_that_share_connections_have_subscriptions_of_their_own():
    trouble = Trouble()
    with Brokers(BrokerOptions(driver=trouble.driver)) as brokers:
        one, two = brokers.around(ScriptedWorld([])), brokers.around(ScriptedWorld([]))
        for world, address in ((one, "a"), (two, "b")):
            driven(world, Subscribe(key="arm", broker=BROKER, address=address, tap="tap"))
        driven(one, publish())
        assert isinstance(driven(one, receive()), Received)
        assert driven(two, receive(timeout=0)).reason == "timeout"
        assert len(trouble.connections) == 1


def test_a_subscription_is_made_once_and_again_when_it_was_lost():
    trouble = Trouble()
    with on(trouble) as run:
        assert run.arm() == run.arm()
        assert trouble.reached.count("arm") == 1


def test_a_run_that_goes_on_gets_what_came_meanwhile():
    trouble = Trouble()
    with on(trouble) as run:
        address, begun = run.address, run.arm()
        run.send(b"1")
        taken = run.take()
    trouble.broker.publish(ChannelMessage(address=address, payload=b"2"))
    with on(trouble) as run:
        run.arm(address=address, position=begun.position)
        run.ask(Settle(key="settle", tap="tap", token=taken.token))
        assert run.take().message.payload == b"2"
        assert run.wait().reason == "timeout"


# ------------------------------------------------------------------ protocols


def test_a_protocol_without_a_driver():
    with run_on(Wire(broker=broker_at("mqqt://127.0.0.1"))) as run:
        answer = run.try_to_send()
        assert (answer.reason, answer.code, answer.sent) == ("library", "protocol-not-supported", False)
        assert "mqtt" in answer.hint
    assert why_not("mqqt") == NoMessage(
        reason="library", message=answer.message, code=answer.code, hint=answer.hint, sent=False
    )


def test_the_table_of_drivers_names_those_that_serve_a_protocol():
    found = {protocol: driver_class(protocol) for protocol in BUILT_IN}
    assert [protocol for protocol, driver in found.items() if not issubclass(driver, Driver)] == []
    assert {protocol for driver in found.values() for protocol in driver.protocols} <= BUILT_IN.keys()


def test_a_protocol_whose_library_is_missing(monkeypatch):
    assert why_not("mqtt") is None
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    answer = why_not("mqtts")
    assert answer.code == "library-missing"
    assert re.match(r"pip install 'aiomqtt[<>=.,0-9]+' \(docs/messages\.md", answer.hint)
    assert "aiomqtt" in answer.message


def test_whether_a_protocol_is_served_is_known_without_its_library():
    check = "import sys; from arazzo_runner.runtime.brokers.registry import why_not; assert why_not('mqtt') is None; print([each for each in ('aiomqtt', 'paho') if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_driver_of_another_package_that_cannot_be_loaded(monkeypatch):
    class Entry:
        name = "homing-pigeon"

        def load(self):
            raise ImportError("no pigeons\nat all")

    monkeypatch.setattr("arazzo_runner.runtime.brokers.registry.entry_points", lambda group: [Entry()])
    assert why_not("homing-pigeon").message.endswith("cannot be loaded: ImportError: no pigeons")


def test_a_driver_of_another_package_serves_its_protocol(monkeypatch):
    class Entry:
        name = "homing-pigeon"

        def load(self):
            return type(
                "PigeonDriver", (TroubledDriver,), {"__init__": lambda self: TroubledDriver.__init__(self, trouble)}
            )

    trouble = Trouble()
    monkeypatch.setattr("arazzo_runner.runtime.brokers.registry.entry_points", lambda group: [Entry()])
    with run_on(Wire(broker=broker_at("homing-pigeon://roof"))) as run:
        run.arm()
        run.send(b"coo")
        assert run.receive().message.payload == b"coo"


# ------------------------------------------------------------------ at the same time


def test_a_race_of_messages_answers_with_the_first_and_the_others_go_on():
    with on(Trouble()) as run:
        run.arm("tap")
        run.arm("other")
        one = receive("one", correlation=correlated("1"))
        two = receive("two", correlation=correlated("2"))
        gone = receive("gone", "other")
        race = Race(key="race", effects=(one, Sleep(key="sleep", seconds=LONG), two, gone))
        run.send(order("2"))
        index, answer = run.ask(race)
        assert (race.effects[index], answer.message.payload) == (gone if index == 3 else two, order("2"))
        run.send(order("1"))
        assert run.ask(Race(key="race", effects=(one,)))[1].message.payload == order("1")
        # What the second race did not have was given up: its message is left to others.
        assert run.receive("other").message.payload == order("2")


def test_a_wait_in_a_race_ends_in_its_time():
    with on(Trouble()) as run:
        run.arm()
        effects = (receive("one"), Sleep(key="sleep", seconds=0.05))
        assert run.ask(Race(key="race", effects=effects)) == (1, None)
        run.send()
        assert run.ask(Race(key="race", effects=effects[:1]))[1].message.payload == b"{}"


def test_asynchronous_effects_are_performed_at_the_same_time():
    async def main():
        async with Brokers(BrokerOptions(driver=Trouble().driver)) as brokers, AsyncWorld() as inner:
            world = brokers.around(inner)
            await world.perform(Subscribe(key="arm", broker=BROKER, address="a", tap="tap"))
            waiting = asyncio.ensure_future(world.perform(receive()))
            await asyncio.sleep(0)
            assert isinstance(await world.perform(publish()), Published)
            return await waiting

    assert asyncio.run(main()).message.payload == b"1"


def test_several_steps_wait_at_one_subscription_and_are_served_in_their_order():
    async def main():
        async with Brokers(BrokerOptions(driver=Trouble().driver)) as brokers, AsyncWorld() as inner:
            world = brokers.around(inner)
            await world.perform(Subscribe(key="arm", broker=BROKER, address="a", tap="tap"))
            waits = [receive("any"), receive("seven", correlation=correlated("7")), receive("also")]
            waiting = [asyncio.ensure_future(world.perform(each)) for each in waits]
            await asyncio.sleep(0)
            for payload in (b"1", order("7"), b"3"):
                await world.perform(publish(payload=payload))
            return [each.message.payload for each in await asyncio.gather(*waiting)]

    assert asyncio.run(main()) == [b"1", order("7"), b"3"]


# ------------------------------------------------------------------ interruptions


def test_cancelling_says_whether_a_message_was_under_way():
    async def cancelled(trouble, method):
        async with Brokers(BrokerOptions(driver=trouble.driver)) as brokers, AsyncWorld() as inner:
            task = asyncio.ensure_future(brokers.around(inner).perform(publish()))
            await asyncio.to_thread(trouble.wait_for, method)
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as stop:
                await task
            return interruption_of(stop.value).answers["send#1"]

    connecting = asyncio.run(cancelled(Trouble(open="hang"), "open"))
    sending = asyncio.run(cancelled(Trouble(publish="hang"), "publish"))
    assert [(each.reason, each.sent) for each in (connecting, sending)] == [
        ("interrupted", False),
        ("interrupted", True),
    ]


@contextmanager
def interrupted_when(trouble, method):
    """Send this process SIGINT when a driver's method is called, which raises KeyboardInterrupt in the block."""

    def interrupt():
        trouble.wait_for(method)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt) as stop, held_signals():
        yield stop
    thread.join()


@pytest.mark.parametrize(("method", "sent"), [("open", False), ("publish", True)])
def test_ctrl_c_says_whether_a_message_was_under_way(method, sent):
    trouble = Trouble(**{method: "hang"})
    with on(trouble) as run:
        with interrupted_when(trouble, method) as stop:
            run.ask(publish())
        answer = interruption_of(stop.value).answers["send#1"]
        assert (answer.reason, answer.sent) == ("interrupted", sent)


def test_ctrl_c_while_messages_are_waited_for():
    trouble = Trouble(publish="hang")
    with on(trouble) as run:
        run.arm()
        effects = (receive("one"), publish("two#1"))
        with interrupted_when(trouble, "publish") as stop:
            run.ask(Race(key="race", effects=effects))
        answers = interruption_of(stop.value).answers
        assert {key: (each.reason, each.sent) for key, each in answers.items()} == {
            "one#1/m1": ("interrupted", False),
            "two#1": ("interrupted", True),
        }


# ------------------------------------------------------------------ the end


@pytest.mark.parametrize("where", ["open", "publish", "close"])
def test_closing_does_not_wait_for_what_hangs(where):
    trouble = Trouble(**{where: "hang forever"})
    began = time.monotonic()
    with on(trouble) as run:
        answer = run.try_to_send(timeout=0.1)
        assert isinstance(answer, Published) is (where == "close")
    assert time.monotonic() - began < LONG


def test_nothing_is_sent_after_the_end():
    with on(Trouble()) as run:
        run.arm()
    answer = run.try_to_send()
    assert (answer.reason, answer.sent) == ("closed", False)
    assert run.wait().reason == "closed"
    assert run.ask(Unsubscribe(key="u", taps=("tap",))) is None


def test_what_hangs_does_not_keep_a_process_alive():
    check = """
import time
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.scenario import Wire, broker_at, run_on
wire = Wire(broker=broker_at("mqtt://h"), options=BrokerOptions(login=lambda broker: time.sleep(1000)))
with run_on(wire) as run:
    print(run.try_to_send(timeout=0.1).reason)
"""
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("timeout\n", "", 0)


# ------------------------------------------------------------------ libraries that go wrong


@pytest.mark.parametrize("method", ["open", "arm", "publish"])
def test_a_cancellation_that_a_library_raises_is_its_failure_and_no_interruption(method):
    with on(Trouble(**{method: asyncio.CancelledError()})) as run:
        answer = run.try_to_arm() if method == "arm" else run.try_to_send()
        assert (answer.reason, answer.message) == ("library", "CancelledError")


def test_a_failure_to_connect_that_nobody_waited_for_is_forgotten():
    class Slow(Trouble):
        async def meet(self, method):
            if method == "open" and not self.failed.is_set():
                await asyncio.to_thread(self.may_fail.wait)
                self.failed.set()
                raise BrokerFailure("refused", "it still starts")
            await super().meet(method)

    trouble = Slow()
    trouble.may_fail, trouble.failed = threading.Event(), threading.Event()
    with on(trouble) as run:
        assert run.try_to_send(timeout=0.05).reason == "timeout"
        trouble.may_fail.set()
        assert trouble.failed.wait(20)
        assert run.wait("none").reason == "closed"  # the loop has had a turn since
        run.send()


def test_a_process_without_room_for_a_thread_of_connections_gets_an_answer():
    pytest.importorskip("resource")
    script = """
import os, resource, warnings
from arazzo_runner.engine.messages import ChannelMessage, Publish
from arazzo_runner.runtime.brokers.world import Brokers
from tests.brokers.scenario import NoWorld, Run, Wire, broker_at
import asyncio.selector_events
warnings.simplefilter("ignore")
run = Run(Wire(broker=broker_at("mqtt://broker.test")), Brokers())
resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
answer = run.try_to_send()
print(answer.reason, answer.sent, answer.message)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.startswith("library False nothing can be sent or received: [Errno 24]")


# ------------------------------------------------------------------ what breaks together


def test_what_breaks_says_nothing_of_the_subscriptions_of_a_driver_that_reconnects():
    class Reconnecting(TroubledDriver):
        reconnects = True

    trouble = Trouble(publish=[BrokerFailure("closed", "gone", sent=True)])
    trouble.driver = lambda *_: lambda: Reconnecting(trouble)
    with on(trouble) as run:
        run.arm()
        assert run.try_to_send().reason == "closed"
        run.send(order(1))
        assert run.take().message.payload == order(1)
        assert trouble.reached.count("open") == 1


def test_a_lost_connection_ends_the_subscriptions_of_every_run_that_shares_it():
    trouble = Trouble(publish=[BrokerFailure("closed", "gone", sent=True)])
    with Brokers(BrokerOptions(driver=trouble.driver)) as brokers:
        one, other = (Run(Wire(broker=BROKER), brokers) for _ in range(2))
        other.arm()
        assert one.try_to_send().reason == "closed"
        assert other.wait(timeout=LONG).message == "gone"


def test_a_subscription_is_tried_again_although_the_lost_connection_may_have_had_it():
    trouble = Trouble(arm=[None, BrokerFailure("closed", "gone", sent=True)])
    with on(trouble) as run:
        run.arm("one")
        run.arm("other")
        assert trouble.reached.count("open") == 2
