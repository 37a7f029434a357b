"""Which exchanges of a recording are calls of the API: static files, third parties and preflights are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from typing import Final
from urllib.parse import urlsplit

from arazzo_runner.generate.recording.exchange import Exchange, Recording
from arazzo_runner.sources.http_media.media_types import essence, is_json, is_xml

PREFLIGHT: Final = "CORS preflight"
STATIC: Final = "static file"
PAGE: Final = "page or its navigation"
TRACKING: Final = "request of tracking"
_STATIC_KINDS: Final = frozenset(
    {"stylesheet", "image", "imageset", "font", "script", "media", "manifest", "texttrack"}
)
_TRACKING_KINDS: Final = frozenset({"beacon", "ping", "csp-report"})
_STATIC_TYPES: Final = ("image/", "font/", "audio/", "video/", "text/css", "application/wasm", "application/font")
_SCRIPTS: Final = frozenset({"application/javascript", "text/javascript", "application/x-javascript"})
_STATIC_ENDS: Final = (
    *(".js", ".mjs", ".css", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".avif", ".ico"),
    *(".woff", ".woff2", ".ttf", ".otf", ".eot", ".mp4", ".webm", ".mp3", ".wasm", ".webmanifest"),
)
_TRACKERS: Final = (
    *("google-analytics.com", "googletagmanager.com", "doubleclick.net", "googlesyndication.com", "facebook.com"),
    *("facebook.net", "hotjar.com", "segment.io", "segment.com", "sentry.io", "mixpanel.com", "amplitude.com"),
    *("fullstory.com", "intercom.io", "newrelic.com", "nr-data.net", "datadoghq.com", "browser-intake-datadoghq.com"),
    *("clarity.ms", "bing.com", "cloudflareinsights.com", "launchdarkly.com", "optimizely.com", "bugsnag.com"),
)

Matches = Callable[[Exchange], bool]


def select(recording: Recording, only: Collection[str], is_described: Matches | None) -> list[Exchange]:
    """Return the calls of the API in a recording, and count the others in it.

    `only` names hosts, perhaps with a port; `is_described` returns whether a description has the operation of an
    exchange, None without descriptions. What a description has is kept, whatever it looks like.
    """
    candidates = []
    for each in recording.exchanges:
        reason = None if is_described is not None and is_described(each) else _reason(each)
        if reason is None:
            candidates.append(each)
        else:
            recording.leave_out(reason)
    is_wanted = _wanted(recording, candidates, only, is_described)
    for each in candidates:
        if not is_wanted(each):
            recording.leave_out(f"request to {each.host}")
    return [each for each in candidates if is_wanted(each)]


def _reason(each: Exchange) -> str | None:
    if each.source:
        return None  # a cassette records calls of APIs only
    if (each.method == "OPTIONS" and each.header("access-control-request-method")) or each.kind == "preflight":
        return PREFLIGHT
    if each.kind in _TRACKING_KINDS:
        return TRACKING
    if each.kind in _STATIC_KINDS:
        return STATIC
    if each.method not in ("GET", "HEAD"):
        return None
    kind = essence(each.answer_type)
    if kind.startswith(_STATIC_TYPES) or kind in _SCRIPTS or urlsplit(each.url).path.lower().endswith(_STATIC_ENDS):
        return STATIC
    is_page = kind in ("text/html", "application/xhtml+xml") and each.kind not in ("xhr", "fetch")
    return PAGE if is_page or (each.kind == "document" and not is_json(kind)) else None


def _wanted(
    recording: Recording, candidates: list[Exchange], only: Collection[str], is_described: Matches | None
) -> Matches:
    """Return which of the candidates belong to the hosts that the recording is about."""
    if only:
        names = {each.lower() for each in only}
        return lambda each: each.host in names or each.origin.partition("://")[2] in names
    if is_described is not None and any(is_described(each) for each in candidates):
        hosts = {each.host for each in candidates if is_described(each)}
        return lambda each: each.host in hosts
    hosts = _main_hosts(recording, candidates)
    return lambda each: each.host in hosts


def _main_hosts(recording: Recording, candidates: list[Exchange]) -> set[str]:
    calls = Counter(each.host for each in candidates if _is_call(each) and not _is_tracker(each.host))
    sites = {_site(host) for host in recording.page_hosts}
    own = {host for host in calls if _site(host) in sites}
    if own:
        return own
    if sites and calls:
        return {calls.most_common(1)[0][0]}  # an app of one site that calls the API of another
    return set(calls) or {each.host for each in candidates if not _is_tracker(each.host)}


def _is_call(each: Exchange) -> bool:
    is_data = is_json(essence(each.answer_type)) or is_xml(each.answer_type)
    return is_data or each.method not in ("GET", "HEAD") or bool(each.source)


def _is_tracker(host: str) -> bool:
    return any(host == each or host.endswith(f".{each}") for each in _TRACKERS)


def _site(host: str) -> str:
    """Return the last two labels of a host name; an address is its own site."""
    labels = host.split(".")
    if len(labels) < 3 or all(label.isdigit() for label in labels):
        return host
    is_second_level = len(labels[-1]) == 2 and len(labels[-2]) <= 3  # co.uk, com.au
    return ".".join(labels[-3 if is_second_level else -2 :])
