"""Every argument of the functions that make durable runs: it changes what is sent or stored, or is refused."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from arazzo_runner import InvalidUsage, LoadOptions, RunOptions, durable_runs
from tests.arguments.place import Place, observed, place, program_of

ARGUMENTS: dict[str, Callable[[Place], Mapping[str, Any]]] = {
    "document": lambda made: {"document": made.write("other.yml", made.document.read_text().replace("$.tag", "$.id"))},
    "workflow_id": lambda made: {"workflow_id": "nested"},
    "inputs": lambda made: {"inputs": {"id": 8}},
    "run_id": lambda made: {"run_id": "a-name"},
    "idempotency_keys": lambda made: {"idempotency_keys": True},
    "options": lambda made: {"options": RunOptions(user_agent="another/1")},
    "on_event": lambda made: {"listens": True},
    "servers": lambda made: {"servers": {"pets": made.other.url}},
    "load_options": lambda made: {"load_options": LoadOptions(server_variables={"region": "us"})},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with place(tmp_path_factory.mktemp("durable")) as found:
        yield found


@pytest.fixture(scope="module")
def runtime(made: Place) -> Iterator[Any]:
    pytest.importorskip("dbos")
    with durable_runs.opened(str(made.folder / "store.db"), {}) as found:
        yield found


@pytest.mark.parametrize("name", ["run", "arun"])
def test_every_argument_changes_something(made, runtime, name):
    function = getattr(durable_runs, name)
    assert set(inspect.signature(function).parameters) == {"runtime", *ARGUMENTS}

    def call(**options: Any) -> Any:
        outcome = function(runtime, **options)
        if asyncio.iscoroutine(outcome):
            outcome = asyncio.run(outcome)
        spec = runtime.show(outcome.run_id).spec
        stored = spec.bundle, spec.workflow_id, spec.document, spec.inputs, spec.idempotency_keys, spec.options
        return (
            stored,
            outcome.run_id if outcome.run_id == "a-name" else "",
            outcome.result.status,
            outcome.result.outputs,
        )

    usual = {"document": made.document, "workflow_id": "look", "inputs": {"id": 7}}
    base = observed(made, call, **usual)
    assert base[0] == "done"
    unchanged = []
    for argument, given in ARGUMENTS.items():
        if observed(made, call, **{**usual, **given(made)}) == base:
            unchanged.append(argument)
        if argument == "run_id":
            runtime.delete("a-name")
    assert unchanged == []


@pytest.mark.parametrize("name", ["run", "arun"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"servers": {"pet": "http://x.test"}}, 'did you mean "pets"', id="an unknown source"),
        pytest.param({"load_options": LoadOptions(server_variables={"regoin": "x"})}, 'did you mean "region"', id="an unknown variable"),
        pytest.param({"options": RunOptions(timeout=-1)}, "timeout", id="a number out of range"),
        pytest.param({"run_id": "no name"}, "is not a valid run id", id="a run id that is none"),
    ],
)  # fmt: skip
def test_what_cannot_be_obeyed_is_refused(made, runtime, name, options, message):
    function = getattr(durable_runs, name)
    kind, messages, sent = observed(made, function, runtime, made.document, "look", {"id": 7}, **options)[:3]
    assert (kind, sent) == ("refused", [])
    assert message in messages[0]


def test_a_program_is_refused(made, runtime):
    kind, messages, _ = observed(made, durable_runs.run, runtime, program_of(made), inputs={"id": 7})
    assert (kind, messages[0].startswith("a durable run cannot be made of a Program")) == ("refused", True)


def test_the_arguments_of_a_store_change_something(tmp_path: Path):
    pytest.importorskip("dbos")
    with (
        durable_runs.opened(str(tmp_path / "a.db"), {}) as one,
        durable_runs.opened(str(tmp_path / "b.db"), {}) as other,
    ):
        assert one.store != other.store
    with durable_runs.opened(None, {"ARAZZO_STORE": str(tmp_path / "c.db")}) as found:
        assert str(tmp_path / "c.db") in found.store.shown
    with pytest.raises(InvalidUsage):
        durable_runs.opened("nothing://here", {})
