"""Every public function with every argument: each changes what happens, or is refused before anything is sent."""

from __future__ import annotations

import asyncio
import enum
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

import arazzo_runner
from arazzo_runner import (
    BlockingWorld,
    Credentials,
    HttpResponse,
    Judge,
    LoadOptions,
    Now,
    RunOptions,
    SendRequest,
    TransportOptions,
)
from arazzo_runner.base.records import MutableRecord, Record
from tests.arguments.place import Place, observed, outcome_of, place, program_of

Given = Callable[[Place], Mapping[str, Any]]


@dataclass(frozen=True)
class Row:
    """An argument: `given` with what it is beside the usual arguments, and, if it is refused, a part of the message."""

    given: Given
    beside: Mapping[str, Any] = field(default_factory=dict)
    refused: str | None = None


def row(refused: str | None = None, /, *, beside: Mapping[str, Any] | None = None, **given: Any) -> Row:
    """Return a row of constant values."""
    return Row(lambda made: given, beside or {}, refused)


class Answers:
    """A World that sends nothing."""

    async def perform(self, effect: Any, /) -> Any:
        """Answer every request."""
        if isinstance(effect, SendRequest):
            return HttpResponse(200, (("content-type", "application/json"),), b'{"id": 3, "tag": "from the world"}')
        return 1_700_000_000.0 if isinstance(effect, Now) else None


class Renaming:
    """A World around another that changes every request."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner

    async def perform(self, effect: Any, /) -> Any:
        """Pass the effect on."""
        if isinstance(effect, SendRequest):
            request = effect.request
            changed = arazzo_runner.replace(request, headers=(*request.headers, ("x-around", "1")))
            effect = arazzo_runner.replace(effect, request=changed)
        return await self.inner.perform(effect)


SCENARIO = "rules: [{operation: getPet, switch: s, answer: {body: {id: 1, tag: from the scenario}}}]\n"


def scenario(made: Place) -> str:
    return made.write("scenario.yml", SCENARIO)


USUAL: dict[str, Any] = {"workflow_id": "look", "inputs": {"id": 7}}
DRY = {
    "document": Row(lambda made: {"document": program_of(made, servers={"pets": made.other.url})}),
    "workflow_id": row(workflow_id="nested"),
    "inputs": row(inputs={"id": 8}),
    "servers": Row(lambda made: {"servers": {"pets": made.other.url}}),
    "sample_inputs": row(sample_inputs=True, beside={"inputs": {}}),
    "on_event": row(listens=True),
    "options": row(options=RunOptions(user_agent="another/1")),
    "credentials": row(credentials={"pets": {"key": "a-key-that-is-given"}}),
    "load_options": Row(lambda made: {"load_options": LoadOptions(server_variables={"region": "us"})}),
}
RUN = {
    **DRY,
    "world": row(world=Answers()),
    "around": row(around=Renaming),
    "mock": row(mock=True),
    "mock_lenient": Row(
        lambda made: {"mock_lenient": True, "document": made.write("teapot.yml", (made.document).read_text().replace("== 200", "== 418"))},
        {"mock": True},
    ),
    "scenario": Row(
        lambda made: {"scenario": made.write("scenario.yml", SCENARIO.replace("switch: s, ", ""))}, {"mock": True}
    ),
    "switches": Row(lambda made: {"scenario": scenario(made), "switches": ["s"]}, {"mock": True}),
}  # fmt: skip
LOAD = {
    "document": Row(lambda made: {"document": made.write("other.yml", made.document.read_text().replace("look", "lurk"))}),
    "workflow_id": row(workflow_id="look"),
    "servers": Row(lambda made: {"servers": {"pets": made.other.url}}),
    "load_options": row(load_options=LoadOptions(server_variables={"region": "us"})),
}  # fmt: skip
VALIDATE = {
    "documents": row(documents=()),
    "load_options": row(load_options=LoadOptions(strict=True)),
    "judge": row(judge=Judge.STRICT),
    "rules": row(rules=()),
    "rule_options": row(rule_options={"later-step": {"max": 1}}, beside={}),
}


def aloaded(*, document: Any, **options: Any) -> Any:
    return shown(asyncio.run(arazzo_runner.aload(document, **options)))


def loaded(*, document: Any, **options: Any) -> Any:
    return shown(arazzo_runner.load(document, **options))


def shown(program: Any) -> Any:
    """Return what a caller sees of a loaded program."""
    servers = [call.server for _, _, call in program.operation_steps()]
    return program.entry and program.entry.workflow_id, [key.workflow_id for key in program.workflows], servers


def validated(*, documents: Any, **options: Any) -> Any:
    return [str(each) for each in arazzo_runner.validate(*documents, **options)]


TABLES: dict[str, tuple[dict[str, Row], Callable[..., Any]]] = {
    "run": (RUN, arazzo_runner.run),
    "arun": (RUN, arazzo_runner.arun),
    "dry_run": (DRY, arazzo_runner.dry_run),
    "load": (LOAD, loaded),
    "aload": (LOAD, aloaded),
}
"""The rows of the functions that read a document, and how each is called."""
ELSEWHERE = {
    "validate": "test_validate_obeys_its_arguments",
    "render_report": "test_reports_obey_their_arguments",
    "replace": "test_functions_of_python_values",
    "Secrets": "test_functions_of_python_values",
    "StopRun": "test_functions_of_python_values",
    "UnknownStep": "test_functions_of_python_values",
    "partial_result": "test_functions_of_results_and_programs",
    "to_dict": "test_functions_of_results_and_programs",
    "inputs_schema": "test_functions_of_results_and_programs",
    "File": "test_functions_of_python_values",
    "Credentials": "test_credentials_obey_their_arguments",
    "AsyncWorld": "test_worlds_obey_their_arguments",
    "BlockingWorld": "test_worlds_obey_their_arguments",
}
"""The other public functions, and the tests below that call them."""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    with place(tmp_path) as found:
        yield found


def takes_arguments(value: Any) -> bool:
    """Return whether a public name is a function, or a class that is no record, protocol or error with diagnostics."""
    if not inspect.isclass(value):
        return callable(value) and not isinstance(value, typing._UnionGenericAlias | types.UnionType)  # type: ignore[attr-defined]
    data = (Record, MutableRecord, arazzo_runner.ArazzoError, enum.Enum)
    return not issubclass(value, data) and not getattr(value, "_is_protocol", False)


def test_every_public_function_has_rows():
    public = {name: getattr(arazzo_runner, name) for name in arazzo_runner.__all__}
    assert {name for name, value in public.items() if takes_arguments(value)} == {*TABLES, *ELSEWHERE}
    assert [name for name in ELSEWHERE.values() if name not in globals()] == []


@pytest.mark.parametrize("name", TABLES)
def test_every_argument_has_a_row(name):
    arguments = inspect.signature(getattr(arazzo_runner, name)).parameters
    assert set(arguments) == set(TABLES[name][0]), "a new argument needs a row that shows what it does"


@pytest.mark.parametrize(
    ("name", "argument"), [(name, argument) for name, (rows, _) in TABLES.items() for argument in rows]
)
def test_every_argument_changes_something(made, name, argument):
    rows, function = TABLES[name]
    usual = {} if name in ("load", "aload") else {**USUAL}
    base = {"document": made.document, **usual, **rows[argument].beside}
    given = dict(rows[argument].given(made))
    if argument == "switches":  # both have the scenario
        base["scenario"] = given["scenario"]
    if argument == "mock_lenient":
        base["document"] = given["document"]
    before, after = observed(made, function, **base), observed(made, function, **{**base, **given})
    assert before != after
    assert after[0] == "done", after


# ------------------------------------------------------------------ what cannot be obeyed


REFUSED: dict[str, tuple[Given, str]] = {
    "an unknown source in servers": (lambda made: {"servers": {"pet": made.other.url}}, 'did you mean "pets"'),
    "servers that are no URL": (lambda made: {"servers": {"pets": "staging"}}, "must be an http(s) URL"),
    "mock_lenient without a mock": (lambda made: {"mock_lenient": True}, "mock_lenient needs mock"),
    "a scenario without a mock": (lambda made: {"scenario": scenario(made)}, "scenario needs mock"),
    "switches without a scenario": (lambda made: {"switches": ["s"], "mock": True}, "switches need a scenario"),
    "a mock of an unknown kind": (lambda made: {"mock": "statefull"}, "mock is True, False or"),
    "servers of a mock": (lambda made: {"mock": True, "servers": {"pets": made.other.url}}, "exclude each other"),
    "a mock and a World that does not send": (lambda made: {"mock": True, "world": Answers()}, "exclude each other"),
    "a transport and a World": (
        lambda made: {"world": Answers(), "options": RunOptions(transport=TransportOptions(http2=False))},
        "options.transport cannot be applied to the world",
    ),
    "a transport and a World with another": (
        lambda made: {"world": BlockingWorld(), "options": RunOptions(transport=TransportOptions(http2=False))},
        "options.transport cannot be applied to the world",
    ),
    "a response size and a World": (
        lambda made: {"world": Answers(), "options": RunOptions(max_response_size=5)},
        "options.max_response_size cannot be applied",
    ),
    "credentials of an unknown source": (lambda made: {"credentials": {"pet": {"key": "k-1234567"}}}, 'did you mean "pets"'),
    "credentials of an unknown scheme": (lambda made: {"credentials": {"pets": {"kye": "k-1234567"}}}, 'did you mean "key"'),
    "credentials that are missing for a mock": (
        lambda made: {"mock": True, "options": RunOptions(require_credentials=True, credentials_file=made.write("none.yml", "{}"))},
        "",
    ),
    "folders that are no list": (lambda made: {"options": RunOptions(file_roots=5)}, "file_roots is a list of folders"),  # type: ignore[arg-type]
    "no folders": (lambda made: {"options": RunOptions(file_roots=None)}, "file_roots is a list of folders"),  # type: ignore[arg-type]
    "outputs of steps that run": (
        lambda made: {"options": RunOptions(step_outputs={"find": {"tag": "x"}})},
        "every step runs and makes its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize("is_program", [False, True], ids=["a document", "a Program"])
@pytest.mark.parametrize("name", ["run", "arun"])
@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_obeyed_is_refused(made, name, case, is_program):
    given, message = REFUSED[case]
    document = program_of(made) if is_program else made.document
    if case == "credentials that are missing for a mock":
        made.write("api.json", (made.folder / "api.json").read_text().replace('{"key": []}, {}', '{"key": []}'))
        document = program_of(made) if is_program else made.document
    kind, messages, sent = observed(made, getattr(arazzo_runner, name), document, **USUAL, **given(made))[:3]
    assert (kind, sent) == ("refused", [])
    assert message in "\n".join(messages)


OTHER_OPTIONS: dict[str, Any] = {
    "strict": True,
    "root": ".",
    "sources": {"pets": "other.json"},
    "url_map": {"https://x.test/": "x"},
    "server_variables": {"region": "us"},
    "channel_addresses": {"orders": "eu/orders"},
    "limits": arazzo_runner.Limits(10),
    "include": ("other.yml",),
    "offline": True,
    "unchecked": True,
    "allow_remote": True,
    "allow_hosts": ("x.test",),
    "any_server": True,
    "cache": False,
    "environment": {"A": "b"},
    "snapshot": object(),
}
"""Another value of every option of loading, but `servers`."""


@pytest.mark.parametrize("name", ["run", "arun", "dry_run"])
@pytest.mark.parametrize("field_name", [name for name in LoadOptions.__struct_fields__ if name != "servers"])
def test_options_of_loading_are_refused_with_a_program(made, name, field_name):
    options = LoadOptions(**{field_name: OTHER_OPTIONS[field_name]})
    function = getattr(arazzo_runner, name)
    kind, messages, sent = observed(made, function, program_of(made), **USUAL, load_options=options)[:3]
    assert (kind, sent) == ("refused", [])
    assert messages[0].startswith(f"load_options.{field_name} cannot be applied to a Program")
    assert "give it to load" in messages[0]


@pytest.mark.parametrize("name", ["run", "arun", "dry_run"])
@pytest.mark.parametrize("way", ["servers", "load_options", "both"])
def test_the_servers_of_a_program_are_changed(made, name, way):
    """Who means staging must not send to production."""
    url = {"pets": made.other.url}
    wrong = LoadOptions(servers={"pets": made.usual.url})
    options = {
        "servers": {"servers": url},
        "load_options": {"load_options": LoadOptions(servers=url)},
        "both": {"servers": url, "load_options": wrong},
    }[way]
    _, result, sent, _ = observed(made, getattr(arazzo_runner, name), program_of(made), **USUAL, **options)
    assert [each.startswith(made.other.url) for each in result["urls"]] == [True, True]
    assert [each for each in sent if each.startswith("usual")] == []


def test_default_options_are_no_request(made):
    kind, *_ = observed(made, arazzo_runner.run, program_of(made), **USUAL, load_options=LoadOptions(), servers={})
    assert kind == "done"


def test_a_workflow_that_was_not_loaded_is_named(made):
    kind, messages, _ = observed(made, arazzo_runner.run, program_of(made), "poll")
    assert kind == "refused"
    assert messages[0].startswith('the workflow "poll" of the document was not loaded, but "look"')


@pytest.mark.parametrize("name", ["load", "run", "dry_run", "validate"])
def test_names_that_nothing_has_are_refused(made, name):
    function = getattr(arazzo_runner, name)
    more = {"workflow_id": "look"} if name == "load" else {} if name == "validate" else USUAL
    for options, message in (
        (LoadOptions(sources={"pet": "x.json"}), 'there is no source "pet"'),
        (LoadOptions(servers={"pet": "http://x.test"}), 'there is no source "pet"'),
        (LoadOptions(server_variables={"regoin": "us"}), "variable"),
        (LoadOptions(channel_addresses={"orders": "eu/orders"}), "channel"),
    ):
        kind, messages, sent = observed(made, function, made.document, **more, load_options=options)[:3]
        assert (kind, sent) == ("refused", [])
        assert message in messages[0]


def test_validate_refuses_a_server_that_is_no_url(made):
    found = validated(documents=[made.document], load_options=LoadOptions(servers={"pets": "staging"}))
    assert any('the server "staging" is not an http(s) URL' in each for each in found)


def test_a_server_variable_of_a_server_that_is_not_called_is_refused(made):
    options = LoadOptions(server_variables={"region": "us"}, servers={"pets": made.other.url})
    kind, messages, _ = observed(made, arazzo_runner.load, made.document, "look", load_options=options)
    assert (kind, messages[0]) == (
        "refused",
        'no server URL that is called has the variable "region" None',
    )


# ------------------------------------------------------------------ the other functions


FLAWED = """\
arazzo: 1.0.1
info: {title: Pets, version: "1"}
sourceDescriptions: [{name: pets, url: api.json, type: openapi}]
workflows:
- workflowId: look
  inputs: {type: object, properties: {unused: {type: string}}}
  steps:
  - stepId: find
    operationId: getPet
    parameters: [{name: id, in: path, value: 7}]
    successCriteria: [{condition: "{$statusCode} == 200"}]
"""


def test_validate_obeys_its_arguments(made):
    flawed = made.write("flawed.yml", FLAWED)
    base = validated(documents=[flawed])
    assert base
    shown = {
        "documents": validated(documents=[]),
        "load_options": validated(documents=[flawed], load_options=LoadOptions(strict=True)),
        "judge": validated(documents=[flawed], judge=Judge.RUN),
        "rules": validated(documents=[flawed], rules=()),
        "rule_options": observed(made, validated, documents=[flawed], rule_options={"unused-input": {"x": 1}}),
    }
    assert set(shown) == set(inspect.signature(arazzo_runner.validate).parameters)
    assert [name for name, found in shown.items() if found == base] == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"rules": ["unused-inptu"]}, 'there is no rule "unused-inptu" did you mean "unused-input"', id="an unknown rule"),
        pytest.param({"rule_options": {"unused-inptu": {}}}, 'there is no rule "unused-inptu"', id="options of an unknown rule"),
        pytest.param({"rule_options": {"unused-input": {"x": 1}}}, 'has no option "x"', id="an unknown option"),
        pytest.param({"rules": [], "rule_options": {"unused-input": {}}}, "is not run", id="options of a rule that is not run"),
        pytest.param({"judge": Judge.RUN, "load_options": LoadOptions(strict=True)}, "give one of them", id="strict and tolerant"),
    ],
)  # fmt: skip
def test_rules_that_there_are_not_are_refused(made, options, message):
    kind, messages, _ = observed(made, validated, documents=[made.document], **options)
    assert kind == "refused"
    assert message in messages[0]


def test_reports_obey_their_arguments(made):
    program = program_of(made)
    result = arazzo_runner.run(program, inputs={"id": 7})
    page = arazzo_runner.render_report("html", result)
    shown = {
        "kind": arazzo_runner.render_report("junit", result),
        "runs": arazzo_runner.render_report("html", {"a name": result}),
        "program": arazzo_runner.render_report("html", result, program=program),
    }
    assert set(shown) == set(inspect.signature(arazzo_runner.render_report).parameters)
    assert [name for name, text in shown.items() if text == page] == []


def test_credentials_obey_their_arguments(made, monkeypatch):
    program = program_of(made)
    entry = made.write("keys.yml", "pets: {key: key-from-the-file}\nstaging: {key: key-of-staging}\n")

    def sent(**given: Any) -> str:
        kind, _, requests, *_ = observed(made, arazzo_runner.run, program, **USUAL, credentials=Credentials(**given))
        assert kind == "done"
        return "".join(requests)

    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    nothing = sent()
    shown = {
        "values": sent(values={"pets": {"key": "key-that-is-given"}}),
        "environment": sent(environment={"ARAZZO_AUTH_PETS_KEY": "key-of-the-environment"}),
        "file": sent(file=entry),
        "keyring": nothing if Credentials(keyring=False).has_keyring else sent(file=entry),
        "names": sent(file=entry, names={"pets.key": "staging.key"}),
    }
    assert set(shown) == set(inspect.signature(Credentials).parameters)
    assert [name for name, requests in shown.items() if requests == nothing] == []
    assert "key-of-staging" in shown["names"]


class Transport:
    """An httpx transport of a test."""

    def handle_request(self, request: Any) -> Any:
        """Answer no request."""
        raise OSError("the transport of the test")

    def close(self) -> None:
        """There is nothing to close."""


@pytest.mark.parametrize("name", ["BlockingWorld", "AsyncWorld"])
def test_worlds_obey_their_arguments(made, name):
    kind = getattr(arazzo_runner, name)
    program = program_of(made)

    def result(**given: Any) -> Any:
        if name == "BlockingWorld":
            with BlockingWorld(**given) as world:
                return outcome_of(arazzo_runner.run(program, inputs={"id": 7}, world=world))

        async def run() -> Any:
            async with arazzo_runner.AsyncWorld(**given) as world:
                return outcome_of(await arazzo_runner.arun(program, inputs={"id": 7}, world=world))

        import asyncio

        return asyncio.run(run())

    base = result()
    shown = {
        "max_response_size": result(max_response_size=3),
        "options": result(options=TransportOptions(proxies={"127.0.0.1": "http://127.0.0.1:9"})),
    }
    assert {*shown, "transport"} == set(inspect.signature(kind).parameters)
    assert [each for each, found in shown.items() if found == base] == []
    if name == "BlockingWorld":
        assert result(transport=Transport()) != base
    own = Transport() if name == "BlockingWorld" else httpx.MockTransport(lambda request: httpx.Response(200))
    with pytest.raises(arazzo_runner.InvalidUsage, match="a transport of its own"):
        kind(transport=own, options=TransportOptions(proxies={"127.0.0.1": "http://127.0.0.1:9"}))


def test_the_options_of_a_world_may_be_repeated(made):
    options = TransportOptions(http2=False)
    with BlockingWorld(options=options, max_response_size=5000) as world:
        given = RunOptions(transport=options, max_response_size=5000)
        result = arazzo_runner.run(program_of(made), inputs={"id": 7}, world=world, options=given)
    assert result.status == "succeeded"


def test_functions_of_python_values():
    secrets = arazzo_runner.Secrets(["a-secret-text"])
    assert (secrets.mask("a-secret-text"), arazzo_runner.Secrets().mask("a-secret-text")) == ("***", "a-secret-text")
    assert arazzo_runner.replace(RunOptions(), timeout=3) != RunOptions()
    assert str(arazzo_runner.StopRun("why")) == "why"
    assert str(arazzo_runner.UnknownStep("why")) == "why"
    files = [arazzo_runner.File(b"a"), arazzo_runner.File(b"b"), arazzo_runner.File(b"a", "a.txt")]
    files.append(arazzo_runner.File(b"a", "a.txt", "text/css"))  # tests/e2e/test_files.py sends them
    assert len({(bytes(each), each.filename, each.content_type) for each in files}) == len(files)


def test_functions_of_results_and_programs(made):
    def interrupt(event: Any, secrets: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as raised:
        arazzo_runner.run(made.document, **USUAL, on_event=interrupt)
    result = arazzo_runner.partial_result(raised.value)
    assert result is not None
    assert arazzo_runner.partial_result(KeyboardInterrupt()) is None
    assert arazzo_runner.to_dict(result)["status"] == result.status == "interrupted"
    step = result.steps[0]
    assert arazzo_runner.to_dict(step) == arazzo_runner.to_dict(step, arazzo_runner.Secrets(["a-secret-text"]))
    hidden = arazzo_runner.replace(step, reason="a-secret-text")
    assert arazzo_runner.to_dict(hidden) != arazzo_runner.to_dict(hidden, arazzo_runner.Secrets(["a-secret-text"]))
    look, other = (arazzo_runner.load(made.document, name) for name in ("look", "nested"))
    assert arazzo_runner.inputs_schema(look) != arazzo_runner.inputs_schema(other)
