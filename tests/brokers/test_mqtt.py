from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from arazzo_runner.base.records import replace
from arazzo_runner.engine.messages import Settle, Unsubscribe
from arazzo_runner.runtime.brokers.mqtt import MqttDriver
from arazzo_runner.runtime.brokers.options import BrokerOptions
from tests.brokers.drivers import Collected, connection, opened, run
from tests.brokers.relay import relaying
from tests.brokers.scenario import (
    LONG,
    Wire,
    broker_at,
    correlated,
    killed,
    many_before_ours,
    order,
    refused,
    run_on,
    scenes,
    untrusted,
    with_login,
    wrong_login,
)
from tests.brokers.servers import PASSWORD, USER, Mosquitto, free_port


def wire_to(server, **more):
    return Wire(broker=broker_at(server.url, **more), address="orders/{}".format, wildcard="{}/+".format)


@pytest.mark.parametrize("scene", scenes())
def test_version_5(scene, mosquitto):
    scene(wire_to(mosquitto))


@pytest.mark.parametrize("scene", scenes(many_before_ours))
def test_version_3(scene, mosquitto):
    scene(replace(wire_to(mosquitto, protocol_version="3.1.1"), headers=False, native=False, content_types=False))


@pytest.mark.parametrize("scene", scenes()[:3])
def test_with_a_login_and_tls(scene, mosquitto_tls):
    options = BrokerOptions(tls=lambda broker: mosquitto_tls.client_tls)
    scene(replace(wire_to(mosquitto_tls), options=with_login(options, USER, PASSWORD)))


def test_a_login_that_is_refused(mosquitto_login):
    wrong_login(replace(wire_to(mosquitto_login), options=with_login(BrokerOptions(), USER, "wr0ng-one")), "wr0ng-one")
    wrong_login(wire_to(mosquitto_login), PASSWORD)


def test_a_certificate_that_is_not_trusted(mosquitto_tls):
    untrusted(wire_to(mosquitto_tls))


def test_no_broker():
    refused(Wire(broker=broker_at(f"mqtt://127.0.0.1:{free_port()}")))
    refused(Wire(broker=broker_at("mqtt://no-such-host.invalid")), "unknown-host")


def test_a_broker_that_is_killed(start_broker):
    server = start_broker(Mosquitto)
    killed(wire_to(server), server.kill)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_subscriptions_that_overlap_get_each_message_once(mosquitto, version):
    with run_on(wire_to(mosquitto, protocol_version=version)) as run:
        for tap, address in (("one", run.address), ("any", "orders/+"), ("all", "orders/#"), ("again", run.address)):
            run.arm(tap, address)
        run.send(b"1")
        run.send(b"2")
        for tap in ("one", "any", "all", "again"):
            assert [run.take(tap).message.payload for _ in range(2)] == [b"1", b"2"]
            assert run.wait(tap, timeout=0).reason == "timeout"
        run.ask(Unsubscribe(key="u", taps=("any", "one")))
        run.send(b"3")
        assert run.take("all").message.payload == run.take("again").message.payload == b"3"


def test_retained_messages_are_skipped_and_told_unless_they_are_asked_for(mosquitto):
    with run_on(replace(wire_to(mosquitto), bindings={"operation": {"retain": True}})) as run:
        run.send(b"kept")
        run.arm()
        answer = run.wait()
        assert (answer.reason, answer.retained, "1 from before" in answer.message) == ("timeout", 1, True)
        run.arm("asked", retained=True)
        assert run.take("asked").message.payload == b"kept"


def test_nobody_listens_is_known_in_version_5(mosquitto):
    with run_on(wire_to(mosquitto)) as run:
        assert run.send().receivers == 0
    with run_on(wire_to(mosquitto, protocol_version="3.1.1")) as run:
        assert run.send().receivers is None


def test_headers_need_version_5(mosquitto):
    with run_on(wire_to(mosquitto, protocol_version="3.1.1")) as run:
        answer = run.try_to_send(headers=(("X-Request-Id", "a-secret"),))
        assert (answer.reason, answer.sent) == ("rejected", False)
        assert "X-Request-Id" in answer.message
        assert "a-secret" not in repr(answer)


def test_what_the_broker_refuses_is_told_with_its_reason(start_broker, tmp_path):
    rules = tmp_path / "rules"
    rules.write_text("topic readwrite orders/#\n")
    server = start_broker(Mosquitto, extra=[f"acl_file {rules}", "max_packet_size 5000"])
    with run_on(wire_to(server)) as run:
        denied = run.try_to_send(address="others/1")
        assert (denied.reason, denied.sent, "Not authorized" in denied.message) == ("rejected", False, True)
        large = run.try_to_send(b"x" * 6000)
        assert (large.reason, large.sent, "Packet too large" in large.message) == ("too-large", False, True)
        run.send()
        assert run.try_to_send(address="orders/+").reason == "rejected"
        assert run.try_to_arm(address="orders/#/x").reason == "rejected"


def test_tls_where_there_is_none_and_the_other_way_round(mosquitto, mosquitto_tls):
    plain = Wire(broker=broker_at(mosquitto.url.replace("mqtt:", "mqtts:")))
    with run_on(plain) as run:
        answer = run.try_to_send()
        assert (answer.reason, answer.sent, "mqtt://" in answer.hint) == ("tls", False, True)
    secure = Wire(broker=broker_at(mosquitto_tls.url.replace("mqtts:", "mqtt:")))
    with run_on(secure) as run:
        answer = run.try_to_send()
        assert (answer.reason, answer.sent, "mqtts://" in answer.hint) == ("closed", False, True)


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_durable_run_gets_what_came_while_it_was_away(mosquitto, version):
    away = wire_to(mosquitto, protocol_version=version)
    wire = replace(away, options=BrokerOptions(durable_name=f"run-{version}"))
    with run_on(wire) as run:
        address, begun = run.address, run.arm()
        assert not begun.lossy
        for content in (b"taken", b"looked at"):
            run.send(content)
        taken = run.take()
        run.receive()
    with run_on(away) as other:
        other.send(b"missed", address=address)
    with run_on(wire) as run:
        run.arm(address=address, position=begun.position)
        run.ask(Settle(key="settle", tap="tap", token=taken.token))
        assert [run.take().message.payload for _ in range(2)] == [b"looked at", b"missed"]
        run.ask(Unsubscribe(key="u", taps=("tap",)))
        run.send(b"for nobody", address=address)
    with run_on(wire) as run:
        run.arm(address=address, position=begun.position)
        assert run.wait().reason == "timeout"


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_message_that_comes_again_after_a_crash_is_known_by_its_token(mosquitto, version):
    wire = replace(wire_to(mosquitto, protocol_version=version), options=BrokerOptions(durable_name=f"crash-{version}"))
    with run_on(wire) as run:
        address, begun = run.address, run.arm()
        run.send(b"1")
        run.send(b"2")
        journalled = run.receive()
    with run_on(wire) as run:
        run.arm(address=address, position=begun.position)
        run.ask(Settle(key="settle", tap="tap", token=journalled.token))
        assert run.take().message.payload == b"2"
        assert run.wait().reason == "timeout"
        run.ask(Unsubscribe(key="u", taps=("tap",)))


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_foreign_messages_do_not_use_up_what_a_durable_run_may_leave_unacknowledged(start_broker, version):
    server = start_broker(Mosquitto, extra=["max_inflight_messages 20"])
    wire = replace(wire_to(server, protocol_version=version), options=BrokerOptions(durable_name="run"))
    with run_on(wire) as run:
        run.arm()
        for number in range(60):
            run.send(order(number))
        for number in (59, 3, 58):
            assert run.take(correlation=correlated(str(number))).message.payload == order(number)


def test_mqtt_over_websockets(start_broker):
    port = free_port()
    server = start_broker(Mosquitto, extra=[f"listener {port} 127.0.0.1", "protocol websockets"])
    deadline = time.monotonic() + LONG
    while " running" not in server.log and time.monotonic() < deadline:  # its other listener is ready before this one
        time.sleep(0.01)
    with run_on(Wire(broker=broker_at(f"ws://127.0.0.1:{port}/mqtt", "mqtt"))) as run:
        run.arm()
        run.send(order("7"))
        assert run.receive(correlation=correlated("7")).message.payload == order("7")


def test_the_client_id_of_the_servers_binding(start_broker):
    server = start_broker(Mosquitto)
    wire = replace(wire_to(server), bindings={"server": {"clientId": "the-till", "keepAlive": 30}})
    with run_on(wire) as run:
        run.send()
    assert "as the-till (p5, c1, k30)" in server.log


@pytest.mark.parametrize("refusal", [b"\x20\x02\x00\x01", b""], ids=["with an answer", "without one"])
def test_a_broker_that_speaks_3_1_1_only(refusal):
    with old_broker(refusal) as (port, topics), run_on(Wire(broker=broker_at(f"mqtt://127.0.0.1:{port}"))) as run:
        run.send(address="orders/1")
        assert topics == [b"orders/1"]


def test_a_broker_that_goes_away_with_a_message_may_have_taken_it():
    answers = {1: b"\x20\x03\x00\x00\x00", 3: None}
    with raw_broker(answers) as port, run_on(Wire(broker=broker_at(f"mqtt://127.0.0.1:{port}"))) as run:
        answer = run.try_to_send()
        assert (answer.reason, answer.sent) == ("closed", True)


@pytest.mark.parametrize(
    ("answers", "sent"),
    [
        pytest.param({1: b""}, False, id="of no answer to the connection"),
        pytest.param({1: b"\x20\x03\x00\x00\x00", 3: b""}, True, id="of no answer to the message"),
    ],
)
def test_a_broker_that_is_silent(answers, sent):
    with raw_broker(answers) as port, run_on(Wire(broker=broker_at(f"mqtt://127.0.0.1:{port}"))) as run:
        answer = run.try_to_send(timeout=0.3)
        assert (answer.reason, answer.sent) == ("timeout", sent)


@contextmanager
def raw_broker(answers):
    """Answer each packet of one client by its kind with these bytes; None: close the connection."""

    def serve():
        with listener.accept()[0] as connection:
            while kind := connection.recv(1):
                connection.recv(connection.recv(1)[0], socket.MSG_WAITALL)
                answer = answers.get(kind[0] >> 4, b"")
                if answer is None:
                    return
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@contextmanager
def old_broker(refusal):
    """Take one message as a broker of 3.1.1 does, and refuse clients of version 5."""
    topics = []

    def packet(connection):
        kind, length = connection.recv(1), connection.recv(1)
        return kind and (kind[0] >> 4, connection.recv(length[0], socket.MSG_WAITALL))

    def serve():
        for _ in range(2):
            with listener.accept()[0] as connection:
                _, body = packet(connection)
                if body[6] != 4:
                    connection.sendall(refusal)
                    continue
                connection.sendall(b"\x20\x02\x00\x00")
                while (got := packet(connection)) and got[0] == 3:
                    size = int.from_bytes(got[1][:2], "big")
                    topics.append(got[1][2 : 2 + size])
                    connection.sendall(b"\x40\x02" + got[1][2 + size : 4 + size])

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], topics
        thread.join()


@pytest.mark.parametrize("topics", ["orders/#/all", "orders/#"], ids=["a wrong filter", "a wait that is given up"])
def test_subscriptions_that_do_not_come_about_leave_nothing_behind(mosquitto, topics):
    async def main():
        with relaying(mosquitto.port) as relay:
            to = replace(connection(mosquitto), url=f"mqtt://127.0.0.1:{relay.port}")
            async with opened(MqttDriver, to) as driver:
                for _ in range(3):
                    asked = asyncio.create_task(driver.arm(topics, {}, None, Collected(), name="tap"))
                    await asyncio.sleep(0)
                    if topics == "orders/#":
                        asked.cancel()
                    await asyncio.wait([asked])
                    assert asked.cancelled() or asked.exception().reason == "rejected"
                await driver.arm("orders/#", {}, None, Collected(), name="tap")
                assert relay.connections == 1

    run(main())
