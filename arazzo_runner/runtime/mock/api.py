"""A mock API: operations answered from examples and schemas of their descriptions, as their program expects.

`MockApi.handle` is a function from request to response; `MockServer` serves it on loopback with
the standard library. A scenario (runtime/mock/scenario.py) adds state and failures.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, assert_never

from arazzo_runner.base.json_values import MISSING, JsonValue
from arazzo_runner.base.records import MutableRecord, Record, field, replace
from arazzo_runner.engine.effects import HttpRequest, HttpResponse, World
from arazzo_runner.expressions.scope import Message
from arazzo_runner.program.model import (
    CompiledStep,
    CompiledWorkflow,
    MessageCall,
    OperationCall,
    Program,
    Unlinked,
    WorkflowCall,
)
from arazzo_runner.runtime.mock.answers import Asked, documented_answer
from arazzo_runner.runtime.mock.expected import STEP_HEADER, Expectations, Expected, expectations
from arazzo_runner.runtime.mock.request import (
    Refused,
    mismatch,
    problem,
    read_message,
    split_target,
    unauthorised,
)
from arazzo_runner.runtime.mock.routes import NoRoute, Route, Routes
from arazzo_runner.runtime.mock.scenario import Drop, Scenario, ScenarioMessage, read_scenario
from arazzo_runner.runtime.mock.store import Store
from arazzo_runner.runtime.mock.worlds import MessageMockWorld, StepWorld, broker_for
from arazzo_runner.sources.openapi import OpenApiDescription

if TYPE_CHECKING:
    from arazzo_runner.runtime.mock.broker import MockBroker


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


class MockChoices(Record):
    """How a mock answers: whether it remembers resources, whether a status may be undocumented."""

    stateful: bool = False
    lenient: bool = False


class SendsMessages(Protocol):
    """What sends the messages of rules about operations."""

    def send(self, messages: Iterable[ScenarioMessage]) -> None:
        """Send messages, at once or later."""


class MockApi(MutableRecord):
    """Answers requests for several descriptions; `log` records them in order.

    `expectations` are those of the program that sends them: what its steps expect is preferred. `broker` sends the
    messages of rules, None for a program without any.
    """

    served: Sequence[Served]
    scenario: Scenario | None = None
    choices: MockChoices = MockChoices()
    expectations: Expectations = Expectations()
    broker: SendsMessages | None = None
    log: list[LogEntry] = field(default_factory=list)
    _routes: Routes = field(default_factory=Routes)
    _answered: Counter[str] = field(default_factory=Counter)
    _store: Store = field(default_factory=Store)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        for served in self.served:
            self._routes.add(served.description, served.prefix)

    def handle(self, request: HttpRequest) -> HttpResponse | Drop:
        """Answer one request; a wrong one gets a 4xx that says what is wrong."""
        step = request.header(STEP_HEADER)
        if step is not None:
            headers = tuple(pair for pair in request.headers if pair[0].lower() != STEP_HEADER.lower())
            request = replace(request, headers=headers)
        try:
            answer = self._answer(request, step)
        except NoRoute as refused:
            allow = (("Allow", refused.methods),) if refused.methods else ()
            answer = problem(refused.status, refused.detail, allow)
        except Refused as refused:
            answer = problem(refused.status, refused.detail)
        status = answer.status if isinstance(answer, HttpResponse) else 0
        entry = LogEntry(request.method, request.url, request.headers, request.body or b"", status)
        self.log.append(entry)
        return answer

    def _answer(self, request: HttpRequest, step: str | None) -> HttpResponse | Drop:
        path, query = split_target(request.url)
        route, values = self._routes.find(request.method, path, query)
        broken = next((each.problem for each in route.operation.faults if not each.is_of_servers), None)
        if broken is not None:
            return problem(500, f"the description of this operation is broken: {broken.message}")
        message = read_message(request, query, values)
        fault = unauthorised(route.operation, message) or mismatch(route.operation, route.description, request, message)
        if fault is not None:
            return fault
        return self._scripted(route, request, message) or self._documented(route, request, message, step)

    def _scripted(self, route: Route, request: HttpRequest, message: Message) -> HttpResponse | Drop | None:
        """Return the answer of the scenario, None where it leaves it to the description."""
        operation = route.operation
        if self.scenario is None:
            return None
        scripted = self.scenario.answer(operation.operation_id or operation.pointer, request, message)
        if scripted is None:
            return None
        if scripted.delay:
            time.sleep(scripted.delay)
        if scripted.publish and self.broker is not None:
            self.broker.send(scripted.publish)
        if scripted.drop:
            return Drop()
        return None if scripted.status is None else _response(scripted.status, scripted.headers, scripted.body)

    def _documented(self, route: Route, request: HttpRequest, message: Message, step: str | None) -> HttpResponse:
        operation, description = route.operation, route.description
        label = self.expectations.label(step, f"{operation.uri}#{operation.pointer}")
        with self._lock:
            asked = Asked(
                expected=self.expectations.by_step.get(label, Expected()),
                request=message,
                method=request.method,
                url=request.url,
                before=self._answered[label],
                lenient=self.choices.lenient,
            )
            self._answered[label] += 1
            if not self.choices.stateful:
                return documented_answer(operation, description, asked)
            return self._store.answer(route, message, asked)


# ------------------------------------------------------------------ answers of scenarios


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
    program: Program,
    *,
    scenario: str | PathLike[str] | Scenario | None = None,
    switches: Sequence[str] = (),
    choices: MockChoices | None = None,
    inputs: Mapping[str, JsonValue] | None = None,
) -> Iterator[MockServer[MockApi]]:
    """Serve what a program calls while the block runs; `scenario` is a file of rules, or what was read from one.

    `inputs` are those of the program's run, to which its criteria may compare an answer.
    """
    script = own_scenario(scenario, switches)
    api = MockApi(served_descriptions(program), script, choices or MockChoices(), expectations(program, inputs))
    with MockServer(api) as server:
        yield server


def own_scenario(scenario: str | PathLike[str] | Scenario | None, switches: Sequence[str] = ()) -> Scenario | None:
    """Return the scenario of one run, in its first state: of a file, or of what was read from one."""
    if isinstance(scenario, Scenario):
        return scenario.fresh()
    return None if scenario is None else read_scenario(scenario, switches)


class MockedRun(Record):
    """A program whose requests go to a mock, and what is put around the Worlds of its run."""

    program: Program
    broker: MockBroker | None

    def inside(self, world: World) -> World:
        """Return the World that tells the mock which step sends a request."""
        return StepWorld(world)

    def messages(self, world: World, on_loop: bool = False) -> World:
        """Return the World whose messages the mock answers; `on_loop` is whether the run has an event loop."""
        return world if self.broker is None else MessageMockWorld(world, self.broker, on_loop=on_loop)


@contextmanager
def mocked_run(
    program: Program,
    *,
    scenario: str | PathLike[str] | Scenario | None = None,
    switches: Sequence[str] = (),
    choices: MockChoices | None = None,
    inputs: Mapping[str, JsonValue] | None = None,
) -> Iterator[MockedRun]:
    """Answer what a program sends while the block runs: its requests from a server, its messages in the process."""
    script = own_scenario(scenario, switches)
    broker = broker_for(program, script, inputs)
    if broker is not None and next(program.operation_steps(), None) is None:
        yield MockedRun(program, broker)
        return
    api = MockApi(served_descriptions(program), script, choices or MockChoices(), expectations(program, inputs), broker)
    with MockServer(api) as server:
        yield MockedRun(with_servers(program, server.urls), broker)


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
        case MessageCall() | WorkflowCall() | Unlinked():
            return step
        case _:
            assert_never(step.call)
