"""Answers of Worlds, which other people write: those that an effect cannot have raise a TypeError that says so."""

from __future__ import annotations

from types import CoroutineType
from typing import Any, TypeVar

from arazzo_runner.base.kinds import type_of
from arazzo_runner.engine.effects import Effect, HttpResponse, NoFile, NoResponse, Now, ReadFile, SendRequest
from arazzo_runner.engine.messages import (
    ChannelMessage,
    NoMessage,
    Publish,
    Published,
    Receive,
    Received,
    Subscribe,
    Subscribed,
)

Answer = TypeVar("Answer")


def checked_answer(effect: Effect[Any], answer: Answer) -> Answer:
    """Return the answer of a World to an effect; raises TypeError for one that the effect cannot have.

    No value is in the message: it may be a secret.
    """
    wrong = _fault(effect, answer)
    if wrong is not None:
        raise TypeError(f"the World's answer to {type(effect).__name__} {wrong}")
    return answer


def _fault(effect: Effect[Any], answer: object) -> str | None:
    match effect:
        case SendRequest():
            is_right = isinstance(answer, (HttpResponse, NoResponse))
            return response_fault(answer) if is_right else _instead(answer, "an HttpResponse or a NoResponse")
        case ReadFile():
            return None if isinstance(answer, (bytes, NoFile)) else _instead(answer, "bytes or a NoFile")
        case Now():
            is_right = isinstance(answer, (int, float)) and not isinstance(answer, bool)
            return None if is_right else _instead(answer, "a float, the seconds since the epoch")
        case Subscribe():
            is_right = isinstance(answer, (Subscribed, NoMessage))
            return None if is_right else _instead(answer, "a Subscribed or a NoMessage")
        case Publish():
            is_right = isinstance(answer, (Published, NoMessage))
            return None if is_right else _instead(answer, "a Published or a NoMessage")
        case Receive():
            is_right = isinstance(answer, (Received, NoMessage))
            return _message_fault(answer) if is_right else _instead(answer, "a Received or a NoMessage")
        case _:
            return None


def _message_fault(answer: object) -> str | None:
    """Return what is wrong with the message of a Received, None when nothing is."""
    if not isinstance(answer, Received):
        return None
    message: Any = answer.message
    if not isinstance(message, ChannelMessage):
        return f"has the message of type {type_of(message)}: Received(message=…) is a ChannelMessage"
    payload, headers = _bytes_and_headers(message)
    if not isinstance(payload, bytes):
        return f"has the payload of type {type_of(payload)}: ChannelMessage(payload=…) is bytes"
    if not isinstance(headers, (tuple, list)) or not all(map(_is_pair, headers)):
        return 'has the wrong headers: ChannelMessage(headers=…) are pairs of str, such as (("id", "1"),)'
    return None


def _bytes_and_headers(message: ChannelMessage) -> tuple[Any, Any]:
    """Return the fields that a World fills; nothing has checked their types."""
    return message.payload, message.headers


def _instead(answer: object, wanted: str) -> str:
    if isinstance(answer, CoroutineType):
        answer.close()
        return f"must be {wanted}, not a coroutine: await it in perform"
    return f"must be {wanted}, not {type_of(answer)}"


def response_fault(answer: object) -> str | None:
    """Return what is wrong with the fields of a response, None when nothing is, or for anything else."""
    if not isinstance(answer, HttpResponse):
        return None
    status, headers, body = _fields(answer)
    if not isinstance(status, int) or isinstance(status, bool):
        return f"has the status of type {type_of(status)}: HttpResponse(status=…) is an int"
    if not isinstance(body, bytes):
        return f"has the body of type {type_of(body)}: HttpResponse(body=…) is bytes"
    if not isinstance(headers, (tuple, list)) or not all(map(_is_pair, headers)):
        return 'has the wrong headers: HttpResponse(headers=…) are pairs of str, such as (("X-Page", "1"),)'
    return None


def _fields(response: HttpResponse) -> tuple[Any, Any, Any]:
    """Return the fields that a World fills; nothing has checked their types."""
    return response.status, response.headers, response.body


def _is_pair(header: object) -> bool:
    return isinstance(header, (tuple, list)) and len(header) == 2 and all(isinstance(each, str) for each in header)
