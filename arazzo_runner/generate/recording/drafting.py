"""The Draft of recorded traffic: one workflow, a step for each call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from arazzo_runner.base.json_values import JsonValue
from arazzo_runner.base.names import unused_name
from arazzo_runner.base.records import MutableRecord, Record, field
from arazzo_runner.generate.draft import (
    Draft,
    DraftParameter,
    DraftSource,
    DraftStep,
    DraftWorkflow,
    Noted,
    Tree,
)
from arazzo_runner.generate.recording.credentials import (
    cookies,
    given_cookies,
    is_covered,
    own_headers,
    secrets_of,
)
from arazzo_runner.generate.recording.data_flow import Flow, Input, Other, Place
from arazzo_runner.generate.recording.exchange import Exchange, fields_of
from arazzo_runner.generate.recording.folding import Call, Retry
from arazzo_runner.generate.recording.matching import Match
from arazzo_runner.generate.recording.names import camel, singular
from arazzo_runner.generate.recording.values import Answers, leaves, nouns_of
from arazzo_runner.sources.operation import OperationParameter

_ID: Final = re.compile(r"[A-Za-z0-9_-]+")
_MOST_RETRIES: Final = 10


class Matched(Record, kw_only=True):
    """A call with its operation."""

    call: Call
    match: Match

    @property
    def exchange(self) -> Exchange:
        """The exchange of the call."""
        return self.call.exchange


class Sent(MutableRecord, kw_only=True):
    """The parts of a request that a step gives: parameters by their places, in order, and the body."""

    parameters: list[tuple[Place, JsonValue]] = field(default_factory=list)
    body: tuple[Place, JsonValue] | None = None

    def values(self) -> Mapping[tuple[str, str, str], JsonValue]:
        """Return every scalar by its place."""
        found: dict[tuple[str, str, str], JsonValue] = {}
        for place, value in self.parameters + ([] if self.body is None else [self.body]):
            for pointer, name, each, _ in leaves(value):
                found[place.location, name or place.name, pointer] = each
        return found


def draft_of(title: str, calls: Sequence[Matched], others: Sequence[Matched] = ()) -> tuple[Draft, Flow]:
    """Return a document with one workflow of the calls, and its flow; `others` are those of a second recording."""
    exchanges = [each.exchange for each in calls]
    step_ids = _step_ids(calls)
    given = _cookies_given(exchanges)
    sent = [_sent(number, each, given[number]) for number, each in enumerate(calls)]
    flow = Flow(
        answers=Answers(exchanges), step_ids=step_ids, secrets=secrets_of(exchanges), other=_other(calls, others)
    )
    sources = list(dict.fromkeys((each.match.api.name, each.match.api.location) for each in calls))
    steps = [
        _step(each, step_id, parts, flow, len(sources) > 1)
        for each, step_id, parts in zip(calls, step_ids, sent, strict=True)
    ]
    for step, outputs in zip(steps, flow.outputs, strict=True):
        step.outputs = dict(outputs)
    draft = Draft(
        title=title,
        summary="The requests of a recording, joined by their data.",
        sources=[DraftSource(name=name, url=location) for name, location in sources],
        workflows=[_workflow(flow.inputs.values(), steps)],
    )
    return draft, flow


def _workflow(inputs: Any, steps: list[DraftStep]) -> DraftWorkflow:
    found = DraftWorkflow(
        workflow_id="recorded",
        summary="The recorded requests, in their order.",
        description="What an answer gave is sent by the requests after it.",
        steps=steps,
    )
    for each in inputs:
        found.inputs[each.name] = _input_schema(each)
        if each.is_secret:
            found.required.append(each.name)
    return found


def _input_schema(each: Input) -> Tree:
    default = {} if each.is_secret else {"default": each.value}
    return {**each.schema, "description": each.description, **default}


def _step_ids(calls: Sequence[Matched]) -> list[str]:
    found: list[str] = []
    for each in calls:
        operation = each.match.operation
        wanted = each.exchange.name or operation.operation_id or f"{operation.method.lower()} {operation.path}"
        if not _ID.fullmatch(wanted):
            wanted = camel(wanted, "step")
        found.append(unused_name(wanted, found))
    return found


# ------------------------------------------------------------------ the parts of a request


def _cookies_given(exchanges: Sequence[Exchange]) -> list[frozenset[str]]:
    """Return, for each request, the names of the cookies that earlier answers of its host set."""
    found: list[frozenset[str]] = []
    by_host: dict[str, set[str]] = {}
    for each in exchanges:
        found.append(frozenset(by_host.get(each.host, ())))
        by_host.setdefault(each.host, set()).update(given_cookies(each))
    return found


def _sent(number: int, each: Matched, given: frozenset[str]) -> Sent:
    exchange, operation = each.exchange, each.match.operation
    found = Sent()
    nouns = nouns_of(operation.path)
    for name, text in each.match.values.items():
        declared = operation.parameter(name, "path")
        before = _before(operation.path, name)
        place = Place(
            call=number, location="path", name=name, called=_called(name, before), nouns=nouns_of(before, name)
        )
        found.parameters.append((place, _typed(text, declared)))
    for name, value in _query(each):
        place = Place(call=number, location="query", name=name, nouns=nouns_of("", name))
        found.parameters.append((place, value))
    for name, value in _headers(each):
        found.parameters.append((Place(call=number, location="header", name=name, nouns=nouns), value))
    for name, value in cookies(exchange):
        if name not in given and not is_covered(operation, name, "cookie"):
            found.parameters.append((Place(call=number, location="cookie", name=name, nouns=nouns), value))
    if exchange.body is not None:
        found.body = (Place(call=number, location="body", name="", nouns=nouns), exchange.body.value)
    return found


def _before(path: str, name: str) -> str:
    return path.partition(f"{{{name}}}")[0].rstrip("/")


def _called(name: str, before: str) -> str:
    """Return `orderId` for the `id` of a path of orders, other names as they are."""
    noun = before.rpartition("/")[2]
    is_bare = name.lower() in ("id", "uuid", "key", "name", "code", "number") and noun and "{" not in noun
    return camel(f"{singular(noun)}_{name}") if is_bare else name


def _query(each: Matched) -> Iterator[tuple[str, JsonValue]]:
    """Yield the fields of the query, as the description's styles put them together."""
    operation = each.match.operation
    deep: dict[str, dict[str, JsonValue]] = {}
    for name, value in fields_of(each.exchange.query).items():
        if is_covered(operation, name, "query"):
            continue
        outer, bracket, inner = name.partition("[")
        declared = operation.parameter(name, "query") or operation.parameter(f"{name}[]", "query")
        if declared is None and bracket and operation.parameter(outer, "query") is not None:
            deep.setdefault(outer, {})[inner.rstrip("]")] = value
            continue
        yield name, _query_value(value, declared)
    yield from deep.items()


def _query_value(value: JsonValue, declared: OperationParameter | None) -> JsonValue:
    if declared is not None and "array" in _types(declared):
        if isinstance(value, str) and not declared.explode:
            separator = {"spaceDelimited": " ", "pipeDelimited": "|"}.get(declared.style, ",")
            return [*value.split(separator)]
        return value if isinstance(value, list) else [value]
    return _typed(value, declared) if isinstance(value, str) else value


def _headers(each: Matched) -> Iterator[tuple[str, JsonValue]]:
    """Yield the headers that the step gives; credentials are added by the run, unless an earlier answer gave them."""
    operation = each.match.operation
    for name, value in own_headers(each.exchange):
        yield name, _typed(value, operation.parameter(name, "header"))


def _typed(text: str, declared: OperationParameter | None) -> JsonValue:
    """Return the text of a parameter as a value of its schema's type."""
    types = _types(declared)
    if "string" in types or not types:
        return text
    if "boolean" in types and text in ("true", "false"):
        return text == "true"
    if types & {"integer", "number"} and re.fullmatch(r"-?(0|[1-9]\d{0,17})", text):
        return int(text)
    if "number" in types and re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text):
        return float(text)
    return text


def _types(declared: OperationParameter | None) -> set[str]:
    schema = None if declared is None else declared.schema
    kind = schema.get("type") if isinstance(schema, dict) else None
    return set(kind) if isinstance(kind, list) else {kind} if isinstance(kind, str) else set()


# ------------------------------------------------------------------ steps


def _step(each: Matched, step_id: str, sent: Sent, flow: Flow, is_qualified: bool) -> DraftStep:
    exchange, operation = each.exchange, each.match.operation
    found = DraftStep(step_id=step_id, description=f"{exchange.method} {operation.path}")
    _name_operation(found, each.match, is_qualified)
    for place, value in sent.parameters:
        is_credential = place.location == "header" and is_covered(operation, place.name, "header")
        tree = flow.from_answers(place, value) if is_credential else flow.tree(place, value)
        if tree is None:
            continue  # the run adds its credential
        name = "Authorization" if place.name.lower() == "authorization" else place.name
        found.parameters.append(DraftParameter(name=name, location=place.location, value=tree))
    if exchange.body is not None and sent.body is not None:
        found.has_body = True
        found.content_type = exchange.body.content_type
        place, value = sent.body
        found.body = flow.file(place) if exchange.body.form == "binary" else flow.tree(place, value)
    found.criteria = [f"$statusCode == {exchange.status}"]
    if each.call.retry is not None:
        _retry(found, each.call.retry)
    return found


def _retry(step: DraftStep, retry: Retry) -> None:
    if retry.condition is not None:
        step.criteria.append(Noted(retry.condition, "what the last answer had, and none before"))
    step.on_failure = [
        {
            "name": "again",
            "type": "retry",
            "retryAfter": retry.after,
            "retryLimit": max(2 * retry.times, _MOST_RETRIES),
        }
    ]


def _name_operation(step: DraftStep, match: Match, is_qualified: bool) -> None:
    operation, name = match.operation, match.api.name
    known = operation.operation_id
    if known and len(match.api.description.same_id(known)) == 1:
        step.operation_id = f"$sourceDescriptions.{name}.{known}" if is_qualified else known
    else:
        step.operation_path = f"{{$sourceDescriptions.{name}.url}}#{operation.pointer}"


# ------------------------------------------------------------------ secrets and second recordings


def _other(calls: Sequence[Matched], others: Sequence[Matched]) -> Other | None:
    """Return the calls of a second recording that are those of the first, in the same order."""
    if not others:
        return None
    first_keys, second_keys = ([_operation_key(each) for each in side] for side in (calls, others))
    pairs: dict[int, int] = {}
    for block in SequenceMatcher(None, first_keys, second_keys, autojunk=False).get_matching_blocks():
        pairs |= {block.a + offset: block.b + offset for offset in range(block.size)}
    given = _cookies_given([each.exchange for each in others])
    return Other(
        {first: others[second].exchange for first, second in pairs.items()},
        {first: _sent(first, others[second], given[second]).values() for first, second in pairs.items()},
    )


def _operation_key(each: Matched) -> tuple[str, str, str, int]:
    operation = each.match.operation
    return each.match.api.name, operation.method, operation.path, each.exchange.status
