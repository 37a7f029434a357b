"""Recorded traffic to a document: the parts of this package, put together."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.records import Record, field
from arazzo_runner.document.problems import Problems
from arazzo_runner.document.source_map import from_value
from arazzo_runner.errors import Diagnostic, InvalidUsage, Location, Severity
from arazzo_runner.generate.draft import Draft
from arazzo_runner.generate.recording.credentials import secrets_of
from arazzo_runner.generate.recording.drafting import Matched, draft_of
from arazzo_runner.generate.recording.exchange import Exchange, Recording
from arazzo_runner.generate.recording.folding import Call, fold
from arazzo_runner.generate.recording.matching import Api, match
from arazzo_runner.generate.recording.minimal import NOT_DESCRIBED, describe
from arazzo_runner.generate.recording.selection import select
from arazzo_runner.generate.recording.values import Answers
from arazzo_runner.generate.writing import tree_text
from arazzo_runner.sources.openapi import load_openapi

UNMATCHED: Final = "request without an operation in the description"
_DESCRIBED: Final = "# Made from recorded traffic: paths, parameters and schemas as they were seen.\n"


class FromTraffic(Record, kw_only=True):
    """A draft, the descriptions that were made for it by their file names, and what was left out, by reason.

    `withheld` are the recorded values of secret inputs, which are written nowhere. `threaded` is how many values
    are taken from earlier answers.
    """

    _hidden_in_repr = ("withheld",)

    draft: Draft
    beside: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    withheld: Mapping[str, JsonValue] = field(default_factory=dict)
    threaded: int = 0


def from_traffic(
    recordings: Sequence[Recording], described: Sequence[Api] = (), *, only: Collection[str] = (), stem: str = ""
) -> FromTraffic:
    """Return the workflow of a recording; a second one shows which values are others in each run.

    Without descriptions, minimal ones are made: their file names begin with `stem`. Raises InvalidUsage when the
    first recording has no call of the API.
    """
    for api in described:
        api.deployed(recordings[0].exchanges)
    calls = [_calls(each, described, only) for each in recordings[:2]]
    if not calls[0]:
        raise InvalidUsage([_nothing(recordings[0], only)])
    apis, beside = (list(described), None) if described else _made(calls, stem)
    matched = [
        _matched(side, apis, recording, is_described=bool(described))
        for side, recording in zip(calls, recordings, strict=False)
    ]
    if not matched[0]:
        raise InvalidUsage([_nothing(recordings[0], only)])
    draft, flow = draft_of(_title(recordings[0], apis), matched[0], matched[1] if len(matched) > 1 else ())
    draft.notes = [f"Made from recorded traffic. {_summary(recordings[0])}"]
    return FromTraffic(
        draft=draft,
        beside=beside or {},
        left_out=dict(recordings[0].left_out),
        withheld={each.name: each.value for each in flow.inputs.values() if each.is_secret},
        threaded=flow.threaded,
    )


def summary_of(left_out: Mapping[str, int]) -> str:
    """Return what was left out, in one sentence.

    >>> summary_of({"static file": 2, "CORS preflight": 1})
    'left out: 2 × static file, 1 × CORS preflight'
    """
    listed = ", ".join(f"{number} × {reason}" for reason, number in left_out.items())
    return f"left out: {listed}" if listed else "nothing was left out"


def _summary(recording: Recording) -> str:
    text = summary_of(recording.left_out)
    return f"{text[:1].upper()}{text[1:]}."


def _calls(recording: Recording, described: Sequence[Api], only: Collection[str]) -> list[Call]:
    def is_described(each: Exchange) -> bool:
        return match(each, described) is not None

    return fold(recording, select(recording, only, is_described if described else None))


def _made(sides: Sequence[Sequence[Call]], stem: str) -> tuple[list[Api], dict[str, str]]:
    """Return minimal descriptions of all exchanges, and their texts by file name."""
    exchanges = [each.exchange for each in sides[0]]
    found = describe(
        exchanges, Answers(exchanges, secrets_of(exchanges)), [each.exchange for side in sides[1:] for each in side]
    )
    apis, beside = [], {}
    for each in found:
        file = f"{stem}.{each.name}.openapi.yml" if stem else f"{each.name}.openapi.yml"
        if len(found) == 1 and stem:
            file = f"{stem}.openapi.yml"
        value = each.description.tree()
        description = load_openapi(from_value(value, file), None, Problems())
        apis.append(Api(each.name, f"./{file}", description))
        beside[file] = _DESCRIBED + tree_text(value)
    return apis, beside


def _matched(side: Sequence[Call], apis: Sequence[Api], recording: Recording, *, is_described: bool) -> list[Matched]:
    found = []
    for each in side:
        operation = match(each.exchange, apis)
        if operation is None:
            recording.leave_out(UNMATCHED if is_described else NOT_DESCRIBED)
        else:
            found.append(Matched(call=each, match=operation))
    return found


def _title(recording: Recording, apis: Sequence[Api]) -> str:
    names = ", ".join(dict.fromkeys(str(_info(each).get("title") or each.name) for each in apis))
    return f"Recorded calls of {names}"[:200]


def _info(api: Api) -> Mapping[str, object]:
    info = api.description.root.get("info")
    return info if isinstance(info, dict) else {}


def _nothing(recording: Recording, only: Collection[str]) -> Diagnostic:
    hosts = list(dict.fromkeys(each.host for each in recording.exchanges))
    hint = f"the hosts in it are {', '.join(hosts[:5])}" if only else None
    why = summary_of(recording.left_out)
    if not hosts:
        why = "it has no request"
        hint = "record again, while the application calls its API"
    return Diagnostic(
        code="nothing-to-generate",
        severity=Severity.ERROR,
        message=f"the recording has no call of an API: {why}",
        at=Location(recording.name),
        hint=hint,
    )
