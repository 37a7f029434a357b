"""Interactions about messages as parts of a cassette file, and read from it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias, get_args, get_type_hints

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import ChannelMessage, NoMessage
from arazzo_runner.runtime.cassette.messages import MessageAction, MessageInteraction
from arazzo_runner.runtime.cassette.placeholders import Placeholders
from arazzo_runner.runtime.cassette.reading import Reading

WriteBody: TypeAlias = Callable[[bytes | None, str | None, Placeholders], dict[str, JsonValue]]
"""Writes a body of a content type under the name of its form."""

ACTIONS: Final[tuple[MessageAction, ...]] = ("publish", "receive", "subscribe")
_REASONS: Final = frozenset(get_args(get_type_hints(NoMessage)["reason"]))


# ------------------------------------------------------------------ writing


def message_fields(each: MessageInteraction, placeholders: Placeholders, body: WriteBody) -> dict[str, JsonValue]:
    """Return an interaction as the fields of a cassette, every secret replaced; `body` writes a payload."""
    address = placeholders.text(each.address)
    fields: dict[str, JsonValue] = {
        "key": each.key,
        "started": each.started,
        "source": each.source,
        "protocol": each.protocol,
        "server": placeholders.url(each.server),
    }
    about: dict[str, JsonValue] = {"address": address}
    if each.action == "publish" and each.message is not None:
        about |= _message(each.message, placeholders, body)
    if each.correlation is not None:
        about["correlationId"] = placeholders.text(each.correlation)
    fields[each.action] = about
    return {**fields, **_outcome(each, placeholders, body)}


def _outcome(each: MessageInteraction, placeholders: Placeholders, body: WriteBody) -> dict[str, JsonValue]:
    failure = each.failure
    if failure is not None:
        return {
            "no-message": {
                "reason": failure.reason,
                "message": placeholders.text(failure.message),
                "sent": failure.sent,
                "passed_over": failure.passed_over,
                "elapsed_ms": round(failure.elapsed_ms, 3),
            }
        }
    if each.action == "subscribe":
        return {}
    elapsed = {"elapsed_ms": round(each.elapsed_ms, 3)}
    if each.action == "publish":
        receivers = {} if each.receivers is None else {"receivers": each.receivers}
        return {"published": {**elapsed, **receivers}}
    assert each.message is not None
    came: dict[str, JsonValue] = {"address": placeholders.text(each.message.address), **elapsed}
    if each.passed_over:
        came["passed_over"] = each.passed_over
    return {"message": {**came, **_message(each.message, placeholders, body)}}


def _message(message: ChannelMessage, placeholders: Placeholders, body: WriteBody) -> dict[str, JsonValue]:
    found: dict[str, JsonValue] = {}
    if message.headers:
        found["headers"] = [{name: value} for name, value in placeholders.headers(message.headers)]
    if message.content_type is not None:
        found["contentType"] = placeholders.text(message.content_type)
    if message.key is not None:
        found["messageKey"] = base64.b64encode(placeholders.data(message.key)).decode("ascii")
    if message.native:
        found["native"] = placeholders.value(message.native)
    return {**found, **body(message.payload, message.content_type, placeholders)}


# ------------------------------------------------------------------ reading


def action_of(raw: Mapping[str, JsonValue]) -> MessageAction | None:
    """Return the action of an interaction about a message, None for one over HTTP."""
    return next((action for action in ACTIONS if action in raw), None)


def read_message(raw: dict[str, JsonValue], action: MessageAction, at: str, reading: Reading) -> MessageInteraction:
    """Return an interaction; what is wrong with it is reported by `reading`."""
    about = reading.of(raw, at, action, dict)
    message = _read_message(about, f"{at}/publish", reading) if action == "publish" else None
    found = MessageInteraction(
        key=reading.of(raw, at, "key", str),
        action=action,
        started=reading.number(raw, at, "started"),
        source=reading.of(raw, at, "source", str, ""),
        protocol=reading.of(raw, at, "protocol", str, ""),
        server=reading.of(raw, at, "server", str, ""),
        address=reading.of(about, f"{at}/{action}", "address", str, ""),
        correlation=reading.of(about, f"{at}/{action}", "correlationId", str) if "correlationId" in about else None,
        message=message,
    )
    return _with_outcome(found, raw, at, reading)


def _with_outcome(
    found: MessageInteraction, raw: dict[str, JsonValue], at: str, reading: Reading
) -> MessageInteraction:
    if "no-message" in raw:
        failure = reading.of(raw, at, "no-message", dict)
        return replace(found, failure=_failure(failure, f"{at}/no-message", reading))
    if found.action == "receive":
        came, place = reading.of(raw, at, "message", dict), f"{at}/message"
        return replace(
            found,
            message=_read_message(came, place, reading),
            elapsed_ms=reading.number(came, place, "elapsed_ms"),
            passed_over=int(reading.number(came, place, "passed_over")),
        )
    if found.action == "publish":
        published, place = reading.of(raw, at, "published", dict, {}), f"{at}/published"
        receivers = int(reading.number(published, place, "receivers")) if "receivers" in published else None
        return replace(found, elapsed_ms=reading.number(published, place, "elapsed_ms"), receivers=receivers)
    return found


def _failure(raw: dict[str, JsonValue], at: str, reading: Reading) -> NoMessage:
    reason = reading.of(raw, at, "reason", str)
    if reason not in _REASONS:
        reading.refuse(f"the reasons are {', '.join(sorted(_REASONS))}", f"{at}/reason")
    return NoMessage(
        reason=reason,
        message=reading.of(raw, at, "message", str, ""),
        sent=reading.of(raw, at, "sent", bool, True),
        passed_over=int(reading.number(raw, at, "passed_over")),
        elapsed_ms=reading.number(raw, at, "elapsed_ms"),
    )


def _read_message(raw: dict[str, JsonValue], at: str, reading: Reading) -> ChannelMessage:
    key = reading.base64(raw, at, "messageKey") if "messageKey" in raw else None
    return ChannelMessage(
        address=reading.of(raw, at, "address", str, ""),
        payload=reading.body(raw, at),
        headers=_headers(raw, at, reading),
        content_type=reading.of(raw, at, "contentType", str) if "contentType" in raw else None,
        key=key,
        native=reading.of(raw, at, "native", dict, {}),
    )


def _headers(raw: dict[str, JsonValue], at: str, reading: Reading) -> Headers:
    found: list[tuple[str, str]] = []
    for index, each in enumerate(reading.of(raw, at, "headers", list, [])):
        if not isinstance(each, dict) or len(each) != 1 or not all(isinstance(one, str) for one in each.values()):
            reading.refuse("a header of a message is a mapping of its name to a text", f"{at}/headers/{index}")
        found += each.items()
    return tuple(found)
