"""Arguments of the wrong kind: each is refused with a sentence before anything is read or sent, and shows no value."""

from __future__ import annotations

import asyncio
import copy
import functools
import pickle
from pathlib import Path
from typing import Any

import httpx
import pytest

import arazzo_runner
from arazzo_runner import AsyncWorld, BlockingWorld, InvalidInputs, InvalidUsage, LoadOptions
from arazzo_runner.engine.option_checks import CHECK_KINDS, NUMBERS, RUN_KINDS, TRANSPORT_KINDS
from arazzo_runner.runtime.argument_kinds import LOAD_KINDS
from tests.arguments.place import Place, place, program_of

RunOptions: Any = arazzo_runner.RunOptions  # untyped: the values here are wrong
CheckOptions: Any = arazzo_runner.CheckOptions
TransportOptions: Any = arazzo_runner.TransportOptions
SECRET = "hunter-secret-1"
USUAL: dict[str, Any] = {"workflow_id": "look", "inputs": {"id": 7}}


async def listener(event: Any, secrets: Any) -> None:
    """An on_event that nobody would await."""


class Listener:
    """The same, as an object."""

    async def __call__(self, event: Any, secrets: Any) -> None:
        """Never awaited."""


RUN: list[tuple[dict[str, Any], str]] = [
    ({"inputs": [SECRET]}, "inputs is a mapping of names to values, not list of str"),
    ({"inputs": SECRET}, "inputs is a mapping of names to values, not str"),
    ({"inputs": {7: SECRET}}, "inputs is a mapping of names to values, not dict of int to str"),
    ({"workflow_id": {"id": SECRET}}, "give the inputs by name: inputs={…}"),
    ({"workflow_id": 7}, "workflow_id is a str, not int"),
    ({"servers": SECRET}, "servers is a mapping of source names to URLs, not str"),
    ({"servers": [("pets", SECRET)]}, "servers is a mapping of source names to URLs, not list of tuple"),
    ({"options": {}}, "options is RunOptions(…), not dict"),
    ({"options": {"timeout": 3}}, "write options=arazzo_runner.RunOptions(name=value, …)"),
    ({"options": LoadOptions()}, "give it as load_options=LoadOptions(…)"),
    ({"load_options": RunOptions()}, "give it as options=RunOptions(…)"),
    ({"load_options": {}}, "write load_options=arazzo_runner.LoadOptions(name=value, …)"),
    ({"on_event": SECRET}, "on_event is a function of two arguments, def on_event(event, secrets), not str"),
    ({"on_event": lambda event: None}, "this one cannot be called with two"),
    ({"on_event": listener}, "not async def: nobody would await it"),
    ({"on_event": functools.partial(listener)}, "not async def: nobody would await it"),
    ({"on_event": Listener()}, "not async def: nobody would await it"),
    ({"sample_inputs": "no"}, "sample_inputs is True or False, not str"),
    ({"credentials": SECRET}, "credentials is a mapping of sources to schemes, or Credentials(…), not str"),
    ({"credentials": {"pets": SECRET}}, 'credentials: "pets" has a mapping of schemes, not str'),
    ({"credentials": {"pets": SECRET}}, 'write credentials={"pets": {"key": …}}'),
    ({"options": RunOptions(checks=CheckOptions(schema="err"))}, 'checks: schema is "off", "warn" or "error", not str'),
    ({"options": RunOptions(checks={"schema": "error"})}, "checks is CheckOptions(…), not dict of str to str"),
    ({"options": RunOptions(cookies="all")}, 'cookies is "host", "domain" or "off"'),
    ({"options": RunOptions(transport={})}, "transport is TransportOptions(…), not dict"),
    (
        {"options": RunOptions(transport=TransportOptions(proxies="x"))},
        "transport: proxies is a mapping of hosts to URLs",
    ),
    ({"options": RunOptions(transport=TransportOptions(certificates={"*": "x"}))}, "transport: certificates is"),
    ({"options": RunOptions(file_roots="x")}, "file_roots is a list of folders, not str"),
    ({"options": RunOptions(step=3)}, "step is a str, not int"),
    ({"document": None}, "a document is a path, a URL or a mapping, not None"),
    ({"document": [SECRET]}, "a document is a path, a URL or a mapping, not list"),
    ({"document": b"workflow.yml"}, "a document is a path, a URL or a mapping, not bytes"),
    ({"document": f"arazzo: 1.0.1\ninfo: {SECRET}"}, "a document is a path, a URL or a mapping, not its text"),
]
SENDING: list[tuple[dict[str, Any], str]] = [
    ({"world": BlockingWorld}, "make one: BlockingWorld(…)"),
    ({"world": SECRET}, "world is an object with the method async def perform(self, effect, /), not str"),
    ({"around": SECRET}, "around is a function that takes a World and returns one, not str"),
    ({"around": BlockingWorld()}, "give a World itself as world="),
    ({"mock_lenient": "yes", "mock": True}, "mock_lenient is True or False, not str"),
    ({"scenario": {}, "mock": True}, "scenario is a path, not dict"),
    ({"switches": SECRET, "mock": True}, "switches is a list of names, not str"),
]
LOAD: list[tuple[dict[str, Any], str]] = [
    ({"strict": "no"}, "strict is True or False, not str"),
    ({"offline": "yes"}, "offline is True or False, not str"),
    ({"root": 3}, "root is a path, not int"),
    ({"sources": "x"}, "sources is a mapping of names to paths or URLs, each a str, not str"),
    (
        {"sources": {"pets": Path("x")}},
        "sources is a mapping of names to paths or URLs, each a str, not dict of str to",
    ),
    ({"url_map": "x"}, "url_map is a mapping of URLs to paths"),
    ({"url_map": {"a": 3}}, "url_map is a mapping of URLs to paths, each a str, not dict of str to int"),
    ({"server_variables": "x"}, "server_variables is a mapping of names to values"),
    ({"allow_hosts": "x.test"}, "allow_hosts is a list of hosts, not str"),
    ({"limits": {}}, "limits is Limits(…), not dict"),
    ({"include": "x"}, "include is a list of documents, not str"),
    ({"include": [3]}, "include is a list of documents, not list of int"),
    ({"cache": 3}, "cache is True or False, not int"),
]


@pytest.fixture
def made(tmp_path: Path) -> Any:
    with place(tmp_path) as found:
        yield found


def refused(function: Any, **arguments: Any) -> str:
    wrong_inputs = not isinstance(arguments.get("inputs", {}), dict) or 7 in arguments.get("inputs", {})
    with pytest.raises(InvalidInputs if wrong_inputs else InvalidUsage) as raised:  # the inputs may be a client's
        function(**arguments)
    assert SECRET not in str(raised.value)
    return str(raised.value)


def blocking(**arguments: Any) -> Any:
    return asyncio.run(arazzo_runner.arun(**arguments))


FUNCTIONS: dict[str, Any] = {"run": arazzo_runner.run, "arun": blocking, "dry_run": arazzo_runner.dry_run}
CASES = [
    *((name, given, message) for name in FUNCTIONS for given, message in RUN),
    *((name, given, message) for name in ("run", "arun") for given, message in SENDING),
]


@pytest.mark.parametrize(("name", "given", "message"), CASES, ids=[f"{n} {m}" for n, _, m in CASES])
def test_an_argument_of_the_wrong_kind_is_refused(made: Place, name: str, given: dict[str, Any], message: str) -> None:
    function = FUNCTIONS[name]
    assert message in refused(function, **{"document": made.document, **USUAL, **given})
    if "document" not in given:
        assert message in refused(function, **{"document": program_of(made), **USUAL, **given})
    assert made.requests() == []


@pytest.mark.parametrize(("given", "message"), LOAD, ids=[message for _, message in LOAD])
def test_an_option_of_loading_of_the_wrong_kind_is_refused(made: Place, given: dict[str, Any], message: str) -> None:
    options = LoadOptions(**given)
    assert message in refused(arazzo_runner.load, document=made.document, load_options=options)
    assert message in refused(arazzo_runner.run, document=made.document, **USUAL, load_options=options)
    with pytest.raises(InvalidUsage) as raised:
        arazzo_runner.validate(made.document, load_options=options)
    assert message in str(raised.value)


@pytest.mark.parametrize("function", [arazzo_runner.load, arazzo_runner.validate], ids=["load", "validate"])
def test_what_is_no_document_is_refused(made: Place, function: Any) -> None:
    for document, message in (
        (program_of(made), "give the Program to run, arun or dry_run"),
        ([made.document], "give one after the other"),
        (None, "not None"),
    ):
        with pytest.raises(InvalidUsage) as raised:
            function(document)
        assert message in str(raised.value)


@pytest.mark.parametrize("kind", [AsyncWorld, BlockingWorld])
def test_a_world_checks_its_options(kind: Any) -> None:
    for options in ({}, {"proxies": "x"}, RunOptions(), TransportOptions(ca_files="x")):
        refused(kind, options=options)


def test_a_listener_that_returns_a_coroutine_is_a_warning(made: Place) -> None:
    hidden: Any = lambda event, secrets: listener(event, secrets)  # noqa: E731 - no `async def` to see
    result = arazzo_runner.run(made.document, **USUAL, on_event=hidden)
    assert any("it returned a coroutine, which nobody awaits" in each.message for each in result.diagnostics)


def test_every_option_has_a_kind() -> None:
    assert {*RUN_KINDS, *NUMBERS} == set(RunOptions.__struct_fields__)
    assert set(CHECK_KINDS) == set(CheckOptions.__struct_fields__)
    assert set(TRANSPORT_KINDS) == set(TransportOptions.__struct_fields__)
    assert set(LOAD_KINDS) == {*LoadOptions.__struct_fields__} - {"environment", "snapshot"}


def test_a_world_that_is_closed_is_refused(made: Place) -> None:
    with BlockingWorld() as closed:
        pass
    for name in ("run", "arun"):
        message = refused(FUNCTIONS[name], document=made.document, **USUAL, world=closed)
        assert "the world is closed: its with block has ended" in message


def test_an_async_world_in_a_blocking_run_is_refused(made: Place) -> None:
    message = refused(arazzo_runner.run, document=made.document, **USUAL, world=AsyncWorld())
    assert "AsyncWorld waits for an event loop, which a blocking run does not have" in message
    assert made.requests() == []


class Signing:
    """Hides the World that it wraps."""

    sends = True

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def perform(self, effect: Any, /) -> Any:
        """Pass the effect on."""
        return await self.inner.perform(effect)


def test_an_async_world_inside_of_another_one_in_a_blocking_run_is_refused(made: Place) -> None:
    message = refused(arazzo_runner.run, document=made.document, **USUAL, world=Signing(AsyncWorld()))
    assert message.startswith("error[usage]: an AsyncWorld needs a running event loop")
    assert made.requests() == []


def test_an_around_that_returns_no_world_is_refused(made: Place) -> None:
    for name in ("run", "arun"):
        message = refused(FUNCTIONS[name], document=made.document, **USUAL, around=lambda world: None)
        assert message.startswith("error[usage]: around must return a World, and returned None")
    assert made.requests() == []


def test_credentials_are_not_copied() -> None:
    credentials = arazzo_runner.Credentials({"pets": {"key": SECRET}})
    for copied in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="Credentials cannot be pickled or copied"):
            copied(credentials)


def test_the_text_of_a_listeners_exception_is_masked(made: Place) -> None:
    def fails(event: Any, secrets: Any) -> None:
        raise ValueError(f"cannot store {SECRET}")

    credentials = {"pets": {"key": SECRET}}
    result = arazzo_runner.run(made.document, **USUAL, on_event=fails, credentials=credentials)
    found = next(each for each in result.diagnostics if each.code == "listener-failed")
    assert "on_event raised ValueError: cannot store ***, called with" in found.message


APP: Any = print  # is not called
TRANSPORTS: list[tuple[Any, Any, str]] = [
    (
        BlockingWorld,
        httpx.ASGITransport(APP),
        "it is an asynchronous one: give it to an AsyncWorld",
    ),
    (AsyncWorld, httpx.WSGITransport(APP), "it is a blocking one: give it to a BlockingWorld"),
    (AsyncWorld, httpx.ASGITransport, "not the class ASGITransport"),
    (BlockingWorld, "http://proxy.test", "not str"),
]


@pytest.mark.parametrize(("kind", "transport", "message"), TRANSPORTS, ids=[message for _, _, message in TRANSPORTS])
def test_a_transport_that_a_world_cannot_send_with_is_refused(kind: Any, transport: Any, message: str) -> None:
    assert message in refused(kind, transport=transport)
