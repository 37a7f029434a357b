"""The SDK's own client against the real process, over both transports and in both eras of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import jsonschema
import mcp_types as types
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError

from tests.loopback import Loopback, serving
from tests.mcp import serving as at
from tests.mcp.serving import Bank, Wire, structured

Connect = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
def api(bank: Bank) -> Iterator[Loopback]:
    with serving(bank.answer) as server:
        yield server
        bank.release.set()


@pytest.fixture
def wire() -> Iterator[Wire]:
    """The record of a test, which shows none of the secrets, whatever the test did."""
    record = Wire()
    yield record
    for secret in at.SECRETS:
        assert secret not in record.text


@pytest.fixture
def connect(tmp_path: Path, api: Loopback, wire: Wire, request: pytest.FixtureRequest) -> Connect:
    """Return what starts a server and connects to it: `connect(*arguments)`."""
    transport, mode = getattr(request, "param", ("stdio", "auto"))
    flow = str(at.written(tmp_path))

    @asynccontextmanager
    async def connected(*arguments: str, env: dict[str, str] | None = None, **options: Any) -> AsyncIterator[Client]:
        line = [flow, *([] if "--mock" in arguments else ["--server", f"accounts={api.url}"]), *arguments]
        known = at.environment(tmp_path, ARAZZO_MCP_TOKEN=at.TOKEN) | (env or {})
        if transport == "stdio":
            async with at.stdio(line, known, wire, tmp_path, mode=mode, **options) as client:
                yield client
            return
        wire.errors = tmp_path / "stderr.txt"
        with at.http_server(line, known, wire.errors) as url:
            async with at.http(url, wire, mode=mode, **options) as client:
                yield client

    return connected


BOTH = pytest.mark.parametrize(
    "connect",
    [("stdio", "auto"), ("stdio", "legacy"), ("http", "auto"), ("http", "legacy")],
    ids=["stdio, 2026", "stdio, 2025", "HTTP, 2026", "HTTP, 2025"],
    indirect=True,
)
ROTATE = "rotate-token"


@BOTH
def test_the_whole_story(connect: Connect, bank: Bank, api: Loopback) -> None:
    """List, call with progress, fail with a reason, cancel in flight, and go on."""
    reported: list[tuple[float, float | None, str | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reported.append((progress, total, message))

    async def story() -> None:
        async with connect() as client:
            tools = {each.name: each for each in (await client.list_tools()).tools}
            assert set(tools) == {ROTATE, "look"}
            assert set(tools[ROTATE].input_schema["properties"]) == {"note"}

            done = await client.call_tool(ROTATE, {"note": "hello"}, progress_callback=report)
            assert not done.is_error
            assert structured(done)["outputs"]["accessToken"] == "***"
            assert [each["status"] for each in structured(done)["steps"]] == ["passed", "passed"]
            await anyio.sleep(0.1)
            assert reported == [(1.0, 2.0, "refresh: passed"), (2.0, 2.0, "revoke: passed")]

            failed = await client.call_tool("look", {"id": 404})
            assert failed.is_error
            failure = structured(failed)["failure"]
            assert failure["step"] == "get"
            assert failure["response"] == "200 OK"
            assert "$response.body#/active == true" in [each["condition"] for each in failure["criteria"]]
            assert '"active":false' in failure["responseBody"]
            assert failure["toDo"]

            bank.hold = True
            with anyio.move_on_after(20):
                async with anyio.create_task_group() as group:
                    group.start_soon(client.call_tool, ROTATE, {"note": "held"})
                    await asyncio.to_thread(bank.arrived.wait, 10)
                    group.cancel_scope.cancel()
            await _until_kept(client)
            bank.hold = False
            bank.release.set()
            again = structured(await client.call_tool("look", {"id": 7}))
            assert "in_doubt" in again["notes"][0]
            uri = again["notes"][0].rpartition(" ")[2].rstrip(".")
            kept = await client.read_resource(uri)
            assert isinstance(kept.contents[0], types.TextResourceContents)
            assert "unknown whether the server acted" in kept.contents[0].text

    asyncio.run(story())
    assert [each.target.partition("?")[0] for each in api.received][:3] == ["/refresh", "/revoke", "/accounts/404"]


async def _until_kept(client: Client) -> None:
    for _ in range(100):
        if (await client.list_resources()).resources:
            return
        await anyio.sleep(0.05)
    raise AssertionError("the result of the cancelled call is not kept")


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        pytest.param("look", {"id": "x"}, "id", id="a value of the wrong type"),
        pytest.param("look", {}, "id", id="an argument that is missing"),
        pytest.param(
            "look", {"id": 1, "idd": 2}, 'not an argument of this tool; did you mean "id"', id="an unknown name"
        ),
        pytest.param(ROTATE, {"note": "x", "refreshToken": "guess"}, "kept on the server", id="a secret input"),
        pytest.param(ROTATE, {"note": "x", "login": {"user": "u"}}, "kept on the server", id="a part of it is secret"),
        pytest.param(ROTATE, {"note": "x", "password": "guess"}, "takes no secrets", id="a secret nobody asked for"),
    ],
)
def test_arguments_that_are_refused(
    connect: Connect, api: Loopback, name: str, arguments: dict[str, Any], words: str
) -> None:
    async def story() -> None:
        async with connect() as client:
            result = await client.call_tool(name, arguments)
            assert result.is_error
            assert words in structured(result)["reason"]
            assert "guess" not in str(result)

    asyncio.run(story())
    assert api.received == []


def test_unsafe_workflows_are_neither_offered_nor_run(connect: Connect, api: Loopback) -> None:
    async def story() -> None:
        async with connect("--deny-unsafe") as client:
            assert [each.name for each in (await client.list_tools()).tools] == ["look"]
            result = await client.call_tool(ROTATE, {"note": "x"})
            assert result.is_error
            assert "POST /refresh" in structured(result)["reason"]
            assert not (await client.call_tool("look", {"id": 1})).is_error

    asyncio.run(story())
    assert [each.method for each in api.received] == ["GET"]


@pytest.mark.parametrize(
    "connect",
    [("stdio", "auto"), ("stdio", "legacy"), ("http", "auto"), ("http", "legacy")],
    ids=["stdio, 2026", "stdio, 2025", "HTTP, 2026", "HTTP, 2025"],
    indirect=True,
)
def test_the_user_is_asked_once_before_the_first_unsafe_request(connect: Connect, api: Loopback) -> None:
    asked: list[str] = []
    answers: list[Any] = ["accept", "decline"]

    async def ask(context: Any, params: Any) -> types.ElicitResult:
        asked.append(params.message)
        return types.ElicitResult(action=answers.pop(0))

    async def story() -> None:
        async with connect("--confirm", elicitation_callback=ask) as client:
            assert not (await client.call_tool(ROTATE, {"note": "x"})).is_error
            declined = await client.call_tool(ROTATE, {"note": "x"})
            assert declined.is_error
            assert "did not allow" in structured(declined)["failure"]["response"]
            assert not (await client.call_tool("look", {"id": 1})).is_error

    asyncio.run(story())
    assert [each.target for each in api.received][:2] == ["/refresh", "/revoke"]
    assert [each.method for each in api.received] == ["POST", "POST", "GET"]
    assert len(asked) == 2
    assert asked[0].startswith(f'The workflow "rotate.token" is about to send POST {api.url}/refresh.')


def test_a_client_that_cannot_ask_sends_nothing_unsafe(connect: Connect, api: Loopback) -> None:
    async def story() -> None:
        async with connect("--confirm") as client:
            result = await client.call_tool(ROTATE, {"note": "x"})
            assert "this client cannot ask" in structured(result)["reason"]

    asyncio.run(story())
    assert api.received == []


def test_an_answer_belongs_to_the_call_that_asked(connect: Connect, api: Loopback) -> None:
    """A state cannot be guessed, used twice, or be used for other arguments."""

    async def ask(context: Any, params: Any) -> types.ElicitResult:
        return types.ElicitResult(action="accept")

    accepted: Any = {"confirm": types.ElicitResult(action="accept")}

    async def story() -> None:
        async with connect("--confirm", elicitation_callback=ask) as client:
            session = client.session
            first = await session.call_tool(ROTATE, {"note": "x"}, allow_input_required=True)
            assert isinstance(first, types.InputRequiredResult)
            state = first.request_state
            for name, arguments, given in (
                (ROTATE, {"note": "x"}, "guess"),
                (ROTATE, {"note": "other"}, state),
                (ROTATE, {"note": "x"}, state),
            ):
                with pytest.raises(MCPError, match="waits for an answer"):
                    await session.call_tool(name, arguments, input_responses=accepted, request_state=given)
            assert api.received == []

    asyncio.run(story())
    assert api.received == []


def test_a_large_output_is_a_resource(connect: Connect) -> None:
    async def story() -> None:
        async with connect() as client:
            result = await client.call_tool("look", {"id": 7, "size": 2000})
            link = result.content[1]
            assert isinstance(link, types.ResourceLink)
            shown = structured(result)["outputs"]["name"]
            assert shown["resource"] == link.uri
            assert len(shown["beginning"]) < 1000
            kept = (await client.read_resource(link.uri)).contents[0]
            assert isinstance(kept, types.TextResourceContents)
            assert kept.text.count("***") == 2000
            with pytest.raises(MCPError, match="no resource"):
                await client.read_resource("file:///etc/passwd")

    asyncio.run(story())


def test_inputs_of_the_command_line_are_no_arguments(connect: Connect, api: Loopback) -> None:
    async def story() -> None:
        async with connect("-i", "size=3", "--only", "look") as client:
            tool = (await client.list_tools()).tools[0]
            assert set(tool.input_schema["properties"]) == {"id"}
            assert "kept on the server" in structured(await client.call_tool("look", {"id": 1, "size": 9}))["reason"]
            assert not (await client.call_tool("look", {"id": 1})).is_error

    asyncio.run(story())
    assert [each.target for each in api.received] == ["/accounts/1?size=3"]


def test_calls_at_the_same_time(connect: Connect, bank: Bank) -> None:
    async def story() -> None:
        results = []

        async def call(number: int) -> None:
            results.append(structured(await client.call_tool("look", {"id": number}))["status"])

        async with connect() as client, anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(call, number)
        assert results == ["succeeded"] * 20

    asyncio.run(story())


def test_secret_outputs_are_kept_for_the_user_of_the_server(connect: Connect, tmp_path: Path) -> None:
    async def story() -> None:
        async with connect() as client:
            result = structured(await client.call_tool(ROTATE, {"note": "x"}))
            assert "kept in a file" in result["notes"][0]

    asyncio.run(story())
    [kept] = [each for each in (tmp_path / "STATE").rglob("*") if each.is_file() and at.ACCESS in each.read_text()]
    assert kept.stat().st_mode & 0o077 == 0


def test_a_document_that_changes_is_not_read_again(connect: Connect, tmp_path: Path) -> None:
    async def story() -> None:
        async with connect() as client:
            (tmp_path / "flow.yml").write_text("broken: [")
            result = structured(await client.call_tool("look", {"id": 1}))
            assert result["status"] == "succeeded"
            assert result["notes"] == ["Changed since this server began, which still runs what it read then: flow.yml"]

    asyncio.run(story())


def test_results_fit_the_output_schema_whatever_a_server_sends(connect: Connect) -> None:
    """`text` is longer than its description says, which the run tolerates."""

    async def story() -> None:
        async with connect() as client:
            tools = {each.name: each for each in (await client.list_tools()).tools}
            for name, arguments in ((ROTATE, {"note": "x"}), ("look", {"id": 404}), ("look", {"id": "x"})):
                result = await client.call_tool(name, arguments)
                schema = tools[name].output_schema
                assert schema is not None
                jsonschema.validate(result.structured_content, schema)

    asyncio.run(story())
