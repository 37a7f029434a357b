"""A request of a collection as a step, and as an operation of the description beside it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Final

from arazzo_runner.base.user_files import UnusableFile, json_of
from arazzo_runner.generate.description import METHODS, ApiOperation, ApiParameter, ApiResponse, path_names
from arazzo_runner.generate.draft import DraftParameter, DraftStep, Tree
from arazzo_runner.generate.generated import identifier
from arazzo_runner.generate.inferred_schemas import Schema, inferred
from arazzo_runner.generate.postman.addresses import Address, address_of
from arazzo_runner.generate.postman.authorization import auth_of_header, scheme_of
from arazzo_runner.generate.postman.bodies import payload_of
from arazzo_runner.generate.postman.effects import Effects
from arazzo_runner.generate.postman.items import Answer, Auth, Field, Item, Request
from arazzo_runner.generate.postman.making import Making, Surroundings
from arazzo_runner.generate.postman.variables import VARIABLE, Scope

_NOT_PARAMETERS: Final = frozenset(
    {
        "accept-encoding",
        "authorization",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "postman-token",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    }
)
"""Headers that clients write themselves, or that have a place of their own in a step."""
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MEDIA_TYPE: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(;[^{}\r\n]*)?")
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


def make_step(item: Item, around: Surroundings, scope: Scope, making: Making) -> DraftStep | None:
    """Return the step of a request, whose operation is described; None, with a warning, where that cannot be."""
    request = item.request
    assert request is not None  # it is no folder
    levels = (*around.scripts, item.scripts)
    effects = Effects(scope)
    effects.before([each for level in levels for each in level.before])
    address = address_of(request.url, scope)
    if address is None or request.method not in METHODS:
        reason = "its URL is not one of http or https" if address is None else "OpenAPI has no such method"
        making.warn(f'the request "{making.clean(item.name)}" is left out: {reason}', f"{item.pointer}/request")
        return None
    step = DraftStep(step_id=scope.step_id(identifier(item.name.lower(), "step")))
    operation = ApiOperation(
        method=request.method,
        path=address.path,
        operation_id=_operation_id(item.name),
        summary=making.clean(item.name),
        parameters=[ApiParameter(name=name, location="path") for name in path_names(address.path)],
    )
    _add_parameters(request, step, operation, scope)
    _add_security(item, around.auth, (step, operation), (scope, address, making))
    _add_body(item, step, operation, (scope, making))
    for answer in item.answers:
        _add_answer(answer, operation)
    effects.after([list(level.after) for level in levels], step, operation)
    _describe(step, operation, address, making)
    step.description = making.clean(item.description.strip().split("\n\n")[0] or item.name)
    for problem in scope.problems:
        making.warn(making.clean(problem), f"{item.pointer}/request")
    scope.problems.clear()
    for script, lines in effects.untranslated:
        making.list_lines(script, lines, step)
    return step


def _operation_id(name: str) -> str:
    words = _WORD.findall(name)
    if not words or words[0][0].isdigit() or len(words) > 8:
        return ""
    first: str = words[0]
    return first[:1].lower() + first[1:] + "".join(word[:1].upper() + word[1:] for word in words[1:])


def _describe(step: DraftStep, operation: ApiOperation, address: Address, making: Making) -> None:
    """Add an operation to the description of its server; give the step its name and its path parameters."""
    wanted = path_names(operation.path)
    same = making.description(address.server).add(operation)
    making.steps[address.server].append(step)
    step.operation_id = same.operation_id
    names = dict(zip(wanted, path_names(same.path), strict=True))
    step.parameters[:0] = [
        DraftParameter(name=names[name], location="path", value=value) for name, value in address.values.items()
    ]


# ------------------------------------------------------------------ parameters


def _add_parameters(request: Request, step: DraftStep, operation: ApiOperation, scope: Scope) -> None:
    queries: dict[str, list[Tree]] = {}
    for each in request.url.query:
        name = _plain_name(each.name, scope)
        if name:
            queries.setdefault(name, []).append(scope.value(each.value, name))
    for name, values in queries.items():
        schema: Schema = {"type": "string"} if len(values) == 1 else {"type": "array", "items": {"type": "string"}}
        _add(step, operation, name, "query", values[0] if len(values) == 1 else values, schema)
    headers: dict[str, tuple[str, Tree]] = {}
    for each in request.headers:
        name = _plain_name(each.name, scope)
        if name.lower() == "cookie":
            _add_cookies(each, step, operation, scope)
        elif name.lower() not in _NOT_PARAMETERS and _TOKEN.fullmatch(name):
            headers[name.lower()] = (name, scope.value(" ".join(each.value.split()), name))
    for name, value in headers.values():
        _add(step, operation, name, "header", value, {"type": "string"})


def _add_cookies(header: Field, step: DraftStep, operation: ApiOperation, scope: Scope) -> None:
    cookies = [each.strip().partition("=") for each in header.value.split(";")]
    for name, value in {name: value for name, _, value in cookies if _TOKEN.fullmatch(name)}.items():
        _add(step, operation, name, "cookie", scope.value(value, name, is_secret=bool(value)), {"type": "string"})


def _add(step: DraftStep, operation: ApiOperation, name: str, location: str, value: Tree, schema: Schema) -> None:
    step.parameters.append(DraftParameter(name=name, location=location, value=value))
    if name.lower() != "accept":  # OpenAPI describes it with the responses
        operation.parameters.append(ApiParameter(name=name, location=location, schema=schema))


def _plain_name(text: str, scope: Scope) -> str:
    return " ".join(VARIABLE.sub(lambda match: match[1], scope.shared.static(text)).split())


# ------------------------------------------------------------------ credentials


def _add_security(
    item: Item, inherited: Auth | None, made: tuple[DraftStep, ApiOperation], around: tuple[Scope, Address, Making]
) -> None:
    """Add the security scheme of a request; what an earlier step got for it is a parameter."""
    request = item.request
    assert request is not None
    step, operation = made
    scope, address, making = around
    header = next((each for each in request.headers if each.name.lower() == "authorization"), None)
    auth = request.auth or inherited
    if header is not None:
        auth = auth_of_header(header, item.pointer)
    if auth is None or auth.kind in ("noauth", ""):
        return
    found = scheme_of(auth, scope)
    if found is None:
        message = f'credentials of the kind "{making.clean(auth.kind)}" are not translated'
        if not any(each.at.pointer == auth.pointer for each in making.warnings):
            making.warn(message, auth.pointer, "OpenAPI has no such security scheme: add the credentials yourself")
        return
    operation.security = [{making.scheme(address.server, found.name, found.scheme): []}]
    if found.parameter is not None:
        kept = [each for each in step.parameters if each.name.lower() != found.parameter.name.lower()]
        step.parameters = [*kept, found.parameter]


# ------------------------------------------------------------------ bodies


def _add_body(item: Item, step: DraftStep, operation: ApiOperation, around: tuple[Scope, Making]) -> None:
    request = item.request
    assert request is not None
    scope, making = around
    if request.body is None:
        return
    if request.method in _NO_BODY:
        if request.body.text or request.body.fields:
            message = f'the body of the request "{making.clean(item.name)}" is left out: {request.method} has none'
            making.warn(message, f"{item.pointer}/request/body")
        return
    header = next((each.value for each in request.headers if each.name.lower() == "content-type"), "")
    content_type = scope.shared.static(header).strip()
    payload = payload_of(request.body, content_type if _MEDIA_TYPE.fullmatch(content_type) else "", scope)
    if payload is None:
        return
    step.content_type, step.body, step.has_body = payload.content_type, payload.value, True
    operation.bodies[payload.content_type] = payload.schema or None
    operation.body_required = True


def _add_answer(answer: Answer, operation: ApiOperation) -> None:
    """Add what a saved answer shows to the responses of an operation."""
    given = next((each.value for each in answer.headers if each.name.lower() == "content-type"), "")
    content_type = given.split(";")[0].strip()
    content_type = content_type if _MEDIA_TYPE.fullmatch(content_type) else ""
    schema: Schema | None = None
    if answer.body.strip() and ("json" in content_type or not content_type):
        try:
            schema = inferred(json_of(answer.body))
            content_type = content_type or "application/json"
        except UnusableFile:
            content_type = content_type if "json" not in content_type else ""
    content = {content_type: schema} if content_type and answer.body.strip() else {}
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Saved in the collection."
    operation.responses.setdefault(str(answer.status), ApiResponse(description=phrase, content=content))
