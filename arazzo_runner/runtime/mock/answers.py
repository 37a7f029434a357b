"""Answers of operations, from their descriptions: of what is documented, what the step at hand expects is preferred.

What a description does not document is never answered: a step that expects it fails, and the
mistake shows. Only a status may be such, where that is asked for (`lenient`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from arazzo_runner.base.json_values import MISSING, JsonValue, Missing, member, to_number, to_text
from arazzo_runner.base.records import Record, replace
from arazzo_runner.engine.criteria import judge
from arazzo_runner.engine.effects import Headers, HttpResponse, NoFile
from arazzo_runner.expressions.nodes import Condition, Constant, Keyword, MessageReference, operands_of
from arazzo_runner.expressions.scope import Message, Scope
from arazzo_runner.program.model import CompiledCriterion, ContextCriterion, SimpleCriterion
from arazzo_runner.program.values import criterion_references
from arazzo_runner.runtime.files import read_below
from arazzo_runner.runtime.mock.bodies import Shape, granted, value_at
from arazzo_runner.runtime.mock.expected import Expected
from arazzo_runner.runtime.mock.request import problem
from arazzo_runner.runtime.mock.sampler import followed, holds_something, sample, sample_media
from arazzo_runner.runtime.mock.wants import Want, wants
from arazzo_runner.sources.http_media.header_names import is_of_the_transport
from arazzo_runner.sources.http_media.media import UnusableMedia, encode_body, is_json
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import MediaType, Operation, OperationResponse
from arazzo_runner.sources.schema.check import PLAIN, SchemaContext

PATIENT: Final = 2
"""How many answers a step gets before one is preferred that ends its loop."""
_SECONDS: Final = 1.0
_BODYLESS: Final = (204, 205, 304)
_GONE: Final = (404, 410)
_OF_THE_BODY: Final = ("content-type", "content-encoding")
_NOTHING: Final = {"string": "", "integer": "0", "number": "0", "boolean": "false"}
"""What a header says that says nothing, by the type of its schema."""


class Asked(Record):
    """What is known of a request besides its operation.

    `expected` is what its step expects, `before` how many answers that step got; `gone` says that what it
    asks for was deleted; `amend` puts what is known of it into a sampled body.
    """

    expected: Expected = Expected()
    request: Message | None = None
    method: str = ""
    url: str = ""
    before: int = 0
    lenient: bool = False
    gone: bool = False
    amend: Callable[[JsonValue, Shape], JsonValue] | None = None


class Draft(Record):
    """An answer before it is written: its status, what is documented for it, its body as a value, its headers.

    Of a message of a channel (`is_message`) the body is a mapping of `payload` and `header`, as `wants` reads them.
    """

    status: int
    response: OperationResponse | None
    content_type: str = ""
    media_type: MediaType | None = None
    body: JsonValue | Missing = MISSING
    context: SchemaContext = PLAIN
    headers: Headers = ()
    is_message: bool = False


def documented_answer(
    operation: Operation, description: OpenApiDescription, asked: Asked | None = None
) -> HttpResponse:
    """Return the documented answer that comes nearest to what is expected, by default the first success."""
    return written(nearest(operation, description, asked or Asked()), description)


def nearest(operation: Operation, description: OpenApiDescription, asked: Asked) -> Draft:
    """Return the documented answer that comes nearest to what is expected.

    Its body is the first fitting example, else a sample of the schema, changed to what is expected where
    the schema allows that.
    """
    best: tuple[tuple[int, ...], Draft] | None = None
    for status in _likely(operation, asked):
        draft = _draft(operation, description, status, asked)
        score = nearness(draft, asked)
        if best is None or score > best[0]:
            best = score, draft
    assert best is not None
    return best[1]


# ------------------------------------------------------------------ statuses


def _likely(operation: Operation, asked: Asked) -> Sequence[int]:
    """Return the statuses that an answer may have and of which as much as possible is expected."""
    statuses = tuple(dict.fromkeys(_statuses(operation, asked)))
    if asked.gone:
        gone = [status for status in statuses if status in _GONE] or ([404] if asked.lenient else [])
        return gone[:1] or statuses[:1]
    scores = [_status_score(status, asked.expected.criteria) for status in statuses]
    return [status for status, score in zip(statuses, scores, strict=True) if score == max(scores)]


def _statuses(operation: Operation, asked: Asked) -> Iterator[int]:
    """Yield the documented statuses, successes first; of ranges and `default` those that criteria name."""
    known = list(operation.responses)
    exact = [int(status) for status in known if status.isdigit() and len(status) == 3]
    named = [status for status in _named_statuses(asked.expected.criteria) if 200 <= status <= 599]
    ranges = [int(status[0]) * 100 for status in known if status.upper().endswith("XX") and status[0].isdigit()]
    open_ones = [status for status in named if asked.lenient or not known or operation.documented(status) is not None]
    found = [*exact, *ranges, *open_ones, *(_GONE[:1] if "default" in known or 400 in ranges else ())]
    successes = [status for status in found if 200 <= status < 300]
    yield from successes or [status for status in found if 300 <= status < 400] or [200]
    yield from (status for status in found if not 200 <= status < 300)


def _named_statuses(criteria: Iterable[CompiledCriterion]) -> Iterator[int]:
    for criterion in criteria:
        values: Iterable[JsonValue] = ()
        if isinstance(criterion, SimpleCriterion) and _is_about_status(criterion):
            values = _constants(criterion.condition)
        elif isinstance(criterion, ContextCriterion) and _is_about_status(criterion):
            values = (criterion.expected,)
        for value in values:
            number = to_number(value)
            if isinstance(number, int):
                yield number


def _constants(node: Condition) -> Iterator[JsonValue]:
    if isinstance(node, Constant):
        yield node.value
    for operand in operands_of(node):
        yield from _constants(operand)


def _is_about_status(criterion: CompiledCriterion) -> bool:
    return all(reference == Keyword("statusCode") for reference in criterion_references(criterion))


def _status_score(status: int, criteria: Sequence[CompiledCriterion]) -> int:
    """Return how many of the criteria about the status hold; without any, 1 for a success."""
    about = [criterion for criterion in criteria if _is_about_status(criterion)]
    if not about:
        return int(200 <= status < 300)
    return sum(judge(each, Scope(status_code=status), _SECONDS).passed for each in about)


# ------------------------------------------------------------------ bodies


def _draft(operation: Operation, description: OpenApiDescription, status: int, asked: Asked) -> Draft:
    response = operation.documented(status)
    if response is None and asked.lenient:
        response = operation.responses.get("default")
    headers = _documented_headers(response, description)
    if status in _BODYLESS:
        return Draft(status, response, headers=headers)
    if response is None or not response.content:
        # Nothing is said about the body: it may be what is read of it, and otherwise there is none.
        free = Shape(MediaType(content_type="application/json"), description.schemas)
        draft = expected_body(Draft(status, response, "application/json", headers=headers), free, asked)
        if draft.body is MISSING:
            return Draft(status, response, headers=draft.headers)
        return replace(draft, media_type=free.media_type)
    content_type, media_type = _preferred(response)
    body = sample_media(media_type, description.schemas)
    shape = Shape(media_type, description.schemas)
    if asked.amend is not None:
        body = asked.amend(body, shape)
    draft = Draft(status, response, content_type, media_type, body, description.schemas, headers)
    if not is_json(content_type):
        return draft
    return expected_body(draft, shape, asked)


def expected_body(draft: Draft, shape: Shape, asked: Asked) -> Draft:
    """Return a draft whose body has what is read of it, and what makes the criteria hold, as far as that is allowed."""
    for path in asked.expected.reads:
        if not holds_something(value_at(draft.body, path)):
            draft = replace(draft, body=granted(draft.body, Want(path), shape))
    for criterion in asked.expected.criteria:
        draft = _fulfilled(draft, criterion, shape, asked)
    return _ending(draft, shape, asked) if asked.before >= PATIENT and asked.expected.repeats else draft


def _ending(draft: Draft, shape: Shape, asked: Asked) -> Draft:
    """Return a draft that ends the loops of its step, as far as the schema allows one."""
    for criteria in asked.expected.leaves:
        changed = draft
        for criterion in criteria:
            changed = _fulfilled(changed, criterion, shape, asked)
        if _all_hold(criteria, changed, asked):
            draft = changed
            break
    for criteria in asked.expected.returns:
        for criterion in reversed(criteria):
            if _all_hold(criteria, draft, asked):
                draft = _fulfilled(draft, criterion, shape, asked, hold=False)
    return draft


def _all_hold(criteria: Sequence[CompiledCriterion], draft: Draft, asked: Asked) -> bool:
    return all(_holds(criterion, draft, asked) for criterion in criteria)


def _fulfilled(draft: Draft, criterion: CompiledCriterion, shape: Shape, asked: Asked, *, hold: bool = True) -> Draft:
    """Return a draft for which a criterion holds, or does not hold, if the schema allows one."""
    if _holds(criterion, draft, asked) == hold:
        return draft
    for changed in _with_other_headers(draft, criterion):
        if _holds(criterion, changed, asked) == hold:
            return changed
    body = draft.body
    for want in wants(criterion, _scope(draft, asked), hold=hold):
        body = granted(body, want, shape)
        changed = replace(draft, body=body)
        if _holds(criterion, changed, asked) == hold:
            return changed
        if want.other_than == (MISSING,):  # a pattern: only trying tells which of the choices it matches
            for choice in shape.choices(want.path):
                changed = replace(draft, body=granted(body, Want(want.path, (choice,)), shape))
                if _holds(criterion, changed, asked) == hold:
                    return changed
    return replace(draft, body=body)


def _with_other_headers(draft: Draft, criterion: CompiledCriterion) -> Iterator[Draft]:
    """Yield a draft without a header that a criterion reads, if it is optional, and with nothing in it."""
    for reference in criterion_references(criterion):
        if not isinstance(reference, MessageReference) or reference.part != "header" or draft.response is None:
            continue
        name = (reference.name or "").lower()
        others = tuple(pair for pair in draft.headers if pair[0].lower() != name)
        raw = next((raw for key, raw in draft.response.headers.items() if key.lower() == name), None)
        found = followed(raw, draft.response.base, draft.context)[0]
        if len(others) == len(draft.headers) or not isinstance(found, dict):
            continue
        if found.get("required") is not True:
            yield replace(draft, headers=others)
        schema = followed(found.get("schema", {}), draft.response.base, draft.context)[0]
        kind = schema.get("type", "string") if isinstance(schema, dict) else "string"
        if isinstance(kind, str) and kind in _NOTHING:
            yield replace(draft, headers=(*others, (name, _NOTHING[kind])))


def _holds(criterion: CompiledCriterion, draft: Draft, asked: Asked) -> bool:
    return judge(criterion, _scope(draft, asked), _SECONDS).passed


def _scope(draft: Draft, asked: Asked) -> Scope:
    if draft.is_message:
        return Scope(inputs=asked.expected.inputs, message=message_of(draft.body))
    return Scope(
        inputs=asked.expected.inputs,
        status_code=draft.status,
        method=asked.method,
        url=asked.url,
        request=asked.request,
        response=Message(headers=(("Content-Type", draft.content_type), *draft.headers), body=draft.body),
    )


def message_of(body: JsonValue) -> Message:
    """Return a message of a channel as expressions read it, of a mapping of its `payload` and `header`."""
    headers = member(body, "header")
    named = headers.items() if isinstance(headers, dict) else ()
    return Message(headers=tuple((name, to_text(value)) for name, value in named), body=member(body, "payload"))


def nearness(draft: Draft, asked: Asked) -> tuple[int, int, int]:
    """Return how near a draft comes: criteria that hold, whether it ends a loop in time, values that are read."""
    expected = asked.expected
    held = sum(_holds(criterion, draft, asked) for criterion in expected.criteria)
    again = any(_all_hold(criteria, draft, asked) for criteria in expected.returns)
    there = sum(holds_something(value_at(draft.body, path)) for path in expected.reads)
    return held, int(asked.before < PATIENT or not again), there


def _preferred(response: OperationResponse) -> tuple[str, MediaType]:
    chosen = next((item for item in response.content.items() if is_json(item[0])), next(iter(response.content.items())))
    content_type = "application/json" if "*" in chosen[0] else chosen[0]
    return content_type, chosen[1]


# ------------------------------------------------------------------ writing


def written(draft: Draft, description: OpenApiDescription) -> HttpResponse:
    """Return an answer with its headers, its body encoded as it is documented."""
    headers = draft.headers
    if draft.media_type is None or draft.body is MISSING:
        typed = (("Content-Type", draft.content_type),) if draft.media_type is not None else ()
        return HttpResponse(draft.status, (*typed, *headers), b"")
    try:
        raw, kind = encode_body(draft.body, draft.content_type, draft.media_type, read_file=_file)
    except UnusableMedia as unusable:
        detail = f"what the description documents cannot be written as {draft.content_type}: {unusable}"
        return problem(500, detail)
    return HttpResponse(draft.status, (("Content-Type", kind), *headers), raw)


def _file(path: str) -> bytes:
    content = read_below((os.getcwd(),), path)
    if isinstance(content, NoFile):
        raise UnusableMedia(content.message)
    return content


def _documented_headers(
    response: OperationResponse | None, description: OpenApiDescription
) -> tuple[tuple[str, str], ...]:
    headers = []
    base = response.base if response is not None else ""
    for name, header in (response.headers if response is not None else {}).items():
        raw, base = followed(header, base, description.schemas)
        if not isinstance(raw, dict) or is_of_the_transport(name) or name.lower() in _OF_THE_BODY:
            continue
        value = raw["example"] if "example" in raw else sample(raw.get("schema", {}), description.schemas, base)
        if isinstance(value, (str, int, float)):
            headers.append((name, to_text(value)))
    return tuple(headers)
