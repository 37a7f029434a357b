"""A mock API: answers the operations of OpenAPI descriptions from their examples and schemas.

`MockApi.handle` is a function from request to response; `MockServer` serves it on loopback with
the standard library. A scenario (runtime/mock/scenario.py) adds state and failures.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any, Generic, Protocol, TypeVar

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.engine.effects import HttpRequest, HttpResponse
from arazzo_runner.expressions.scope import Message
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, OperationCall, Program
from arazzo_runner.runtime.mock.problem import Refused, problem
from arazzo_runner.runtime.mock.request import read_message, split_target
from arazzo_runner.runtime.mock.sampler import sample, sample_media
from arazzo_runner.runtime.mock.scenario import Drop, Scenario, read_scenario
from arazzo_runner.sources.http_media.media import (
    UnusableMedia,
    encode_body,
    essence,
    is_form,
    is_json,
)
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import MediaType, Operation, OperationResponse
from arazzo_runner.sources.references import ReferenceFailure
from arazzo_runner.sources.schema.check import schema_errors


class Served(Record):
    """One description and the path prefix it is served under ("" for the only one)."""

    description: OpenApiDescription
    prefix: str = ""


class LogEntry(Record):
    """One request as the mock saw it, and the status of its answer (0: no answer was sent)."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int

    def header(self, name: str) -> str | None:
        """Return a request header, its name read without regard to case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class MockApi(MutableRecord):
    """Answers requests for several descriptions; `log` records them in order."""

    served: Sequence[Served]
    scenario: Scenario | None = None
    log: list[LogEntry] = field(default_factory=list)
    _routes: list[tuple[str, re.Pattern[str], Operation, OpenApiDescription]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for served in self.served:
            for operation in served.description.operations():
                pattern = _pattern(served.prefix + operation.path)
                self._routes.append((operation.method, pattern, operation, served.description))
        # Literal segments win over variables (OpenAPI §Paths Object).
        self._routes.sort(key=lambda route: route[2].path.count("{"))

    def handle(self, request: HttpRequest) -> HttpResponse | Drop:
        """Answer one request; what is wrong with it gets a 4xx that says so."""
        try:
            answer = self._answer(request)
        except Refused as refused:
            answer = problem(refused.status, refused.detail)
        status = answer.status if isinstance(answer, HttpResponse) else 0
        entry = LogEntry(request.method, request.url, request.headers, request.body or b"", status)
        self.log.append(entry)
        return answer

    def _answer(self, request: HttpRequest) -> HttpResponse | Drop:
        path, query = split_target(request.url)
        fitting = [(route, match) for route in self._routes if (match := route[1].fullmatch(path))]
        if not fitting:
            return problem(404, f"no operation has the path {path}")
        allowed = [entry for entry in fitting if entry[0][0] == request.method]
        if not allowed and request.method == "HEAD":
            allowed = [entry for entry in fitting if entry[0][0] == "GET"]
        if not allowed:
            methods = ", ".join(sorted({route[0] for route, _ in fitting}))
            return problem(405, f"{path} takes {methods}", (("Allow", methods),))
        (_, _, operation, description), match = allowed[0]
        names = re.findall(r"\{([^{}]+)\}", operation.path)
        message = read_message(request, query, dict(zip(names, match.groups(), strict=False)))
        return self._operation_answer(operation, description, request, message)

    def _operation_answer(
        self, operation: Operation, description: OpenApiDescription, request: HttpRequest, message: Message
    ) -> HttpResponse | Drop:
        fault = unauthorised(operation, message) or misfit(operation, description, request, message)
        if fault is not None:
            return fault
        if self.scenario is not None:
            scripted = self.scenario.answer(operation.operation_id or operation.pointer, request, message)
            if scripted is not None:
                if scripted.delay:
                    time.sleep(scripted.delay)
                if scripted.drop:
                    return Drop()
                if scripted.status is not None:
                    return _response(scripted.status, scripted.headers, scripted.body)
        return documented_answer(operation, description)


# ------------------------------------------------------------------ answers


def documented_answer(operation: Operation, description: OpenApiDescription) -> HttpResponse:
    """Return the first documented success with its example or a sample of its schema."""
    status, response = _success(operation)
    if response is None or not response.content:
        return _response(status, _documented_headers(response, description), MISSING)
    content_type, media_type = _preferred(response)
    value = sample_media(media_type, lambda schema: _resolved(description, schema))
    try:
        raw, written = (b"", content_type) if value is MISSING else encode_body(value, content_type, media_type)
    except UnusableMedia as unusable:
        return problem(500, f"what the description documents cannot be written as {content_type}: {unusable}")
    headers = (("Content-Type", written), *_documented_headers(response, description))
    return HttpResponse(status, headers, b"" if status == 204 else raw)


def _success(operation: Operation) -> tuple[int, OperationResponse | None]:
    for status, response in operation.responses.items():
        if status.isdigit() and 200 <= int(status) < 300:
            return int(status), response
    for status, response in operation.responses.items():
        if status == "2XX":
            return 200, response
    return 200, operation.responses.get("default")


def _preferred(response: OperationResponse) -> tuple[str, Any]:
    chosen = next((item for item in response.content.items() if is_json(item[0])), next(iter(response.content.items())))
    content_type = "application/json" if "*" in chosen[0] else chosen[0]
    return content_type, chosen[1]


def _documented_headers(
    response: OperationResponse | None, description: OpenApiDescription
) -> tuple[tuple[str, str], ...]:
    headers = []
    for name, raw in (response.headers if response is not None else {}).items():
        schema = raw.get("schema", {}) if isinstance(raw, dict) else {}
        value = (
            raw.get("example")
            if isinstance(raw, dict) and "example" in raw
            else sample(schema, lambda s: _resolved(description, s))
        )
        if isinstance(value, (str, int, float)) and name.lower() != "content-type":
            headers.append((name, str(value)))
    return tuple(headers)


def _response(status: int, headers: Iterable[tuple[str, str]], body: JsonValue) -> HttpResponse:
    if body is MISSING or body is None:
        return HttpResponse(status, tuple(headers), b"")
    if isinstance(body, str):
        raw, kind = body.encode(), "text/plain; charset=utf-8"
    else:
        raw, kind = json.dumps(body).encode(), "application/json"
    given = tuple(headers)
    if not any(name.lower() == "content-type" for name, _ in given):
        given = (("Content-Type", kind), *given)
    return HttpResponse(status, given, raw)


# ------------------------------------------------------------------ checks


def unauthorised(operation: Operation, message: Message) -> HttpResponse | None:
    """Return a 401 when no security alternative of the operation is met (OpenAPI §Security Requirement)."""
    if not operation.security or any(
        all(_has_credential(operation.security_schemes.get(name), message) for name in alternative)
        for alternative in operation.security
    ):
        return None
    names = " or ".join(" and ".join(alternative) for alternative in operation.security)
    return problem(401, f"credentials are missing: {names}", (("WWW-Authenticate", "Bearer"),))


def _has_credential(scheme: JsonValue, message: Message) -> bool:
    if not isinstance(scheme, dict) or scheme.get("type") == "mutualTLS":
        return True
    authorization = str(message.header("authorization") or "")
    if scheme.get("type") == "apiKey":
        name = str(scheme.get("name", ""))
        if scheme.get("in") == "query":
            return name in message.query
        if scheme.get("in") == "cookie":
            cookies = str(message.header("cookie") or "")
            return any(pair.strip().partition("=")[0] == name for pair in cookies.split(";"))
        return message.header(name) is not MISSING
    if scheme.get("type") == "http" and str(scheme.get("scheme", "")).lower() != "bearer":
        return authorization.lower().startswith(str(scheme.get("scheme", "")).lower() + " ")
    return authorization.lower().startswith("bearer ") and len(authorization) > 7


def misfit(
    operation: Operation, description: OpenApiDescription, request: HttpRequest, message: Message
) -> HttpResponse | None:
    """Return a 4xx when the request does not fit the operation, None when it does."""
    for parameter in operation.parameters:
        if not parameter.required:
            continue
        absent = parameter.location == "query" and parameter.name not in message.query
        if absent and parameter.style != "deepObject" and _schema_type(description, parameter.schema) != "object":
            return problem(400, f'query parameter "{parameter.name}" is missing')
        if parameter.location == "header" and message.header(parameter.name) is MISSING:
            return problem(400, f'header "{parameter.name}" is missing')
    body = operation.request_body
    if body is None:
        return None
    if not request.body:
        return problem(400, "the request body is missing") if body.required else None
    content_type = essence(request.header("content-type"))
    media_type = next((media for name, media in body.content.items() if _covers(name, content_type)), None)
    if media_type is None and body.content:
        return problem(415, f"the body is {content_type or 'of no type'}, expected {', '.join(body.content)}")
    if media_type is not None and is_form(content_type):
        return _form_misfit(media_type.schema, description, message)
    if media_type is None or not is_json(content_type):
        return None
    return _body_misfit(media_type, description, message)


def _form_misfit(schema: JsonValue, description: OpenApiDescription, message: Message) -> HttpResponse | None:
    """Members of a form are texts, whatever their schema says: only whether they are there is checked."""
    found = _resolved(description, schema)
    required = found.get("required") if isinstance(found, dict) else None
    members = message.body if isinstance(message.body, dict) else {}
    lacking = [name for name in required if name not in members] if isinstance(required, list) else []
    return problem(422, f'the form lacks "{lacking[0]}"') if lacking else None


def _body_misfit(media_type: MediaType, description: OpenApiDescription, message: Message) -> HttpResponse | None:
    errors = schema_errors(
        message.body, media_type.schema, description.schemas, base=media_type.base, direction="request"
    )
    # A readOnly member should not be sent (OpenAPI §Schema Object); a server ignores it.
    real = [error for error in errors if not error.is_about_schema and error.keyword != "readOnly"]
    return problem(422, f"the request body does not fit: {real[0].message}") if real else None


def _schema_type(description: OpenApiDescription, schema: JsonValue) -> str | None:
    found = _resolved(description, schema)
    kind = found.get("type") if isinstance(found, dict) else None
    return kind if isinstance(kind, str) else None


def _covers(pattern: str, content_type: str) -> bool:
    plain = essence(pattern)
    if plain in ("*/*", content_type):
        return True
    return plain.endswith("/*") and content_type.startswith(plain[:-1])


def _resolved(description: OpenApiDescription, schema: JsonValue) -> JsonValue:
    try:
        return description.resolve(schema)[0]
    except ReferenceFailure:
        return {}


def _pattern(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^{}]+\}", path)
    return re.compile("([^/]+)".join(map(re.escape, parts)))


# ------------------------------------------------------------------ serving


class Serves(Protocol):
    """What a MockServer serves: it answers requests, for the descriptions `served`."""

    @property
    def served(self) -> Sequence[Served]:
        """The descriptions."""

    def handle(self, request: HttpRequest) -> HttpResponse | Drop:
        """Answer one request."""


Api = TypeVar("Api", bound=Serves)


class MockServer(Generic[Api]):
    """Serves a MockApi, or whatever answers like one, on loopback; a context manager.

    `url` is its base, `urls` the base by description URI. Requests are answered that name this
    machine or one of `allow_hosts` as their host, and that arrive within `seconds`; `on_refusal` is
    told of the others.
    """

    def __init__(
        self,
        api: Api,
        port: int = 0,
        host: str = "127.0.0.1",
        *,
        allow_hosts: Iterable[str] = (),
        seconds: float = 30.0,
        on_refusal: Callable[[Refused], None] | None = None,
    ) -> None:
        from arazzo_runner.runtime.mock.server import make_server

        self.api = api
        self._server = make_server(api, host, port, allow_hosts=allow_hosts, seconds=seconds, on_refusal=on_refusal)
        self.url = f"http://{host}:{self._server.server_address[1]}"
        self.urls = {served.description.base: self.url + served.prefix for served in api.served}

    def __enter__(self) -> MockServer[Api]:
        import threading

        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def served_descriptions(program: Program) -> list[Served]:
    """Return the descriptions a program's steps call, each under its source's name when there are several."""
    found: dict[str, tuple[str, OpenApiDescription]] = {}
    for source, _, description in program.operations():
        found.setdefault(description.base, (source, description))
    if len(found) == 1:
        return [Served(description) for _, description in found.values()]
    names: dict[str, int] = {}
    served = []
    for source, description in found.values():
        plain = re.sub(r"[^A-Za-z0-9_-]", "-", source)
        names[plain] = names.get(plain, 0) + 1
        suffix = "" if names[plain] == 1 else f"-{names[plain]}"
        served.append(Served(description, f"/{plain}{suffix}"))
    return served


@contextmanager
def mock_server(
    program: Program, *, scenario: str | PathLike[str] | Scenario | None = None, switches: Sequence[str] = ()
) -> Iterator[MockServer[MockApi]]:
    """Serve what a program calls while the block runs; `scenario` is a file of rules, or what was read from one."""
    if isinstance(scenario, Scenario):
        script: Scenario | None = scenario.fresh()
    else:
        script = None if scenario is None else read_scenario(scenario, switches)
    with MockServer(MockApi(served_descriptions(program), script)) as server:
        yield server


def with_servers(program: Program, urls: Mapping[str, str]) -> Program:
    """Return the program with every step led to the server of its description."""
    return replace(program, workflows={key: _led(workflow, urls) for key, workflow in program.workflows.items()})


def _led(workflow: CompiledWorkflow, urls: Mapping[str, str]) -> CompiledWorkflow:
    return replace(workflow, steps=tuple(_led_step(step, urls) for step in workflow.steps))


def _led_step(step: CompiledStep, urls: Mapping[str, str]) -> CompiledStep:
    if not isinstance(step.call, OperationCall):
        return step
    return replace(step, call=replace(step.call, server=urls.get(step.call.description.base, step.call.server)))
