"""Which driver serves a protocol: the built-in ones, and those of the entry point group `arazzo.brokers`.

Finding one imports its module, and not the library of the protocol: drivers do that when they connect.
"""

from __future__ import annotations

import importlib
import importlib.util
import re
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, entry_points, requires
from typing import Final, cast

from arazzo_runner.base.server_urls import DRIVERS
from arazzo_runner.engine.messages import Broker, NoMessage
from arazzo_runner.errors import did_you_mean
from arazzo_runner.runtime.brokers.driver import Driver

_PACKAGE: Final = "arazzo_runner.runtime.brokers"

BUILT_IN: Final = {
    **dict.fromkeys(("mqtt", "mqtts", "mqtt5", "secure-mqtt"), "mqtt:MqttDriver"),
    **dict.fromkeys(("nats", "nats-secure", "tls+nats", "nats+tls", "tls"), "nats:NatsDriver"),
    **dict.fromkeys(("kafka", "kafka-secure"), "kafka:KafkaDriver"),
    **dict.fromkeys(("amqp", "amqps"), "amqp:AmqpDriver"),
    **dict.fromkeys(("redis", "rediss"), "redis:RedisDriver"),
    **dict.fromkeys(("ws", "wss"), "websocket:WebSocketDriver"),
    **dict.fromkeys(("http", "https", "sse"), "http_channels:HttpDriver"),
}
"""The module beside this one and the class in it that serve a protocol, as AsyncAPI names it."""


def driver_for(broker: Broker) -> Callable[[], Driver] | NoMessage:
    """Return what makes the driver of a broker, or why there is none."""
    return driver_class(broker.protocol)


def why_not(protocol: str) -> NoMessage | None:
    """Return why messages of a protocol cannot be sent here, None when they can; its library is not imported."""
    found = driver_class(protocol)
    return found if isinstance(found, NoMessage) else None


def driver_class(protocol: str) -> type[Driver] | NoMessage:
    """Return the class of the driver of a protocol whose library is there, or why there is none."""
    try:
        found = _found(protocol)
    except Exception as problem:  # a package that adds a driver may raise anything
        text = f"the driver of the protocol {protocol} cannot be loaded: {type(problem).__name__}: {problem}"
        return NoMessage(reason="library", message=text.splitlines()[0], sent=False, code="library-missing")
    return _unknown(protocol) if found is None else _missing_library(found, protocol) or found


def _found(protocol: str) -> type[Driver] | None:
    path = BUILT_IN.get(protocol)
    if path is not None:
        module, _, name = path.partition(":")
        return cast("type[Driver]", getattr(importlib.import_module(f"{_PACKAGE}.{module}"), name))
    for entry in entry_points(group=DRIVERS):
        if entry.name == protocol:
            return cast("type[Driver]", entry.load())
    return None


def _missing_library(driver: type[Driver], protocol: str) -> NoMessage | None:
    """Return that the library of a driver is not installed, None when it is."""
    if driver.module is None or importlib.util.find_spec(driver.module) is not None:
        return None
    text = f"messages of the protocol {protocol} need the library {driver.module}, which is not installed"
    hint = f"pip install {_requirement(driver)} (docs/messages.md has all of them)"
    return NoMessage(reason="library", message=text, sent=False, code="library-missing", hint=hint)


def _requirement(driver: type[Driver]) -> str:
    """Return what pip is to install for a driver: not `arazzo[mqtt]`, which an index may have from somebody else."""
    try:
        requirements = requires("arazzo") or []
    except PackageNotFoundError:  # run from its source
        requirements = []
    for each in requirements if driver.extra is not None else ():
        library, _, marker = each.partition(";")
        if re.search(rf"""extra *== *["']{re.escape(driver.extra or "")}["']""", marker):
            return f"'{library.strip()}'"
    return str(driver.module)


def _unknown(protocol: str) -> NoMessage:
    known = sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=DRIVERS))})
    if not protocol:
        text, near = "the description does not say which protocol its server has", None
    else:
        text, near = f"there is no driver for the protocol {protocol[:100]}", did_you_mean(protocol, known)
    hint = near or f"protocols with a driver: {', '.join(known)}; docs/brokers.md says how to add one"
    return NoMessage(reason="library", message=text, sent=False, code="protocol-not-supported", hint=hint)
