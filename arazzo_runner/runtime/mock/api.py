"""A mock API, and the World of dry runs: operations answered from examples and schemas of their descriptions.

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
from typing import Any, Generic, Protocol, TypeVar, assert_never, cast

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.engine.effects import (
    Answer,
    Batch,
    Effect,
    HttpRequest,
    HttpResponse,
    NoFile,
    Now,
    ReadFile,
    SendRequest,
    Sleep,
    known,
)
from arazzo_runner.expressions.scope import Message
from arazzo_runner.program.model import CompiledStep, CompiledWorkflow, OperationCall, Program, Unlinked, WorkflowCall
from arazzo_runner.runtime.files import read_upload
from arazzo_runner.runtime.mock.request import (
    Refused,
    mismatch,
    problem,
    read_message,
    resolved,
    split_target,
    unauthorised,
)
from arazzo_runner.runtime.mock.sampler import sample, sample_media
from arazzo_runner.runtime.mock.scenario import Drop, Scenario, read_scenario
from arazzo_runner.sources.http_media.media import (
    UnusableMedia,
    encode_body,
    is_json,
)
from arazzo_runner.sources.openapi import OpenApiDescription
from arazzo_runner.sources.operation import Operation, OperationResponse
from arazzo_runner.sources.path_template import has_long_variables, variable_pattern


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
                pattern = _pattern(served.prefix + operation.path, operation)
                self._routes.append((operation.method, pattern, operation, served.description))
        # Literal segments win over variables (OpenAPI §Paths Object), and variables of one segment over others.
        self._routes.sort(key=lambda route: (has_long_variables(route[2]), route[2].path.count("{")))

    def handle(self, request: HttpRequest) -> HttpResponse | Drop:
        """Answer one request; a wrong one gets a 4xx that says what is wrong."""
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
        broken = next((each.problem for each in operation.faults if not each.is_of_servers), None)
        if broken is not None:
            return problem(500, f"the description of this operation is broken: {broken.message}")
        fault = unauthorised(operation, message) or mismatch(operation, description, request, message)
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
    value = sample_media(media_type, lambda schema: resolved(description, schema))
    try:
        raw, written = b"", content_type
        if value is not MISSING:
            raw, written = encode_body(value, content_type, media_type, read_file=_file)
    except UnusableMedia as unusable:
        return problem(500, f"what the description documents cannot be written as {content_type}: {unusable}")
    headers = (("Content-Type", written), *_documented_headers(response, description))
    return HttpResponse(status, headers, b"" if status == 204 else raw)


def _file(path: str) -> bytes:
    content = read_upload(path)
    if isinstance(content, NoFile):
        raise UnusableMedia(content.message)
    return content


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
            else sample(schema, lambda s: resolved(description, s))
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


def _pattern(path: str, operation: Operation) -> re.Pattern[str]:
    parts = re.split(r"\{([^{}]+)\}", path)
    return re.compile("".join(variable_pattern(part, operation) if number % 2 else re.escape(part)
                              for number, part in enumerate(parts)))  # fmt: skip


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
    """Serves a MockApi, or anything with its `handle` and `served`, on loopback; a context manager.

    `url` is its base, `urls` the base by description URI. Requests are answered that name this
    machine or one of `allow_hosts` as their host, and that arrive within `seconds`; `on_refusal` is
    called for the others.
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
    """Return the program with every step calling the server of its description in `urls`."""
    return replace(
        program, workflows={key: _workflow_with_servers(workflow, urls) for key, workflow in program.workflows.items()}
    )


def _workflow_with_servers(workflow: CompiledWorkflow, urls: Mapping[str, str]) -> CompiledWorkflow:
    return replace(workflow, steps=tuple(_step_with_server(step, urls) for step in workflow.steps))


def _step_with_server(step: CompiledStep, urls: Mapping[str, str]) -> CompiledStep:
    match step.call:
        case OperationCall() as call:
            return replace(step, call=replace(call, server=urls.get(call.description.base, call.server)))
        case WorkflowCall() | Unlinked():
            return step
        case _:
            assert_never(step.call)


# ---- Dry run: shows the requests, sends nothing; answers are made from the descriptions' examples.

START = 0.0


class DryRunWorld:
    """Answers every request of a program with what its description documents as success.

    No time passes and no wait happens, so a dry run is over at once.
    """

    def __init__(self, program: Program) -> None:
        self._operations: dict[str, tuple[Operation, OpenApiDescription]] = {
            f"{operation.uri}#{operation.pointer}": (operation, description)
            for _, operation, description in program.operations()
        }

    async def perform(self, effect: Effect[Answer], /) -> Answer:
        """Answer an effect; only files are read."""
        return cast(Answer, self._perform(effect))

    def _perform(self, effect: Effect[Any]) -> object:
        match found := known(effect):
            case SendRequest():
                operation = self._operations.get(found.operation)
                return HttpResponse(200) if operation is None else documented_answer(*operation)
            case ReadFile():
                return read_upload(found.path)
            case Now():
                return START
            case Sleep():
                return None
            case Batch():
                return tuple(self._perform(each) for each in found.effects)
            case _:
                assert_never(found)
