"""Messages in the dialogue of `arazzo debug`: as lines, with their details, and as expressions read them."""

from __future__ import annotations

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import replace
from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.messages import ChannelMessage, NoMessage, Publish, Received
from arazzo_runner.engine.results import MessageExchange
from arazzo_runner.report.messages import awaited_line, message_details, outcome_line, received_line, sent_line
from arazzo_runner.runtime.debugger import After, Before
from arazzo_runner.sources.http_media.media import decode_body


def message_text(moment: Before | After, secrets: Secrets) -> str:
    """Return the line about a message that is sent or waited for, or about what came of it."""
    exchange = _exchange(moment)
    if isinstance(moment, Before):
        line = sent_line(exchange, secrets) if exchange.action == "send" else awaited_line(exchange, secrets)
        return f"> {line}"
    took = getattr(moment.answer, "elapsed_ms", 0.0)
    if exchange.action == "send":
        return f"< {outcome_line(exchange, secrets, took)}"
    return f"< {received_line(exchange, secrets, took)}"


def details_of_message(moment: Before | After, secrets: Secrets) -> list[str]:
    """Return headers and payload of the message that is there, nothing while none is."""
    message = _message(moment)
    return [] if message is None else message_details(message, secrets)


def message_context(moment: Before | After) -> dict[str, JsonValue]:
    """Return what expressions read of the message that is there."""
    message = _message(moment)
    if message is None:
        return {}
    body, _ = decode_body(message.payload, message.content_type)
    return {"message": {"header": dict(message.headers), **({} if body is MISSING else {"payload": body})}}


def _message(moment: Before | After) -> ChannelMessage | None:
    if isinstance(moment.effect, Publish):
        return moment.effect.message
    came = moment.answer if isinstance(moment, After) else None
    return came.message if isinstance(came, Received) else None


def _exchange(moment: Before | After) -> MessageExchange:
    """Return what happens as reports show it."""
    effect, subscribed = moment.effect, moment.subscribed
    is_sent = isinstance(effect, Publish)
    broker = effect.broker if isinstance(effect, Publish) else None if subscribed is None else subscribed.broker
    address = (
        effect.message.address if isinstance(effect, Publish) else "" if subscribed is None else subscribed.address
    )
    correlation = getattr(effect, "correlation", None)
    exchange = MessageExchange(
        action="send" if is_sent else "receive",
        source="" if broker is None else broker.source,
        protocol="" if broker is None else broker.protocol,
        url="" if broker is None else broker.url,
        address=address,
        message=_message(moment),
        correlation=None if correlation is None else correlation.value,
    )
    if not isinstance(moment, After):
        return exchange
    passed_over = getattr(moment.answer, "passed_over", 0)
    failure = moment.answer if isinstance(moment.answer, NoMessage) else None
    receivers = getattr(moment.answer, "receivers", None)
    return replace(exchange, failure=failure, passed_over=passed_over, receivers=receivers)
