"""How long to wait before a step is tried again: retryAfter, or what the server asked for."""

from __future__ import annotations

from arazzo_runner.engine.effects import HttpResponse


def retry_after_seconds(response: object, now: float) -> float | None:
    """Return the seconds of an HTTP Retry-After header, None when there is no usable one.

    RFC 9110 §10.2.3: either delay-seconds or an HTTP-date; `now` is seconds since the epoch.
    """
    if not isinstance(response, HttpResponse):
        return None
    text = (response.header("retry-after") or "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:12])
    moment = http_date(text)
    return None if moment is None else max(0.0, moment - now)


def http_date(text: str) -> float | None:
    """Return an HTTP-date as seconds since the epoch, None for a text that is none.

    A date of unknown zone (`-0000`) is in UTC: the zone of this machine must not matter.
    """
    from datetime import UTC
    from email.utils import parsedate_to_datetime  # lazily: email costs 10 ms at a cold start

    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
