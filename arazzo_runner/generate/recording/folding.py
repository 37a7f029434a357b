"""Exchanges that are one step: a redirect with the request it leads to, and a request that is repeated until done."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from arazzo_runner.base.json_values import JsonValue, escaped
from arazzo_runner.base.records import Record, replace
from arazzo_runner.generate.recording.exchange import Exchange, Recording
from arazzo_runner.sources.operation import SAFE_METHODS

REDIRECT: Final = "redirect, which is followed"
REPEATED: Final = "repeated request with an equal answer"
POLL: Final = "repeated request (the step retries)"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_TRANSIENT: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_LONGEST_WORD: Final = 40


class Retry(Record, kw_only=True):
    """How often a request was repeated, after how many seconds, and the condition that ended it, if any."""

    times: int
    after: float
    condition: str | None = None


class Call(Record, kw_only=True):
    """An exchange that is a step; `retry` when its request was repeated."""

    exchange: Exchange
    retry: Retry | None = None


def fold(recording: Recording, exchanges: list[Exchange]) -> list[Call]:
    """Return the calls of exchanges, and count those that are part of another's."""
    return list(_polls(recording, _without_redirects(recording, exchanges)))


def _without_redirects(recording: Recording, exchanges: list[Exchange]) -> list[Exchange]:
    found: list[Exchange] = []
    target: str | None = None
    for each in exchanges:
        if target is not None and found and _is_same_url(each.url, target) and each.method in ("GET", "HEAD"):
            recording.leave_out(REDIRECT)
            first = found.pop()
            headers = (*_cookies(first), *each.answer_headers)
            each = replace(
                each, method=first.method, url=first.url, headers=first.headers, body=first.body,
                answer_headers=headers, name=first.name, started=first.started,
            )  # fmt: skip
        found.append(each)
        location = each.answer_header("location") if each.status in _REDIRECTS else None
        target = _joined(each.url, location)
    return found


def _cookies(each: Exchange) -> Iterator[tuple[str, str]]:
    yield from (pair for pair in each.answer_headers if pair[0].lower() == "set-cookie")


def _joined(url: str, location: str | None) -> str | None:
    try:
        return urljoin(url, location) if location else None
    except ValueError:
        return None


def _is_same_url(one: str, other: str) -> bool:
    left, right = urlsplit(one), urlsplit(other)
    return (left.netloc, left.path or "/", left.query) == (right.netloc, right.path or "/", right.query)


def _polls(recording: Recording, exchanges: list[Exchange]) -> Iterator[Call]:
    index = 0
    while index < len(exchanges):
        run = [exchanges[index]]
        while index + len(run) < len(exchanges) and exchanges[index + len(run)].same == run[0].same:
            run.append(exchanges[index + len(run)])
        index += len(run)
        yield from _folded(recording, run)


def _folded(recording: Recording, run: list[Exchange]) -> Iterator[Call]:
    if len(run) == 1:
        yield Call(exchange=run[0])
        return
    last, before = run[-1], run[:-1]
    is_safe = last.method in SAFE_METHODS
    if all(each.status != last.status for each in before) and (
        is_safe or all(each.status in _TRANSIENT for each in before)
    ):
        recording.leave_out(POLL, len(before))
        yield Call(exchange=last, retry=Retry(times=len(before), after=_gap(run)))
        return
    condition = _changed(last.answer, [each.answer for each in before]) if is_safe else None
    if condition is not None:
        recording.leave_out(POLL, len(before))
        yield Call(exchange=last, retry=Retry(times=len(before), after=_gap(run), condition=condition))
    elif is_safe and all(_answered_alike(each, last) for each in before):
        recording.leave_out(REPEATED, len(before))
        yield Call(exchange=last)
    else:
        yield from (Call(exchange=each) for each in run)


def _answered_alike(one: Exchange, other: Exchange) -> bool:
    return one.status == other.status and one.answer == other.answer


def _gap(run: list[Exchange]) -> float:
    """Return the shortest time between two requests, in seconds; 1 if it is not known."""
    gaps = [later.started - earlier.started for earlier, later in pairwise(run)]
    return round(max(0.05, min(gaps)), 2) if all(each.started for each in run) else 1


def _changed(last: JsonValue, before: list[JsonValue]) -> str | None:
    """Return the condition that the last answer fulfils and none before: a word or a truth value in it is new."""
    for pointer, value in _words(last, ""):
        if all(_at(each, pointer) != value for each in before):
            shown = f"'{value}'" if isinstance(value, str) else str(value).lower()
            return f"$response.body#{pointer} == {shown}"
    return None


def _words(value: JsonValue, pointer: str) -> Iterator[tuple[str, JsonValue]]:
    if isinstance(value, dict):
        for name, each in value.items():
            if "'" not in name and len(pointer) < 200 and escaped(name).replace("_", "").replace("-", "").isalnum():
                yield from _words(each, f"{pointer}/{escaped(name)}")
    elif isinstance(value, bool) or (
        isinstance(value, str) and len(value) <= _LONGEST_WORD and value.replace("_", "").replace("-", "").isalpha()
    ):
        yield pointer, value


def _at(value: Any, pointer: str) -> Any:
    for token in pointer.split("/")[1:]:
        if not isinstance(value, dict):
            return None
        value = value.get(token)
    return value
