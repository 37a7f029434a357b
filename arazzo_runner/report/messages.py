"""Messages of a run as text: what was sent to a channel, what came, or why not; secrets masked."""

from __future__ import annotations

from arazzo_runner.base.secrets import Secrets
from arazzo_runner.engine.messages import ChannelMessage
from arazzo_runner.engine.results import Attempt, MessageExchange
from arazzo_runner.report.escaping import one_line
from arazzo_runner.report.excerpt import body_beginning
from arazzo_runner.report.exchange import body_excerpt, body_lines, header_lines
from arazzo_runner.report.json import key_text, shown_body
from arazzo_runner.report.masking import masked_url
from arazzo_runner.report.terminal.console import count, duration


def message_lines(attempt: Attempt, secrets: Secrets) -> list[tuple[str, str, list[str]]]:
    """Return what an attempt did with messages as (sign, line, details), none for an attempt at something else.

    The sign is `>` for what went out and `<` for what came in; details are headers and payload, as -vv shows them.
    """
    exchange = attempt.message
    if exchange is None:
        return []
    details = [] if exchange.message is None else message_details(exchange.message, secrets)
    if exchange.action == "receive":
        return [("<", received_line(exchange, secrets, attempt.duration_ms), details)]
    sent = (">", sent_line(exchange, secrets), details)
    outcome = outcome_line(exchange, secrets, attempt.duration_ms)
    return [sent] if outcome is None else [sent, ("<", outcome, [])]


def sent_line(exchange: MessageExchange, secrets: Secrets) -> str:
    """Return `send orders/place, mqtt://127.0.0.1:1883, application/json, 42 bytes`."""
    return one_line(", ".join([f"send {secrets.mask(exchange.address)}", *_facts(exchange, secrets)]))


def outcome_line(exchange: MessageExchange, secrets: Secrets, milliseconds: float) -> str | None:
    """Return whether a message was sent and how many got it, or why not; None if it was not tried."""
    if exchange.failure is not None:
        sent = "" if exchange.failure.sent else " (nothing was sent)"
        return one_line(f"not sent: {secrets.mask(exchange.failure.message)}{sent}")
    if exchange.message is None:
        return None
    receivers = [] if exchange.receivers is None else [count(exchange.receivers, "receiver")]
    return ", ".join(["sent", duration(milliseconds), *receivers])


def received_line(exchange: MessageExchange, secrets: Secrets, milliseconds: float) -> str:
    """Return `receive orders/confirmed, mqtt://…, after 31 ms, application/json, 42 bytes, 2 passed over`."""
    address = secrets.mask(exchange.address)
    passed_over = [f"{exchange.passed_over} passed over"] if exchange.passed_over else []
    if exchange.failure is not None:  # whose reason is in the line of the step
        facts = [masked_url(exchange.url, secrets), f"after {duration(milliseconds)}"]
        return one_line(", ".join([f"nothing received from {address}", *facts, *passed_over]))
    if exchange.message is None:
        return one_line(f"receive {address}, {masked_url(exchange.url, secrets)}")
    came = [f"after {duration(milliseconds)}"]
    return one_line(", ".join([f"receive {address}", *_facts(exchange, secrets, came), *passed_over]))


def awaited_line(exchange: MessageExchange, secrets: Secrets) -> str:
    """Return `receive orders/confirmed, mqtt://…, correlationId 42`, for a message that is waited for."""
    parts = [f"receive {secrets.mask(exchange.address)}", masked_url(exchange.url, secrets)]
    if exchange.correlation is not None:
        parts.append(f"correlationId {secrets.mask(exchange.correlation)}")
    return one_line(", ".join(parts))


def _facts(exchange: MessageExchange, secrets: Secrets, came: list[str] | None = None) -> list[str]:
    found = [masked_url(exchange.url, secrets), *(came or [])]
    message = exchange.message
    if message is not None and message.payload:
        kind = [] if message.content_type is None else [secrets.mask(message.content_type)]
        found += [*kind, count(len(message.payload), "byte")]
    return found


def message_details(message: ChannelMessage, secrets: Secrets) -> list[str]:
    """Return the key, the headers and the whole payload of a message, as -vv shows them."""
    key = [] if message.key is None else [one_line(f"key: {secrets.mask(key_text(message.key))}")]
    body = shown_body(message.payload, message.content_type, secrets)
    return [*key, *header_lines(message.headers, secrets), *body_lines(body)]


def payload_excerpt(message: ChannelMessage, secrets: Secrets, *, width: int | None = None) -> list[str]:
    """Return the first lines of a payload, each cut to `width` columns."""
    return body_excerpt(message.payload, message.content_type, secrets, width=width)


def payload_text(message: ChannelMessage, secrets: Secrets) -> tuple[str, bool]:
    """Return (the payload as text, True), or (the beginning of a large one, False)."""
    return body_beginning(message.payload, message.content_type, secrets)


def head_lines(message: ChannelMessage, secrets: Secrets) -> list[str]:
    """Return the headers of a message and what else its protocol has, as lines."""
    native = [one_line(f"{name}: {secrets.mask(str(value))}") for name, value in message.native.items()]
    return [*header_lines(message.headers, secrets), *native]


def rehearsed(step_id: str, exchange: MessageExchange, secrets: Secrets) -> str:
    """Return what a dry run shows of a step: the message that it would send, or what it would wait for."""
    details = []
    if exchange.action == "send":
        line = sent_line(exchange, secrets)
        details = [] if exchange.message is None else message_details(exchange.message, secrets)
    else:
        line = awaited_line(exchange, secrets)
    shown = [f"# {one_line(step_id)}", line, *(f"  {each}".rstrip() for each in details), ""]
    return "\n".join(shown) + "\n"


def step_call(exchange: MessageExchange, secrets: Secrets) -> str:
    """Return `send orders/place`, for a column of a table."""
    return one_line(f"{exchange.action} {secrets.mask(exchange.address)}")


def step_outcome(exchange: MessageExchange) -> str:
    """Return `sent`, `received`, or the reason of the failure, for a column of a table."""
    if exchange.failure is not None:
        return exchange.failure.reason
    if exchange.message is None:
        return ""
    return "sent" if exchange.action == "send" else "received"
