"""What several drivers read from a message or write into it: a content type among its headers, and its identity."""

from __future__ import annotations

import hashlib
from typing import Final

from arazzo_runner.engine.effects import Headers
from arazzo_runner.engine.messages import ChannelMessage

CONTENT_TYPE: Final = "content-type"


def content_type_in(headers: Headers) -> str | None:
    """Return the content type that headers say, None for none."""
    return next((value for name, value in headers if name.lower() == CONTENT_TYPE), None)


def headers_with_type(message: ChannelMessage, name: str = CONTENT_TYPE) -> Headers:
    """Return the headers of a message, with its content type under this name unless they say one."""
    if message.content_type is None or content_type_in(message.headers) is not None:
        return message.headers
    return (*message.headers, (name, message.content_type))


def joined(headers: Headers) -> dict[str, str]:
    """Return headers by name; those of the same name become one, with commas."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def digest_of(message: ChannelMessage, *more: str) -> str:
    """Return what is equal in messages of equal content; `more` counts as content."""
    digest = hashlib.sha256()
    texts = (message.address, message.content_type or "", repr(message.headers), *more)
    for part in (*(each.encode("utf-8", "replace") for each in texts), message.key or b"", message.payload):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:32]
